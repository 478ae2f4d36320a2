import assert from "node:assert/strict";
import { test } from "node:test";
import { began, changed, inOrder } from "../../web/client/presence.js";

const change = (more) => ({ t: "presence", room: "night", joined: [], left: [], away: [], back: [], count: 0, ...more });

test("who came, went, was called away and is back", () => {
  let roster = began([{ handle: "a-a" }, { handle: "b-b" }], 2);
  roster = changed(roster, change({ joined: [{ handle: "c-c" }], left: ["a-a"], away: ["b-b"], count: 2 }));
  assert.deepEqual([...roster.people.values()], [{ handle: "b-b", away: true }, { handle: "c-c" }]);
  roster = changed(roster, change({ back: ["b-b", "nobody-known"], count: 2 }));
  assert.equal(roster.people.get("b-b")?.away, false);
});

test("in a crowd nobody is named and the count is right", () => {
  let roster = began([], 300);
  assert.equal(roster.named, false);
  roster = changed(roster, change({ count: 301 }));
  assert.deepEqual([roster.named, roster.count, roster.people.size], [false, 301, 0]);
});

test("oneself first, facilitators next, then by handle", () => {
  const roster = began([{ handle: "c-c" }, { handle: "a-a" }, { handle: "z-z", role: "facilitator" }, { handle: "me-me" }], 4);
  assert.deepEqual(inOrder(roster, "me-me").map((one) => one.handle), ["me-me", "z-z", "a-a", "c-c"]);
});
