/**
 * What stands over the conversation when it rests: a moment of quiet, and the end.
 *
 * The words stay beneath it, and come back as they were. Nothing moves but one slow circle, and not even
 * that where somebody wants no motion.
 */

import { el, write } from "../room/dom.js";
import { say } from "../words/say.js";
import { share, stretch } from "./view.js";
import { clock } from "./words.js";

/** @typedef {import("./view.js").SessionNow} SessionNow */

export class Quiet {
  #title = el("h2", { tabindex: "-1" });
  #about = el("p");
  #until = el("p", { class: "quiet" });
  #filled = el("span");
  #bar = el("div", { class: "bar", "aria-hidden": "true" }, this.#filled);
  element = el("section", { class: "rests", hidden: true, "aria-live": "polite" }, el("span", { class: "breath", "aria-hidden": "true" }), this.#title, this.#about, this.#bar, this.#until);

  /** @param {SessionNow | null} now @param {number} at Unix seconds @returns {boolean} whether it stands there */
  show(now, at) {
    const on = now ? stretch(now, at) : null;
    const rests = on?.what === "quiet";
    if (rests) {
      const { from, until } = on;
      const minute = from !== null && until !== null && Math.round(until - from) === 60;
      write(this.#title, minute ? say("session.quiet_minute") : say("session.quiet"));
      write(this.#about, say("session.quiet_about"));
      write(this.#until, until === null ? say("session.quiet_open") : say("session.quiet_until", { time: clock(until) }));
      const over = share(on, at);
      this.#bar.hidden = over === null;
      this.#filled.style.transform = `scaleX(${over ?? 0})`;
    }
    this.element.hidden = !rests;
    return rests;
  }
}
