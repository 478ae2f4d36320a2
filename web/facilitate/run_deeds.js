/**
 * Doing something and saying that it was done, with the way back.
 *
 * The line stays until the next deed or until somebody is content with it: no time runs out on an undo.
 */

import { byId, write } from "../room/dom.js";

/**
 * @typedef {import("../client/wire.js").Refused} Refused
 * @typedef {import("./run_ask.js").Deed} Deed
 * @typedef {import("./run_view.js").Command} Command
 */

export class Deeds {
  #line = byId("done");
  /** @type {Command | null} */
  #undo = null;
  /** @type {() => boolean} */
  #holds = () => true;

  /**
   * @param {(command: Record<string, unknown>) => Promise<import("../client/wire.js").Answer>} ask
   * @param {(refused: Refused) => void} hint what was refused
   */
  constructor(ask, hint) {
    this.ask = ask;
    this.hint = hint;
    byId("undo").addEventListener("click", () => {
      const undo = this.#undo;
      this.#hide();
      if (undo) void this.act(undo);
    });
    byId("done-ok").addEventListener("click", () => this.#hide());
  }

  /** Ask for it in a sheet that says itself what was refused. @param {Command} command @param {Deed} [deed] @returns {Promise<Refused | null>} */
  try = async (command, { done = "", undo, holds = () => true } = {}) => {
    const answer = await this.ask(command);
    if (answer.t === "error") return answer;
    this.#hide();
    this.#holds = holds;
    if (done !== "" || undo) this.#say(done, undo ?? null);
    return null;
  };

  /** Time went on: what does not stand any more cannot be undone. */
  check() {
    if (!this.#line.hidden && !this.#holds()) this.#hide();
  }

  /** Ask for it at once; what is refused is said over the composer. @param {Command} command @param {Deed} [deed] @returns {Promise<Refused | null>} */
  act = async (command, deed = {}) => {
    const refused = await this.try(command, deed);
    if (refused) this.hint(refused);
    return refused;
  };

  /** @param {string} text @param {Command | null} undo */
  #say(text, undo) {
    this.#undo = undo;
    byId("undo").hidden = undo === null;
    this.#line.hidden = false;
    write(byId("done-text"), text);
  }

  #hide() {
    const had = this.#line.contains(document.activeElement);
    this.#line.hidden = true;
    write(byId("done-text"), "");
    if (had) byId("text").focus();
  }
}
