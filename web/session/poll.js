/** An anonymous question: one answer, sent once; and its results, where enough people have answered. */

import { button, el, write } from "../room/dom.js";
import { say } from "../words/say.js";
import { bars } from "./view.js";

/** @typedef {NonNullable<import("./view.js").SessionNow["poll"]>} Poll */

/**
 * @param {Poll} poll
 * @param {(choice: number) => void} vote
 */
export function pollForm(poll, vote) {
  const trouble = el("p", { class: "quiet", role: "status" });
  const list = el("fieldset", { class: "options" }, el("legend", { dir: "auto" }, poll.question));
  poll.options.forEach((option, index) => {
    const input = el("input", { type: "radio", name: `poll-${poll.id}`, value: String(index) });
    list.append(el("label", { class: "option" }, input, el("span", { dir: "auto" }, option)));
  });
  const send = button(
    say("session.poll_vote"),
    () => {
      const chosen = list.querySelector("input:checked");
      if (chosen instanceof HTMLInputElement) vote(Number(chosen.value));
      else write(trouble, say("session.poll_choose"));
    },
    { class: "main" },
  );
  return [el("p", { class: "kicker" }, say("session.poll_one")), list, el("p", { class: "quiet" }, say("session.poll_about")), el("div", { class: "actions" }, send), trouble];
}

/**
 * @param {string} question "" where it is not known any more
 * @param {readonly string[]} options
 * @param {readonly number[] | null | undefined} results
 */
export function pollResults(question, options, results) {
  const title = el("p", { class: "kicker" }, question ? say("session.poll_results", { question }) : say("session.poll_results_earlier"));
  const shown = bars(results);
  if (shown === null) return [title, el("p", {}, say("session.poll_few"))];
  const list = el("ul", { class: "results" });
  shown.forEach(({ votes, share }, at) => {
    const bar = el("span", { class: "share", "aria-hidden": "true" });
    bar.style.transform = `scaleX(${share})`;
    list.append(el("li", {}, el("span", {}, say("session.poll_answer", { option: options[at] ?? String(at + 1), count: votes })), el("span", { class: "bar" }, bar)));
  });
  return [title, list];
}
