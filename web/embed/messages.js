/**
 * What a host page and the room in its frame say to each other: one schema, checked by whoever receives.
 *
 *   host  --hello--> frame        again and again until it is answered; nothing else counts before
 *   host <--ready--  frame        to the exact origin that greeted, if that may frame this room
 *
 * None carries text, a handle, a number of people or a seat. Shared by both sides.
 */

export const VERSION = 1;

/** What a host page may colour. The frame refuses what would be hard to read. */
export const COLOURS = /** @type {const} */ (["accent", "paper", "surface", "ink"]);

/** @typedef {(value: unknown) => boolean} Check */

/** @param {RegExp} pattern @returns {Check} */
const like = (pattern) => (value) => value === undefined || (typeof value === "string" && pattern.test(value));
/** Pixels. @param {number} most @returns {Check} */
const upTo = (most) => (value) => value === undefined || (typeof value === "number" && value >= 0 && value <= most);
/** @type {Check} */
const flag = (value) => value === undefined || typeof value === "boolean";

const colour = like(/^#[0-9a-f]{6}$/);
const token = like(/^[\w.-]{1,4096}$/);
const look = {
  theme: like(/^(light|dark|auto)$/),
  accent: colour,
  paper: colour,
  surface: colour,
  ink: colour,
  radius: upTo(24),
  font: like(/^[\p{L}\p{N} ,'"-]{1,200}$/u),
};

/** @type {Record<string, Record<string, Check>>} kind -> field -> check; every field may be left out */
export const TO_FRAME = {
  hello: { ...look, token, compact: flag, shown: flag },
  look,
  token: { token },
  shown: { shown: flag },
  focus: {},
  leave: {},
  exit: {},
};

/** @type {Record<string, Record<string, Check>>} */
export const TO_HOST = {
  ready: {},
  joined: {},
  left: {},
  "quick-exit": {},
  unread: { waiting: flag },
  error: { code: like(/^[a-z_]{1,40}$/), message: like(/^[^<>]{1,300}$/) },
  /** How high what is in the frame is; none where it is as high as the frame. */
  size: { height: upTo(5000) },
  close: {},
};

/**
 * @param {Record<string, Record<string, Check>>} schema
 * @param {unknown} data
 * @returns {{t: string, [field: string]: any} | null} null where it is not a message of ours, whole and valid
 */
export function read(schema, data) {
  const { peerChat, t, ...fields } = /** @type {Record<string, unknown>} */ (Object(data));
  if (peerChat !== VERSION || typeof t !== "string" || !Object.hasOwn(schema, t)) return null;
  const checks = schema[t] ?? {};
  const good = Object.entries(fields).every(([name, value]) => Object.hasOwn(checks, name) && checks[name]?.(value));
  return good ? { t, ...fields } : null;
}

/**
 * To one window, if it is of exactly this origin.
 *
 * @param {Window | null} to @param {string} origin @param {string} t @param {Record<string, unknown>} [fields]
 */
export function send(to, origin, t, fields = {}) {
  to?.postMessage({ peerChat: VERSION, t, ...fields }, origin);
}
