/**
 * One room, as somebody who sits in it has it: what happens in it, who is there, and coming back. No DOM.
 *
 * `last` is the seq up to which this page has everything. The next event must be `last + 1`; an older one
 * is dropped, a newer one means a hole: join again with `after: last`. How one gets in, and what is done
 * where that is refused, is the business of a subclass: `seat.js` for a room of its own, `session.js` for
 * one that belongs to a session.
 */

import * as presence from "./presence.js";
import { Speaking } from "./speaking.js";
import { EMPTY, fold, newest } from "./timeline.js";
import { isEvent } from "./wire.js";

/** Posts kept on the page; older ones are loaded again when somebody scrolls back. */
export const KEEP_POSTS = 600;
/** The bound while somebody reads what is further back, and must not lose it from under their eyes. */
export const KEEP_POSTS_BACK = 3_000;
export const TYPING_FOR_MS = 5_000;
const OLDER = 50;

/**
 * @typedef {import("./wire.js").Frame} Frame
 * @typedef {import("./wire.js").AnyEvent} AnyEvent
 * @typedef {import("./wire.js").Joined} Joined
 * @typedef {import("./speaking.js").Topic} Topic
 */

export class Place extends Speaking {
  title = "";
  kind = "";
  roster = presence.NOBODY;
  /** @type {Set<string>} */
  ignored = new Set();
  /** Events up to here were history when this page came in. */
  liveFrom = 0;
  /** Whether there is more to load before the first post. */
  more = false;
  loadingOlder = false;
  /** Who is writing, until when. @type {Map<string, number>} */
  typing = new Map();
  /** @type {string | null} */
  epoch = null;
  /** When the room begins anew, in `env.now` milliseconds; null where it does not. @type {number | null} */
  anewAt = null;
  /** What lies before this has not been loaded. */
  #first = 1;

  // ---- for the subclass ---------------------------------------------------------------------

  /** What proves the right to enter, and from where on. @returns {Record<string, unknown>} */
  proof() {
    return {};
  }

  /** The answer to a join that was not lost. @param {import("./wire.js").Answer} _answer */
  joinAnswered(_answer) {}

  /** What else there is to do with a join that was answered, before anybody is told of it. @param {Joined} _joined */
  sat(_joined) {}

  /** The server took one's seat here. @param {import("./wire.js").PutOut} _out */
  putOut(_out) {}

  // ---- coming in ----------------------------------------------------------------------------

  async join() {
    if (this.joining) return;
    this.joining = true;
    const answer = await this.ask({ t: "join", ...this.proof() });
    this.joining = false;
    if (this.phase === "left" || (answer.t === "error" && answer.code === "lost")) return;
    this.joinAnswered(answer);
  }

  /** Where one left off, for `join`. */
  get after() {
    return this.epoch === null ? {} : { epoch: this.epoch, after: this.last };
  }

  /** @param {Joined} joined */
  joined(joined) {
    const anew = this.epoch !== null && this.epoch !== joined.epoch;
    if (!joined.recovered || anew) {
      this.timeline = EMPTY;
      this.liveFrom = joined.head;
      this.#first = joined.events[0]?.seq ?? 1;
      this.more = this.#first > 1;
      this.unread.spoke();
    }
    this.epoch = joined.epoch;
    this.last = joined.head;
    this.handle = joined.handle;
    this.title = joined.title;
    this.kind = joined.kind;
    this.role = joined.role ?? null;
    this.slowModeS = joined.slow_mode_s ?? 0;
    this.anewAt = joined.anew_in_s ? this.env.now() + joined.anew_in_s * 1000 : null;
    this.roster = presence.began(joined.roster, joined.count);
    this.typing.clear();
    this.sat(joined);
    this.take(joined.events);
    this.outbox.settled(joined.head);
    this.set("in");
    for (const topic of /** @type {Topic[]} */ (["roster", "timeline", "pace", "typing"])) this.changed(topic);
    const shown = this.roster.people.get(this.handle);
    if (shown && Boolean(shown.away) !== this.away) void this.setAway(this.away);
    this.pump();
  }

  /** The connection is not what it was: what was under way is under way no more. */
  interrupted() {
    this.joining = false;
    this.outbox.interrupted();
  }

  // ---- what the room says -------------------------------------------------------------------

  /** A frame of this room that answers nothing. @param {Frame} frame */
  heard(frame) {
    if (frame.t === "put_out") return this.putOut(frame);
    if (this.phase !== "in" || this.joining) return;
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

  /** @param {AnyEvent} event */
  #event(event) {
    if (event.seq <= this.last) return;
    if (event.seq > this.last + 1) {
      void this.join();
      return;
    }
    this.last = event.seq;
    this.take([event]);
    this.changed("timeline");
  }

  /** @param {AnyEvent[]} events in order, new to this page */
  take(events) {
    const all = fold(this.timeline, events);
    this.timeline = newest(all, this.unread.attended ? KEEP_POSTS : KEEP_POSTS_BACK);
    if (this.timeline !== all) {
      this.more = true;
      this.#first = Math.min(...this.timeline.posts.keys());
    }
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
    this.saveOutbox();
    if (events.length > 0) this.took(events, (events[0]?.seq ?? 0) > this.liveFrom);
  }

  /** Load what was said before the first post on the page. */
  async older() {
    if (this.phase !== "in" || this.loadingOlder || !this.more) return;
    this.loadingOlder = true;
    this.changed("timeline");
    const answer = await this.ask({ t: "older", before: this.#first, limit: OLDER });
    this.loadingOlder = false;
    if (answer.t === "history") {
      this.timeline = fold(this.timeline, answer.events);
      this.#first = answer.events[0]?.seq ?? this.#first;
      this.more = answer.more;
    }
    this.changed("timeline");
  }

  /** For oneself only, for the time of the tab. @param {string} handle @param {boolean} on */
  ignore(handle, on) {
    if (on) this.ignored.add(handle);
    else this.ignored.delete(handle);
    this.keep.set(this.name("ignored"), [...this.ignored]);
    this.typing.delete(handle);
    for (const topic of /** @type {Topic[]} */ (["timeline", "roster", "typing"])) this.changed(topic);
  }

  /** Show nothing of what was here. @param {string} sentence why what waits was not said */
  clear(sentence) {
    this.epoch = null;
    this.last = 0;
    this.timeline = EMPTY;
    this.unread.spoke();
    this.more = false;
    for (const entry of this.outbox.entries) this.outbox.failed(entry.key, sentence);
    this.outbox.placed.clear();
  }
}
