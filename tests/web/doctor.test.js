import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { test } from "node:test";
import { framedBy, originOf } from "../../web/doctor/framing.js";
import { asText, judge, productsOf, quietTimes } from "../../web/doctor/judge.js";
import { measure, tryFrame } from "../../web/doctor/probes.js";
import { worded } from "../../web/doctor/words.js";
import { memory } from "./fakes.js";

const here = (path) => JSON.parse(readFileSync(new URL(path, import.meta.url), "utf-8"));
const sentences = here("../../web/words/en/findings.json");
const words = worded(here("../../web/doctor/findings.json"), (key) => sentences[key]);
const vectors = here("./doctor_vectors.json");
/** What is the terminal's alone: a page sees no certificate and no status of a refused handshake. */
const ours = vectors.findings.filter(({ only }) => only !== "terminal");

test("what is seen means the same as in the terminal", () => {
  for (const { outcome, seen, says, it } of ours) {
    const { findings } = judge(seen, words);
    assert.equal(findings.length, 1);
    assert.equal(findings[0].outcome, outcome);
    assert.equal(findings[0].says, says ?? findings[0].says);
    assert.equal(findings[0].it, it ?? findings[0].it, outcome);
    assert.equal(findings[0].state, words.findings[outcome][0]);
    assert.doesNotMatch(findings[0].says + findings[0].it, /[{}]|undefined|null/);
  }
});

test("what it comes to is the same", () => {
  for (const { verdict, seen } of vectors.verdicts) {
    const report = judge(seen, words);
    assert.equal(report.verdict, verdict, JSON.stringify(seen));
    assert.deepEqual([report.state, report.sentence], words.verdicts[verdict]);
  }
});

test("frames, addresses, products and times are judged the same", () => {
  for (const { policies, options, host, own, rules } of vectors.frames) {
    assert.deepEqual(framedBy(policies, options, host, own), rules, `${policies} ${options} ${host}`);
  }
  for (const { address, origin } of vectors.addresses) assert.equal(originOf(address), origin, address);
  for (const { fields, products } of vectors.products) assert.deepEqual(productsOf(Object.entries(fields), words), products);
  for (const { longest_s, times } of vectors.quiet) assert.deepEqual(quietTimes(longest_s), times);
});

test("the text for IT is the same", () => {
  const { day, with: seenWith, seen, text } = vectors.text;
  assert.equal(asText(judge(seen, words), day, seenWith), text);
});

test("an address in capitals gives the origin that the browser gives", () => {
  for (const { address, origin } of vectors.addresses) if (origin !== null) assert.equal(new URL(address.trim()).origin, origin);
});

// ---- measuring, over real HTTP ---------------------------------------------------------------------

/** Shorter than for people, so that a test waits for what never comes in little time. */
const HURRIED = { ...words, limits: { ...words.limits, answer_s: 2, first_byte_s: 2, tries: 3 } };

/**
 * A server that answers as chatd does, unless `broken` answers first.
 *
 * @param {import("node:test").TestContext} t
 * @param {(path: string, answer: import("node:http").ServerResponse, method: string) => boolean} broken true where it did
 */
async function server(t, broken = () => false) {
  const http = createServer((request, answer) => {
    const url = new URL(request.url, "http://here");
    const parts = [];
    request.on("data", (part) => parts.push(part));
    request.on("end", () => {
      const json = (value) => answer.setHeader("content-type", "application/json").end(JSON.stringify(value));
      if (broken(url.pathname, answer, request.method)) return;
      if (url.pathname === "/doctor/seen") json({ chatd: 1, http: "1.1", scheme: "http", forwarded: "", via: false });
      else if (url.pathname === "/probe" && request.method === "POST") json({ bytes: Buffer.concat(parts).length });
      else if (url.pathname === "/probe") stream(answer, url.searchParams);
      else if (["/sse", "/poll", "/send"].includes(url.pathname) && isJson(parts)) json({ frames: [] });
      else answer.writeHead(404).end();
    });
  });
  await new Promise((resolve) => http.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    http.closeAllConnections();
    http.close();
  });
  return `http://127.0.0.1:${http.address().port}`;
}

/** Whether a body came as it should: padded or not, it is JSON. */
function isJson(parts) {
  return typeof JSON.parse(Buffer.concat(parts).toString()) === "object";
}

function stream(answer, asked) {
  answer.writeHead(200, { "content-type": "text/event-stream" });
  answer.write(`:${" ".repeat(4096)}\n\nevent: open\ndata: {}\n\n`);
  setTimeout(() => answer.write("event: live\ndata: {}\n\n"), 250);
  const every = Number(asked.get("every_s") ?? 1);
  for (let at = every; at <= Number(asked.get("for_s") ?? 0); at += every) {
    setTimeout(() => answer.write('event: tick\ndata: {"n":1}\n\n'), 250 + at * 1000);
  }
  setTimeout(() => answer.end(), 300 + Number(asked.get("for_s") ?? 0) * 1000);
}

/** Answers as a server does to whom has no seat; `habits` take away what is to be broken. */
function socketKind(habits = {}) {
  return class {
    readyState = 0;
    constructor(url, protocol) {
      assert.match(url, /^ws:\/\/127\.0\.0\.1:\d+\/ws$/);
      assert.equal(protocol, "chatd.v1.json");
      setTimeout(() => {
        this.readyState = habits.refused ? 3 : 1;
        if (habits.refused) this.onclose?.({ code: 1006 });
        else this.onopen?.();
        if (habits.cutMs) setTimeout(() => this.breaks(1006), habits.cutMs);
        if (habits.forgetMs) setTimeout(() => (this.forgotten = true), habits.forgetMs);
        if (habits.goodbyeMs) setTimeout(() => this.breaks(4000), habits.goodbyeMs);
      }, 1);
    }
    send(text) {
      if (text.length > (habits.most ?? 1e6) || habits.deaf || this.forgotten) return;
      const { id } = JSON.parse(text);
      setTimeout(() => this.onmessage?.({ data: JSON.stringify({ t: "error", id, code: "not_joined", message: "" }) }), 1);
    }
    breaks(code) {
      this.readyState = 3;
      this.onclose?.({ code });
    }
    close() {
      this.readyState = 3;
    }
  };
}

function env(origin, more = {}) {
  return {
    fetch: (path, options) => fetch(new URL(path, origin), options),
    WebSocket: socketKind(),
    now: () => performance.now(),
    wall: () => Date.now(),
    after: (act, ms) => setTimeout(act, ms).unref(),
    location: { origin, protocol: "http:", hostname: "127.0.0.1" },
    storage: memory,
    framed: false,
    ...more,
  };
}

/** What a look comes to: the outcome of each check, and the way in. */
async function look(made, idle = 1) {
  const told = [];
  const seen = await measure(made, HURRIED, idle, (more) => told.push(judge(more, words).verdict));
  const report = judge(seen, words);
  return { ...Object.fromEntries(report.findings.map(({ check, outcome }) => [check, outcome])), verdict: report.verdict, told, seen };
}

test("where all is well it says so, and tells as it goes", async (t) => {
  const kept = memory();
  const found = await look(env(await server(t), { storage: () => kept }));
  assert.equal(found.verdict, "websocket");
  for (const check of ["server", "clock", "latency", "websocket", "stream", "buffering", "polling", "sending", "idle", "storage"]) {
    assert.equal(found[check], `${check}.ok`);
  }
  assert.equal(found.certificate, "certificate.local");
  assert.equal(found.frame, "frame.unasked");
  assert.equal(found.told[0], "looking");
  assert.ok(found.told.length > 5);
  assert.deepEqual(found.seen.sending, { passed_kib: 60, lost_kib: 0, status: null });
  assert.equal(kept.getItem("chatd.doctor"), null, "nothing stays in the storage");
});

test("without a WebSocket the stream, without a stream polling, and without any none", async (t) => {
  const none = { WebSocket: undefined };
  const whole = await server(t);
  const unstreamed = await server(t, (path, answer, method) => path === "/probe" && method === "GET" && !!answer.writeHead(403).end());
  const mute = await server(t, (path, answer) => path !== "/doctor/seen" && !!answer.writeHead(403).end());
  const [one, two, three] = await Promise.all([whole, unstreamed, mute].map((origin) => look(env(origin, none))));
  assert.deepEqual([one.verdict, one.websocket], ["stream", "websocket.missing"]);
  assert.deepEqual([two.verdict, two.stream, two.buffering, two.idle], ["polling", "stream.refused", "buffering.none", "idle.none"]);
  assert.deepEqual([three.verdict, three.polling, three.sending], ["none", "polling.origin", "sending.origin"]);
});

test("the whole look has an end, also where every answer takes nearly as long as it may", async (t) => {
  const slow = await server(t, (path, answer, method) => {
    if (path === "/doctor/seen" || method === "GET") return false;
    setTimeout(() => answer.writeHead(200).end("{}"), 900).unref();
    return true;
  });
  const limits = { ...HURRIED.limits, answer_s: 1, budget_s: 1, tries: 6 };
  const begun = performance.now();
  await measure(env(slow, { WebSocket: undefined }), { ...words, limits }, 1, () => {});
  const took = performance.now() - begun;
  assert.ok(took < 4_000, `two seconds were given, and it took ${Math.round(took)} ms`);
});

test("a socket that is refused, deaf, short of breath or forbidden is told apart", async (t) => {
  const origin = await server(t);
  class Forbidden {
    constructor() {
      throw new DOMException("no", "SecurityError");
    }
  }
  const kinds = [socketKind({ refused: true }), socketKind({ deaf: true }), socketKind({ most: 500 }), Forbidden];
  const found = await Promise.all(kinds.map((WebSocket) => look(env(origin, { WebSocket }))));
  assert.deepEqual(found.map(({ websocket }) => websocket), [
    "websocket.failed", "websocket.silent", "websocket.large", "websocket.failed",
  ]);
  assert.deepEqual(found.map(({ verdict }) => verdict), ["stream", "stream", "websocket", "stream"]);
});

test("what is held back is noticed, a little and whole", async (t) => {
  const buffered = (first) => (path, answer, method) => {
    if (path !== "/probe" || method !== "GET") return false;
    answer.writeHead(200, { "content-type": "text/event-stream" });
    if (first) answer.write("event: open\ndata: {}\n\n");
    else answer.flushHeaders();
    setTimeout(() => answer.end("event: open\ndata: {}\n\nevent: live\ndata: {}\n\nevent: tick\ndata: {}\n\n"), 3_250);
    return true;
  };
  const none = { WebSocket: undefined };
  const [small, whole] = await Promise.all([true, false].map(async (first) => look(env(await server(t, buffered(first)), none))));
  assert.deepEqual([small.stream, small.buffering, small.verdict], ["stream.late", "buffering.small", "polling"]);
  assert.deepEqual([whole.stream, whole.buffering, whole.verdict], ["stream.late", "buffering.whole", "polling"]);
});

test("a cut is told with its second, silence without", async (t) => {
  const cutting = await server(t, (path, answer, method) => {
    if (path === "/probe" && method === "GET") setTimeout(() => answer.destroy(), 1_250);
    return false;
  });
  const origin = await server(t);
  const socketCut = env(origin, { WebSocket: socketKind({ cutMs: 1_100 }) });
  const goodbye = env(origin, { WebSocket: socketKind({ goodbyeMs: 500 }) });
  const forgotten = env(origin, { WebSocket: socketKind({ forgetMs: 1_000 }) });
  const forgetting = await server(t, (path, answer, method) => {
    if (path !== "/probe" || method !== "GET") return false;
    answer.writeHead(200, { "content-type": "text/event-stream" });
    answer.write("event: open\ndata: {}\n\nevent: live\ndata: {}\n\n");
    return true;
  });
  const [cut, cutSocket, ended, forgot, forgotSocket] = await Promise.all([
    look(env(cutting), 3), look(socketCut, 2), look(goodbye, 1), look(env(forgetting), 1), look(forgotten, 2),
  ]);
  assert.deepEqual(cut.seen.idle.filter(({ cut_s }) => cut_s !== null), [{ s: 3, held: false, cut_s: 1 }]);
  assert.equal(cutSocket.idle, "idle.cut");
  assert.equal(ended.idle, "idle.ok", "what the server ends is no cut");
  assert.equal(forgot.idle, "idle.silent");
  assert.equal(forgotSocket.idle, "idle.silent");
});

test("bodies: what is too large, and what a filter answers in the server's place", async (t) => {
  const limited = await server(t, (path, answer) => {
    if (path !== "/send") return false;
    return Number(answer.req.headers["content-length"]) > 20_000 && !!answer.writeHead(413).end();
  });
  const rewritten = await server(t, (path, answer) => path === "/send" && !!answer.end("<h1>Sign in</h1>"));
  const [short, odd] = await Promise.all([look(env(limited)), look(env(rewritten))]);
  assert.deepEqual(short.seen.sending, { passed_kib: 16, lost_kib: 60, status: 413 });
  assert.equal(short.sending, "sending.short");
  assert.equal(odd.sending, "sending.refused");
});

test("a page in the server's place, a server that is not there, a clock that is wrong, no storage", async (t) => {
  const portal = await server(t, (path, answer) => path === "/doctor/seen" && !!answer.end("<h1>Sign in</h1>"));
  const away = env("http://127.0.0.1:1", { WebSocket: socketKind({ refused: true }) });
  const wrong = env(await server(t), {
    wall: () => Date.now() + 3_600_000,
    storage: () => {
      throw new DOMException("no", "SecurityError");
    },
  });
  const [other, none, late] = await Promise.all([look(env(portal)), look(away), look(wrong)]);
  assert.equal(other.server, "server.other");
  assert.deepEqual([none.server, none.clock, none.latency, none.verdict], ["server.none", "clock.none", "latency.none", "none"]);
  assert.deepEqual([late.clock, late.storage], ["clock.off", "storage.none"]);
  assert.ok(Math.abs(late.seen.clock.off_s - 3_600) <= 2);
});

test("what a proxy adds to /embed is seen", async (t) => {
  const policy = "default-src 'none'; frame-ancestors 'self' https://intranet.example.org";
  const asked = [];
  const framed = (fields) => (path, answer) => {
    if (!path.startsWith("/embed/")) return false;
    asked.push(path);
    answer.writeHead(200, fields).end();
    return true;
  };
  const clean = env(await server(t, framed({ "content-security-policy": policy })));
  const doubled = env(await server(t, framed([["content-security-policy", policy], ["content-security-policy", "frame-ancestors 'self'"]].flat())));
  const outcome = async (made, host, room = "") =>
    judge({ frame: await tryFrame(made, HURRIED.limits, host, room) }, words).findings[0].outcome;
  assert.equal(await outcome(clean, "https://intranet.example.org", "icu"), "frame.allowed");
  assert.equal(await outcome(clean, "https://other.example.org"), "frame.refused");
  assert.equal(await outcome(doubled, "https://intranet.example.org"), "frame.added");
  assert.equal(await outcome(env(await server(t)), "https://intranet.example.org"), "frame.none");
  assert.deepEqual(asked, ["/embed/icu", "/embed/doctor", "/embed/doctor"]);
});
