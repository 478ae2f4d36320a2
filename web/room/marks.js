/**
 * The mark beside a handle, drawn by the algorithm in `presence/marks.py` (which says it in full);
 * `tests/presence/marks.json` holds both to the same drawings. The colours are in `tokens.css`.
 */

export const FIGURES = [
  "M16 3a13 13 0 1 0 0 26a13 13 0 1 0 0-26z",
  "M10 4.5h12a5.5 5.5 0 0 1 5.5 5.5v12a5.5 5.5 0 0 1-5.5 5.5h-12a5.5 5.5 0 0 1-5.5-5.5v-12a5.5 5.5 0 0 1 5.5-5.5z",
  "M13.2 3.7a4 4 0 0 1 5.6 0l9.5 9.5a4 4 0 0 1 0 5.6l-9.5 9.5a4 4 0 0 1-5.6 0l-9.5-9.5a4 4 0 0 1 0-5.6z",
  "M4 4h11a13 13 0 0 1 13 13v11h-11a13 13 0 0 1-13-13z",
  "M16 4h12v12a12 12 0 1 1-12-12z",
  "M4.5 16a11.5 11.5 0 0 1 23 0v9a2.5 2.5 0 0 1-2.5 2.5h-18a2.5 2.5 0 0 1-2.5-2.5z",
  "M13 4.6a3.5 3.5 0 0 1 6 0l10.2 17.6a3.5 3.5 0 0 1-3 5.3h-20.4a3.5 3.5 0 0 1-3-5.3z",
  "M9.5 9.5a6.5 6.5 0 0 1 13 0a6.5 6.5 0 0 1 0 13a6.5 6.5 0 0 1-13 0a6.5 6.5 0 0 1 0-13z",
  "M9 4h14a5 5 0 0 0 5 5v14a5 5 0 0 0-5 5h-14a5 5 0 0 0-5-5v-14a5 5 0 0 0 5-5z",
  "M11 8h10a8 8 0 0 1 0 16h-10a8 8 0 0 1 0-16z",
  "M16 1.5q3.5 11 14.5 14.5q-11 3.5-14.5 14.5q-3.5-11-14.5-14.5q11-3.5 14.5-14.5z",
  "M4.5 9h23a1.5 1.5 0 0 1 1.5 1.5v.5a13 13 0 0 1-26 0v-.5a1.5 1.5 0 0 1 1.5-1.5z",
];
export const CUTS = [
  "",
  "M16 12a4 4 0 1 0 0 8a4 4 0 1 0 0-8z",
  "M12.5 14.2h7a1.8 1.8 0 0 1 0 3.6h-7a1.8 1.8 0 0 1 0-3.6z",
  "M13.5 11.5v9h-2.5v-9zM21 11.5v9h-2.5v-9z",
  "M11 14a5 5 0 0 0 10 0z",
  "M16 11a5 5 0 1 0 0 10a5 5 0 1 0 0-10zM16 13.5a2.5 2.5 0 1 1 0 5a2.5 2.5 0 1 1 0-5z",
  "M16 11l5 5-5 5-5-5z",
  "M16 10.5a1.9 1.9 0 1 0 0 3.8a1.9 1.9 0 1 0 0-3.8zM12.6 16.5a1.9 1.9 0 1 0 0 3.8a1.9 1.9 0 1 0 0-3.8zM19.4 16.5a1.9 1.9 0 1 0 0 3.8a1.9 1.9 0 1 0 0-3.8z",
];
const COLOURS = 8;
const SVG = "http://www.w3.org/2000/svg";

/** What to draw for a handle. @param {string} handle ASCII */
export function mark(handle) {
  let h = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(handle)) h = Math.imul(h ^ byte, 0x01000193) >>> 0;
  h = (h ^ (h >>> 16)) >>> 0;
  const hash = h;
  /** @param {number} among */
  const draw = (among) => {
    const drawn = h % among;
    h = Math.floor(h / among);
    return drawn;
  };
  return { hash, colour: draw(COLOURS), figure: draw(FIGURES.length), cut: draw(CUTS.length), turn: draw(4) };
}

/**
 * The drawing. It says nothing to a screen reader: the handle stands beside it in words.
 *
 * @param {string} handle @param {"" | "large"} [size]
 */
export function drawMark(handle, size = "") {
  const { colour, figure, cut, turn } = mark(handle);
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", `mark ${size}`.trim());
  svg.setAttribute("viewBox", "0 0 32 32");
  svg.setAttribute("aria-hidden", "true");
  svg.setAttribute("focusable", "false");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("fill", `var(--mark-${colour})`);
  path.setAttribute("fill-rule", "evenodd");
  if (turn !== 0) path.setAttribute("transform", `rotate(${90 * turn} 16 16)`);
  path.setAttribute("d", `${FIGURES[figure]}${CUTS[cut]}`);
  svg.append(path);
  return svg;
}
