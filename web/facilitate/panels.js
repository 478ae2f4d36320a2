/**
 * Where the controls are: at the edges where there is room, in a sheet from below where there is not.
 *
 *   phone      dock -> sheet                         one panel at a time, by its button
 *   desk       dock above the edge                    one panel at a time, beside the room
 *   wide desk  the same, and the near panels stand on the other side of the room, always
 *
 * A panel is one element for good; it only moves. One that stands `under` another is opened with it where
 * there is room for both; its button goes to its place there. What cannot wait stands in the sheet as well.
 *
 * @typedef {{id: string, label: string, element: HTMLElement, near: boolean, under: string, shown: () => void, hidden: () => void}} Panel
 */

import { button, byId, el, write } from "../room/dom.js";
import { say } from "../words/say.js";

export class Panels {
  #near = byId("near");
  #edge = byId("edge");
  #dock = byId("dock");
  #sheet = byId("panel", HTMLDialogElement);
  #desk = matchMedia("(min-width: 60rem)");
  #wide = matchMedia("(min-width: 88rem)");
  /** @type {Map<string, {panel: Panel, opener: HTMLButtonElement}>} */
  #all = new Map();
  #open = "";
  /** @type {HTMLElement | null} */
  #from = null;

  /** @param {() => void} crisis what the button does that is never more than one step away */
  constructor(crisis) {
    this.crisis = crisis;
    for (const query of [this.#desk, this.#wide]) query.addEventListener("change", () => this.#place());
    this.#sheet.addEventListener("click", (event) => {
      if (event.target === this.#sheet) this.#sheet.close();
    });
    this.#sheet.addEventListener("close", () => {
      // The event comes a task later than the closing: by then another panel may be in it.
      if (this.#desk.matches || this.#sheet.open) return;
      this.#all.get(this.#open)?.panel.hidden();
      this.#open = "";
      this.#place();
      this.#from?.focus();
    });
  }

  /** @param {Pick<Panel, "id" | "label" | "element"> & Partial<Panel>} given */
  add(given) {
    const panel = { near: false, under: "", shown: () => undefined, hidden: () => undefined, ...given };
    const opener = button(panel.label, () => this.show(panel.id), { "aria-expanded": "false", "aria-controls": panel.element.id });
    this.#all.set(panel.id, { panel, opener });
    this.#dock.append(opener);
    this.#place();
  }

  /** @param {string} id */
  remove(id) {
    const one = this.#all.get(id);
    if (!one) return;
    const had = this.#open === id;
    if (had && this.#sheet.open) this.#sheet.close();
    one.opener.remove();
    one.panel.element.remove();
    this.#all.delete(id);
    if (had) this.#open = "";
    this.#place();
  }

  /** What its button says now. @param {string} id @param {string} label @param {boolean} news whether something waits there */
  label(id, label, news) {
    const one = this.#all.get(id);
    if (!one) return;
    write(one.opener, label);
    one.opener.classList.toggle("news", news);
  }

  /** Whether somebody sees it now. @param {string} id */
  seen(id) {
    const one = this.#all.get(id);
    return one !== undefined && (this.#open === this.#tab(one.panel) || this.#stands(one.panel));
  }

  /** Bring a panel to the eye, and the focus into it. @param {string} id @param {boolean} [focus] */
  show(id, focus = true) {
    const one = this.#all.get(id);
    if (!one) return;
    if (!this.#stands(one.panel)) {
      if (this.#open !== id) this.#all.get(this.#open)?.panel.hidden();
      if (!this.#sheet.open && document.activeElement instanceof HTMLElement) this.#from = document.activeElement;
      this.#open = this.#tab(one.panel);
      this.#place();
      if (!this.#desk.matches && !this.#sheet.open) this.#sheet.showModal();
    }
    one.panel.shown();
    if (focus) this.#focus(one.panel.element);
  }

  /** @param {HTMLElement} element */
  #focus(element) {
    // Where one writes, one writes at once: letters that go astray are shortcuts.
    const first = element.querySelector("[data-first]") ?? element.querySelector("h2");
    if (first instanceof HTMLElement) first.focus();
  }

  /** Whether it stands beside the room whatever is open. @param {Panel} panel */
  #stands(panel) {
    return panel.near && this.#wide.matches;
  }

  /** By whose button it is opened. @param {Panel} panel */
  #tab(panel) {
    return this.#desk.matches && panel.under !== "" ? panel.under : panel.id;
  }

  #place() {
    const desk = this.#desk.matches;
    const first = [...this.#all.values()].find((one) => !this.#stands(one.panel));
    if (desk && !this.#all.has(this.#open)) this.#open = first?.panel.id ?? "";
    if (desk && this.#wide.matches && this.#all.get(this.#open)?.panel.near) this.#open = first?.panel.id ?? "";
    const sheet = this.#sheet;
    if (desk && sheet.open) sheet.close();
    this.#near.hidden = !this.#wide.matches;
    this.#edge.hidden = !desk;
    for (const { panel, opener } of this.#all.values()) {
      const stands = this.#stands(panel);
      const open = this.#open === this.#tab(panel);
      opener.hidden = stands;
      opener.setAttribute("aria-expanded", String(open));
      panel.element.hidden = !stands && !open;
      const home = stands ? this.#near : desk ? this.#edge : sheet;
      if (panel.element.parentElement !== home) home.append(panel.element);
      const title = panel.element.querySelector("h2");
      if (title) title.id = open && !desk ? "panel-title" : `${panel.id}-title`;
    }
    if (!desk && !sheet.querySelector(".shut-panel")) {
      const crisis = button(say("facilitate.tool_crisis"), this.crisis, { class: "crisis", "data-crisis": "" });
      sheet.append(el("div", { class: "shut-panel actions" }, button(say("facilitate.close"), () => sheet.close()), crisis));
    }
    const shut = sheet.querySelector(".shut-panel");
    if (shut) sheet.append(shut);
  }
}

/** A panel's element: a heading, and what stands under it. @param {string} id @param {string} title @param {...Node} children */
export function panelElement(id, title, ...children) {
  return el("section", { class: "side-panel", id: `panel-${id}`, "aria-labelledby": `${id}-title` }, el("h2", { id: `${id}-title`, tabindex: "-1" }, title), ...children);
}
