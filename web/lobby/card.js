/** One room as the lobby shows it: what it is called, what it is for, how alive it is in a word. */

import { el } from "../room/dom.js";
import { chosen, say } from "../words/say.js";

/** @typedef {{name: string, title: string, kind: string, band: string, open: boolean, door?: string}} RoomInfo */

/** @type {Record<string, string>} */
const KINDS = { "drop-in": "lobby.kind_drop_in", session: "lobby.kind_session", knowledge: "lobby.kind_knowledge" };
/** @type {Record<string, string>} */
const BANDS = { "nobody yet": "lobby.band_nobody", "a few": "lobby.band_few", "5 or more": "lobby.band_many" };

/** What one shows at the door; "" where it is open. @param {{open: boolean, door?: string}} room */
export function asks({ open, door }) {
  return open ? "" : say(door === "pass" ? "lobby.asks_pass" : "lobby.asks_ticket");
}

/** @param {RoomInfo} room */
export function card(room) {
  const alive = room.band !== "nobody yet";
  const kind = KINDS[room.kind];
  const about = [kind ? say(kind) : "", asks(room)].filter(Boolean).join(" ");
  const band = BANDS[room.band];
  return el(
    "li",
    {},
    el(
      "a",
      { href: `/room/${encodeURIComponent(room.name)}${chosen()}` },
      el("h2", { dir: "auto" }, room.title),
      el("span", { class: "about quiet" }, about),
      el("span", { class: alive ? "band alive" : "band" }, band ? say(band) : room.band),
    ),
  );
}
