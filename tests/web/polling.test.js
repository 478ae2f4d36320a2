import assert from "node:assert/strict";
import { test } from "node:test";
import { GRACE_MS, Polling, WAIT_S } from "../../web/client/polling.js";
import { FakeHttp, World, posted, settle } from "./fakes.js";

function line() {
  const world = new World();
  world.http = new FakeHttp();
  const poll = new Polling("http://here", world.env());
  const heard = [];
  const ends = [];
  poll.onmessage = ({ data }) => heard.push(JSON.parse(data));
  poll.onclose = (end) => ends.push(end);
  poll.stand();
  return { world, http: world.http, poll, heard, ends, last: () => world.http.last("/poll") };
}

const joined = (more = {}) => ({
  t: "joined", id: 1, room: "night", seat: "S1", epoch: "e", head: 4, recovered: false, events: [], ...more,
});

async function entered() {
  const all = line();
  all.poll.send('{"t":"join","id":1,"room":"night","ticket":"T"}');
  await settle();
  all.link = all.last().body.link;
  all.last().answers({ link: all.link, n: 7, frames: [joined()] });
  await settle();
  return all;
}

test("the first request joins, under a link that cannot be guessed", async () => {
  const { http, link } = await entered();
  const { body } = http.calls[0];
  assert.deepEqual(body.join, { t: "join", id: 1, room: "night", ticket: "T" });
  assert.match(link, /^[0-9a-f]{32}$/);
  assert.notEqual(link, (await entered()).link);
  assert.equal(body.got, undefined);
  assert.equal(body.wait_s, WAIT_S);
});

test("each request says what came, and how any node could join us", async () => {
  const { last, link } = await entered();
  assert.deepEqual(last().body, { join: { t: "join", id: 1, room: "night", seat: "S1", epoch: "e", after: 4 }, link, got: 7, wait_s: WAIT_S });
  last().answers({ link, n: 8, frames: [posted(5, "a"), { t: "presence", room: "night", joined: [], count: 1 }, posted(6, "b")] });
  await settle();
  assert.deepEqual([last().body.got, last().body.join.after], [8, 6]);
});

test("an answer that was lost is asked for again, with the same numbers", async () => {
  const { world, http, last, link, heard, ends } = await entered();
  const { body } = last();
  last().fails();
  await world.pass(300);
  assert.equal(http.count("/poll"), 3);
  assert.deepEqual(last().body, body);
  last().answers({ link, n: 8, frames: [posted(5, "a")] });
  await settle();
  assert.deepEqual(heard.map((frame) => frame.seq ?? frame.t), ["joined", 5]);
  assert.deepEqual(ends, []);
});

test("the same answer twice is taken once", async () => {
  const { last, link, heard } = await entered();
  last().answers({ link, n: 8, frames: [posted(5, "a")] });
  await settle();
  last().answers({ link, n: 8, frames: [posted(5, "a")] });
  await settle();
  assert.equal(heard.length, 2);
});

test("another node joins us anew: its joined is told, and the next request builds on it", async () => {
  const { last, link, heard } = await entered();
  last().answers({ link, n: 900, frames: [joined({ seat: "S2", head: 6, recovered: true, events: [posted(5, "a"), posted(6, "b")] })] });
  await settle();
  assert.deepEqual([heard.at(-1).t, heard.at(-1).head], ["joined", 6]);
  assert.deepEqual(last().body.join, { t: "join", id: 1, room: "night", seat: "S2", epoch: "e", after: 6 });
  assert.equal(last().body.got, 900);
});

test("another node refuses: the line is lost, and whoever owns it joins afresh", async () => {
  const { last, link, heard, ends } = await entered();
  last().answers({ link, n: 900, frames: [{ t: "error", id: 1, code: "seat_refused", message: "Old." }], close: { code: 1000, reason: "" } });
  await settle();
  assert.deepEqual([heard.length, ends], [1, [{ code: 1006, unfit: false }]]);
});

test("who is refused may try again over the same line", async () => {
  const { http, poll, last, heard, ends } = line();
  poll.send('{"t":"join","id":1,"room":"night"}');
  await settle();
  last().answers({ link: last().body.link, n: 3, frames: [{ t: "error", id: 1, code: "room_full", message: "Full." }], close: { code: 1000, reason: "" } });
  await settle();
  assert.deepEqual([heard.at(-1).code, ends.length, http.count("/poll")], ["room_full", 0, 1]);
  poll.send('{"t":"join","id":2,"room":"night"}');
  await settle();
  assert.equal(last().body.join.id, 2);
});

test("the end that the server says comes after the last frames", async () => {
  const { last, link, heard, ends } = await entered();
  last().answers({ link, n: 8, frames: [posted(5, "a")], close: { code: 4000, reason: "going" } });
  await settle();
  assert.equal(heard.at(-1).seq, 5);
  assert.deepEqual(ends, [{ code: 4000, unfit: false }]);
});

test("what does not come back, is held for ever or is not ours ends it in the end", async () => {
  for (const [spoil, ms] of [
    [(call) => call.fails(), 3_000],
    [(call) => call.answers("<h1>Blocked</h1>"), 3_000],
    [() => {}, WAIT_S * 1000 + GRACE_MS + 3_000],
  ]) {
    const { world, last, ends } = await entered();
    for (let tries = 0; tries < 4; tries++) {
      assert.deepEqual(ends, []);
      spoil(last());
      await world.pass(ms);
    }
    assert.deepEqual(ends, [{ code: 1006, unfit: false }]);
  }
});

test("erased: the seat is void, and nothing more is asked for", async () => {
  const { http, poll, last, link, heard, ends } = await entered();
  last().answers({ link, n: 8, frames: [{ t: "erased", room: "night" }], close: { code: 1000, reason: "" } });
  await settle();
  assert.deepEqual([heard.at(-1).t, ends.length, http.count("/poll"), poll.seat], ["erased", 0, 2, null]);
});
