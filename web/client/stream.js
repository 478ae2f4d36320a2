/**
 * The room as a stream of events over one HTTP answer ("sse"), for networks that carry no WebSocket.
 *
 * `fetch` reads it, not `EventSource`, because a seat is shown in the body of a POST and never in an
 * address. The server sends something every 15 s, so silence is death here. Where something on the
 * way holds the stream back, its first bytes or the small `live` event do not come in time: then the
 * line ends as unfit, and another way is taken.
 */

import { Posting, QUIETLY, refusedForGood } from "./posting.js";

/** From the request to the answer, where it is not known that streams work here. */
export const FIRST_MS = 4_000;
/** From the answer to `live`, which the server sends a quarter of a second after it. */
export const LIVE_MS = 2_000;
/** More than two keep-alives. */
export const QUIET_MS = 35_000;
/** From here on a line that was asleep with its device is not worth asking. */
const STALE_MS = 20_000;
/** Longest event, in characters: a long recovery is megabytes. */
const MAX_EVENT = 32 * 1024 * 1024;
/** Who asks to come back so late does not stream at all. */
const NEVER_S = 600;
const LOST = 1006;

/**
 * Reads an event stream as it comes, in pieces of any size (HTML, "Server-sent events", 9.2.6). Lines end
 * with LF or CR LF, as our server writes them.
 */
export class Events {
  #rest = "";
  #seen = 0;
  #event = "message";
  /** @type {string[]} */
  #data = [];

  /** Whether what is held is more than any event of ours. */
  get overfull() {
    return this.#rest.length > MAX_EVENT;
  }

  /** @param {string} text @returns {{event: string, data: string}[]} the events that are whole now */
  feed(text) {
    /** @type {{event: string, data: string}[]} */
    const events = [];
    this.#rest += text;
    let from = 0;
    for (let end; (end = this.#rest.indexOf("\n", Math.max(from, this.#seen))) >= 0; from = end + 1) {
      const line = this.#rest.slice(from, end).replace(/\r$/, "");
      if (line === "") {
        if (this.#data.length > 0) events.push({ event: this.#event, data: this.#data.join("\n") });
        this.#event = "message";
        this.#data = [];
      } else if (!line.startsWith(":")) this.#field(line);
    }
    this.#rest = this.#rest.slice(from);
    this.#seen = this.#rest.length;
    return events;
  }

  /** @param {string} line */
  #field(line) {
    const colon = line.indexOf(":");
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (name === "event") this.#event = value;
    else if (name === "data") this.#data.push(value);
  }
}

/**
 * Whether an answer is an event stream, and not a page that a proxy put in its place.
 *
 * @param {Response} answer
 */
export function isStream(answer) {
  return answer.ok && answer.body !== null && (answer.headers.get("content-type") ?? "").startsWith("text/event-stream");
}

export class Stream extends Posting {
  /** @type {AbortController | null} */
  #abort = null;
  #heardAt = 0;
  /** @type {number | null} */
  #timer = null;

  get stale() {
    return this.#abort !== null && this.env.now() - this.#heardAt > STALE_MS;
  }

  /** @override @param {any} join */
  enter(join) {
    this.quit();
    const abort = new AbortController();
    this.#abort = abort;
    this.#heardAt = this.env.now();
    this.#arm(this.patient ? QUIET_MS : FIRST_MS, !this.patient);
    void this.#listen(join, abort);
  }

  /** @override */
  quit() {
    this.#disarm();
    this.#abort?.abort();
    this.#abort = null;
  }

  /** @param {any} join @param {AbortController} abort */
  async #listen(join, abort) {
    const events = new Events();
    const decoder = new TextDecoder();
    let entered = false;
    let live = false;
    try {
      const answer = await /** @type {typeof fetch} */ (this.env.fetch)(`${this.base}/sse`, {
        ...QUIETLY, method: "POST", body: JSON.stringify(join), headers: { "content-type": "application/json" }, signal: abort.signal,
      });
      if (abort !== this.#abort) return;
      if (!isStream(answer)) {
        // Either the server, or what stands before it, is busy or away; or nobody streams here.
        const never = answer.ok || refusedForGood(answer.status) || Number(answer.headers.get("retry-after")) > NEVER_S;
        this.end(LOST, never);
        return;
      }
      const reader = /** @type {ReadableStream<Uint8Array>} */ (answer.body).getReader();
      for (;;) {
        const { done, value } = await reader.read();
        if (abort !== this.#abort) return;
        if (done || events.overfull) break;
        this.#heardAt = this.env.now();
        for (const { event, data } of events.feed(decoder.decode(value, { stream: true }))) {
          if (event === "live") live = true;
          else if (event === "close") {
            this.end(codeOf(data));
            return;
          } else if (event === "message") {
            const frame = JSON.parse(data);
            if ((frame.t === "error" || frame.t === "waiting") && frame.id === join.id && !entered) {
              // No seat yet, so no stream; what is said next may be another join.
              this.unseated();
              this.hear(frame, data);
              return;
            }
            if (frame.t === "joined") {
              entered = true;
              this.#arm(LIVE_MS, true);
            }
            this.hear(frame, data);
            if (abort !== this.#abort) return;
          }
        }
        if (live) this.#arm(QUIET_MS, false);
      }
    } catch {
      // The network, or a frame that is none: lost either way.
    }
    if (abort === this.#abort) this.end(LOST);
  }

  /** @param {number} ms @param {boolean} unfit what silence until then says about this way */
  #arm(ms, unfit) {
    this.#disarm();
    this.#timer = this.env.after(() => this.end(LOST, unfit), ms);
  }

  #disarm() {
    if (this.#timer !== null) this.env.cancel(this.#timer);
    this.#timer = null;
  }
}

/** @param {string} data of the `close` event */
function codeOf(data) {
  try {
    const { code } = JSON.parse(data);
    return typeof code === "number" ? code : LOST;
  } catch {
    return LOST;
  }
}
