/** How often a series meets: the rules that a first date offers, and what an agenda adds up to. Pure. */

/** As RFC 5545 writes them, in the order of `Date.getUTCDay`. */
const DAYS = ["SU", "MO", "TU", "WE", "TH", "FR", "SA"];

/**
 * A rule that a series may have, and what it means.
 *
 * @typedef {{rrule: string, kind: "once" | "daily" | "weekly" | "weeks" | "nth" | "last" | "monthday", every: number, nth: number}} Rule
 */

/**
 * The rules of which the first date is a day, the plainest first.
 *
 * @param {string} starts local, `2026-12-01T19:00` @returns {Rule[]} only "once" where it is no date
 */
export function rulesFor(starts) {
  /** @type {Rule[]} */
  const rules = [{ rrule: "", kind: "once", every: 0, nth: 0 }];
  const date = new Date(`${starts.slice(0, 10)}T00:00Z`);
  if (Number.isNaN(date.getTime())) return rules;
  const day = DAYS[date.getUTCDay()] ?? "MO";
  const monthday = date.getUTCDate();
  const nth = Math.ceil(monthday / 7);
  const last = new Date(date.getTime() + 7 * 86_400_000).getUTCMonth() !== date.getUTCMonth();
  rules.push({ rrule: `FREQ=WEEKLY;BYDAY=${day}`, kind: "weekly", every: 1, nth });
  for (const every of [2, 3, 4]) rules.push({ rrule: `FREQ=WEEKLY;INTERVAL=${every};BYDAY=${day}`, kind: "weeks", every, nth });
  if (nth <= 4) rules.push({ rrule: `FREQ=MONTHLY;BYDAY=${nth}${day}`, kind: "nth", every: 1, nth });
  if (last) rules.push({ rrule: `FREQ=MONTHLY;BYDAY=-1${day}`, kind: "last", every: 1, nth: -1 });
  if (monthday <= 28) rules.push({ rrule: `FREQ=MONTHLY;BYMONTHDAY=${monthday}`, kind: "monthday", every: 1, nth: monthday });
  rules.push({ rrule: "FREQ=DAILY", kind: "daily", every: 1, nth });
  return rules;
}

/**
 * The same rule on the day of another first date, where it was one that `rulesFor` makes.
 *
 * @param {string} rrule @param {string} before @param {string} after first dates, local
 * @returns {string}
 */
export function moved(rrule, before, after) {
  const was = rulesFor(before).find((one) => one.rrule === rrule);
  if (!was) return rrule;
  return rulesFor(after).find((one) => one.kind === was.kind && one.every === was.every)?.rrule ?? "";
}

/**
 * When each part of an agenda begins and ends, on the clock of the series' place.
 *
 * @param {string} starts local @param {readonly {minutes: number}[]} agenda
 * @returns {{minutes: number, parts: string[], ends: string}} times like "19:05"; "" where there is no start
 */
export function times(starts, agenda) {
  const [hours, minute] = (starts.slice(11, 16) || "").split(":").map(Number);
  const begin = hours === undefined || minute === undefined || Number.isNaN(hours + minute) ? null : hours * 60 + minute;
  let sum = 0;
  const parts = agenda.map(({ minutes }) => {
    const at = clock(begin, sum);
    sum += minutes || 0;
    return at;
  });
  return { minutes: sum, parts, ends: clock(begin, sum) };
}

/** @param {number | null} begin minutes of the day @param {number} after */
function clock(begin, after) {
  if (begin === null) return "";
  const at = (begin + after) % 1440;
  return `${String(Math.floor(at / 60)).padStart(2, "0")}:${String(at % 60).padStart(2, "0")}`;
}

/** A name for a room out of a title. @param {string} title */
export function slug(title) {
  const plain = title.normalize("NFD").replace(/[\u0300-\u036f]/gu, "").toLowerCase();
  return plain.replace(/[^a-z0-9]+/gu, "-").replace(/^-+|-+$/gu, "").slice(0, 40).replace(/-+$/u, "");
}
