/** The doctor's page: looks, shows what it means as it comes, and hands it over as text. */

import { coverNow, coveredBefore, onThreeShifts } from "../room/cover.js";
import { byId, el, write } from "../room/dom.js";
import { say } from "../words/say.js";
import { originOf } from "./framing.js";
import { asText, judge } from "./judge.js";
import { measure, tryFrame } from "./probes.js";
import { worded } from "./words.js";

/**
 * @typedef {import("./judge.js").Seen} Seen
 * @typedef {import("./judge.js").Words} Words
 * @typedef {import("./judge.js").Report} Report
 */

/** The page is covered: whatever is under way ends. */
const over = new AbortController();

const env = {
  /** @type {typeof fetch} */
  fetch: (what, how) => {
    const abort = new AbortController();
    for (const signal of [how?.signal, over.signal]) {
      if (signal?.aborted) abort.abort();
      signal?.addEventListener("abort", () => abort.abort());
    }
    return fetch(what, { ...how, signal: abort.signal });
  },
  WebSocket: window.WebSocket && class extends WebSocket {
    /** @param {string} url @param {string} protocol */
    constructor(url, protocol) {
      super(url, protocol);
      // One that is closed before it stands leaves a warning in the console.
      over.signal.addEventListener("abort", () => (this.readyState === 0 ? this.addEventListener("open", () => this.close()) : this.close()));
    }
  },
  now: () => performance.now(),
  wall: () => Date.now(),
  after: (/** @type {() => void} */ act, /** @type {number} */ ms) => setTimeout(act, ms),
  location,
  storage: () => sessionStorage,
  framed: window.self !== window.top,
};

/** Kinds of browsers, by what they call themselves; the first that fits. Nothing more of it is shown. */
const FAMILIES = /** @type {const} */ ([
  ["Edge", /\bEdg/],
  ["Opera", /\bOPR\//],
  ["Firefox", /\bFirefox\/|\bFxiOS\//],
  ["Chrome or Chromium", /Chrom(e|ium)\/|\bCriOS\//],
  ["Safari", /\bSafari\//],
]);

const asked = new URLSearchParams(location.search);

/** @type {Words | null} */
let words = null;
/** @type {Seen} */
let seen = {};
/** Which look is the last one: an earlier one that is still under way says nothing more. */
let look = 0;
let looking = false;

/** @param {number | null} idle */
async function run(idle) {
  if (words === null || looking) return;
  const [all, mine] = [words, ++look];
  const framed = seen.frame?.host === null ? undefined : seen.frame;
  seen = {};
  setLooking(true);
  const begun = env.now();
  write(byId("progress"), idle === null ? say("doctor.still_looking") : say("doctor.kept_quiet", { count: idle }));
  show();
  const done = await measure(env, all, idle, (more) => {
    if (mine !== look) return;
    seen = framed ? { ...more, frame: framed } : { ...more };
    show();
  });
  if (mine !== look) return;
  seen = framed ? { ...done, frame: framed } : done;
  setLooking(false);
  show();
  const took = Math.round((env.now() - begun) / 1000);
  byId("doctor").dataset["tookMs"] = String(Math.round(env.now() - begun));
  write(byId("progress"), say("doctor.looked", { count: took }));
}

/** @param {boolean} yes */
function setLooking(yes) {
  looking = yes;
  byId("doctor").setAttribute("aria-busy", String(yes));
  for (const id of ["again", "longer"]) byId(id).setAttribute("aria-disabled", String(yes));
}

function show() {
  if (words === null) return;
  const report = judge(seen, words);
  byId("verdict").className = `verdict ${report.state}${report.verdict === "looking" ? " pending" : ""}`;
  write(byId("sentence"), report.sentence);
  byId("rooms").hidden = report.state === "blocked";
  showFindings(report, words);
  const text = byId("text", HTMLTextAreaElement);
  const day = new Date(env.wall()).toISOString().slice(0, 10);
  const now = asText(report, day, family());
  if (text.value !== now) text.value = now;
}

/** All checks stand there from the start, so that nothing moves while they are filled in. @param {Report} report @param {Words} all */
function showFindings(report, all) {
  const list = byId("findings");
  all.checks.forEach(([check, title], place) => {
    const found = report.findings.find((one) => one.check === check);
    const stamp = found ? JSON.stringify(found) : "";
    const there = list.children[place];
    if (there instanceof HTMLElement && there.dataset["stamp"] === stamp) return;
    const item = el("li", { class: `finding ${found?.state ?? "unknown pending"}`, "data-check": check, "data-stamp": stamp });
    const state = found ? all.states[found.state] : say("doctor.looking");
    const said = el("div", {}, el("h3", {}, `${title}: `, el("span", { class: "state" }, state)));
    if (found) said.append(el("p", {}, found.says), el("p", { class: "it quiet" }, say("doctor.for_it", { line: found.it })));
    item.append(el("span", { class: "shape", "aria-hidden": "true" }), said);
    if (there) there.replaceWith(item);
    else list.append(item);
  });
}

function family() {
  const found = FAMILIES.find(([, mark]) => mark.test(navigator.userAgent));
  return found ? found[0] : say("doctor.another_browser");
}

async function copy() {
  const text = byId("text", HTMLTextAreaElement);
  let copied = false;
  try {
    await navigator.clipboard.writeText(text.value);
    copied = true;
  } catch {
    // Not every browser offers it, and none over plain http: then the old way, and else by hand.
    byId("by-hand", HTMLDetailsElement).open = true;
    text.focus();
    text.select();
    copied = document.execCommand("copy");
  }
  const said = copied ? say("doctor.copied") : say("doctor.selected");
  write(byId("copied"), looking ? `${said} ${say("doctor.not_complete")}` : said);
}

/** @param {Event} event */
async function lookAtHost(event) {
  event.preventDefault();
  if (words === null) return;
  const host = originOf(byId("address", HTMLInputElement).value);
  if (host === null) {
    write(byId("host-said"), say("doctor.no_address"));
    return;
  }
  write(byId("host-said"), say("doctor.looking"));
  const room = asked.get("room") ?? "";
  const frame = await tryFrame(env, words.limits, host, /^[a-z0-9][a-z0-9._-]{0,63}$/.test(room) ? room : "");
  if (over.signal.aborted) return;
  seen = { ...seen, frame };
  show();
  const found = judge(seen, words).findings.find(({ check }) => check === "frame");
  write(byId("host-said"), found ? `${found.says} ${say("doctor.for_it", { line: found.it })}` : "");
}

function cover() {
  // Where rooms may be framed this page may be, and the lobby may not.
  document.documentElement.classList.toggle("embedded", env.framed);
  coverNow(() => {
    look += 1;
    over.abort();
  });
}

async function start() {
  byId("doctor").hidden = false;
  onThreeShifts(cover);
  for (const hide of document.querySelectorAll("[data-hide]")) hide.addEventListener("click", cover);
  try {
    const answer = await fetch(new URL("findings.json", import.meta.url));
    words = worded(await answer.json(), (name) => say(`findings.${name}`));
  } catch {
    write(byId("sentence"), say("doctor.not_whole"));
    return;
  }
  byId("copy").addEventListener("click", () => void copy());
  byId("again").addEventListener("click", () => void run(null));
  byId("longer").addEventListener("click", () => void run(words?.limits.idle_most_s ?? null));
  byId("host").addEventListener("submit", (event) => void lookAtHost(event));
  const idle = Number(asked.get("idle_s"));
  await run(Number.isInteger(idle) && idle >= 1 && idle <= (words?.limits.idle_most_s ?? 0) ? idle : null);
}

addEventListener("pageshow", (event) => event.persisted && coveredBefore(true) && cover());

if (coveredBefore()) cover();
else void start();
