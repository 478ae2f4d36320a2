/**
 * A conversation beside the room: the back channel, a private word, a small group.
 *
 * Its own messages, its own field, its own draft; what is written here goes to that room and no other, which
 * the field says in its label. The composer of the room is not in it, so nothing goes astray.
 */

import { view } from "../client/timeline.js";
import { MAX_CHARACTERS } from "../client/wire.js";
import { button, el, write } from "../room/dom.js";
import { Messages } from "../room/messages.js";
import { typing } from "../room/words.js";
import { say } from "../words/say.js";
import { panelElement } from "./panels.js";

/**
 * @typedef {object} Aside what is beside the room
 * @property {string} id of its panel
 * @property {string} title
 * @property {string} about in one line: who reads this
 * @property {string} label of its field: to whom one writes
 * @property {readonly HTMLElement[]} [acts] what can be done here besides writing
 * @property {(event: any) => HTMLElement | null} [note] what the conversation shows of an event that is no post
 */

let made = 0;

export class AsidePanel {
  #state = el("p", { class: "quiet aside-state", role: "status" });
  #typing = el("p", { class: "typing" });
  #field = el("textarea", { rows: "1", dir: "auto", autocomplete: "off", enterkeyhint: "send", maxlength: String(MAX_CHARACTERS) });
  #messages;
  #touch = matchMedia("(pointer: coarse)");

  /** @param {import("../client/session.js").Belonging} place @param {Aside} about */
  constructor(place, about) {
    this.place = place;
    const past = el("div", {});
    const live = el("div", { role: "log", "aria-live": "polite", "aria-relevant": "additions", "aria-label": about.title });
    const scroller = el("div", { class: "scroller" }, el("div", { class: "column" }, past, live));
    this.#messages = new Messages(scroller, past, live, {
      menu: () => undefined,
      react: (item, kind) => item.seq !== null && void place.react(item.seq, kind),
      jump: (seq) => void this.#messages.find(seq),
      again: (key) => place.sayAgain(key),
      discard: (key) => this.put(place.discard(key)),
      note: about.note ?? (() => null),
    });
    const id = `aside-${++made}`;
    this.#field.id = id;
    this.#field.placeholder = say("facilitate.write_here");
    // On a touch screen the keyboard would cover what is to be read first.
    this.#field.toggleAttribute("data-first", !this.#touch.matches);
    this.#field.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing || this.#touch.matches) return;
      event.preventDefault();
      this.#send();
    });
    this.#field.addEventListener("input", () => this.#field.value.trim() !== "" && place.type());
    const send = button(say("facilitate.send"), () => this.#send(), { class: "main" });
    this.element = panelElement(
      about.id,
      about.title,
      el("p", { class: "quiet" }, about.about),
      el("div", { class: "actions" }, ...(about.acts ?? [])),
      scroller,
      this.#state,
      this.#typing,
      el("div", { class: "row" }, el("label", { class: "unseen", for: id }, about.label), this.#field, send),
    );
    this.element.classList.add("aside");
  }

  focus() {
    this.#field.focus();
  }

  /** Put words into the field, above what is there. @param {string} text */
  put(text) {
    this.#field.value = this.#field.value === "" ? text : `${text}\n${this.#field.value}`;
    this.#field.focus();
  }

  /** It is before somebody's eyes: read on from the end. */
  toEnd() {
    this.#messages.toEnd();
  }

  /** @param {number} now milliseconds @param {string} [state] what to say in place of what the connection says */
  show(now, state = "") {
    const { place } = this;
    const items = view(place.timeline, {
      me: place.handle,
      role: place.role,
      ignored: place.ignored,
      waiting: place.outbox.waiting(),
      placed: place.outbox.placed,
      unreadFrom: null,
    });
    this.#messages.show(items, place.liveFrom, now);
    write(this.#state, place.trouble?.message ?? state);
    this.#state.hidden = this.#state.textContent === "";
    const writing = [...place.typing].filter(([, until]) => until > now).map(([handle]) => handle);
    write(this.#typing, typing(writing));
  }

  #send() {
    const text = this.#field.value.trim();
    if (text !== "") {
      this.place.say(text);
      this.#field.value = "";
      this.#messages.toEnd();
    }
    this.#field.focus();
  }
}
