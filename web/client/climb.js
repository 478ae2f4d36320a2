/**
 * The way up again: from a lesser way, a better one is tried quietly, after a minute, then ever more
 * rarely, and when the device changes its network.
 *
 * Nobody notices a try. A better line takes over only once it has carried an answer, and while no answer
 * is awaited on the old one; if it is cut young, one is back where it worked at once, and the next try
 * takes twice as long to come.
 */

import { Attempt, silence } from "./choose.js";
import { find } from "./fallback.js";

export { find };

/** `WebSocket.OPEN`, which is not there where the tests run. */
const OPEN = 1;
export const UP_MS = 60_000;
export const LONGEST_UP_MS = 30 * 60_000;
export const TRIAL_MS = 5_000;
/** While answers are awaited, a change waits so long between two looks. */
const BUSY_MS = 1_000;

/** @typedef {import("./fallback.js").Open} Open */

export class Climb {
  /** Where one came from, until the better way has proved itself. @type {import("./choose.js").Way | null} */
  #below = null;
  #wait = UP_MS;
  /** When the next try is due, in `env.now` milliseconds. @type {number | null} */
  #at = null;
  /** @type {number | null} */
  #timer = null;
  /** The line in use. @type {Attempt | null} */
  #line = null;
  #trying = false;

  /** @param {import("./choose.js").Ways} ways */
  constructor(ways) {
    this.ways = ways;
    this.env = ways.env;
    this.env.whenOnline?.(() => this.#elsewhere());
  }

  /** Whether the way in use is a better one that has not proved itself. */
  get fresh() {
    return this.#below !== null;
  }

  /** @param {Attempt} line that carries frames now */
  worked(line) {
    this.#line = line;
    if (line.way === "ws") this.#at = null;
    this.#plan();
  }

  /** The line in use is no more. */
  rest() {
    this.#cancel();
    this.#line = null;
  }

  /** A line of this way lived long enough. @param {import("./choose.js").Way} way */
  lasted(way) {
    if (way === "poll" || this.#below === null) return;
    this.#below = null;
    this.#wait = UP_MS;
  }

  /** The way in use does not do. Returns where one came up from, if that was just now. */
  fell() {
    const below = this.#below;
    this.#below = null;
    if (below !== null || this.#at !== null) this.#later();
    return below;
  }

  /** The device has another network: what was shut may be open. */
  #elsewhere() {
    this.#wait = UP_MS;
    this.#at = this.env.now();
    this.#plan();
  }

  #later() {
    this.#wait = Math.min(LONGEST_UP_MS, this.#wait * 2);
    this.#at = this.env.now() + this.#wait;
    this.#plan();
  }

  #plan() {
    this.#cancel();
    if (this.#line === null || this.#line.way === "ws") return;
    this.#at ??= this.env.now() + this.#wait;
    this.#timer = this.env.after(() => void this.#try(), Math.max(0, this.#at - this.env.now()));
  }

  #cancel() {
    if (this.#timer !== null) this.env.cancel(this.#timer);
    this.#timer = null;
  }

  async #try() {
    const from = this.#line;
    if (from === null || this.#trying) return;
    this.#trying = true;
    const better = (await this.#socket()) ?? (from.way === "poll" ? await this.#stream() : null);
    this.#trying = false;
    if (better === null) this.#later();
    else this.#takeOver(better, from);
  }

  /** @param {Open} better @param {Attempt} from */
  #takeOver(better, from) {
    if (this.#line !== from || better.line.readyState !== OPEN) {
      better.line.close(1000);
      this.#later();
    } else if (this.ways.owner.free()) {
      this.#below = from.way;
      this.#at = null;
      this.ways.owner.better(new Attempt(this.ways, better));
    } else this.env.after(() => this.#takeOver(better, from), BUSY_MS);
  }

  /** @returns {Promise<Open | null>} */
  async #stream() {
    const open = await find(this.ways, null).catch(() => null);
    if (open?.way === "sse") return open;
    open?.line.close();
    return null;
  }

  /** A WebSocket that has answered, or null. @returns {Promise<Open | null>} */
  #socket() {
    return new Promise((resolve) => {
      /** @type {import("./fallback.js").Line} */
      let line;
      try {
        line = this.ways.dialSocket();
      } catch {
        resolve(null);
        return;
      }
      /** @param {boolean} good */
      const end = (good) => {
        this.env.cancel(timer);
        silence(line);
        if (!good) line.close(1000);
        resolve(good ? { way: "ws", line } : null);
      };
      const timer = this.env.after(() => end(false), TRIAL_MS);
      line.onclose = () => end(false);
      line.onmessage = () => end(true);
      line.onopen = () => {
        const hello = this.ways.owner.hello();
        if (hello === null) end(true);
        else line.send(JSON.stringify(hello));
      };
    });
  }
}
