import assert from "node:assert/strict";
import { test } from "node:test";
import { CUTS, MUTE_MS, RACE_MS, Ways, YOUNG_MS } from "../../web/client/choose.js";
import { LONGEST_UP_MS, TRIAL_MS, UP_MS } from "../../web/client/climb.js";
import { Connection, LONGEST_WAIT_MS } from "../../web/client/connection.js";
// Loaded here, so that loading it in a test takes no time.
import { SHOWN_MS } from "../../web/client/fallback.js";
import { Keep } from "../../web/client/keep.js";
import { FakeHttp, World, memory, settle } from "./fakes.js";

const LIVE = "event: open\ndata: {}\n\nevent: live\ndata: {}\n\n";

/** A server beyond a network that lets POSTs through, and streams as `net` says: "whole", "held" or "none". */
function server(net) {
  return (call) => {
    if (net.away) call.fails();
    else if (call.path === "/probe" && call.options.method === "POST") call.answers({ bytes: 2 });
    else if (call.path === "/probe") {
      if (net.streams === "none") call.answers("<h1>Blocked</h1>", 403);
      else {
        call.streams();
        if (net.streams === "whole") call.says(LIVE);
      }
    }
  };
}

function page({ net = { streams: "whole" }, shelves = [], busy = () => false } = {}) {
  const world = new World();
  world.http = new FakeHttp();
  world.http.serve = server(net);
  world.shelves = shelves;
  const log = { opened: 0, frames: [], states: [] };
  const connection = new Connection(
    "ws://here/ws",
    {
      opened: () => {
        log.opened += 1;
        connection.send({ t: "join", id: log.opened, room: "night" });
      },
      received: (frame) => log.frames.push(frame),
      changed: () => log.states.push(connection.state),
      probe: () => {},
      hello: () => ({ t: "draw", id: 99, room: "night" }),
      busy,
    },
    world.env(),
  );
  connection.open();
  return { world, http: world.http, connection, log, net };
}

/** Let the room answer over the stream that is open. */
async function joined(http) {
  await settle();
  const call = http.last("/sse");
  call.streams().frame({ t: "joined", id: call.body.id, room: "night", seat: "S", epoch: "e", head: 0 }).says("event: live\ndata: {}\n\n");
  await settle();
  return call;
}

/** Let time pass on a stream that goes on. */
async function beats(world, call, ms) {
  for (let left = ms; left > 0; left -= 10_000) {
    await world.pass(Math.min(left, 10_000));
    call.says(":\n\n");
  }
}

/** In the room by the stream, because the WebSocket is refused. */
async function streaming(options) {
  const all = page(options);
  all.world.socket.breaks();
  await settle();
  all.world.socket.breaks();
  await settle();
  all.call = await joined(all.http);
  assert.equal(all.connection.way, "sse");
  return all;
}

async function polling(options = {}) {
  const all = page({ ...options, net: { streams: "held" } });
  all.world.socket.breaks();
  await all.world.pass(SHOWN_MS);
  all.world.socket.breaks();
  await settle();
  all.http.last("/poll").answers({ link: "l".repeat(22), n: 1, frames: [{ t: "joined", id: 1, room: "night", seat: "S", epoch: "e", head: 0 }] });
  await settle();
  assert.equal(all.connection.way, "poll");
  return all;
}

test("the other ways lie beside the WebSocket", () => {
  const base = (url) => new Ways(url, new World().env(), {}).base;
  assert.equal(base("wss://chat.example.org/ws"), "https://chat.example.org");
  assert.equal(base("ws://here:8000/chat/ws"), "http://here:8000/chat");
});

test("where the WebSocket opens, nothing else is asked for", async () => {
  const { world, http, connection, log } = page();
  world.socket.opens();
  world.socket.says({ t: "joined", id: 1 });
  await world.pass(20_000);
  assert.deepEqual([connection.way, log.opened, http.calls.length], ["ws", 1, 0]);
});

test("one that hangs is raced after a moment, and what stands first is taken", async () => {
  const { world, http, connection, log } = page();
  await world.pass(RACE_MS - 10);
  assert.equal(http.calls.length, 0);
  await world.pass(20);
  await settle();
  assert.deepEqual([connection.way, connection.state, log.opened], ["sse", "open", 1]);
  assert.deepEqual(http.last("/sse").body, { t: "join", id: 1, room: "night" });
  assert.ok(world.socket.closed);
  assert.equal(http.calls.find((call) => call.path === "/probe" && call.options.method !== "POST").aborted, true);
});

test("one that was only slow wins, if it is there first", async () => {
  const { world, http, connection, log } = page({ net: { streams: "held" } });
  await world.pass(RACE_MS + 100);
  world.socket.opens();
  world.socket.says({ t: "joined", id: 1 });
  await world.pass(10_000);
  assert.deepEqual([connection.way, log.opened, http.count("/poll"), http.count("/sse")], ["ws", 1, 0, 0]);
});

test("one that is refused at once is tried a second time, when the server is known to be there", async () => {
  const { world, connection } = page();
  world.socket.breaks();
  await settle();
  assert.equal(world.sockets.length, 2);
  world.socket.opens();
  assert.equal(connection.way, "ws");
});

test("refused twice: the stream", async () => {
  const { http, log } = await streaming();
  assert.deepEqual([http.count("/sse"), log.opened, log.frames.length], [1, 1, 1]);
});

for (const streams of ["held", "none"]) {
  test(`streams are ${streams}: long polling, all within 5 s`, async () => {
    const { world, http, connection } = page({ net: { streams } });
    await world.pass(4_000);
    assert.deepEqual([connection.way, http.count("/poll"), http.count("/sse")], ["poll", 1, 0]);
  });
}

test("nothing is there: it waits like ever, and asks each time anew", async () => {
  const { world, connection, log } = page({ net: { away: true } });
  world.socket.breaks();
  await settle();
  assert.equal(connection.state, "waiting");
  await world.pass(LONGEST_WAIT_MS);
  assert.ok(world.sockets.length > 1);
  assert.equal(log.opened, 0);
});

test("a WebSocket that opens and dies without a word: the next way at once", async () => {
  const { world, connection } = page();
  world.socket.opens();
  world.socket.breaks();
  await settle();
  assert.deepEqual([connection.way, connection.state], ["sse", "open"]);
});

test("a WebSocket that opens and says nothing: another way, if there is one", async () => {
  const { world, connection, http, net } = page();
  world.socket.opens();
  await world.pass(MUTE_MS - 10);
  assert.equal(connection.way, "ws");
  await world.pass(20);
  assert.deepEqual([connection.way, http.count("/sse")], ["sse", 1]);
  assert.ok(world.sockets[0].closed);

  // Slow, and nothing else stands: no reason to leave it.
  net.away = true;
  const slow = page({ net });
  slow.world.socket.opens();
  await slow.world.pass(MUTE_MS + 1_000);
  assert.deepEqual([slow.connection.way, slow.connection.state, slow.world.sockets.length], ["ws", "open", 1]);
});

test("a WebSocket that carried before may be slow to answer: a server in trouble is not run from", async () => {
  const { world, http } = page();
  world.socket.opens();
  world.socket.says({ t: "joined", id: 1 });
  world.socket.breaks(1012);
  await world.pass(1_000);
  world.socket.opens();
  await world.pass(MUTE_MS + 1_000);
  assert.equal(http.calls.length, 0);
});

/** Live for a while over the WebSocket, and be cut. */
async function cut(world, ms, code = 1006) {
  world.socket.opens();
  for (let left = ms; left > 0; left -= 15_000) {
    world.socket.says({ t: "presence" });
    await world.pass(Math.min(left, 15_000));
  }
  world.socket.breaks(code);
  await world.pass(1_000);
}

test("cut young three times in a row: another way", async () => {
  const { world, connection } = page();
  for (let time = 1; time <= CUTS; time++) {
    assert.equal(connection.way, "ws");
    await cut(world, 20_000);
  }
  assert.deepEqual([connection.way, world.sockets.length], ["sse", CUTS]);
});

test("not: cut old, told to go, or with the network gone between", async () => {
  for (const each of [
    (world) => cut(world, YOUNG_MS),
    (world) => cut(world, 20_000, 4001),
    async (world, net) => {
      await cut(world, 20_000);
      net.away = true;
      world.socket.breaks();
      await settle();
      net.away = false;
      await world.pass(1_000);
    },
  ]) {
    const { world, connection, net } = page();
    for (let time = 0; time < 4; time++) await each(world, net);
    assert.equal(connection.way, "ws");
  }
});

test("a WebSocket that dies, and streams that are held back: long polling, all within 5 s", async () => {
  const { world, http, connection } = page({ net: { streams: "held" } });
  world.socket.opens();
  world.socket.breaks();
  await world.pass(SHOWN_MS + 100);
  assert.deepEqual([connection.way, http.count("/poll"), http.count("/sse")], ["poll", 1, 0]);
});

test("a stream that is held back after all: long polling at once", async () => {
  const { world, http, connection } = page();
  world.socket.breaks();
  await settle();
  world.socket.breaks();
  await settle();
  http.last("/sse").answers("<h1>No streams</h1>", 403);
  await settle();
  assert.deepEqual([connection.way, connection.state, http.count("/poll")], ["poll", "open", 1]);
});

test("long polling that is lost again and again: everything is asked anew", async () => {
  const { world, http } = await polling();
  const before = world.sockets.length;
  http.serve = (call) => (call.path === "/poll" ? call.fails() : server({ streams: "held" })(call));
  http.last("/poll").fails();
  await world.pass(60_000);
  assert.ok(world.sockets.length > before);
});

test("up: quietly tried after a minute, and taken when it has answered", async () => {
  const { world, call, connection, log } = await streaming();
  const before = world.sockets.length;
  await beats(world, call, UP_MS - 1_000);
  assert.equal(world.sockets.length, before);
  await world.pass(1_000);
  assert.equal(world.sockets.length, before + 1);
  world.socket.opens();
  await settle();
  assert.deepEqual([connection.way, world.socket.sent[0].t], ["sse", "draw"]);
  world.socket.says({ t: "drawn", id: 99 });
  await settle();
  assert.deepEqual([connection.way, connection.state, log.opened], ["ws", "open", 2]);
  assert.equal(world.socket.last("join").id, 2);
  assert.ok(call.aborted);
});

test("up: in vain, ever more rarely, and nobody notices", async () => {
  const { world, call, log } = await streaming();
  log.states.length = 0;
  const at = [];
  let seen = world.sockets.length;
  for (const from = world.time; world.time - from < 3 * LONGEST_UP_MS; ) {
    await beats(world, call, 10_000);
    if (world.sockets.length > seen) {
      seen = world.sockets.length;
      at.push(world.time - from);
      // Some open and say nothing, some do not open.
      if (at.length % 2) world.socket.opens();
      else world.socket.breaks();
      await beats(world, call, TRIAL_MS);
    }
  }
  const waits = at.slice(1).map((time, i) => (time - at[i]) / UP_MS);
  assert.ok(waits[0] >= 2 && waits[1] >= 4 && waits[2] >= 8, String(waits));
  assert.ok(at.length < 10 && Math.max(...waits) < LONGEST_UP_MS / UP_MS + 2);
  assert.deepEqual(log.states, []);
});

test("up: while an answer is awaited, the line stays", async () => {
  let busy = true;
  const { world, call, connection } = await streaming({ busy: () => busy });
  await beats(world, call, UP_MS);
  world.socket.opens();
  world.socket.says({ t: "drawn", id: 99 });
  await world.pass(3_000);
  assert.equal(connection.way, "sse");
  busy = false;
  await world.pass(1_000);
  assert.equal(connection.way, "ws");
});

test("up: at once when the device has another network", async () => {
  const { world } = await streaming();
  const before = world.sockets.length;
  await world.pass(5_000);
  for (const act of world.whenOnline) act();
  await world.pass(10);
  assert.equal(world.sockets.length, before + 1);
});

test("up, and cut young once: back where it worked, and a longer wait", async () => {
  const { world, http, connection, call: first } = await streaming();
  await beats(world, first, UP_MS);
  world.socket.opens();
  world.socket.says({ t: "drawn", id: 99 });
  await settle();
  world.socket.says({ t: "joined", id: 2 });
  await world.pass(20_000);
  world.socket.breaks();
  await settle();
  assert.deepEqual([connection.way, connection.state], ["sse", "open"]);
  const call = await joined(http);
  const before = world.sockets.length;
  await beats(world, call, 100_000);
  assert.equal(world.sockets.length, before);
});

test("up from long polling: the stream, where still no WebSocket opens", async () => {
  const { world, http, connection } = await polling();
  http.serve = server({ streams: "whole" });
  for (let left = UP_MS; left > 0; left -= 20_000) {
    await world.pass(Math.min(left, 20_000));
    const { link, got } = http.last("/poll").body;
    http.last("/poll").answers({ link, n: got, frames: [] });
    await settle();
  }
  world.socket.breaks();
  await world.pass(100);
  assert.deepEqual([connection.way, http.count("/sse")], ["sse", 1]);
});

test("what worked is kept: one word, and for the origin only where it is not the WebSocket", async () => {
  const [tab, origin] = [memory(), memory()];
  const shelves = [new Keep(() => tab), new Keep(() => origin)];
  await streaming({ shelves });
  assert.deepEqual([tab.getItem("chatd.way"), origin.getItem("chatd.way")], ['"sse"', '"sse"']);

  const again = page({ shelves });
  await settle();
  assert.deepEqual([again.connection.way, again.connection.state, again.world.sockets.length], ["sse", "open", 0]);

  // Where it does not stand any more, everything is asked anew, and the WebSocket leaves no trace.
  const later = page({ shelves, net: { away: true } });
  await later.world.pass(2 * LONGEST_WAIT_MS);
  assert.ok(later.world.sockets.length > 0);
  later.world.socket.opens();
  later.world.socket.says({ t: "joined", id: 1 });
  assert.deepEqual([tab.getItem("chatd.way"), origin.getItem("chatd.way")], ['"ws"', null]);
});

test("storage that throws or holds nonsense costs nothing", async () => {
  const odd = memory();
  odd.setItem("chatd.way", '"carrier pigeon"');
  const throws = new Keep(() => {
    throw new Error("denied");
  });
  const { world, connection } = page({ shelves: [throws, new Keep(() => odd)] });
  world.socket.opens();
  world.socket.says({ t: "joined", id: 1 });
  assert.equal(connection.way, "ws");
});

test("left for good: nothing dials, races or climbs any more", async () => {
  const racing = page();
  await racing.world.pass(RACE_MS - 10);
  racing.connection.close();
  await racing.world.pass(10_000);
  assert.equal(racing.http.calls.length, 0);

  const up = await streaming();
  const before = up.world.sockets.length;
  up.connection.close();
  await up.world.pass(2 * UP_MS);
  assert.equal(up.world.sockets.length, before);
  assert.ok(up.call.aborted);
});
