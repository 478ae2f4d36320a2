/**
 * The room page: puts a seat and the parts of the page together.
 *
 * The seat says what changed, by topic; each topic has one function here that shows it. What is
 * shown often in one turn is shown once, in the next frame. A room with a session loads what shows
 * that (`web/session/`) when the seat says how the session stands.
 */

import { browserEnv } from "../client/connection.js";
import { Keep } from "../client/keep.js";
import { Seat } from "../client/seat.js";
import { refusal, say, when } from "../words/say.js";
import { arrive } from "./arrival.js";
import { Conversation } from "./conversation.js";
import { coverNow, coveredBefore, onThreeShifts } from "./cover.js";
import { byId, mayFocus, write } from "./dom.js";
import { Entry } from "./entry.js";
import { keepAddress } from "./languages.js";
import { RosterView, showCount } from "./roster.js";
import { Status, sentence } from "./status.js";
import { name } from "./words.js";

const LONG_HIDDEN_MS = 10_000;
/** So long before a room begins anew its page says so. */
const ANEW_SOON_MS = 600_000;
/** So long it says that it has. */
const ANEW_SAID_MS = 60_000;
/** No page around it: nobody asks for anything, and there is nobody to tell. */
const ALONE = { framed: false, compact: false, shown: true, settled: Promise.resolve(), tell() {}, follow() {}, unread() {}, trouble() {} };

const root = document.documentElement;
const room = decodeURIComponent(location.pathname.split("/")[2] ?? "");
const keep = new Keep(() => sessionStorage);
const env = browserEnv();
/** Whether the room asks for a staff pass. */
const passes = root.dataset.door === "pass";
const ticket = await arrive(keep, room);
const abroad = ["embedded", "windowed"].some((where) => root.classList.contains(where)) ? await import("./elsewhere.js") : null;
/** The page around it, where there is one. */
const framing = root.classList.contains("embedded") ? await import("./host.js") : null;
/** @type {Pick<import("./host.js").Host, "framed" | "compact" | "shown" | "settled" | "tell" | "follow" | "unread" | "trouble">} */
const host = framing === null ? ALONE : new framing.Host({
  token: (token) => {
    seat.useTicket(token);
    elsewhere?.ticketCame();
  },
  look: async (look) => (await import("./look.js")).apply(root, look),
  shown: () => attend(),
  focus: () => covered || (seat.phase === "in" ? conversation.composer : byId("agree")).focus(),
  leave: () => leave(),
  exit: () => cover(),
});
/** @type {Set<import("../client/seat.js").Topic>} */
const stale = new Set();

/** @type {Seat} */
const seat = new Seat({
  room,
  url: `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/ws`,
  keep,
  env,
  fill: (bytes) => crypto.getRandomValues(bytes),
  tell: refusal,
  // In a frame it is shown beside the seat one may have, and does not replace it. Where it gets a pass, it goes there.
  ticket: host.framed || passes ? null : ticket,
  changed: (topic) => {
    if (stale.size === 0) queueMicrotask(refresh);
    stale.add(topic);
  },
});

const status = new Status(byId("status"));
/** Outside nothing is lost that one wrote, and a slow line may take its time. */
const atDoor = new Status(byId("entry-line"), 6_000);
const entry = new Entry(seat, (mode) => conversation.setMode(mode), {
  settled: host.settled,
  popsOut: host.framed,
  signIn: root.dataset.signIn ? () => signIn(root.dataset.signIn ?? "") : null,
  // An address of this server's own: there is a cookie, but for frames and their windows.
  ticket: root.dataset.signIn?.startsWith("/") && !abroad && !passes ? (open) => import("./signed_in.js").then(({ ticketFor }) => ticketFor(room, open)) : null,
});
/** What waits for the way in with a pass, which is still being loaded: a ticket, and somebody who wants to come in. */
const waits = { ticket: passes ? ticket : null, enter: () => {} };
if (passes) {
  seat.way = {
    takes: (token) => ((waits.ticket = token), true),
    lets: (enter) => ((waits.enter = enter), false),
    refused: () => false,
  };
}
const elsewhere = abroad && new abroad.Elsewhere(seat, entry, host, {
  back: (parts) => {
    conversation.composer.restore(String(parts.kept.draft ?? ""));
  },
  cover: () => cover(),
  hint: (text) => (seat.phase === "in" ? status.hint(text) : entry.hint(text)),
});
const conversation = new Conversation(seat, keep.get(`chatd.mode.${room}`) === "listen" ? "listen" : "talk", {
  hint: (text) => status.hint(text),
  drafted: (text) => {
    keep.set(`chatd.draft.${room}`, text === "" ? null : text);
    elsewhere?.changed();
  },
  mode: (mode) => {
    keep.set(`chatd.mode.${room}`, mode);
    session?.chose(mode);
  },
  looking: () => !document.hidden && host.shown && !covered,
  unread: (count) => {
    document.title = count > 0 && document.hidden ? `• ${say("room.title")}` : say("room.title");
    host.unread(count > 0);
  },
});
const roster = new RosterView(byId("side"), byId("people", HTMLDialogElement), {
  ignore: (handle, on) => seat.ignore(handle, on),
  leave: () => leave(),
  mine: () => void showMine(),
  popOut: host.framed ? () => elsewhere?.popOut() : null,
});
/** @type {import("../session/session.js").SessionPage | null} */
let session = null;
let hiddenAt = 0;
let covered = false;

function attend() {
  if (!covered) conversation.attend();
}

// ---- what a topic shows --------------------------------------------------------------------------

function refresh() {
  if (covered) return;
  const topics = new Set(stale);
  stale.clear();
  if (topics.has("stranger")) return beginAnew();
  if (topics.has("phase") || topics.has("entry") || topics.has("connection")) showPhase();
  if (topics.has("phase") || topics.has("anew")) showAnew(topics.has("anew"));
  if (["session", "phase", "entry", "roster"].some((topic) => topics.has(/** @type {any} */ (topic)))) showSession();
  if (seat.phase !== "in") return;
  if (["timeline", "phase", "connection"].some((topic) => topics.has(/** @type {any} */ (topic)))) conversation.show();
  if (topics.has("roster")) {
    roster.show(seat.roster, seat.handle, seat.ignored);
    showCount(byId("here"), seat.roster.count);
    showMode();
  }
  if (topics.has("typing")) conversation.typing.show();
  if (topics.has("pace")) conversation.composer.slow(conversation.place.slowUntil);
  if (topics.has("returned")) conversation.giveBack();
}

let loading = false;

/** Everything about a session is loaded where there is one. */
function showSession() {
  if (session !== null) return session.show();
  if (loading || seat.session === null) return;
  loading = true;
  void import("../session/session.js").then(({ SessionPage }) => {
    if (covered) return;
    session = new SessionPage(seat, conversation, { hint: (text) => status.hint(text), entry, leave: () => leave() });
    session.show();
  });
}

function showMode() {
  conversation.showMode();
  byId("away").setAttribute("aria-pressed", String(seat.away));
}

/** With the ticket that came in the address, if one did: another is handed by whoever handed it. */
function beginAnew() {
  if (ticket !== null) history.replaceState(null, "", `${location.pathname}${location.search}#ticket=${encodeURIComponent(ticket)}`);
  location.reload();
}

/** @type {number | undefined} */
let anewTimer;

/** When the room is about to begin anew, and that it has. @param {boolean} has */
function showAnew(has) {
  clearTimeout(anewTimer);
  if (has) {
    status.note(say("room.anew_now", { name: name(seat.handle) }));
    anewTimer = window.setTimeout(showAnew, ANEW_SAID_MS, false);
    return;
  }
  if (seat.phase !== "in" || seat.anewAt === null) return status.note("");
  const time = when(seat.anewAt, "time");
  const inMs = seat.anewAt - env.now() - ANEW_SOON_MS;
  status.note(inMs > 0 ? "" : say("room.anew_soon", { time }));
  // A browser counts no further; who stays so long has come back in between.
  if (inMs > 0 && inMs < 2 ** 31) anewTimer = window.setTimeout(showAnew, inMs + 1000, false);
}

let wasIn = false;

function showPhase() {
  const state = seat.connection.state;
  // Once in the room one stays on its page while the connection comes back.
  const inside = seat.phase === "in";
  if (inside !== wasIn) {
    wasIn = inside;
    document.documentElement.classList.toggle("in-room", inside);
    byId("room").hidden = !inside;
    byId("entry").hidden = inside;
    if (inside) {
      host.tell("joined");
      write(byId("room-title"), seat.title || room);
      showMode();
      if (mayFocus()) (conversation.mode === "talk" && !matchMedia("(pointer: coarse)").matches ? conversation.composer : byId("room-title")).focus();
      queueMicrotask(() => conversation.messages.toEnd());
    } else conversation.showUnread();
    elsewhere?.changed();
  }
  if (!inside) entry.show();
  host.trouble(seat.shut ? seat.trouble : null);
  status.connection(inside ? sentence(state, true) : "", state === "offline" || state === "ended");
  const dialling = state === "connecting" || state === "waiting";
  atDoor.connection(!inside && !seat.shut && dialling ? say("entry.no_answer") : "", false);
}

// ---- what people and the browser do ----------------------------------------------------------------

/** @type {import("./mine.js").MineSheet | null} */
let mine = null;

/** What the server holds of oneself. */
async function showMine() {
  const { MineSheet } = await import("./mine.js");
  if (covered || seat.phase !== "in") return;
  mine ??= new MineSheet(seat);
  await mine.open();
}

function cover() {
  if (covered) return;
  covered = true;
  host.unread(false);
  coverNow(() => seat.leave());
  host.tell("quick-exit");
  elsewhere?.exit();
}

function leave() {
  if (covered) return;
  seat.leave();
  conversation.showUnread();
  if (elsewhere) elsewhere.left();
  else location.assign("/");
}

/** Where there is a page around it, in a window; the sign-in page leads back here otherwise. @param {string} address */
function signIn(address) {
  if (elsewhere) elsewhere.signIn();
  else location.assign(address.replaceAll("{room}", encodeURIComponent(room)));
}

for (const hide of document.querySelectorAll("[data-hide]")) hide.addEventListener("click", cover);
onThreeShifts(cover);
byId("here").addEventListener("click", () => roster.open());
keepAddress(byId("languages"), ticket);
byId("pop-out").addEventListener("click", () => elsewhere?.popOut());
document.addEventListener("keydown", ({ key }) => {
  if (key === "Escape" && host.compact && !document.querySelector("dialog[open]")) host.tell("close");
});
byId("away").addEventListener("click", () => void seat.setAway(!seat.away).then(conversation.hint));
byId("back").addEventListener("click", () => {
  void seat.setAway(false).then(conversation.hint);
  showMode();
  if (conversation.mode === "talk") conversation.composer.focus();
});

addEventListener("online", () => seat.wake());
addEventListener("offline", () => seat.connection.lost());
addEventListener("pageshow", (event) => {
  if (!event.persisted) return;
  if (coveredBefore(true)) cover();
  else seat.wake();
});
document.addEventListener("visibilitychange", () => {
  if (covered) return;
  if (document.hidden) hiddenAt = env.now();
  else if (env.now() - hiddenAt > LONG_HIDDEN_MS || seat.connection.state !== "open") seat.wake();
  attend();
  conversation.showUnread();
});

// Where the browser lays the keyboard over the page instead of making it smaller, do it here.
const seen = window.visualViewport;
seen?.addEventListener("resize", () => {
  if (seen.scale > 1.01) return;
  document.documentElement.style.setProperty("--visible-height", `${seen.height}px`);
  window.scrollTo(0, 0);
});

conversation.composer.restore(keep.get(`chatd.draft.${room}`) ?? "");
if (coveredBefore()) cover();
else {
  entry.show();
  host.follow(byId("entry"));
  await host.settled;
  if (passes) {
    const { PassWay } = await import("./pass.js");
    const way = new PassWay(seat, entry);
    seat.way = way;
    if (waits.ticket !== null) seat.useTicket(waits.ticket);
    seat.start();
    void way.begin();
    waits.enter();
  } else {
    if (host.framed && ticket !== null) seat.useTicket(ticket);
    seat.start();
  }
}
