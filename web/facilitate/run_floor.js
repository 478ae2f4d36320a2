/** The floor: who speaks, whose hand is up, the round; and what a facilitator does about it. */

import { button, el, write } from "../room/dom.js";
import { drawMark } from "../room/marks.js";
import { name } from "../room/words.js";
import { say } from "../words/say.js";
import { panelElement } from "./panels.js";
import { floorLine, running } from "./run_view.js";

/**
 * @typedef {import("./run_view.js").SessionNow} SessionNow
 * @typedef {object} Deeds
 * @property {(to: string | null, seconds: number | null) => void} give to `to`, or to whoever is next
 * @property {() => void} back
 * @property {(byHand: boolean, unheardFirst: boolean) => void} set
 * @property {() => void} endRound
 * @property {(whose: string, passed: boolean) => void} endTurn
 */

export class FloorPanel {
  #line = el("p", { class: "floor-line" });
  #hands = el("ol", { class: "hands" });
  #none = el("p", { class: "quiet" });
  #stamp = "";
  #timer = el(
    "select",
    { id: "soft-timer" },
    ...["0", "60", "120", "180", "300"].map((value) => el("option", { value }, value === "0" ? say("facilitate.timer_none") : say("facilitate.timer", { count: Number(value) / 60 }))),
  );

  /** @param {Deeds} deeds */
  constructor(deeds) {
    this.deeds = deeds;
    this.next = button(say("facilitate.floor_next"), () => deeds.give(null, this.seconds), { class: "main" });
    this.back = button(say("facilitate.floor_back"), () => deeds.back());
    this.endRound = button(say("facilitate.round_end"), () => deeds.endRound());
    this.skip = button(say("facilitate.round_skip"), () => this.#now && deeds.endTurn(this.#now, true));
    this.byHand = el("input", { type: "checkbox" });
    this.unheard = el("input", { type: "checkbox" });
    const set = () => deeds.set(this.byHand.checked, this.unheard.checked);
    this.byHand.addEventListener("change", set);
    this.unheard.addEventListener("change", set);
    this.element = panelElement(
      "floor",
      say("facilitate.panel_floor"),
      this.#line,
      el("div", { class: "actions" }, this.next, this.back, this.skip, this.endRound),
      el("div", { class: "field in-line" }, el("label", { for: "soft-timer" }, say("facilitate.timer_label")), this.#timer),
      el("h3", {}, say("facilitate.hands")),
      this.#none,
      this.#hands,
      el(
        "div",
        {},
        el("label", { class: "check" }, this.byHand, el("span", {}, say("facilitate.by_hand"))),
        el("label", { class: "check" }, this.unheard, el("span", {}, say("facilitate.unheard_first"))),
      ),
    );
  }

  /** Who has the floor or is next in the round. */
  #now = "";

  /** Seconds of the soft timer that is chosen; null for none. */
  get seconds() {
    return Number(this.#timer.value) || null;
  }

  /** @param {SessionNow} session @param {number} now */
  show(session, now) {
    const floor = session.floor ?? {};
    const hands = floor.hands ?? [];
    const on = running(session) && !session.pause;
    this.#now = floor.round?.todo[0] ?? floor.turn?.handle ?? "";
    write(this.#line, floorLine(session, now));
    for (const [part, able] of /** @type {const} */ ([
      [this.next, on && hands.length > 0 && !floor.round],
      [this.back, on && Boolean(floor.turn) && !floor.round],
      [this.skip, on && Boolean(floor.round?.todo.length)],
      [this.endRound, on && Boolean(floor.round)],
    ])) {
      // What had the focus goes: stay in the panel.
      if (!able && part === document.activeElement) this.element.querySelector("h2")?.focus();
      part.hidden = !able;
    }
    this.byHand.checked = Boolean(floor.by_hand);
    this.unheard.checked = Boolean(floor.unheard_first);
    const shut = on && !floor.queue_open;
    write(this.#none, shut ? say("facilitate.queue_closed") : hands.length === 0 ? say("facilitate.no_hands") : "");
    this.#none.hidden = this.#none.textContent === "";
    const stamp = hands.join(" ");
    if (stamp === this.#stamp) return;
    this.#stamp = stamp;
    this.#hands.replaceChildren(...hands.map((handle) => this.#hand(handle)));
  }

  /** @param {string} handle */
  #hand(handle) {
    const give = button(say("facilitate.give"), () => this.deeds.give(handle, this.seconds), { "aria-label": say("facilitate.give_to", { name: name(handle) }) });
    return el("li", { class: "hand" }, drawMark(handle), el("bdi", { class: "who" }, name(handle)), give);
  }
}
