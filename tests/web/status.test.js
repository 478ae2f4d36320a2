import assert from "node:assert/strict";
import { test } from "node:test";
import { Status, sentence } from "../../web/room/status.js";
import "./words.js";

/** A line on a page, and the page's clock. @param {import("node:test").TestContext} t */
function line(t) {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  globalThis.window = /** @type {any} */ (globalThis);
  Object.defineProperty(globalThis, "location", { value: { search: "" }, configurable: true });
  Object.defineProperty(globalThis, "fetch", { value: async () => ({ ok: false }), configurable: true });
  const shown = { textContent: "", hidden: true };
  return { shown, status: new Status(/** @type {any} */ (shown)), clock: t.mock.timers };
}

test("it says what is so: the device is offline, the server does not answer, or nothing", () => {
  assert.equal(sentence("open", true), "");
  assert.match(sentence("offline", true), /^You are offline\./);
  for (const state of /** @type {const} */ (["connecting", "waiting"])) {
    assert.match(sentence(state, true), /^The server does not answer just now\. What you write is kept/);
    assert.doesNotMatch(sentence(state, true), /slow/i);
  }
});

test("a gap of less than two seconds is not worth a word", (t) => {
  const { shown, status, clock } = line(t);
  status.connection("away", false);
  clock.tick(1_900);
  status.connection("", false);
  clock.tick(5_000);
  assert.deepEqual(shown, { textContent: "", hidden: true });
});

test("attempts to come back do not put the word off", (t) => {
  const { shown, status, clock } = line(t);
  for (let attempt = 0; attempt < 5; attempt++) {
    status.connection("away", false);
    clock.tick(500);
  }
  assert.deepEqual(shown, { textContent: "away", hidden: false });
  status.connection("", false);
  assert.deepEqual(shown, { textContent: "", hidden: true });
});

test("being offline is said at once", (t) => {
  const { shown, status } = line(t);
  status.connection("away", false);
  status.connection("offline", true);
  assert.equal(shown.textContent, "offline");
});

test("where it lasts although the server is there, the line leads to the doctor", async (t) => {
  const { shown, status, clock } = line(t);
  const asked = [];
  let there = false;
  Object.defineProperty(globalThis, "fetch", { value: async (url, { method }) => (asked.push(`${method} ${url}`), { ok: there }), configurable: true });
  Object.defineProperty(globalThis, "document", {
    value: { createElement: (tag) => ({ tag, attributes: {}, setAttribute(name, value) { this.attributes[name] = value; }, append(text) { this.text = text; } }) },
    configurable: true,
  });
  const added = [];
  shown.append = (...nodes) => added.push(...nodes);
  for (let attempt = 0; attempt < 6; attempt++) {
    status.connection("away", false);
    clock.tick(2_500);
  }
  await settled();
  assert.deepEqual([asked, added], [["HEAD /doctor"], []], "while the server is away it leads nowhere");
  there = true;
  clock.tick(15_000);
  await settled();
  assert.deepEqual([added[0], added[1].tag, added[1].attributes.href], [" ", "a", "/doctor"]);
  assert.equal(added[1].text, "Find out what is in the way");

  status.connection("", false);
  clock.tick(60_000);
  await settled();
  assert.equal(shown.hidden, true);
  assert.equal(asked.length, 2, "nobody asks for the doctor when all is well");
  status.connection("offline", true);
  clock.tick(60_000);
  await settled();
  assert.equal(asked.length, 2, "without a network there is no doctor either");
  const before = added.length;
  status.connection("away", false);
  clock.tick(3_000);
  await settled();
  assert.deepEqual([shown.textContent, added.length], ["away", before], "another break has its own patience");
});

/** What was promised has happened. */
async function settled() {
  for (let turn = 0; turn < 5; turn++) await null;
}
