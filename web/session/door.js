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
  #instead = false;

  /** @param {import("../room/entry.js").Entry} entry */
  constructor(entry) {
    this.entry = entry;
    byId("entry-room").after(this.#about);
    // Who stands in line already hears it now.
    entry.show();
    void this.#look();
  }

  async #look() {
    const { seat } = this.entry;
    if (document.documentElement.classList.contains("covered") || seat.phase === "left") return;
    if (seat.phase === "outside" && !document.hidden) {
      try {
        const answer = await fetch("/api/sessions");
        const all = answer.ok ? await answer.json() : null;
        const mine = all?.sessions?.find((/** @type {SessionInfo} */ one) => one.room === seat.room);
        if (mine) this.#show(mine, all.now ?? Date.now() / 1000);
      } catch {
        // The page works without it; whether one can come in, the server says.
      }
    }
    setTimeout(() => void this.#look(), AGAIN_MS);
  }

  /** @param {SessionInfo} session @param {number} now Unix seconds, the server's */
  #show({ title, about, phase, next }, now) {
    write(byId("entry-room"), title);
    const first = next[0];
    const open = phase !== undefined && phase !== null && OPEN.has(phase);
    const lines = about ? [el("p", { dir: "auto" }, about)] : [];
    if (open) lines.push(el("p", {}, phase === "lobby" && first ? say("session.door_lobby", { away: away(first.starts_at - now) }) : say("session.door_live")));
    this.#about.replaceChildren(...lines);
    if (open === !this.#instead) return;
    this.#instead = !open;
    if (open) this.entry.instead("");
    else if (this.entry.seat.phase === "outside") this.#later(first, now);
  }

  /** @param {SessionInfo["next"][number] | undefined} first @param {number} now */
  #later(first, now) {
    const rooms = el("a", { href: "/", class: "button main" }, say("common.show_rooms"));
    if (!first) return this.entry.instead(say("session.door_none"), rooms);
    const sentence = say("session.door_next", { when: when(first.starts_at * 1000, "both"), away: away(first.starts_at - now) });
    const opens = first.lobby_minutes ? say("session.door_opens", { minutes: lasting(60 * first.lobby_minutes) }) : "";
    this.entry.instead(sentence, el("p", {}, [opens, say("session.door_again")].filter(Boolean).join(" ")), el("p", {}, calendar()), rooms);
  }
}
