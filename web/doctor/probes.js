/**
 * What a page can measure of the way to its server: one function per check, each with a bound.
 *
 * Everything it touches comes in as an `Env`, so that tests can stand in for browser and network. None
 * of these throws for what a network can do. Nothing is joined and nothing is left behind: rooms are
 * only asked for what they refuse. The terminal does the same in chatd/doctor/url.py.
 *
 * @typedef {import("./judge.js").Seen} Seen
 * @typedef {import("./judge.js").Words} Words
 * @typedef {import("./judge.js").Limits} Limits
 * @typedef {import("./judge.js").Quiet} Quiet
 * @typedef {import("./judge.js").Socket} Socket
 *
 * @typedef {object} Env
 * @property {typeof fetch} fetch
 * @property {(new (url: string, protocol: string) => WebSocket) | undefined} WebSocket undefined where there is none
 * @property {() => number} now milliseconds, steady
 * @property {() => number} wall Unix milliseconds, as this device's clock has it
 * @property {(act: () => void, ms: number) => unknown} after
 * @property {{origin: string, protocol: string, hostname: string}} location
 * @property {() => Storage} storage naming it may throw already
 * @property {boolean} framed this page is shown inside another one
 *
 * @typedef {{status: number | null, ms: number, fields: [string, string][], text: string}} Answer
 */

import { SUBPROTOCOL } from "../client/wire.js";
import { cut, productsOf, quietTimes } from "./judge.js";
import { ROOM, Talk } from "./talk.js";

/** Refused by every server: by most because there is no such room, by all because this is no seat. */
const JOIN = { t: "join", id: 1, room: ROOM, seat: ROOM };
/** Something to send: nobody leaves who has not come. */
const SENT = JSON.stringify({ frames: [{ t: "leave", id: 1, room: ROOM }] });
/** The longest post there may be: 16 KiB in one message. */
const LONG_TEXT = "\u{1F90D}".repeat(4_000);
const SIZES_KIB = [1, 16, 60];
/** How long the stream goes on that shows what is held back: longer than a page waits (`live_s`). */
const STREAM_FOR_S = 3;
/** How much later than due something may come. */
const GRACE_S = 2;
/** What is left to an answer that is asked for after the end. */
const HAIR_S = 0.1;
/** What `listen` calls the beginning; no event is called like that. */
const FIRST = "first bytes";
const LOOPBACK = /^(localhost|127\.[0-9.]+|\[::1\])$/;

/**
 * Everything that can be seen from a page, within `budget_s` unless `idle` asks for more.
 *
 * @param {Env} env @param {Words} words
 * @param {number | null} idle for how many seconds to keep connections quiet
 * @param {(seen: Seen) => void} tell called whenever something more was seen, with all of it
 * @returns {Promise<Seen>}
 */
export async function measure(env, words, idle, tell) {
  const endsAt = env.now() + (words.limits.budget_s + (idle ?? 0)) * 1000;
  const limits = within(env, words.limits, endsAt);
  /** @type {Seen} */
  const seen = {};
  /** @param {Seen} more */
  const add = (more) => tell(Object.assign(seen, more));

  add({ storage: { session: remembers(env) }, frame: { ...NO_FRAME, inside: env.framed } });
  const before = env.wall();
  const first = await ask(env, "GET", "/doctor/seen", null, limits.answer_s);
  const arrived = read(first);
  const ours = first.status === 200 && arrived["chatd"] === 1;
  const { protocol, hostname } = env.location;
  add({
    products: productsOf(first.fields, words),
    server: { status: first.status, chatd: ours, version: ours ? String(arrived["http"] ?? "").slice(0, 3) : "" },
    certificate: {
      scheme: protocol.replace(":", ""),
      local: LOOPBACK.test(hostname),
      behind: String(arrived["forwarded"] ?? ""),
      via: arrived["via"] === true || first.fields.some(([name]) => name === "via"),
    },
    clock: { off_s: offSeconds(first, before) },
  });

  const quietS = idle ?? Math.min(limits.idle_s, Math.floor((endsAt - env.now()) / 1000 - GRACE_S - 1));
  const socket = tryWebSocket(env, limits, () => Math.min(quietS, Math.floor((endsAt - env.now()) / 1000 - 1)));
  const quiet = quietTimes(quietS).map((silentS) => keepQuiet(env, silentS));
  await Promise.all([
    socket.seen.then((websocket) => add({ websocket })),
    tryStream(env, limits).then((stream) => add({ stream, buffering: stream })),
    tryPolling(env, limits).then((polling) => add({ polling })),
    trySpeed(env, limits).then(async (latency) => {
      add({ latency });
      add({ sending: await trySending(env, limits) });
    }),
    Promise.all([socket.quiet, ...quiet]).then((all) => add({ idle: all.flatMap((one) => one ?? []) })),
  ]);
  return seen;
}

/**
 * The same limits, with an end over all: as that comes nearer, an answer has less time to come, down to a
 * hair. A path on which everything takes just under its bound would else take many times that.
 *
 * @param {Env} env @param {Limits} limits @param {number} endsAt @returns {Limits}
 */
function within(env, limits, endsAt) {
  const left = () => Math.max(HAIR_S, (endsAt - env.now()) / 1000);
  return {
    ...limits,
    get answer_s() {
      return Math.min(limits.answer_s, left());
    },
    get first_byte_s() {
      return Math.min(limits.first_byte_s, left());
    },
  };
}

/** Of a frame that was not asked about. */
const NO_FRAME = { inside: false, host: null, own: "", status: null, policies: "", options: "" };

/**
 * What the page that is put into frames says about who may do so.
 *
 * @param {Env} env @param {Limits} limits @param {string} host an origin @param {string} room
 * @returns {Promise<import("./judge.js").Frame>}
 */
export async function tryFrame(env, limits, host, room) {
  const { status, fields } = await ask(env, "GET", `/embed/${room || ROOM}`, null, limits.answer_s);
  const all = new Map(fields);
  return {
    inside: env.framed,
    host,
    own: env.location.origin,
    status,
    policies: all.get("content-security-policy") ?? "",
    options: all.get("x-frame-options") ?? "",
  };
}

/** Whether a reload will be the same person. @param {Env} env */
function remembers(env) {
  try {
    const storage = env.storage();
    storage.setItem("chatd.doctor", "1");
    const kept = storage.getItem("chatd.doctor") === "1";
    storage.removeItem("chatd.doctor");
    return kept;
  } catch {
    return false;
  }
}

/** How far this clock is ahead of the server's. A Date has whole seconds: it is half a second older. @param {Answer} answer @param {number} before */
function offSeconds(answer, before) {
  const said = Date.parse(new Map(answer.fields).get("date") ?? "");
  return Number.isNaN(said) ? null : Math.round((before + answer.ms / 2 - said - 500) / 1000);
}

// ---- HTTP ----------------------------------------------------------------------------------------

/**
 * One request and its whole answer; `status` null where none came in time.
 *
 * @param {Env} env @param {string} method @param {string} path @param {string | null} body @param {number} withinS
 * @returns {Promise<Answer>}
 */
async function ask(env, method, path, body, withinS) {
  const begun = env.now();
  const abort = new AbortController();
  env.after(() => abort.abort(), withinS * 1000);
  try {
    const response = await env.fetch(path, request(method, body, abort.signal));
    const text = await response.text();
    const status = response.type === "opaqueredirect" ? 302 : response.status;
    return { status, ms: env.now() - begun, fields: [...response.headers], text };
  } catch {
    return { status: null, ms: env.now() - begun, fields: [], text: "" };
  }
}

/** @param {string} method @param {string | null} body @param {AbortSignal} signal @returns {RequestInit} */
function request(method, body, signal) {
  /** @type {Record<string, string>} */
  const headers = body === null ? {} : { "content-type": "application/json" };
  return { method, body, headers, signal, cache: "no-store", redirect: "manual" };
}

/** The JSON object in an answer; an empty one where there is none. @param {Answer} answer @returns {Record<string, unknown>} */
function read(answer) {
  try {
    const found = JSON.parse(answer.text);
    return found !== null && typeof found === "object" ? found : {};
  } catch {
    return {};
  }
}

/**
 * Tells `heard` of each event of a stream and of when it came, until it returns true, or the stream ends.
 * Before all others, of the first bytes (`FIRST`), which need not be a whole event.
 *
 * @param {Env} env @param {string} path @param {number} withinS @param {(name: string, ms: number) => boolean} heard
 * @returns {Promise<{status: number | null, events: boolean, ms: number}>} `ms`: when it was over
 */
async function listen(env, path, withinS, heard) {
  const begun = env.now();
  const abort = new AbortController();
  const head = { status: /** @type {number | null} */ (null), events: false };
  env.after(() => abort.abort(), withinS * 1000);
  try {
    const response = await env.fetch(path, request("GET", null, abort.signal));
    head.status = response.type === "opaqueredirect" ? 302 : response.status;
    head.events = (response.headers.get("content-type") ?? "").includes("text/event-stream");
    if (head.status === 200 && head.events && response.body !== null) {
      await eachEvent(response.body.getReader(), (name) => heard(name, env.now() - begun));
    }
  } catch {
    // A stream that breaks ends like one that does not: the events tell.
  }
  const ms = env.now() - begun;
  abort.abort();
  return { ...head, ms };
}

/**
 * The names of the events (WHATWG HTML, section 9.2.6), "message" where one has none.
 *
 * @param {ReadableStreamDefaultReader<Uint8Array>} reader @param {(name: string) => boolean} heard
 */
async function eachEvent(reader, heard) {
  const decoder = new TextDecoder();
  let kept = "";
  for (let turn = 0; ; turn++) {
    const { done, value } = await reader.read();
    if (done || (turn === 0 && heard(FIRST))) return;
    const events = (kept + decoder.decode(value, { stream: true })).replaceAll("\r\n", "\n").split("\n\n");
    kept = events.pop() ?? "";
    for (const event of events) {
      const lines = event.split("\n").filter((line) => line !== "" && !line.startsWith(":"));
      const names = lines.filter((line) => line.startsWith("event:"));
      if (lines.length > 0 && heard(names.pop()?.slice(6).trim() ?? "message")) return;
    }
  }
}

/** What comes of a stream, and when; then whether the one that rooms use is let through. @param {Env} env @param {Limits} limits */
async function tryStream(env, limits) {
  /** @type {Record<string, number>} */
  const came = {};
  const path = `/probe?for_s=${STREAM_FOR_S}`;
  const { status, events } = await listen(env, path, STREAM_FOR_S + limits.first_byte_s, (name, ms) => {
    came[name] ??= Math.round(ms);
    return "live" in came;
  });
  const seen = { status, events, first_ms: came[FIRST] ?? null, live_ms: came["live"] ?? null, post: /** @type {number | null} */ (null) };
  if (seen.first_ms !== null) seen.post = (await ask(env, "POST", "/sse", JSON.stringify(JOIN), limits.answer_s)).status;
  return seen;
}

/**
 * A stream on which nothing is said for `silentS`. Null where there was none to begin with.
 *
 * @param {Env} env @param {number} silentS @returns {Promise<Quiet | null>}
 */
async function keepQuiet(env, silentS) {
  let last = "";
  let at = 0;
  const { ms } = await listen(env, `/probe?for_s=${silentS}&every_s=${silentS}`, silentS + GRACE_S, (name, when) => {
    [last, at] = [name, when];
    return name === "tick";
  });
  if (last === "") return null;
  if (last === "tick") return { s: silentS, held: true, cut_s: null };
  // Timers may be early by a hair.
  return ms + 50 >= (silentS + GRACE_S) * 1000 ? { s: silentS, held: false, cut_s: null } : cut(silentS, ms - at);
}

/** @param {Env} env @param {Limits} limits */
async function tryPolling(env, limits) {
  const answer = await ask(env, "POST", "/poll", JSON.stringify({ join: JOIN, wait_s: 1 }), limits.answer_s);
  return { status: answer.status, chatd: "frames" in read(answer), ms: Math.round(answer.ms) };
}

/** Small bodies, as the page sends them. @param {Env} env @param {Limits} limits */
async function trySpeed(env, limits) {
  const rounds = [];
  for (let round = 0; round < limits.tries; round++) {
    const { status, ms } = await ask(env, "POST", "/probe", "{}", limits.answer_s);
    if (status === null) return { median_ms: null, tries: 0 };
    rounds.push(ms);
  }
  return { median_ms: median(rounds), tries: rounds.length };
}

/** @param {number[]} values of which there is at least one */
function median(values) {
  return Math.round([...values].sort((one, other) => one - other)[Math.floor(values.length / 2)] ?? 0);
}

/** @param {Env} env @param {Limits} limits */
async function trySending(env, limits) {
  let passed = 0;
  for (const kib of SIZES_KIB) {
    // Space between the parts of JSON means nothing, so any size is a message that can be read.
    const body = `${SENT.slice(0, -1).padEnd(kib * 1024 - 1)}}`;
    const answer = await ask(env, "POST", "/send", body, limits.answer_s);
    if (answer.status !== 200 || !("frames" in read(answer))) {
      return { passed_kib: passed, lost_kib: kib, status: answer.status };
    }
    passed = kib;
  }
  return { passed_kib: passed, lost_kib: 0, status: null };
}

// ---- WebSocket -----------------------------------------------------------------------------------

/**
 * A handshake, an echo, a long message (`seen`); and then the same connection kept quiet (`quiet`).
 *
 * @param {Env} env @param {Limits} limits @param {() => number} quietS asked when the rest is done
 * @returns {{seen: Promise<Socket>, quiet: Promise<Quiet | null>}}
 */
function tryWebSocket(env, limits, quietS) {
  const none = { there: true, opened: false, echoed: false, large: false, ms: 0 };
  const Kind = env.WebSocket;
  if (Kind === undefined) return { seen: Promise.resolve({ ...none, there: false }), quiet: Promise.resolve(null) };
  let socket;
  try {
    socket = new Kind(`${env.location.origin.replace(/^http/, "ws")}/ws`, SUBPROTOCOL);
  } catch {
    return { seen: Promise.resolve(none), quiet: Promise.resolve(null) };
  }
  const talk = new Talk(env, socket, () => limits.answer_s * 1000);
  const seen = (async () => {
    if (!(await talk.opened())) return none;
    const rounds = [];
    for (let round = 0; round < limits.tries; round++) {
      const begun = env.now();
      if (!(await talk.echo())) return { ...none, opened: true };
      rounds.push(env.now() - begun);
    }
    const large = await talk.ask({ t: "post", id: 2, room: ROOM, key: ROOM, text: LONG_TEXT });
    return { ...none, opened: true, echoed: true, large, ms: median(rounds) };
  })();
  const quiet = seen.then(async ({ large }) => {
    const forS = quietS();
    const held = large && forS >= 1 ? await talk.quiet(forS) : null; // else what came before took all the time
    socket.close();
    return held;
  });
  return { seen, quiet };
}
