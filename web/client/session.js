/**
 * The rooms that belong to a session's room, over the same connection and in the same seat. No DOM.
 *
 *   const line = new Belonging(seat, seat.session.you.line, { changed });
 *   line.open();              joins with the seat's token, now and after every break
 *   line.say("May I?");       everything that a `Place` can
 *   line.close();             leaves it; the seat in the session's room stays
 *
 * Who may be in one is judged by the server, from the seat in the session's room. Where it says no, or puts one
 * out (a small group was called back, two people talk alone), `trouble` says why, and `changed("refused")`.
 */

import { refusal } from "./asking.js";
import { Place } from "./place.js";
import { PASSING } from "./speaking.js";

/** The event that lets one in may be a moment behind on another node. */
const SOON_S = 1;
const SOON_TRIES = 8;
const NOT_YET = new Set(["not_a_member", "not_allowed", "unknown_room", "no_session"]);

/** @typedef {import("./wire.js").Refused} Refused */

export class Belonging extends Place {
  /** Why one is not in it, or null. @type {Refused | null} */
  trouble = null;
  #tries = 0;

  /**
   * @param {import("./seat.js").Seat} seat in the session's room
   * @param {string} room
   * @param {Pick<import("./speaking.js").Around, "changed" | "took">} told
   */
  constructor(seat, room, told) {
    super({ room, keep: seat.keep, env: seat.env, fill: seat.fill, ...told });
    this.seat = seat;
  }

  /** @override */
  get asking() {
    return this.seat.asking;
  }

  open() {
    if (this.phase !== "outside") return;
    this.seat.belonging.set(this.room, this);
    this.set("entering");
    void this.join();
  }

  /** Leave it. What is on the page is the caller's to remove. */
  close() {
    if (this.phase === "in") void this.ask({ t: "leave" });
    this.#end(null);
  }

  /** @param {import("./wire.js").PutOut} out */
  putOut({ code, message }) {
    this.#end({ t: "error", code, message });
  }

  /** @override */
  async join() {
    if (this.seat.token === null || this.asking.connection.state !== "open") return;
    await super.join();
  }

  /** @override */
  proof() {
    return { seat: this.seat.token, ...this.after };
  }

  /** @override @param {import("./wire.js").Answer} answer */
  joinAnswered(answer) {
    if (answer.t === "joined") {
      this.#tries = 0;
      this.joined(answer);
      return;
    }
    const refused = refusal(answer);
    if (refused === null) return;
    const soon = NOT_YET.has(refused.code) && this.#tries++ < SOON_TRIES;
    if (soon || PASSING.has(refused.code)) this.later(refused.retry_after_s ?? SOON_S, () => void this.join());
    else this.#end(refused);
  }

  /** @param {Refused | null} why */
  #end(why) {
    if (this.phase === "left") return;
    if (this.seat.belonging.get(this.room) === this) this.seat.belonging.delete(this.room);
    this.set("left");
    this.keep.set(this.name("outbox"), null);
    this.trouble = why;
    if (why !== null) this.changed("refused");
  }
}

/**
 * How a private word stands in a line, from what happened there. The last word counts.
 *
 * @param {import("./timeline.js").Timeline} timeline of the line
 * @returns {{state: "none" | "offered" | "open", by: string, told: number}} `by`: the facilitator's handle;
 *   `told`: the seq that says so, 0 for none
 */
export function wordOf({ notes }) {
  /** @type {{state: "none" | "offered" | "open", by: string, told: number}} */
  let word = { state: "none", by: "", told: 0 };
  for (const [seq, event] of [...notes].sort(([a], [b]) => a - b)) {
    if (event.t === "word_offered") word = { state: "offered", by: event.handle, told: seq };
    else if (event.t === "word_answered") word = { state: event.yes ? "open" : "none", by: event.by ?? "", told: seq };
    else if (event.t === "word_ended") word = { state: "none", by: "", told: seq };
  }
  return word;
}

/**
 * What the facilitators told somebody, newest first.
 *
 * @param {import("./timeline.js").Timeline} timeline of the line
 * @returns {import("./wire.js").Told[]}
 */
export function toldIn({ notes }) {
  /** @type {import("./wire.js").Told[]} */
  const told = [];
  for (const event of notes.values()) if (event.t === "told") told.push(event);
  return told.sort((a, b) => b.seq - a.seq);
}
