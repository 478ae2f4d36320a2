/**
 * Sentences that only some rooms need, fetched by whoever needs them: the first load of all others is smaller
 * for it. What a language lacks is said in English, as everywhere.
 */

import { learn, spoken } from "./say.js";

const TRIES = 5;
const PAUSE_MS = 1_500;

/**
 * Learn to say a catalogue. Returns when that is so, or when the network did not give it in several tries.
 *
 * @param {string} catalogue
 */
export async function more(catalogue) {
  const languages = [...new Set(["en", spoken()])];
  for (let tries = TRIES; tries > 0; tries--) {
    try {
      learn(catalogue, Object.assign({}, ...(await Promise.all(languages.map((language) => fetched(language, catalogue))))));
      return;
    } catch {
      // The network may be back in a moment; without words there is nothing to show.
      if (tries > 1) await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }
}

/** @param {string} language @param {string} catalogue @returns {Promise<Record<string, string>>} */
async function fetched(language, catalogue) {
  const answer = await fetch(new URL(`${language}/${catalogue}.json`, import.meta.url));
  if (!answer.ok) throw new Error(`no words in ${language}`);
  return answer.json();
}
