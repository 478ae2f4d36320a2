/** The last month over all sessions, for whoever plans all of them: how many were held, and what people said of themselves. */

import { el } from "../room/dom.js";
import { number, say } from "../words/say.js";
import { roomOf } from "./api.js";

/** @typedef {{bands: [number, number][], counts: number[]}} Distribution */

const ASKED = ["heavy_before", "heavy_after", "alone_before", "alone_after", "burnout"];

/** @param {import("./api.js").Api} api @returns {Promise<HTMLElement | null>} null where there is none, or it is not for this ticket */
export async function lastMonth(api) {
  if (roomOf(api.ticket) !== "*") return null;
  const months = await api.get("/api/months");
  const month = months.ok ? months.body.months[0] : undefined;
  const answer = month === undefined ? null : await api.get(`/api/months/${month}`);
  if (!answer?.ok) return null;
  const { held, places, check_ins: said = {} } = answer.body;
  const name = new Intl.DateTimeFormat(document.documentElement.lang, { month: "long", year: "numeric", timeZone: "UTC" }).format(new Date(`${month}-01T00:00Z`));
  const taken = places.exact ? number(places.at_least) : places.at_least > 0 ? say("afterwards.at_least", { count: places.at_least }) : say("afterwards.month_few");
  const rows = [pair(say("afterwards.month_held"), number(held)), pair(say("afterwards.month_places"), taken)];
  for (const asked of ASKED) rows.push(pair(say(`afterwards.month_${asked}`), distribution(said[asked] ?? null)));
  return el("section", { class: "report" }, el("h2", {}, say("afterwards.month", { month: name })), el("dl", { class: "counts" }, ...rows), el("p", { class: "quiet" }, say("afterwards.month_about")));
}

/** @param {string} term @param {string} text */
function pair(term, text) {
  return el("div", {}, el("dt", {}, term), el("dd", {}, text));
}

/** @param {Distribution | null} shown */
function distribution(shown) {
  if (shown === null) return say("afterwards.month_few");
  const { bands, counts } = shown;
  return bands.map(([least, most], at) => say("afterwards.month_band", { least: number(least), most: number(most), people: number(counts[at] ?? 0) })).join(" · ");
}
