/**
 * Where one goes from a room in a frame, or in the window it opened: into a window of its own, to the
 * sign-in page, or out of the room. A room on its own page does without. Windows are opened in the turn
 * of the click, as browsers want it.
 */

import { say } from "../words/say.js";
import { handOver, partsOf, takeBack } from "../client/handover.js";
import { button } from "./dom.js";
import { onLeave, openWindow, signIn, tellOpener } from "./window.js";

/** @typedef {import("./window.js").Parts} Parts */

export class Elsewhere {
  /** The window that was opened last. @type {Window | null} */
  #opened = null;
  /** The window that has the seat. @type {Window | null} */
  #away = null;
  /** Whether one has left. */
  #gone = false;

  /**
   * @param {import("../client/seat.js").Seat} seat
   * @param {import("./entry.js").Entry} entry
   * @param {Pick<import("./host.js").Host, "tell">} host
   * @param {{back: (parts: Parts) => void, cover: () => void, hint: (text: string) => void}} acts
   *   `back`: what was handed over is here again
   */
  constructor(seat, entry, host, acts) {
    this.seat = seat;
    this.entry = entry;
    this.host = host;
    this.acts = acts;
    this.windowed = document.documentElement.classList.contains("windowed");
    if (!this.windowed) return;
    addEventListener("pagehide", () => this.changed());
    onLeave(() => {
      this.seat.leave();
      close();
    });
  }

  /** What one has here is another than it was: also for where this window came from. */
  changed() {
    if (this.windowed) tellOpener("parts", { parts: partsOf(this.seat) });
  }

  popOut() {
    if (this.#opened?.closed === false) return this.#opened.focus();
    /** @type {Parts} */
    let handed = { ticket: null, kept: {} };
    /** Once, and not where one has left meanwhile. */
    const lets = () => {
      const had = this.#away === opened;
      if (had) this.#away = this.#opened = null;
      return had;
    };
    const back = () => {
      if (!lets()) return;
      opened?.close();
      this.entry.instead("");
      takeBack(this.seat, handed);
      this.acts.back(handed);
    };
    const opened = openWindow(this.seat.room, {
      parts: () => (handed = partsOf(this.seat)),
      took: (parts) => (handed = parts),
      here: () => {
        // One left while it opened, and it is being closed.
        if (this.#opened !== opened) return;
        this.#away = opened;
        handOver(this.seat);
        this.entry.instead(say("entry.in_window"), button(say("entry.bring_back"), back, { class: "main" }));
      },
      gone: (how) => {
        if (how === "closed") return back();
        if (!lets()) return;
        if (how === "exit") this.acts.cover();
        else {
          opened?.close();
          this.host.tell("left");
          this.#showLeft();
        }
      },
    });
    this.#opened = opened;
    if (opened === null) this.acts.hint(say("entry.cannot_open"));
  }

  signIn() {
    const address = document.documentElement.dataset.signIn ?? "";
    if (!signIn(address, this.seat.room, (ticket) => this.seat.useTicket(ticket))) this.acts.hint(say("entry.cannot_open"));
  }

  /** A ticket came, also for whoever has left. */
  ticketCame() {
    if (this.#gone) this.#showLeft(true);
  }

  /** The cover stands: also where this window came from, and nothing in the window that has the seat. */
  exit() {
    this.#recall();
    if (this.windowed) tellOpener("exit");
  }

  /** One has left the room, and the seat knows. */
  left() {
    this.#recall();
    this.host.tell("left");
    // The frame closes this window, where it hears it.
    if (this.windowed) tellOpener("left");
    this.#showLeft();
  }

  /** The window that has the seat leaves with it; one that has yet to take it is not needed. */
  #recall() {
    if (this.#away) this.#away.postMessage({ t: "leave" }, location.origin);
    else this.#opened?.close();
    this.#away = this.#opened = null;
  }

  /** @param {boolean} [again] whether one can come in again from here */
  #showLeft(again = this.entry.open || this.entry.around.signIn !== null) {
    this.#gone = true;
    const acts = again ? [button(say("entry.again"), () => location.reload(), { class: "main" })] : [];
    this.entry.instead(say("entry.left"), ...acts);
  }
}
