/** What the conversation shows between the posts: that a part began, an announcement, a poll and how it went. */

import { el } from "../room/dom.js";
import { say } from "../words/say.js";
import { entryOf } from "./run_journal.js";

/** @typedef {import("../client/wire.js").Noted} Noted */

/** @type {Record<string, string>} */
const CARD = { announcement: "facilitate.card_announcement", prompt: "facilitate.card_prompt", resource: "facilitate.card_resource" };

/** @param {Noted} event @param {ReadonlyMap<number, {t: string}>} [earlier] what happened before, by place @returns {HTMLElement} */
export function note(event, earlier = new Map()) {
  if (event.t === "announced") {
    const card = el("div", { class: `card-note ${event.kind}` }, el("p", { class: "quiet" }, say(CARD[event.kind] ?? CARD["announcement"] ?? "")), el("p", { class: "words", dir: "auto" }, event.text));
    if (event.url?.startsWith("https://")) card.append(el("a", { href: event.url, target: "_blank", rel: "noopener noreferrer", dir: "ltr" }, event.url));
    return card;
  }
  if (event.t === "poll_opened" || event.t === "round_started") {
    const question = event.t === "poll_opened" ? event.question : event.prompt;
    const card = el("div", { class: "card-note" }, el("p", { class: "quiet" }, entryOf(event)), el("p", { class: "words", dir: "auto" }, question));
    if (event.t === "poll_opened") card.append(el("ul", { class: "lines" }, ...event.options.map((one) => el("li", { dir: "auto" }, one))));
    return card;
  }
  if (event.t === "phase_changed" && event.prompt) {
    return el("div", { class: "card-note prompt" }, el("p", { class: "quiet" }, entryOf(event)), el("p", { class: "words", dir: "auto" }, event.prompt));
  }
  if (event.t === "poll_closed" && event.results) {
    const asked = /** @type {Noted | undefined} */ (earlier.get(event.poll));
    const card = el("div", { class: "card-note" }, el("p", { class: "quiet" }, entryOf(event)));
    if (asked?.t === "poll_opened") card.append(el("p", { class: "words", dir: "auto" }, asked.question), votes(asked.options, event.results));
    else card.append(el("p", {}, say("facilitate.poll_results", { results: event.results.map(String) })));
    return card;
  }
  if (event.t === "word_offered") return line(say("facilitate.word_offered"));
  if (event.t === "word_answered") return line(event.yes ? say("facilitate.word_yes") : say("facilitate.word_no"));
  if (event.t === "word_ended") return line(say("facilitate.word_ended"));
  if (event.t === "told") return line(say("facilitate.was_told", { deed: say(`facilitate.deed_${event.what}`) }));
  return line(entryOf(event));
}

/** @param {string} text */
function line(text) {
  return el("p", { class: "note" }, text);
}

/** @param {readonly string[]} options @param {readonly number[]} results */
function votes(options, results) {
  return el("ul", { class: "lines" }, ...options.map((option, at) => el("li", {}, say("session.poll_answer", { option, count: results[at] ?? 0 }))));
}
