/** Entering: who can see what and the rules first, then the handle and whether to talk or listen. */

import { byId, write } from "./dom.js";
import { drawMark } from "./marks.js";
import * as words from "./words.js";

export class Entry {
  #agreed = false;

  /**
   * @param {import("../client/seat.js").Seat} seat
   * @param {(mode: "talk" | "listen") => void} chosen
   */
  constructor(seat, chosen) {
    this.seat = seat;
    this.element = byId("entry");
    byId("agree").addEventListener("click", () => {
      this.#agreed = true;
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
    this.seat.enter();
  }

  show() {
    const { seat } = this;
    const entering = seat.phase === "entering";
    byId("entry-rules").hidden = this.#agreed || entering || seat.shut;
    byId("entry-handle").hidden = !this.#agreed || entering || seat.shut;
    this.#shut(seat.shut ? (seat.trouble?.message ?? "") : "");
    const handle = byId("drawn-handle");
    if (handle.dataset.of !== seat.handle) {
      handle.dataset.of = seat.handle;
      write(handle, words.name(seat.handle));
      byId("drawn-mark").replaceChildren(...(seat.handle ? [drawMark(seat.handle, "large")] : []));
    }
    const trouble = byId("entry-trouble");
    const passes = seat.shut ? "" : (seat.trouble?.message ?? "");
    write(trouble, passes);
    trouble.hidden = passes === "";
    const state = seat.connection.state;
    let waiting = "";
    if (entering) waiting = "Coming in …";
    else if (seat.shut) waiting = "";
    else if (state === "offline") waiting = "You are offline just now. The page goes on by itself when you are back.";
    else if (this.#agreed && seat.handle === "" && seat.trouble === null) waiting = "Drawing a handle …";
    write(byId("entry-status"), waiting);
  }

  /** Where one cannot come in, only why, and the way to the rooms. @param {string} why "" where one can */
  #shut(why) {
    const section = byId("entry-shut");
    const sentence = byId("shut-why");
    const news = section.hidden && why !== "";
    section.hidden = why === "";
    byId("all-rooms").hidden = why !== "";
    write(sentence, why);
    byId("entry").setAttribute("aria-labelledby", why === "" ? "entry-title" : "shut-why");
    // The focus reads it out, and the one button is the next stop.
    if (news) sentence.focus();
  }

  /** What the server says about the room, in the words of the page. Without it the page works as well. */
  async #about() {
    try {
      const answer = await fetch(`/api/rooms/${encodeURIComponent(this.seat.room)}`);
      // Where there is no such room the seat hears it too, in the server's words.
      if (!answer.ok) return;
      const room = await answer.json();
      if (typeof room.title === "string") write(byId("entry-room"), room.title);
      if (room.open === false) this.seat.asksForTicket(words.TICKET_NEEDED);
      write(byId("entry-kept"), `Your words are kept on this server for ${words.kept(room.kind)}, then deleted.`);
    } catch {
      // The lines on the page hold for a drop-in room.
    }
  }
}
