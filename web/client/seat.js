/**
 * A seat in one room: enter, keep it through broken connections, speak, read. No DOM.
 *
 *   outside --join--> entering --joined--> in --(connection lost, joined again)--> in
 *      ^                 |                  |
 *      +---- refused ----+---- erased ------+---- leave --> left
 *
 * - `last` is the seq up to which this page has everything. The next event must be `last + 1`;
 *   an older one is dropped, a newer one means a hole: join again with `after: last`.
 * - The seat token is kept for the time of the tab, so that a reload is the same person. What
 *   was said and not acknowledged is kept with it and goes out once.
 * - A ticket may come later, and is shown beside the seat one has: where it is somebody else's,
 *   the seat is given up, and `changed("stranger")` says that nothing on the page is theirs.
 * - Whoever shows this listens to `changed(topic)` and reads the public fields.
 */

import { Connection } from "./connection.js";
import { Outbox } from "./outbox.js";
import * as presence from "./presence.js";
import { EMPTY, fold, newest } from "./timeline.js";
import { Unread } from "./unread.js";
import { isEvent, newKey } from "./wire.js";

/** Posts kept on the page; older ones are loaded again when somebody scrolls back. */
export const KEEP_POSTS = 600;
/** The bound while somebody reads what is further back, and must not lose it from under their eyes. */
export const KEEP_POSTS_BACK = 3_000;
export const TYPING_EVERY_MS = 3_000;
export const TYPING_FOR_MS = 5_000;
const ANSWER_MS = 8_000;
const OLDER = 50;
const TRIES = 5;
/** Refusals that pass by themselves: the post is kept and sent again. */
const PASSING = new Set(["slow_mode", "too_fast", "busy", "log_unavailable"]);
/** What is kept of one seat for the time of the tab. */
export const PARTS = ["seat", "outbox", "draft", "ignored", "mode"];
/** Refusals of entry that trying again does not change: one goes elsewhere. */
const SHUT = new Set(["unknown_room", "ticket_needed", "ticket_refused", "ticket_spent"]);

/**
 * @typedef {import("./wire.js").Frame} Frame
 * @typedef {import("./wire.js").Answer} Answer
 * @typedef {import("./wire.js").Refused} Refused
 * @typedef {"outside" | "entering" | "in" | "left"} Phase
 * @typedef {"connection" | "phase" | "entry" | "timeline" | "roster" | "typing" | "pace" | "stranger"} Topic
 */

/** @type {Refused} */
const LOST = {
  t: "error",
  code: "lost",
  message: "The connection was lost just then. Try it again in a moment.",
};

export class Seat {
  /** @type {Phase} */
  phase = "outside";
  /** The handle one has, or was drawn. */
  handle = "";
  title = "";
  kind = "";
  /** @type {string | null} */
  role = null;
  /** What stands in the way of entering, or null. @type {Refused | null} */
  trouble = null;
  timeline = EMPTY;
  roster = presence.NOBODY;
  away = false;
  /** @type {Set<string>} */
  ignored = new Set();
  outbox = new Outbox();
  unread = new Unread();
  /** Events up to here were history when this page came in. */
  liveFrom = 0;
  /** Whether there is more to load before the first post. */
  more = false;
  loadingOlder = false;
  slowModeS = 0;
  /** When slow mode lets one speak again, in `env.now` milliseconds. */
  slowUntil = 0;
  /** Who is writing, until when. @type {Map<string, number>} */
  typing = new Map();

  /** @type {string | null} */
  #seat = null;
  /** @type {string | null} */
  #offer = null;
  /** @type {string | null} */
  #ticket = null;
  /** @type {string | null} */
  #epoch = null;
  #last = 0;
  #joining = false;
  #nextId = 1;
  /** @type {Map<number, (answer: Answer) => void>} */
  #asked = new Map();
  #typedAt = -Infinity;
  /** @type {number | null} */
  #retry = null;

  /**
   * @param {object} options
   * @param {string} options.room
   * @param {string} options.url of the WebSocket
   * @param {import("./keep.js").Keep} options.keep
   * @param {import("./connection.js").Env} options.env
   * @param {(bytes: Uint8Array) => Uint8Array} options.fill randomness
   * @param {string | null} [options.ticket] a one-time right to enter; it goes before a kept seat
   * @param {(topic: Topic) => void} options.changed
   */
  constructor({ room, url, keep, env, fill, ticket = null, changed }) {
    this.room = room;
    this.keep = keep;
    this.env = env;
    this.fill = fill;
    this.changed = changed;
    this.#ticket = ticket;
    if (ticket !== null) this.#forget();
    this.#seat = keep.get(this.#name("seat"));
    this.outbox.restore(keep.get(this.#name("outbox")));
    this.ignored = new Set(keep.get(this.#name("ignored")) ?? []);
    this.connection = new Connection(
      url,
      {
        opened: () => this.#opened(),
        received: (frame) => this.#received(frame),
        changed: () => this.#connectionChanged(),
        probe: () => this.#probe(),
        hello: () => ({ t: "draw", id: this.#nextId++, room: this.room }),
        busy: () => this.#joining || this.#asked.size > 0,
      },
      env,
    );
    if (this.#seat !== null) this.phase = "entering";
  }

  /** Everything the page shows was delivered up to here. */
  get last() {
    return this.#last;
  }

  /** Whether one cannot come in here with what one has: `trouble` says why. */
  get shut() {
    return this.trouble !== null && SHUT.has(this.trouble.code);
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
    if (this.phase === "outside" && this.#ticket === null && this.#seat === null) {
      this.#shutOut({ t: "error", code: "ticket_needed", message });
    }
  }

  /**
   * A ticket that came after the page: from the page around it, or from signing in.
   *
   * @param {string} ticket
   */
  useTicket(ticket) {
    this.#ticket = ticket;
    // Another window may have the seat, and give it back.
    if (this.phase === "left") return;
    if (this.shut) {
      this.trouble = null;
      this.changed("entry");
    }
    if (this.phase === "in") void this.#join();
    else if (this.phase === "outside" && this.connection.state === "idle") this.connection.open();
  }

  /** What another window of ours needs to go on in this seat: for a message to it, and nowhere else. */
  get parts() {
    const kept = Object.fromEntries(PARTS.map((part) => [part, this.keep.get(this.#name(part))]));
    return { ticket: this.#seat === null ? this.#ticket : null, kept };
  }

  /** Another window has this seat now: let go of it here without leaving it. */
  handOver() {
    this.#ticket = null;
    this.#forget();
    this.#set("left");
    this.connection.close();
  }

  /**
   * The window that had the seat is gone: go on here, exactly after what was shown here.
   *
   * @param {{ticket: string | null, kept: Record<string, any>}} parts
   */
  takeBack({ ticket, kept }) {
    if (this.phase !== "left") return;
    for (const part of PARTS) this.keep.set(this.#name(part), kept[part] ?? null);
    this.#ticket ??= ticket;
    this.#seat = kept.seat ?? null;
    this.outbox = new Outbox();
    this.outbox.restore(kept.outbox);
    this.ignored = new Set(kept.ignored ?? []);
    this.#set(this.#seat === null ? "outside" : "entering");
    this.connection.open();
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
    const answer = await this.#ask({ t: "draw", room: this.room, ...(this.#ticket !== null && { ticket: this.#ticket }) });
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
    if (this.phase !== "outside" || this.shut) return;
    this.trouble = null;
    this.#set("entering");
    if (this.connection.state === "open") void this.#join();
    else this.connection.open();
  }

  /** @param {string} text @param {number | null} replyTo */
  say(text, replyTo = null) {
    const now = this.env.now();
    this.outbox.add(newKey(now, this.fill), text, replyTo, Math.floor(now / 60_000) * 60);
    this.unread.spoke();
    this.#typedAt = -Infinity;
    this.#outboxChanged();
    this.#pump();
  }

  /** @param {string} key */
  sayAgain(key) {
    this.outbox.again(key);
    this.#outboxChanged();
    this.#pump();
  }

  /** @param {string} key @returns {string} */
  discard(key) {
    const text = this.outbox.discard(key);
    this.#outboxChanged();
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
    return refusal(await this.#ask({ t: "react", room: this.room, seq, kind }));
  }

  /** @param {number} seq one's own post or reaction @returns {Promise<Refused | null>} */
  async withdraw(seq) {
    return refusal(await this.#ask({ t: "withdraw", room: this.room, seq }));
  }

  /** @param {boolean} away */
  async setAway(away) {
    this.away = away;
    this.changed("roster");
    return refusal(await this.#ask({ t: "away", room: this.room, away }));
  }

  /** For oneself only, for the time of the tab. @param {string} handle @param {boolean} on */
  ignore(handle, on) {
    if (on) this.ignored.add(handle);
    else this.ignored.delete(handle);
    this.keep.set(this.#name("ignored"), [...this.ignored]);
    this.typing.delete(handle);
    for (const topic of /** @type {Topic[]} */ (["timeline", "roster", "typing"])) this.changed(topic);
  }

  /** One is writing; the room is told every few seconds at most. */
  type() {
    const now = this.env.now();
    if (this.phase !== "in" || now - this.#typedAt < TYPING_EVERY_MS) return;
    if (this.connection.send({ t: "typing", room: this.room })) this.#typedAt = now;
  }

  /** Load what was said before the first post on the page. */
  async older() {
    if (this.phase !== "in" || this.loadingOlder || !this.more) return;
    const first = Math.min(this.#last + 1, ...this.timeline.posts.keys(), ...this.timeline.reactions.keys());
    this.loadingOlder = true;
    this.changed("timeline");
    const answer = await this.#ask({ t: "older", room: this.room, before: Math.max(1, first), limit: OLDER });
    this.loadingOlder = false;
    if (answer.t === "history") {
      this.timeline = fold(this.timeline, answer.events);
      this.more = answer.more;
    }
    this.changed("timeline");
  }

  /** Leave now and forget the seat. What is on the page is the caller's to remove. */
  leave() {
    this.connection.send({ t: "leave", id: this.#nextId++, room: this.room });
    this.#ticket = null;
    this.#forget();
    this.#set("left");
    this.connection.close();
  }

  // ---- the connection ---------------------------------------------------------------------

  #opened() {
    if (this.phase === "outside") void this.draw();
    else if (this.phase !== "left") void this.#join();
  }

  #connectionChanged() {
    if (this.connection.state !== "open") {
      this.#joining = false;
      this.outbox.interrupted();
      const asked = [...this.#asked.values()];
      this.#asked.clear();
      for (const answered of asked) answered(LOST);
    }
    this.changed("connection");
  }

  #probe() {
    const id = this.#nextId++;
    if (this.phase === "in") this.connection.send({ t: "away", id, room: this.room, away: this.away });
    else this.connection.send({ t: "draw", id, room: this.room });
  }

  /** @param {Record<string, unknown>} command @returns {Promise<Answer>} */
  #ask(command) {
    const id = this.#nextId++;
    return new Promise((resolve) => {
      if (!this.connection.send({ id, ...command })) {
        resolve(LOST);
        return;
      }
      const timer = this.env.after(() => this.connection.check(), ANSWER_MS);
      this.#asked.set(id, (answer) => {
        this.env.cancel(timer);
        resolve(answer);
      });
    });
  }

  async #join() {
    if (this.#joining) return;
    this.#joining = true;
    /** @type {Record<string, unknown>} */
    const join = { t: "join", room: this.room };
    const ticket = this.#ticket;
    if (ticket !== null) join.ticket = ticket;
    if (this.#seat !== null) {
      join.seat = this.#seat;
      if (this.#epoch !== null) Object.assign(join, { epoch: this.#epoch, after: this.#last });
    } else if (this.#offer !== null) join.offer = this.#offer;
    const answer = await this.#ask(join);
    this.#joining = false;
    if (this.phase === "left") return;
    if (answer.t === "joined") {
      const newer = this.#ticket === ticket ? null : this.#ticket;
      this.#joined(answer);
      if (newer !== null) this.useTicket(newer);
    } else if (answer.t === "error" && answer.code !== "lost") this.#refused(answer);
  }

  /** @param {import("./wire.js").Joined} joined */
  #joined(joined) {
    const anew = this.#epoch !== null && this.#epoch !== joined.epoch;
    if (!joined.recovered || anew) {
      this.timeline = EMPTY;
      this.liveFrom = joined.head;
      this.more = (joined.events[0]?.seq ?? 1) > 1;
      this.unread.spoke();
    }
    this.#ticket = null;
    this.#offer = null;
    this.#seat = joined.seat;
    this.#epoch = joined.epoch;
    this.#last = joined.head;
    this.handle = joined.handle;
    this.title = joined.title;
    this.kind = joined.kind;
    this.role = joined.role ?? null;
    this.slowModeS = joined.slow_mode_s ?? 0;
    this.roster = presence.began(joined.roster, joined.count);
    this.typing.clear();
    this.keep.set(this.#name("seat"), joined.seat);
    this.#take(joined.events);
    this.outbox.settled(joined.head);
    this.#set("in");
    for (const topic of /** @type {Topic[]} */ (["roster", "timeline", "pace", "typing"])) this.changed(topic);
    const shown = this.roster.people.get(this.handle);
    if (shown && Boolean(shown.away) !== this.away) void this.setAway(this.away);
    this.#pump();
  }

  /** @param {Refused} refused */
  #refused(refused) {
    const passing = PASSING.has(refused.code) || (refused.code === "room_full" && this.#seat !== null);
    if (passing && this.#seat !== null) {
      this.#later(refused.retry_after_s ?? 5, () => this.connection.state === "open" && void this.#join());
      return;
    }
    if (this.#seat !== null && this.#ticket !== null && refused.code === "seat_refused") {
      this.#forget();
      this.#set("left");
      this.connection.close();
      this.changed("stranger");
      return;
    }
    if (this.#seat !== null) this.#startAnew();
    this.#set("outside");
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
    this.#seat = null;
    this.#epoch = null;
    this.#last = 0;
    this.#offer = null;
    this.handle = "";
    this.timeline = EMPTY;
    this.unread.spoke();
    this.more = false;
    for (const entry of this.outbox.entries) this.outbox.failed(entry.key, "The room began anew. Send it again if it still fits.");
    this.outbox.placed.clear();
    this.keep.set(this.#name("seat"), null);
    this.changed("timeline");
  }

  // ---- what the room says -----------------------------------------------------------------

  /** @param {Frame} frame */
  #received(frame) {
    if (frame.t === "ok" || frame.t === "joined" || frame.t === "drawn" || frame.t === "history" || frame.t === "error") {
      const answered = this.#asked.get(frame.id ?? -1);
      this.#asked.delete(frame.id ?? -1);
      if (answered) answered(frame);
      // Another node took over our line, and joined us there.
      else if (frame.t === "joined" && frame.room === this.room && this.phase === "in" && !this.#joining) this.#joined(frame);
      return;
    }
    if (!("room" in frame) || frame.room !== this.room || this.phase === "left") return;
    if (frame.t === "erased") {
      this.#startAnew();
      this.#set("outside");
      this.trouble = {
        t: "error",
        code: "erased",
        message: "The room began anew, and what was said before is gone. Come in again when you like.",
      };
      void this.#drawUnder(this.trouble);
      return;
    }
    if (this.phase !== "in" || this.#joining) return;
    if (isEvent(frame)) this.#event(frame);
    else if (frame.t === "presence") {
      this.roster = presence.changed(this.roster, frame);
      for (const handle of frame.left ?? []) this.typing.delete(handle);
      this.changed("roster");
    } else if (frame.t === "typing" && frame.handle !== this.handle) {
      this.typing.set(frame.handle, this.env.now() + TYPING_FOR_MS);
      this.changed("typing");
    }
  }

  /** @param {import("./wire.js").RoomEvent} event */
  #event(event) {
    if (event.seq <= this.#last) return;
    if (event.seq > this.#last + 1) {
      void this.#join();
      return;
    }
    this.#last = event.seq;
    this.#take([event]);
    this.changed("timeline");
  }

  /** @param {import("./wire.js").RoomEvent[]} events in order, new to this page */
  #take(events) {
    const all = fold(this.timeline, events);
    this.timeline = newest(all, this.unread.attended ? KEEP_POSTS : KEEP_POSTS_BACK);
    if (this.timeline !== all) this.more = true;
    for (const event of events) {
      if (event.t === "posted") {
        if (this.typing.delete(event.handle)) this.changed("typing");
        if (event.handle === this.handle) {
          this.outbox.posted(event.seq, event.text, event.at);
        } else if (event.seq > this.liveFrom && !this.ignored.has(event.handle)) this.unread.arrived(event.seq);
      } else if (event.t === "slowed") {
        this.slowModeS = event.seconds;
        if (event.seconds === 0) this.slowUntil = 0;
        this.changed("pace");
      }
    }
    this.#saveOutbox();
  }

  // ---- speaking ---------------------------------------------------------------------------

  #pump() {
    if (this.phase !== "in" || this.#joining || this.connection.state !== "open" || this.#retry !== null) return;
    const entry = this.outbox.next();
    if (entry === null) return;
    this.#saveOutbox();
    /** @type {Record<string, unknown>} */
    const post = { t: "post", room: this.room, key: entry.key, text: entry.text };
    if (entry.replyTo !== null) post.reply_to = entry.replyTo;
    void this.#ask(post).then((answer) => this.#posted(entry, answer));
  }

  /** @param {import("./outbox.js").Entry} entry @param {Answer} answer */
  #posted(entry, answer) {
    if (answer.t === "ok" && answer.seq != null) {
      this.outbox.ok(entry.key, answer.seq, answer.seq <= this.#last);
      this.#paced();
    } else if (answer.t === "error") {
      if (answer.code === "lost") return;
      if (answer.code === "not_joined") {
        this.outbox.interrupted();
        void this.#join();
        return;
      }
      const wait = answer.retry_after_s ?? 2;
      if (answer.code === "slow_mode") {
        this.slowUntil = Math.max(this.slowUntil, this.env.now() + wait * 1000);
        this.changed("pace");
      }
      if (PASSING.has(answer.code) && entry.tries < TRIES) {
        this.outbox.later(entry.key, answer.message);
        this.#later(wait, () => this.#pump());
      } else this.outbox.failed(entry.key, answer.message);
    }
    this.#outboxChanged();
    this.#pump();
  }

  /** One has just spoken: in slow mode the next post waits. */
  #paced() {
    if (this.slowModeS === 0 || this.role === "facilitator") return;
    this.slowUntil = Math.max(this.slowUntil, this.env.now() + this.slowModeS * 1000);
    this.changed("pace");
  }

  #outboxChanged() {
    this.#saveOutbox();
    this.changed("timeline");
  }

  #saveOutbox() {
    this.keep.set(this.#name("outbox"), this.outbox.entries.length ? this.outbox.saved() : null);
  }

  /** @param {number} seconds @param {() => void} act */
  #later(seconds, act) {
    if (this.#retry !== null) this.env.cancel(this.#retry);
    this.#retry = this.env.after(() => {
      this.#retry = null;
      act();
    }, Math.max(0.2, seconds) * 1000);
  }

  /** @param {Phase} phase */
  #set(phase) {
    if (phase === this.phase) return;
    this.phase = phase;
    this.changed("phase");
  }

  #forget() {
    this.#seat = null;
    for (const part of PARTS) this.keep.set(this.#name(part), null);
  }

  /** @param {string} part */
  #name(part) {
    return `chatd.${part}.${this.room}`;
  }
}

/** @param {Answer} answer @returns {Refused | null} */
function refusal(answer) {
  return answer.t === "error" ? answer : null;
}
