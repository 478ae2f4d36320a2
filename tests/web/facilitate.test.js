/** The pure parts of the console: what is seen at a glance, who spoke how often, what waits, the journal, keys, groups. */

import assert from "node:assert/strict";
import { test } from "node:test";
import "./words.js";
import { Account } from "../../web/facilitate/run_account.js";
import { desk, waiting, whisper } from "../../web/facilitate/run_desk.js";
import { balanced, sized } from "../../web/facilitate/run_groups.js";
import { journal } from "../../web/facilitate/run_journal.js";
import { SHORTCUTS, deedOf } from "../../web/facilitate/run_keys.js";
import { moved, rulesFor, slug, times } from "../../web/facilitate/plan_rule.js";
import { TURN_S, advice, floorLine, glance, nextStep, people, turns } from "../../web/facilitate/run_view.js";
import { has } from "../../web/words/say.js";

const AGENDA = [
  { title: "Welcome", minutes: 5, phase: "opening" },
  { title: "Topic", minutes: 40, phase: "open" },
  { title: "Closing round", minutes: 15, phase: "closing_round" },
];
const START = 1_800_000_000;

function session(more = {}) {
  return {
    seq: 10,
    now: START,
    title: "After the night shift",
    phase: "open",
    since: START + 300,
    until: START + 2_700,
    item: { index: 1, of: 3, title: "Topic" },
    agenda: AGENDA,
    starts_at: START,
    ends_at: START + 3_600,
    closes_at: START + 3_900,
    floor: {},
    members: 0,
    you: { facilitator: true },
    staff: { room: "night~staff", members: [] },
    ...more,
  };
}

const nobody = { people: new Map(), count: 0, named: true };
const post = (seq, handle, at = START) => ({ t: "posted", seq, handle, at });

test("a glance: the part, what is left of it, and the end", () => {
  const seen = glance(session(), START + 1_500);
  assert.equal(seen.phase, "Open");
  assert.equal(seen.part, "Topic");
  assert.equal(seen.left, "20 minutes left");
  assert.equal(seen.end, "35 minutes to the end");
  assert.equal(seen.passed, 0.5);
  assert.equal(seen.over, false);
  assert.match(glance(session(), START + 2_660).left, /^40 seconds left$/);
});

test("who waits in the lobby for the last to come is not told that they are late", () => {
  const late = glance(session({ phase: "lobby", item: null, since: START - 600, until: START, missing: 2, members: 1 }), START + 12);
  assert.deepEqual([late.left, late.over, late.end], ["", false, "Begin when you are ready"]);
  assert.equal(late.next?.hint, "2 people below the minimum. Here so far: 1. You may begin all the same.");
});

test("before it begins the time is said once, and nobody counts as unheard", () => {
  const lobby = session({ phase: "lobby", item: null, since: START - 600, until: START });
  assert.equal(glance(lobby, START - 300).left, "");
  assert.match(glance(lobby, START - 300).end, /5 minutes/);
  const staff = { room: "r", members: ["calm-owl"], unheard: ["calm-owl"] };
  const around = { roster: nobody, me: "warm-lamp", turns: new Map(), typing: new Set() };
  assert.deepEqual(people({ ...lobby, staff }, around).map((row) => row.unheard), [false, false]);
  assert.deepEqual(people(session({ staff }), around).map((row) => row.unheard), [true, false]);
});

test("what runs over is said as such, and the bar stays full", () => {
  const seen = glance(session(), START + 2_820);
  assert.equal(seen.left, "2 minutes over");
  assert.equal(seen.passed, 1);
  assert.equal(seen.over, true);
});

test("a pause has a clock of its own, and shows why", () => {
  const quiet = session({ phase: "paused", pause: { why: "quiet", since: START + 1_000, until: START + 1_060 } });
  assert.equal(glance(quiet, START + 1_030).passed, 0.5);
  assert.equal(glance(quiet, START + 1_030).left, "30 seconds left");
  assert.equal(glance(quiet, START + 1_030).part, "A moment of quiet");
  const alone = session({ phase: "paused", pause: { why: "no_facilitator", since: START + 1_000 } });
  assert.equal(glance(alone, START + 1_030).left, "");
  assert.equal(glance(alone, START + 1_030).part, "No facilitator is here");
});

test("the next step is one, in every phase", () => {
  const step = (more) => nextStep(session(more));
  assert.deepEqual(step({ phase: "scheduled" }).command, { t: "move", phase: "lobby" });
  assert.deepEqual(step({ phase: "lobby", missing: 2 }).command, { t: "move", item: 0 });
  assert.match(step({ phase: "lobby", missing: 2 }).hint, /^2 people below the minimum/);
  assert.equal(step({ phase: "lobby" }).hint, "");
  assert.deepEqual(step({}).command, { t: "move", item: 2 });
  assert.equal(step({}).label, "On to: Closing round");
  assert.deepEqual(step({ phase: "paused", pause: { why: "quiet", since: 0 } }).label, "Go on");
  assert.deepEqual(step({ phase: "paused", pause: { why: "no_facilitator", since: 0 } }).label, "I take over");
  assert.deepEqual(step({ breakouts: { id: 4, groups: [], rooms: [] } }).command, { t: "recall" });
  assert.deepEqual(step({ phase: "closing_round", item: { index: 2, of: 3, title: "Closing round" } }).command, { t: "move", item: 3 });
  assert.equal(step({ phase: "closing_round", item: { index: 2, of: 3, title: "Closing round" } }).label, "On to: Check-out");
  assert.equal(step({ phase: "closing_round", item: undefined }).command, null, "closing asks first");
  assert.equal(step({ phase: "closed" }), null);
  assert.equal(step({ phase: "cancelled" }), null);
});

test("turns are counted from places alone, and a burst is one turn", () => {
  const posts = [post(1, "a"), post(2, "a"), post(3, "b"), post(4, "a"), post(5, "a", START + TURN_S)];
  assert.deepEqual(Object.fromEntries(turns([...posts].reverse())), { a: 3, b: 1 });
});

test("what the server has counted stands, and only what came after is added", () => {
  const known = session({ seq: 3, staff: { room: "r", turns: { a: 7 } } });
  const spoken = turns([post(2, "a"), post(3, "b"), post(4, "b"), post(5, "a")], known);
  assert.deepEqual(Object.fromEntries(spoken), { a: 8 }, "place 4 goes on with the turn at 3");
});

test("nobody jumps in the list of people, and each says what holds", () => {
  const roster = { people: new Map([["z", { handle: "z" }], ["a", { handle: "a", away: true }], ["lead", { handle: "lead", role: "facilitator" }]]), count: 3, named: true };
  const rows = people(
    session({
      floor: { hands: ["a", "z"], turn: { handle: "z", since: 0 } },
      staff: { room: "r", members: ["z", "a", "gone"], unheard: ["a", "gone"], limited: [{ handle: "a", limit: "mute", rule: "kindness" }], lines: { a: "r~line.x" }, facilitators: ["lead"] },
      breakouts: { id: 1, groups: [["z"], ["a", "gone"]], rooms: [] },
    }),
    { roster, me: "lead", turns: new Map([["z", 4]]), typing: new Set(["z"]) },
  );
  assert.deepEqual(rows.map((row) => row.handle), ["z", "a", "gone", "lead"]);
  const [z, a, gone, lead] = rows;
  assert.deepEqual([z.floor, z.hand, z.turns, z.share, z.unheard, z.typing, z.group], [true, 2, 4, 1, false, true, 1]);
  assert.deepEqual([a.away, a.hand, a.unheard, a.limits, a.line, a.here], [true, 1, true, ["mute"], "r~line.x", true]);
  assert.equal(gone.here, false);
  assert.deepEqual([lead.own, lead.facilitator, lead.unheard], [true, true, false]);
});

test("who has spoken since is heard, whatever an older account says", () => {
  const rows = people(session({ staff: { room: "r", members: ["a"], unheard: ["a"] } }), { roster: nobody, me: "l", turns: new Map([["a", 1]]), typing: new Set() });
  assert.equal(rows[0].unheard, false);
});

test("the floor in one line", () => {
  const line = (floor) => floorLine(session({ floor }), START);
  assert.equal(line({}), "Everybody may write.");
  assert.equal(floorLine(session({ phase: "paused", pause: { why: "quiet", since: START } }), START), "Nobody writes in the quiet.");
  assert.equal(floorLine(session({ phase: "closed" }), START), "The session is over.");
  assert.equal(line({ by_hand: true }), "Who wants to speak raises a hand.");
  assert.equal(line({ turn: { handle: "quiet-heron", since: START, until: START + 60 } }), "Quiet heron has the floor. 1 minute left.");
  assert.equal(line({ round: { prompt: "?", todo: ["b", "c"], done: ["a"], passed: [] } }), "Round: 1 of 3. Now b.");
  assert.equal(line({ round: { prompt: "?", todo: [], done: ["a"], passed: ["b"] } }), "Round: all 2 had their turn.");
});

test("the numbers ask for a second facilitator and for groups", () => {
  assert.deepEqual(advice(session()), []);
  assert.equal(advice(session({ staff: { room: "r", ask_second: true, suggest_split: true, waiting: ["x"] } })).length, 3);
});

// ---- what waits ------------------------------------------------------------------------------------

const at = (seq, t, handle, more = {}) => ({ t, room: "night~staff", seq, at: START, handle, ...more });

test("what waits stands until somebody took it, decided it or answered it", () => {
  const events = [
    at(1, "word_asked", "a", { line: "night~line.a" }),
    at(2, "held", "b", { key: "k", text: "too much" }),
    at(3, "appealed", "c", { what: "mute", against: "lead", text: "why", target: null }),
    at(4, "appealed", "d", { what: "hidden", against: "other", text: "why", target: 9 }),
    at(5, "posted", "other", { text: "I have a" }),
  ];
  const open = desk(events, "lead");
  assert.deepEqual(open.map((one) => [one.kind, one.handle, one.mine]), [["word", "a", true], ["held", "b", true], ["appeal", "c", false], ["appeal", "d", true]]);
  const later = [...events, at(6, "reacted", "other", { target: 1, kind: "heard" }), at(7, "decided", "lead", { target: 2, yes: true }), at(8, "appeal_answered", "lead", { target: 4, yes: false })];
  const left = desk(later, "lead");
  assert.deepEqual(left.map((one) => [one.kind, one.by]), [["word", "other"], ["appeal", ""]]);
  assert.deepEqual(waiting(left).map((one) => one.kind), ["appeal"]);
  assert.equal(desk([...later, at(9, "withdrawn", "other", { target: 6 })], "lead")[0].by, "", "taken back is not taken");
});

test("who asks twice for a word stands there once, and again where they asked again", () => {
  const events = [at(1, "word_asked", "a", { line: "l" }), at(2, "reacted", "lead", { target: 1, kind: "heard" }), at(3, "word_asked", "a", { line: "l" })];
  assert.deepEqual(desk(events, "lead").map((one) => [one.seq, one.by]), [[3, ""]]);
});

// ---- the journal ---------------------------------------------------------------------------------

test("the journal names handles, rules and deeds, and no word that was said", () => {
  const room = [
    at(1, "phase_changed", "", { phase: "open", title: "Topic" }),
    at(2, "posted", "a", { text: "a secret" }),
    at(3, "hidden", "lead", { target: 2, rule: "no_advice", on: true, reason: "a secret reason" }),
    at(4, "restricted", "lead", { whose: "quiet-heron", limit: "mute", on: true, rule: "kindness", reason: "a secret reason" }),
    at(5, "announced", "lead", { kind: "prompt", text: "a secret prompt" }),
    at(6, "admitted", "b"),
  ];
  const entries = journal(room, [at(1, "held", "a", { text: "a secret" }), at(2, "decided", "lead", { target: 1, yes: false })]);
  assert.deepEqual(entries.map((entry) => entry.text), [
    "Open: Topic",
    "Hid a message (No advice unless someone asks)",
    "Quiet heron is muted. (Kindness)",
    "Showed a prompt",
    "Declined a held message",
  ]);
  assert.deepEqual(entries.map((entry) => entry.by), ["", "lead", "lead", "lead", "lead"]);
  assert.ok(!JSON.stringify(entries).includes("secret"));
});

test("the account of what happened keeps no words, and fetches what it lacks once", async () => {
  const account = new Account();
  account.take([{ t: "posted", seq: 4, at: START, handle: "a", text: "a secret" }]);
  const asked = [];
  const place = {
    ask: async (command) => {
      asked.push(command);
      return { t: "history", events: [1, 2, 3].map((seq) => ({ t: "posted", seq, at: START, handle: "b", text: "a secret" })), more: false };
    },
  };
  await Promise.all([account.fill(place, () => {}), account.fill(place, () => {})]);
  assert.equal(asked.length, 1);
  assert.equal(asked[0].before, 4);
  assert.deepEqual(account.posts.map((one) => one.seq), [1, 2, 3, 4]);
  assert.ok(!JSON.stringify(account.events).includes("secret"));
});

// ---- keys and groups -------------------------------------------------------------------------------

test("every shortcut has a key of its own and a sentence; none acts while somebody types", () => {
  assert.equal(new Set(SHORTCUTS.map((one) => one.key)).size, SHORTCUTS.length);
  for (const one of SHORTCUTS) assert.ok(has(one.says), one.says);
  const press = (key, more = {}) => ({ key, ctrlKey: false, metaKey: false, altKey: false, repeat: false, isComposing: false, ...more });
  assert.equal(deedOf(press("n"), false), "next");
  assert.equal(deedOf(press("N"), false), "next");
  assert.equal(deedOf(press("?"), false), "help");
  assert.equal(deedOf(press("n"), true), null);
  assert.equal(deedOf(press("n", { ctrlKey: true }), false), null);
  assert.equal(deedOf(press("n", { repeat: true }), false), null);
  assert.equal(deedOf(press("x"), false), null);
});

test("nobody is alone in a group", () => {
  for (let people = 2; people <= 15; people++) {
    for (let size = 2; size <= 8; size++) {
      const handles = Array.from({ length: people }, (_, index) => `h${index}`);
      const groups = sized(handles, size);
      assert.deepEqual(groups.flat().sort(), [...handles].sort());
      assert.ok(groups.every((group) => group.length >= 2), `${people} in ${size}`);
    }
  }
  assert.equal(balanced(new Map([["a", 0], ["b", 0], ["c", 1]])), null);
  assert.deepEqual(balanced(new Map([["a", 1], ["b", 0], ["c", 1], ["d", 0]])), [["b", "d"], ["a", "c"]]);
  assert.equal(balanced(new Map()), null);
});

// ---- planning ----------------------------------------------------------------------------------------

test("the first date says which rules there are, and a rule moves with it", () => {
  const rules = (starts) => rulesFor(starts).map((one) => one.rrule);
  const december = rules("2026-12-01T19:00");
  assert.equal(december[0], "", "once is always possible");
  assert.ok(december.includes("FREQ=WEEKLY;BYDAY=TU"));
  assert.ok(december.includes("FREQ=WEEKLY;INTERVAL=2;BYDAY=TU"));
  assert.ok(december.includes("FREQ=MONTHLY;BYDAY=1TU"));
  assert.ok(december.includes("FREQ=MONTHLY;BYMONTHDAY=1"));
  assert.ok(rules("2026-12-08T19:00").includes("FREQ=MONTHLY;BYDAY=2TU"));
  const late = rules("2026-12-29T19:00");
  assert.ok(late.includes("FREQ=MONTHLY;BYDAY=-1TU"));
  assert.ok(!late.some((one) => one.includes("5TU") || one.includes("BYMONTHDAY")), "no month lacks the date");
  assert.deepEqual(rules(""), [""]);
  assert.equal(moved("FREQ=WEEKLY;INTERVAL=2;BYDAY=TU", "2026-12-01T19:00", "2026-12-03T19:00"), "FREQ=WEEKLY;INTERVAL=2;BYDAY=TH");
  assert.equal(moved("FREQ=WEEKLY;BYDAY=TU,TH", "2026-12-01T19:00", "2026-12-03T19:00"), "FREQ=WEEKLY;BYDAY=TU,TH", "a rule made elsewhere stays");
});

test("an agenda adds up, on the clock of its place", () => {
  assert.deepEqual(times("2026-12-01T23:50", [{ minutes: 5 }, { minutes: 30 }]), { minutes: 35, parts: ["23:50", "23:55"], ends: "00:25" });
  assert.deepEqual(times("", [{ minutes: 5 }]), { minutes: 5, parts: [""], ends: "" });
  assert.equal(slug("Nach der Nacht: für Ärzte!"), "nach-der-nacht-fur-arzte");
  assert.match(slug("x".repeat(80)), /^x{40}$/);
});

test("a whisper waits until a facilitator answers it", () => {
  assert.equal(whisper([], "calm-heron"), 0);
  assert.equal(whisper([post(2, "calm-heron"), post(3, "calm-heron")], "calm-heron"), 3);
  assert.equal(whisper([post(2, "calm-heron"), post(3, "mild-otter")], "calm-heron"), 0);
  assert.equal(whisper([post(2, "mild-otter"), post(4, "calm-heron")], "calm-heron"), 4);
});

test("somebody who was removed is still to be seen, so that they can come back", () => {
  const removed = session({ staff: { room: "night~staff", members: ["mild-otter"], limited: [{ handle: "calm-heron", limit: "remove" }] } });
  const rows = people(removed, { roster: nobody, me: "warm-lamp", turns: new Map(), typing: new Set() });
  const row = rows.find((one) => one.handle === "calm-heron");
  assert.deepEqual([row?.limits, row?.here, row?.facilitator], [["remove"], false, false]);
});

test("while small groups are out, the time left is theirs", () => {
  const groups = { id: 30, until: START + 1_800, groups: [["calm-heron", "mild-otter"]], rooms: ["night~group.30.0"] };
  const seen = glance(session({ breakouts: groups }), START + 1_500);
  assert.equal(seen.left, "5 minutes left");
  assert.equal(seen.passed, 0);
});
