/** How the console says what the wire has names for: phases, rules, limits, time left. No DOM. */

import { name } from "../room/words.js";
import { first, lasting, list, say } from "../words/say.js";

/** The ground rules that a deed may be about, as `rooms/session_commands.py` names them, in the order offered. */
export const RULES = /** @type {const} */ (["kindness", "no_advice", "no_identifying", "no_patients", "what_is_said_stays", "off_topic", "other"]);

/** @param {string} phase */
export function phase(phase) {
  return say(`facilitate.phase_${phase}`);
}

/** @param {string} rule */
export function rule(rule) {
  return say(`facilitate.rule_${rule}`);
}

/** Seconds to the minute and a half, minutes from there on. @param {number} seconds at least 0 */
export function span(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  return lasting(whole < 90 && whole !== 60 ? Math.min(whole, 59) : whole);
}

/** @param {number} seconds may be past */
export function left(seconds) {
  return seconds >= 0 ? say("facilitate.left", { span: span(seconds) }) : say("facilitate.over", { span: span(-seconds) });
}

/** "one", "one and two", "one, two and three" @param {readonly string[]} handles */
export function names(handles) {
  return list(handles.map(name));
}

/** At the beginning of a sentence. @param {string} handle */
export function Name(handle) {
  return first(name(handle));
}

/** What was done to somebody. @param {string} limit @param {string} handle @param {boolean} on */
export function limited(limit, handle, on) {
  return say(`facilitate.limit_${limit}_${on ? "on" : "off"}`, { name: Name(handle) });
}

/** @param {string} way "ws", "sse" or "poll" @param {import("../client/connection.js").ConnectionState} state @param {boolean} seated */
export function line(way, state, seated) {
  if (state === "offline") return say("facilitate.line_offline");
  if (state === "ended") return say("facilitate.line_ended");
  if (state !== "open" || !seated) return say("facilitate.line_away");
  return way === "ws" ? say("facilitate.line_ws") : say("facilitate.line_slower");
}
