/**
 * The ways without a WebSocket, and how to find out which of them works here. Loaded when needed.
 *
 * A page behind a proxy cannot ask what the proxy does, only try: whether a POST arrives, and whether
 * a small piece of a stream comes through at once or is held back. From one way to another the seat comes
 * along by `join`, with its token and `after`, so no change loses or doubles anything.
 */

import { Polling } from "./polling.js";
import { QUIETLY, post } from "./posting.js";
import { Several } from "./several.js";
import { Events, Stream, isStream } from "./stream.js";

/** How long the server may take to answer at all. */
export const THERE_MS = 8_000;
/** Once it has: how long the stream may take to show itself. */
export const SHOWN_MS = 2_000;
/** For so many seconds the probe goes on, so that a proxy that waits for its end is told apart. */
const FOR_S = 4;

/**
 * @typedef {import("./choose.js").Way} Way
 * @typedef {{code: number, unfit?: boolean}} Ended as a WebSocket's close; `unfit`: this way does not work here
 *
 * @typedef {object} Line what a WebSocket is to us, and the other ways are as well
 * @property {number} readyState
 * @property {(text: string) => void} send one frame
 * @property {(code?: number) => void} close
 * @property {(() => void) | null} onopen
 * @property {((message: {data: any}) => void) | null} onmessage
 * @property {((ended: Ended) => void) | null} onclose
 * @property {boolean} [stale] it has heard nothing for so long that it is probably dead
 *
 * @typedef {{way: Way, line: Line}} Open a line that is open
 *
 * @typedef {object} Owner whoever has a line
 * @property {() => object | null} hello a frame that is answered whoever asks; null trusts `onopen`
 * @property {() => boolean} free whether the line may be changed just now
 * @property {(line: import("./choose.js").Attempt) => void} better take this line, which is open, instead
 *
 * @typedef {import("./connection.js").Env} Env
 */

/**
 * A line over the best way that stands, or null where none does. One that carried frames in this page's
 * life is only asked whether the server is there; a stream that did so on another day is tried again.
 *
 * @param {import("./choose.js").Ways} ways
 * @param {Way | null} last the way that worked last
 * @returns {Promise<Open | null>}
 */
export async function find(ways, last) {
  const { base, env, found, proven } = ways;
  ways.found = false;
  let way = last;
  if (last === null || (last === "sse" && !found && !proven.has(last))) way = await explore(base, env);
  else if (!found && !(await reachable(base, env))) way = null;
  if (way === null) return null;
  const another = () => (way === "poll" ? new Polling(base, env) : new Stream(base, env));
  const line = another();
  line.patient = proven.has(way);
  line.stand();
  return { way, line: new Several(line, another) };
}

/**
 * Whether the server answers a POST.
 *
 * @param {string} base @param {Env} env
 */
async function reachable(base, env) {
  const { status } = await post(env, `${base}/probe`, "{}", { withinMs: THERE_MS });
  return status === 200;
}

/**
 * The better of the two ways that works here, or null where neither does.
 *
 * @param {string} base @param {Env} env
 * @returns {Promise<"sse" | "poll" | null>}
 */
async function explore(base, env) {
  const abort = new AbortController();
  const streamed = streams(base, env, abort.signal);
  try {
    if (!(await reachable(base, env))) return null;
    /** @type {number} */
    let timer = 0;
    const late = new Promise((resolve) => {
      timer = env.after(() => resolve(false), SHOWN_MS);
    });
    const good = await Promise.race([streamed, late]);
    env.cancel(timer);
    return good ? "sse" : "poll";
  } finally {
    abort.abort();
  }
}

/**
 * Whether a stream comes through piece by piece. A server with too many probes to answer this one counts
 * as yes: the stream itself finds out then.
 *
 * @param {string} base @param {Env} env @param {AbortSignal} signal
 */
async function streams(base, env, signal) {
  try {
    const answer = await /** @type {typeof fetch} */ (env.fetch)(`${base}/probe?for_s=${FOR_S}`, { ...QUIETLY, signal });
    if (answer.status === 503 || answer.status === 429) return true;
    if (!isStream(answer)) return false;
    const reader = /** @type {ReadableStream<Uint8Array>} */ (answer.body).getReader();
    const events = new Events();
    const decoder = new TextDecoder();
    for (;;) {
      const { done, value } = await reader.read();
      if (done || events.overfull) return false;
      if (events.feed(decoder.decode(value, { stream: true })).some(({ event }) => event === "live")) return true;
    }
  } catch {
    return false;
  }
}
