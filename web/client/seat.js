/**
 * A seat in one room: enter, keep it through broken connections, leave. No DOM.
 *
 *   outside --join--> entering --joined--> in --(connection lost, joined again)--> in
 *      ^                 |  |               |
 *      |                 |  +--> waiting    |       the group is full: one stands in a line
 *      +---- refused ----+---- erased ------+---- leave --> left
 *
 * Where a room that one sits in begins anew by the calendar one goes on in it, under another handle:
 * `changed("anew")`.
 *
 * - What one says and what the room says is `speaking.js` and `place.js`.
 * - The seat token is kept for the time of the tab, so that a reload is the same person. What
 *   was said and not acknowledged is kept with it and goes out once.
 * - A ticket may come later, and is shown beside the seat one has: where it is somebody else's,
 *   the seat is given up, and `changed("stranger")` says that nothing on the page is theirs.
 * - A room of a session says how it stands (`session`), and has rooms that belong to it (`session.js`).
 * - Whoever shows this listens to `changed(topic)` and reads the public fields.
 */

import { Asking } from "./asking.js";
import { Connection } from "./connection.js";
import { Outbox } from "./outbox.js";
import { Place } from "./place.js";
import { PASSING } from "./speaking.js";

export { KEEP_POSTS, KEEP_POSTS_BACK, TYPING_FOR_MS } from "./place.js";
export { TYPING_EVERY_MS } from "./speaking.js";

/** What is kept of one seat for the time of the tab. */
export const PARTS = ["seat", "outbox", "draft", "ignored", "mode"];
/** What another window needs to be the same person; a pass outlives the seat that it gave. */
export const MOVED = [...PARTS, "pass"];
/** Refusals of entry that trying again does not change: one goes elsewhere. */
const SHUT = new Set(["unknown_room", "ticket_needed", "ticket_refused", "ticket_spent", "pass_needed", "pass_refused", "removed"]);

/**
 * @typedef {import("./wire.js").Frame} Frame
 * @typedef {import("./wire.js").Answer} Answer
 * @typedef {import("./wire.js").Refused} Refused
 * @typedef {import("./speaking.js").Phase} Phase
 * @typedef {import("./speaking.js").Topic} Topic
 */

/**
 * The way into a room that asks for a pass (`room/pass.js`): whether a ticket is for it and not for the room;
 * whether one may come in now, or `enter` is called later; whether it makes up for a refusal.
 *
 * @typedef {{takes: (ticket: string) => boolean, lets: (enter: () => void) => boolean, refused: (code: string) => boolean}} Way
 */

export class Seat extends Place {
  /** What stands in the way of entering, or null. @type {Refused | null} */
  trouble = null;
  /** One's place in the line for a group that is full. @type {{place: number} | null} */
  waiting = null;
  /** How the session stands, in a room that has one. @type {import("./wire.js").SessionNow | null} */
  session = null;
  /** The seat's token; it also opens the rooms that belong to this one. @type {string | null} */
  token = null;
  /** By name, the rooms that belong to this one and that one is in. @type {Map<string, Place>} */
  belonging = new Map();

  /** Seconds by which the server's clock is ahead of ours. */
  #ahead = 0;
  /** @type {string | null} */
  #offer = null;
  /** What is shown beside the seat with the next join. @type {string | null} */
  ticket = null;
  /** A staff pass, shown where one has neither seat nor ticket. @type {string | null} */
  pass = null;
  /** @type {Way | null} */
  way = null;
  /** What the join under way shows. @type {string | null} */
  #shown = null;
  /** The same, of the seat. @type {string | null} */
  #shownSeat = null;
  /** The room has begun anew, and one is not back in it yet. */
  #moved = false;

  /**
   * @param {import("./speaking.js").Around & {url: string, ticket?: string | null}} options `url` of the WebSocket;
   *   `ticket` is a one-time right to enter, and goes before a kept seat
   */
  constructor({ url, ticket = null, ...around }) {
    super(around);
    const { keep, env } = around;
    this.ticket = ticket;
    if (ticket !== null) this.forget();
    this.token = keep.get(this.name("seat"));
    this.outbox = new Outbox();
    this.outbox.restore(keep.get(this.name("outbox")));
    this.ignored = new Set(keep.get(this.name("ignored")) ?? []);
    this.connection = new Connection(
      url,
      {
        opened: () => this.#opened(),
        received: (frame) => this.#received(frame),
        changed: () => this.#connectionChanged(),
        probe: () => this.#probe(),
        hello: () => ({ t: "draw", id: this.asking.id(), room: this.room }),
        busy: () => this.joining || this.asking.busy,
      },
      env,
    );
    this.#asking = new Asking(this.connection, this.tell);
    /** @type {Phase} */
    this.phase = this.token === null ? "outside" : "entering";
  }

  /** @type {Asking} */
  #asking;

  /** @override */
  get asking() {
    return this.#asking;
  }

  /** Whether one cannot come in here with what one has: `trouble` says why. */
  get shut() {
    return this.trouble !== null && SHUT.has(this.trouble.code);
  }

  /** Unix seconds, by the server's clock as far as a session has told it. */
  serverNow() {
    return this.env.now() / 1000 + this.#ahead;
  }

  start() {
    this.connection.open();
  }

  /**
   * The room asks for a ticket. Whoever has neither that nor a kept seat is told before anything
   * is asked of them.
   *
   * @param {string} message
   */
  asksForTicket(message) {
    if (this.phase === "outside" && this.ticket === null && this.token === null) {
      this.#shutOut({ t: "error", code: "ticket_needed", message });
    }
  }

  /**
   * A ticket that came after the page: from the page around it, or from signing in.
   *
   * @param {string} ticket
   */
  useTicket(ticket) {
    if (this.way?.takes(ticket)) return;
    this.ticket = ticket;
    // Another window may have the seat, and give it back.
    if (this.phase === "left") return;
    this.opens();
    if (this.phase === "in") void this.join();
  }

  /** What stood in the way may not any more. */
  opens() {
    if (this.shut) {
      this.trouble = null;
      this.changed("entry");
    }
    if (this.phase === "outside" && this.connection.state === "idle") this.connection.open();
  }

  /** The page woke up or the network came back: find out at once how things are. */
  wake() {
    if (this.phase === "left") return;
    if (this.connection.state === "open") this.connection.check(3_000);
    else if (this.connection.state === "waiting" || this.connection.state === "offline") this.connection.open();
  }

  /** Look at another handle. */
  async draw() {
    if (this.phase !== "outside" || this.shut) return;
    if (this.connection.state === "idle") return this.connection.open();
    // With the ticket, so that one that opens nothing any more is told before the rules are read.
    const answer = await this.ask({ t: "draw", ...(this.ticket !== null && { ticket: this.ticket }) });
    if (this.phase !== "outside" || this.shut) return;
    if (answer.t === "drawn") {
      this.handle = answer.handle;
      this.#offer = answer.offer;
      this.trouble = null;
    } else if (answer.t === "error" && SHUT.has(answer.code)) return this.#shutOut(answer);
    else if (answer.t === "error" && answer.code !== "lost") this.trouble = answer;
    this.changed("entry");
  }

  /** Take the seat, with the handle one was shown. */
  enter() {
    if (this.phase !== "outside" || this.shut || this.way?.lets(() => this.enter()) === false) return;
    this.trouble = null;
    this.set("entering");
    if (this.connection.state === "open") void this.join();
    else this.connection.open();
  }

  /** One was put out, and may come in again, as who one was. */
  comeBack() {
    if (this.phase !== "outside" || this.token === null) return;
    this.trouble = null;
    this.set("entering");
    void this.join();
  }

  /** Leave now and forget the seat. What is on the page is the caller's to remove. */
  leave() {
    this.connection.send({ t: "leave", id: this.asking.id(), room: this.room });
    this.ticket = null;
    this.forget();
    this.set("left");
    this.connection.close();
  }

  // ---- coming in ----------------------------------------------------------------------------

  /** @override */
  proof() {
    this.#shown = this.ticket;
    this.#shownSeat = this.token;
    /** @type {Record<string, unknown>} */
    const proof = {};
    if (this.ticket !== null) proof.ticket = this.ticket;
    if (this.token === null && this.ticket === null && this.pass !== null) proof.pass = this.pass;
    if (this.token !== null) Object.assign(proof, { seat: this.token }, this.after);
    else if (this.#offer !== null) proof.offer = this.#offer;
    return proof;
  }

  /** @override @param {Answer} answer */
  joinAnswered(answer) {
    if (answer.t === "joined") {
      const newer = this.ticket === this.#shown ? null : this.ticket;
      this.joined(answer);
      if (newer !== null) this.useTicket(newer);
    } else if (answer.t === "waiting") this.#waits(answer);
    else if (answer.t === "error") this.#refused(answer);
  }

  /** @override @param {import("./wire.js").Joined} joined */
  sat(joined) {
    this.ticket = null;
    this.#offer = null;
    this.waiting = null;
    this.trouble = null;
    this.token = joined.seat;
    this.keep.set(this.name("seat"), joined.seat);
    if (this.#moved) this.changed("anew");
    this.#moved = false;
    this.#stands(joined.session ?? null);
    for (const place of this.belonging.values()) void place.join();
  }

  /** The group is full. Who asks again keeps the place in the line. @param {import("./wire.js").Waiting} waiting */
  #waits({ place, retry_s, seat, handle }) {
    this.ticket = null;
    this.waiting = { place };
    this.handle = handle;
    this.token = seat;
    this.keep.set(this.name("seat"), seat);
    this.set("waiting");
    this.changed("entry");
    this.later(retry_s, () => {
      if (this.phase !== "waiting") return;
      if (this.connection.state === "open") void this.join();
      else this.connection.open();
    });
  }

  /** @param {Refused} refused */
  #refused(refused) {
    if (refused.code === "seat_refused" && this.token !== null && this.token !== this.#shownSeat) {
      // The room began anew while that was on its way, and gave another seat.
      void this.join();
      return;
    }
    const passing = PASSING.has(refused.code) || (refused.code === "room_full" && this.token !== null && this.phase !== "waiting");
    if (passing && this.token !== null) {
      this.later(refused.retry_after_s ?? 5, () => this.connection.state === "open" && void this.join());
      return;
    }
    if (this.token !== null && this.ticket !== null && refused.code === "seat_refused") {
      this.forget();
      this.set("left");
      this.connection.close();
      this.changed("stranger");
      return;
    }
    if (this.token !== null) this.#startAnew();
    this.set("outside");
    if (this.way?.refused(refused.code)) return;
    if (SHUT.has(refused.code)) return this.#shutOut(refused);
    this.trouble = refused;
    if (this.handle === "" || this.#offer === null) void this.#drawUnder(refused);
    this.changed("entry");
  }

  /** Nothing can be done here: say why, and let the connection go. @param {Refused} refused */
  #shutOut(refused) {
    this.trouble = refused;
    this.connection.close();
    this.changed("entry");
  }

  /** Draw a handle, and keep saying why one is outside. @param {Refused} refused */
  async #drawUnder(refused) {
    await this.draw();
    this.trouble ??= refused;
    this.changed("entry");
  }

  /** The epoch is gone: show nothing old, keep what was written and not said. */
  #startAnew() {
    this.clear(this.tell({ code: "anew", message: "The room began anew. Send it again if it still fits." }));
    this.token = null;
    this.#offer = null;
    this.handle = "";
    this.waiting = null;
    this.#stands(null);
    this.keep.set(this.name("seat"), null);
    this.changed("timeline");
  }

  // ---- the connection ---------------------------------------------------------------------

  #opened() {
    if (this.phase === "outside" && this.shut) for (const place of this.belonging.values()) void place.join();
    else if (this.phase === "outside") void this.draw();
    else if (this.phase !== "left") void this.join();
  }

  #connectionChanged() {
    if (this.connection.state !== "open") {
      this.interrupted();
      for (const place of this.belonging.values()) place.interrupted();
      this.asking.lost();
    }
    this.changed("connection");
  }

  #probe() {
    const id = this.asking.id();
    if (this.phase === "in") this.connection.send({ t: "away", id, room: this.room, away: this.away });
    else this.connection.send({ t: "draw", id, room: this.room });
  }

  /** @param {Frame} frame */
  #received(frame) {
    if (frame.t === "ok" || frame.t === "joined" || frame.t === "drawn" || frame.t === "history" || frame.t === "waiting" || frame.t === "mine" || frame.t === "error") {
      if (this.asking.answered(frame) || frame.t !== "joined") return;
      // Another node took over our line, and joined us there.
      const place = frame.room === this.room ? this : this.belonging.get(frame.room);
      if (place?.phase === "in" && !place.joining) place.joined(frame);
      return;
    }
    if (!("room" in frame) || this.phase === "left") return;
    if (frame.room !== this.room) this.belonging.get(frame.room)?.heard(frame);
    else if (frame.t === "erased") this.#erased(frame);
    else if (frame.t === "session") this.#stands(frame);
    else this.heard(frame);
  }

  /** In one's line with the facilitators one may still be. @override @param {import("./wire.js").PutOut} out */
  putOut({ code, message }) {
    this.set("outside");
    this.trouble = { t: "error", code, message: this.tell({ code, message }) };
    this.changed("entry");
  }

  /** @param {import("./wire.js").Erased} erased */
  #erased({ seat }) {
    const inside = this.phase === "in";
    this.#startAnew();
    if (seat && inside) {
      // Its time was over, and one goes on as somebody else. One stays on the room's page meanwhile.
      this.token = seat;
      this.keep.set(this.name("seat"), seat);
      this.ignored.clear();
      this.keep.set(this.name("ignored"), null);
      this.#moved = true;
      void this.join();
      return;
    }
    this.set("outside");
    const anew = { code: "erased", message: "The room began anew, and what was said before is gone. Come in again when you like." };
    this.trouble = { t: "error", code: anew.code, message: this.tell(anew) };
    void this.#drawUnder(this.trouble);
  }

  /** @param {import("./wire.js").SessionNow | null} session */
  #stands(session) {
    if (session === null && this.session === null) return;
    this.session = session;
    if (session !== null) this.#ahead = session.now - this.env.now() / 1000;
    this.changed("session");
  }

  /** Nothing of the seat is kept any more. */
  forget() {
    this.token = null;
    for (const part of PARTS) this.keep.set(this.name(part), null);
    for (const place of this.belonging.values()) for (const part of PARTS) this.keep.set(place.name(part), null);
    this.belonging.clear();
  }
}
