/** One room as the lobby shows it: what it is called, what it is for, how alive it is in a word. */

import { el } from "../room/dom.js";

/** @typedef {{name: string, title: string, kind: string, band: string, open: boolean}} RoomInfo */

/** @type {Record<string, string>} */
const KIND = {
  "drop-in": "Open at any time. Kept for 24 hours.",
  session: "A session in a small group.",
  knowledge: "Questions and answers. Kept for 30 days.",
};

/** @param {RoomInfo} room */
export function card(room) {
  const alive = room.band !== "nobody yet";
  const about = (KIND[room.kind] ?? "") + (room.open ? "" : " Asks for a ticket.");
  return el(
    "li",
    {},
    el(
      "a",
      { href: `/room/${encodeURIComponent(room.name)}` },
      el("h2", {}, room.title),
      el("span", { class: "about quiet" }, about),
      el("span", { class: alive ? "band alive" : "band" }, room.band),
    ),
  );
}
