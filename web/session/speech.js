/**
 * The sentences of a session, fetched where a room has one: most rooms have none, and their first load is
 * smaller for it. Whoever imports this can say them. What a language lacks is said in English, as everywhere.
 */

import { has, learn, spoken } from "../words/say.js";

const TRIES = 5;
const PAUSE_MS = 1_500;

/** @param {string} language @returns {Promise<Record<string, string>>} */
async function fetched(language) {
  const answer = await fetch(new URL(`../words/${language}/session.json`, import.meta.url));
  if (!answer.ok) throw new Error(`no words in ${language}`);
  return answer.json();
}

/** @param {number} tries */
async function begin(tries) {
  try {
    const languages = [...new Set(["en", spoken()])];
    learn("session", Object.assign({}, ...(await Promise.all(languages.map(fetched)))));
  } catch {
    // The network may be back in a moment; without words there is nothing to show.
    if (tries <= 1) return;
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    await begin(tries - 1);
  }
}

if (!has("session.now")) await begin(TRIES);
