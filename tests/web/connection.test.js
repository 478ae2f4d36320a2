import assert from "node:assert/strict";
import { test } from "node:test";
import { ANSWER_MS, Connection, FIRST_WAIT_MS, LONGEST_WAIT_MS, OPENING_MS, SILENCE_MS } from "../../web/client/connection.js";
import { World } from "./fakes.js";

function connected() {
  const world = new World();
  const log = { opened: 0, probes: 0, frames: [], states: [] };
  const connection = new Connection(
    "ws://here/ws",
    {
      opened: () => (log.opened += 1),
      received: (frame) => log.frames.push(frame),
      changed: () => log.states.push(connection.state),
      probe: () => (log.probes += 1),
    },
    world.env(),
  );
  connection.open();
  return { world, connection, log };
}

test("it asks for our subprotocol and says when it is open", () => {
  const { world, log } = connected();
  assert.equal(world.socket.protocol, "chatd.v1.json");
  world.socket.opens();
  assert.deepEqual(log.states, ["connecting", "open"]);
  assert.equal(log.opened, 1);
});

test("between attempts it waits a random time up to a bound that doubles", async () => {
  const { world } = connected();
  world.chance = 0.999_999;
  const waits = [];
  for (let attempt = 0; attempt < 9; attempt++) {
    world.socket.breaks();
    const sockets = world.sockets.length;
    const from = world.time;
    while (world.sockets.length === sockets) await world.pass(10);
    waits.push(world.time - from);
  }
  waits.forEach((wait, attempt) => {
    const bound = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** attempt);
    assert.ok(wait <= bound + 20 && wait >= bound - 20, `${attempt}: ${wait} against ${bound}`);
  });
  world.chance = 0;
  world.socket.breaks();
  const sockets = world.sockets.length;
  await world.pass(1);
  assert.equal(world.sockets.length, sockets + 1, "full jitter begins at zero");
});

test("a frame from the server ends the doubling", async () => {
  const { world } = connected();
  for (let attempt = 0; attempt < 6; attempt++) {
    world.socket.breaks();
    const before = world.sockets.length;
    while (world.sockets.length === before) await world.pass(100);
  }
  world.socket.opens();
  world.socket.says({ t: "presence" });
  world.socket.breaks();
  const sockets = world.sockets.length;
  await world.pass(FIRST_WAIT_MS);
  assert.equal(world.sockets.length, sockets + 1);
});

test("going: it comes back when it was asked to, not before", async () => {
  const { world } = connected();
  world.socket.opens();
  world.socket.says({ t: "going", reconnect_in_s: 7 });
  world.socket.breaks(4000);
  await world.pass(6_900);
  assert.equal(world.sockets.length, 1);
  await world.pass(200);
  assert.equal(world.sockets.length, 2);
});

test("going: it leaves by itself where the server does not close", async () => {
  const { world } = connected();
  world.socket.opens();
  world.socket.says({ t: "going", reconnect_in_s: 3 });
  await world.pass(3_000);
  assert.ok(world.sockets[0].closed);
  assert.equal(world.sockets.length, 2);
});

test("silence is asked about, and a peer that does not answer is left", async () => {
  const { world, connection, log } = connected();
  world.socket.opens();
  await world.pass(SILENCE_MS + 1);
  assert.equal(log.probes, 1);
  world.socket.says({ t: "ok", id: 1 });
  await world.pass(SILENCE_MS + ANSWER_MS);
  assert.equal(log.probes, 2);
  assert.equal(world.sockets.length, 1);
  await world.pass(ANSWER_MS + 1);
  assert.equal(world.sockets.length, 2);
  assert.equal(connection.state, "connecting");
});

test("a line that was asleep with its device is not asked, but dialled anew", async () => {
  const { world, connection, log } = connected();
  world.socket.opens();
  world.socket.stale = true;
  connection.check(3_000);
  assert.deepEqual([log.probes, world.sockets.length, connection.state], [0, 2, "connecting"]);
});

test("what a dropped socket still says is not heard", async () => {
  const { world, connection, log } = connected();
  world.socket.opens();
  const old = world.socket;
  connection.restart();
  old.says({ t: "posted" });
  old.breaks(4101);
  assert.deepEqual(log.frames, []);
  assert.equal(connection.state, "connecting");
});

test("a handshake that dawdles is given up", async () => {
  const { world } = connected();
  await world.pass(OPENING_MS + FIRST_WAIT_MS);
  assert.equal(world.sockets.length, 2);
  assert.ok(world.sockets[0].closed);
});

test("without a network it says so, and tries on all the same", async () => {
  const { world, connection } = connected();
  world.socket.opens();
  world.isOnline = false;
  connection.lost();
  assert.equal(connection.state, "offline");
  await world.pass(FIRST_WAIT_MS);
  assert.equal(world.sockets.length, 2);
});

test("a code that says do not come back like this is obeyed", async () => {
  const { world, connection } = connected();
  world.socket.opens();
  world.socket.breaks(4100);
  await world.pass(10 * LONGEST_WAIT_MS);
  assert.equal(connection.state, "ended");
  assert.equal(world.sockets.length, 1);
});

test("whoever reads the rules for long is cut, and is connected again when they go on", async () => {
  const { world, connection } = connected();
  world.socket.opens();
  world.socket.breaks(4101);
  await world.pass(LONGEST_WAIT_MS);
  assert.equal(connection.state, "idle");
  connection.open();
  assert.equal(world.sockets.length, 2);
});
