/** What waits for a facilitator: who asks for a private word, what is held, what is appealed. */

import { button, el } from "../room/dom.js";
import { drawMark } from "../room/marks.js";
import { name } from "../room/words.js";
import { say } from "../words/say.js";
import { panelElement } from "./panels.js";
import { reasoned } from "./run_person.js";

/**
 * @typedef {import("./run_desk.js").Matter} Matter
 * @typedef {import("../client/wire.js").Refused} Refused
 * @typedef {object} Deeds
 * @property {(matter: Matter) => void} take answer somebody who asks for a private word
 * @property {(matter: Matter, yes: boolean) => void} decide about a held post
 * @property {(matter: Matter, yes: boolean) => void} answer an appeal
 * @property {(seq: number) => void} show the post that an appeal is about
 */

export class WaitingPanel {
  #none = el("p", { class: "quiet" }, say("facilitate.nothing_waits"));
  #list = el("ul", { class: "matters" });
  #stamp = "";

  /** @param {Deeds} deeds */
  constructor(deeds) {
    this.deeds = deeds;
    this.element = panelElement("waiting", say("facilitate.panel_waiting"), this.#none, this.#list);
  }

  /** @param {readonly Matter[]} matters */
  show(matters) {
    const stamp = JSON.stringify(matters);
    if (stamp === this.#stamp) return;
    this.#stamp = stamp;
    const had = this.#list.contains(document.activeElement);
    this.#none.hidden = matters.length > 0;
    this.#list.replaceChildren(...matters.map((one) => this.#matter(one)));
    if (had) this.element.querySelector("h2")?.focus();
  }

  /** @param {Matter} matter */
  #matter(matter) {
    const { kind } = matter;
    const who = name(matter.handle);
    const title = say(kind === "word" ? "facilitate.asks_word" : kind === "held" ? "facilitate.holds" : "facilitate.appeals", { name: who, deed: say(`facilitate.deed_${matter.what || "hidden"}`) });
    /** @type {HTMLElement[]} */
    const parts = [el("div", { class: "matter-head" }, drawMark(matter.handle), el("p", {}, title))];
    if (matter.text) parts.push(el("blockquote", { dir: "auto" }, matter.text));
    const acts = el("div", { class: "actions" });
    /** @param {string} label @param {() => void} act @param {boolean} [main] */
    const add = (label, act, main = false) => acts.append(button(label, act, { ...(main && { class: "main" }), "aria-label": `${label}: ${title}` }));
    if (matter.by) parts.push(el("p", { class: "quiet" }, say("facilitate.taken", { name: name(matter.by) })));
    if (!matter.mine) parts.push(el("p", { class: "quiet" }, say("facilitate.not_yours_to_answer")));
    else if (kind === "word") add(say("facilitate.take"), () => this.deeds.take(matter), matter.by === "");
    else if (kind === "held") {
      add(say("facilitate.let_through"), () => this.deeds.decide(matter, true), true);
      add(say("facilitate.decline"), () => this.deeds.decide(matter, false));
    } else {
      add(say("facilitate.undo_it"), () => this.deeds.answer(matter, true));
      add(say("facilitate.leave_it"), () => this.deeds.answer(matter, false));
    }
    if (matter.target !== null && kind === "appeal") {
      const { target } = matter;
      add(say("facilitate.show_it"), () => this.deeds.show(target));
    }
    return el("li", { class: "matter" }, ...parts, acts);
  }
}

/**
 * What is done about what waits; the words of who decides go to the person.
 *
 * @param {import("./sheet.js").Sheet} sheet @param {() => import("./run_beside.js").Besides} besides
 * @param {(refused: Refused | null) => void} hint @param {(handle: string) => string} lineOf the room of somebody's line
 * @returns {Omit<Deeds, "show">}
 */
export function waitingDeeds(sheet, besides, hint, lineOf) {
  /** @param {Record<string, unknown>} command @returns {Promise<Refused | null>} */
  const ask = async (command) => {
    const answer = await besides().askStaff(command);
    return answer.t === "error" ? answer : null;
  };
  return {
    take: (matter) => {
      if (matter.by === "") void ask({ t: "react", seq: matter.seq, kind: "heard" }).then(hint);
      besides().line(matter.handle, matter.line || lineOf(matter.handle));
    },
    decide: ({ seq, handle, text }, yes) => {
      const decision = { t: "decide", seq, yes };
      if (yes) return void ask(decision).then(hint);
      reasoned(sheet, say("facilitate.decline_title", { name: name(handle) }), text, say("facilitate.decline_do"), (reason) => ask({ ...decision, reason }));
    },
    answer: ({ seq, text }, yes) => {
      const title = yes ? say("facilitate.undo_title") : say("facilitate.leave_title");
      reasoned(sheet, title, text, yes ? say("facilitate.undo_it") : say("facilitate.leave_it"), (reason) => ask({ t: "answer_appeal", seq, yes, reason }));
    },
  };
}
