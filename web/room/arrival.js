/** What one brings along to this page: a ticket in the address, or a seat from the frame that opened this window. */

import { MOVED } from "../client/seat.js";
import { NOTES } from "./cover.js";

/**
 * Keeps a seat that was handed over. Resolves to the ticket, or null.
 *
 * @param {import("../client/keep.js").Keep} keep @param {string} room
 * @returns {Promise<string | null>}
 */
export async function arrive(keep, room) {
  const ticket = takeTicket();
  const windowed = document.documentElement.classList.contains("windowed");
  const begun = `chatd.window.${room}`;
  if (!windowed || ticket !== null || keep.get(begun)) return ticket;
  keep.set(begun, true);
  // A window that a page of the same site opened starts with a copy of what the frame keeps: that is still the frame's.
  for (const part of MOVED) keep.set(`chatd.${part}.${room}`, null);
  const { takeOver, tellOpener } = await import("./window.js");
  const parts = await takeOver();
  if (parts === null) return null;
  for (const [part, value] of Object.entries(parts.kept)) keep.set(`chatd.${part}.${room}`, value);
  tellOpener("here");
  return parts.ticket;
}

/** A ticket comes in the fragment, which no server sees. It leaves the address bar at once. */
function takeTicket() {
  const ticket = new URLSearchParams(location.hash.slice(1)).get("ticket");
  if (location.hash !== "" && location.hash !== NOTES) history.replaceState(history.state, "", location.pathname + location.search);
  return ticket === "" ? null : ticket;
}
