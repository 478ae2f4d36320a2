/**
 * One connection that keeps coming back: the life of a line, and nothing about rooms.
 *
 *   idle -> connecting -> open -> waiting -> connecting ...      offline: waiting, and the device says why
 *                                                                ended: coming back would not help
 *
 * - It waits between attempts with full jitter (a random time up to a bound that doubles), so
 *   that a room of people does not come back in one instant.
 * - `going {reconnect_in_s}` says when to come back; that time is kept instead.
 * - Browsers hide WebSocket pings from pages, so a dead peer looks like silence: after
 *   `SILENCE_MS` without a frame it asks `probe` to send something that is answered, and gives
 *   the answer `ANSWER_MS`. A line with a pulse of its own hears by itself when that stops.
 *
 * What a line is made of (a WebSocket, a stream, long polling) is the business of `choose.js`.
 * Time, chance and the network come in through `env`, so that a test can hold them.
 */

import { Ways } from "./choose.js";
import { Keep } from "./keep.js";
import { Close, comesBack, decode } from "./wire.js";

export const FIRST_WAIT_MS = 500;
export const LONGEST_WAIT_MS = 10_000;
export const OPENING_MS = 10_000;
export const SILENCE_MS = 25_000;
export const ANSWER_MS = 5_000;

/**
 * @typedef {"idle" | "connecting" | "open" | "waiting" | "offline" | "ended"} ConnectionState
 * @typedef {object} Env
 * @property {(url: string, protocol: string) => WebSocket} socket
 * @property {(act: () => void, ms: number) => number} after
 * @property {(timer: number) => void} cancel
 * @property {() => number} random 0 up to 1
 * @property {() => number} now milliseconds
 * @property {() => boolean} online
 * @property {typeof fetch} [fetch] without it there is only the WebSocket
 * @property {readonly Keep[]} [shelves] where the way that worked is kept: first the tab's, then the origin's
 * @property {(act: () => void) => void} [whenOnline] calls `act` whenever the device gets a network
 */

/** @returns {Env} the real browser */
export function browserEnv() {
  return {
    socket: (url, protocol) => openedAhead(url) ?? new WebSocket(url, protocol),
    after: (act, ms) => window.setTimeout(act, ms),
    cancel: (timer) => window.clearTimeout(timer),
    random: Math.random,
    now: Date.now,
    online: () => navigator.onLine,
    fetch: (url, options) => fetch(url, options),
    // In a frame nothing is kept that outlives the tab.
    shelves: window.top === window ? [new Keep(() => sessionStorage), new Keep(() => localStorage)] : [new Keep(() => sessionStorage)],
    whenOnline: (act) => window.addEventListener("online", act),
  };
}

/** Where a page puts a WebSocket that it opened before this script was there (`room/ahead.js`). */
const AHEAD = Symbol.for("chatd.ahead");
/** `WebSocket.OPEN`; after it a socket is of no use. */
const OPEN = 1;

/** That WebSocket, to the first who asks. @param {string} url @returns {WebSocket | null} */
function openedAhead(url) {
  const page = /** @type {Record<symbol, WebSocket | undefined>} */ (/** @type {unknown} */ (globalThis));
  const socket = page[AHEAD];
  delete page[AHEAD];
  if (socket === undefined || socket.readyState > OPEN) return null;
  if (socket.url !== url) {
    socket.close();
    return null;
  }
  // Whoever takes it sets its handlers in this turn, and hears what has happened already.
  if (socket.readyState === OPEN) queueMicrotask(() => socket.onopen?.(new Event("open")));
  return socket;
}

export class Connection {
  /** @type {ConnectionState} */
  state = "idle";
  /** The last close code; 0 before there was one. */
  code = 0;

  /** @type {import("./choose.js").Attempt | null} */
  #line = null;
  #attempt = 0;
  #heardAt = 0;
  /** @type {number | null} */
  #timer = null;
  /** @type {number | null} */
  #watch = null;
  /** @type {number | null} When `going` asked us to be back, in `env.now` milliseconds. */
  #backAt = null;

  /**
   * @param {string} url of the WebSocket; the other ways lie beside it
   * @param {{opened: () => void, received: (frame: import("./wire.js").Frame) => void,
   *          changed: () => void, probe: () => void, hello?: () => object, busy?: () => boolean}} owner
   *   `hello` is a frame that any server answers, to try a line with; while `busy`, answers are
   *   awaited and the line is not changed for a better one
   * @param {Env} env
   */
  constructor(url, owner, env) {
    this.url = url;
    this.owner = owner;
    this.env = env;
    this.ways = new Ways(url, env, {
      hello: () => owner.hello?.() ?? null,
      free: () => this.state === "open" && !owner.busy?.(),
      better: (line) => this.#change(line),
    });
  }

  /** What carries the frames just now, or did last: "ws", "sse" or "poll". */
  get way() {
    return this.#line?.way ?? this.ways.way ?? "ws";
  }

  /** Connect now, unless that is under way. Also what to call when the network may be back. */
  open() {
    if (this.state === "open" || this.state === "connecting") return;
    this.#clear();
    this.#dial();
  }

  /** @param {object} frame @returns {boolean} false where there is no open connection */
  send(frame) {
    if (this.state !== "open" || this.#line === null) return false;
    this.#line.send(JSON.stringify(frame));
    return true;
  }

  /** The device says it has no network. The socket may not have noticed. */
  lost() {
    if (this.state === "ended" || this.state === "idle") return;
    this.#drop();
    this.#wait();
  }

  /** Ask for a sign of life, and start afresh where none comes in `withinMs`. */
  check(withinMs = ANSWER_MS) {
    if (this.state !== "open") return;
    if (this.#line?.stale) return this.restart();
    const asked = this.env.now();
    this.owner.probe();
    this.#arm(withinMs, () => {
      if (this.#heardAt >= asked) this.#listen();
      else this.restart();
    });
  }

  /** The connection is no good any more: drop it and dial again at once. */
  restart() {
    if (this.state === "ended" || this.state === "idle") return;
    this.#drop();
    this.#clear();
    this.#dial();
  }

  /** Close for good. `open` starts again. */
  close() {
    // Nobody dials again, so a socket that is still on its way may arrive and be closed then.
    this.#line?.spare();
    this.#drop();
    this.#clear();
    this.#set("idle");
  }

  #dial() {
    this.#set("connecting");
    const line = this.ways.dial();
    this.#take(line);
    // A proxy may hold the handshake for minutes: give up before a person does.
    this.#arm(OPENING_MS, () => {
      this.#drop();
      this.#wait();
    });
    line.start();
  }

  /** A better line than ours is open: go on over that one. @param {import("./choose.js").Attempt} line */
  #change(line) {
    this.#drop();
    this.#clear();
    this.#set("connecting");
    this.#take(line);
    line.onopen();
  }

  /** @param {import("./choose.js").Attempt} line */
  #take(line) {
    this.#line = line;
    line.onopen = () => {
      if (line !== this.#line) return;
      this.#backAt = null;
      this.#heardAt = this.env.now();
      this.#set("open");
      this.#listen();
      this.owner.opened();
    };
    line.onmessage = ({ data }) => {
      if (line !== this.#line) return;
      this.#heardAt = this.env.now();
      this.#attempt = 0;
      const frame = decode(data);
      if (frame === null) return;
      if (frame.t === "going") this.#goingIn(frame.reconnect_in_s);
      else this.owner.received(frame);
    };
    line.onclose = ({ code, atOnce }) => {
      if (line !== this.#line) return;
      this.code = code;
      this.#drop();
      if (code === Close.NOTHING_JOINED) {
        // Somebody reads the rules slowly. Whoever needs the connection calls `open`.
        this.#clear();
        this.#set("idle");
      } else if (atOnce) {
        this.#clear();
        this.#dial();
      } else if (comesBack(code)) this.#wait();
      else {
        this.#clear();
        this.#set("ended");
      }
    };
  }

  /** @param {number} seconds */
  #goingIn(seconds) {
    const ms = Math.max(0, Math.min(seconds, 120)) * 1000;
    this.#backAt = this.env.now() + ms;
    this.#clear();
    this.#timer = this.env.after(() => this.restart(), ms);
  }

  #wait() {
    const bound = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** Math.min(this.#attempt, 10));
    this.#attempt += 1;
    const promised = this.#backAt === null ? null : Math.max(0, this.#backAt - this.env.now());
    this.#backAt = null;
    this.#clear();
    this.#set(this.env.online() ? "waiting" : "offline");
    // `onLine` may be wrong in both directions, so it never stops the attempts.
    this.#timer = this.env.after(() => this.#dial(), promised ?? this.env.random() * bound);
  }

  #listen() {
    if (this.#line?.pulse) {
      this.#disarm();
      return;
    }
    this.#arm(SILENCE_MS, () => {
      if (this.env.now() - this.#heardAt >= SILENCE_MS) this.check();
      else this.#listen();
    });
  }

  /** @param {number} ms @param {() => void} act */
  #arm(ms, act) {
    this.#disarm();
    this.#watch = this.env.after(act, ms);
  }

  #disarm() {
    if (this.#watch !== null) this.env.cancel(this.#watch);
    this.#watch = null;
  }

  #clear() {
    if (this.#timer !== null) this.env.cancel(this.#timer);
    this.#timer = null;
  }

  #drop() {
    const line = this.#line;
    this.#line = null;
    this.#disarm();
    line?.close();
  }

  /** @param {ConnectionState} state */
  #set(state) {
    if (state === this.state) return;
    this.state = state;
    this.owner.changed();
  }
}
