/**
 * Where one goes from a room in a frame, or in the window it opened: into a window of its own, to the
 * sign-in page, or out of the room. A room on its own page does without. Windows are opened in the turn
 * of the click, as browsers want it.
 */

import { button } from "./dom.js";
import { openWindow, signIn, tellOpener } from "./window.js";

/** @typedef {import("./window.js").Parts} Parts */

const CANNOT_OPEN = "The browser opened no window. The page around this one may not allow it.";

export class Elsewhere {
  /**
   * @param {import("../client/seat.js").Seat} seat
   * @param {import("./entry.js").Entry} entry
   * @param {import("./host.js").Host} host
   * @param {{back: (parts: Parts) => void, cover: () => void, hint: (text: string) => void}} acts
   *   `back`: what was handed over is here again
   */
  constructor(seat, entry, host, acts) {
    this.seat = seat;
    this.entry = entry;
    this.host = host;
    this.acts = acts;
    this.windowed = document.documentElement.classList.contains("windowed");
  }

  popOut() {
    /** @type {Parts} */
    let handed = { ticket: null, kept: {} };
    const back = () => {
      opened?.close();
      this.entry.instead("");
      this.acts.back(handed);
    };
    const opened = openWindow(this.seat.room, {
      parts: () => (handed = this.seat.parts),
      here: () => {
        this.seat.handOver();
        this.entry.instead("The room is in a window of its own now.", button("Bring it back here", back, { class: "main" }));
      },
      gone: (how) => {
        if (how === "closed") back();
        else if (how === "exit") this.acts.cover();
        else {
          opened?.close();
          this.#showLeft();
        }
      },
    });
    if (opened === null) this.acts.hint(CANNOT_OPEN);
  }

  signIn() {
    const address = document.documentElement.dataset.signIn ?? "";
    if (!signIn(address, this.seat.room, (ticket) => this.seat.useTicket(ticket))) this.acts.hint(CANNOT_OPEN);
  }

  /** The cover stands: also where this window came from. */
  exit() {
    if (this.windowed) tellOpener("exit");
  }

  /** One has left the room, and the seat knows. */
  left() {
    // The frame closes this window, where it hears it.
    if (this.windowed) tellOpener("left");
    this.#showLeft();
  }

  #showLeft() {
    this.host.tell("left");
    this.entry.instead("You have left the room.", button("Come in again", () => location.reload(), { class: "main" }));
  }
}
