/**
 * What is said in one room, and the place to say it: messages, composer, what can be done with a message.
 *
 * It shows one place at a time, the room itself or a small group's (`turnTo`), and whatever a session adds
 * to that comes in by `extras`.
 */

import { view } from "../client/timeline.js";
import { say } from "../words/say.js";
import { Actions } from "./actions.js";
import { Composer } from "./composer.js";
import { byId, write } from "./dom.js";
import { Messages } from "./messages.js";
import { Typing } from "./typing.js";
import * as words from "./words.js";

const LOAD_WITHIN = 160;

/**
 * @typedef {import("../client/place.js").Place} Place
 * @typedef {import("../client/wire.js").Refused} Refused
 * @typedef {"talk" | "listen"} Mode
 *
 * @typedef {object} Extras what a session adds
 * @property {(event: import("../client/wire.js").Noted) => HTMLElement | null} note
 * @property {(item: import("../client/timeline.js").PostItem, element: HTMLElement) => void} posted
 * @property {(event: import("../client/wire.js").Noted | import("../client/wire.js").Slowed) => boolean} shows
 * @property {string} waitsHeld
 * @property {(seq: number) => string} whyHidden
 * @property {() => string} empty what to say where nothing has been said; "" for what every room says
 * @property {(text: string) => boolean} holds whether what one would send has to wait, and it was said why
 *
 * @typedef {object} Around
 * @property {(text: string) => void} hint
 * @property {(text: string) => void} drafted
 * @property {(mode: Mode) => void} mode
 * @property {() => boolean} looking whether somebody sees the page
 * @property {(unread: number) => void} unread
 */

export class Conversation {
  /** @type {Extras | null} */
  #extras = null;

  /** @param {Place} place @param {Mode} mode @param {Around} around */
  constructor(place, mode, around) {
    this.place = place;
    this.mode = mode;
    this.around = around;
    this.messages = new Messages(byId("scroller"), byId("past"), byId("live"), {
      menu: (item) => this.actions.open(item, true),
      react: (item, kind) => item.seq !== null && void this.place.react(item.seq, kind).then(this.hint),
      jump: (seq) => void this.jump(seq),
      again: (key) => this.place.sayAgain(key),
      discard: (key) => this.composer.put(this.place.discard(key)),
      note: (event) => this.#extras?.note(event) ?? null,
      posted: (item, element) => this.#extras?.posted(item, element),
    });
    this.composer = new Composer({
      send: (text, replyTo) => {
        if (this.#extras?.holds(text)) return false;
        this.place.say(text, replyTo);
        this.messages.toEnd();
        return true;
      },
      typing: () => this.place.type(),
      keepDraft: around.drafted,
      now: place.env.now,
    });
    this.actions = new Actions(byId("deeds", HTMLDialogElement), {
      reply: (item) => {
        if (item.seq === null) return;
        this.composer.replyTo({ seq: item.seq, handle: item.own ? "" : words.name(item.handle), text: item.text });
        this.setMode("talk");
        this.composer.focus();
      },
      react: (item, kind) => item.seq !== null && void this.place.react(item.seq, kind).then(this.hint),
      withdraw: (item) => item.seq !== null && void this.place.withdraw(item.seq).then(this.hint),
      ignore: (handle) => {
        this.place.ignore(handle, true);
        around.hint(say("room.ignoring", { name: words.name(handle) }));
      },
      closed: (item) => this.messages.focus(item.key),
    });
    this.typing = new Typing(byId("typing"), place, place.env.now);
    byId("speak").addEventListener("click", () => {
      this.setMode("talk");
      this.composer.focus();
    });
    byId("latest").addEventListener("click", () => {
      this.messages.toEnd();
      this.attend();
      this.composer.focus();
    });
    byId("older").addEventListener("click", () => void this.place.older());
    new ResizeObserver(() => this.showUnread()).observe(byId("scroller"));
    byId("scroller").addEventListener("scroll", () => this.#scrolled(), { passive: true });
  }

  /** From here on it is a session's. @param {Extras} extras */
  add(extras) {
    this.#extras = extras;
    // What stands there already was written without them.
    this.messages.clear();
    this.show();
    this.messages.toEnd();
  }

  /** @param {Refused | null} refused */
  hint = (refused) => {
    if (refused) this.around.hint(refused.message);
  };

  /** Show another room's conversation here, from its beginning. @param {Place} place */
  turnTo(place) {
    if (place === this.place) return;
    this.place.unread.attend(false);
    this.place = place;
    this.typing.place = place;
    this.composer.replyTo(null);
    this.messages.clear();
    this.show();
    this.messages.toEnd();
    this.attend();
  }

  /** @param {Mode} mode */
  setMode(mode) {
    if (mode !== this.mode) this.around.mode(mode);
    this.mode = mode;
    this.showMode();
  }

  showMode() {
    const { away } = this.place;
    byId("called").hidden = !away;
    byId("composer").hidden = away || this.mode === "listen";
    byId("listening").hidden = away || this.mode === "talk";
  }

  /** Everything that belongs to the timeline. */
  show() {
    const { place } = this;
    const items = view(place.timeline, {
      me: place.handle,
      role: place.role,
      ignored: place.ignored,
      waiting: place.outbox.waiting(),
      placed: place.outbox.placed,
      unreadFrom: place.unread.from,
      waits: place.asking.connection.state === "open" ? say("room.sending") : say("room.waits"),
      dayOf: words.dayOf,
      ...(this.#extras && { notes: this.#extras.shows, waitsHeld: this.#extras.waitsHeld, whyHidden: this.#extras.whyHidden }),
    });
    this.messages.show(items, place.liveFrom, place.env.now());
    const older = byId("older");
    older.hidden = !place.more;
    const act = older.firstElementChild;
    if (act) write(act, place.loadingOlder ? say("room.loading") : say("room.older"));
    const empty = byId("empty");
    empty.hidden = items.length > 0;
    if (items.length === 0) write(empty, this.#extras?.empty() || words.emptyRoom(place.kind, place.anewAt, place.env.now()));
    this.showUnread();
  }

  /** What the room did not take goes back where it was written, with the reason. */
  giveBack() {
    const returned = this.place.returned.splice(0);
    if (returned.length === 0) return;
    this.composer.put(returned.map(({ text }) => text).join("\n"));
    this.hint(returned[0]?.refused ?? null);
  }

  /** Somebody looks at the latest, or does not. */
  attend() {
    const { unread } = this.place;
    const attended = this.around.looking() && this.messages.atEnd() && this.place.phase === "in";
    if (attended === unread.attended && !(attended && unread.count > 0)) return;
    unread.attend(attended);
    this.showUnread();
  }

  showUnread() {
    // After the quick exit the browser may still tell of a scroll, or of a size.
    if (!this.messages.scroller.isConnected) return;
    const count = this.place.phase === "in" ? this.place.unread.count : 0;
    const latest = byId("latest");
    write(latest, words.newMessages(count));
    latest.hidden = this.messages.atEnd();
    this.around.unread(count);
  }

  /** @param {number} seq */
  async jump(seq) {
    // A few pages back is far enough to look for what was answered.
    for (let page = 0; page < 4 && !this.messages.find(seq) && this.place.more; page++) {
      await this.place.older();
      this.show();
    }
    if (!this.messages.find(seq)) this.around.hint(say("room.not_kept"));
  }

  #scrolled() {
    if (!this.messages.scroller.isConnected) return;
    this.attend();
    this.showUnread();
    if (byId("scroller").scrollTop < LOAD_WITHIN && !this.messages.atEnd()) void this.place.older();
  }
}
