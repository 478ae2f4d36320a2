/**
 * One thing at a time: the card between the strip and the conversation. What it is about is worked out in
 * `view.js`; here it is drawn, and drawn again only where it became another one.
 */

import { button, el, mayFocus } from "../room/dom.js";
import { name } from "../room/words.js";
import { say, when } from "../words/say.js";
import { link } from "./notes.js";
import { pollForm } from "./poll.js";
import { toldLine, whereWeAre } from "./words.js";

/**
 * @typedef {import("./view.js").SessionNow} SessionNow
 * @typedef {ReturnType<typeof import("./view.js").card>} Kind
 * @typedef {object} Acts
 * @property {() => void} accept the rules
 * @property {(yes: boolean) => void} word
 * @property {() => void} read what stands in the line
 * @property {() => void} later not now
 * @property {() => void} seen where the group is
 * @property {(poll: number, choice: number) => void} vote
 * @property {() => void} checkIn say how heavy it is
 * @property {() => void} pass not this time
 */

const RULES = ["entry.rule_stays_here", "entry.rule_listening", "entry.rule_yourself", "entry.rule_who", "entry.rule_patients"];

export class Cards {
  element = el("section", { class: "card", hidden: true });
  #shown = "";

  /** @param {Acts} acts */
  constructor(acts) {
    this.acts = acts;
  }

  /**
   * @param {Kind} kind @param {SessionNow | null} now @param {number} at
   * @param {{by: string, told?: import("../client/wire.js").Told | undefined}} from who asks or wrote, and what was told
   */
  show(kind, now, at, { by, told }) {
    const stamp = JSON.stringify([kind, by, kind === "told" ? told?.seq : null, kind === "poll" ? now?.poll?.id : null, kind === "check_in" ? now?.you.check_in : null, kind === "checkout" ? [now?.next_at, now?.resources] : null]);
    if (stamp === this.#shown) return;
    this.#shown = stamp;
    const held = this.element.contains(document.activeElement);
    const parts = this.#parts(kind, now, at, by, told);
    this.element.hidden = parts.length === 0;
    this.element.dataset.kind = kind;
    this.element.replaceChildren(...parts);
    // Whoever stood on the card that went stays with what came.
    if (held && mayFocus()) this.element.querySelector("button")?.focus();
  }

  /** @param {Kind} kind @param {SessionNow | null} now @param {number} at @param {string} by @param {import("../client/wire.js").Told} [told] @returns {Node[]} */
  #parts(kind, now, at, by, told) {
    if (kind === "word") {
      return [
        title(say("session.word_offered", { name: name(by) })),
        el("p", { class: "quiet" }, say("session.word_about", { name: name(by) })),
        acts(button(say("session.word_yes"), () => this.acts.word(true), { class: "main" }), button(say("session.word_no"), () => this.acts.word(false))),
      ];
    }
    if (kind === "told" || kind === "whisper") {
      const text = kind === "told" && told ? toldLine(told) : say("session.whisper", { name: name(by) });
      return [title(text), acts(button(say("session.read"), this.acts.read, { class: "main" }), button(say("session.later"), this.acts.later))];
    }
    if (now === null) return [];
    if (kind === "rules") {
      return [
        title(say("session.rules_again")),
        el("ul", { class: "lines" }, ...RULES.map((key) => el("li", {}, say(key)))),
        acts(button(say("session.rules_accept"), this.acts.accept, { class: "main" })),
      ];
    }
    if (kind === "alone") return [title(say("session.alone")), el("p", {}, say("session.alone_about")), ...support(now)];
    if (kind === "poll" && now.poll) {
      const { id } = now.poll;
      return pollForm(now.poll, (choice) => this.acts.vote(id, choice));
    }
    if (kind === "check_in") {
      return [
        title(now.you.check_in === "after" ? say("session.check_after") : say("session.check_before")),
        el("p", {}, say("session.check_offer")),
        acts(button(say("session.check_open"), this.acts.checkIn, { class: "main" }), button(say("session.check_pass"), this.acts.pass)),
      ];
    }
    if (kind === "where") {
      return [
        title(say("session.where")),
        ...whereWeAre(now, at).map((line) => el("p", {}, line)),
        acts(button(say("session.thanks"), this.acts.seen)),
      ];
    }
    if (kind === "checkout") return ending(now);
    return [];
  }
}

/** @param {string} text */
function title(text) {
  return el("h3", {}, text);
}

/** @param {...HTMLElement} buttons */
function acts(...buttons) {
  return el("div", { class: "actions" }, ...buttons);
}

/** Whom else one may talk to. @param {SessionNow} now @returns {HTMLElement[]} */
export function support(now) {
  if (!now.support?.length) return [];
  const list = el("ul", { class: "support" });
  for (const [what, number, verified] of now.support) {
    const seen = verified ? el("span", { class: "quiet" }, say("session.support_verified", { date: dated(verified) })) : "";
    list.append(el("li", {}, el("span", { dir: "auto" }, what), el("strong", { dir: "auto" }, number), seen));
  }
  return [el("p", { class: "kicker" }, say("session.support")), list];
}

/** What to take along: links, and the next time. @param {SessionNow} now @returns {HTMLElement[]} */
export function ending(now) {
  const parts = [];
  if (now.resources?.length) {
    const list = el("ul", { class: "take" });
    for (const [text, url] of now.resources) if (url.startsWith("https://")) list.append(el("li", {}, link(url, text)));
    parts.push(el("p", { class: "kicker" }, say("session.resources")), list);
  }
  if (now.next_at) {
    parts.push(el("p", {}, say("session.next", { when: when(now.next_at * 1000, "both") })), el("p", {}, calendar()));
  }
  return parts;
}

/** The series' own calendar: it also has the next date. */
export function calendar() {
  const room = location.pathname.split("/")[2] ?? "";
  return el("a", { href: `/calendar/${room}.ics`, download: "", class: "out" }, say("session.next_calendar"));
}

/** @param {string} verified a date, as it was configured */
function dated(verified) {
  const at = Date.parse(verified);
  return Number.isNaN(at) ? verified : when(at, "date");
}
