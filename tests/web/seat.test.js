import assert from "node:assert/strict";
import { test } from "node:test";
import { Keep } from "../../web/client/keep.js";
import { handOver, partsOf, takeBack } from "../../web/client/handover.js";
import { KEEP_POSTS, Seat, TYPING_EVERY_MS } from "../../web/client/seat.js";
import { view } from "../../web/client/timeline.js";
import { World, memory, posted, settle } from "./fakes.js";

const room = "night";

function take({ world = new World(), storage = memory(), ticket = null } = {}) {
  const topics = [];
  const seat = new Seat({
    room,
    url: "ws://here/ws",
    keep: new Keep(() => storage),
    env: world.env(),
    fill: (bytes) => bytes.fill(7),
    ticket,
    changed: (topic) => topics.push(topic),
  });
  seat.start();
  return { world, seat, storage, topics };
}

const joined = (socket, more = {}) => {
  const { id } = socket.last("join");
  socket.says({
    t: "joined", id, room, epoch: "e1", head: 0, handle: "open-river", seat: "token", recovered: false,
    events: [], roster: [{ handle: "open-river" }], count: 1, title: "Night", kind: "drop-in", ...more,
  });
};

async function seated(options = {}, more = {}) {
  const all = take(options);
  const { world, seat } = all;
  world.socket.opens();
  world.socket.says({ t: "drawn", id: world.socket.last("draw").id, room, handle: "open-river", offer: "offer" });
  await settle();
  seat.enter();
  joined(world.socket, more);
  await settle();
  return all;
}

const texts = (seat) =>
  view(seat.timeline, { me: seat.handle, waiting: seat.outbox.waiting(), placed: seat.outbox.placed, ignored: seat.ignored })
    .filter((item) => item.type === "post")
    .map((item) => `${item.text}${item.status === "delivered" ? "" : ` (${item.status})`}`);

test("entering: look at a handle, draw another, take the one that was shown", async () => {
  const { world, seat } = take();
  world.socket.opens();
  world.socket.says({ t: "drawn", id: world.socket.last("draw").id, room, handle: "one-handle", offer: "offer-1" });
  await settle();
  assert.equal(seat.handle, "one-handle");
  void seat.draw();
  world.socket.says({ t: "drawn", id: world.socket.last("draw").id, room, handle: "two-handle", offer: "offer-2" });
  await settle();
  seat.enter();
  assert.equal(world.socket.last("join").offer, "offer-2");
  assert.equal(world.socket.last("join").seat, undefined);
  joined(world.socket);
  await settle();
  assert.equal(seat.phase, "in");
});

test("a ticket goes with the join once, and before a seat that was kept", async () => {
  const { storage } = await seated();
  const { world, seat } = take({ storage, ticket: "T" });
  world.socket.opens();
  seat.enter();
  assert.equal(world.socket.last("join").ticket, "T");
  assert.equal(world.socket.last("join").seat, undefined);
});

test("a ticket is shown with the draw, so that one that was used is told before the rules", async () => {
  const { world, seat } = take({ ticket: "T" });
  world.socket.opens();
  assert.equal(world.socket.last("draw").ticket, "T");
  world.socket.says({ t: "error", id: world.socket.last("draw").id, code: "ticket_spent", message: "Used." });
  await settle();
  assert.deepEqual([seat.shut, seat.trouble.message], [true, "Used."]);
  const open = take();
  open.world.socket.opens();
  assert.equal("ticket" in open.world.socket.last("draw"), false);
});

test("a refused entry says why and stays outside", async () => {
  const { world, seat } = take();
  world.socket.opens();
  seat.enter();
  world.socket.says({ t: "error", id: world.socket.last("join").id, code: "room_full", message: "Full." });
  await settle();
  assert.equal(seat.phase, "outside");
  assert.equal(seat.trouble.message, "Full.");
});

for (const code of ["unknown_room", "ticket_needed", "ticket_refused", "ticket_spent"]) {
  test(`${code}: the door is shut, and nobody knocks again`, async () => {
    const { world, seat, topics } = take();
    world.socket.opens();
    world.socket.says({ t: "drawn", id: world.socket.last("draw").id, room, handle: "one-handle", offer: "offer-1" });
    await settle();
    assert.equal(seat.shut, false);
    seat.enter();
    topics.length = 0;
    world.socket.says({ t: "error", id: world.socket.last("join").id, code, message: "Kind words." });
    await settle();
    assert.deepEqual([seat.phase, seat.shut, seat.trouble.message], ["outside", true, "Kind words."]);
    assert.ok(topics.includes("entry"));
    assert.ok(world.socket.closed);
    void seat.draw();
    seat.enter();
    seat.wake();
    await world.pass(60_000);
    assert.equal(world.sockets.length, 1);
    assert.deepEqual([world.socket.count("draw"), world.socket.count("join")], [1, 1]);
  });
}

test("a room that is not there says so at once, before anything is agreed to", async () => {
  const { world, seat } = take();
  world.socket.opens();
  world.socket.says({ t: "error", id: world.socket.last("draw").id, code: "unknown_room", message: "Not here." });
  await settle();
  assert.deepEqual([seat.shut, seat.trouble.message], [true, "Not here."]);
});

test("a room that asks for a ticket is shut to whoever has none, whatever answer is still on its way", async () => {
  const { world, seat } = take();
  world.socket.opens();
  const { id } = world.socket.last("draw");
  seat.asksForTicket("A ticket, please.");
  world.socket.says({ t: "drawn", id, room, handle: "one-handle", offer: "offer-1" });
  await settle();
  assert.deepEqual([seat.shut, seat.trouble.message, seat.handle], [true, "A ticket, please.", ""]);
});

test("with a ticket or a kept seat the same room is not shut", async () => {
  const { storage } = await seated();
  for (const how of [{ ticket: "T" }, { storage }]) {
    const { seat } = take(how);
    seat.asksForTicket("A ticket, please.");
    assert.equal(seat.shut, false);
  }
});

test("a post is pending until its place is shown, and is there once", async () => {
  const { world, seat } = await seated();
  seat.say("hello");
  assert.deepEqual(texts(seat), ["hello (pending)"]);
  const post = world.socket.last("post");
  world.socket.says({ t: "ok", id: post.id, seq: 1 });
  await settle();
  assert.deepEqual(texts(seat), ["hello (pending)"]);
  world.socket.says(posted(1, "open-river", "hello"));
  assert.deepEqual(texts(seat), ["hello"]);
});

test("another node joined us over the same line: what it says is taken, and nothing is asked", async () => {
  const { world, seat } = await seated();
  world.socket.says(posted(1, "kind-otter"));
  world.socket.says({
    t: "joined", id: 999, room, epoch: "e1", head: 3, handle: "open-river", seat: "token-2", recovered: true,
    events: [posted(2, "kind-otter"), posted(3, "kind-otter")], roster: [{ handle: "open-river" }], count: 1, title: "Night", kind: "drop-in",
  });
  assert.deepEqual([seat.last, texts(seat).length, seat.roster.count], [3, 3, 1]);
  assert.equal(world.socket.count("join"), 1);
  world.socket.breaks();
  await world.pass(1_000);
  world.socket.opens();
  assert.deepEqual([world.socket.last("join").seat, world.socket.last("join").after], ["token-2", 3]);
});

test("the room may be faster than the ok: the post is there once all the time", async () => {
  const { world, seat } = await seated();
  seat.say("hello");
  world.socket.says(posted(1, "open-river", "hello"));
  assert.deepEqual(texts(seat), ["hello"]);
  world.socket.says({ t: "ok", id: world.socket.last("post").id, seq: 1 });
  await settle();
  assert.deepEqual(texts(seat), ["hello"]);
  assert.equal(seat.outbox.entries.length, 0);
});

test("the same words from another window of the same seat are not taken for ours", async () => {
  const { world, seat } = await seated();
  seat.say("yes");
  world.socket.says(posted(1, "open-river", "yes"));
  world.socket.says({ t: "ok", id: world.socket.last("post").id, seq: 2 });
  await settle();
  assert.deepEqual(texts(seat), ["yes", "yes (pending)"]);
  world.socket.says(posted(2, "open-river", "yes"));
  assert.deepEqual(texts(seat), ["yes", "yes"]);
});

test("what was under way when the connection broke is sent again under the same key, in order", async () => {
  const { world, seat } = await seated();
  seat.say("first");
  seat.say("second");
  assert.equal(world.socket.count("post"), 1, "one at a time, so that the order holds");
  const { key } = world.socket.last("post");
  world.socket.breaks();
  seat.say("third");
  await world.pass(1_000);
  world.socket.opens();
  const join = world.socket.last("join");
  assert.deepEqual([join.seat, join.epoch, join.after], ["token", "e1", 0]);
  joined(world.socket, { recovered: true, head: 1, events: [posted(1, "open-river", "first")] });
  await settle();
  assert.deepEqual(texts(seat), ["first", "second (pending)", "third (pending)"]);
  for (const [at, text] of ["first", "second", "third"].entries()) {
    const post = world.socket.last("post");
    assert.equal(post.text, text);
    if (at === 0) assert.equal(post.key, key);
    world.socket.says({ t: "ok", id: post.id, seq: at + 1 });
    await settle();
    if (at > 0) world.socket.says(posted(at + 1, "open-river", text));
  }
  assert.deepEqual(texts(seat), ["first", "second", "third"]);
});

test("a reload is the same seat, and what was not acknowledged goes out once", async () => {
  const { seat: before, world: old, storage } = await seated();
  before.say("kept");
  const { key } = old.socket.last("post");
  const { world, seat } = take({ storage });
  assert.equal(seat.phase, "entering");
  world.socket.opens();
  assert.equal(world.socket.last("join").seat, "token");
  joined(world.socket, { head: 3, events: [posted(3, "open-river", "kept", { at: 1_800_000_000 })] });
  await settle();
  assert.deepEqual(texts(seat), ["kept"]);
  assert.equal(world.socket.last("post").key, key);
  world.socket.says({ t: "ok", id: world.socket.last("post").id, seq: 3 });
  await settle();
  assert.deepEqual(texts(seat), ["kept"]);
  assert.equal(seat.outbox.entries.length, 0);
});

test("without storage everything works; only a reload forgets", async () => {
  const world = new World();
  const seat = new Seat({
    room, url: "ws://here/ws", keep: new Keep(() => { throw new Error("denied"); }), env: world.env(),
    fill: (bytes) => bytes, changed: () => undefined,
  });
  seat.start();
  world.socket.opens();
  seat.enter();
  joined(world.socket);
  await settle();
  assert.equal(seat.phase, "in");
});

test("a hole in the events is mended by joining again from before it; repeats are dropped", async () => {
  const { world, seat } = await seated();
  world.socket.says(posted(1, "a-b"));
  world.socket.says(posted(1, "a-b"));
  world.socket.says(posted(4, "a-b"));
  assert.deepEqual(texts(seat), ["line 1"]);
  assert.equal(world.socket.last("join").after, 1);
  world.socket.says(posted(5, "a-b"));
  joined(world.socket, { recovered: true, head: 5, events: [2, 3, 4, 5].map((seq) => posted(seq, "a-b")) });
  await settle();
  world.socket.says(posted(6, "a-b"));
  assert.deepEqual(texts(seat), [1, 2, 3, 4, 5, 6].map((seq) => `line ${seq}`));
  world.socket.says(posted(3, "a-b"));
  world.socket.says(posted(7, "a-b"));
  assert.equal(texts(seat).length, 7);
  assert.equal(world.socket.count("join"), 2, "a repeat does not make a hole");
});

test("a clean start drops what was shown", async () => {
  const { world, seat } = await seated({}, { head: 1, events: [posted(1, "a-b", "old")] });
  world.socket.breaks();
  await world.pass(1_000);
  world.socket.opens();
  joined(world.socket, { recovered: false, head: 300, events: [posted(300, "a-b", "new")] });
  await settle();
  assert.deepEqual(texts(seat), ["new"]);
  assert.equal(seat.liveFrom, 300);
  assert.equal(seat.more, true);
});

test("a room that begins anew: one goes on in it as somebody else, and what waits is not lost", async () => {
  const { world, seat, storage, topics } = await seated({}, { anew_in_s: 600, events: [posted(1, "old-friend", "before")], head: 1 });
  assert.equal(seat.anewAt, world.env().now() + 600_000);
  seat.ignore("old-friend", true);
  seat.say("on its way");
  await settle();
  topics.length = 0;
  world.socket.says({ t: "erased", room, handle: "calm-heron", seat: "token-2" });
  assert.equal(seat.phase, "in", "and the page stays where it is");
  assert.deepEqual(texts(seat), ["on its way (failed)"]);
  assert.equal(world.socket.last("join").seat, "token-2");
  assert.equal(world.socket.last("join").epoch, undefined);
  joined(world.socket, { epoch: "e2", handle: "calm-heron", seat: "token-2", anew_in_s: 86_400 });
  await settle();
  assert.deepEqual([seat.phase, seat.handle, seat.ignored.size], ["in", "calm-heron", 0]);
  assert.ok(topics.includes("anew"));
  assert.equal(JSON.parse(storage.getItem(`chatd.seat.${room}`)), "token-2");
});

test("a room that begins anew while one asks for the old seat gives the new one all the same", async () => {
  const { world, seat } = await seated();
  void seat.join();
  const { id } = world.socket.last("join");
  world.socket.says({ t: "erased", room, handle: "calm-heron", seat: "token-2" });
  world.socket.says({ t: "error", id, code: "seat_refused", message: "This seat is from an earlier session." });
  await settle();
  assert.equal(world.socket.last("join").seat, "token-2");
  joined(world.socket, { epoch: "e2", handle: "calm-heron", seat: "token-2" });
  await settle();
  assert.deepEqual([seat.phase, seat.handle], ["in", "calm-heron"]);
});

test("an erased room shows nothing old, forgets the seat and offers a new handle", async () => {
  const { world, seat, storage } = await seated({}, { head: 1, events: [posted(1, "a-b", "old")] });
  seat.say("unsaid");
  world.socket.says({ t: "erased", room });
  await settle();
  assert.deepEqual(texts(seat).filter((text) => text === "old"), []);
  assert.deepEqual(texts(seat), ["unsaid (failed)"]);
  assert.equal(seat.phase, "outside");
  assert.equal(storage.getItem("chatd.seat.night"), null);
  assert.equal(world.socket.sent.at(-1).t, "draw");
});

test("a refusal that passes is tried again by itself, one that does not says why", async () => {
  const { world, seat } = await seated();
  seat.say("hello");
  let post = world.socket.last("post");
  world.socket.says({ t: "error", id: post.id, code: "busy", message: "Busy.", retry_after_s: 3 });
  await world.pass(2_900);
  assert.equal(world.socket.count("post"), 1);
  await world.pass(200);
  assert.equal(world.socket.count("post"), 2);
  assert.equal(world.socket.last("post").key, post.key);
  post = world.socket.last("post");
  world.socket.says({ t: "error", id: post.id, code: "text_too_long", message: "Too long." });
  await settle();
  assert.deepEqual(texts(seat), ["hello (failed)"]);
  seat.sayAgain(post.key);
  assert.equal(world.socket.last("post").key, post.key);
});

test("slow mode: one waits after speaking; a facilitator does not", async () => {
  for (const role of [null, "facilitator"]) {
    const { world, seat } = await seated({}, { slow_mode_s: 15, role });
    seat.say("hello");
    world.socket.says({ t: "ok", id: world.socket.last("post").id, seq: 1 });
    await settle();
    assert.equal(seat.slowUntil > world.time, role === null);
  }
});

test("a post without an answer makes the page look whether anybody is there", async () => {
  const { world, seat } = await seated();
  seat.say("hello");
  await world.pass(14_000);
  assert.equal(world.sockets.length, 2);
  assert.deepEqual(texts(seat), ["hello (pending)"]);
});

test("reacting twice takes the reaction back", async () => {
  const { world, seat } = await seated({}, { head: 1, events: [posted(1, "a-b")] });
  void seat.react(1, "heard");
  assert.equal(world.socket.last("react").seq, 1);
  world.socket.says({ t: "reacted", room, seq: 2, at: 0, handle: "open-river", target: 1, kind: "heard" });
  void seat.react(1, "heard");
  assert.equal(world.socket.last("withdraw").seq, 2);
});

test("away is said again after the connection came back", async () => {
  const { world, seat } = await seated();
  void seat.setAway(true);
  world.socket.breaks();
  await world.pass(1_000);
  world.socket.opens();
  joined(world.socket, { recovered: true });
  await settle();
  assert.equal(world.socket.last("away").away, true);
});

test("typing is told every few seconds at most", async () => {
  const { world, seat } = await seated();
  for (let key = 0; key < 20; key++) seat.type();
  assert.equal(world.socket.count("typing"), 1);
  await world.pass(TYPING_EVERY_MS);
  seat.type();
  assert.equal(world.socket.count("typing"), 2);
});

test("older history goes before what is there, and what is kept is bounded", async () => {
  const first = Array.from({ length: 5 }, (_, at) => posted(at + 60, "a-b"));
  const { world, seat } = await seated({}, { head: 64, events: first });
  void seat.older();
  void seat.older();
  assert.equal(world.socket.count("older"), 1);
  const ask = world.socket.last("older");
  assert.equal(ask.before, 60);
  world.socket.says({ t: "history", id: ask.id, room, events: [posted(58, "a-b"), posted(59, "a-b")], more: false });
  await settle();
  assert.equal(texts(seat)[0], "line 58");
  assert.equal(seat.more, false);
  for (let seq = 65; seq < 65 + KEEP_POSTS; seq++) world.socket.says(posted(seq, "a-b"));
  assert.equal(seat.timeline.posts.size, KEEP_POSTS);
  assert.equal(seat.more, true);
});

test("what came while nobody looked is counted from where they stopped", async () => {
  const { world, seat } = await seated();
  seat.unread.attend(false);
  world.socket.says(posted(1, "a-b"));
  world.socket.says(posted(2, "a-b"));
  assert.deepEqual([seat.unread.from, seat.unread.count], [1, 2]);
  seat.unread.attend(true);
  assert.deepEqual([seat.unread.from, seat.unread.count], [1, 0]);
  seat.say("back");
  assert.equal(seat.unread.from, null);
});

test("a ticket that comes while another window has the seat is shown when the seat comes back", async () => {
  const { world, seat } = await seated();
  const parts = partsOf(seat);
  handOver(seat);
  seat.useTicket("later");
  assert.equal(world.sockets.length, 1);
  takeBack(seat, { ticket: "earlier", kept: parts.kept });
  world.socket.opens();
  await world.pass(0);
  const join = world.socket.last("join");
  assert.deepEqual([join.ticket, join.seat], ["later", parts.kept.seat]);
});

test("whoever has left hands no ticket to a window that was still opening", async () => {
  const { seat } = await seated();
  seat.useTicket("mine");
  seat.leave();
  assert.deepEqual(partsOf(seat).ticket, null);
});

test("leaving says so, forgets everything and does not come back", async () => {
  const { world, seat, storage } = await seated();
  seat.leave();
  assert.ok(world.socket.last("leave"));
  assert.equal(storage.getItem("chatd.seat.night"), null);
  seat.wake();
  await world.pass(60_000);
  assert.equal(world.sockets.length, 1);
});
