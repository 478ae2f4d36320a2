/** The seat in a session: how it stands, the waiting line, the rooms that belong to it, and words that wait. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { Keep } from "../../web/client/keep.js";
import { Seat } from "../../web/client/seat.js";
import { Several } from "../../web/client/several.js";
import { Belonging, toldIn, wordOf } from "../../web/client/session.js";
import { EMPTY, fold, view } from "../../web/client/timeline.js";
import { World, memory, posted, settle } from "./fakes.js";
import { START, now } from "./sessions.js";

const room = "night";
const ME = "open-river";
const LINE = "night~line.abcdefghijkl";

function take({ storage = memory(), world = new World() } = {}) {
  const topics = [];
  const took = [];
  const seat = new Seat({
    room, url: "ws://here/ws", keep: new Keep(() => storage), env: world.env(), fill: (bytes) => bytes.fill(7),
    changed: (topic) => topics.push(topic),
    took: (events, live) => took.push(...events.map(({ t, seq }) => [t, seq, live])),
  });
  seat.start();
  world.socket?.opens();
  return { world, seat, storage, topics, took };
}

const answer = (socket, to, frame) => socket.says({ id: socket.last(to).id, room, ...frame });
const joined = (more = {}) => ({
  t: "joined", epoch: "e1", head: 0, handle: ME, seat: "token", recovered: false, events: [], roster: [{ handle: ME }], count: 1,
  title: "Night", kind: "session", session: now(), line: LINE, ...more,
});

async function seated(more = {}) {
  const all = take();
  all.seat.enter();
  answer(all.world.socket, "join", joined(more));
  await settle();
  return all;
}

async function inLine(all, events = []) {
  const topics = [];
  const line = new Belonging(all.seat, LINE, { changed: (topic) => topics.push(topic) });
  line.open();
  answer(all.world.socket, "join", joined({ room: LINE, kind: "line", session: null, head: events.length, events }));
  await settle();
  return { line, topics };
}

const texts = (place) =>
  view(place.timeline, { me: place.handle, waiting: place.outbox.waiting(), placed: place.outbox.placed, waitsHeld: "held" })
    .filter((item) => item.type === "post")
    .map((item) => `${item.text}${item.status === "delivered" ? "" : ` (${item.reason || item.status})`}`);

test("how the session stands is replaced, whole, and the time is the server's", async () => {
  const { world, seat, topics } = await seated();
  assert.equal(seat.session.phase, "open");
  world.time = (START + 5_000) * 1000;
  topics.length = 0;
  world.socket.says({ t: "session", room, ...now({ phase: "winding_down", now: START + 3000, pins: [4] }) });
  assert.deepEqual([seat.session.phase, seat.session.pins, topics], ["winding_down", [4], ["session"]]);
  assert.equal(seat.serverNow(), START + 3000);
  assert.equal(seat.last, 0, "it is no event, and has no place of its own");
  world.socket.says({ t: "session", room: "other", ...now() });
  assert.equal(seat.session.phase, "winding_down");
});

test("every event has its place, also of a kind that the page does not know", async () => {
  const { world, seat, took } = await seated();
  world.socket.says({ t: "hand_raised", room, seq: 1, at: 1, handle: "a-b", up: true });
  world.socket.says({ t: "something_new", room, seq: 2, at: 1, handle: "" });
  world.socket.says(posted(3, "a-b"));
  assert.deepEqual([seat.last, world.socket.count("join")], [3, 1]);
  assert.deepEqual(took, [["hand_raised", 1, true], ["something_new", 2, true], ["posted", 3, true]]);
});

test("in the waiting line one asks again with the place one has, until there is one in the group", async () => {
  const { world, seat, storage } = take();
  seat.enter();
  answer(world.socket, "join", { t: "waiting", place: 3, retry_s: 5, seat: "in-line", handle: ME });
  await settle();
  assert.deepEqual([seat.phase, seat.waiting, seat.handle], ["waiting", { place: 3 }, ME]);
  assert.equal(JSON.parse(storage.getItem("chatd.seat.night")), "in-line");
  await world.pass(4_900);
  assert.equal(world.socket.count("join"), 1);
  await world.pass(200);
  assert.equal(world.socket.last("join").seat, "in-line");
  answer(world.socket, "join", { t: "waiting", place: 1, retry_s: 5, seat: "in-line", handle: ME });
  await settle();
  assert.deepEqual(seat.waiting, { place: 1 });
  world.socket.breaks(4101);
  await world.pass(5_000);
  world.socket.opens();
  answer(world.socket, "join", joined());
  await settle();
  assert.deepEqual([seat.phase, seat.waiting], ["in", null]);
});

test("who gives up waiting does not come in later", async () => {
  const { world, seat } = take();
  seat.enter();
  answer(world.socket, "join", { t: "waiting", place: 1, retry_s: 5, seat: "in-line", handle: ME });
  await settle();
  seat.leave();
  await world.pass(60_000);
  assert.equal(world.socket.count("join"), 1);
});

for (const code of ["not_your_turn", "paused", "muted", "not_open", "not_accepted"]) {
  test(`${code}: the words come back, with what was to follow them, and are no failed message`, async () => {
    const { world, seat, topics } = await seated();
    seat.say("one");
    seat.say("two");
    answer(world.socket, "post", { t: "error", code, message: "Kind words." });
    await settle();
    assert.deepEqual(texts(seat), []);
    assert.deepEqual(seat.returned.map(({ text, refused }) => [text, refused.message]), [["one", "Kind words."], ["two", "Kind words."]]);
    assert.ok(topics.includes("returned"));
    assert.equal(world.socket.count("post"), 1);
    seat.say("three");
    assert.equal(world.socket.last("post").text, "three", "the way is free again");
  });
}

test("a post that a facilitator looks at first waits, survives a reload, and is there once when it goes through", async () => {
  const { world, seat, storage } = await seated();
  seat.say("held");
  answer(world.socket, "post", { t: "ok", held: true });
  await settle();
  assert.deepEqual(texts(seat), ["held (held)"]);
  seat.say("held too");
  answer(world.socket, "post", { t: "ok", held: true });
  await settle();
  const again = take({ storage });
  answer(again.world.socket, "join", joined());
  await settle();
  assert.equal(again.world.socket.count("post"), 0, "it was said");
  assert.deepEqual(texts(again.seat), ["held (held)", "held too (held)"]);
  world.socket.says(posted(1, ME, "held", { at: 1_800_000_000 }));
  assert.deepEqual(texts(seat), ["held", "held too (held)"]);
  seat.outbox.declined("Not this time.");
  assert.deepEqual(texts(seat), ["held", "held too (Not this time.)"]);
});

test("a room that belongs to the session is joined with the seat's token, over the same connection", async () => {
  const all = await seated();
  const { world, seat } = all;
  const { line } = await inLine(all);
  assert.equal(world.sockets.length, 1);
  assert.deepEqual([world.socket.last("join").room, world.socket.last("join").seat], [LINE, "token"]);
  world.socket.says({ ...posted(1, "calm-heron", "only you"), room: LINE });
  world.socket.says(posted(1, "calm-heron", "everybody"));
  assert.deepEqual([texts(line), texts(seat)], [["only you"], ["everybody"]]);
  line.say("yes");
  assert.equal(world.socket.last("post").room, LINE);
  world.socket.breaks();
  await world.pass(1_000);
  world.socket.opens();
  answer(world.socket, "join", joined({ seat: "token-2", recovered: true, head: 1 }));
  await settle();
  const join = world.socket.last("join");
  assert.deepEqual([join.room, join.seat, join.after], [LINE, "token-2", 1]);
  answer(world.socket, "join", joined({ room: LINE, recovered: true, head: 1 }));
  await settle();
  assert.equal(world.socket.last("post").text, "yes", "what was under way is said again");
});

test("a room that is not open yet is tried again; one that says no is left", async () => {
  const all = await seated();
  const { world, seat } = all;
  const topics = [];
  const group = new Belonging(seat, "night~group.9.0", { changed: (topic) => topics.push(topic) });
  group.open();
  answer(world.socket, "join", { t: "error", code: "not_a_member", message: "Not yet." });
  await world.pass(1_100);
  assert.equal(world.socket.count("join"), 3);
  answer(world.socket, "join", joined({ room: "night~group.9.0", kind: "group" }));
  await settle();
  assert.equal(group.phase, "in");
  world.socket.says({ t: "put_out", room: "night~group.9.0", code: "not_a_member", message: "Back to all." });
  assert.deepEqual([group.phase, group.trouble.message, seat.belonging.size, seat.phase], ["left", "Back to all.", 0, "in"]);
  assert.ok(topics.includes("refused"));
});

test("put out of the session, one keeps the line, and can come back into the group", async () => {
  const all = await seated();
  const { world, seat } = all;
  const { line } = await inLine(all);
  world.socket.says({ t: "put_out", room, code: "removed", message: "For this session." });
  assert.deepEqual([seat.phase, seat.shut, seat.trouble.message, line.phase], ["outside", true, "For this session.", "in"]);
  world.socket.says({ t: "told", room: LINE, seq: 1, at: 1, handle: "calm-heron", what: "remove", rule: "kindness", reason: "For tonight." });
  assert.deepEqual(toldIn(line.timeline).map(({ what, reason }) => [what, reason]), [["remove", "For tonight."]]);
  seat.comeBack();
  answer(world.socket, "join", joined());
  await settle();
  assert.deepEqual([seat.phase, seat.trouble], ["in", null]);
});

test("leaving forgets what was waiting in the rooms that belong to it", async () => {
  const all = await seated();
  const { line } = await inLine(all);
  line.say("unsent");
  assert.ok(all.storage.getItem(`chatd.outbox.${LINE}`));
  all.seat.leave();
  assert.equal(all.storage.getItem(`chatd.outbox.${LINE}`), null);
});

test("a private word is what was last said about it", () => {
  const line = (...events) => fold(EMPTY, events.map((event, at) => ({ room: LINE, seq: at + 1, at: 1, handle: "calm-heron", ...event })));
  const offered = { t: "word_offered" };
  assert.equal(wordOf(line()).state, "none");
  assert.deepEqual(wordOf(line(offered)), { state: "offered", by: "calm-heron", told: 1 });
  assert.deepEqual(wordOf(line(offered, { t: "word_answered", handle: ME, yes: true, by: "calm-heron" })), { state: "open", by: "calm-heron", told: 2 });
  assert.equal(wordOf(line(offered, { t: "word_answered", handle: ME, yes: false })).state, "none");
  assert.equal(wordOf(line(offered, { t: "word_answered", yes: true, by: "a-b" }, { t: "word_ended" })).state, "none");
});

test("a hidden post is blank to others and whole to its author, until it is shown again", () => {
  const said = [posted(1, "a-b", "the words"), posted(2, "c-d", "an answer", { reply_to: 1 })];
  const hidden = (seq, on) => ({ t: "hidden", room, seq, at: 1, handle: "calm-heron", target: 1, rule: "no_patients", on });
  const shown = (me, timeline) => view(timeline, { me }).filter((item) => item.type === "post").map((item) => [item.text, item.hidden, item.quote?.text]);
  const after = fold(EMPTY, [...said, hidden(3, true)]);
  assert.deepEqual(shown(ME, after), [["", "no_patients", undefined], ["an answer", null, ""]]);
  assert.deepEqual(shown("a-b", after)[0], ["the words", "no_patients", undefined]);
  assert.deepEqual(shown(ME, fold(after, [hidden(4, false)]))[0], ["the words", null, undefined]);
  assert.deepEqual(shown(ME, fold(fold(EMPTY, [hidden(4, false)]), [...said, hidden(3, true)]))[0][0], "the words", "in whatever order they come");
  const blanked = fold(EMPTY, [posted(1, "a-b", "", { hidden: true })]);
  assert.deepEqual(shown(ME, blanked)[0], ["", "", undefined]);
});

test("over a stream each room has a line of its own, and they end together", async () => {
  const made = [];
  const line = () => {
    const one = { sent: [], readyState: 0, stand() { one.readyState = 1; }, send: (text) => one.sent.push(JSON.parse(text)), close() { one.readyState = 3; }, end(code) { one.readyState = 3; one.onclose?.({ code }); } };
    made.push(one);
    return one;
  };
  const main = line();
  main.stand();
  const several = new Several(main, line);
  const heard = [];
  several.onmessage = ({ data }) => heard.push(data);
  const ended = [];
  several.onclose = (how) => ended.push(how.code);
  several.send(JSON.stringify({ t: "draw", room }));
  several.send(JSON.stringify({ t: "join", room }));
  several.send(JSON.stringify({ t: "join", room: LINE }));
  several.send(JSON.stringify({ t: "post", room: LINE }));
  several.send(JSON.stringify({ t: "post", room }));
  assert.deepEqual(made.map((one) => one.sent.map(({ t }) => t)), [["draw", "join", "post"], ["join", "post"]]);
  made[1].onmessage({ data: "theirs" });
  assert.deepEqual(heard, ["theirs"]);
  made[1].end(1000);
  assert.deepEqual(ended, [], "a room that was left is no broken line");
  several.send(JSON.stringify({ t: "join", room: LINE }));
  made[2].end(1006);
  assert.deepEqual([ended, main.readyState], [[1006], 3]);
});
