/**
 * The bar above the composer: whose turn it is, one's hand, one's turn, and the way to a private word.
 *
 * It says in a sentence what one can do, and offers exactly that. Nobody is cut off: the bar of a turn is
 * soft, and at its end the words only say so.
 */

import { button, el, write } from "../room/dom.js";
import { say } from "../words/say.js";
import { share, standing } from "./view.js";
import { floorLine } from "./words.js";

/** @typedef {import("./view.js").SessionNow} SessionNow */

export class Floor {
  #line = el("p", { class: "floor-line", role: "status" });
  #filled = el("span");
  #bar = el("div", { class: "bar", "aria-hidden": "true", hidden: true }, this.#filled);
  #hand = button("", () => this.acts.hand(!this.#raised), { class: "hand" });
  #done = button(say("session.turn_done"), () => this.acts.end(false), { class: "main" });
  #pass = button(say("session.round_pass"), () => this.acts.end(true));
  #why = button(say("session.why"), () => this.acts.line());
  #private = button(say("session.private"), () => this.acts.line(), { class: "plain" });
  #raised = false;

  /** @param {{hand: (up: boolean) => void, end: (passed: boolean) => void, line: () => void}} acts */
  constructor(acts) {
    this.acts = acts;
    this.element = el(
      "div",
      { class: "floor" },
      el("div", { class: "floor-says" }, this.#line, this.#bar),
      el("div", { class: "floor-acts" }, this.#done, this.#pass, this.#hand, this.#why, this.#private),
    );
  }

  /**
   * @param {SessionNow} now @param {string} me @param {number} at Unix seconds
   * @param {{line: boolean, news: boolean}} own whether there is a line to the facilitators, and something new in it
   */
  show(now, me, at, own) {
    const is = standing(now, me);
    this.#raised = is.raised;
    const focused = document.activeElement;
    write(this.#line, floorLine(is, now, at));
    const over = share({ from: is.since, until: is.until }, at);
    this.#bar.hidden = over === null;
    this.#filled.style.transform = `scaleX(${over ?? 0})`;
    const mine = is.state === "turn" || is.state === "round_turn";
    this.element.classList.toggle("mine", mine);
    this.#done.hidden = !mine;
    this.#pass.hidden = is.state !== "round_turn" && is.state !== "round_waits";
    this.#hand.hidden = !(is.mayRaise || is.raised) || mine || is.state === "round_waits";
    write(this.#hand, is.raised ? say("session.lower") : say("session.raise"));
    this.#hand.setAttribute("aria-pressed", String(is.raised));
    this.#why.hidden = !(now.you.muted || now.you.held) || !own.line;
    this.#private.hidden = !own.line;
    this.#private.setAttribute("aria-label", own.news ? say("session.private_new") : say("session.private"));
    this.#private.classList.toggle("news", own.news);
    this.element.hidden = [...this.element.querySelectorAll("button")].every((one) => one.hidden) && this.#line.textContent === "";
    // A button that went away while somebody stood on it hands the focus on.
    if (focused instanceof HTMLElement && focused.hidden && this.element.contains(focused)) {
      const next = [...this.element.querySelectorAll("button")].find((one) => !one.hidden);
      next?.focus();
    }
  }
}
