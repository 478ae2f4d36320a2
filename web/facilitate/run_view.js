/**
 * What a facilitator sees at a glance, out of the session's own account of itself. Pure: no DOM, no clock.
 *
 *   SessionNow + roster + who spoke when + now -> glance, next step, people
 *
 * Who spoke is counted in turns, from the places of posts alone: what they said is not looked at.
 *
 * @typedef {{t: string} & Record<string, unknown>} Command without its `id`; `room` where it is another than the session's
 * @typedef {{index: number, of: number, title: string, prompt?: string, round?: boolean}} Part
 * @typedef {{handle: string, since: number, until?: number | null}} Turn
 * @typedef {{prompt: string, todo: string[], done?: string[], passed?: string[]}} Round
 * @typedef {object} Floor
 * @property {boolean} [by_hand]
 * @property {boolean} [unheard_first]
 * @property {boolean} [queue_open]
 * @property {string[]} [hands] in the order that counts
 * @property {Turn | null} [turn]
 * @property {Round | null} [round]
 * @typedef {{handle: string, limit: string, rule?: string, reason?: string}} Limited
 * @typedef {object} Staff what only facilitators are told
 * @property {string} [room] the back channel
 * @property {string[]} [members] participants with a place, as they came
 * @property {number} [poll_k] results of a poll are shown when so many have voted
 * @property {string} [erase] when what was said goes: "at_close" or "after_24h"
 * @property {string[]} [waiting]
 * @property {Limited[]} [limited]
 * @property {string[]} [unheard]
 * @property {string[]} [facilitators] who of them is here
 * @property {Record<string, string>} [lines] the room of each member's line
 * @property {Record<string, number>} [turns] how often each has spoken, up to `seq`
 * @property {boolean | number} [suggest_split]
 * @property {boolean} [ask_second]
 * @typedef {object} SessionNow the frame `session` of docs/protocol.md, as far as the console reads it
 * @property {number} seq
 * @property {number} now
 * @property {string} title
 * @property {string} phase
 * @property {number} [since]
 * @property {number | null} [until]
 * @property {Part | null} [item]
 * @property {{title: string, minutes: number, phase: string}[]} [agenda]
 * @property {number} [starts_at]
 * @property {number} [ends_at]
 * @property {number} [closes_at]
 * @property {number | null} [next_at]
 * @property {number | null} [erase_at] when what was said goes, at the latest; from the close on
 * @property {{why: string, since: number, until?: number | null} | null} [pause]
 * @property {Floor} [floor]
 * @property {number[]} [pins]
 * @property {{id: number, question: string, options: string[], votes?: number, results?: number[] | null} | null} [poll]
 * @property {boolean} [locked]
 * @property {number} [capacity]
 * @property {number} [minimum]
 * @property {number} [members]
 * @property {number} [missing]
 * @property {{id: number, until?: number | null, groups: string[][], rooms: string[]} | null} [breakouts]
 * @property {string[][]} [resources]
 * @property {string[][]} [support]
 * @property {Staff | null} [staff]
 *
 * @typedef {object} Step what the one large button does
 * @property {string} label
 * @property {Command | null} command null: closing, which asks first
 * @property {string} hint what to know about it, "" for nothing
 * @typedef {object} Glance
 * @property {string} phase one word
 * @property {string} part what is on, "" for nothing
 * @property {string} left of it: "12 min left"; "" where nothing is planned
 * @property {number} passed 0 to 1 of the time of this part
 * @property {boolean} over past its planned end
 * @property {string} end when all ends
 * @property {Step | null} next
 *
 * @typedef {object} Row one person
 * @property {string} handle
 * @property {boolean} own
 * @property {boolean} facilitator
 * @property {boolean} here
 * @property {boolean} away
 * @property {boolean} typing
 * @property {boolean} floor has the floor
 * @property {number} hand place among the raised hands, 0 for none
 * @property {boolean} unheard
 * @property {number} turns
 * @property {number} share of the one who spoke most, 0 to 1
 * @property {string[]} limits
 * @property {number} group of the small groups, 0 for none
 * @property {string} line room of their line, "" where it is not known
 */

import { say } from "../words/say.js";
import * as words from "./words.js";

/** Posts of one person with nobody between them are one turn, unless so many seconds lie between. */
export const TURN_S = 5 * 60;
const RUNNING = new Set(["opening", "open", "paused", "winding_down", "closing_round"]);

/** Whether the group talks now, or would. @param {SessionNow} session */
export function running(session) {
  return RUNNING.has(session.phase);
}

/** @param {SessionNow} session @param {number} now Unix seconds, the server's @returns {Glance} */
export function glance(session, now) {
  const groups = session.pause ? null : (session.breakouts ?? null);
  const begin = session.pause?.since ?? session.since ?? now;
  const until = (session.pause ?? groups ?? session).until ?? null;
  const whole = until === null ? 0 : until - begin;
  const passed = whole > 0 ? (now - begin) / whole : 1;
  // Who waits for the last ones to come is not late: nothing runs over before it has begun.
  const over = running(session) && until !== null && now > until;
  return {
    phase: words.phase(session.phase),
    part: part(session),
    // Before it has begun, `end` says when it does.
    left: until === null || !running(session) ? "" : words.left(until - now),
    // When the groups began is not said: nothing of their time is shown as passed.
    passed: until === null || groups ? 0 : Math.min(1, Math.max(0, passed)),
    over,
    end: end(session, now),
    next: nextStep(session),
  };
}

/** @param {SessionNow} session */
function part(session) {
  if (session.pause) return session.pause.why === "no_facilitator" ? say("facilitate.part_no_facilitator") : say("facilitate.part_quiet");
  if (session.breakouts) return say("facilitate.part_groups");
  if (!running(session)) return "";
  return session.item?.title ?? say("facilitate.part_check_out");
}

/** @param {SessionNow} session @param {number} now */
function end(session, now) {
  const { starts_at, ends_at, closes_at } = session;
  if (session.phase === "scheduled" || session.phase === "lobby") {
    if (starts_at === undefined) return "";
    return starts_at > now ? say("facilitate.begins_in", { span: words.span(starts_at - now) }) : say("facilitate.begin_now");
  }
  if (!running(session) || ends_at === undefined) return "";
  if (ends_at > now) return say("facilitate.to_the_end", { span: words.span(ends_at - now) });
  return closes_at === undefined ? "" : say("facilitate.closes_in", { span: words.span(closes_at - now) });
}

/** @param {SessionNow} session @returns {Step | null} */
export function nextStep(session) {
  if (session.phase === "scheduled") return { label: say("facilitate.next_lobby"), command: { t: "move", phase: "lobby" }, hint: "" };
  if (session.phase === "lobby") {
    const missing = session.missing ?? 0;
    const hint = missing > 0 ? say("facilitate.next_missing", { count: missing, here: session.members ?? 0 }) : "";
    return { label: say("facilitate.next_begin"), command: { t: "move", item: 0 }, hint };
  }
  if (session.phase === "paused") {
    const alone = session.pause?.why === "no_facilitator";
    return { label: alone ? say("facilitate.next_take_over") : say("facilitate.next_resume"), command: { t: "resume" }, hint: "" };
  }
  if (!running(session)) return null;
  if (session.breakouts) return { label: say("facilitate.next_recall"), command: { t: "recall" }, hint: "" };
  const { item } = session;
  if (item) {
    const part = session.agenda?.[item.index + 1]?.title ?? say("facilitate.part_check_out");
    return { label: say("facilitate.next_part", { part }), command: { t: "move", item: item.index + 1 }, hint: "" };
  }
  return { label: say("facilitate.next_close"), command: null, hint: "" };
}

/**
 * Turns by handle, from the places of posts.
 *
 * @param {Iterable<{seq: number, handle: string, at: number}>} posts in any order
 * @param {SessionNow | null} [session] what its `staff.turns` says counts for what lies before its `seq`
 * @returns {Map<string, number>}
 */
export function turns(posts, session = null) {
  const known = session?.staff?.turns;
  const from = known ? (session?.seq ?? 0) : 0;
  const counted = new Map(Object.entries(known ?? {}));
  /** @type {{seq: number, handle: string, at: number} | null} */
  let last = null;
  for (const post of [...posts].sort((a, b) => a.seq - b.seq)) {
    const begins = last === null || last.handle !== post.handle || post.at - last.at >= TURN_S;
    if (begins && post.seq > from) counted.set(post.handle, (counted.get(post.handle) ?? 0) + 1);
    last = post;
  }
  return counted;
}

/**
 * Everybody, in an order in which nobody jumps: participants as they came, then facilitators.
 *
 * @param {SessionNow} session
 * @param {{roster: import("../client/presence.js").Roster, me: string, turns: ReadonlyMap<string, number>, typing: ReadonlySet<string>}} around
 * @returns {Row[]}
 */
export function people(session, { roster, me, turns: spoken, typing }) {
  const staff = session.staff ?? {};
  const here = roster.people;
  const named = [...here.values()].filter((one) => one.role === "facilitator").map((one) => one.handle);
  const facilitators = new Set([...(staff.facilitators ?? []), ...named, me]);
  const members = (staff.members ?? []).filter((handle) => !facilitators.has(handle));
  const elsewhere = new Set([...facilitators, ...members, ...(staff.waiting ?? [])]);
  const others = [...here.keys()].filter((handle) => !elsewhere.has(handle));
  // Somebody who was removed is still to be seen, so that they can be let in again.
  const limited = (staff.limited ?? []).map((one) => one.handle);
  const group = [...new Set([...members, ...others, ...limited])];
  const most = Math.max(1, ...group.map((handle) => spoken.get(handle) ?? 0));
  return [...group, ...[...facilitators].sort()].map((handle) => {
    const facilitator = facilitators.has(handle);
    const said = spoken.get(handle) ?? 0;
    return {
      handle,
      own: handle === me,
      facilitator,
      here: here.has(handle) || handle === me,
      away: Boolean(here.get(handle)?.away),
      typing: typing.has(handle),
      floor: session.floor?.turn?.handle === handle,
      hand: (session.floor?.hands ?? []).indexOf(handle) + 1,
      unheard: running(session) && !facilitator && (staff.unheard ?? []).includes(handle) && said === 0,
      turns: said,
      share: facilitator ? 0 : said / most,
      limits: (staff.limited ?? []).filter((one) => one.handle === handle).map((one) => one.limit),
      group: (session.breakouts?.groups ?? []).findIndex((one) => one.includes(handle)) + 1,
      line: staff.lines?.[handle] ?? "",
    };
  });
}

/** What the numbers alone ask of a facilitator. @param {SessionNow} session @returns {string[]} */
export function advice(session) {
  const { ask_second, suggest_split, waiting = [] } = session.staff ?? {};
  return [
    ...(ask_second ? [say("facilitate.advice_second")] : []),
    ...(suggest_split ? [say("facilitate.advice_split")] : []),
    ...(waiting.length > 0 ? [say("facilitate.advice_waiting", { count: waiting.length })] : []),
  ];
}

/** What is on about the floor, in one line. @param {SessionNow} session @param {number} now */
export function floorLine(session, now) {
  const { turn, round, by_hand } = session.floor ?? {};
  if (session.phase === "closed" || session.phase === "cancelled") return say("facilitate.floor_over");
  if (!running(session)) return say("facilitate.floor_later");
  if (session.pause) return say("facilitate.floor_quiet");
  if (round) {
    const gone = (round.done?.length ?? 0) + (round.passed?.length ?? 0);
    const all = gone + round.todo.length;
    const [handle] = round.todo;
    return handle === undefined ? say("facilitate.round_over", { all }) : say("facilitate.round_at", { gone, all, name: words.names([handle]) });
  }
  if (turn) {
    const name = words.Name(turn.handle);
    return turn.until ? say("facilitate.floor_has_until", { name, left: words.left(turn.until - now) }) : say("facilitate.floor_has", { name });
  }
  return by_hand ? say("facilitate.floor_by_hand") : say("facilitate.floor_free");
}
