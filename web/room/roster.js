/** Who is here: a panel where there is room for one, a sheet where there is not. */

import { inOrder } from "../client/presence.js";
import { button, el, write } from "./dom.js";
import { drawMark } from "./marks.js";
import * as words from "./words.js";

export class RosterView {
  #list = el("ul", { class: "people" });
  #title = el("h2", { id: "people-title", tabindex: "-1" });
  #crowd = el("p", { class: "quiet" });
  #close = button("Close", () => this.sheet.close());
  /** @type {Map<string, {stamp: string, element: HTMLElement}>} */
  #shown = new Map();

  /**
   * @param {HTMLElement} side @param {HTMLDialogElement} sheet
   * @param {{ignore: (handle: string, on: boolean) => void, leave: () => void,
   *         popOut: (() => void) | null}} acts `popOut` moves the room into a window of its own, where it can
   */
  constructor(side, sheet, acts) {
    this.side = side;
    this.sheet = sheet;
    this.acts = acts;
    this.element = el(
      "div",
      { class: "roster" },
      this.#title,
      this.#crowd,
      this.#list,
      el(
        "div",
        { class: "foot" },
        el(
          "p",
          { class: "quiet" },
          el("span", { class: "by-keys" }, "Press Shift three times, or Hide, to cover this page at once."),
          el("span", { class: "by-touch" }, "Hide covers this page at once."),
        ),
        el(
          "div",
          { class: "actions" },
          button("Leave the room", acts.leave),
          ...(acts.popOut ? [button("Open in a window", acts.popOut)] : []),
          this.#close,
        ),
      ),
    );
    const wide = matchMedia("(min-width: 60rem)");
    const place = () => {
      if (wide.matches && sheet.open) sheet.close();
      (wide.matches ? side : sheet).append(this.element);
      this.#close.hidden = wide.matches;
    };
    wide.addEventListener("change", place);
    place();
  }

  open() {
    if (this.element.parentElement !== this.sheet) return;
    this.sheet.showModal();
    this.#title.focus();
  }

  /** @param {import("../client/presence.js").Roster} roster @param {string} me @param {ReadonlySet<string>} ignored */
  show(roster, me, ignored) {
    write(this.#title, roster.count <= 1 ? "Only you, just now" : `${roster.count} people here`);
    write(this.#crowd, roster.named ? "" : "There are too many here to name each.");
    this.#crowd.hidden = roster.named;
    const people = roster.named ? inOrder(roster, me) : [];
    const wanted = new Set(people.map((one) => one.handle));
    for (const [handle, { element }] of this.#shown) {
      if (wanted.has(handle)) continue;
      element.remove();
      this.#shown.delete(handle);
    }
    people.forEach((one, index) => {
      const stamp = JSON.stringify([one, ignored.has(one.handle)]);
      let known = this.#shown.get(one.handle);
      if (!known) {
        known = { stamp: "", element: el("li", { class: "person" }) };
        this.#shown.set(one.handle, known);
      }
      if (known.stamp !== stamp) {
        this.#fill(known.element, one, one.handle === me, ignored.has(one.handle));
        known.stamp = stamp;
      }
      if (this.#list.children[index] !== known.element) this.#list.insertBefore(known.element, this.#list.children[index] ?? null);
    });
  }

  /** @param {HTMLElement} element @param {import("../client/wire.js").Person} one @param {boolean} own @param {boolean} ignored */
  #fill(element, one, own, ignored) {
    const focused = element.contains(document.activeElement);
    const about = [own ? "you" : "", one.role === "facilitator" ? "facilitator" : "", one.away ? "called away" : "", ignored ? "ignored by you" : ""];
    const line = about.filter(Boolean).join(", ");
    const who = el("p", { class: "who" }, el("span", {}, words.name(one.handle)));
    if (line) who.append(el("span", { class: "quiet" }, line));
    element.className = "person";
    element.classList.toggle("away", Boolean(one.away));
    element.classList.toggle("ignored", ignored);
    element.replaceChildren(drawMark(one.handle), who);
    if (own) return;
    const text = ignored ? "Stop ignoring" : "Ignore";
    const act = button(text, () => this.acts.ignore(one.handle, !ignored), { class: "plain soft", "aria-label": `${text} ${words.name(one.handle)}` });
    element.append(act);
    if (focused) act.focus();
  }
}

/** @param {HTMLElement} opener @param {number} count */
export function showCount(opener, count) {
  write(opener, words.here(count));
}
