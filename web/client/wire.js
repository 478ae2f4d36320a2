/**
 * The wire, as a page sees it: the shapes of the frames and what a close code asks for.
 *
 * `docs/protocol.md` is the definition; this file only names it for the type checker. No I/O,
 * no DOM. A client ignores frames and fields that it does not know.
 */

export const SUBPROTOCOL = "chatd.v1.json";

/** Longest text of one post, in characters (code points). */
export const MAX_CHARACTERS = 4000;

/** The reaction kinds, in the order in which they are offered. */
export const REACTIONS = /** @type {const} */ (["with_you", "me_too", "thank_you", "strength", "heard"]);

/**
 * What happened in a room. `at` is Unix seconds, rounded down to the minute.
 *
 * @typedef {{t: "posted", room: string, seq: number, at: number, handle: string, text: string,
 *            reply_to?: number | null, role?: string | null, withdrawn?: boolean, hidden?: boolean}} Posted
 * @typedef {{t: "reacted", room: string, seq: number, at: number, handle: string, target: number,
 *            kind: string, withdrawn?: boolean}} Reacted
 * @typedef {{t: "withdrawn", room: string, seq: number, at: number, handle: string, target: number}} Withdrawn
 * @typedef {{t: "slowed", room: string, seq: number, at: number, handle: string, seconds: number}} Slowed
 * @typedef {Posted | Reacted | Withdrawn | Slowed} RoomEvent
 */

/**
 * What sessions add; `session_wire.js` has them.
 *
 * @typedef {import("./session_wire.js").AnyEvent} AnyEvent
 * @typedef {import("./session_wire.js").Noted} Noted
 * @typedef {import("./session_wire.js").Told} Told
 * @typedef {import("./session_wire.js").SessionNow} SessionNow
 * @typedef {import("./session_wire.js").PhaseChanged} PhaseChanged
 * @typedef {import("./session_wire.js").Announced} Announced
 */

/**
 * What a server answers or tells, besides events.
 *
 * @typedef {{handle: string, role?: string | null, away?: boolean}} Person
 * @typedef {{t: "drawn", id: number, room: string, handle: string, offer: string}} Drawn
 * @typedef {{t: "joined", id: number, room: string, epoch: string, head: number, handle: string,
 *            seat: string, recovered: boolean, events: AnyEvent[], roster: Person[], count: number,
 *            title: string, kind: string, role?: string | null, slow_mode_s?: number,
 *            session?: SessionNow | null, line?: string | null, staff?: string | null, anew_in_s?: number | null}} Joined
 * @typedef {{t: "waiting", id: number, room: string, place: number, retry_s: number, seat: string, handle: string}} Waiting
 * @typedef {{t: "ok", id: number, seq?: number | null, held?: boolean, count?: number | null}} Ok
 * @typedef {{t: "mine", id: number, room: string, handle: string, posts?: number, reactions?: number,
 *            withdrawn?: number, waiting?: number, other?: number, since?: number, stands?: string[],
 *            erase_at?: number | null, kept_s: number}} Mine
 * @typedef {{t: "error", id?: number | null, code: string, message: string,
 *            retry_after_s?: number | null}} Refused
 * @typedef {{t: "history", id: number, room: string, events: AnyEvent[], more: boolean}} History
 * @typedef {{t: "presence", room: string, joined: Person[], left: string[], away: string[],
 *            back: string[], count: number}} Presence
 * @typedef {{t: "typing", room: string, handle: string}} TypingBy
 * @typedef {{t: "going", reconnect_in_s: number}} Going
 * @typedef {{t: "erased", room: string, handle?: string | null, seat?: string | null}} Erased
 * @typedef {{t: "put_out", room: string, code: string, message: string}} PutOut
 * @typedef {SessionNow & {t: "session", room: string}} SessionFrame
 * @typedef {Drawn | Joined | Waiting | Ok | Refused | History | Mine} Answer
 * @typedef {AnyEvent | Answer | Presence | TypingBy | Going | Erased | PutOut | SessionFrame} Frame
 */

/** The close codes a page acts on by name. */
export const Close = Object.freeze({ GOING: 4000, NOTHING_JOINED: 4101 });

/**
 * Whether a client connects again by itself after `code`. Codes 41xx mean "do not come back
 * like this"; a lost network (1006) means yes.
 *
 * @param {number} code
 */
export function comesBack(code) {
  return !(code >= 4100 && code < 4200) && ![1002, 1003, 1007, 1008, 1009].includes(code);
}

/**
 * Whether it has a place in a room's log. Also of a kind that this page does not know: it counts like any other.
 *
 * @param {object} frame
 * @returns {frame is AnyEvent}
 */
export function isEvent(frame) {
  return "seq" in frame && "handle" in frame;
}

/**
 * A text frame as an object with a kind, or null where it is none.
 *
 * @param {unknown} data
 * @returns {Frame | null}
 */
export function decode(data) {
  if (typeof data !== "string") return null;
  try {
    const frame = JSON.parse(data);
    return frame !== null && typeof frame === "object" && typeof frame.t === "string" ? frame : null;
  } catch {
    return null;
  }
}

let last = 0;

/**
 * A key for a message: a UUIDv7 (RFC 9562), or random text would do. The log keeps a digest, never the key,
 * and before it the time to about a minute, so that what is new lies together in its index.
 *
 * @param {number} now Unix milliseconds
 * @param {(bytes: Uint8Array) => Uint8Array} fill fills with randomness, as `crypto.getRandomValues`
 */
export function newKey(now, fill) {
  last = Math.max(now, last + 1);
  const bytes = fill(new Uint8Array(16));
  for (let i = 0; i < 6; i++) bytes[i] = Math.floor(last / 2 ** (8 * (5 - i))) % 256;
  bytes[6] = 0x70 | ((bytes[6] ?? 0) & 0x0f);
  bytes[8] = 0x80 | ((bytes[8] ?? 0) & 0x3f);
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
