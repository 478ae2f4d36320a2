/**
 * One calm strip at the top: what happens now, and how long it lasts.
 *
 * The bar moves in steps that nobody sees, and says nothing that the words beside it do not say. What
 * changed is announced once, when another part begins.
 */

import { button, el, write } from "../room/dom.js";
import { oneLine } from "../room/words.js";
import { say } from "../words/say.js";
import { share, stretch } from "./view.js";
import { happening } from "./words.js";

/** @typedef {import("./view.js").SessionNow} SessionNow */

export class Strip {
  #title = el("h2");
  #lines = el("p", { class: "lines-now" });
  #filled = el("span");
  #bar = el("div", { class: "bar", "aria-hidden": "true" }, this.#filled);
  #prompt = el("p", { dir: "auto" });
  #more = el("details", { class: "prompt-now" }, el("summary", {}, say("session.prompt")), this.#prompt);
  #pins = el("div", { class: "pins" });
  #spoken = el("p", { class: "unseen", role: "status" });
  #said = "";
  #pinned = "";

  /** @param {(seq: number) => void} jump to a pinned message */
  constructor(jump) {
    this.jump = jump;
    this.element = el(
      "section",
      { class: "now", "aria-label": say("session.now") },
      el("div", { class: "what-now" }, this.#title, this.#lines),
      this.#bar,
      this.#more,
      this.#pins,
      this.#spoken,
    );
  }

  /**
   * @param {SessionNow} now @param {number} at Unix seconds @param {readonly string[]} facilitators
   * @param {ReadonlyMap<number, {text: string}>} posts as far as they are loaded @param {string} me
   */
  show(now, at, facilitators, posts, me) {
    const { title, lines } = happening(now, at, facilitators, me);
    write(this.#title, title);
    if (this.#lines.dataset.shown !== lines.join("\n")) {
      this.#lines.dataset.shown = lines.join("\n");
      this.#lines.replaceChildren(...lines.map((line) => el("span", {}, line)));
    }
    const on = stretch(now, at);
    const over = share(on, at);
    this.#bar.hidden = over === null;
    this.#filled.style.transform = `scaleX(${over ?? 0})`;
    this.element.dataset.what = on.what;
    const prompt = on.what === "part" ? (now.item?.prompt ?? "") : "";
    this.#more.hidden = prompt === "";
    write(this.#prompt, prompt);
    this.#showPins(on.what === "group" ? [] : (now.pins ?? []), posts);
    // Only what began is worth interrupting somebody for, not every minute of it.
    const begun = `${now.phase} ${now.item?.index} ${on.what}`;
    if (begun !== this.#said) {
      if (this.#said !== "") write(this.#spoken, [title, ...lines].join(" "));
      this.#said = begun;
    }
  }

  /** @param {readonly number[]} pins @param {ReadonlyMap<number, {text: string}>} posts */
  #showPins(pins, posts) {
    const texts = pins.map((seq) => posts.get(seq)?.text ?? "");
    const shown = JSON.stringify([pins, texts]);
    if (shown === this.#pinned) return;
    this.#pinned = shown;
    this.#pins.hidden = pins.length === 0;
    this.#pins.replaceChildren(
      ...pins.map((seq, at) => {
        const text = texts[at] ? say("session.pinned", { text: oneLine(texts[at] ?? "") }) : say("session.pinned_earlier");
        return button(text, () => this.jump(seq), { class: "pin" });
      }),
    );
  }
}
