/**
 * A seat that goes from one window of ours to another and back: loaded where there are windows (a room in a
 * frame, or in the window that it opened).
 *
 * What is handed over is for a message to that window, and for nowhere else.
 */

import { Outbox } from "./outbox.js";
import { MOVED } from "./seat.js";

/**
 * @typedef {import("./seat.js").Seat} Seat
 * @typedef {{ticket: string | null, kept: Record<string, any>}} Parts
 */

/** What another window needs to go on in this seat. @param {Seat} seat @returns {Parts} */
export function partsOf(seat) {
  const kept = Object.fromEntries(MOVED.map((part) => [part, seat.keep.get(seat.name(part))]));
  return { ticket: seat.token === null ? seat.ticket : null, kept };
}

/** Another window has this seat now: let go of it here without leaving it. @param {Seat} seat */
export function handOver(seat) {
  seat.ticket = null;
  seat.forget();
  seat.set("left");
  seat.connection.close();
}

/** The window that had the seat is gone: go on here, exactly after what was shown here. @param {Seat} seat @param {Parts} parts */
export function takeBack(seat, { ticket, kept }) {
  if (seat.phase !== "left") return;
  for (const part of MOVED) seat.keep.set(seat.name(part), kept[part] ?? null);
  seat.ticket ??= ticket;
  seat.token = kept.seat ?? null;
  seat.outbox = new Outbox();
  seat.outbox.restore(kept.outbox);
  seat.ignored = new Set(kept.ignored ?? []);
  seat.set(seat.token === null ? "outside" : "entering");
  seat.connection.open();
}
