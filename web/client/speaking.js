/**
 * What one says in a room: kept until the room has it, in order, once, at the room's pace. No DOM.
 *
 * A post that the room refuses for now (slow mode, a busy server) is sent again by itself. One that it does
 * not take as things stand (not one's turn, a pause) is given back, in `returned`: the words belong to
 * whoever wrote them. One that waits for a facilitator is kept here until the room shows it.
 */

import { refusal } from "./asking.js";
import { Outbox } from "./outbox.js";
import { EMPTY } from "./timeline.js";
import { Unread } from "./unread.js";
import { newKey } from "./wire.js";

export const TYPING_EVERY_MS = 3_000;
const TRIES = 5;
/** Refusals that pass by themselves: the post is kept and sent again. */
export const PASSING = new Set(["slow_mode", "too_fast", "busy", "log_unavailable"]);
/** The room does not take it as things stand, and nobody knows for how long: the words go back to the composer. */
const GIVEN_BACK = new Set(["not_open", "paused", "muted", "not_your_turn", "wrong_phase", "no_session", "not_accepted", "removed", "not_a_member"]);

/**
 * @typedef {import("./wire.js").Answer} Answer
 * @typedef {import("./wire.js").Refused} Refused
 * @typedef {"outside" | "entering" | "waiting" | "in" | "left"} Phase
 * @typedef {"connection" | "phase" | "entry" | "timeline" | "roster" | "typing" | "pace" | "returned" | "session"
 *           | "refused" | "stranger" | "anew"} Topic
 * @typedef {{text: string, replyTo: number | null, refused: Refused}} Returned
 *
 * @typedef {object} Around what a room is spoken in with
 * @property {string} room
 * @property {import("./keep.js").Keep} keep
 * @property {import("./connection.js").Env} env
 * @property {(bytes: Uint8Array) => Uint8Array} fill randomness
 * @property {(topic: Topic) => void} changed
 * @property {import("./asking.js").Tell} [tell] a refusal in words for a person; as the server says it, if left out
 * @property {(events: readonly import("./wire.js").AnyEvent[], live: boolean) => void} [took] told of every new
 *   event, in order and whatever its kind; `live`: it happened while one was here
 */

export class Speaking {
  /** @type {Phase} */
  phase = "outside";
  /** The handle one has, or was drawn. */
  handle = "";
  /** @type {string | null} */
  role = null;
  timeline = EMPTY;
  away = false;
  outbox = new Outbox();
  unread = new Unread();
  slowModeS = 0;
  /** When slow mode lets one speak again, in `env.now` milliseconds. */
  slowUntil = 0;
  /** What was not taken; whoever shows it empties it. @type {Returned[]} */
  returned = [];
  /** Everything the page shows was delivered up to here. */
  last = 0;
  /** A join is under way. */
  joining = false;

  #typedAt = -Infinity;
  /** @type {number | null} */
  #retry = null;

  /** @param {Around} around */
  constructor({ room, keep, env, fill, changed, tell = ({ message }) => message, took = () => undefined }) {
    this.room = room;
    this.keep = keep;
    this.env = env;
    this.fill = fill;
    this.changed = changed;
    this.tell = tell;
    this.took = took;
    this.outbox.restore(keep.get(this.name("outbox")));
  }

  // ---- for the subclass ---------------------------------------------------------------------

  /** @returns {import("./asking.js").Asking} */
  get asking() {
    throw new Error("over which connection?");
  }

  /** Take the seat (again). */
  async join() {}

  // ---- saying things ------------------------------------------------------------------------

  /**
   * Ask for anything in this room. Never rejects: what is lost is answered with the code "lost".
   *
   * @param {Record<string, unknown>} command without `id`, and without `room` where that is this one
   * @returns {Promise<Answer>}
   */
  ask(command) {
    return this.asking.ask({ room: this.room, ...command });
  }

  /** A key for what may be sent again. */
  newKey() {
    return newKey(this.env.now(), this.fill);
  }

  /** @param {string} text @param {number | null} replyTo */
  say(text, replyTo = null) {
    const now = this.env.now();
    this.outbox.add(this.newKey(), text, replyTo, Math.floor(now / 60_000) * 60);
    this.unread.spoke();
    this.#typedAt = -Infinity;
    this.outboxChanged();
    this.pump();
  }

  /** @param {string} key */
  sayAgain(key) {
    this.outbox.again(key);
    this.outboxChanged();
    this.pump();
  }

  /** @param {string} key @returns {string} */
  discard(key) {
    const text = this.outbox.discard(key);
    this.outboxChanged();
    return text;
  }

  /**
   * Answer a post, or take one's own answer back. Resolves to a refusal or null.
   *
   * @param {number} seq @param {string} kind
   */
  async react(seq, kind) {
    for (const [own, one] of this.timeline.reactions) {
      if (one.target === seq && one.kind === kind && one.handle === this.handle && !this.timeline.withdrawn.has(own)) {
        return this.withdraw(own);
      }
    }
    return refusal(await this.ask({ t: "react", seq, kind }));
  }

  /** @param {number} seq one's own post or reaction @returns {Promise<Refused | null>} */
  async withdraw(seq) {
    return refusal(await this.ask({ t: "withdraw", seq }));
  }

  /** @param {boolean} away */
  async setAway(away) {
    this.away = away;
    this.changed("roster");
    return refusal(await this.ask({ t: "away", away }));
  }

  /** One is writing; the room is told every few seconds at most. */
  type() {
    const now = this.env.now();
    if (this.phase !== "in" || now - this.#typedAt < TYPING_EVERY_MS) return;
    if (this.asking.connection.send({ t: "typing", room: this.room })) this.#typedAt = now;
  }

  // ---- the way out --------------------------------------------------------------------------

  /** Send what is next, if anything can be sent. */
  pump() {
    if (this.phase !== "in" || this.joining || this.asking.connection.state !== "open" || this.#retry !== null) return;
    const entry = this.outbox.next();
    if (entry === null) return;
    this.saveOutbox();
    /** @type {Record<string, unknown>} */
    const post = { t: "post", key: entry.key, text: entry.text };
    if (entry.replyTo !== null) post.reply_to = entry.replyTo;
    void this.ask(post).then((answer) => this.#posted(entry, answer));
  }

  /** @param {import("./outbox.js").Entry} entry @param {Answer} answer */
  #posted(entry, answer) {
    if (answer.t === "ok" && answer.seq != null) {
      this.outbox.ok(entry.key, answer.seq, answer.seq <= this.last);
      this.#paced();
    } else if (answer.t === "ok" && answer.held) this.outbox.hold(entry.key);
    else if (answer.t === "error") {
      if (answer.code === "lost") return;
      if (answer.code === "not_joined") {
        this.outbox.interrupted();
        void this.join();
        return;
      }
      const wait = answer.retry_after_s ?? 2;
      if (answer.code === "slow_mode") {
        this.slowUntil = Math.max(this.slowUntil, this.env.now() + wait * 1000);
        this.changed("pace");
      }
      if (PASSING.has(answer.code) && entry.tries < TRIES) {
        this.outbox.later(entry.key, answer.message);
        this.later(wait, () => this.pump());
      } else if (GIVEN_BACK.has(answer.code)) this.#giveBack(entry, answer);
      else this.outbox.failed(entry.key, answer.message);
    }
    this.outboxChanged();
    this.pump();
  }

  /** With everything that was to follow it: it would be said out of place. @param {import("./outbox.js").Entry} entry @param {Refused} refused */
  #giveBack(entry, refused) {
    const { entries } = this.outbox;
    const after = entries.slice(entries.indexOf(entry)).filter((one) => one.status === "pending" && one.seq === null && !one.held);
    for (const { key, text, replyTo } of after) {
      this.outbox.failed(key, "");
      this.outbox.discard(key);
      this.returned.push({ text, replyTo, refused });
    }
    this.changed("returned");
  }

  /** One has just spoken: in slow mode the next post waits. */
  #paced() {
    if (this.slowModeS === 0 || this.role === "facilitator") return;
    this.slowUntil = Math.max(this.slowUntil, this.env.now() + this.slowModeS * 1000);
    this.changed("pace");
  }

  outboxChanged() {
    this.saveOutbox();
    this.changed("timeline");
  }

  saveOutbox() {
    this.keep.set(this.name("outbox"), this.outbox.entries.length ? this.outbox.saved() : null);
  }

  /** One thing at a time waits; nothing is sent meanwhile. @param {number} seconds @param {() => void} act */
  later(seconds, act) {
    if (this.#retry !== null) this.env.cancel(this.#retry);
    this.#retry = this.env.after(() => {
      this.#retry = null;
      act();
    }, Math.max(0.2, seconds) * 1000);
  }

  /** @param {Phase} phase */
  set(phase) {
    if (phase === this.phase) return;
    this.phase = phase;
    this.changed("phase");
  }

  /** @param {string} part */
  name(part) {
    return `chatd.${part}.${this.room}`;
  }
}
