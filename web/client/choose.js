/**
 * Which way the frames go: a WebSocket, a stream with POST ("sse"), or long polling ("poll").
 *
 * - An attempt begins with what worked last. Where that is the WebSocket or nothing is known, and it
 *   is not open after `RACE_MS`, the other ways are looked at too, and the first that stands is taken.
 * - Down: a WebSocket that opens and carries nothing, a line that is cut young three times in a row,
 *   a stream that something holds back. The next way is tried at once.
 * - Up: `climb.js`. It and the other ways (`fallback.js`) are loaded when they are needed.
 *
 * What is kept is one word, in the tab and, where that word is not "ws", for the origin.
 */

import { SUBPROTOCOL } from "./wire.js";

/** `WebSocket.CONNECTING`, which is not there where the tests run. */
const CONNECTING = 0;
const LOST = 1006;
const KEPT = "chatd.way";

/** A WebSocket that is not open by then is no longer waited for alone. */
export const RACE_MS = 1_200;
/** An open WebSocket that has answered nothing by then is left, where another way stands. */
export const MUTE_MS = 2_800;
/** A refused WebSocket has this long for a second try, once the server is known to be there. */
export const SECOND_MS = 700;
/** A connection cut before this age was cut young. */
export const YOUNG_MS = 45_000;
export const CUTS = 3;
/** After so many attempts in vain nothing is known any more. */
const FAILURES = 2;

/**
 * @typedef {"ws" | "sse" | "poll"} Way
 * @typedef {import("./fallback.js").Line} Line
 * @typedef {import("./fallback.js").Open} Open
 * @typedef {import("./connection.js").Env} Env
 */

/** What is known of the ways here, for as long as the page lives. */
export class Ways {
  /** What the next attempt begins with. @type {Way | null} */
  way = null;
  /** The ways that carried frames in this page's life: slowness is then no reason to leave them. @type {Set<Way>} */
  proven = new Set();
  /** `way` was found to stand a moment ago. */
  found = false;
  /** What looks for better ways, once one is on a lesser one. @type {import("./climb.js").Climb | null} */
  climb = null;

  #failures = 0;
  /** Connections in a row that were open at once and cut young. */
  #cuts = 0;

  /** @param {string} url of the WebSocket @param {Env} env @param {import("./fallback.js").Owner} owner */
  constructor(url, env, owner) {
    this.url = url;
    /** Where the other ways lie. */
    this.base = url.replace(/^ws/, "http").replace(/\/ws$/, "");
    this.env = env;
    this.owner = owner;
    if (env.fetch === undefined) return;
    for (const shelf of env.shelves ?? []) this.way ??= known(shelf.get(KEPT));
  }

  /** The next attempt; whoever takes it sets its handlers and starts it. */
  dial() {
    return new Attempt(this);
  }

  /** A WebSocket on its way. It may throw. @returns {Line} */
  dialSocket() {
    return /** @type {any} */ (this.env.socket(this.url, SUBPROTOCOL));
  }

  async load() {
    const { Climb, find } = await import("./climb.js");
    this.climb ??= new Climb(this);
    return find;
  }

  /** The first frame came. @param {Attempt} line */
  worked(line) {
    const { way } = line;
    this.#failures = 0;
    this.way = way;
    this.proven.add(way);
    const [tab, origin] = this.env.shelves ?? [];
    tab?.set(KEPT, way);
    origin?.set(KEPT, way === "ws" ? null : way);
    this.climb?.worked(line);
  }

  /**
   * An open line ended. Returns whether to go on at once, another way.
   *
   * @param {Way} way @param {import("./fallback.js").Ended & {heard: boolean, age: number}} how
   */
  ended(way, { code, unfit, heard, age }) {
    this.climb?.rest();
    if (this.env.fetch === undefined) return false;
    if (unfit || (!heard && way === "ws" && code === LOST)) return this.down(way);
    if (age >= YOUNG_MS) {
      this.#cuts = 0;
      this.climb?.lasted(way);
    } else if (code === LOST) {
      this.#cuts += 1;
      return (this.#cuts >= CUTS || this.climb?.fresh === true) && this.down(way);
    }
    return false;
  }

  /** An attempt came to nothing: the network or the server is away, or this way is shut. */
  failed() {
    this.#cuts = 0;
    this.#failures += 1;
    this.found = false;
    if (this.#failures >= FAILURES) this.way = null;
  }

  /** Whoever has the line lets go of it. @param {boolean} mute it was open and silent, although asked */
  dropped(mute) {
    if (mute) this.proven.delete("ws");
    this.climb?.rest();
  }

  /** @param {Way} way that does not do here @param {Way} [to] that does */
  down(way, to) {
    this.#cuts = 0;
    this.proven.delete(way);
    const below = this.climb?.fell();
    this.way = way === "poll" ? null : (to ?? below ?? (way === "ws" ? "sse" : "poll"));
    return this.way !== null;
  }
}

/**
 * One attempt to connect, and then the line that came of it: to its owner it is like one WebSocket,
 * whatever it is made of.
 */
export class Attempt {
  onopen = () => {};
  /** @type {(message: {data: any}) => void} */
  onmessage = () => {};
  /** @type {(ended: {code: number, atOnce: boolean}) => void} */
  onclose = () => {};
  /** @type {Way} */
  way;

  /** @type {Line | null} */
  #line = null;
  /** The WebSocket, while it is not open. @type {Line | null} */
  #racer = null;
  #over = false;
  #looking = false;
  #refused = false;
  #heard = false;
  #asked = false;
  #openedAt = 0;
  /** @type {Set<number>} */
  #timers = new Set();

  /** @param {Ways} ways @param {Open} [open] */
  constructor(ways, open) {
    this.ways = ways;
    this.env = ways.env;
    this.way = ways.way ?? "ws";
    if (open) this.#take(open);
  }

  /** Whether the line has a pulse of its own, and closes by itself when that stops. */
  get pulse() {
    return this.way !== "ws";
  }

  get stale() {
    return this.#line?.stale === true;
  }

  start() {
    if (this.way !== "ws") this.#look(this.way);
    else {
      this.#race();
      this.#after(RACE_MS, () => this.#line === null && this.#look());
    }
  }

  /** @param {string} text */
  send(text) {
    this.#line?.send(text);
    if (this.#asked) return;
    this.#asked = true;
    // What opens but does not carry is known by its silence.
    if (this.way === "ws" && !this.ways.proven.has("ws")) this.#after(RACE_MS, () => !this.#heard && this.#look());
  }

  /** Let go of it. Nothing is told any more. */
  close() {
    if (this.#over) return;
    if (this.#line !== null) this.ways.dropped(this.way === "ws" && this.#asked && !this.#heard);
    this.#end();
  }

  /** Nobody dials again: a WebSocket on its way may arrive before it is closed; cut off, browsers complain. */
  spare() {
    const racer = this.#racer;
    if (racer?.readyState !== CONNECTING) return;
    silence(racer);
    racer.onopen = () => racer.close(1000);
    this.#racer = null;
  }

  // ---- before it is open --------------------------------------------------------------------

  /** @param {() => void} [refused] */
  #race(refused) {
    const no = () => {
      this.#racer = null;
      if (refused) return refused();
      this.#refused = true;
      if (this.env.fetch === undefined) this.#fail();
      else this.#look();
    };
    try {
      const socket = this.ways.dialSocket();
      this.#racer = socket;
      socket.onclose = no;
      socket.onopen = () => {
        this.#racer = null;
        this.#win({ way: "ws", line: socket });
      };
    } catch {
      no();
    }
  }

  /** Look for another way, once. @param {Way | null} [way] the one that worked last */
  #look(way = null) {
    if (this.#looking || this.env.fetch === undefined) return;
    this.#looking = true;
    this.ways
      .load()
      .then((find) => find(this.ways, way))
      .catch(() => null)
      .then((open) => this.#found(open));
  }

  /** @param {Open | null} open */
  #found(open) {
    if (this.#over) open?.line.close();
    else if (open === null) {
      this.#looking = false;
      // A WebSocket that is still on its way goes on until its owner has enough.
      if (this.#line === null && this.#racer === null) this.#fail();
    } else if (this.#line !== null) {
      open.line.close();
      this.#after(Math.max(0, this.#openedAt + MUTE_MS - this.env.now()), () => {
        if (this.#heard) return;
        this.ways.down("ws", open.way);
        this.ways.found = true;
        this.#lose({ code: LOST, atOnce: true });
      });
    } else if (this.#refused && this.#racer === null) {
      // The server is there: it may have come back just after it refused.
      const take = () => this.#line === null && this.#win(open);
      this.#after(SECOND_MS, take);
      this.#race(take);
    } else this.#win(open);
  }

  /** @param {Open} open */
  #win(open) {
    this.#cancel();
    this.#dropRacer();
    this.#take(open);
    this.onopen();
  }

  #fail() {
    this.ways.failed();
    this.#lose({ code: LOST, atOnce: false });
  }

  // ---- the line that came of it -------------------------------------------------------------

  /** @param {Open} open */
  #take({ way, line }) {
    this.way = way;
    this.#line = line;
    this.#openedAt = this.env.now();
    line.onmessage = (message) => {
      if (!this.#heard) {
        this.#heard = true;
        this.ways.worked(this);
      }
      this.onmessage(message);
    };
    line.onclose = ({ code, unfit }) => {
      const how = { code, unfit: unfit === true, heard: this.#heard, age: this.env.now() - this.#openedAt };
      this.#lose({ code, atOnce: this.ways.ended(way, how) });
    };
  }

  /** @param {{code: number, atOnce: boolean}} ended */
  #lose(ended) {
    this.#end();
    this.onclose(ended);
  }

  #end() {
    this.#over = true;
    this.#cancel();
    this.#dropRacer();
    const line = this.#line;
    this.#line = null;
    if (line !== null) shut(line);
  }

  #dropRacer() {
    const racer = this.#racer;
    this.#racer = null;
    if (racer !== null) shut(racer);
  }

  /** @param {number} ms @param {() => void} act */
  #after(ms, act) {
    const timer = this.env.after(() => {
      this.#timers.delete(timer);
      act();
    }, ms);
    this.#timers.add(timer);
  }

  #cancel() {
    for (const timer of this.#timers) this.env.cancel(timer);
    this.#timers.clear();
  }
}

/** @param {unknown} word @returns {Way | null} */
function known(word) {
  return word === "ws" || word === "sse" || word === "poll" ? word : null;
}

/** @param {Line} line */
export function silence(line) {
  line.onopen = null;
  line.onmessage = null;
  line.onclose = null;
}

/** @param {Line} line */
function shut(line) {
  silence(line);
  try {
    line.close(1000);
  } catch {
    // A socket that never opened may refuse to close; it is forgotten either way.
  }
}
