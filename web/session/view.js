/**
 * What a participant is shown of a session, worked out from how it stands. Pure: no DOM, no words, no clock.
 *
 * `now` is `SessionNow` as the server sent it, `at` is Unix seconds by the server's clock, `me` one's handle.
 * Everything is derived afresh each time: nothing here remembers.
 *
 * @typedef {import("../client/wire.js").SessionNow} SessionNow
 */

/** The phases in which the group is together, or would be. */
const RUNNING = new Set(["opening", "open", "paused", "winding_down", "closing_round"]);
/** Who comes so long after the beginning is told where the group is. */
export const LATE_S = 90;
/** A bar that is nearly over says nothing in minutes. */
const NEARLY_S = 45;

/** @param {SessionNow} now */
export function running(now) {
  return RUNNING.has(now.phase);
}

/** After the last part of the agenda: whoever likes stays a little. @param {SessionNow} now */
export function checkingOut(now) {
  return running(now) && now.phase !== "paused" && now.item == null;
}

/**
 * @typedef {object} Stretch what is on, from when to when
 * @property {"scheduled" | "lobby" | "waits" | "part" | "checkout" | "quiet" | "alone" | "group" | "over" | "cancelled"} what
 *   "waits": the lobby, after the planned beginning, for want of people; "alone": no facilitator is here
 * @property {string} title of the part, "" where there is none
 * @property {number | null} from @property {number | null} until
 */

/** @param {SessionNow} now @param {number} at @returns {Stretch} */
export function stretch(now, at) {
  const { phase, pause, breakouts, you } = now;
  const until = now.until ?? null;
  if (phase === "cancelled") return { what: "cancelled", title: "", from: null, until: null };
  if (phase === "closed") return { what: "over", title: "", from: null, until: null };
  if (phase === "scheduled") return { what: "scheduled", title: "", from: null, until: now.starts_at };
  if (phase === "lobby") {
    const waits = at >= now.starts_at;
    return { what: waits ? "waits" : "lobby", title: "", from: waits ? null : now.since, until: waits ? null : now.starts_at };
  }
  if (pause) {
    const what = pause.why === "quiet" ? "quiet" : "alone";
    return { what, title: "", from: pause.since, until: pause.until ?? null };
  }
  if (you.group && breakouts) return { what: "group", title: "", from: null, until: breakouts.until ?? null };
  if (now.item == null) return { what: "checkout", title: "", from: now.ends_at, until: now.closes_at };
  const minutes = now.agenda[now.item.index]?.minutes ?? 0;
  return { what: "part", title: now.item.title, from: until === null ? null : until - 60 * minutes, until };
}

/**
 * How much of a stretch is over, 0 to 1, in steps that nobody sees tick; null where nobody knows its end.
 *
 * @param {{from: number | null, until: number | null}} stretch @param {number} at
 */
export function share({ from, until }, at) {
  if (from === null || until === null || until <= from) return null;
  return Math.round(Math.min(1, Math.max(0, (at - from) / (until - from))) * 200) / 200;
}

/** How many whole minutes are left, at least 1; 0 where it is nearly over; null where nobody knows. @param {number | null} until @param {number} at */
export function minutesLeft(until, at) {
  if (until === null) return null;
  const left = until - at;
  return left < NEARLY_S ? 0 : Math.max(1, Math.round(left / 60));
}

/**
 * @typedef {object} Standing what one may do about the floor just now, and why not
 * @property {"none" | "turn" | "round_turn" | "round_waits" | "round_done" | "other_turn" | "muted"} state
 * @property {string} speaker who has the floor; "" for nobody
 * @property {number | null} until a soft end of one's own turn
 * @property {number | null} since
 * @property {number} place of one's raised hand or in the round, from 1; 0 for none
 * @property {boolean} mayRaise @property {boolean} raised
 * @property {boolean} mayPost by the floor alone
 * @property {boolean} queueClosed a hand cannot be raised any more, because the end is near
 */

/** @param {SessionNow} now @param {string} me @returns {Standing} */
export function standing(now, me) {
  const { floor, you } = now;
  const hands = floor.hands ?? [];
  const round = floor.round ?? null;
  const turn = floor.turn ?? null;
  const facilitator = you.facilitator === true;
  // In a small group whoever likes writes: whose turn it is, is the whole group's business.
  const apart = Boolean(you.group && now.breakouts);
  const speaker = round ? (round.todo[0] ?? "") : (turn?.handle ?? "");
  const mine = !apart && speaker === me && speaker !== "";
  const talking = running(now) && !now.pause && you.member === true;
  /** @type {Standing["state"]} */
  let state = "none";
  if (you.muted) state = "muted";
  else if (apart) state = "none";
  else if (round) state = mine ? "round_turn" : round.todo.includes(me) ? "round_waits" : "round_done";
  else if (turn) state = mine ? "turn" : "other_turn";
  return {
    state: talking || facilitator ? state : "none",
    speaker,
    until: mine && !round ? (turn?.until ?? null) : null,
    since: mine && !round ? (turn?.since ?? null) : null,
    place: round ? round.todo.indexOf(me) + 1 : hands.indexOf(me) + 1,
    mayRaise: talking && !facilitator && !you.muted && floor.queue_open === true && !mine,
    raised: hands.includes(me),
    mayPost: facilitator || apart || !floor.by_hand || !running(now) || mine,
    queueClosed: talking && !facilitator && floor.queue_open !== true && (now.phase === "winding_down" || now.phase === "closing_round"),
  };
}

/**
 * What is asked of somebody, or told: one thing at a time, the most urgent first.
 *
 * @param {SessionNow | null} now null where one was put out of the room
 * @param {{word: {state: string}, unreadTold: boolean, whispered: boolean, late: boolean, passed?: string | null | undefined}} how
 *   `word` as `wordOf` says; `unreadTold`, `whispered`: in one's line, and not looked at yet; `passed`: the
 *   check-in that one left out, "before" or "after"
 * @returns {"word" | "told" | "whisper" | "rules" | "alone" | "poll" | "where" | "check_in" | "checkout" | "waits" | ""}
 */
export function card(now, { word, unreadTold, whispered, late, passed }) {
  if (word.state === "offered") return "word";
  if (unreadTold) return "told";
  if (whispered) return "whisper";
  if (now === null) return "";
  if (now.you.member && !now.you.accepted) return "rules";
  if (now.pause) return now.pause.why === "no_facilitator" ? "alone" : "";
  if (now.poll && now.you.member && !now.you.voted && running(now)) return "poll";
  if (late && running(now)) return "where";
  if (now.you.check_in && now.you.check_in !== passed) return "check_in";
  if (checkingOut(now)) return "checkout";
  return "";
}

/**
 * Where the group is, for somebody who comes in the middle: which part, how far (0 minutes in: it began before
 * its time), who speaks.
 *
 * @param {SessionNow} now @param {number} at
 */
export function where(now, at) {
  const { item, floor } = now;
  return {
    part: item ? item.index + 1 : now.agenda.length,
    of: now.agenda.length,
    title: item?.title ?? "",
    minutesIn: Math.max(0, Math.round((at - now.starts_at) / 60)),
    minutesLeft: Math.max(0, Math.round((now.ends_at - at) / 60)),
    speaker: floor.round?.todo[0] ?? floor.turn?.handle ?? "",
  };
}

/** Whether somebody who is here from `at` on came late. @param {SessionNow} now @param {number} at */
export function cameLate(now, at) {
  return running(now) && (at - now.starts_at >= LATE_S || now.item == null || now.item.index > 0);
}

/** Whether there is a place to write just now; the words in it are kept anyhow. @param {SessionNow} now */
export function mayWrite(now) {
  return (running(now) || now.phase === "lobby") && !now.pause && !now.you.muted;
}

/**
 * The results of a poll as parts of the most chosen one, for bars; null where they are not shown.
 *
 * @param {readonly number[] | null | undefined} results
 */
export function bars(results) {
  if (!results) return null;
  const most = Math.max(1, ...results);
  return results.map((votes) => ({ votes, share: votes / most }));
}

/** The events of a session that are worth a line to a participant. @param {import("../client/timeline.js").NoteItem["event"]} event */
export function shows(event) {
  if (event.t === "phase_changed" && event.phase === "lobby") return false;
  return event.t !== "told" && event.t !== "word_offered" && event.t !== "word_answered" && event.t !== "word_ended" && event.t !== "resumed";
}
