/**
 * A session on the room's page, as a participant has it: puts the strip, the card, the floor and the line
 * around the conversation, and moves the conversation into a small group's room and back.
 *
 * Loaded only where a room has a session. It shows what the seat says (`seat.session`), and remembers only
 * what somebody has looked at.
 */

import { Belonging, toldIn } from "../client/session.js";
import { refusal } from "../client/asking.js";
import { byId } from "../room/dom.js";
import { say } from "../words/say.js";
import { Cards } from "./cards.js";
import { Over } from "./over.js";
import { Floor } from "./floor.js";
import { Line, reasonFor } from "./line.js";
import { hiddenPost, note } from "./notes.js";
import { Quiet } from "./quiet.js";
import { Strip } from "./strip.js";
import "./speech.js";
import "./style.js";
import { cameLate, card, mayWrite, running, shows, standing } from "./view.js";
import { floorLine } from "./words.js";

/** So often the bars move and minutes are counted: rarely enough to be calm. */
const LOOK_MS = 5_000;

/**
 * @typedef {import("./view.js").SessionNow} SessionNow
 * @typedef {import("../client/wire.js").Refused} Refused
 * @typedef {object} Around
 * @property {(text: string) => void} hint
 * @property {import("../room/entry.js").Entry} entry
 * @property {() => void} leave
 */

export class SessionPage {
  /** @type {Line | null} */
  #line = null;
  /** @type {Belonging | null} */
  #group = null;
  /** Up to here one has seen what stands in the line. */
  #seen = 0;
  #late = false;
  #came = false;
  /** The check-in that one left out. @type {"before" | "after" | null | undefined} */
  #passed = null;
  /** What one is about to accept: to listen or not; null where nothing is on its way. @type {boolean | null} */
  #accepting = null;

  /**
   * @param {import("../client/seat.js").Seat} seat
   * @param {import("../room/conversation.js").Conversation} conversation
   * @param {Around} around
   */
  constructor(seat, conversation, around) {
    this.seat = seat;
    this.conversation = conversation;
    this.around = around;
    this.strip = new Strip((seq) => void conversation.jump(seq));
    this.cards = new Cards({
      accept: () => void this.#accept(conversation.mode === "listen"),
      word: (yes) => this.#line?.answer(yes),
      read: () => this.#line?.open(),
      later: () => this.#read(),
      seen: () => ((this.#late = false), this.show()),
      checkIn: () => void this.#checkIn(),
      pass: () => ((this.#passed = this.seat.session?.you.check_in), this.show()),
      vote: (poll, choice) => void this.#ask({ t: "vote", poll, choice }).then((no) => no ?? around.hint(say("session.poll_voted"))),
    });
    this.floor = new Floor({
      hand: (up) => void this.#ask({ t: "raise_hand", up }),
      end: (passed) => void this.#ask({ t: "end_turn", passed }).then(() => conversation.composer.focus()),
      line: () => this.#line?.open(),
    });
    const scroller = byId("scroller");
    this.quiet = new Quiet();
    this.over = new Over(seat, around);
    scroller.before(this.strip.element, this.cards.element);
    scroller.after(this.quiet.element);
    byId("composer").before(this.floor.element);
    conversation.add({
      note: (event) => note(event, conversation.place.timeline),
      posted: hiddenPost,
      whyHidden: (seq) => (this.#line ? reasonFor(this.#line.place.timeline, seq) : ""),
      shows,
      waitsHeld: say("session.waits_held"),
      empty: () => this.#empty(),
      holds: () => this.#holds(),
    });
    setInterval(() => !document.hidden && this.show(), LOOK_MS);
  }

  /** Somebody decided to talk, or to listen. @param {"talk" | "listen"} mode */
  chose(mode) {
    const { session } = this.seat;
    const listen = mode === "listen";
    if (session?.you.accepted && (session.you.listening ?? false) !== listen) void this.#accept(listen);
  }

  show() {
    const { seat } = this;
    // After the quick exit there is nothing to show it in.
    if (!this.strip.element.isConnected) return;
    const now = seat.session;
    this.over.show(now, this.#line);
    if (now === null || seat.phase !== "in") {
      this.#showLine(now);
      return;
    }
    const at = seat.serverNow();
    if (!this.#came) {
      this.#came = true;
      this.#late = cameLate(now, at) && !now.you.facilitator;
    }
    if (now.you.member && !now.you.accepted && this.around.entry.agreed) void this.#accept(this.conversation.mode === "listen");
    this.#follow(now);
    const facilitators = [...seat.roster.people.values()].filter((one) => one.role === "facilitator").map((one) => one.handle);
    this.strip.show(now, at, facilitators, seat.timeline.posts, seat.handle);
    const rests = this.quiet.show(now, at) || now.phase === "closed" || now.phase === "cancelled";
    byId("scroller").inert = rests;
    const news = this.#showLine(now);
    this.floor.show(now, seat.handle, at, { line: this.#line !== null, news });
    const talk = this.strip.element.parentElement;
    talk?.classList.toggle("resting", rests);
    talk?.classList.toggle("shut-now", !mayWrite(now) && !now.you.facilitator);
    talk?.classList.toggle("muted-now", now.you.muted === true);
    talk?.classList.toggle("not-now", !standing(now, seat.handle).mayPost);
  }

  // ---- the rooms that belong to it ----------------------------------------------------------

  /** The line to the facilitators, and the small group one is in. @param {SessionNow} now */
  #follow(now) {
    const { line, group } = now.you;
    if (line && this.#line?.place.room !== line) {
      const place = new Belonging(this.seat, line, { changed: () => this.#lineChanged() });
      place.ignored = this.seat.ignored;
      this.#line = new Line(place, {
        ask: () => this.#asks(this.seat, { t: "ask_word", key: this.seat.newKey() }),
        appeal: (told, text) => this.#asks(place, { t: "appeal", told, text }),
        jump: (seq) => void this.conversation.jump(seq),
        read: () => this.#read(),
      });
      place.open();
    }
    if ((group ?? null) === (this.#group?.room ?? null)) return;
    const before = this.#group;
    this.#group = null;
    if (group) {
      const place = new Belonging(this.seat, group, {
        changed: (topic) => {
          if (this.conversation.place !== place) return;
          if (topic === "timeline" || topic === "phase") this.conversation.show();
          else if (topic === "typing") this.conversation.typing.show();
          else if (topic === "pace") this.conversation.composer.slow(place.slowUntil);
          else if (topic === "returned") this.conversation.giveBack();
        },
      });
      place.ignored = this.seat.ignored;
      this.#group = place;
      place.open();
      this.conversation.turnTo(place);
    } else {
      this.conversation.turnTo(this.seat);
      this.around.hint(say("session.group_back"));
    }
    before?.close();
  }

  #lineChanged() {
    queueMicrotask(() => {
      this.#line?.show();
      const { place } = this.#line ?? {};
      if (place) for (const told of toldIn(place.timeline)) if (told.what === "declined" && told.seq > this.#declined) this.#decline(told);
      this.show();
      this.conversation.show();
    });
  }

  #declined = 0;

  /** @param {import("../client/wire.js").Told} told */
  #decline(told) {
    this.#declined = told.seq;
    if (told.seq <= (this.#line?.place.liveFrom ?? 0)) return;
    this.seat.outbox.declined([say("session.told_declined"), ...(told.reason ? [say("session.told_reason", { reason: told.reason })] : [])].join(" "));
    this.seat.outboxChanged();
  }

  /** @param {SessionNow | null} now @returns {boolean} whether there is something new in the line */
  #showLine(now) {
    const line = this.#line;
    if (line === null) {
      this.cards.show(card(now, { word: { state: "none" }, unreadTold: false, whispered: false, late: this.#late, passed: this.#passed }), now, this.seat.serverNow(), { by: "" });
      return false;
    }
    const { timeline, handle } = line.place;
    if (line.isOpen) this.#seen = Math.max(this.#seen, line.place.last);
    const told = toldIn(timeline).find((one) => one.seq > this.#seen);
    const posts = [...timeline.posts.values()].filter((post) => post.seq > this.#seen && post.handle !== handle);
    const word = line.word;
    const kind = card(now, {
      word: line.isOpen ? { state: "none" } : word,
      unreadTold: told !== undefined,
      whispered: posts.length > 0,
      late: this.#late,
      passed: this.#passed,
    });
    this.cards.show(kind, now, this.seat.serverNow(), { by: kind === "word" ? word.by : (posts.at(-1)?.handle ?? ""), told });
    return told !== undefined || posts.length > 0 || word.state === "offered";
  }

  #read() {
    this.#seen = Math.max(this.#seen, this.#line?.place.last ?? 0);
    this.show();
  }

  #empty() {
    const now = this.seat.session;
    if (this.#group) return say("session.empty_group");
    return now?.phase === "lobby" ? say("session.empty_lobby") : say("session.empty");
  }

  // ---- what somebody does --------------------------------------------------------------------

  /** Whether the words have to wait, as one can know beforehand. They stay where they were written. */
  #holds() {
    const now = this.seat.session;
    if (now === null || now.you.facilitator || this.#group) return false;
    const is = standing(now, this.seat.handle);
    if (is.mayPost && mayWrite(now)) return false;
    if (now.pause) this.around.hint(say("refusals.paused"));
    else if (!running(now) && now.phase !== "lobby") this.around.hint(say("refusals.not_open"));
    else this.around.hint(say("session.not_yet", { reason: floorLine(is, now, this.seat.serverNow()) }));
    return true;
  }

  /** @param {boolean} listen */
  async #accept(listen) {
    if (this.#accepting === listen) return;
    this.#accepting = listen;
    await this.#ask({ t: "accept", listen });
    this.#accepting = null;
  }

  async #checkIn() {
    const { checkIn } = await import("./check_in.js");
    const now = this.seat.session;
    if (!now?.you.check_in) return;
    checkIn(now, async (answers) => {
      const refused = await this.#asks(this.seat, answers);
      if (!refused) this.around.hint(say("session.check_thanks"));
      return refused;
    });
  }

  /** @param {Record<string, unknown>} command */
  async #ask(command) {
    const refused = await this.#asks(this.seat, command);
    if (refused) this.around.hint(refused.message);
    return refused;
  }

  /** @param {import("../client/place.js").Place} place @param {Record<string, unknown>} command @returns {Promise<Refused | null>} */
  async #asks(place, command) {
    return refusal(await place.ask(command));
  }
}
