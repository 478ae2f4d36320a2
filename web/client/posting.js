/**
 * What the two ways without a WebSocket share: frames go out by POST, a seat is shown with them, and
 * to its owner the whole looks like one WebSocket.
 *
 * - One request is under way at a time, so that the room gets things in the order they were said; what
 *   gathers meanwhile goes in the next.
 * - A request that fails says nothing of what it carried. It is sent again a few times, as it is:
 *   posts have keys, and everything else may be said twice. After that the line counts as lost.
 * - One line sits in one room. `join` is the subclass's business: what comes in, comes its way.
 */

/** How long a POST may take; a proxy may hold it for ever. */
const WITHIN_MS = 12_000;
const PAUSES_MS = [300, 1_200];
const MAX_WAITING = 64;
const MAX_FRAMES = 16;
/** Proxies often take no more than 16 KiB in one body. */
const MAX_BODY = 14_000;
const LONGEST_RETRY_S = 10;
/** What filters answer to words that they do not like; a seat that is none is told in frames. */
const NOT_PASSED = [400, 403, 406, 422];
/** In the way of a WebSocket's states. */
const OPEN = 1;
const CLOSED = 3;

/**
 * @typedef {import("./connection.js").Env} Env
 * @typedef {{text: string, frame: any}} Said one frame, as it goes out and as it can be read
 * @typedef {{status: number, retryAfterS: number, text: string}} Answered `status` 0: there was no answer
 */

/** Fetch options that every request shares. Same-origin cookies are a gateway's, not ours. @type {RequestInit} */
export const QUIETLY = { cache: "no-store", credentials: "same-origin", redirect: "error", referrerPolicy: "no-referrer" };

/**
 * One POST, to its end. Never throws.
 *
 * @param {Env} env @param {string} url @param {string} body JSON
 * @param {{signal?: AbortSignal, withinMs?: number, keepalive?: boolean}} [how]
 * @returns {Promise<Answered>}
 */
export async function post(env, url, body, { signal, withinMs = WITHIN_MS, keepalive = false } = {}) {
  const abort = new AbortController();
  const give = () => abort.abort();
  const timer = env.after(give, withinMs);
  signal?.addEventListener("abort", give);
  try {
    const answer = await /** @type {typeof fetch} */ (env.fetch)(url, {
      ...QUIETLY, method: "POST", body, keepalive, headers: { "content-type": "application/json" }, signal: abort.signal,
    });
    const retryAfterS = Number(answer.headers.get("retry-after")) || 0;
    return { status: answer.status, retryAfterS, text: await answer.text() };
  } catch {
    return { status: 0, retryAfterS: 0, text: "" };
  } finally {
    env.cancel(timer);
    signal?.removeEventListener("abort", give);
  }
}

/** JSON as an object, or null: a proxy may answer for the server, with a page of its own. @param {string} text */
export function read(text) {
  try {
    const value = JSON.parse(text);
    return value !== null && typeof value === "object" ? value : null;
  } catch {
    return null;
  }
}

/** Whether asking again the same way is in vain. @param {number} status 0: there was no answer */
export function refusedForGood(status) {
  return status >= 400 && status < 500 && status !== 408 && status !== 429;
}

export class Posting {
  readyState = 0;
  /** @type {(() => void) | null} */
  onopen = null;
  /** @type {((message: {data: string}) => void) | null} */
  onmessage = null;
  /** @type {((ended: {code: number, unfit?: boolean}) => void) | null} */
  onclose = null;

  /** Whether slowness is no sign that this way is shut: it worked before. */
  patient = false;
  /** The token of the seat one has, or null. @type {string | null} */
  seat = null;
  /** @type {Said[]} */
  #waiting = [];
  #sending = false;

  /** @param {string} base where `/send` and the others lie @param {Env} env */
  constructor(base, env) {
    this.base = base;
    this.env = env;
  }

  /** The server was found to be there: frames may go out. */
  stand() {
    this.readyState = OPEN;
  }

  /** @param {string} text one frame */
  send(text) {
    if (this.readyState !== OPEN) return;
    const frame = JSON.parse(text);
    if (frame.t === "join") {
      this.seat = frame.seat ?? null;
      this.enter(frame);
      return;
    }
    if (this.#waiting.length >= MAX_WAITING) {
      this.#refuse(frame, "busy", "The server is very busy. Your words are kept; send them again in a moment.");
      return;
    }
    this.#waiting.push({ text, frame });
    if (!this.#sending) void this.#pump();
  }

  close() {
    if (this.readyState === CLOSED) return;
    const leaving = this.#waiting.find(({ frame }) => frame.t === "leave");
    this.#shut();
    // Whoever leaves may close the page with it.
    if (leaving) void this.#post([leaving], true);
  }

  // ---- for the subclass ---------------------------------------------------------------------

  /** Take a seat, and hear the room from then on. @param {any} _join the frame */
  enter(_join) {}

  /** Stop hearing the room. */
  quit() {}

  /** There is no seat here any more; another `join` may come. */
  unseated() {
    this.seat = null;
    this.quit();
  }

  /** A frame from the server. @param {any} frame @param {string} text the same */
  hear(frame, text) {
    if (frame.t === "joined") this.seat = frame.seat;
    else if (frame.t === "erased") this.unseated();
    this.onmessage?.({ data: text });
  }

  /** The line is over. @param {number} code @param {boolean} [unfit] this way does not work here */
  end(code, unfit = false) {
    if (this.readyState === CLOSED) return;
    this.#shut();
    this.onclose?.({ code, unfit });
  }

  // ---- what goes out --------------------------------------------------------------------------

  async #pump() {
    this.#sending = true;
    // What is said in one turn goes together.
    await Promise.resolve();
    while (this.readyState === OPEN && this.#waiting.length > 0) {
      const batch = this.#batch();
      // A handle is drawn without a seat; everything else needs one.
      if (this.seat === null && batch[0]?.frame.t !== "draw") {
        const sentence = "You have no seat in this room just now. Join it, then try again.";
        this.#turnBack(batch, "not_joined", sentence);
      } else await this.#carry(batch);
    }
    this.#sending = false;
  }

  /** The next frames that may go together; they stay in the queue until they were answered. */
  #batch() {
    const draws = this.#waiting[0]?.frame.t === "draw";
    /** @type {Said[]} */
    const batch = [];
    let size = 0;
    for (const one of this.#waiting.slice(0, MAX_FRAMES)) {
      size += one.text.length;
      if ((one.frame.t === "draw") !== draws || (batch.length > 0 && size > MAX_BODY)) break;
      batch.push(one);
    }
    return batch;
  }

  /** @param {Said[]} batch the first of those that wait */
  async #carry(batch) {
    for (let attempt = 0; ; attempt++) {
      const { status, retryAfterS, text } = await this.#post(batch);
      if (this.readyState !== OPEN) return;
      const frames = status === 200 ? read(text)?.frames : undefined;
      if (Array.isArray(frames)) {
        this.#waiting.splice(0, batch.length);
        for (const frame of frames) if (this.readyState === OPEN) this.hear(frame, JSON.stringify(frame));
        return;
      }
      if (status === 413) {
        this.#turnBack(batch, "text_too_long", "Something on the way to the server takes no message of this length. Send it in parts.");
        return;
      }
      const pause = PAUSES_MS[attempt];
      // Some filters answer with a page of their own and say that all is well. One may pass by itself (a
      // login to the network); who says it every time means these words.
      const refused = NOT_PASSED.includes(status) || (status === 200 && pause === undefined);
      // Another line would carry the same words, to the same end.
      if (refused && batch.some(({ frame }) => frame.t === "post")) {
        this.#turnBack(batch, "not_passed", "Something on the way to the server did not let this through. Your words are kept: change them, or show this to IT.");
        return;
      }
      if (pause === undefined || refusedForGood(status)) {
        this.end(1006);
        return;
      }
      await this.pause(Math.max(pause, Math.min(retryAfterS, LONGEST_RETRY_S) * 1000));
      if (this.readyState !== OPEN) return;
    }
  }

  /** @param {Said[]} batch @param {boolean} [keepalive] */
  #post(batch, keepalive = false) {
    const seat = batch[0]?.frame.t === "draw" || this.seat === null ? "" : `"seat":${JSON.stringify(this.seat)},`;
    const frames = batch.map(({ text }) => text).join(",");
    return post(this.env, `${this.base}/send`, `{${seat}"frames":[${frames}]}`, { keepalive });
  }

  /** @param {number} ms @returns {Promise<void>} */
  pause(ms) {
    return new Promise((resolve) => this.env.after(resolve, ms));
  }

  /** @param {Said[]} batch the first of those that wait @param {string} code @param {string} message */
  #turnBack(batch, code, message) {
    this.#waiting.splice(0, batch.length);
    for (const { frame } of batch) this.#refuse(frame, code, message);
  }

  /** Answer for the server. @param {any} frame @param {string} code @param {string} message */
  #refuse(frame, code, message) {
    if (frame.id === undefined) return;
    const error = { t: "error", id: frame.id, code, message, ...(code === "busy" ? { retry_after_s: 1 } : {}) };
    queueMicrotask(() => this.onmessage?.({ data: JSON.stringify(error) }));
  }

  #shut() {
    this.readyState = CLOSED;
    this.#waiting = [];
    this.quit();
  }
}
