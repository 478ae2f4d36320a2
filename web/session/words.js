/** The sentences that say how a session stands, made from what `view.js` works out. No DOM. */

import { name } from "../room/words.js";
import { away, lasting, list, say, when } from "../words/say.js";
import { minutesLeft, stretch, where } from "./view.js";

/**
 * @typedef {import("./view.js").SessionNow} SessionNow
 * @typedef {import("../client/wire.js").Told} Told
 */

const RULES = new Map([
  ["what_is_said_stays", "session.rule_what_is_said_stays"],
  ["no_advice", "session.rule_no_advice"],
  ["no_identifying", "session.rule_no_identifying"],
  ["no_patients", "session.rule_no_patients"],
  ["kindness", "session.rule_kindness"],
  ["off_topic", "session.rule_off_topic"],
  ["other", "session.rule_other"],
]);

/** A rule as everybody knows it; "" for none. @param {string | undefined} rule */
export function ruleOf(rule) {
  const key = RULES.get(rule ?? "");
  return key === undefined ? "" : say(key);
}

/** @param {readonly string[]} handles */
export function names(handles) {
  return list(handles.map(name));
}

/** @param {number} seconds Unix */
export function clock(seconds) {
  return when(seconds * 1000, "time");
}

/** @param {SessionNow} now @param {number} at @param {readonly string[]} facilitators who are here @param {string} me */
export function happening(now, at, facilitators, me) {
  const { what, title, until } = stretch(now, at);
  if (what === "lobby") return { title: say("session.lobby"), lines: [begins(now, at), ...gathering(now, facilitators)] };
  if (what === "waits") return { title: say("session.waits"), lines: gathering(now, facilitators) };
  if (what === "scheduled") return { title: say("session.scheduled"), lines: [begins(now, at)] };
  if (what === "quiet") return { title: say("session.quiet"), lines: [until === null ? say("session.quiet_open") : say("session.quiet_until", { time: clock(until) })] };
  if (what === "alone") return { title: say("session.alone"), lines: [] };
  if (what === "group") return { title: inGroup(now, me), lines: [until === null ? say("session.group_until_called") : say("session.group_until", { time: clock(until) })] };
  if (what === "checkout") return { title: say("session.checkout"), lines: [say("session.checkout_until", { time: clock(until ?? now.closes_at) })] };
  if (what === "over") return { title: say("session.over"), lines: [] };
  if (what === "cancelled") return { title: say("session.cancelled"), lines: [] };
  return { title, lines: part(now, at, until) };
}

/** @param {SessionNow} now @param {number} at @param {number | null} until */
function part(now, at, until) {
  const lines = [];
  if (now.item) lines.push(say("session.part", { part: now.item.index + 1, of: now.item.of }));
  const left = minutesLeft(until, at);
  if (left !== null) lines.push(left === 0 ? say("session.left_little") : say("session.left", { count: left }));
  return lines;
}

/** @param {SessionNow} now @param {number} at */
function begins(now, at) {
  const left = now.starts_at - at;
  return left < 45 ? say("session.begin_little") : say("session.lobby_begins", { away: away(left) });
}

/** @param {SessionNow} now @param {readonly string[]} facilitators */
function gathering(now, facilitators) {
  const lines = now.missing ? [say("session.missing", { count: now.missing })] : [];
  if (facilitators.length === 0) lines.push(say("session.facilitator_coming"));
  else if (facilitators.length === 1) lines.push(say("session.facilitator_is", { names: names(facilitators) }));
  else lines.push(say("session.facilitators_are", { names: names(facilitators) }));
  return lines;
}

/** @param {SessionNow} now @param {string} me */
function inGroup(now, me) {
  const at = now.breakouts?.rooms.indexOf(now.you.group ?? "") ?? -1;
  const others = (now.breakouts?.groups[at] ?? []).filter((handle) => handle !== me);
  return others.length > 0 ? say("session.group_with", { names: names(others) }) : say("session.group");
}

/** For somebody who comes late: a few short sentences. @param {SessionNow} now @param {number} at */
export function whereWeAre(now, at) {
  const here = where(now, at);
  const since = lasting(60 * here.minutesIn);
  return [
    ...(here.title ? [say("session.where_part", { part: here.part, of: here.of, title: here.title })] : []),
    ...(here.minutesIn === 0 ? [] : [here.minutesLeft > 0 ? say("session.where_time", { since, left: lasting(60 * here.minutesLeft) }) : say("session.where_end", { since })]),
    ...(here.speaker ? [say("session.where_speaker", { name: name(here.speaker) })] : []),
    say("session.where_last"),
  ];
}

/** What one may do about the floor, in a sentence; "" where there is nothing to say. @param {import("./view.js").Standing} standing @param {SessionNow} now @param {number} at */
export function floorLine(standing, now, at) {
  const { state, speaker, place, raised, until } = standing;
  const who = name(speaker);
  if (state === "muted") return say("session.muted");
  if (state === "turn") return until !== null && at >= until ? say("session.turn_over") : say("session.turn");
  if (state === "round_turn") return say("session.round_turn");
  if (state === "round_waits") return say("session.round_waits", { name: who, count: Math.max(1, place - 1) });
  if (state === "round_done") return say("session.round_done", { name: who });
  if (raised) return say("session.hand_place", { count: place });
  if (state === "other_turn") return say("session.turn_other", { name: who });
  if (now.you.held) return say("session.held");
  if (standing.queueClosed) return say("session.hands_closed");
  return standing.mayRaise && !standing.mayPost ? say("session.by_hand") : "";
}

const TOLD = new Map([
  ["hidden", "session.told_hidden"],
  ["shown", "session.told_shown"],
  ["mute", "session.told_mute"],
  ["mute off", "session.told_mute_off"],
  ["hold", "session.told_hold"],
  ["hold off", "session.told_hold_off"],
  ["remove", "session.told_remove"],
  ["remove off", "session.told_remove_off"],
  ["approved", "session.told_approved"],
  ["declined", "session.told_declined"],
  ["upheld", "session.told_upheld"],
  ["overturned", "session.told_overturned"],
]);

/** @param {Told} told */
export function toldLine({ what, on }) {
  const key = on === false && (what === "mute" || what === "hold" || what === "remove") ? `${what} off` : what;
  return say(TOLD.get(key) ?? "session.told");
}

/** What may be looked at again. @param {Told} told */
export function mayAppeal({ what, on }) {
  return on !== false && (what === "hidden" || what === "mute" || what === "hold" || what === "remove" || what === "declined");
}

/** @type {ReadonlyMap<string, string>} */
const PHASES = new Map([
  ["lobby", "session.note_lobby"],
  ["opening", "session.note_opening"],
  ["open", "session.note_open"],
  ["winding_down", "session.note_winding_down"],
  ["closing_round", "session.note_closing_round"],
  ["closed", "session.note_closed"],
  ["cancelled", "session.note_cancelled"],
]);

/** @param {string} phase */
export function phaseNote(phase) {
  const key = PHASES.get(phase);
  return key === undefined ? "" : say(key);
}
