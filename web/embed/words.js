/** What `<peer-chat>` itself says, in the language asked for. A module for each: a host page's policy may allow nothing else. */

/** As in ../words/languages.json. */
const SPOKEN = ["en", "es", "fr", "de", "ar"];

/** @param {string} wanted a language; "" for what the browser prefers @returns {Promise<Record<string, string>>} ../words/LANGUAGE/embed.json */
export async function words(wanted) {
  const all = [wanted, ...navigator.languages].map((one) => one.toLowerCase().split("-")[0] ?? "");
  const language = all.find((one) => SPOKEN.includes(one)) ?? "en";
  return (await import(`./words/${language}.js`)).default;
}

/** Say what is in the frame, to whoever does not see it. @param {HTMLIFrameElement} frame @param {string} wanted */
export async function entitle(frame, wanted) {
  frame.title = (await words(wanted)).frame ?? "";
}
