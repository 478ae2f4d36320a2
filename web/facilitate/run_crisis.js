/**
 * The ladder for when somebody is in crisis, as a card beside the private word: one step after the other, each
 * with words that may be used. On two tracks: while one facilitator stays with the person, another has the floor.
 *
 * It sends nothing by itself. A sentence goes into the field of the private word, to be changed or left.
 */

import { button, el } from "../room/dom.js";
import { drawMark } from "../room/marks.js";
import { name } from "../room/words.js";
import { say } from "../words/say.js";

/** @typedef {import("./run_view.js").SessionNow} SessionNow */

const STEPS = /** @type {const} */ (["acknowledge", "ask", "stay", "limits", "lines", "offer", "next", "group"]);

/**
 * Choose with whom: a private word is asked for, and the others are told that they have the floor.
 *
 * @param {import("./sheet.js").Sheet} sheet @param {readonly {handle: string, line: string}[]} group
 * @param {readonly string[]} others facilitators who are here besides oneself
 * @param {(handle: string) => void} begin
 */
export function choose(sheet, group, others, begin) {
  const list = el("div", { class: "list" });
  for (const one of group) {
    const act = button(name(one.handle), () => {
      sheet.close();
      begin(one.handle);
    });
    act.prepend(drawMark(one.handle));
    list.append(act);
  }
  const track = others.length > 0 ? say("facilitate.crisis_others", { names: others.map(name) }) : say("facilitate.crisis_alone");
  sheet.ask(say("facilitate.tool_crisis"), [el("p", {}, say("facilitate.crisis_about")), el("p", {}, track), el("div", { class: "deeds" }, list)], [], {
    focus: /** @type {HTMLElement | undefined} */ (list.querySelector("button") ?? undefined),
  });
}

/**
 * The ladder. @param {SessionNow} session @param {(words: string) => void} use puts words into the field
 * @returns {HTMLElement}
 */
export function ladder(session, use) {
  const support = (session.support ?? []).map(([what, number]) => say("facilitate.support_line", { what: what ?? "", number: number ?? "" })).join("\n");
  const steps = STEPS.map((step) => {
    const words = step === "lines" ? support : say(`facilitate.crisis_words_${step}`);
    const box = el("input", { type: "checkbox" });
    const row = el("li", {}, el("label", { class: "check" }, box, el("span", {}, say(`facilitate.crisis_step_${step}`))));
    if (step !== "group" && words !== "") row.append(el("p", { class: "quiet", dir: "auto" }, words), button(say("facilitate.crisis_use"), () => use(words), { class: "plain", "aria-label": say("facilitate.crisis_use_words", { words }) }));
    else row.append(el("p", { class: "quiet" }, step === "group" ? say("facilitate.crisis_words_group") : say("facilitate.crisis_no_lines")));
    return row;
  });
  return el("details", { class: "ladder" }, el("summary", {}, say("facilitate.crisis_ladder")), el("ol", {}, ...steps));
}
