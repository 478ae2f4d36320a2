import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { comesBack, decode, newKey } from "../../web/client/wire.js";

test("close codes: 40xx and a lost network come back, 41xx and protocol errors do not", () => {
  for (const code of [1000, 1001, 1005, 1006, 1011, 1012, 1013, 4000, 4001, 4002, 4003]) assert.ok(comesBack(code), `${code}`);
  for (const code of [1002, 1003, 1007, 1008, 1009, 4100, 4101, 4199]) assert.ok(!comesBack(code), `${code}`);
});

test("what is no frame is nothing", () => {
  for (const data of ["", "{", "null", "[]", "1", '{"t":1}', new ArrayBuffer(2), undefined]) assert.equal(decode(data), null);
  assert.deepEqual(decode('{"t":"ok","id":1,"new":2}'), { t: "ok", id: 1, new: 2 });
});

test("keys are UUIDv7 and grow, also within one millisecond and when the clock goes back", () => {
  const fill = (bytes) => crypto.getRandomValues(bytes);
  const keys = [1_700_000_000_000, 1_700_000_000_000, 1_600_000_000_000, 1_700_000_000_005].map((now) => newKey(now, fill));
  assert.deepEqual([...keys].sort(), keys);
  assert.equal(new Set(keys).size, 4);
  for (const key of keys) assert.match(key, /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
});

const vectors = new URL("../wire/vectors.json", import.meta.url);
test("every vector of the wire that a server sends is read", { skip: !existsSync(vectors) }, () => {
  for (const frame of serverFrames(JSON.parse(readFileSync(vectors, "utf8")))) {
    assert.deepEqual(decode(JSON.stringify(frame)), frame);
  }
});

/** Every object with a kind, wherever the vectors keep it. */
function serverFrames(value) {
  if (Array.isArray(value)) return value.flatMap(serverFrames);
  if (value === null || typeof value !== "object") return [];
  return [...(typeof value.t === "string" ? [value] : []), ...Object.values(value).flatMap(serverFrames)];
}
