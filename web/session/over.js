/**
 * The end of a session for somebody: it is over, it has been erased, or it has ended for them alone. Each says
 * what happened, what becomes of the words, and where one can go from here.
 */

import { button, byId, el, write } from "../room/dom.js";
import { say, when } from "../words/say.js";
import { ending } from "./cards.js";
import { clock } from "./words.js";

/** @typedef {import("./view.js").SessionNow} SessionNow */

export class Over {
  #title = el("h2", { tabindex: "-1" }, say("session.over"));
  #erased = el("p", { class: "quiet" });
  #rest = el("div");
  #panel = el(
    "section",
    { class: "rests ended", hidden: true },
    this.#title,
    el("p", {}, say("session.closed_about")),
    this.#erased,
    this.#rest,
    el("div", { class: "actions" }, button(say("session.leave"), () => this.around.leave(), { class: "main" })),
  );
  /** How it stood at the last. @type {SessionNow | null} */
  #last = null;
  #said = "";

  /** @param {import("../client/seat.js").Seat} seat @param {import("./session.js").Around} around */
  constructor(seat, around) {
    this.seat = seat;
    this.around = around;
    byId("scroller").after(this.#panel);
  }

  /** @param {SessionNow | null} now @param {import("./line.js").Line | null} line */
  show(now, line) {
    const { seat } = this;
    const last = this.#last;
    if (now !== null) this.#last = now;
    const over = now !== null && (now.phase === "closed" || now.phase === "cancelled");
    this.#panel.hidden = !over;
    if (over) this.#close(now);
    if (seat.trouble?.code === "removed" && seat.phase === "outside") this.#removed(line);
    else if (now === null && last !== null && seat.trouble?.code === "erased") this.#gone(last);
    else if (this.#said !== "" && seat.phase === "in") this.#back();
  }

  /** @param {SessionNow} now */
  #close(now) {
    write(this.#title, now.phase === "closed" ? say("session.over") : say("session.cancelled"));
    write(this.#erased, now.erase_at ? say("session.closed_erased", { time: clock(now.erase_at) }) : "");
    const stamp = JSON.stringify([now.resources, now.next_at]);
    if (this.#rest.dataset.shown === stamp) return;
    this.#rest.dataset.shown = stamp;
    this.#rest.replaceChildren(...ending(now));
    this.#title.focus();
  }

  /** What was said is gone, and the seat with it. @param {SessionNow} last */
  #gone(last) {
    if (this.#said === "gone") return;
    this.#said = "gone";
    // Said better here than by the room, which only knows that it began anew.
    this.seat.trouble = null;
    this.seat.leave();
    const next = last.next_at ? [el("p", {}, say("session.next", { when: when(last.next_at * 1000, "both") }))] : [];
    this.around.entry.instead(say("session.erased"), ...next, el("a", { href: "/", class: "button main" }, say("common.show_rooms")));
  }

  /** @param {import("./line.js").Line | null} line */
  #removed(line) {
    const word = line?.place.timeline.notes.size ?? 0;
    const stamp = `removed ${word}`;
    if (this.#said === stamp) return;
    this.#said = stamp;
    const may = [...(line?.place.timeline.notes.values() ?? [])].sort((a, b) => b.seq - a.seq).find((one) => one.t === "told" && (one.what === "remove" || one.what === "overturned"));
    const back = may?.t === "told" && (may.what === "overturned" || may.on === false);
    /** @type {HTMLElement[]} */
    const acts = [el("p", {}, say("session.removed_about"))];
    if (back) acts.push(button(say("session.come_back"), () => this.seat.comeBack(), { class: "main" }));
    else if (line && line.place.phase !== "left") acts.push(button(say("session.why"), () => line.open(), { class: "main" }));
    acts.push(el("a", { href: "/", class: "button" }, say("common.show_rooms")));
    this.around.entry.instead(say("session.removed"), ...acts);
  }

  #back() {
    this.#said = "";
    this.around.entry.instead("");
  }
}
