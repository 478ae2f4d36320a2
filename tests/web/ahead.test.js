import assert from "node:assert/strict";
import { test } from "node:test";
import { browserEnv } from "../../web/client/connection.js";
import { SUBPROTOCOL } from "../../web/client/wire.js";
import { NOTES } from "../../web/room/cover.js";

const AHEAD = Symbol.for("chatd.ahead");

class Socket {
  readyState = 0;
  onopen = null;

  constructor(url, protocol) {
    this.url = url;
    this.protocol = protocol;
    Socket.made.push(this);
  }

  close() {
    this.readyState = 2;
  }

  static made = [];
}

class Navigation {
  constructor(type) {
    this.type = type;
  }
}

/** A tab or an origin that keeps these; null: the browser forbids it. */
const storage = (kept) => (kept === null ? undefined : { getItem: (key) => kept[key] ?? null });

let times = 0;

/** Load the page's first script afresh; what it opened. */
async function opens({ hash = "", tab = {}, origin = {}, framed = false, type = "navigate" } = {}) {
  Socket.made = [];
  delete globalThis[AHEAD];
  const window = { top: null };
  window.top = framed ? {} : window;
  const page = {
    window,
    location: { protocol: "https:", host: "chat.example.org", hash },
    sessionStorage: storage(tab),
    localStorage: storage(origin),
    performance: { getEntriesByType: () => [new Navigation(type)] },
    PerformanceNavigationTiming: Navigation,
    WebSocket: Socket,
  };
  for (const [name, value] of Object.entries(page)) Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
  await import(`../../web/room/ahead.js?${times++}`);
  return Socket.made.map(({ url, protocol }) => [url, protocol]);
}

const ONE = [["wss://chat.example.org/ws", SUBPROTOCOL]];

test("where nothing is known, or the WebSocket worked last, it is opened before the page's script is there", async () => {
  assert.deepEqual(await opens(), ONE);
  assert.deepEqual(await opens({ tab: { "chatd.way": '"ws"' } }), ONE);
  assert.deepEqual(await opens({ tab: null, origin: null }), ONE);
  assert.deepEqual(await opens({ framed: true, origin: { "chatd.way": '"poll"' } }), ONE, "a frame keeps nothing for the origin");
});

test("where another way worked last it is not", async () => {
  assert.deepEqual(await opens({ tab: { "chatd.way": '"sse"' } }), []);
  assert.deepEqual(await opens({ origin: { "chatd.way": '"poll"' } }), []);
});

test("under the notes nobody connects", async () => {
  assert.deepEqual(await opens({ hash: NOTES }), []);
  assert.deepEqual(await opens({ type: "back_forward", tab: { notes: "1" } }), []);
  assert.deepEqual(await opens({ type: "back_forward" }), ONE);
});

test("who connects first has it, once, and hears that it is open", async () => {
  await opens();
  const [socket] = Socket.made;
  socket.readyState = 1;
  const env = browserEnv();
  const taken = env.socket("wss://chat.example.org/ws", SUBPROTOCOL);
  assert.equal(taken, socket);
  const heard = new Promise((resolve) => (taken.onopen = resolve));
  assert.equal((await heard).type, "open");
  assert.notEqual(env.socket("wss://chat.example.org/ws", SUBPROTOCOL), socket);
});

test("one that has closed meanwhile, or leads elsewhere, is nobody's", async () => {
  await opens();
  const [closed] = Socket.made;
  closed.readyState = 3;
  assert.notEqual(browserEnv().socket("wss://chat.example.org/ws", SUBPROTOCOL), closed);
  await opens();
  const [other] = Socket.made;
  assert.notEqual(browserEnv().socket("wss://elsewhere.example/ws", SUBPROTOCOL), other);
  assert.equal(other.readyState, 2, "nobody else will take it, so nobody else would close it");
});
