/**
 * A staff pass: asked for by somebody who has signed in, and shown by nobody in particular. No DOM.
 *
 *   what the room asks for -> a random message -> blinded, to the issuer -> its answer -> a pass
 *
 * The issuer sees who asks, and a number that says nothing. The room sees the pass, and nothing of who asked.
 * What ties the two (the blinded number and what undoes it) is only here, and is dropped when the pass is there.
 * It is kept for the time of the tab: an answer that was lost is asked for again with the same number, since
 * each person has one pass a period. The whole of it is docs/staff-pass.md.
 *
 * @typedef {{room: string, period: string, begins_at: number, ends_at: number, issuer: string, key: {n: string, e: string},
 *            fingerprint: string, wait_s: number}} Wanted what `/api/rooms/ROOM/pass` says; its `fingerprint` is worked
 *   out here, from the key that is used: a server that marks somebody would name the one that all others see
 * @typedef {{period: string, n: string, prepared: string, blinded?: string, inverse?: string, token?: string, from?: number}} Kept
 *   `from`: when it may be shown, in milliseconds of this device's clock
 */

import { blind, finalize, prepare, publicKey } from "./blind.js";

const NONCE_BYTES = 32;
/** The two random parts of a prepared message; the rest of it everybody knows. */
const OWN_BYTES = 64;
const FINGERPRINT_BYTES = 10;
/** The wait is drawn from this part of the longest one upwards: without a wait at all it would tell the most. */
const LEAST = 1 / 3;

/** Why there is no pass: as the server says it, or "offline", "insecure", "changed". */
export class NoPass extends Error {
  /** @param {string} code @param {number} [status] */
  constructor(code, status = 0) {
    super(code);
    this.code = code;
    /** Whether it may be otherwise in a moment. */
    this.passes = code === "offline" || status === 503;
  }
}

export class Pass {
  /** What the room asked for when it was asked last. @type {Wanted | null} */
  wanted = null;

  /**
   * @param {string} room
   * @param {import("./keep.js").Keep} keep
   * @param {{now: () => number, fetch: typeof fetch}} env
   */
  constructor(room, keep, env) {
    this.room = room;
    this.keep = keep;
    this.env = env;
  }

  /** @returns {Kept | null} */
  get #kept() {
    return this.keep.get(`chatd.pass.${this.room}`);
  }

  /** What is shown at the door; null where there is none. */
  get token() {
    return this.#kept?.token ?? null;
  }

  /** For how many milliseconds it had better not be shown yet. */
  get early() {
    return Math.max(0, (this.#kept?.from ?? 0) - this.env.now());
  }

  /** Have the pass that the room asks for just now. @param {string | null} ticket who one is, where no cookie says it */
  async ask(ticket) {
    if (globalThis.crypto?.subtle === undefined) throw new NoPass("insecure");
    const told = await this.#fetched(`/api/rooms/${encodeURIComponent(this.room)}/pass`, { credentials: "omit" });
    const wanted = { ...told, fingerprint: await fingerprint(told.key) };
    this.wanted = wanted;
    const { period, key } = wanted;
    const last = this.#kept;
    const before = last?.period === period ? last : null;
    // The room has one key a period for everybody. Another one would be for somebody in particular.
    if (before !== null && before.n !== key.n) throw new NoPass("changed");
    if (before?.token) return;
    const issuer = await imported(key);
    const asked = before !== null ? revived(before) : await blind(issuer, prepare(message(this.room, period)));
    const { prepared, blinded, inverse } = asked;
    /** @type {Kept} */
    const kept = { period, n: key.n, prepared: write(prepared) };
    this.#keep({ ...kept, blinded: write(blinded), inverse: inverse.toString(16) });
    const answer = await this.#fetched(`${wanted.issuer}/issuer/pass`, {
      method: "POST",
      headers: { "content-type": "application/json", ...(ticket !== null && { authorization: `Bearer ${ticket}` }) },
      // A cookie says who one is, where the issuer is here; to another it is never sent.
      credentials: wanted.issuer === "" ? "same-origin" : "omit",
      body: JSON.stringify({ room: this.room, period, blinded: write(blinded) }),
    });
    const signature = await finalize(issuer, asked, read(answer.blind_signature));
    const own = new Uint8Array([...prepared.subarray(0, OWN_BYTES), ...signature]);
    const wait = wanted.wait_s * 1000 * (LEAST + (1 - LEAST) * random());
    this.#keep({ ...kept, token: `${period}.${write(own)}`, from: this.env.now() + wait });
  }

  /** @param {Kept} kept */
  #keep(kept) {
    this.keep.set(`chatd.pass.${this.room}`, kept);
  }

  /** @param {string} address @param {RequestInit} how */
  async #fetched(address, how) {
    let answer;
    try {
      answer = await this.env.fetch(address, { ...how, cache: "no-store", referrerPolicy: "no-referrer" });
    } catch {
      throw new NoPass("offline");
    }
    const said = await answer.json().catch(() => ({}));
    if (!answer.ok) throw new NoPass(String(said.code ?? `http_${answer.status}`), answer.status);
    return said;
  }
}

/** @param {string} room @param {string} period */
function message(room, period) {
  const about = new TextEncoder().encode(`${room}\0${period}`);
  return new Uint8Array([...crypto.getRandomValues(new Uint8Array(NONCE_BYTES)), ...about]);
}

/** 80 bits of the key's thumbprint (RFC 7638), as `chatd/passes/keys.py` writes them. @param {{n: string, e: string}} key */
async function fingerprint({ n, e }) {
  const thumb = new TextEncoder().encode(JSON.stringify({ e, kty: "RSA", n }));
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", thumb)).subarray(0, FINGERPRINT_BYTES);
  return Array.from(digest, (byte, at) => (at > 0 && at % 2 === 0 ? " " : "") + byte.toString(16).padStart(2, "0")).join("");
}

/** @param {{n: string, e: string}} key */
async function imported({ n, e }) {
  const algorithm = { name: "RSA-PSS", hash: "SHA-384" };
  const key = await crypto.subtle.importKey("jwk", { kty: "RSA", n, e, ext: true }, algorithm, true, ["verify"]);
  return publicKey(new Uint8Array(await crypto.subtle.exportKey("spki", key)));
}

/** What was asked before and not answered. @param {Kept} kept @returns {import("./blind.js").Asked} */
function revived({ prepared, blinded = "", inverse = "0" }) {
  return { prepared: read(prepared), blinded: read(blinded), inverse: BigInt(`0x${inverse}`) };
}

function random() {
  return (crypto.getRandomValues(new Uint32Array(1))[0] ?? 0) / 2 ** 32;
}

/** @param {Uint8Array} bytes @returns {string} base64url (RFC 4648, section 5) */
function write(bytes) {
  return btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** @param {string} text */
function read(text) {
  const raw = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(raw, (one) => one.charCodeAt(0));
}
