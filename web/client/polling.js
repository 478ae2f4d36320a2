/**
 * The room by long polling ("poll"): the way that is left where a proxy holds streams back.
 *
 * Each request waits on the server until there is something. It says which answer came last, so that
 * one that was lost on the way is given again, and it brings along what a join needs (seat, epoch,
 * after), so that any node can answer it: one that does not know us joins us anew, and says what is new.
 */

import { Posting, post, read } from "./posting.js";

export const WAIT_S = 25;
/** How much longer than that an answer may take. */
export const GRACE_MS = 10_000;
/** A device that was asleep for longer has lost its request, most likely. */
const STALE_MS = (WAIT_S + 5) * 1000;
const PAUSES_MS = [300, 1_200, 3_000];
const LONGEST_RETRY_S = 10;
const LOST = 1006;

export class Polling extends Posting {
  /** @type {AbortController | null} */
  #abort = null;
  #heardAt = 0;

  get stale() {
    return this.#abort !== null && this.env.now() - this.#heardAt > STALE_MS;
  }

  /** @override @param {any} join */
  enter(join) {
    this.quit();
    const abort = new AbortController();
    this.#abort = abort;
    this.#heardAt = this.env.now();
    void this.#listen(join, abort);
  }

  /** @override */
  quit() {
    this.#abort?.abort();
    this.#abort = null;
  }

  /** @param {any} join @param {AbortController} abort */
  async #listen(join, abort) {
    // Ours from the start, so that even the first answer can be asked for again.
    let link = newLink();
    /** The number of the last answer that came. @type {number | undefined} */
    let got;
    for (let failures = 0; ; ) {
      const how = { signal: abort.signal, withinMs: WAIT_S * 1000 + GRACE_MS };
      const { status, retryAfterS, text } = await post(this.env, `${this.base}/poll`, JSON.stringify({ join, link, got, wait_s: WAIT_S }), how);
      if (abort !== this.#abort) return;
      const answer = status === 200 ? read(text) : null;
      if (answer === null || typeof answer.link !== "string" || !Array.isArray(answer.frames)) {
        const pause = PAUSES_MS[failures++];
        if (pause === undefined) return this.end(LOST);
        await this.pause(Math.max(pause, Math.min(retryAfterS, LONGEST_RETRY_S) * 1000));
        if (abort !== this.#abort) return;
        continue;
      }
      failures = 0;
      this.#heardAt = this.env.now();
      const known = got !== undefined;
      const frames = answer.n === got ? [] : answer.frames;
      link = answer.link;
      got = answer.n;
      for (const frame of frames) {
        if ((frame.t === "error" || frame.t === "waiting") && frame.id === join.id) {
          // Who had a seat and is refused on another node finds out why by joining afresh.
          if (known) return this.end(LOST);
          this.unseated();
        } else if (frame.t === "joined") {
          join = { t: "join", id: join.id, room: join.room, seat: frame.seat, epoch: frame.epoch, after: frame.head };
        } else if (typeof frame.seq === "number" && frame.t !== "ok" && frame.t !== "session") join = { ...join, after: frame.seq };
        this.hear(frame, JSON.stringify(frame));
        if (abort !== this.#abort) return;
      }
      if (typeof answer.close?.code === "number") return this.end(answer.close.code);
    }
  }
}

/** 128 random bits: whoever knows a link is told what it is told. */
function newLink() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
