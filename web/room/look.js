/**
 * How the host page wants the room to look, as far as it stays readable.
 *
 * Colours are taken together or not at all: only where every text keeps the contrast that the
 * room's own colours have (7:1, WCAG 2.2 success criterion 1.4.6). What is derived from the accent
 * (its wash, the text on it) is derived here. Pure but for `apply`.
 */

import { COLOURS } from "../embed/messages.js";

const ENOUGH = 7;
const WASH = 0.08;

/**
 * @typedef {{theme?: string, accent?: string, paper?: string, surface?: string, ink?: string,
 *            radius?: number, font?: string}} Look as `../embed/messages.js` has checked it
 * @typedef {Record<string, string>} Colours by token, each #rrggbb
 */

/**
 * @param {Colours} own the tokens as they are: paper, surface, sunken, ink, ink-soft, accent, on-accent, concern ...
 * @param {Look} wished colours only
 * @returns {Colours | null} the tokens to set, null where something would be hard to read
 */
export function readable(own, wished) {
  /** @type {Colours} */
  const all = { ...own };
  for (const name of COLOURS) all[name] = wished[name] ?? all[name] ?? "";
  /** @param {string} name */
  const get = (name) => all[name] ?? "#000000";
  if (wished.ink) all["ink-soft"] = wished.ink;
  if (wished.paper || wished.ink) all.sunken = mix(get("paper"), get("ink"), 0.04);
  if (wished.paper || wished.ink) all.line = mix(get("paper"), get("ink"), 0.2);
  if (wished.accent || wished.surface || wished.paper) {
    const white = contrast("#ffffff", get("accent")) >= contrast("#000000", get("accent"));
    all["on-accent"] = white ? "#ffffff" : "#000000";
    all["accent-wash"] = mix(get("surface"), get("accent"), WASH);
  }
  const grounds = ["paper", "surface", "sunken", "accent-wash", "warm-wash"];
  const pairs = [
    ...grounds.flatMap((ground) => [["ink", ground], ["ink-soft", ground]]),
    ["accent", "paper"], ["accent", "surface"], ["accent", "accent-wash"], ["on-accent", "accent"],
    ["concern", "paper"], ["concern", "surface"], ["concern", "accent-wash"],
  ];
  if (pairs.some(([text = "", ground = ""]) => contrast(get(text), get(ground)) < ENOUGH)) return null;
  return Object.fromEntries(Object.entries(all).filter(([name, value]) => value !== own[name]));
}

const TOKENS = ["paper", "surface", "sunken", "ink", "ink-soft", "line", "accent", "on-accent", "accent-wash", "warm-wash", "concern"];
const TAKEN = [...TOKENS, "radius", "radius-s", "radius-l", "font"];

/**
 * @param {HTMLElement} root
 * @param {Look} look
 * @returns {boolean} whether the colours were taken
 */
export function apply(root, { theme, radius, font, ...colours }) {
  for (const name of TAKEN) root.style.removeProperty(`--${name}`);
  if (theme === "light" || theme === "dark") root.dataset.theme = theme;
  else delete root.dataset.theme;
  if (radius !== undefined) {
    root.style.setProperty("--radius-s", `${radius / 2}px`);
    root.style.setProperty("--radius", `${radius}px`);
    root.style.setProperty("--radius-l", `${radius * 1.5}px`);
  }
  if (font !== undefined) root.style.setProperty("--font", `${font}, system-ui, sans-serif`);
  if (Object.values(colours).every((value) => value === undefined)) return true;
  const seen = getComputedStyle(root);
  const own = Object.fromEntries(TOKENS.map((name) => [name, seen.getPropertyValue(`--${name}`).trim()]));
  const taken = readable(own, colours);
  for (const [name, value] of Object.entries(taken ?? {})) root.style.setProperty(`--${name}`, value);
  return taken !== null;
}

/** @param {string} hex */
function channels(hex) {
  return [1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16));
}

/** `part` of b in a. @param {string} a @param {string} b @param {number} part */
function mix(a, b, part) {
  const with_ = channels(b);
  return `#${channels(a).map((one, at) => Math.round(one + ((with_[at] ?? 0) - one) * part).toString(16).padStart(2, "0")).join("")}`;
}

/** @param {string} hex WCAG 2.2, relative luminance */
function luminance(hex) {
  const [r = 0, g = 0, b = 0] = channels(hex).map((one) => (one / 255 <= 0.04045 ? one / 255 / 12.92 : ((one / 255 + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

/** @param {string} a @param {string} b */
function contrast(a, b) {
  const [light = 0, dark = 0] = [luminance(a), luminance(b)].sort((x, y) => y - x);
  return (light + 0.05) / (dark + 0.05);
}
