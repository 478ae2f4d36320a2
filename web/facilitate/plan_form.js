/** One series, to be changed: what it is for, when it meets, its agenda, its room. What is wrong is said where one saves. */

import { button, el, write } from "../room/dom.js";
import { say, when } from "../words/say.js";
import { Agenda } from "./plan_agenda.js";
import { moved, rulesFor, slug } from "./plan_rule.js";
import { checkField, choiceField, lineField, selectField, wordsField } from "./sheet.js";

/** @typedef {Record<string, any>} Series as the API gives it and takes it */

const PACES = ["0", "5", "15", "30", "60"];
/** What of a series nobody fills in here. */
const LEFT = new Set(["when", "occurrences", "warnings", "url", "calendar", "poster", "changed_at"]);

/**
 * @param {Series} series @param {boolean} fresh whether there is none of this name yet
 * @param {{save: (fields: Series) => Promise<string | null>, back: (changed: Series | null) => void}} acts `save`
 *   resolves to what is wrong; `back` is told what was changed and not saved, null where nothing was
 */
export function seriesForm(series, fresh, { save, back }) {
  const title = lineField(say("planning.title"), { value: series["title"] ?? "", max: 120 });
  const name = lineField(say("planning.name"), { value: series["name"] ?? "", max: 40, note: say("planning.name_note") });
  name.element.hidden = !fresh;
  let named = !fresh;
  name.field.addEventListener("input", () => (named = true));
  title.field.addEventListener("input", () => named || (name.field.value = slug(title.field.value)));
  if (fresh && name.field.value === "") name.field.value = slug(title.field.value);
  const about = wordsField(say("planning.about"), { value: series["about"] ?? "" });

  const zone = lineField(say("planning.timezone"), { value: (fresh ? null : series["timezone"]) ?? Intl.DateTimeFormat().resolvedOptions().timeZone, max: 64 });
  const zones = el("datalist", { id: "zones" }, ...Intl.supportedValuesOf("timeZone").map((one) => el("option", { value: one })));
  zone.field.setAttribute("list", "zones");
  const starts = lineField(say("planning.starts"), { value: series["starts"] ?? "", type: "datetime-local" });
  const often = selectField(say("planning.often"), [], "");
  const until = lineField(say("planning.until"), { value: series["until"] ?? "", type: "date" });
  const months = Array.from({ length: 12 }, (_, index) => checkField(monthName(index), (series["skip_months"] ?? []).includes(index + 1)));
  let rule = String(series["rrule"] ?? "");
  let was = starts.field.value;
  // Most series meet every week: so does a new one, until somebody chooses otherwise.
  let weekly = fresh && rule === "";
  const offer = () => {
    rule = moved(rule, was, starts.field.value);
    was = starts.field.value;
    if (weekly) rule = rulesFor(was).find((one) => one.kind === "weekly")?.rrule ?? "";
    const rules = rulesFor(was).map((one) => /** @type {const} */ ([one.rrule, ruleWords(one, was)]));
    if (!rules.some(([one]) => one === rule)) rules.push([rule, series["when"] ?? rule]);
    often.field.replaceChildren(...rules.map(([value, text]) => el("option", { value }, text)));
    often.field.value = rule;
    recurs();
    agenda?.show();
  };
  const recurs = () => {
    rule = often.field.value;
    until.element.hidden = rule === "";
    skips.hidden = rule === "";
  };
  const skips = el("details", { class: "months" }, el("summary", {}, say("planning.skip_months")), el("div", { class: "options" }, ...months.map((one) => one.element)));
  skips.open = (series["skip_months"] ?? []).length > 0;
  starts.field.addEventListener("change", offer);
  often.field.addEventListener("change", () => {
    weekly = false;
    recurs();
  });

  /** @type {Agenda | undefined} */
  let agenda;
  agenda = new Agenda(series["agenda"] ?? [], () => starts.field.value);
  offer();

  const numbers = Object.fromEntries(
    /** @type {const} */ ([["capacity", 8, 2, 15], ["minimum", 3, 1, 15], ["lobby_minutes", 10, 0, 60], ["grace_minutes", 5, 0, 30], ["poll_k", 5, 3, 15]]).map(([key, usual, least, most]) => {
      const made = lineField(say(`planning.${key}`), { value: String(series[key] ?? usual), type: "number" });
      made.field.min = String(least);
      made.field.max = String(most);
      return [key, made];
    }),
  );
  const flags = Object.fromEntries(["by_hand", "unheard_first", "check_in", "measure", "roles", "open", "listed"].map((key) => [key, checkField(say(`planning.${key}`), series[key] ?? (key === "listed" || key === "check_in"))]));
  const slow = selectField(say("planning.slow_mode_s"), PACES.map((one) => /** @type {const} */ ([one, one === "0" ? say("planning.slow_off") : say("planning.slow_seconds", { seconds: Number(one) })])), String(series["slow_mode_s"] ?? 0));
  const erase = choiceField(say("planning.erase"), [["at_close", say("planning.erase_at_close")], ["after_24h", say("planning.erase_after_24h")]], series["erase"] ?? "at_close");
  const resources = wordsField(say("planning.resources"), { value: rows(series["resources"]), note: say("planning.resources_note"), max: 8_000 });
  const support = wordsField(say("planning.support"), { value: rows(series["support"]), note: say("planning.support_note"), max: 8_000 });

  const trouble = el("p", { class: "trouble", role: "alert", hidden: true });
  const store = button(fresh ? say("planning.create") : say("planning.save"), () => void send(), { class: "main" });

  const filled = () => {
    return {
      ...Object.fromEntries(Object.entries(series).filter(([key]) => !LEFT.has(key))),
      name: name.field.value.trim(),
      title: title.field.value.trim(),
      about: about.field.value.trim(),
      timezone: zone.field.value.trim(),
      starts: starts.field.value.slice(0, 16),
      rrule: rule || null,
      until: (rule && until.field.value) || null,
      skip_months: rule ? months.flatMap((one, index) => (one.field.checked ? [index + 1] : [])) : [],
      agenda: agenda?.read() ?? [],
      ...Object.fromEntries(Object.entries(numbers).map(([key, one]) => [key, Number(one.field.value)])),
      ...Object.fromEntries(Object.entries(flags).map(([key, one]) => [key, one.field.checked])),
      slow_mode_s: Number(slow.field.value),
      erase: erase.value(),
      resources: unrows(resources.field.value, 2),
      support: unrows(support.field.value, 3),
    };
  };

  async function send() {
    const fields = filled();
    store.setAttribute("aria-disabled", "true");
    const wrong = await save(fields);
    store.removeAttribute("aria-disabled");
    write(trouble, wrong ?? "");
    trouble.hidden = wrong === null;
  }

  const began = JSON.stringify(filled());
  const leave = () => {
    const now = filled();
    back(JSON.stringify(now) === began ? null : now);
  };

  /** @param {string} heading @param {...Node} parts */
  const part = (heading, ...parts) => el("section", { class: "form-part" }, el("h2", {}, heading), ...parts);
  return el(
    "div",
    { class: "form" },
    part(say("planning.what"), title.element, name.element, about.element),
    part(say("planning.when"), el("div", { class: "options" }, starts.element, zone.element), zones, el("div", { class: "options" }, often.element, until.element), skips),
    part(say("planning.agenda"), agenda.element),
    part(
      say("planning.room"),
      el("div", { class: "options" }, ...Object.values(numbers).map((one) => one.element), slow.element),
      ...Object.values(flags).map((one) => one.element),
      erase.element,
    ),
    part(say("planning.help"), resources.element, support.element),
    el("div", { class: "save" }, trouble, el("div", { class: "actions" }, store, button(say("planning.back"), () => leave(), { class: "plain soft" }))),
  );
}

/** @param {import("./plan_rule.js").Rule} rule @param {string} starts */
function ruleWords(rule, starts) {
  const at = new Date(`${starts.slice(0, 10)}T12:00`);
  const day = Number.isNaN(at.getTime()) ? "" : new Intl.DateTimeFormat(document.documentElement.lang, { weekday: "long" }).format(at);
  return say(`planning.rule_${rule.kind}`, { day, every: rule.every, nth: rule.nth });
}

/** @param {number} month from 0 */
function monthName(month) {
  return new Intl.DateTimeFormat(document.documentElement.lang, { month: "long" }).format(new Date(2024, month, 15));
}

/** One line for each, its parts between bars. @param {string[][] | undefined} list */
function rows(list) {
  return (list ?? []).map((one) => one.join(" | ")).join("\n");
}

/** @param {string} text @param {number} parts */
function unrows(text, parts) {
  return text
    .split("\n")
    .map((line) => line.split("|").map((one) => one.trim()))
    .filter((one) => one.some((word) => word !== ""))
    .map((one) => Array.from({ length: parts }, (_, index) => one[index] ?? ""));
}

/** A date of a series, in the visitor's own time. @param {{starts_at: number}} date */
export function dateWords({ starts_at }) {
  return when(starts_at * 1000, "both");
}
