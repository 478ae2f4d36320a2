/**
 * Every sentence that the page makes, in the page's language.
 *
 * The sentences are in `web/words/LANGUAGE/NAME.json`, and nowhere else. The server writes those that a
 * page needs into it, as data, with English where a language lacks one (`chatd/languages.py`): nothing is
 * asked for. Numbers, lists, dates and plural forms are `Intl`'s business. How to write catalogues:
 * docs/languages.md.
 *
 *   say("room.typing_one", { name })          "quiet heron is writing"
 *   say("room.new_messages", { count: 3 })    the plural form that the language has for `count`
 */

/** @typedef {string | Record<string, string>} Sentence one, or one for each plural category (CLDR) that `count` may be in */
/** @typedef {Record<string, Record<string, Sentence>>} Words by catalogue and name */
/** @typedef {Record<string, string | number | readonly string[]>} Values what goes in where a sentence has {name} */

/** First strong isolate, and its end (Unicode Standard Annex 9): what is between turns nothing around it. */
const [ISOLATE, DONE] = ["\u2068", "\u2069"];
const TURNS = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]/;

/** @type {Words} */
let words = {};
let language = "en";
let rightToLeft = false;
/** The language as this browser's owner writes dates and numbers in it. */
let locale = "en";
/** Makers of dates, plurals and the like: costly to make, and asked for again and again. @type {Map<string, any>} */
let makers = new Map();

/**
 * From here on, say it with these words. The page does so by itself with what the server wrote into it.
 *
 * @param {string} tag a language, as in `<html lang>` @param {Words} all @param {readonly string[]} [regions]
 *   languages that somebody wants, with their regions: en-US writes dates as en-GB does not
 */
export function speak(tag, all, regions = []) {
  words = all;
  language = tag;
  // In Arabic too the digits are those of the wards, and of the sentences; and dates are those of the roster.
  const spoken = regions.find((one) => one.split("-")[0] === tag) ?? (tag === "en" ? "en-GB" : tag);
  locale = new Intl.Locale(spoken, { numberingSystem: "latn", calendar: "gregory" }).toString();
  rightToLeft = new Intl.Locale(tag).maximize().script === "Arab";
  makers = new Map();
}

if (typeof document !== "undefined") {
  const data = document.getElementById("words");
  const regions = typeof navigator === "undefined" ? [] : navigator.languages;
  speak(document.documentElement.lang || "en", JSON.parse(data?.textContent || "{}"), regions);
}

/** More to say: what only some rooms need is fetched when they do. @param {string} catalogue @param {Record<string, Sentence>} sentences */
export function learn(catalogue, sentences) {
  words = { ...words, [catalogue]: sentences };
}

/** The language that is spoken: "en", "ar" ... */
export function spoken() {
  return language;
}

/** Whether there is such a sentence. @param {string} key */
export function has(key) {
  return find(key) !== undefined;
}

/**
 * A sentence. `count` among the values chooses the plural form; numbers are written as the language writes
 * them, a list as "a, b and c", and text that may run the other way is kept apart from what is around it.
 *
 * @param {string} key "catalogue.name" @param {Values} [values] @returns {string} the key, where there is none
 */
export function say(key, values = {}) {
  const found = find(key);
  if (found === undefined) return key;
  const sentence = typeof found === "string" ? found : (found[plural(values["count"])] ?? found["other"] ?? key);
  return sentence.replace(/\{(\w+)\}/g, (whole, name) => {
    const value = values[name];
    return value === undefined ? whole : written(value);
  });
}

/**
 * What the server refused, by its code, in the page's own words. The server's sentence, which is English,
 * where the page does not know the code.
 *
 * @param {{code: string, message: string}} refused
 */
export function refusal({ code, message }) {
  return has(`refusals.${code}`) ? say(`refusals.${code}`) : message;
}

/** @param {number} number */
export function number(number) {
  return make("number", () => new Intl.NumberFormat(locale)).format(number);
}

/** "a, b and c". @param {readonly string[]} items */
export function list(items) {
  return make("list", () => new Intl.ListFormat(locale, { type: "conjunction" })).format(items.map(apart));
}

/** @type {Record<string, Intl.DateTimeFormatOptions>} */
const HOWS = {
  time: { timeStyle: "short" },
  day: { weekday: "long", day: "numeric", month: "long" },
  date: { day: "numeric", month: "long", year: "numeric" },
  both: { weekday: "long", day: "numeric", month: "long", hour: "numeric", minute: "2-digit" },
};

/**
 * A moment, in the device's time zone.
 *
 * @param {number} at Unix milliseconds
 * @param {"time" | "day" | "date" | "both"} how "19:00"; "Tuesday, 1 December"; "1 December 2026"; the day and the time
 */
export function when(at, how) {
  return make(`when ${how}`, () => new Intl.DateTimeFormat(locale, HOWS[how])).format(at);
}

/** "Today", "Yesterday", or the day. @param {number} at @param {number} now Unix milliseconds */
export function day(at, now) {
  const midnight = (/** @type {number} */ moment) => new Date(moment).setHours(0, 0, 0, 0);
  const days = Math.round((midnight(at) - midnight(now)) / 86_400_000);
  return days === 0 || days === -1 ? first(relative(days, "day")) : when(at, "day");
}

/** How long it takes: "15 seconds", "1 minute". @param {number} seconds whole minutes from a minute up */
export function lasting(seconds) {
  const unit = seconds >= 60 ? "minute" : "second";
  const maker = make(`lasting ${unit}`, () => new Intl.NumberFormat(locale, { style: "unit", unit, unitDisplay: "long" }));
  return maker.format(unit === "minute" ? Math.round(seconds / 60) : seconds);
}

/** How far off it is: "in 10 minutes", "2 hours ago". @param {number} seconds negative where it has passed */
export function away(seconds) {
  const far = Math.abs(seconds);
  if (far < 5400) return relative(Math.sign(seconds) * Math.max(1, Math.round(far / 60)), "minute");
  return far < 129_600 ? relative(Math.round(seconds / 3600), "hour") : relative(Math.round(seconds / 86_400), "day");
}

/** With a capital at the beginning, where the script has them. @param {string} text */
export function first(text) {
  const [letter = ""] = text;
  return letter.toLocaleUpperCase(language) + text.slice(letter.length);
}

/** `?lang=` for an address that goes on in the language that somebody chose here; "" where nobody did. */
export function chosen() {
  return new URLSearchParams(location.search).has("lang") ? `?lang=${language}` : "";
}

/** @param {number} value @param {"minute" | "hour" | "day"} unit */
function relative(value, unit) {
  return make("relative", () => new Intl.RelativeTimeFormat(locale, { numeric: "auto" })).format(value, unit);
}

/** @param {string} key @returns {Sentence | undefined} */
function find(key) {
  const [catalogue = "", name = ""] = key.split(".", 2);
  const all = Object.hasOwn(words, catalogue) ? words[catalogue] : undefined;
  return all !== undefined && Object.hasOwn(all, name) ? all[name] : undefined;
}

/** @param {Values[string] | undefined} count */
function plural(count) {
  return make("plural", () => new Intl.PluralRules(language)).select(Number(count));
}

/** @param {Values[string]} value */
function written(value) {
  if (typeof value === "number") return number(value);
  return typeof value === "string" ? apart(value) : list(value);
}

/** Text that may run another way than the sentence around it. @param {string} text */
function apart(text) {
  return text !== "" && (rightToLeft || TURNS.test(text)) ? ISOLATE + text + DONE : text;
}

/**
 * @template T
 * @param {string} name @param {() => T} maker
 * @returns {T}
 */
function make(name, maker) {
  if (!makers.has(name)) makers.set(name, maker());
  return makers.get(name);
}
