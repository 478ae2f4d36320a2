/** The agenda of a series while it is planned: its parts in order, how long each is, and what they add up to. */

import { button, el, write } from "../room/dom.js";
import { say } from "../words/say.js";
import { times } from "./plan_rule.js";
import { checkField, lineField, selectField, wordsField } from "./sheet.js";
import { phase } from "./words.js";

/**
 * @typedef {{title: string, minutes: number, phase?: string, prompt?: string, round?: boolean}} Item
 * @typedef {{element: HTMLElement, at: HTMLElement, read: () => Item, title: HTMLInputElement}} Part
 */

const PHASES = ["opening", "open", "winding_down", "closing_round"];
const MOST = 20;

export class Agenda {
  #list = el("ol", { class: "parts" });
  #sum = el("p", { class: "sum", role: "status" });
  #add = button(say("planning.add_part"), () => this.#insert({ title: "", minutes: 5, phase: "open" }, true));
  /** @type {Part[]} */
  #parts = [];

  /** @param {readonly Item[]} agenda @param {() => string} starts the first date, local */
  constructor(agenda, starts) {
    this.starts = starts;
    this.element = el("div", {}, this.#list, this.#sum, el("div", { class: "actions" }, this.#add));
    for (const item of agenda) this.#insert(item);
    this.show();
  }

  /** @returns {Item[]} */
  read() {
    return this.#parts.map((part) => part.read());
  }

  /** Times and the sum, anew. */
  show() {
    const { minutes, parts, ends } = times(this.starts(), this.read());
    this.#parts.forEach((part, index) => write(part.at, parts[index] ?? ""));
    write(this.#sum, ends === "" ? say("planning.sum", { count: minutes }) : say("planning.sum_until", { count: minutes, from: parts[0] ?? "", until: ends }));
    this.#add.hidden = this.#parts.length >= MOST;
  }

  /** @param {Item} item @param {boolean} [focus] */
  #insert(item, focus = false) {
    const title = lineField(say("planning.part_title"), { value: item.title });
    const minutes = lineField(say("planning.part_minutes"), { value: String(item.minutes), type: "number" });
    minutes.field.min = "1";
    minutes.field.max = "90";
    minutes.field.inputMode = "numeric";
    const during = selectField(say("planning.part_phase"), PHASES.map((one) => /** @type {const} */ ([one, phase(one)])), item.phase ?? "open");
    const prompt = wordsField(say("planning.part_prompt"), { value: item.prompt ?? "", rows: 2 });
    const round = checkField(say("planning.part_round"), Boolean(item.round));
    const at = el("p", { class: "at quiet" });
    // For whoever points; the buttons below do the same for everybody (WCAG 2.5.7).
    const grip = el("span", { class: "grip", "aria-hidden": "true" }, "⠿");
    /** @param {string} label @param {string} text @param {() => void} act */
    const small = (label, text, act) => button(text, act, { "aria-label": say("planning.part_act", { act: label, title: title.field.value || say("planning.part_new") }), class: "plain" });
    const element = el(
      "li",
      { class: "part" },
      el("div", { class: "part-head" }, el("div", {}, grip, at), title.element, minutes.element),
      el("details", {}, el("summary", {}, say("planning.part_more")), during.element, prompt.element, round.element),
      el(
        "div",
        { class: "actions" },
        small(say("planning.up"), "↑", () => this.#move(part, -1)),
        small(say("planning.down"), "↓", () => this.#move(part, 1)),
        small(say("planning.remove"), say("planning.remove"), () => this.#remove(part)),
      ),
    );
    /** @type {Part} */
    const part = {
      element,
      at,
      title: title.field,
      read: () => ({
        title: title.field.value.trim(),
        minutes: Number(minutes.field.value),
        phase: during.field.value,
        prompt: prompt.field.value.trim(),
        round: round.field.checked,
      }),
    };
    minutes.field.addEventListener("input", () => this.show());
    grip.addEventListener("pointerdown", (event) => this.#drag(part, grip, event));
    this.#parts.push(part);
    this.#list.append(element);
    this.show();
    if (focus) title.field.focus();
  }

  /** Takes the part along with the pointer; it stays where it is let go, and goes back where that is undone. @param {Part} part @param {HTMLElement} grip @param {PointerEvent} down */
  #drag(part, grip, down) {
    if (down.button !== 0) return;
    down.preventDefault();
    const began = this.#parts.indexOf(part);
    const over = new AbortController();
    const { signal } = over;
    /** @param {PointerEvent} event */
    const follow = ({ clientY }) => {
      const here = this.#parts.indexOf(part);
      const to = this.#parts.filter((one) => one !== part && middle(one.element) < clientY).length;
      if (to !== here) this.#move(part, to - here);
    };
    const end = () => {
      over.abort();
      part.element.classList.remove("dragged");
    };
    const back = () => {
      this.#move(part, began - this.#parts.indexOf(part));
      end();
    };
    part.element.classList.add("dragged");
    // Of the window: the part moves in the page meanwhile, and would lose a captured pointer.
    window.addEventListener("pointermove", follow, { signal });
    window.addEventListener("pointerup", end, { signal });
    window.addEventListener("pointercancel", back, { signal });
    window.addEventListener("keydown", ({ key }) => key === "Escape" && back(), { signal });
  }

  /** @param {Part} part @param {number} by */
  #move(part, by) {
    const from = this.#parts.indexOf(part);
    const to = from + by;
    if (by === 0 || to < 0 || to >= this.#parts.length) return;
    this.#parts.splice(from, 1);
    this.#parts.splice(to, 0, part);
    const focused = document.activeElement;
    this.#list.insertBefore(part.element, this.#parts[to + 1]?.element ?? null);
    if (focused instanceof HTMLElement && part.element.contains(focused)) focused.focus();
    this.show();
  }

  /** @param {Part} part */
  #remove(part) {
    const at = this.#parts.indexOf(part);
    this.#parts.splice(at, 1);
    part.element.remove();
    this.show();
    (this.#parts[Math.min(at, this.#parts.length - 1)]?.title ?? this.#add).focus();
  }
}

/** @param {HTMLElement} element */
function middle(element) {
  const { top, height } = element.getBoundingClientRect();
  return top + height / 2;
}
