/** RFC 9474 in the browser's module: the RFC's own vector, and answers that are none. */

import assert from "node:assert/strict";
import { createPublicKey } from "node:crypto";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { blind, finalize, prepare, publicKey } from "../../web/client/blind.js";

const vector = JSON.parse(readFileSync(new URL("../vectors/rfc9474.json", import.meta.url), "utf8"));
const bytes = (text) => Uint8Array.from(Buffer.from(text, "hex"));
const hex = (some) => Buffer.from(some).toString("hex");
const base64url = (text) => Buffer.from(text, "hex").toString("base64url");
const jwk = { kty: "RSA", n: base64url(vector.n), e: base64url(vector.e) };
const key = await publicKey(createPublicKey({ key: jwk, format: "jwk" }).export({ type: "spki", format: "der" }));
const prepared = bytes(vector.msg_prefix + vector.msg);
const asked = await blind(key, prepared, { salt: bytes(vector.salt), inverse: BigInt(`0x${vector.inv}`) });

test("the vector of the RFC", async () => {
  assert.equal(hex(asked.blinded), vector.blinded_msg);
  assert.equal(hex(await finalize(key, asked, bytes(vector.blind_sig))), vector.sig);
});

test("what is sent is another number each time", async () => {
  const message = prepare(new TextEncoder().encode("a pass"));
  const [one, other] = [await blind(key, message), await blind(key, message)];
  assert.equal(one.blinded.length, 512);
  assert.notEqual(hex(one.blinded), hex(other.blinded));
  assert.notEqual(one.inverse, other.inverse);
  assert.notDeepEqual(prepare(new Uint8Array(3)), prepare(new Uint8Array(3)));
});

test("an answer that is no signature is not taken", async () => {
  const wrong = bytes(vector.blind_sig);
  wrong[100] ^= 1;
  await assert.rejects(finalize(key, asked, wrong), /no signature/);
  await assert.rejects(finalize(key, asked, wrong.subarray(1)), /another length/);
});
