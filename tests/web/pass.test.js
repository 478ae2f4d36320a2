import assert from "node:assert/strict";
import { createHash, generateKeyPairSync, randomBytes, verify, constants } from "node:crypto";
import { test } from "node:test";
import { Keep } from "../../web/client/keep.js";
import { NoPass, Pass } from "../../web/client/pass.js";
import { memory } from "./fakes.js";

const room = "night";
const period = "20261122T030000Z";
const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
const { n, d } = privateKey.export({ format: "jwk" });
const number = (text) => BigInt(`0x${Buffer.from(text, "base64url").toString("hex")}`);

function power(base, exponent, modulus) {
  let result = 1n;
  for (let [square, left] = [base % modulus, exponent]; left > 0n; [square, left] = [(square * square) % modulus, left >> 1n]) {
    if (left & 1n) result = (result * square) % modulus;
  }
  return result;
}

/** A room and an issuer behind one `fetch`. `asked` is all that the issuer heard. */
function server(changed = {}) {
  const asked = [];
  const wanted = { room, period, begins_at: 0, ends_at: 2e9, issuer: "", key: { n, e: "AQAB" }, fingerprint: "f", wait_s: 60, ...changed };
  const answer = (body, status = 200) => ({ ok: status < 400, status, json: async () => body });
  const all = {
    asked,
    wanted,
    heard: [],
    lose: 0,
    refuse: null,
    fetch: async (address, how) => {
      all.heard.push({ address, how });
      if (address === `/api/rooms/${room}/pass`) return answer(wanted);
      if (all.refuse) return answer({ code: all.refuse[1] }, all.refuse[0]);
      asked.push(JSON.parse(how.body));
      if (all.lose-- > 0) throw new TypeError("network");
      const signature = power(number(asked.at(-1).blinded), number(d), number(n)).toString(16).padStart(512, "0");
      return answer({ blind_signature: Buffer.from(signature, "hex").toString("base64url") });
    },
  };
  return all;
}

function page(there, storage = memory()) {
  const clock = { now: 1_000_000 };
  const pass = new Pass(room, new Keep(() => storage), { now: () => clock.now, fetch: there.fetch });
  return { pass, clock, storage };
}

const kept = (storage) => JSON.parse(storage.getItem(`chatd.pass.${room}`));

test("a pass is what the room believes, and nothing of it was seen by the issuer", async () => {
  const there = server();
  const { pass, clock, storage } = page(there);
  await pass.ask("ticket");
  const [label, body] = pass.token.split(".");
  const raw = Buffer.from(body, "base64url");
  const prepared = Buffer.concat([raw.subarray(0, 64), Buffer.from(`${room}\0${period}`)]);
  const how = { key: publicKey, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 48 };
  assert.equal(label, period);
  assert.ok(verify("sha384", prepared, how, raw.subarray(64)));
  assert.ok(!raw.includes(Buffer.from(there.asked[0].blinded, "base64url").subarray(0, 16)));
  // What ties the two is gone; what is kept is what is shown.
  assert.deepEqual(Object.keys(kept(storage)).sort(), ["from", "n", "period", "prepared", "token"]);
  // The wait is drawn, and within its bounds.
  assert.ok(pass.early >= 20_000 && pass.early <= 60_000, String(pass.early));
  clock.now += 60_000;
  assert.equal(pass.early, 0);
});

test("the room hears nothing of who asks, and another issuer gets no cookie", async () => {
  for (const [issuer, credentials] of [["", "same-origin"], ["https://pass.example.org", "omit"]]) {
    const there = server({ issuer });
    await page(there).pass.ask("ticket");
    const [about, asking] = there.heard;
    assert.equal(about.how.credentials, "omit");
    assert.equal(about.how.headers, undefined);
    assert.equal(asking.address, `${issuer}/issuer/pass`);
    assert.equal(asking.how.credentials, credentials);
    assert.equal(asking.how.headers.authorization, "Bearer ticket");
    assert.deepEqual(Object.keys(there.asked[0]).sort(), ["blinded", "period", "room"]);
  }
});

test("an answer that was lost is asked for again with the same number, also after a reload", async () => {
  const there = server();
  there.lose = 1;
  const { pass, storage } = page(there);
  await assert.rejects(pass.ask(null), (error) => error instanceof NoPass && error.code === "offline" && error.passes);
  assert.equal(pass.token, null);
  const again = page(there, storage).pass;
  await again.ask(null);
  assert.equal(there.asked[0].blinded, there.asked[1].blinded);
  assert.notEqual(again.token, null);
  // There is one now: nobody asks any more.
  await page(there, storage).pass.ask(null);
  assert.equal(there.asked.length, 2);
});

test("the next period has another pass, and one period has one key", async () => {
  const there = server();
  const { pass, storage } = page(there);
  await pass.ask(null);
  const first = pass.token;
  there.wanted.key = { n: Buffer.from(createHash("sha512").update("x").digest()).toString("base64url"), e: "AQAB" };
  await assert.rejects(page(there, storage).pass.ask(null), (error) => error.code === "changed" && !error.passes);
  assert.equal(kept(storage).token, first, "and what one has is not thrown away");
  there.wanted.key = { n, e: "AQAB" };
  there.wanted.period = "20261123T030000Z";
  await pass.ask(null);
  assert.notEqual(pass.token, first);
  assert.ok(pass.token.startsWith("20261123T030000Z."));
});

test("the fingerprint on the page is that of the key in use, whatever the server says it is", async () => {
  const there = server();
  const { pass } = page(there);
  await pass.ask(null);
  // RFC 7638, section 3.2: the members of an RSA key in this order.
  const thumb = createHash("sha256").update(`{"e":"AQAB","kty":"RSA","n":"${n}"}`).digest("hex").slice(0, 20);
  assert.equal(pass.wanted.fingerprint, thumb.match(/.{4}/g).join(" "));
  assert.equal(there.wanted.fingerprint, "f");
});

test("what the issuer refuses is said by its code, and a wrong signature is no pass", async () => {
  const there = server();
  there.refuse = [409, "pass_taken"];
  await assert.rejects(page(there).pass.ask(null), (error) => error.code === "pass_taken" && !error.passes);
  there.refuse = [503, "busy"];
  await assert.rejects(page(there).pass.ask(null), (error) => error.code === "busy" && error.passes);
  const wrong = server();
  const { fetch } = wrong;
  wrong.fetch = async (address, how) => {
    if (address.startsWith("/api")) return fetch(address, how);
    return { ok: true, status: 200, json: async () => ({ blind_signature: randomBytes(256).fill(0, 0, 1).toString("base64url") }) };
  };
  const { pass } = page(wrong);
  await assert.rejects(pass.ask(null), RangeError);
  assert.equal(pass.token, null);
});
