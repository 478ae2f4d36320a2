/** What a participant is shown of a session, from hand-written frames. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { bars, cameLate, card, checkingOut, mayWrite, minutesLeft, share, standing, stretch, where } from "../../web/session/view.js";
import { floorLine, happening, mayAppeal, ruleOf, toldLine, whereWeAre } from "../../web/session/words.js";
import { now, START } from "./sessions.js";
import "./words.js";

const ME = "open-river";
const none = { word: { state: "none" }, unreadTold: false, whispered: false, late: false };

test("each phase is one stretch with a beginning and an end, where somebody knows it", () => {
  const cases = [
    [now({ phase: "scheduled" }), ["scheduled", null, START]],
    [now({ phase: "lobby", since: START - 600, until: START }), ["lobby", START - 600, START]],
    [now({ phase: "open" }), ["part", START + 300, START + 1200]],
    [now({ phase: "paused", pause: { why: "quiet", since: START + 400, until: START + 460 } }), ["quiet", START + 400, START + 460]],
    [now({ phase: "paused", pause: { why: "no_facilitator", since: START + 400 } }), ["alone", START + 400, null]],
    [now({ phase: "closing_round", item: null }), ["checkout", START + 3600, START + 3900]],
    [now({ phase: "closed", item: null }), ["over", null, null]],
    [now({ phase: "cancelled", item: null }), ["cancelled", null, null]],
  ];
  for (const [session, [what, from, until]] of cases) {
    const on = stretch(session, START - 60);
    assert.deepEqual([on.what, on.from, on.until], [what, from, until], session.phase);
  }
  const waits = stretch(now({ phase: "lobby", since: START - 600, missing: 2 }), START + 30);
  assert.deepEqual([waits.what, waits.until], ["waits", null], "nobody knows when enough people are here");
  const group = now({ you: { member: true, accepted: true, group: "g" }, breakouts: { id: 4, groups: [[ME, "a-b"]], rooms: ["g"], until: START + 900 } });
  assert.deepEqual([stretch(group, START).what, stretch(group, START).until], ["group", START + 900]);
});

test("the bar is between nothing and all, moves in small steps, and is not there where nobody knows the end", () => {
  assert.equal(share({ from: null, until: 5 }, 3), null);
  assert.equal(share({ from: 5, until: 5 }, 5), null);
  assert.deepEqual([0, 100, 150, 200, 999].map((at) => share({ from: 100, until: 200 }, at)), [0, 0, 0.5, 1, 1]);
  assert.equal(share({ from: 0, until: 3600 }, 1), share({ from: 0, until: 3600 }, 5), "a second moves nothing");
});

test("minutes are whole, and the last one is not counted down", () => {
  assert.deepEqual([null, 600, 90, 46, 30, -5].map((left) => minutesLeft(left === null ? null : START + left, START)), [null, 10, 2, 1, 0, 0]);
});

test("the floor: a free one asks nothing, by hand one waits, in a round one's place counts", () => {
  const free = standing(now(), ME);
  assert.deepEqual([free.state, free.mayRaise, free.mayPost, free.raised], ["none", true, true, false]);
  const byHand = standing(now({ floor: { by_hand: true, queue_open: true, hands: ["a-b", ME] } }), ME);
  assert.deepEqual([byHand.mayPost, byHand.raised, byHand.place], [false, true, 2]);
  const mine = standing(now({ floor: { by_hand: true, queue_open: true, turn: { handle: ME, since: START, until: START + 120 } } }), ME);
  assert.deepEqual([mine.state, mine.mayPost, mine.until], ["turn", true, START + 120]);
  const other = standing(now({ floor: { queue_open: true, turn: { handle: "a-b", since: START } } }), ME);
  assert.deepEqual([other.state, other.mayPost, other.until], ["other_turn", true, null], "a turn alone keeps nobody quiet");
  const round = { prompt: "One word", todo: ["a-b", ME, "c-d"], done: ["e-f"], passed: [] };
  const waits = standing(now({ floor: { by_hand: true, queue_open: true, round } }), ME);
  assert.deepEqual([waits.state, waits.place, waits.speaker, waits.mayPost], ["round_waits", 2, "a-b", false]);
  assert.equal(standing(now({ floor: { round: { ...round, todo: [ME], done: ["a-b"] } } }), ME).state, "round_turn");
  assert.equal(standing(now({ floor: { round: { ...round, todo: ["c-d"], done: [ME] } } }), ME).state, "round_done");
  assert.equal(standing(now({ you: { member: true, accepted: true, muted: true } }), ME).state, "muted");
  const split = { you: { member: true, accepted: true, group: "g" }, breakouts: { id: 4, groups: [[ME, "a-b"]], rooms: ["g"] } };
  for (const floor of [{ by_hand: true, queue_open: true }, { by_hand: true, turn: { handle: "c-d", since: START } }, { by_hand: true, round }]) {
    const apart = standing(now({ ...split, floor }), ME);
    assert.deepEqual([apart.state, apart.mayPost, floorLine(apart, now({ ...split, floor }), START)], ["none", true, ""], "in a small group everybody may write");
  }
  const end = standing(now({ phase: "closing_round", floor: {} }), ME);
  assert.deepEqual([end.mayRaise, end.queueClosed], [false, true]);
  const lobby = standing(now({ phase: "lobby", floor: { by_hand: true } }), ME);
  assert.deepEqual([lobby.mayRaise, lobby.mayPost, lobby.queueClosed], [false, true, false], "by hand begins with the session");
});

test("one writes in the lobby and while it runs, but not in a pause, muted, or after the end", () => {
  assert.ok(mayWrite(now({ phase: "lobby" })));
  assert.ok(mayWrite(now({ phase: "winding_down" })));
  assert.ok(!mayWrite(now({ phase: "paused", pause: { why: "quiet", since: START } })));
  assert.ok(!mayWrite(now({ you: { member: true, muted: true } })));
  assert.ok(!mayWrite(now({ phase: "closed" })));
});

test("one card at a time, and a person comes before a poll", () => {
  const poll = { id: 9, question: "How is it?", options: ["So", "So so"], votes: 2 };
  const asked = now({ poll });
  assert.equal(card(asked, { ...none, word: { state: "offered" }, unreadTold: true }), "word");
  assert.equal(card(asked, { ...none, unreadTold: true, whispered: true }), "told");
  assert.equal(card(asked, { ...none, whispered: true }), "whisper");
  assert.equal(card(now({ poll, you: { member: true } }), none), "rules");
  assert.equal(card(asked, { ...none, late: true }), "poll");
  assert.equal(card(now({ poll, you: { member: true, accepted: true, voted: true } }), { ...none, late: true }), "where");
  assert.equal(card(now({ poll, phase: "paused", pause: { why: "no_facilitator", since: START } }), none), "alone");
  assert.equal(card(now({ poll, phase: "paused", pause: { why: "quiet", since: START, until: START + 60 } }), none), "", "quiet is quiet");
  assert.equal(card(now({ phase: "closing_round", item: null }), none), "checkout");
  assert.equal(card(null, { ...none, unreadTold: true }), "told", "also whoever was put out is told why");
  assert.equal(card(now(), none), "");
});

test("whoever comes in the middle is told where the group is", () => {
  const first = now({ phase: "opening", item: { index: 0, of: 4, title: "Welcome" } });
  assert.ok(!cameLate(first, START + 30));
  assert.ok(cameLate(now(), START - 30), "it began before its time, and is further on");
  assert.ok(whereWeAre(now(), START - 30).every((line) => !/together/.test(line)));
  assert.ok(cameLate(now(), START + 700));
  assert.ok(!cameLate(now({ phase: "lobby" }), START + 700), "a late beginning is nobody's lateness");
  const late = now({ floor: { queue_open: true, turn: { handle: "calm-heron", since: START } } });
  assert.deepEqual(where(late, START + 660), { part: 2, of: 4, title: "Arriving", minutesIn: 11, minutesLeft: 49, speaker: "calm-heron" });
  const lines = whereWeAre(late, START + 660);
  assert.match(lines[0], /Part 2 of 4: Arriving/);
  assert.match(lines[1], /11 minutes.*49 minutes/);
  assert.match(lines[2], /calm heron is speaking/);
  assert.ok(checkingOut(now({ phase: "closing_round", item: null })));
});

test("the strip speaks in whole sentences, and never of seconds", () => {
  const lobby = happening(now({ phase: "lobby", since: START - 600, missing: 2 }), START - 480, ["calm-heron"], ME);
  assert.deepEqual(lobby, { title: "The lobby is open", lines: ["Begins in 8 minutes", "2 more people are needed.", "calm heron is facilitating."] });
  assert.deepEqual(happening(now(), START + 660, [], ME).lines, ["Part 2 of 4", "about 9 minutes left"]);
  assert.deepEqual(happening(now(), START + 1180, [], ME).lines, ["Part 2 of 4", "nearly over"]);
  const group = now({ you: { member: true, group: "g" }, breakouts: { id: 4, groups: [["c-d"], ["a-b", ME]], rooms: ["f", "g"] } });
  assert.equal(happening(group, START, [], ME).title, "You are in a small group with a b", "oneself one knows");
  const phases = ["scheduled", "lobby", "open", "paused", "winding_down", "closing_round", "closed", "cancelled"];
  for (const phase of phases) {
    const pause = phase === "paused" ? { why: "no_facilitator", since: START } : null;
    for (const item of [undefined, null]) {
      const { title, lines } = happening(now({ phase, pause, ...(item === null && { item }) }), START + 60, [], ME);
      for (const line of [title, ...lines]) assert.ok(line && !/session\.|second|\{/.test(line), `${phase}: ${line}`);
    }
  }
});

test("what one can do about the floor is said in one sentence", () => {
  const says = (session, at = START + 60) => floorLine(standing(session, ME), session, at);
  assert.equal(says(now()), "");
  assert.match(says(now({ floor: { by_hand: true, queue_open: true } })), /Raise your hand/);
  assert.equal(says(now({ floor: { queue_open: true, hands: [ME] } })), "Your hand is up. You are next.");
  assert.match(says(now({ floor: { queue_open: true, hands: ["a-b", "c-d", ME] } })), /number 3/);
  assert.match(says(now({ floor: { turn: { handle: ME, since: START, until: START + 30 } } })), /Nobody cuts you off/);
  assert.match(says(now({ floor: { round: { prompt: "x", todo: ["a-b", ME], done: [], passed: [] } } })), /a b is speaking. You are next; passing is fine/);
  assert.match(says(now({ you: { member: true, accepted: true, held: true } })), /looks at what you write/);
});

test("what was done to somebody is told with its rule, and may be looked at again", () => {
  const told = (what, more = {}) => ({ t: "told", room: "r", seq: 1, at: 0, handle: "calm-heron", what, ...more });
  for (const what of ["hidden", "shown", "mute", "hold", "remove", "approved", "declined", "upheld", "overturned"]) {
    assert.ok(!toldLine(told(what)).startsWith("session."), what);
  }
  assert.notEqual(toldLine(told("mute")), toldLine(told("mute", { on: false })));
  assert.deepEqual(["hidden", "mute", "hold", "remove", "declined", "shown", "upheld"].map((what) => mayAppeal(told(what))), [true, true, true, true, true, false, false]);
  assert.equal(mayAppeal(told("mute", { on: false })), false);
  for (const rule of ["what_is_said_stays", "no_advice", "no_identifying", "no_patients", "kindness", "off_topic", "other"]) assert.ok(ruleOf(rule));
  assert.equal(ruleOf("something"), "");
});

test("results are bars against the most chosen one, or nothing", () => {
  assert.equal(bars(null), null);
  assert.deepEqual(bars([4, 2, 0]), [{ votes: 4, share: 1 }, { votes: 2, share: 0.5 }, { votes: 0, share: 0 }]);
  assert.deepEqual(bars([0, 0]), [{ votes: 0, share: 0 }, { votes: 0, share: 0 }]);
});

test("how heavy it is, is asked after all that is urgent, and not again of whoever left it out", () => {
  const asks = { member: true, accepted: true, check_in: "before" };
  assert.equal(card(now({ phase: "lobby", you: asks }), none), "check_in");
  assert.equal(card(now({ phase: "lobby", you: asks }), { ...none, passed: "before" }), "");
  assert.equal(card(now({ phase: "closing_round", you: { ...asks, check_in: "after" } }), { ...none, passed: "before" }), "check_in");
  assert.equal(card(now({ you: asks }), { ...none, late: true }), "where");
  assert.equal(card(now({ you: asks, poll: { id: 3, question: "?", options: ["a", "b"], votes: 0 } }), none), "poll");
});
