import assert from "node:assert/strict";
import { test } from "node:test";
import { Events, FIRST_MS, LIVE_MS, QUIET_MS, Stream } from "../../web/client/stream.js";
import { FakeHttp, World, posted, settle } from "./fakes.js";

const PADDING = `:${" ".repeat(4096)}\n\n`;
const LIVE = "event: live\ndata: {}\n\n";

function line() {
  const world = new World();
  world.http = new FakeHttp();
  const stream = new Stream("http://here", world.env());
  const heard = [];
  const ends = [];
  stream.onmessage = ({ data }) => heard.push(JSON.parse(data));
  stream.onclose = (end) => ends.push(end);
  stream.stand();
  return { world, http: world.http, stream, heard, ends };
}

const joined = (more = {}) => ({ t: "joined", id: 1, room: "night", seat: "S1", epoch: "e", head: 0, events: [], ...more });

async function entered() {
  const all = line();
  all.stream.send('{"t":"join","id":1,"room":"night","ticket":"T"}');
  await settle();
  all.call = all.http.last("/sse");
  all.call.streams().says(PADDING).frame(joined());
  await settle();
  all.call.says(LIVE);
  await settle();
  return all;
}

test("events are read whatever pieces they come in", () => {
  const text = `${PADDING}data: {"a":1}\n\nevent: live\r\ndata: {}\r\n\r\n: pulse\n\ndata: one\ndata: two\nid: 7\n\nda`;
  const whole = new Events().feed(text);
  assert.deepEqual(whole, [
    { event: "message", data: '{"a":1}' },
    { event: "live", data: "{}" },
    { event: "message", data: "one\ntwo" },
  ]);
  for (const size of [1, 2, 3, 7]) {
    const events = new Events();
    const got = [];
    for (let at = 0; at < text.length; at += size) got.push(...events.feed(text.slice(at, at + size)));
    assert.deepEqual(got, whole);
  }
});

test("a join goes in the body of a POST, and what comes in is heard in order", async () => {
  const { call, stream, heard } = await entered();
  assert.deepEqual([call.options.method, call.search], ["POST", ""]);
  assert.deepEqual(call.body, { t: "join", id: 1, room: "night", ticket: "T" });
  call.frame(posted(1, "a")).frame(posted(2, "b"));
  await settle();
  assert.deepEqual(heard.map((frame) => frame.seq ?? frame.t), ["joined", 1, 2]);
  assert.equal(stream.seat, "S1");
});

test("letters cut in the middle by the network come whole", async () => {
  const { call, heard } = await entered();
  const bytes = new TextEncoder().encode(`data: ${JSON.stringify(posted(1, "a", "Grüße 🌙"))}\n\n`);
  for (const byte of bytes) call.raw(Uint8Array.of(byte));
  await settle();
  assert.equal(heard.at(-1).text, "Grüße 🌙");
});

test("what is said goes out with the seat, one request at a time and in order", async () => {
  const { http, stream, heard } = await entered();
  stream.send('{"t":"post","id":2,"room":"night","key":"k1","text":"one"}');
  await settle();
  stream.send('{"t":"post","id":3,"room":"night","key":"k2","text":"two"}');
  stream.send('{"t":"typing","room":"night"}');
  await settle();
  assert.equal(http.count("/send"), 1);
  assert.deepEqual([http.last("/send").body.seat, http.last("/send").body.frames.length], ["S1", 1]);
  http.last("/send").answers({ frames: [{ t: "ok", id: 2, seq: 1 }] });
  await settle();
  assert.deepEqual(http.last("/send").body.frames.map((frame) => frame.t), ["post", "typing"]);
  http.last("/send").answers({ frames: [{ t: "ok", id: 3, seq: 2 }] });
  await settle();
  assert.deepEqual(heard.slice(1).map((frame) => frame.id), [2, 3]);
});

test("a request that is lost is sent again as it was; in the end the line is", async () => {
  const { world, http, stream, ends } = await entered();
  stream.send('{"t":"post","id":2,"room":"night","key":"k1","text":"one"}');
  const bodies = new Set();
  for (const spoil of [(call) => call.fails(), (call) => call.answers("<h1>Blocked</h1>"), (call) => call.answers("", 502)]) {
    await settle();
    assert.deepEqual(ends, []);
    bodies.add(JSON.stringify(http.last("/send").body));
    spoil(http.last("/send"));
    await world.pass(1_300);
  }
  assert.equal(http.count("/send"), 3);
  assert.equal(bodies.size, 1);
  assert.deepEqual(ends, [{ code: 1006, unfit: false }]);
  assert.ok(http.last("/sse").aborted);
});

test("a handle is drawn without a seat; without a seat nothing else is said", async () => {
  const { http, stream, heard } = line();
  stream.send('{"t":"draw","id":1,"room":"night"}');
  stream.send('{"t":"post","id":2,"room":"night","key":"k","text":"x"}');
  await settle();
  assert.deepEqual(http.last("/send").body, { frames: [{ t: "draw", id: 1, room: "night" }] });
  http.last("/send").answers({ frames: [{ t: "drawn", id: 1, room: "night", handle: "h", offer: "o" }] });
  await settle();
  assert.deepEqual(heard.map((frame) => [frame.t, frame.id, frame.code]), [["drawn", 1, undefined], ["error", 2, "not_joined"]]);
  assert.equal(http.count("/send"), 1);
});

test("a message that a proxy finds too long is refused, and the line goes on", async () => {
  const { http, stream, heard, ends } = await entered();
  stream.send('{"t":"post","id":2,"room":"night","key":"k","text":"long"}');
  await settle();
  http.last("/send").answers("", 413);
  await settle();
  assert.deepEqual([heard.at(-1).id, heard.at(-1).code, ends.length], [2, "text_too_long", 0]);
});

test("words that a filter does not let through are refused, and the line goes on", async () => {
  for (const status of [400, 403, 406, 422]) {
    const { world, http, stream, heard, ends } = await entered();
    stream.send('{"t":"post","id":2,"room":"night","key":"k","text":"select all from the menu"}');
    await settle();
    http.last("/send").answers("<h1>Blocked</h1>", status);
    await world.pass(5_000);
    assert.deepEqual([heard.at(-1).id, heard.at(-1).code, ends.length, http.count("/send")], [2, "not_passed", 0, 1]);
    stream.send('{"t":"post","id":3,"room":"night","key":"k2","text":"soup"}');
    await settle();
    assert.deepEqual(http.last("/send").body.frames.map((frame) => frame.id), [3]);
  }
});

test("a filter that says that all is well and shows a page of its own is asked three times, and no more", async () => {
  const { world, http, stream, heard, ends } = await entered();
  stream.send('{"t":"post","id":2,"room":"night","key":"k","text":"select all from the menu"}');
  for (let round = 0; round < 3; round++) {
    await settle();
    http.last("/send").answers("<h1>This page is blocked</h1>", 200);
    await world.pass(1_300);
  }
  await world.pass(20_000);
  assert.deepEqual([heard.at(-1).id, heard.at(-1).code, ends.length, http.count("/send")], [2, "not_passed", 0, 3]);
});

test("what is no message and is turned away, or no answer of a filter, ends the line", async () => {
  for (const [frame, status] of [
    ['{"t":"typing","room":"night"}', 403],
    ['{"t":"post","id":2,"room":"night","key":"k","text":"x"}', 404],
    ['{"t":"post","id":2,"room":"night","key":"k","text":"x"}', 407],
  ]) {
    const { http, stream, ends } = await entered();
    stream.send(frame);
    await settle();
    http.last("/send").answers("", status);
    await settle();
    assert.deepEqual(ends, [{ code: 1006, unfit: false }]);
  }
});

test("a line that has only begun to ask is not stale", () => {
  const { stream } = line();
  stream.send('{"t":"join","id":1,"room":"night"}');
  assert.equal(stream.stale, false);
});

test("who is refused has no stream, and may try again", async () => {
  const { http, stream, heard, ends } = line();
  stream.send('{"t":"join","id":1,"room":"night"}');
  await settle();
  http.last("/sse").streams().says(PADDING).frame({ t: "error", id: 1, code: "room_full", message: "Full." });
  http.last("/sse").says('event: close\ndata: {"code":1000,"reason":"no seat"}\n\n');
  await settle();
  assert.deepEqual([heard.length, ends.length], [1, 0]);
  stream.send('{"t":"join","id":2,"room":"night"}');
  await settle();
  assert.equal(http.count("/sse"), 2);
});

test("while a hole is mended by another join, one may speak", async () => {
  const { http, call, stream } = await entered();
  stream.send('{"t":"join","id":2,"room":"night","seat":"S1","epoch":"e","after":3}');
  stream.send('{"t":"react","id":3,"room":"night","seq":1,"kind":"heard"}');
  await settle();
  assert.ok(call.aborted);
  assert.deepEqual([http.last("/sse").body.after, http.last("/send").body.seat], [3, "S1"]);
});

test("the server's close code is ours; an end without one is a lost network", async () => {
  for (const [end, code] of [
    [(call) => call.says('event: close\ndata: {"code":4001,"reason":"slow"}\n\n'), 4001],
    [(call) => call.ends(), 1006],
    [(call) => call.fails(), 1006],
  ]) {
    const { call, ends } = await entered();
    end(call);
    await settle();
    assert.deepEqual(ends, [{ code, unfit: false }]);
  }
});

test("unfit: nothing comes at all", async () => {
  const { world, stream, ends } = line();
  stream.send('{"t":"join","id":1,"room":"night"}');
  await world.pass(FIRST_MS - 10);
  assert.deepEqual(ends, []);
  await world.pass(20);
  assert.deepEqual(ends, [{ code: 1006, unfit: true }]);
});

test("unfit: the first 4 KiB come, and then what is small stays behind", async () => {
  const { world, http, stream, ends } = line();
  stream.send('{"t":"join","id":1,"room":"night"}');
  await settle();
  http.last("/sse").streams().says(PADDING).frame(joined());
  await world.pass(LIVE_MS - 10);
  assert.deepEqual(ends, []);
  await world.pass(20);
  assert.deepEqual(ends, [{ code: 1006, unfit: true }]);
});

test("unfit: a page of the proxy's own; a server that is busy is not", async () => {
  for (const [status, unfit] of [[200, true], [403, true], [404, true], [502, false], [503, false]]) {
    const { http, stream, ends } = line();
    stream.send('{"t":"join","id":1,"room":"night"}');
    await settle();
    http.last("/sse").answers("<h1>Something</h1>", status);
    await settle();
    assert.deepEqual(ends, [{ code: 1006, unfit }], String(status));
  }
});

test("the pulse keeps it, and without a pulse it is lost", async () => {
  const { world, call, stream, ends } = await entered();
  for (let beat = 0; beat < 5; beat++) {
    await world.pass(15_000);
    call.says(`:${" ".repeat(2048)}\n\n`);
    await settle();
  }
  assert.deepEqual([ends.length, stream.stale], [0, false]);
  await world.pass(QUIET_MS - 10);
  assert.deepEqual([ends.length, stream.stale], [0, true]);
  await world.pass(20);
  assert.deepEqual(ends, [{ code: 1006, unfit: false }]);
});

test("who leaves and closes in one breath has left", async () => {
  const { http, call, stream } = await entered();
  stream.send('{"t":"leave","id":9,"room":"night"}');
  stream.close(1000);
  await settle();
  assert.ok(call.aborted);
  assert.equal(http.count("/send"), 1);
  assert.equal(http.last("/send").body.frames[0].t, "leave");
  assert.equal(http.last("/send").options.keepalive, true);
});

test("nothing secret is in an address", async () => {
  const { http, stream } = await entered();
  stream.send('{"t":"away","id":2,"room":"night","away":true}');
  await settle();
  for (const call of http.calls) assert.doesNotMatch(call.path + call.search, /S1|night|T/);
});
