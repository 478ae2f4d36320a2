import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { COLOURS, TO_FRAME, TO_HOST, VERSION, read, send } from "../../web/embed/messages.js";
import { readable } from "../../web/room/look.js";

const ours = (t, fields = {}) => ({ peerChat: VERSION, t, ...fields });

test("what is sent is what is read, and the two directions are apart", () => {
  const posted = [];
  const to = { postMessage: (...what) => posted.push(what) };
  send(to, "https://intranet.example.org", "unread", { waiting: true });
  assert.deepEqual(posted, [[ours("unread", { waiting: true }), "https://intranet.example.org"]]);
  assert.deepEqual(read(TO_HOST, posted[0][0]), { t: "unread", waiting: true });
  assert.equal(read(TO_FRAME, posted[0][0]), null);
  for (const t of Object.keys(TO_FRAME)) assert.ok(!Object.hasOwn(TO_HOST, t), t);
  assert.doesNotThrow(() => send(null, "https://intranet.example.org", "left"));
});

test("every message of another version, kind, field or shape is refused", () => {
  for (const data of [
    null, undefined, 1, "leave", [], {}, { t: "leave" },
    { peerChat: 2, t: "leave" }, { peerChat: "1", t: "leave" },
    ours("nothing"), ours("constructor"), ours("__proto__"), ours("toString"), ours(["leave"]),
    ours("leave", { more: 1 }), ours("focus", { constructor: 1 }), ours("shown", { shown: "yes" }), ours("shown", { toString: true }),
  ]) {
    assert.equal(read(TO_FRAME, data), null, JSON.stringify(data));
  }
  assert.deepEqual(read(TO_FRAME, ours("leave")), { t: "leave" });
});

test("values are held to their lists", () => {
  const good = { theme: "dark", accent: "#19524d", radius: 12, font: 'Georgia, "Noto Serif", serif' };
  assert.deepEqual(read(TO_FRAME, ours("look", good)), { t: "look", ...good });
  for (const [name, value] of [
    ["theme", "DARK"], ["accent", "red"], ["accent", "#19524d;"], ["accent", "#fff"], ["accent", "url(x)"], ["accent", "#19524d\n"],
    ["radius", -1], ["radius", 25], ["radius", NaN], ["radius", "3"], ["font", "a;b"], ["font", "url(x)"], ["font", "x".repeat(201)], ["font", ""],
  ]) {
    assert.equal(read(TO_FRAME, ours("look", { [name]: value })), null, `${name}: ${value}`);
  }
  for (const token of ["", "a b", "x".repeat(4097), "<b>", 5, null]) assert.equal(read(TO_FRAME, ours("token", { token })), null);
  assert.ok(read(TO_FRAME, ours("token", { token: "eyJ.eyJ-_.sig" })));
  for (const [t, fields] of [["error", { code: "Forged" }], ["error", { message: "<b>" }], ["size", { height: 5001 }], ["unread", { waiting: 3 }], ["unread", { count: 3 }]]) {
    assert.equal(read(TO_HOST, ours(t, fields)), null, t);
  }
});

const css = readFileSync(new URL("../../web/tokens.css", import.meta.url), "utf8");
const themes = Object.fromEntries(
  ["light", "dark"].map((theme) => {
    const colour = new RegExp(`--([\\w-]+): [^;]*var\\(--${theme}, (#[0-9a-f]{6})\\)`, "g");
    return [theme, Object.fromEntries([...css.matchAll(colour)].map(([, name, value]) => [name, value]))];
  }),
);

test("a host may colour the room as long as every text can be read", () => {
  const { light, dark } = themes;
  assert.deepEqual(readable(light, {}), {});
  const blue = readable(light, { accent: "#003366", paper: "#ffffff" });
  assert.equal(blue?.accent, "#003366");
  assert.ok(!("on-accent" in blue), "white stands on it already");
  assert.notEqual(blue["accent-wash"], light["accent-wash"]);
  assert.equal(readable(dark, { accent: "#a9c7ff" })?.["on-accent"], "#000000");
  for (const wished of [{ accent: "#9fd3c7" }, { paper: "#888888" }, { ink: "#faf7f2" }, { surface: "#000000" }, { ink: "#777777" }]) {
    assert.equal(readable(light, wished), null, JSON.stringify(wished));
  }
  assert.equal(readable(dark, { paper: "#ffffff" }), null, "the words would be pale on it");
  assert.ok(readable(dark, { paper: "#000000", surface: "#0a0a0a" }));
  assert.ok(COLOURS.every((name) => name in light));
});
