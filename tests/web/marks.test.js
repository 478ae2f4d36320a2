import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { CUTS, FIGURES, mark } from "../../web/room/marks.js";

const vectors = new URL("../presence/marks.json", import.meta.url);
const python = readFileSync(new URL("../../presence/marks.py", import.meta.url), "utf8")
  // Python joins strings that stand below each other.
  .replace(/"\n\s*"/g, "");
const css = readFileSync(new URL("../../web/tokens.css", import.meta.url), "utf8");

test("the page draws what presence/marks.py draws", { skip: !existsSync(vectors) }, () => {
  const read = JSON.parse(readFileSync(vectors, "utf8"));
  const list = Array.isArray(read) ? read : (read.marks ?? read.vectors);
  assert.ok(list.length > 0);
  for (const { handle, hash, colour, figure, cut, turn } of list) {
    const drawn = mark(handle);
    assert.deepEqual([drawn.colour, drawn.figure, drawn.cut, drawn.turn], [colour, figure, cut, turn], handle);
    if (hash !== undefined) assert.equal(drawn.hash, hash);
  }
});

test("figures, cuts and colours are the same in both", () => {
  for (const path of [...FIGURES, ...CUTS]) assert.ok(python.includes(`"${path}"`), path);
  const colours = [...python.matchAll(/"(#[0-9a-f]{6})"/g)].map(([, colour]) => colour);
  assert.equal(colours.length, 16);
  const used = ["light", "dark"].flatMap((theme) =>
    [...css.matchAll(new RegExp(`--mark-\\d: [^;]*var\\(--${theme}, (#[0-9a-f]{6})\\)`, "g"))].map(([, colour]) => colour),
  );
  assert.deepEqual(used, colours);
});
