/**
 * One line about the connection. Nothing when all is well, and nothing during a short break:
 * a gap that is over in two seconds is not worth a word. Where it lasts although the server is there,
 * something stands in between, and the line leads to the doctor, who says what.
 */

import { chosen, say } from "../words/say.js";
import { el, write } from "./dom.js";

const PATIENCE_MS = 2_000;
/** A server that is started anew is back by then. */
const DOCTOR_MS = 15_000;
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
  #note = "";
  /** Until the doctor is asked for. @type {number | null} */
  #doctorTimer = null;
  /** @type {HTMLElement | null} */
  #doctor = null;

  /** @param {HTMLElement} line @param {number} [patienceMs] */
  constructor(line, patienceMs = PATIENCE_MS) {
    this.line = line;
    this.patienceMs = patienceMs;
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
      }, this.patienceMs);
    }
    if (text === "" || atOnce) this.#noDoctor();
    else this.#doctorTimer ??= window.setTimeout(() => void this.#callDoctor(), DOCTOR_MS);
  }

  /** Only where the doctor's page answers: without a network, or with the server away, it would help nobody. */
  async #callDoctor() {
    const timer = this.#doctorTimer;
    const address = `/doctor${chosen()}`;
    const there = await fetch(address, { method: "HEAD", cache: "no-store" }).then(({ ok }) => ok, () => false);
    if (timer === null || timer !== this.#doctorTimer) return;
    if (there) this.#doctor = el("a", { href: address, target: "_blank", rel: "noopener" }, say("room.doctor"));
    else this.#doctorTimer = window.setTimeout(() => void this.#callDoctor(), DOCTOR_MS);
    this.#show();
  }

  #noDoctor() {
    if (this.#doctorTimer !== null) clearTimeout(this.#doctorTimer);
    this.#doctorTimer = this.#doctor = null;
    this.#show();
  }

  /** What is to be known meanwhile, where nothing else is to be said. @param {string} text */
  note(text) {
    this.#note = text;
    this.#show();
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
    const text = this.#hint || this.#state || this.#note;
    const link = this.#hint === "" && text !== "" ? this.#doctor : null;
    this.line.hidden = text === "";
    // What stands there already is not announced again.
    if (link !== null && link.parentNode === this.line) return;
    write(this.line, text);
    if (link !== null) this.line.append(" ", link);
  }
}
