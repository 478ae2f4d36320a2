/** The compact form of `<peer-chat>`: a bubble in the corner of the page, and the panel it opens. */

import { words } from "./words.js";

export const STYLE = `
button { min-height: 2.75rem; padding: 0.5rem 1.25rem; border: 1px solid #857a6b; border-radius: 2rem; font: inherit; cursor: pointer; }
button:focus-visible { outline: 3px solid #19524d; outline-offset: 2px; box-shadow: 0 0 0 2px #fff; }
.bubble { position: fixed; inset-inline-end: 1rem; bottom: 1rem; z-index: 9998; border-color: #fff; background: #19524d; color: #fff; box-shadow: 0 2px 12px #0005; }
.dot { display: inline-block; width: 0.75rem; height: 0.75rem; margin-inline-start: 0.5rem; border-radius: 50%; background: #fff; }
.panel { position: fixed; inset-inline-end: 1rem; bottom: 1rem; z-index: 9999; display: flex; flex-direction: column; width: min(26rem, 100vw - 2rem); height: min(42rem, 100vh - 2rem); overflow: hidden; border: 1px solid #857a6b; border-radius: 1rem; background: #fffdf8; box-shadow: 0 4px 24px #0006; }
.panel button { align-self: end; border: 0; background: none; color: #19524d; }
.panel iframe { flex: 1; height: auto; min-height: 0; }
@media (max-width: 30rem) { .panel { inset: 0; width: auto; height: auto; border: 0; border-radius: 0; } }
@media (prefers-color-scheme: dark) { .panel { background: #1e1b18; } .panel button { color: #96c4bc; } }
`;

export class Bubble {
  #dot = document.createElement("span");

  /**
   * @param {ShadowRoot} shadow @param {string} language the one asked for
   * @param {(on: boolean) => void} opened called when the panel opens or shuts
   */
  constructor(shadow, language, opened) {
    this.opened = opened;
    const label = document.createElement("slot");
    this.#dot.setAttribute("role", "img");
    this.#dot.className = "dot";
    this.bubble = button(() => this.open(true), label, this.#dot);
    this.bubble.className = "bubble";
    // Where the panel is open there is no bubble.
    this.bubble.setAttribute("aria-expanded", "false");
    this.panel = document.createElement("div");
    this.panel.className = "panel";
    this.panel.setAttribute("role", "dialog");
    const shut = button(() => this.open(false));
    this.panel.append(shut);
    void words(language).then((said) => {
      label.textContent = said.bubble ?? "";
      shut.textContent = said.close ?? "";
      this.#dot.setAttribute("aria-label", said.unread ?? "");
      this.panel.setAttribute("aria-label", said.frame ?? "");
    });
    shadow.append(this.bubble, this.panel);
    this.waiting(false);
    this.#show(false);
  }

  get shown() {
    return !this.panel.hidden;
  }

  /** @param {boolean} on */
  open(on) {
    if (on === this.shown) return;
    this.#show(on);
    this.opened(on);
    if (!on) this.bubble.focus();
  }

  /** Something new, no more is said. @param {boolean} on */
  waiting(on) {
    this.#dot.hidden = !on;
  }

  /** @param {boolean} on */
  #show(on) {
    this.panel.hidden = !on;
    this.bubble.hidden = on;
  }
}

/** @param {() => void} act @param {...(Node | string)} label */
function button(act, ...label) {
  const made = document.createElement("button");
  made.type = "button";
  made.append(...label);
  made.addEventListener("click", act);
  return made;
}
