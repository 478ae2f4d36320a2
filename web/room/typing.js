/** The line that says who writes. What appears stays for a moment, and the place it takes is always there. */

import { write } from "./dom.js";
import * as words from "./words.js";

const FLICKER_MS = 1_500;

export class Typing {
  /** @type {number | null} */
  #timer = null;
  #shownAt = 0;

  /** @param {HTMLElement} line @param {import("../client/place.js").Place} place @param {() => number} now milliseconds */
  constructor(line, place, now) {
    this.line = line;
    this.place = place;
    this.now = now;
  }

  show() {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    const now = this.now();
    const writing = [...this.place.typing].filter(([handle, until]) => until > now && !this.place.ignored.has(handle));
    const text = words.typing(writing.map(([handle]) => handle));
    const shownFor = now - this.#shownAt;
    if (text === "" && this.line.textContent !== "" && shownFor < FLICKER_MS) {
      this.#timer = window.setTimeout(() => this.show(), FLICKER_MS - shownFor);
      return;
    }
    if (text !== "" && this.line.textContent === "") this.#shownAt = now;
    write(this.line, text);
    const next = Math.min(...writing.map(([, until]) => until));
    if (Number.isFinite(next)) this.#timer = window.setTimeout(() => this.show(), next - now + 20);
  }
}
