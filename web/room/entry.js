/** Entering: who can see what and the rules first, then the handle and whether to talk or listen. */

import { byId, closeDialogs, el, mayFocus, write } from "./dom.js";
import { drawMark } from "./marks.js";
import { has, say } from "../words/say.js";
import * as words from "./words.js";

export class Entry {
  /** Whether somebody here has accepted the rules. */
  agreed = false;
  /** What stands here instead of a way in. */
  #instead = "";
  #hint = "";
  #place = el("p", { role: "status" });
  /** The ticket that is for the entry under way. @type {string | null} */
  #lent = null;
  /** Whether one needs no ticket to come in. */
  open = true;
  /** What can be done where one cannot come in. */
  #acts = [...byId("shut-acts").children];

  /**
   * @param {import("../client/seat.js").Seat} seat
   * @param {(mode: "talk" | "listen") => void} chosen
   * @param {{settled: Promise<void>, signIn: (() => void) | null, popsOut: boolean,
   *   ticket?: ((open: boolean) => Promise<string | null>) | null}} around until `settled` a ticket may still
   *   come; `signIn` goes and gets one, where that is possible; `ticket` asks for one that is good for a
   *   minute, where people sign in with this server
   */
  constructor(seat, chosen, around) {
    this.seat = seat;
    this.around = around;
    byId("sign-in").hidden = around.signIn === null;
    byId("sign-in").addEventListener("click", () => around.signIn?.());
    this.element = byId("entry");
    byId("agree").addEventListener("click", () => {
      this.agreed = true;
      this.show();
      byId("handle-title").focus();
    });
    byId("draw").addEventListener("click", () => void seat.draw());
    byId("talk").addEventListener("click", () => this.#enter("talk", chosen));
    byId("listen").addEventListener("click", () => this.#enter("listen", chosen));
    void this.#about();
  }

  /** @param {"talk" | "listen"} mode @param {(mode: "talk" | "listen") => void} chosen */
  #enter(mode, chosen) {
    chosen(mode);
    const { ticket } = this.around;
    if (!ticket || this.seat.ticket !== null) return this.seat.enter();
    void ticket(this.open).then((issued) => {
      this.#lent = issued;
      if (issued !== null) this.seat.useTicket(issued);
      this.seat.enter();
    });
  }

  show() {
    const { seat } = this;
    // One that led to nothing is soon too old, and there is another.
    if (seat.phase === "outside" && this.#lent !== null && seat.ticket === this.#lent) seat.ticket = null;
    // Before anything here takes the focus.
    closeDialogs();
    this.element.hidden = false;
    const entering = seat.phase === "entering" || (seat.phase === "waiting" && !has("session.waiting"));
    const line = seat.phase === "waiting" && has("session.waiting") ? seat.waiting : null;
    const no = entering || line !== null || seat.shut || this.#instead !== "";
    byId("entry-rules").hidden = this.agreed || no;
    byId("entry-handle").hidden = !this.agreed || no;
    this.#shut(this.#instead || (line ? say("session.waiting") : seat.shut ? (seat.trouble?.message ?? "") : ""));
    this.#showLine(line);
    const handle = byId("drawn-handle");
    if (handle.dataset.of !== seat.handle) {
      handle.dataset.of = seat.handle;
      write(handle, words.name(seat.handle));
      byId("drawn-mark").replaceChildren(...(seat.handle ? [drawMark(seat.handle, "large")] : []));
    }
    const trouble = byId("entry-trouble");
    const passes = this.#hint || (seat.shut ? "" : (seat.trouble?.message ?? ""));
    write(trouble, passes);
    trouble.hidden = passes === "";
    const state = seat.connection.state;
    let waiting = "";
    if (entering) waiting = say("entry.coming_in");
    else if (seat.shut || this.#instead !== "") waiting = "";
    else if (state === "offline") waiting = say("entry.offline");
    else if (this.agreed && seat.handle === "" && seat.trouble === null) waiting = say("entry.drawing");
    write(byId("entry-status"), waiting);
  }

  /** Where one cannot come in, only why, and the way to the rooms. @param {string} why "" where one can */
  #shut(why) {
    const section = byId("entry-shut");
    const sentence = byId("shut-why");
    const news = section.hidden && why !== "";
    section.hidden = why === "";
    byId("all-rooms").hidden = why !== "";
    byId("pop-out").hidden = why !== "" || !this.around.popsOut;
    write(sentence, why);
    byId("entry").setAttribute("aria-labelledby", why === "" ? "entry-title" : "shut-why");
    // The focus reads it out, and the one button is the next stop.
    if (news && mayFocus()) sentence.focus();
  }

  /** One's place in the line for a group that is full; it is said again when it changes. @param {{place: number} | null} line */
  #showLine(line) {
    if (line === null) {
      if (this.#place.isConnected) this.instead("");
      return;
    }
    write(this.#place, say("session.waiting_place", { count: line.place }));
    if (this.#place.isConnected) return;
    byId("shut-acts").replaceChildren(this.#place, el("p", {}, say("session.waiting_about")), ...this.#acts);
  }

  /** Something did not work. @param {string} text */
  hint(text) {
    this.#hint = text;
    this.show();
  }

  /** Nothing is to be done here but this; with "" all is as before. @param {string} sentence @param {...HTMLElement} acts */
  instead(sentence, ...acts) {
    this.#instead = sentence;
    byId("shut-acts").replaceChildren(...(sentence === "" ? this.#acts : acts));
    this.show();
  }

  /** What the server says about the room, in the words of the page. Without it the page works as well. */
  async #about() {
    try {
      const answer = await fetch(`/api/rooms/${encodeURIComponent(this.seat.room)}`);
      // Where there is no such room the seat hears it too, in the server's words.
      if (!answer.ok) return;
      const room = await answer.json();
      if (typeof room.title === "string") write(byId("entry-room"), room.title);
      if (room.kind === "session") void import("../session/door.js").then(({ Door }) => new Door(this));
      await this.around.settled;
      // Who has a pass in this tab can come in again with it.
      this.open = room.open !== false || room.door === "pass";
      const signedIn = !this.open && !!(await this.around.ticket?.(false));
      if (!this.open && !signedIn) this.seat.asksForTicket(say(this.around.signIn ? "refusals.sign_in_needed" : "refusals.ticket_needed"));
      write(byId("entry-kept"), kept(room));
    } catch {
      // The lines on the page hold for a drop-in room.
    }
  }
}

/** How long words are kept in a room. @param {{kind: string, kept_days: number}} room */
function kept({ kind, kept_days: days }) {
  if (kind === "session") return say("entry.kept_session");
  return days > 1 ? say("entry.kept_days", { count: days }) : say("entry.kept_24_hours");
}
