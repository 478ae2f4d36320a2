/**
 * From what was seen on the way to the server to findings: what it means, and what IT must change.
 *
 * The terminal does the same in chatd/doctor/findings.py. Limits and product names are in a file that both
 * read (findings.json), as the sentences are (../words/en/findings.json), and both are held to tests/web/doctor_vectors.json. Pure.
 * What it quotes comes from that file: no address, no name and no header field of anybody.
 *
 * Times are in milliseconds unless the name says otherwise; null means that there was none.
 *
 * @typedef {"ok" | "slow" | "blocked" | "unknown"} State
 * @typedef {{answer_s: number, budget_s: number, clock_s: number, days: number, first_byte_s: number,
 *            live_s: number, idle_s: number, idle_most_s: number, slow_ms: number, tries: number}} Limits
 * @typedef {{name: string, marks: string[], settings: Record<string, string>}} Product
 * @typedef {{limits: Limits, states: Record<State, string>, checks: [string, string][],
 *            verdicts: Record<string, [State, string]>, findings: Record<string, [State, string, string]>,
 *            way: string, products: Product[]}} Words findings.json with the sentences of ../words (`worded`)
 *
 * @typedef {{status: number | null, chatd: boolean, version: string}} Server
 * @typedef {{scheme: string, local: boolean, behind: string, via: boolean}} Certificate what a page can tell of it
 * @typedef {{off_s: number | null}} Clock
 * @typedef {{median_ms: number | null, tries: number}} Latency
 * @typedef {{there: boolean, opened: boolean, echoed: boolean, large: boolean, ms: number}} Socket
 * @typedef {{status: number | null, events: boolean, first_ms: number | null, live_ms: number | null,
 *            post: number | null}} Stream GET /probe: when the first bytes came, and when `live`; `post` is the status of POST /sse
 * @typedef {{status: number | null, chatd: boolean, ms: number}} Answered
 * @typedef {{passed_kib: number, lost_kib: number, status: number | null}} Sending
 * @typedef {{s: number, held: boolean, cut_s: number | null}} Quiet
 * @typedef {{inside: boolean, host: string | null, own: string, status: number | null, policies: string,
 *            options: string}} Frame
 * @typedef {{session: boolean}} Storage_
 * @typedef {{products?: string[], server?: Server, certificate?: Certificate, clock?: Clock, latency?: Latency,
 *            websocket?: Socket, stream?: Stream, buffering?: Stream, polling?: Answered, sending?: Sending,
 *            idle?: Quiet[], frame?: Frame, storage?: Storage_}} Seen all that was seen so far
 *
 * @typedef {{check: string, title: string, outcome: string, state: State, says: string, it: string}} Finding
 * @typedef {{verdict: string, state: State, sentence: string, findings: Finding[]}} Report
 * @typedef {Record<string, string | number>} Values
 * @typedef {[string, Values]} Outcome
 */

import { framedBy } from "./framing.js";

/** How long after the first bytes the server sends `live` (docs/protocol.md). */
export const LIVE_AFTER_MS = 250;

/** The same width, and different without any colour. */
const MARKS = { ok: "[ok]", slow: "[~~]", blocked: "[XX]", unknown: "[??]" };

/** What `seen` means, in the order of the checks. @param {Seen} seen @param {Words} words @returns {Report} */
export function judge(seen, words) {
  /** @type {Finding[]} */
  const findings = [];
  /** @type {Record<string, string>} */
  const outcomes = {};
  for (const [check, title] of words.checks) {
    const what = /** @type {Record<string, any>} */ (seen)[check];
    const judgement = JUDGES[check];
    if (what === undefined || judgement === undefined) continue;
    const [name, values] = judgement(what, words.limits);
    outcomes[check] = name;
    findings.push(finding(check, title, name, values, seen.products ?? [], words));
  }
  const verdict = verdictOf(outcomes);
  const [state, sentence] = words.verdicts[verdict] ?? ["unknown", ""];
  return { verdict, state, sentence, findings };
}

/**
 * @param {string} check @param {string} title @param {string} name @param {Values} values
 * @param {string[]} products @param {Words} words @returns {Finding}
 */
function finding(check, title, name, values, products, words) {
  const [state, says, it] = words.findings[name] ?? ["unknown", name, ""];
  const lines = [filled(it, values)];
  if (check === "server" && products.length > 0) lines.push(filled(words.way, { products: products.join(", ") }));
  if (state === "slow" || state === "blocked") {
    for (const product of products) {
      const setting = words.products.find((one) => one.name === product)?.settings[check];
      if (setting) lines.push(`${product}: ${setting}`);
    }
  }
  return { check, title, outcome: name, state, says: filled(says, values), it: lines.join(" ") };
}

/** @param {string} sentence @param {Values} values */
function filled(sentence, values) {
  return sentence.replace(/\{(\w+)\}/g, (_, name) => String(values[name]));
}

/** The first way that works. A way is given up only when it was looked at. @param {Record<string, string>} outcomes */
function verdictOf(outcomes) {
  if (["websocket.ok", "websocket.large"].includes(outcomes["websocket"] ?? "")) return "websocket";
  if (!["websocket", "stream", "buffering", "polling", "sending"].every((check) => check in outcomes)) return "looking";
  if (["sending.ok", "sending.short"].includes(outcomes["sending"] ?? "")) {
    if (outcomes["stream"] === "stream.ok") return "stream";
    if (outcomes["polling"] === "polling.ok") return "polling";
  }
  return "none";
}

/** @param {number | null} status @param {Limits} limits @returns {Values} */
function said(status, limits) {
  return { status: status ?? "none", limit: limits.answer_s };
}

/** @param {Server} seen @param {Limits} limits @returns {Outcome} */
function server(seen, limits) {
  if (seen.chatd) return [seen.version === "1.0" ? "server.old" : "server.ok", { version: seen.version || "?" }];
  return [seen.status === null ? "server.none" : "server.other", said(seen.status, limits)];
}

/** @param {Certificate} seen @returns {Outcome} */
function certificate(seen) {
  if (seen.scheme === "https") return [seen.via ? "certificate.via" : "certificate.unseen", {}];
  if (seen.local) return ["certificate.local", {}];
  return [seen.behind === "https" ? "certificate.stripped" : "certificate.plain", {}];
}

/** @param {Clock} seen @param {Limits} limits @returns {Outcome} */
function clock(seen, limits) {
  if (seen.off_s === null) return ["clock.none", {}];
  const off = Math.abs(seen.off_s);
  return [off > limits.clock_s ? "clock.off" : "clock.ok", { off, limit: limits.clock_s }];
}

/** @param {Latency} seen @param {Limits} limits @returns {Outcome} */
function latency(seen, limits) {
  if (seen.median_ms === null) return ["latency.none", {}];
  const values = { ms: seen.median_ms, tries: seen.tries, limit: limits.slow_ms };
  return [seen.median_ms > limits.slow_ms ? "latency.slow" : "latency.ok", values];
}

/** @param {Socket} seen @returns {Outcome} */
function websocket(seen) {
  if (!seen.there) return ["websocket.missing", {}];
  if (!seen.opened) return ["websocket.failed", {}];
  if (!seen.echoed) return ["websocket.silent", {}];
  return [seen.large ? "websocket.ok" : "websocket.large", { ms: seen.ms }];
}

/** Not what a page waits for after the first bytes: then it asks for messages instead. @param {Stream} seen @param {Limits} limits */
function late(seen, limits) {
  return seen.live_ms === null || seen.live_ms - (seen.first_ms ?? 0) > limits.live_s * 1000;
}

/** Already the first bytes, padded as they are, came only with all others. @param {Stream} seen @param {Limits} limits */
function whole(seen, limits) {
  return (seen.first_ms ?? 0) > limits.live_s * 1000;
}

/** @param {Stream} seen @param {Limits} limits @returns {Outcome} */
function stream(seen, limits) {
  if (seen.first_ms === null) {
    const refused = seen.status !== null && !(seen.status === 200 && seen.events);
    return [refused ? "stream.refused" : "stream.silent", said(seen.status, limits)];
  }
  if (seen.post === 403) return ["stream.origin", {}];
  if (seen.post !== 200) return ["stream.post", said(seen.post, limits)];
  return [late(seen, limits) || whole(seen, limits) ? "stream.late" : "stream.ok", { ms: seen.first_ms }];
}

/** @param {Stream} seen @param {Limits} limits @returns {Outcome} */
function buffering(seen, limits) {
  // Where the answer had begun, and nothing came of it, that is what a scanner looks like.
  if (seen.first_ms === null) return [seen.status === 200 && seen.events ? "buffering.whole" : "buffering.none", {}];
  if (whole(seen, limits)) return ["buffering.whole", {}];
  if (late(seen, limits) || seen.live_ms === null) return ["buffering.small", {}];
  return ["buffering.ok", { ms: Math.max(0, seen.live_ms - seen.first_ms - LIVE_AFTER_MS) }];
}

/** @param {Answered} seen @param {Limits} limits @returns {Outcome} */
function polling(seen, limits) {
  if (seen.status === 200 && seen.chatd) return ["polling.ok", { ms: seen.ms }];
  if (seen.status === 403) return ["polling.origin", {}];
  return [seen.status === null ? "polling.silent" : "polling.refused", said(seen.status, limits)];
}

/** @param {Sending} seen @param {Limits} limits @returns {Outcome} */
function sending(seen, limits) {
  if (seen.passed_kib > 0) {
    return [seen.lost_kib > 0 ? "sending.short" : "sending.ok", { kib: seen.passed_kib, lost: seen.lost_kib }];
  }
  if (seen.status === 403) return ["sending.origin", {}];
  return [seen.status === null ? "sending.silent" : "sending.refused", said(seen.status, limits)];
}

/** @param {Quiet[]} seen @returns {Outcome} */
function idle(seen) {
  if (seen.length === 0) return ["idle.none", {}];
  const cuts = seen.flatMap((quiet) => (quiet.cut_s === null ? [] : [quiet.cut_s]));
  if (cuts.length > 0) return ["idle.cut", { s: Math.min(...cuts) }];
  const lost = seen.filter((quiet) => !quiet.held).map((quiet) => quiet.s);
  if (lost.length > 0) return ["idle.silent", { s: Math.min(...lost) }];
  return ["idle.ok", { s: Math.max(...seen.map((quiet) => quiet.s)) }];
}

/** @param {Frame} seen @param {Limits} limits @returns {Outcome} */
function frame(seen, limits) {
  if (seen.host === null) return [seen.inside ? "frame.inside" : "frame.unasked", {}];
  if (seen.status !== 200) return ["frame.none", said(seen.status, limits)];
  const rules = framedBy(seen.policies, seen.options, seen.host, seen.own);
  if (rules.every(Boolean)) return ["frame.allowed", {}];
  // chatd sends one policy, and no X-Frame-Options: what else is there was added behind it.
  const added = rules.some(Boolean) || !seen.policies.toLowerCase().includes("frame-ancestors");
  return [added ? "frame.added" : "frame.refused", {}];
}

/** @param {Storage_} seen @returns {Outcome} */
function storage(seen) {
  return [seen.session ? "storage.ok" : "storage.none", {}];
}

/** @type {Record<string, (seen: any, limits: Limits) => Outcome>} */
const JUDGES = { server, certificate, clock, latency, websocket, stream, buffering, polling, sending, idle, frame, storage };

/**
 * The known products that these header fields name, by their names here; nothing else is quoted.
 *
 * @param {[string, string][]} fields names in lower case, and values @param {Words} words
 */
export function productsOf(fields, words) {
  const telling = ["server", "via", "x-via", "x-cache", "x-powered-by", "x-squid-error", "x-bluecoat-via"];
  const all = new Map(fields);
  const text = [...telling.map((name) => all.get(name) ?? ""), ...all.keys()].join(" ").toLowerCase();
  return words.products.filter(({ marks }) => marks.some((mark) => begun(mark).test(text))).map(({ name }) => name);
}

/** Where a word begins like this. @param {string} mark */
function begun(mark) {
  return new RegExp(`\\b${mark.replace(/[^a-z0-9 ]/g, "\\$&")}`);
}

/** A quiet connection that was cut. @param {number} silentS @param {number} afterMs @returns {Quiet} */
export function cut(silentS, afterMs) {
  return { s: silentS, held: false, cut_s: Math.max(1, Math.round(afterMs / 1000)) };
}

/** How long to keep quiet, each on a connection of its own: a path that forgets is found in between. @param {number} longest */
export function quietTimes(longest) {
  return [...[30, 60].filter((s) => s < longest), longest];
}

/**
 * The report to hand to IT: no address, no name, no time of day.
 *
 * @param {Report} report @param {string} day @param {string} seenWith the browser's family
 */
export function asText(report, day, seenWith) {
  const lines = report.findings.flatMap(({ state, title, says, it }) => [`${MARKS[state]} ${title}: ${says}`, `     IT: ${it}`]);
  return [`chatd doctor, ${day}, ${seenWith}`, report.sentence, "", ...lines, ""].join("\n");
}
