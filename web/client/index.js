/**
 * The browser client, for who builds a page of their own: the way of a seat through any network, and no DOM.
 *
 *   import { takeSeat, lines } from "https://chat.example.org/static/client/index.js";
 *
 *   const seat = takeSeat({
 *     server: "https://chat.example.org",
 *     room: "night",
 *     changed: (topic) => { if (topic === "timeline") show(lines(seat)); },
 *   });
 *   seat.start();                    // then `seat.handle` is a handle one may have
 *   seat.enter();                    // sit down
 *   seat.say("Is anybody up?");      // kept, in order, once, whatever the network does
 *
 * Your page's origin must be among the server's `origins`. A whole page is docs/examples/own-client.html.
 *
 * What is promised here stays as it is while the wire is `chatd.v1`; everything else in this folder may
 * change, so import from nowhere else. Of a `Seat`:
 *
 * - It tells of changes by topic: "connection", "phase", "entry", "timeline", "roster", "typing", "pace"; and by
 *   "stranger" that the ticket is another person's than the seat that the tab kept: that is forgotten, nothing on
 *   the page is theirs, and they begin with a reload; and by "anew" that the room has begun anew and one goes on in it under another `handle`. In a room with a session also by "session" (`session`, how it
 *   stands), and by "returned" (`returned`: words that the room did not take, with the reason).
 * - To read: `phase` ("outside", "entering", "waiting", "in", "left"), `handle`, `role`, `title`, `kind`, `trouble`
 *   (why one is not in: `{code, message}`, or null), `shut` (and trying again does not help), `roster` (`people`, `count`), `typing`, `slowModeS`,
 *   `slowUntil`, `anewAt` (when the room begins anew, as `Date.now()`, or null), `more` (history to load), `away`, `connection.state`, `connection.way`.
 * - To do: `start`, `draw`, `enter`, `say(text, replyTo)`, `sayAgain(key)`, `discard(key)`, `react(seq, kind)`,
 *   `withdraw(seq)`, `setAway(away)`, `type`, `older`, `ignore(handle, on)`, `wake`, `leave`;
 *   `stop` when the page goes on without the room: the connection ends, and the seat is kept for the tab.
 *
 * What people write goes into your page by `textContent` and never as markup.
 */

import { browserEnv } from "./connection.js";
import { Keep } from "./keep.js";
import { Seat } from "./seat.js";
import { view } from "./timeline.js";

export { Seat };

class OwnSeat extends Seat {
  /** @type {string | null} */
  #ticket;
  /** @type {AbortController} */
  #listening;

  /** @param {ConstructorParameters<typeof Seat>[0]} options */
  constructor({ ticket = null, env, ...rest }) {
    const listening = new AbortController();
    const { signal } = listening;
    super({ ...rest, env: { ...env, whenOnline: (act) => addEventListener("online", act, { signal }) } });
    this.#ticket = ticket;
    this.#listening = listening;
    addEventListener("online", () => this.wake(), { signal });
    addEventListener("offline", () => this.connection.lost(), { signal });
    document.addEventListener("visibilitychange", () => document.hidden || this.wake(), { signal });
  }

  /** @override */
  start() {
    const ticket = this.#ticket;
    this.#ticket = null;
    // Beside the seat that the tab may have, which it does not replace: a reload is the same person.
    if (ticket !== null) this.useTicket(ticket);
    super.start();
  }

  /** @override */
  leave() {
    super.leave();
    this.#listening.abort();
  }

  /** Let go of the connection, and of the page. */
  stop() {
    this.#listening.abort();
    this.connection.close();
  }
}
export { MAX_CHARACTERS, REACTIONS } from "./wire.js";

/**
 * A seat in a room, not yet started. It is kept for the time of the tab, so a reload is the same person.
 *
 * @param {object} options
 * @param {string} options.server its address, with or without a slash at the end
 * @param {string} options.room
 * @param {string | null} [options.ticket] the right to enter, where the room asks for one
 * @param {(topic: import("./seat.js").Topic) => void} options.changed told once per change; read the seat then
 */
export function takeSeat({ server, room, ticket = null, changed }) {
  const base = new URL(server, location.href).href.replace(/\/$/, "").replace(/^http/, "ws");
  return new OwnSeat({
    room,
    url: `${base}/ws`,
    keep: new Keep(() => sessionStorage),
    env: browserEnv(),
    fill: (bytes) => crypto.getRandomValues(bytes),
    ticket,
    changed,
  });
}

/**
 * What was said, in order, as `timeline.js` describes its items: posts with `handle`, `text`, `own`, `status`
 * ("delivered", "pending", "failed"), `reactions` and more; and between them days and notes. Each has a `key`.
 *
 * @param {Seat} seat
 */
export function lines(seat) {
  return view(seat.timeline, {
    me: seat.handle,
    role: seat.role,
    ignored: seat.ignored,
    waiting: seat.outbox.waiting(),
    placed: seat.outbox.placed,
    unreadFrom: seat.unread.from,
  });
}
