/**
 * The room page: puts a seat and the parts of the page together.
 *
 * The seat says what changed, by topic; each topic has one function here that shows it. What is
 * shown often in one turn is shown once, in the next frame.
 */

import { browserEnv } from "../client/connection.js";
import { Keep } from "../client/keep.js";
import { Seat } from "../client/seat.js";
import { view } from "../client/timeline.js";
import { Actions } from "./actions.js";
import { arrive } from "./arrival.js";
import { Composer } from "./composer.js";
import { coverNow, coveredBefore, onThreeShifts } from "./cover.js";
import { byId, mayFocus, write } from "./dom.js";
import { Entry } from "./entry.js";
import { Host } from "./host.js";
import { Messages } from "./messages.js";
import { RosterView, showCount } from "./roster.js";
import { Status, sentence } from "./status.js";
import { Typing } from "./typing.js";
import * as words from "./words.js";

const TITLE = "Room";
const LONG_HIDDEN_MS = 10_000;
const LOAD_WITHIN = 160;

const root = document.documentElement;
const room = decodeURIComponent(location.pathname.split("/")[2] ?? "");
const keep = new Keep(() => sessionStorage);
const env = browserEnv();
const ticket = await arrive(keep, room);
const abroad = ["embedded", "windowed"].some((where) => root.classList.contains(where)) ? await import("./elsewhere.js") : null;
/** @type {Host} */
const host = new Host({
  token: (token) => {
    seat.useTicket(token);
    elsewhere?.ticketCame();
  },
  look: async (look) => (await import("./look.js")).apply(root, look),
  shown: () => attend(),
  focus: () => covered || (seat.phase === "in" ? composer : byId("agree")).focus(),
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
  // In a frame it is shown beside the seat one may have, and does not replace it.
  ticket: host.framed ? null : ticket,
  changed: (topic) => {
    if (stale.size === 0) queueMicrotask(refresh);
    stale.add(topic);
  },
});

const status = new Status(byId("status"));
const entry = new Entry(seat, (mode) => setMode(mode), {
  settled: host.settled,
  popsOut: host.framed,
  signIn: root.dataset.signIn ? () => signIn(root.dataset.signIn ?? "") : null,
});
const elsewhere = abroad && new abroad.Elsewhere(seat, entry, host, {
  back: (parts) => {
    seat.takeBack(parts);
    composer.restore(String(parts.kept.draft ?? ""));
  },
  cover: () => cover(),
  hint: (text) => (seat.phase === "in" ? status.hint(text) : entry.hint(text)),
});
const messages = new Messages(byId("scroller"), byId("past"), byId("live"), {
  menu: (item) => actions.open(item, true),
  react: (item, kind) => item.seq !== null && void seat.react(item.seq, kind).then(hint),
  jump: (seq) => void jump(seq),
  again: (key) => seat.sayAgain(key),
  discard: (key) => composer.put(seat.discard(key)),
});
const composer = new Composer({
  send: (text, replyTo) => {
    seat.say(text, replyTo);
    messages.toEnd();
  },
  typing: () => seat.type(),
  keepDraft: (text) => {
    keep.set(`chatd.draft.${room}`, text === "" ? null : text);
    elsewhere?.changed();
  },
  now: env.now,
});
const actions = new Actions(byId("deeds", HTMLDialogElement), {
  reply: (item) => {
    if (item.seq === null) return;
    composer.replyTo({ seq: item.seq, handle: item.own ? "yourself" : words.name(item.handle), text: item.text });
    setMode("talk");
    composer.focus();
  },
  react: (item, kind) => item.seq !== null && void seat.react(item.seq, kind).then(hint),
  withdraw: (item) => item.seq !== null && void seat.withdraw(item.seq).then(hint),
  ignore: (handle) => {
    seat.ignore(handle, true);
    status.hint(`You ignore ${words.name(handle)} now. Only you know. The list of people undoes it.`);
  },
  closed: (item) => messages.focus(item.key),
});
const roster = new RosterView(byId("side"), byId("people", HTMLDialogElement), {
  ignore: (handle, on) => seat.ignore(handle, on),
  leave: () => leave(),
  popOut: host.framed ? () => elsewhere?.popOut() : null,
});
const typing = new Typing(byId("typing"), seat, env.now);

/** @type {"talk" | "listen"} */
let mode = keep.get(`chatd.mode.${room}`) === "listen" ? "listen" : "talk";
let hiddenAt = 0;
let covered = false;

/** @param {"talk" | "listen"} next */
function setMode(next) {
  mode = next;
  keep.set(`chatd.mode.${room}`, mode);
  showMode();
}

function showMode() {
  const away = seat.away;
  byId("called").hidden = !away;
  byId("composer").hidden = away || mode === "listen";
  byId("listening").hidden = away || mode === "talk";
  byId("away").setAttribute("aria-pressed", String(away));
}

/** @param {import("../client/wire.js").Refused | null} refused */
function hint(refused) {
  if (refused) status.hint(refused.message);
}

/** @param {number} seq */
async function jump(seq) {
  // A few pages back is far enough to look for what was answered.
  for (let page = 0; page < 4 && !messages.find(seq) && seat.more; page++) await seat.older().then(refresh);
  if (!messages.find(seq)) status.hint("That message is not kept any more.");
}

function attend() {
  if (covered) return;
  const attended = !document.hidden && host.shown && messages.atEnd() && seat.phase === "in";
  if (attended !== seat.unread.attended || (attended && seat.unread.count > 0)) {
    seat.unread.attend(attended);
    showUnread();
  }
}

function showUnread() {
  const count = seat.phase === "in" ? seat.unread.count : 0;
  const latest = byId("latest");
  write(latest, words.newMessages(count));
  latest.hidden = messages.atEnd();
  document.title = count > 0 && document.hidden ? `• ${TITLE}` : TITLE;
  host.unread(count > 0);
}

// ---- what a topic shows --------------------------------------------------------------------------

function refresh() {
  if (covered) return;
  const topics = new Set(stale);
  stale.clear();
  if (topics.has("stranger")) return beginAnew();
  if (topics.has("phase") || topics.has("entry") || topics.has("connection")) showPhase();
  if (seat.phase !== "in") return;
  if (["timeline", "phase", "connection"].some((topic) => topics.has(/** @type {any} */ (topic)))) showTimeline();
  if (topics.has("roster")) {
    roster.show(seat.roster, seat.handle, seat.ignored);
    showCount(byId("here"), seat.roster.count);
    showMode();
  }
  if (topics.has("typing")) typing.show();
  if (topics.has("pace")) composer.slow(seat.slowUntil);
}

/** With the ticket that came in the address, if one did: another is handed by whoever handed it. */
function beginAnew() {
  if (ticket !== null) history.replaceState(null, "", `${location.pathname}${location.search}#ticket=${encodeURIComponent(ticket)}`);
  location.reload();
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
      if (mayFocus()) (mode === "talk" && !matchMedia("(pointer: coarse)").matches ? composer : byId("room-title")).focus();
      queueMicrotask(() => messages.toEnd());
    } else showUnread();
    elsewhere?.changed();
  }
  if (!inside) entry.show();
  host.trouble(seat.shut ? seat.trouble : null);
  status.connection(inside ? sentence(state, true) : "", state === "offline" || state === "ended");
}

function showTimeline() {
  const items = view(seat.timeline, {
    me: seat.handle,
    role: seat.role,
    ignored: seat.ignored,
    waiting: seat.outbox.waiting(),
    placed: seat.outbox.placed,
    unreadFrom: seat.unread.from,
    waits: seat.connection.state === "open" ? "Sending" : "Kept until you are back",
    dayOf: words.dayOf,
  });
  messages.show(items, seat.liveFrom, env.now());
  const older = byId("older");
  older.hidden = !seat.more;
  const act = older.firstElementChild;
  if (act) write(act, seat.loadingOlder ? "Loading …" : "Show what was said before");
  const empty = byId("empty");
  empty.hidden = items.length > 0;
  if (items.length === 0) write(empty, words.emptyRoom(seat.kind));
  showUnread();
}

// ---- what people and the browser do ----------------------------------------------------------------

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
  showUnread();
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
byId("pop-out").addEventListener("click", () => elsewhere?.popOut());
document.addEventListener("keydown", ({ key }) => {
  if (key === "Escape" && host.compact && !document.querySelector("dialog[open]")) host.tell("close");
});
byId("away").addEventListener("click", () => void seat.setAway(!seat.away).then(hint));
byId("back").addEventListener("click", () => {
  void seat.setAway(false).then(hint);
  showMode();
  if (mode === "talk") composer.focus();
});
byId("speak").addEventListener("click", () => {
  setMode("talk");
  composer.focus();
});
byId("latest").addEventListener("click", () => {
  messages.toEnd();
  attend();
  composer.focus();
});
byId("older").addEventListener("click", () => void seat.older());

byId("scroller").addEventListener(
  "scroll",
  () => {
    attend();
    showUnread();
    if (byId("scroller").scrollTop < LOAD_WITHIN && !messages.atEnd()) void seat.older();
  },
  { passive: true },
);

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
  showUnread();
});

// Where the browser lays the keyboard over the page instead of making it smaller, do it here.
const seen = window.visualViewport;
seen?.addEventListener("resize", () => {
  if (seen.scale > 1.01) return;
  document.documentElement.style.setProperty("--visible-height", `${seen.height}px`);
  window.scrollTo(0, 0);
});

composer.restore(keep.get(`chatd.draft.${room}`) ?? "");
if (coveredBefore()) cover();
else {
  entry.show();
  host.follow(byId("entry"));
  await host.settled;
  if (host.framed && ticket !== null) seat.useTicket(ticket);
  seat.start();
}
