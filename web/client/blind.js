/**
 * Blind signatures in the browser: RSABSSA-SHA384-PSS-Randomized (RFC 9474), the person's side of it.
 *
 *   const asked = await blind(key, prepare(message));     // asked.blinded goes to the issuer
 *   const pass = await finalize(key, asked, answer);      // a signature that nobody can tie to `blinded`
 *
 * Only public numbers and the person's own mask are calculated with here, by BigInt; hashing and verifying
 * are the browser's. The server's side, and the same for a terminal, is chatd/passes/blind_rsa.py.
 *
 * @typedef {{verify: CryptoKey, n: bigint, e: bigint, length: number}} PublicKey
 * @typedef {{prepared: Uint8Array, blinded: Uint8Array, inverse: bigint}} Asked `inverse` is to be kept secret
 */

const PREFIX_BYTES = 32;
const SALT_BYTES = 48;
const HASH_BYTES = 48;
const KEY_BITS = [2048, 3072, 4096];
const PSS = { name: "RSA-PSS", saltLength: SALT_BYTES };

/** The issuer's key. @param {Uint8Array} spki DER (SubjectPublicKeyInfo) @returns {Promise<PublicKey>} */
export async function publicKey(spki) {
  const verify = await crypto.subtle.importKey("spki", own(spki), { name: "RSA-PSS", hash: "SHA-384" }, true, ["verify"]);
  const jwk = await crypto.subtle.exportKey("jwk", verify);
  const [n, e] = [fromBase64url(jwk.n ?? ""), fromBase64url(jwk.e ?? "")];
  const bits = n.toString(2).length;
  if (!KEY_BITS.includes(bits)) throw new RangeError("an issuer's key has 2048, 3072 or 4096 bits");
  return { verify, n, e, length: bits / 8 };
}

/** Random bytes before the message (section 4.1). @param {Uint8Array} message */
export function prepare(message) {
  const prepared = crypto.getRandomValues(new Uint8Array(PREFIX_BYTES + message.length));
  prepared.set(message, PREFIX_BYTES);
  return prepared;
}

/**
 * Section 4.2.
 *
 * @param {PublicKey} key @param {Uint8Array} prepared
 * @param {{salt?: Uint8Array, inverse?: bigint}} [given] of a test vector
 * @returns {Promise<Asked>}
 */
export async function blind(key, prepared, given = {}) {
  const { n, e, length } = key;
  const salt = given.salt ?? crypto.getRandomValues(new Uint8Array(SALT_BYTES));
  const m = toNumber(await encoded(prepared, n.toString(2).length - 1, salt));
  if (inverseOf(m, n) === null) throw new RangeError("this message cannot be blinded under this key");
  let inverse = given.inverse ?? null;
  while (inverse === null) {
    // Eight bytes more than the modulus has: what is left of it is even to 2^-64.
    const mask = toNumber(crypto.getRandomValues(new Uint8Array(length + 8))) % n;
    inverse = mask === 0n ? null : inverseOf(mask, n);
  }
  const mask = inverseOf(inverse, n) ?? 1n;
  return { prepared, blinded: toBytes((m * power(mask, e, n)) % n, length), inverse };
}

/** Section 4.4. @param {PublicKey} key @param {Asked} asked @param {Uint8Array} answer of the issuer */
export async function finalize(key, asked, answer) {
  if (answer.length !== key.length) throw new RangeError("the issuer's answer has another length than its key");
  const signature = toBytes((toNumber(answer) * asked.inverse) % key.n, key.length);
  const good = await crypto.subtle.verify(PSS, key.verify, own(signature), own(asked.prepared));
  if (!good) throw new RangeError("the issuer's answer is no signature of what was sent");
  return signature;
}

// ---- numbers -------------------------------------------------------------------------------------

/** Square and multiply, for exponents that everybody knows. @param {bigint} base @param {bigint} exponent @param {bigint} n */
function power(base, exponent, n) {
  let result = 1n;
  for (let [square, left] = [base % n, exponent]; left > 0n; [square, left] = [(square * square) % n, left >> 1n]) {
    if (left & 1n) result = (result * square) % n;
  }
  return result;
}

/** Null where there is none. @param {bigint} value @param {bigint} n */
function inverseOf(value, n) {
  let [r, next] = [n, value % n];
  let [t, coming] = [0n, 1n];
  while (next !== 0n) {
    const times = r / next;
    [r, next] = [next, r - times * next];
    [t, coming] = [coming, t - times * coming];
  }
  return r === 1n ? (t + n) % n : null;
}

/** @param {Uint8Array} bytes big-endian */
function toNumber(bytes) {
  return BigInt(`0x${Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("")}`);
}

/** @param {bigint} value @param {number} length */
function toBytes(value, length) {
  const hex = value.toString(16).padStart(2 * length, "0");
  return Uint8Array.from({ length }, (_, at) => parseInt(hex.slice(2 * at, 2 * at + 2), 16));
}

/** @param {string} text of a JWK (RFC 7515, section 2) */
function fromBase64url(text) {
  const raw = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return toNumber(Uint8Array.from(raw, (one) => one.charCodeAt(0)));
}

/** Bytes with a buffer of their own, as WebCrypto wants them. @param {Uint8Array} bytes */
function own(bytes) {
  return new Uint8Array(bytes);
}

// ---- EMSA-PSS (RFC 8017, section 9.1.1), which no browser gives by itself ---------------------------

/** @param {Uint8Array} message @param {number} bits @param {Uint8Array} salt */
async function encoded(message, bits, salt) {
  const length = Math.ceil(bits / 8);
  const hash = await sha384(new Uint8Array(8), await sha384(message), salt);
  const block = new Uint8Array(length - HASH_BYTES - 1);
  block[block.length - salt.length - 1] = 1;
  block.set(salt, block.length - salt.length);
  const mask = await mgf1(hash, block.length);
  const out = new Uint8Array(length);
  block.forEach((byte, at) => (out[at] = byte ^ (mask[at] ?? 0)));
  out[0] = (out[0] ?? 0) & (0xff >> (8 * length - bits));
  out.set(hash, block.length);
  out[length - 1] = 0xbc;
  return out;
}

/** @param {Uint8Array} seed @param {number} length */
async function mgf1(seed, length) {
  const out = new Uint8Array(length);
  for (let count = 0; count * HASH_BYTES < length; count++) {
    const part = await sha384(seed, toBytes(BigInt(count), 4));
    out.set(part.subarray(0, length - count * HASH_BYTES), count * HASH_BYTES);
  }
  return out;
}

/** @param {Uint8Array[]} parts */
async function sha384(...parts) {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return new Uint8Array(await crypto.subtle.digest("SHA-384", whole));
}
