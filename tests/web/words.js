/** English, as the server writes it into a page: for tests of what the page says. */

import { readFileSync, readdirSync } from "node:fs";
import { speak } from "../../web/words/say.js";

const folder = new URL("../../web/words/", import.meta.url);

/** All catalogues of a language. @param {string} language @returns {Record<string, any>} */
export function catalogues(language) {
  const files = readdirSync(new URL(`${language}/`, folder)).filter((name) => name.endsWith(".json"));
  return Object.fromEntries(files.map((name) => [name.slice(0, -5), JSON.parse(readFileSync(new URL(`${language}/${name}`, folder), "utf-8"))]));
}

/** The languages there are. */
export const LANGUAGES = JSON.parse(readFileSync(new URL("languages.json", folder), "utf-8"));

speak("en", catalogues("en"));
