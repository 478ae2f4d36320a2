import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

const css = readFileSync(new URL("../../web/tokens.css", import.meta.url), "utf8");
const themes = { light: tokens("light"), dark: tokens("dark") };

/** Each colour is written once, for day and night: `--ink: var(--light, #2a2520) var(--dark, #d6cec2);` */
function tokens(theme) {
  const colour = new RegExp(`--([\\w-]+): [^;]*var\\(--${theme}, (#[0-9a-f]{6})\\)`, "gi");
  const found = Object.fromEntries([...css.matchAll(colour)].map(([, name, value]) => [name, value]));
  assert.ok(Object.keys(found).length >= 20, `${theme} has colours`);
  return found;
}

/** WCAG 2.2 relative luminance and contrast. */
function luminance(hex) {
  const [r, g, b] = [1, 3, 5].map((at) => {
    const channel = parseInt(hex.slice(at, at + 2), 16) / 255;
    return channel <= 0.04045 ? channel / 12.92 : ((channel + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(a, b) {
  const [light, dark] = [luminance(a), luminance(b)].sort((x, y) => y - x);
  return (light + 0.05) / (dark + 0.05);
}

const grounds = ["paper", "surface", "sunken", "accent-wash", "warm-wash"];
for (const [theme, colour] of Object.entries(themes)) {
  test(`${theme}: text reaches 7:1 on every ground`, () => {
    for (const ground of grounds) {
      for (const ink of ["ink", "ink-soft"]) {
        const ratio = contrast(colour[ink], colour[ground]);
        assert.ok(ratio >= 7, `${ink} on ${ground}: ${ratio.toFixed(2)}`);
      }
    }
    for (const [ink, ground] of [["accent", "paper"], ["accent", "surface"], ["accent", "accent-wash"], ["on-accent", "accent"], ["concern", "paper"], ["concern", "surface"], ["concern", "accent-wash"]]) {
      const ratio = contrast(colour[ink], colour[ground]);
      assert.ok(ratio >= 7, `${ink} on ${ground}: ${ratio.toFixed(2)}`);
    }
  });
  test(`${theme}: borders of controls reach 3:1`, () => {
    for (const ground of ["paper", "surface", "accent-wash"]) {
      const ratio = contrast(colour["line-strong"], colour[ground]);
      assert.ok(ratio >= 3, `line-strong on ${ground}: ${ratio.toFixed(2)}`);
    }
  });
}
