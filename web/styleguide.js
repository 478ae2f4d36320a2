/** The styleguide: the parts of the pages, shown in every state, with real words in them. */

import { EMPTY, fold, view } from "./client/timeline.js";
import { card } from "./lobby/card.js";
import { Actions } from "./room/actions.js";
import { Composer } from "./room/composer.js";
import { byId, el } from "./room/dom.js";
import { drawMark } from "./room/marks.js";
import { Messages } from "./room/messages.js";
import { RosterView } from "./room/roster.js";
import { sentence } from "./room/status.js";
import * as words from "./room/words.js";

const COLOURS = ["paper", "surface", "sunken", "ink", "ink-soft", "line", "line-strong", "accent", "on-accent", "accent-wash", "warm-wash", "warm-line", "concern"];
for (const name of COLOURS) {
  const patch = el("span");
  patch.style.background = `var(--${name})`;
  byId("colours").append(el("li", {}, patch, name));
}

for (const [size, text] of [["xxl", "Rooms for us"], ["xl", "Before you come in"], ["l", "People here"], ["", "I keep hearing the monitor when I close my eyes."], ["s", "Your words are kept for 24 hours, then deleted."]]) {
  const line = el("p", {}, text ?? "");
  line.style.fontSize = `var(--text${size ? `-${size}` : ""})`;
  byId("types").append(line);
}

const HANDLES = ["quiet-heron", "amber-otter", "mossy-lantern", "paper-river", "silver-willow", "calm-harbour", "early-thistle", "velvet-meadow", "northern-kettle", "open-pebble", "bright-candle", "gentle-maple"];
for (const handle of HANDLES) byId("marks").append(el("li", {}, drawMark(handle), words.name(handle)));

byId("rooms").append(
  card({ name: "night", title: "After the night shift", kind: "drop-in", band: "5 or more", open: true }),
  card({ name: "errors", title: "When something went wrong", kind: "drop-in", band: "a few", open: true }),
  card({ name: "tuesday", title: "Tuesday group", kind: "session", band: "nobody yet", open: false }),
  card({ name: "wounds", title: "Asking about wounds", kind: "knowledge", band: "nobody yet", open: true }),
);

byId("unanswered").append(sentence("waiting", true));
byId("offline").append(sentence("offline", true));
byId("one").append(words.typing(["quiet-heron"]));
byId("many").append(words.typing(["a-b", "c-d", "e-f"]));
byId("empty").append(words.emptyRoom("drop-in", null, 0));

const me = "open-pebble";
const at = Math.floor(Date.now() / 60_000) * 60 - 1800;
/** @param {number} seq @param {string} handle @param {string} text @param {object} [more] */
const posted = (seq, handle, text, more = {}) => /** @type {const} */ ({ t: "posted", room: "night", seq, at: at + seq * 60, handle, text, ...more });
/** @param {number} seq @param {string} handle @param {number} target @param {string} kind */
const reacted = (seq, handle, target, kind) => /** @type {const} */ ({ t: "reacted", room: "night", seq, at, handle, target, kind });

const timeline = fold(EMPTY, [
  posted(1, "calm-harbour", "Welcome. We have the hour. Nobody has to say anything.", { role: "facilitator" }),
  posted(2, "quiet-heron", "First night back after two weeks."),
  posted(3, "quiet-heron", "I keep hearing the monitor when I close my eyes."),
  reacted(4, "amber-otter", 3, "with_you"),
  reacted(5, me, 3, "with_you"),
  reacted(6, "paper-river", 3, "heard"),
  posted(7, "amber-otter", "It went on for a month with me, then it was gone one morning.", { reply_to: 3 }),
  posted(8, "early-thistle", "", { withdrawn: true }),
  { t: "slowed", room: "night", seq: 9, at: at + 540, handle: "calm-harbour", seconds: 15 },
  posted(10, "paper-river", "Asecondthoughtthatisoneverylongwordwithoutanyspaceinitbecausesomebodypastedit."),
  posted(11, me, "Thank you for saying that."),
  posted(12, me, "I thought it was only me."),
]);
/** @param {string} key @param {string} text @param {"pending" | "failed"} status @param {string} reason */
const waiting = (key, text, status, reason) => ({ key, text, replyTo: null, at: at + 780, status, reason });
const items = view(timeline, {
  me,
  unreadFrom: 10,
  waits: "Sending",
  waiting: [
    waiting("a", "One more thing", "pending", ""),
    waiting("b", "Kept while the lift has no signal", "pending", "Kept until you are back"),
    waiting("c", "Too long to go out", "failed", "That is longer than 4,000 characters. Send it in parts."),
  ],
  dayOf: words.dayOf,
});
const actions = new Actions(byId("deeds", HTMLDialogElement), { reply() {}, react() {}, withdraw() {}, ignore() {}, closed() {} });
const messages = new Messages(byId("scroller"), byId("past"), byId("live"), {
  menu: (item) => actions.open(item, true), react() {}, jump: (seq) => void messages.find(seq), again() {}, discard() {},
});
messages.show(items, 9, Date.now());
/** @param {string} id @param {number} seq */
const opens = (id, seq) =>
  byId(id).addEventListener("click", () => {
    const item = items.find((one) => one.type === "post" && one.seq === seq);
    if (item?.type === "post") actions.open(item, true);
  });
opens("open-other", 3);
opens("open-own", 11);

const composer = new Composer({ send: () => true, typing() {}, keepDraft() {}, now: Date.now });
byId("as-reply").addEventListener("click", () => composer.replyTo({ seq: 3, handle: "quiet heron", text: "I keep hearing the monitor when I close my eyes." }));
byId("as-long").addEventListener("click", () => composer.restore("word ".repeat(780)));
byId("as-slow").addEventListener("click", () => composer.slow(Date.now() + 15_000));

const roster = new RosterView(byId("side"), byId("people", HTMLDialogElement), { ignore() {}, mine() {}, leave() {}, popOut: () => undefined });
byId("open-people").addEventListener("click", () => roster.open());
roster.show(
  {
    people: new Map([
      [me, { handle: me }],
      ["calm-harbour", { handle: "calm-harbour", role: "facilitator" }],
      ["quiet-heron", { handle: "quiet-heron" }],
      ["amber-otter", { handle: "amber-otter", away: true }],
      ["velvet-meadow", { handle: "velvet-meadow" }],
    ]),
    count: 5,
    named: true,
  },
  me,
  new Set(["velvet-meadow"]),
);
