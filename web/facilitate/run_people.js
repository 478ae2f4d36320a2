/** The people: who is here, who has spoken how often, who not yet, and what holds for whom. No word of what they said. */

import { button, el, write } from "../room/dom.js";
import { drawMark } from "../room/marks.js";
import { name } from "../room/words.js";
import { say } from "../words/say.js";
import { panelElement } from "./panels.js";

/** @typedef {import("./run_view.js").Row} Row */

export class PeoplePanel {
  #advice = el("ul", { class: "advice-list" });
  #here = el("p", { class: "quiet" });
  #unheard = el("p", { class: "unheard" });
  #list = el("ul", { class: "people" });
  /** @type {Map<string, {stamp: string, element: HTMLElement}>} */
  #shown = new Map();

  /** @param {(handle: string) => void} open what can be done about somebody */
  constructor(open) {
    this.open = open;
    this.element = panelElement("people", say("facilitate.panel_people"), this.#here, this.#advice, this.#unheard, this.#list);
  }

  /** @param {readonly Row[]} rows @param {readonly string[]} advice */
  show(rows, advice) {
    const here = rows.filter((row) => row.here);
    const staff = here.filter((row) => row.facilitator).length;
    write(this.#here, say("facilitate.people_here", { name: name(rows.find((row) => row.own)?.handle ?? ""), here: here.length - staff, staff }));
    if (this.#advice.dataset.stamp !== advice.join("|")) {
      this.#advice.dataset.stamp = advice.join("|");
      this.#advice.replaceChildren(...advice.map((one) => el("li", {}, one)));
    }
    const unheard = rows.filter((row) => row.unheard && row.here).map((row) => name(row.handle));
    write(this.#unheard, unheard.length > 0 ? say("facilitate.unheard", { names: unheard }) : "");
    this.#unheard.hidden = unheard.length === 0;
    const wanted = new Set(rows.map((row) => row.handle));
    for (const [handle, { element }] of this.#shown) {
      if (wanted.has(handle)) continue;
      element.remove();
      this.#shown.delete(handle);
    }
    rows.forEach((row, index) => {
      const known = this.#shown.get(row.handle) ?? { stamp: "", element: el("li", { class: "one" }) };
      this.#shown.set(row.handle, known);
      const stamp = JSON.stringify(row);
      if (known.stamp !== stamp) this.#fill(known.element, row);
      known.stamp = stamp;
      if (this.#list.children[index] !== known.element) this.#list.insertBefore(known.element, this.#list.children[index] ?? null);
    });
  }

  /** @param {HTMLElement} element @param {Row} row */
  #fill(element, row) {
    const focused = element.contains(document.activeElement);
    const about = row.facilitator ? (row.own ? say("facilitate.you") : say("facilitate.facilitator")) : say("facilitate.turns", { count: row.turns });
    const bar = el("span", { class: "airtime", "aria-hidden": "true" }, el("span", {}));
    const fill = bar.firstElementChild;
    if (fill instanceof HTMLElement) fill.style.setProperty("--share", String(row.share));
    const who = el("p", { class: "who" }, el("bdi", {}, name(row.handle)), el("span", { class: "quiet" }, ...[about, ...states(row)].map((one) => el("span", { class: "bit" }, one))));
    element.className = `one${row.here ? "" : " gone"}${row.away ? " away" : ""}${row.floor ? " has-floor" : ""}`;
    element.replaceChildren(drawMark(row.handle), who, ...(row.facilitator ? [] : [bar]));
    if (row.own) return;
    const more = button("···", () => this.open(row.handle), { class: "plain", "aria-haspopup": "dialog", "aria-label": say("facilitate.more_for", { name: name(row.handle) }) });
    element.append(more);
    if (focused) more.focus();
  }
}

/** @param {Row} row */
function states(row) {
  return [
    ...(row.floor ? [say("facilitate.state_floor")] : []),
    ...(row.hand > 0 ? [say("facilitate.state_hand", { place: row.hand })] : []),
    ...(row.typing ? [say("facilitate.state_typing")] : []),
    ...(row.away ? [say("facilitate.state_away")] : []),
    ...(row.here ? [] : [say("facilitate.state_gone")]),
    ...(row.group > 0 ? [say("facilitate.state_group", { number: row.group })] : []),
    ...row.limits.map((limit) => say(`facilitate.state_${limit}`)),
  ];
}
