import assert from "node:assert/strict";
import { test } from "node:test";
import { Status, sentence } from "../../web/room/status.js";
import "./words.js";

/** A line on a page, and the page's clock. @param {import("node:test").TestContext} t */
function line(t) {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  globalThis.window = /** @type {any} */ (globalThis);
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
