/** The parts of a session in every state, for the styleguide: an hour of four parts, as one person has it. */

import { sessionCard } from "./lobby/sessions.js";
import { byId, el } from "./room/dom.js";
import { Cards } from "./session/cards.js";
import { Floor } from "./session/floor.js";
import { note } from "./session/notes.js";
import { Quiet } from "./session/quiet.js";
import { Strip } from "./session/strip.js";

/** @typedef {import("./client/wire.js").SessionNow} SessionNow */

const ME = "open-pebble";
const at = Math.floor(Date.now() / 1000);
const start = at - 660;

/** @param {Partial<SessionNow>} [more] @returns {SessionNow} */
const now = (more = {}) => ({
  seq: 40, now: at, occurrence: "", title: "After the night shift", phase: "open", since: start, until: at + 540,
  item: { index: 1, of: 4, title: "Arriving", prompt: "One word for how you come here tonight." },
  agenda: [
    { title: "Welcome", minutes: 5, phase: "opening" },
    { title: "Arriving", minutes: 15, phase: "open" },
    { title: "What was heavy", minutes: 30, phase: "open" },
    { title: "Closing round", minutes: 10, phase: "closing_round" },
  ],
  starts_at: start, ends_at: start + 3600, closes_at: start + 3900, floor: { queue_open: true }, capacity: 8, minimum: 3, members: 4,
  support: [["Helpline (an example)", "0800 000 000", "2026-01-15"]],
  you: { member: true, accepted: true },
  ...more,
});
const nothing = () => undefined;
const posts = new Map([[7, { text: "What helped me was to walk home slowly." }]]);

/** @type {[string, SessionNow, string[]][]} */
const STRIPS = [
  ["the lobby", now({ phase: "lobby", since: at - 300, starts_at: at + 300, missing: 2, item: null }), ["calm-harbour"]],
  ["too few, and it is time", now({ phase: "lobby", missing: 1, item: null }), []],
  ["a part of it", now({ pins: [7, 99] }), []],
  ["a small group", now({ you: { member: true, group: "g" }, breakouts: { id: 1, groups: [["quiet-heron", ME]], rooms: ["g"], until: at + 400 } }), []],
  ["no facilitator", now({ phase: "paused", pause: { why: "no_facilitator", since: at - 30 } }), []],
  ["check-out", now({ phase: "closing_round", item: null, ends_at: at - 60, closes_at: at + 240 }), []],
];
for (const [state, session, facilitators] of STRIPS) {
  const strip = new Strip(nothing);
  strip.show(session, at, facilitators, posts, ME);
  strip.element.setAttribute("aria-label", `Strip: ${state}`);
  byId("strips").append(strip.element);
}

/** @type {[Parameters<Cards["show"]>[0], SessionNow][]} */
const CARDS = [
  ["rules", now()],
  ["word", now()],
  ["whisper", now()],
  ["told", now()],
  ["poll", now({ poll: { id: 3, question: "How heavy is it right now?", options: ["Light", "In between", "Heavy"], votes: 2 } })],
  ["check_in", now({ you: { member: true, accepted: true, check_in: "before" } })],
  ["where", now({ floor: { turn: { handle: "quiet-heron", since: at } } })],
  ["alone", now()],
  ["checkout", now({ next_at: at + 604_800, resources: [["Peer support programme", "https://example.org/peer"]] })],
];
for (const [kind, session] of CARDS) {
  const cards = new Cards({ accept: nothing, word: nothing, read: nothing, later: nothing, seen: nothing, vote: nothing, checkIn: nothing, pass: nothing });
  const told = /** @type {const} */ ({ t: "told", room: "night", seq: 1, at, handle: "calm-harbour", what: "hidden" });
  cards.show(kind, session, at, { by: "calm-harbour", told });
  byId("cards").append(cards.element);
}

const round = { prompt: "One word", todo: ["quiet-heron", ME], done: [], passed: [] };
/** @type {SessionNow[]} */
const FLOORS = [
  now(),
  now({ floor: { queue_open: true, hands: ["quiet-heron", ME] } }),
  now({ floor: { queue_open: true, by_hand: true } }),
  now({ floor: { queue_open: true, turn: { handle: ME, since: at - 60, until: at + 60 } } }),
  now({ floor: { queue_open: true, turn: { handle: "quiet-heron", since: at } } }),
  now({ floor: { queue_open: true, round } }),
  now({ floor: { queue_open: true, round: { ...round, todo: [ME] } } }),
  now({ phase: "closing_round", floor: {} }),
  now({ you: { member: true, accepted: true, muted: true } }),
  now({ you: { member: true, accepted: true, held: true } }),
];
FLOORS.forEach((session, index) => {
  const floor = new Floor({ hand: nothing, end: nothing, line: nothing });
  floor.show(session, ME, at, { line: true, news: index === 1 });
  byId("floors").append(floor.element);
});

/** @type {import("./client/session_wire.js").PollOpened} */
const asked = { t: "poll_opened", room: "night", seq: 3, at, handle: "calm-harbour", question: "How heavy is it?", options: ["Light", "In between", "Heavy"] };
const timeline = { posts: new Map(), reactions: new Map(), withdrawn: new Set(), notes: new Map([[3, asked]]), hidden: new Map() };
const head = { room: "night", seq: 9, at, handle: "calm-harbour" };
/** @type {import("./client/wire.js").Noted[]} */
const NOTES = [
  { ...head, t: "phase_changed", phase: "open", title: "What was heavy", prompt: "Is there a moment that comes back?" },
  { ...head, t: "phase_changed", phase: "opening", title: "Welcome", late_s: 240 },
  { ...head, t: "announced", kind: "announcement", text: "We go on until five to eight." },
  { ...head, t: "announced", kind: "resource", text: "A short read about sleep after nights.", url: "https://example.org/sleep" },
  { ...head, t: "round_started", prompt: "One word for how you leave", order: [] },
  asked,
  { ...head, t: "poll_closed", poll: 3, results: [1, 4, 2] },
  { ...head, t: "poll_closed", poll: 3 },
  { ...head, t: "paused", why: "quiet" },
  { ...head, t: "extended", minutes: 5 },
];
byId("notes").append(...NOTES.map((event) => note(event, timeline)));

const quiet = new Quiet();
quiet.show(now({ phase: "paused", pause: { why: "quiet", since: at - 20, until: at + 40 } }), at);
byId("quiet").append(el("div", { class: "rests-here" }, quiet.element));

const planned = { room: "night", title: "After the night shift", about: "For whoever carried something home.", open: true };
const dates = [1, 8, 15].map((days) => ({ starts_at: at + days * 86_400, ends_at: at + days * 86_400 + 3600 }));
byId("sessions").append(
  sessionCard({ ...planned, live: true, phase: "open", next: dates }, at),
  sessionCard({ ...planned, live: false, phase: "lobby", next: [{ starts_at: at + 1500, ends_at: at + 5100 }] }, at),
  sessionCard({ ...planned, live: false, next: dates }, at),
  sessionCard({ ...planned, live: false, open: false, next: [] }, at),
);
