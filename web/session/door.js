/**
 * Before a session: what it is, when it begins, and whether one can come in now. Where one cannot yet, the
 * page says when, puts the date into a calendar if asked, and opens by itself when the lobby does.
 */

import { byId, el, write } from "../room/dom.js";
import { away, lasting, say, when } from "../words/say.js";
import { calendar } from "./cards.js";
import "./speech.js";
import "./style.js";

const AGAIN_MS = 20_000;
/** In these one can come in. */
const OPEN = new Set(["lobby", "opening", "open", "paused", "winding_down", "closing_round"]);

/** @typedef {import("../lobby/sessions.js").SessionInfo} SessionInfo */

export class Door {
  #about = el("div", { class: "door" });
  /** Which date is shown instead of a way in, and what is needed then; "" where one can come in. */
  #instead = "";

  /** @param {import("../room/entry.js").Entry} entry */
  constructor(entry) {
    this.entry = entry;
    byId("entry-room").after(this.#about);
    // Who stands in line already hears it now. Who came back into their seat meanwhile has no door before them.
    if (entry.seat.phase !== "in") entry.show();
    void this.#look();
  }

  async #look() {
    const { seat } = this.entry;
    if (document.documentElement.classList.contains("covered") || seat.phase === "left") return;
    if (seat.phase === "outside" && !document.hidden) {
      try {
        const answer = await fetch("/api/sessions");
        const all = answer.ok ? await answer.json() : null;
        await this.entry.around.settled;
        const mine = all?.sessions?.find((/** @type {SessionInfo} */ one) => one.room === seat.room);
        if (mine && this.entry.seat.phase === "outside") this.#show(mine, all.now ?? Date.now() / 1000);
      } catch {
        // The page works without it; whether one can come in, the server says.
      }
    }
    setTimeout(() => void this.#look(), AGAIN_MS);
  }

  /** @param {SessionInfo} session @param {number} now Unix seconds, the server's */
  #show({ title, about, phase, next, open: letsAllIn }, now) {
    write(byId("entry-room"), title);
    const first = next[0];
    const open = phase !== undefined && phase !== null && OPEN.has(phase);
    const lines = about ? [el("p", { dir: "auto" }, about)] : [];
    if (open) lines.push(el("p", {}, phase === "lobby" && first ? say("session.door_lobby", { away: away(first.starts_at - now) }) : say("session.door_live")));
    this.#about.replaceChildren(...lines);
    // Said again where a ticket came meanwhile: it is not asked for any more.
    const { seat } = this.entry;
    const needs = letsAllIn !== true && seat.ticket === null && seat.token === null;
    const instead = open ? "" : JSON.stringify([first?.starts_at, needs]);
    if (instead === this.#instead) return;
    this.#instead = instead;
    if (open) this.entry.instead("");
    else this.#later(first, now, [el("p", { class: "kicker", dir: "auto" }, title), ...(about ? [el("p", { dir: "auto" }, about)] : [])], needs);
  }

  /** @param {SessionInfo["next"][number] | undefined} first @param {number} now @param {HTMLElement[]} what which session it is @param {boolean} needs a ticket, or signing in */
  #later(first, now, what, needs) {
    const rooms = el("a", { href: "/", class: "button main" }, say("common.show_rooms"));
    if (!first) return this.entry.instead(say("session.door_none"), ...what, rooms);
    const sentence = say("session.door_next", { when: when(first.starts_at * 1000, "both"), away: away(first.starts_at - now) });
    const again = needs ? say(this.entry.around.signIn ? "refusals.sign_in_needed" : "refusals.ticket_needed") : say("session.door_again");
    const opens = first.lobby_minutes ? say("session.door_opens", { minutes: lasting(60 * first.lobby_minutes) }) : "";
    this.entry.instead(sentence, ...what, el("p", {}, [opens, again].filter(Boolean).join(" ")), el("p", {}, calendar()), rooms);
  }
}
