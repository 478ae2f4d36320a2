/** Sessions as the lobby shows them: what is on, what comes next in the visitor's own time, and a calendar. */

import { el } from "../room/dom.js";
import { away, chosen, list, say, when } from "../words/say.js";
import { asks } from "./card.js";

/**
 * @typedef {{starts_at: number, ends_at: number, lobby_minutes?: number}} Occurrence Unix seconds
 * @typedef {{room: string, title: string, about?: string, phase?: string | null, live: boolean, open: boolean, door?: string,
 *            next: Occurrence[]}} SessionInfo
 */

/** How often one is asked to look: what begins within a day is counted in hours and minutes. */
const SOON_S = 86_400;

/**
 * What is on first, then by the next date; without one, last.
 *
 * @param {readonly SessionInfo[]} sessions
 */
export function inOrder(sessions) {
  /** @param {SessionInfo} one */
  const at = (one) => (one.live ? 0 : (one.next[0]?.starts_at ?? Infinity));
  return [...sessions].sort((a, b) => at(a) - at(b) || a.title.localeCompare(b.title));
}

/** When it is, in a few words. @param {SessionInfo} session @param {number} now Unix seconds */
export function whenIs({ live, phase, next }, now) {
  const [first, ...then] = next;
  if (phase === "lobby") return [say("lobby.session_lobby"), ...(first ? [begins(first, now)] : [])];
  if (live) return [say("lobby.session_live")];
  if (!first) return [say("lobby.session_none")];
  const later = then.map((one) => when(one.starts_at * 1000, "day"));
  return [begins(first, now), ...(later.length > 0 ? [say("lobby.session_then", { dates: list(later) })] : [])];
}

/** @param {Occurrence} occurrence @param {number} now */
function begins({ starts_at }, now) {
  const far = starts_at - now;
  const exact = far < SOON_S / 2 ? when(starts_at * 1000, "time") : when(starts_at * 1000, "both");
  return say("lobby.session_begins", { when: exact, away: away(far) });
}

/** @param {SessionInfo} session @param {number} now Unix seconds */
export function sessionCard(session, now) {
  const { room, title, about = "", open } = session;
  const on = session.live || session.phase === "lobby";
  const [first = "", ...more] = whenIs(session, now);
  return el(
    "li",
    { class: on ? "session on" : "session" },
    el(
      "a",
      { href: `/room/${encodeURIComponent(room)}${chosen()}`, class: "door" },
      el("h3", { dir: "auto" }, title),
      el("span", { class: "band alive" }, first),
      ...(about ? [el("span", { class: "about quiet", dir: "auto" }, about)] : []),
      ...more.map((line) => el("span", { class: "about quiet" }, line)),
      ...(open ? [] : [el("span", { class: "about quiet" }, asks(session))]),
    ),
    el("a", { href: `/calendar/${encodeURIComponent(room)}.ics`, class: "calendar", download: "" }, say("lobby.calendar")),
  );
}
