/** The room in the centre: what is said in it, what a facilitator can do with a message, and where one writes. */

import { view } from "../client/timeline.js";
import { Composer } from "../room/composer.js";
import { byId, el, write } from "../room/dom.js";
import { Messages } from "../room/messages.js";
import { Status, sentence } from "../room/status.js";
import { Typing } from "../room/typing.js";
import * as words from "../room/words.js";
import { say } from "../words/say.js";
import { note } from "./run_notes.js";
import { rule } from "./words.js";

const LOAD_WITHIN = 160;

export class Talk {
  /**
   * @param {import("../client/seat.js").Seat} seat
   * @param {(item: import("../client/timeline.js").PostItem) => void} menu
   */
  constructor(seat, menu) {
    this.seat = seat;
    this.status = new Status(byId("status"));
    this.messages = new Messages(byId("scroller"), byId("past"), byId("live"), {
      menu,
      react: (item, kind) => item.seq !== null && void seat.react(item.seq, kind).then(this.hint),
      jump: (seq) => void this.jump(seq),
      again: (key) => seat.sayAgain(key),
      discard: (key) => this.composer.put(seat.discard(key)),
      note: (event) => note(event, seat.timeline.notes),
      posted: (item, element) => mark(element, item),
    });
    const draft = `chatd.draft.${seat.room}`;
    this.composer = new Composer({
      send: (text, replyTo) => {
        seat.say(text, replyTo);
        this.messages.toEnd();
        return true;
      },
      typing: () => seat.type(),
      keepDraft: (text) => seat.keep.set(draft, text === "" ? null : text),
      now: seat.env.now,
    });
    this.composer.restore(seat.keep.get(draft) ?? "");
    this.typing = new Typing(byId("typing"), seat, seat.env.now);
    byId("latest").addEventListener("click", () => {
      this.messages.toEnd();
      this.attend();
      this.composer.focus();
    });
    byId("older").addEventListener("click", () => void seat.older());
    byId("scroller").addEventListener("scroll", () => this.#scrolled(), { passive: true });
  }

  /** @param {import("../client/wire.js").Refused | null} refused */
  hint = (refused) => {
    if (refused) this.status.hint(refused.message);
  };

  show() {
    const { seat } = this;
    const items = view(seat.timeline, {
      me: seat.handle,
      role: seat.role,
      ignored: seat.ignored,
      waiting: seat.outbox.waiting(),
      placed: seat.outbox.placed,
      unreadFrom: seat.unread.from,
      waits: seat.connection.state === "open" ? say("room.sending") : say("room.waits"),
      dayOf: words.dayOf,
    });
    this.messages.show(items, seat.liveFrom, seat.env.now());
    byId("older").hidden = !seat.more;
    const empty = byId("empty");
    empty.hidden = items.length > 0;
    write(empty, items.length === 0 ? say("facilitate.empty") : "");
    this.#unread();
  }

  connection() {
    const { state } = this.seat.connection;
    this.status.connection(sentence(state, this.seat.phase === "in"), state === "offline" || state === "ended");
  }

  giveBack() {
    const returned = this.seat.returned.splice(0);
    if (returned.length === 0) return;
    this.composer.put(returned.map(({ text }) => text).join("\n"));
    this.hint(returned[0]?.refused ?? null);
  }

  attend() {
    const { unread } = this.seat;
    const attended = !document.hidden && this.messages.atEnd() && this.seat.phase === "in";
    if (attended === unread.attended && !(attended && unread.count > 0)) return;
    unread.attend(attended);
    this.#unread();
  }

  /** @param {number} seq */
  async jump(seq) {
    for (let page = 0; page < 4 && !this.messages.find(seq) && this.seat.more; page++) {
      await this.seat.older();
      this.show();
    }
    if (!this.messages.find(seq)) this.status.hint(say("room.not_kept"));
  }

  /** What is pinned, over the conversation. @param {readonly number[]} pins */
  pins(pins) {
    const box = byId("pins");
    const posts = this.seat.timeline.posts;
    const stamp = pins.map((seq) => `${seq} ${posts.get(seq)?.text ?? ""}`).join("|");
    if (box.dataset.stamp === stamp) return;
    box.dataset.stamp = stamp;
    box.hidden = pins.length === 0;
    box.replaceChildren(
      ...pins.map((seq) => {
        const post = posts.get(seq);
        const text = post && !this.seat.timeline.withdrawn.has(seq) ? words.oneLine(post.text) : say("facilitate.pinned");
        const to = el("button", { type: "button", class: "quote" }, el("span", { class: "unseen" }, say("facilitate.pinned_label")), el("bdi", {}, text));
        to.addEventListener("click", () => void this.jump(seq));
        return to;
      }),
    );
  }

  #unread() {
    const latest = byId("latest");
    write(latest, words.newMessages(this.seat.unread.count));
    latest.hidden = this.messages.atEnd();
  }

  #scrolled() {
    this.attend();
    this.#unread();
    if (byId("scroller").scrollTop < LOAD_WITHIN && !this.messages.atEnd()) void this.seat.older();
  }
}

/** A facilitator sees what is hidden, and that it is. @param {HTMLElement} element @param {import("../client/timeline.js").PostItem} item */
function mark(element, item) {
  element.classList.toggle("is-hidden", item.hidden !== null);
  const old = element.querySelector(".hidden-note");
  if (item.hidden === null) {
    old?.remove();
    return;
  }
  const text = item.hidden === "" ? say("facilitate.is_hidden") : say("facilitate.is_hidden_by", { rule: rule(item.hidden) });
  if (old) write(old, text);
  else element.querySelector(".body")?.append(el("p", { class: "hidden-note quiet" }, text));
}
