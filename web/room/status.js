/**
 * One line about the connection. Nothing when all is well, and nothing during a short break:
 * a gap that is over in two seconds is not worth a word.
 */

import { say } from "../words/say.js";
import { write } from "./dom.js";

const PATIENCE_MS = 2_000;
const HINT_MS = 6_000;

/**
 * @param {import("../client/connection.js").ConnectionState} state
 * @param {boolean} seated whether one is in the room
 */
export function sentence(state, seated) {
  if (state === "offline") return say("room.offline");
  if (state === "ended") return say("room.ended");
  if (state === "open" && seated) return "";
  return say("room.no_answer");
}

export class Status {
  /** @type {number | null} */
  #timer = null;
  /** @type {number | null} */
  #hintTimer = null;
  /** What is said when the patience ends. */
  #coming = "";
  #state = "";
  #hint = "";

  /** @param {HTMLElement} line */
  constructor(line) {
    this.line = line;
  }

  /** @param {string} text @param {boolean} atOnce */
  connection(text, atOnce) {
    // Every attempt to come back changes the state: the patience counts from the first one.
    if (this.#timer !== null && text === this.#coming && !atOnce) return;
    this.#coming = text;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    if (text === "" || atOnce || this.#state !== "") this.#say(text);
    else {
      this.#timer = window.setTimeout(() => {
        this.#timer = null;
        this.#say(text);
      }, PATIENCE_MS);
    }
  }

  /** Something did not work; say it for a while. @param {string} text */
  hint(text) {
    this.#hint = text;
    if (this.#hintTimer !== null) clearTimeout(this.#hintTimer);
    this.#hintTimer = window.setTimeout(() => {
      this.#hint = "";
      this.#show();
    }, HINT_MS);
    this.#show();
  }

  /** @param {string} text */
  #say(text) {
    this.#state = text;
    this.#show();
  }

  #show() {
    const text = this.#hint || this.#state;
    write(this.line, text);
    this.line.hidden = text === "";
  }
}
