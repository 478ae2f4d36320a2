/**
 * The one sheet that asks: a title, what there is to fill in, and what can be done. And the parts of its forms.
 *
 * What is refused is said in the sheet, which stays open with everything that was written. Enter in a line
 * does what the first button does. Nothing here is a form that a browser could send somewhere.
 */

import { button, byId, el, write } from "../room/dom.js";
import { refusal, say } from "../words/say.js";

/**
 * @typedef {import("../client/wire.js").Refused} Refused
 * @typedef {object} Act
 * @property {string} label
 * @property {() => (Promise<Refused | string | null> | Refused | string | null | void)} act a refusal, or a
 *   sentence, keeps the sheet open
 * @property {boolean} [main]
 */

export class Sheet {
  #element = byId("sheet", HTMLDialogElement);
  #trouble = el("p", { class: "trouble", role: "alert", hidden: true });
  /** What waits for an answer. @type {Element | null} */
  #doing = null;

  constructor() {
    this.#element.addEventListener("click", (event) => {
      if (event.target === this.#element) this.close();
    });
    this.#element.addEventListener("close", () => {
      // The event comes a task later than the closing: by then the next question may be asked.
      if (!this.#element.open) this.#element.replaceChildren();
    });
  }

  close() {
    this.#element.close();
  }

  /**
   * @param {string} title
   * @param {readonly Node[]} body
   * @param {readonly Act[]} acts
   * @param {{close?: string, focus?: HTMLElement, wide?: boolean}} [how] `close`: what the button that does nothing is called
   */
  ask(title, body, acts, { close = say("facilitate.close"), focus, wide = false } = {}) {
    const buttons = acts.map((one) => button(one.label, () => void this.#do(one), one.main ? { class: "main" } : {}));
    const away = button(close, () => this.close(), { class: "plain soft" });
    this.#trouble = el("p", { class: "trouble", role: "alert", hidden: true });
    const content = el(
      "div",
      { class: "asks" },
      el("h2", { id: "sheet-title", tabindex: "-1" }, title),
      ...body,
      this.#trouble,
      el("div", { class: "actions" }, ...buttons, away),
    );
    content.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.isComposing || !(event.target instanceof HTMLInputElement)) return;
      event.preventDefault();
      buttons[0]?.click();
    });
    this.#element.classList.toggle("wide", wide);
    this.#element.replaceChildren(content);
    if (!this.#element.open) this.#element.showModal();
    const field = content.querySelector("input, textarea, select");
    (focus ?? (field instanceof HTMLElement ? field : (buttons[0] ?? away))).focus();
  }

  /** Something that would be hard to take back: the way back is offered first. @param {string} title @param {string} what @param {Act} act @param {string} keep */
  sure(title, what, act, keep) {
    this.ask(title, [el("p", {}, what)], [act], { close: keep });
    const keeps = this.#element.querySelector(".actions button:last-child");
    if (keeps instanceof HTMLElement) keeps.focus();
  }

  /** @param {Act} one */
  async #do(one) {
    const shown = this.#element.firstElementChild;
    // A second press while the first is on its way would do it twice.
    if (shown === null || this.#doing === shown) return;
    this.#doing = shown;
    const refused = await one.act();
    this.#doing = null;
    if (this.#element.firstElementChild !== shown) return;
    if (refused) {
      write(this.#trouble, typeof refused === "string" ? refused : refusal(refused));
      this.#trouble.hidden = false;
    } else this.close();
  }
}

// ---- what forms are made of ----------------------------------------------------------------------

let made = 0;

/**
 * A field with its label. @template {HTMLElement} T
 * @param {string} label @param {T} field @param {string} [note] what to know about it
 * @returns {{element: HTMLElement, field: T}}
 */
function labelled(label, field, note = "") {
  const id = `field-${++made}`;
  field.id = id;
  const about = el("p", { class: "quiet", id: `${id}-note` }, note);
  if (note) field.setAttribute("aria-describedby", about.id);
  return { element: el("div", { class: "field" }, el("label", { for: id }, label), field, ...(note ? [about] : [])), field };
}

/** One line. @param {string} label @param {{value?: string, max?: number, note?: string, type?: string}} [how] */
export function lineField(label, { value = "", max = 200, note, type = "text" } = {}) {
  const field = el("input", { type, dir: "auto", autocomplete: "off", maxlength: String(max) });
  field.value = value;
  return labelled(label, field, note);
}

/** Several lines. @param {string} label @param {{value?: string, max?: number, note?: string, rows?: number}} [how] */
export function wordsField(label, { value = "", max = 2000, note, rows = 3 } = {}) {
  const field = el("textarea", { rows: String(rows), dir: "auto", maxlength: String(max), class: "words-field" });
  field.value = value;
  return labelled(label, field, note);
}

/** @param {string} label @param {readonly (readonly [string, string])[]} options value and words @param {string} value @param {string} [note] */
export function selectField(label, options, value, note) {
  const field = el("select", {}, ...options.map(([key, text]) => el("option", { value: key }, text)));
  field.value = value;
  return labelled(label, field, note);
}

/** @param {string} label @param {boolean} on */
export function checkField(label, on) {
  const field = el("input", { type: "checkbox" });
  field.checked = on;
  return { element: el("label", { class: "check" }, field, el("span", {}, label)), field };
}

/**
 * One of a few, all to be seen. `value()` is what is chosen.
 *
 * @param {string} legend @param {readonly (readonly [string, string])[]} options @param {string} value
 */
export function choiceField(legend, options, value) {
  const name = `choice-${++made}`;
  const inputs = options.map(([key]) => el("input", { type: "radio", name, value: key, ...(key === value && { checked: true }) }));
  const rows = options.map(([, text], index) => el("label", { class: "check" }, /** @type {Node} */ (inputs[index]), el("span", {}, text)));
  const element = el("fieldset", { class: "choice" }, el("legend", {}, legend), ...rows);
  return { element, value: () => inputs.find((one) => one.checked)?.value ?? value };
}
