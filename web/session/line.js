/**
 * The line between one participant and the facilitators, as a sheet of its own: whispers, a private word, and
 * what facilitators told somebody about what they did. It says at its head who can read it.
 */

import { toldIn, wordOf } from "../client/session.js";
import { view } from "../client/timeline.js";
import { MAX_CHARACTERS } from "../client/wire.js";
import { button, el, write } from "../room/dom.js";
import { Messages } from "../room/messages.js";
import { dayOf, name } from "../room/words.js";
import { say } from "../words/say.js";
import { mayAppeal, ruleOf, toldLine } from "./words.js";

/**
 * @typedef {import("../client/session.js").Belonging} Belonging
 * @typedef {import("../client/wire.js").Refused} Refused
 * @typedef {object} Acts
 * @property {() => Promise<Refused | null>} ask for a private word
 * @property {(told: number, text: string) => Promise<Refused | null>} appeal
 * @property {(seq: number) => void} jump to a message in the group's room
 * @property {() => void} read what is in the line was looked at
 */

export class Line {
  #title = el("h2", { id: "line-title", tabindex: "-1" });
  #about = el("p", { class: "quiet" });
  #past = el("div");
  #live = el("div", { role: "log", "aria-live": "polite" });
  #scroller = el("div", { class: "line-scroller", tabindex: "-1" }, el("div", { class: "column" }, this.#past, this.#live));
  #area = el("textarea", { rows: "2", dir: "auto", id: "line-text", enterkeyhint: "send", maxlength: String(MAX_CHARACTERS) });
  #label = el("label", { class: "unseen", for: "line-text" });
  #send = button(say("room.send"), () => this.#say(), { class: "main" });
  #row = el("div", { class: "row" }, this.#label, this.#area, this.#send);
  #state = el("p", { class: "line-state", role: "status" });
  #ask = button(say("session.line_ask"), () => void this.#asks());
  #end = button(say("session.word_end"), () => void this.#act({ t: "end_word" }));
  #yes = button(say("session.word_yes"), () => this.answer(true), { class: "main" });
  #no = button(say("session.word_no"), () => this.answer(false));
  #close = button(say("session.back_to_group"), () => this.sheet.close(), { class: "plain" });
  sheet = el("dialog", { id: "line", class: "line", "aria-labelledby": "line-title" });
  #messages;
  /** Seqs that an appeal was sent about. @type {Set<number>} */
  #appealed = new Set();
  #asked = false;

  /** @param {Belonging} place @param {Acts} acts */
  constructor(place, acts) {
    this.place = place;
    this.acts = acts;
    this.#messages = new Messages(this.#scroller, this.#past, this.#live, {
      menu() {},
      react() {},
      jump() {},
      again: (key) => place.sayAgain(key),
      discard: (key) => (this.#area.value = place.discard(key)),
      note: (event) => this.#note(event),
    });
    this.sheet.append(
      el("div", { class: "line-head" }, this.#title, this.#close),
      this.#about,
      this.#scroller,
      this.#state,
      el("div", { class: "actions" }, this.#yes, this.#no, this.#ask, this.#end),
      this.#row,
    );
    this.sheet.addEventListener("close", () => acts.read());
    this.#area.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing || matchMedia("(pointer: coarse)").matches) return;
      event.preventDefault();
      this.#say();
    });
  }

  get word() {
    return wordOf(this.place.timeline);
  }

  get isOpen() {
    return this.sheet.open;
  }

  open() {
    if (!this.sheet.isConnected) document.body.append(this.sheet);
    if (!this.sheet.open) this.sheet.showModal();
    this.show();
    this.#messages.toEnd();
    (matchMedia("(pointer: coarse)").matches || this.#row.hidden ? this.#title : this.#area).focus();
    this.acts.read();
  }

  /** @param {boolean} yes */
  answer(yes) {
    void this.#act({ t: "answer_word", yes });
    if (yes) this.open();
  }

  show() {
    if (!this.sheet.open) return;
    const { place, word } = this;
    const two = word.state === "open";
    const by = name(word.by);
    write(this.#title, two ? say("session.line_title_two", { name: by }) : say("session.line_title"));
    write(this.#about, two ? say("session.line_two") : say("session.line_about"));
    const items = view(place.timeline, {
      me: place.handle,
      role: place.role,
      waiting: place.outbox.waiting(),
      placed: place.outbox.placed,
      waits: say("room.sending"),
      dayOf,
    });
    this.#messages.show(items, place.liveFrom, place.env.now());
    const gone = place.phase === "left";
    write(this.#close, place.seat.phase === "in" ? say("session.back_to_group") : say("common.close"));
    const offered = word.state === "offered";
    this.#yes.hidden = this.#no.hidden = !offered;
    this.#end.hidden = !two;
    this.#ask.hidden = two || offered || this.#asked || gone;
    this.#row.hidden = gone;
    const label = two ? say("session.line_write_two", { name: by }) : say("session.line_write");
    write(this.#label, label);
    this.#area.placeholder = label;
    write(this.#state, this.#says(items.length, by));
  }

  /** @param {number} items @param {string} by */
  #says(items, by) {
    const { place, word } = this;
    if (place.phase === "left") return place.trouble?.message ?? say("session.line_gone");
    if (word.state === "offered") return say("session.word_offered", { name: by });
    if (word.state === "open") return say("session.word_open", { name: by });
    if (this.#asked) return say("session.line_asked");
    return items === 0 ? say("session.line_empty") : "";
  }

  async #asks() {
    const refused = await this.acts.ask();
    this.#asked = refused === null;
    this.show();
    if (refused) write(this.#state, refused.message);
    else this.#area.focus();
  }

  /** @param {Record<string, unknown>} command */
  async #act(command) {
    const answer = await this.place.ask(command);
    if (answer.t === "error") write(this.#state, answer.message);
    else if (command.t !== "end_word") this.#asked = false;
  }

  #say() {
    const text = this.#area.value.trim();
    if (text === "") return;
    this.place.say(text);
    this.#area.value = "";
    this.#messages.toEnd();
    this.#area.focus();
  }

  /** @param {import("../client/wire.js").Noted} event @returns {HTMLElement} */
  #note(event) {
    if (event.t === "told") return this.#notice(event);
    let text = "";
    if (event.t === "word_offered") text = say("session.word_offered", { name: name(event.handle) });
    else if (event.t === "word_answered") text = event.yes ? say("session.word_open", { name: name(event.by ?? "") }) : say("session.word_declined");
    else if (event.t === "word_ended") text = say("session.word_ended");
    return el("p", { class: "note" }, text);
  }

  /** What was done, by which rule and why; and the way to another look. @param {import("../client/wire.js").Told} told */
  #notice(told) {
    // That something ended needs no rule; and "another reason" is no reason.
    const rule = told.on === false || told.rule === "other" ? "" : ruleOf(told.rule);
    const box = el("div", { class: "said-card notice" }, el("p", {}, el("strong", {}, toldLine(told))));
    if (rule) box.append(el("p", {}, say("session.told_rule", { rule })));
    if (told.reason) box.append(el("p", { dir: "auto" }, say("session.told_reason", { reason: told.reason })));
    const { target } = told;
    const deeds = el("div", { class: "actions" });
    if (target != null && told.what === "hidden") deeds.append(button(say("session.told_show"), () => (this.sheet.close(), this.acts.jump(target))));
    if (mayAppeal(told)) deeds.append(button(say("session.appeal"), () => this.#appeal(box, told.seq)));
    if (deeds.childElementCount > 0) box.append(deeds);
    return box;
  }

  /** @param {HTMLElement} box @param {number} seq */
  #appeal(box, seq) {
    if (this.#appealed.has(seq) || box.querySelector("textarea")) return;
    const id = `appeal-${seq}`;
    const area = el("textarea", { id, rows: "2", dir: "auto", maxlength: "2000" });
    const trouble = el("p", { class: "quiet", role: "status" });
    const form = el(
      "div",
      { class: "appeal" },
      el("p", { class: "quiet" }, say("session.appeal_about")),
      el("label", { for: id }, say("session.appeal_words")),
      area,
      el(
        "div",
        { class: "actions" },
        button(say("session.appeal_send"), () => void send(), { class: "main" }),
        button(say("session.appeal_no"), () => form.remove()),
      ),
      trouble,
    );
    const send = async () => {
      const refused = await this.acts.appeal(seq, area.value.trim());
      if (refused) return write(trouble, refused.message);
      this.#appealed.add(seq);
      box.querySelector(".actions")?.remove();
      form.replaceChildren(el("p", { role: "status" }, say("session.appeal_sent")));
    };
    box.append(form);
    area.focus();
  }
}

/** The reason that was given for hiding a message, for its author. @param {import("../client/timeline.js").Timeline} timeline of the line @param {number} seq */
export function reasonFor(timeline, seq) {
  return toldIn(timeline).find((told) => told.what === "hidden" && told.target === seq)?.reason ?? "";
}
