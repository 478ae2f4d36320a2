/**
 * One WebSocket of the doctor's page, and waiting for what it does, each time with a bound.
 *
 * @typedef {import("./judge.js").Quiet} Quiet
 * @typedef {import("./probes.js").Env} Env
 */

import { cut } from "./judge.js";

/** What the doctor calls the room that it never enters. */
export const ROOM = "doctor";
/** An id that comes back as it went, unless somebody rewrites what passes; 61 characters of at most 64. */
const ECHO = `doctor-äß€-${"0123456789".repeat(5)}`;

export class Talk {
  /** @type {{code: number, at: number} | null} */
  #closed = null;
  /** @type {Map<number | string, () => void>} */
  #waiting = new Map();
  #wake = () => {};

  /** @param {Env} env @param {WebSocket} socket @param {() => number} withinMs for each answer */
  constructor(env, socket, withinMs) {
    this.env = env;
    this.socket = socket;
    this.withinMs = withinMs;
    socket.onclose = (event) => {
      this.#closed ??= { code: event.code, at: env.now() };
      this.#wake();
    };
    socket.onmessage = (event) => {
      try {
        this.#waiting.get(JSON.parse(event.data).id)?.();
      } catch {
        // Whatever that was, it is no answer.
      }
    };
  }

  /** Whether the handshake came to an end, and a good one. */
  async opened() {
    await this.#until((done) => (this.socket.onopen = done), this.withinMs());
    return this.socket.readyState === 1;
  }

  /** There and back, with a command that is answered from memory: nobody leaves who has not come. */
  echo() {
    return this.ask({ t: "leave", id: ECHO, room: ROOM });
  }

  /** Whether the answer to this frame came. @param {{id: number | string, [field: string]: unknown}} frame */
  async ask(frame) {
    let came = false;
    const answered = this.#until((done) => {
      this.#waiting.set(frame.id, () => {
        came = true;
        done();
      });
    }, this.withinMs());
    if (this.#closed === null) this.socket.send(JSON.stringify(frame));
    await answered;
    this.#waiting.delete(frame.id);
    return came;
  }

  /** Nothing said for `quietS`, and then an echo. Null where the server itself ended it. @param {number} quietS @returns {Promise<Quiet | null>} */
  async quiet(quietS) {
    await this.ask({ t: "draw", id: 3, room: ROOM }); // who draws may stay without a room
    const begun = this.env.now();
    await this.#until(() => {}, quietS * 1000);
    if (this.#closed !== null) return this.#closed.code === 1006 ? cut(quietS, this.#closed.at - begun) : null;
    return { s: quietS, held: await this.echo(), cut_s: null };
  }

  /** Returns when `start` calls back, when the socket closes, or after so long. @param {(done: () => void) => void} start @param {number} ms */
  #until(start, ms) {
    return new Promise((resolve) => {
      const done = () => resolve(undefined);
      this.#wake = done;
      this.env.after(done, ms);
      start(done);
      if (this.#closed !== null) done();
    });
  }
}
