/** Afterwards: reports in counts, the facilitator's own debrief, and how much there was in the last four weeks. */

import { button, el } from "../room/dom.js";
import { has, number, say, when } from "../words/say.js";
import { Keep } from "../client/keep.js";
import { lastMonth } from "./after_month.js";
import { Sheet, checkField, choiceField, wordsField } from "./sheet.js";

/**
 * @typedef {import("./api.js").Api} Api
 * @typedef {Record<string, any>} Report as `/api/series/NAME/reports` has it; a count is a number or "fewer_than_11"
 */

const KEY = "chatd.debrief-key";
const COUNTS = ["participants", "hands", "turns", "rounds", "polls"];

/** @type {Sheet | null} */
let sheet = null;

/** @param {HTMLElement} desk @param {Api} api */
export async function showAfter(desk, api) {
  sheet ??= new Sheet();
  const asks = sheet;
  const heading = el("h1", { tabindex: "-1" }, say("afterwards.page"));
  const load = el("section", { class: "form-part" });
  const month = el("div", {});
  const list = el("div", {});
  const back = el("div", { class: "actions" }, el("a", { class: "button", href: "#plan" }, say("afterwards.sessions")));
  desk.replaceChildren(heading, load, month, list, back);
  heading.focus();
  void lastMonth(api).then((shown) => shown && month.append(shown));
  const [series, debriefs] = await Promise.all([api.get("/api/series"), withKey(api, "GET", "/api/debriefs"), showLoad(load, api)]);
  if (!series.ok) return list.replaceChildren(el("p", { class: "trouble", role: "alert" }, series.message));
  const kept = new Map((debriefs.ok ? debriefs.body.debriefs : []).map((/** @type {any} */ one) => [`${one.room} ${one.occurrence}`, one]));
  for (const one of series.body.series) {
    const reports = await api.get(`/api/series/${one.name}/reports`);
    if (!reports.ok || reports.body.reports.length === 0) continue;
    list.append(el("h2", { dir: "auto" }, one.title), ...reports.body.reports.map((/** @type {Report} */ report) => card(api, asks, one.name, report, kept, () => void showLoad(load, api))));
  }
  if (list.children.length === 0) list.append(el("p", {}, say("afterwards.none")));
}

/** @param {HTMLElement} place @param {Api} api */
async function showLoad(place, api) {
  const answer = await withKey(api, "GET", "/api/load");
  if (!answer.ok) return;
  const { sessions, heavy } = answer.body;
  place.replaceChildren(
    el("h2", {}, say("afterwards.load")),
    el("p", {}, say("afterwards.load_sessions", { count: sessions })),
    el("p", {}, say("afterwards.load_heavy", { count: heavy })),
    ...(heavy >= 3 ? [el("p", { class: "advice" }, say("afterwards.load_much"))] : []),
    el("p", { class: "quiet" }, say("afterwards.yours")),
  );
}

/** @param {Api} api @param {Sheet} asks @param {string} room @param {Report} report @param {Map<any, any>} kept @param {() => void} changed */
function card(api, asks, room, report, kept, changed) {
  const { occurrence } = report;
  const date = when(report["planned_start"] * 1000, "both");
  const rows = COUNTS.filter((key) => report[key] !== undefined && report[key] !== null).map((key) => pair(say(`afterwards.count_${key}`), count(report[key])));
  const least = report["messages"]?.at_least;
  if (least !== undefined) rows.unshift(pair(say("afterwards.count_messages"), report["messages"].exact ? count(least) : least > 0 ? say("afterwards.at_least", { count: least }) : say("afterwards.few_each")));
  const element = el("section", { class: "report" }, el("h3", {}, date), el("dl", { class: "counts" }, ...rows), el("p", { class: "quiet" }, say("afterwards.suppressed")), el("p", { class: "quiet" }, say("afterwards.check_in_elsewhere")));
  void picture(api, room, occurrence).then((image) => image && element.querySelector("dl")?.after(image));
  element.append(el("div", { class: "actions" }, button(say("afterwards.debrief"), () => debrief(api, asks, room, occurrence, kept, changed), { "aria-label": say("afterwards.debrief_of", { date }) })));
  return element;
}

/** @param {string} term @param {string} text */
function pair(term, text) {
  return el("div", {}, el("dt", {}, term), el("dd", {}, text));
}

/** @param {number | string} value */
function count(value) {
  return typeof value === "number" ? number(value) : has(`afterwards.${value}`) ? say(`afterwards.${value}`) : value;
}

/** The picture of the hour. It is asked for with the ticket, and shown as data. @param {Api} api @param {string} room @param {string} occurrence */
async function picture(api, room, occurrence) {
  const answer = await api.get(`/api/series/${room}/reports/${occurrence}.svg`);
  if (!answer.ok || typeof answer.body !== "string") return null;
  const about = /<desc[^>]*>([^<]*)<\/desc>/u.exec(answer.body)?.[1] ?? say("afterwards.picture");
  return el("img", { class: "picture", alt: about, src: `data:image/svg+xml,${encodeURIComponent(answer.body)}` });
}

/** @param {Api} api @param {Sheet} asks @param {string} room @param {string} occurrence @param {Map<any, any>} kept @param {() => void} changed */
function debrief(api, asks, room, occurrence, kept, changed) {
  const was = kept.get(`${room} ${occurrence}`) ?? {};
  const scale = Array.from({ length: 11 }, (_, heavy) => /** @type {const} */ ([String(heavy), number(heavy)]));
  const heavy = choiceField(say("afterwards.heavy"), scale, String(was.heavy ?? ""));
  heavy.element.classList.add("scale");
  const next = wordsField(say("afterwards.next"), { value: was.next ?? "", note: say("afterwards.next_note") });
  const colleague = checkField(say("afterwards.colleague"), Boolean(was.colleague));
  asks.ask(say("afterwards.debrief"), [el("p", { class: "quiet" }, say("afterwards.yours")), heavy.element, next.element, colleague.element], [
    {
      label: say("afterwards.keep"),
      main: true,
      act: async () => {
        if (heavy.value() === "") return say("afterwards.heavy_needs");
        const one = { room, occurrence, heavy: Number(heavy.value()), ...(next.field.value.trim() && { next: next.field.value.trim() }), ...(colleague.field.checked && { colleague: true }) };
        const answer = await withKey(api, "POST", "/api/debriefs", one);
        if (!answer.ok) return answer.message;
        kept.set(`${room} ${occurrence}`, one);
        changed();
        return null;
      },
    },
    ...(kept.has(`${room} ${occurrence}`) ? [{ label: say("afterwards.remove"), act: remove }] : []),
  ]);

  async function remove() {
    const answer = await withKey(api, "DELETE", `/api/debriefs/${room}/${occurrence}`);
    if (!answer.ok && answer.code !== "http_404") return answer.message;
    kept.delete(`${room} ${occurrence}`);
    changed();
    return null;
  }
}

/** For somebody whose ticket names nobody: a key of this browser's own says that it is the same person. @param {Api} api @param {string} method @param {string} path @param {unknown} [body] */
function withKey(api, method, path, body) {
  const keep = new Keep(() => localStorage);
  let key = keep.get(KEY);
  if (typeof key !== "string") {
    const bytes = crypto.getRandomValues(new Uint8Array(32));
    key = btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
    keep.set(KEY, key);
  }
  return api.ask(method, path, body, { "debrief-key": key });
}
