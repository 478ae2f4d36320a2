/** Who is here: a panel where there is room for one, a sheet where there is not. */

import { inOrder } from "../client/presence.js";
import { button, el, write } from "./dom.js";
import { drawMark } from "./marks.js";
import { say } from "../words/say.js";
import * as words from "./words.js";

export class RosterView {
  #list = el("ul", { class: "people" });
  #title = el("h2", { id: "people-title", tabindex: "-1" });
  #crowd = el("p", { class: "quiet" });
  #close = button(say("common.close"), () => this.sheet.close());
  /** @type {Map<string, {stamp: string, element: HTMLElement}>} */
  #shown = new Map();

  /**
   * @param {HTMLElement} side @param {HTMLDialogElement} sheet
   * @param {{ignore: (handle: string, on: boolean) => void, leave: () => void,
   *         mine: () => void, popOut: (() => void) | null}} acts `popOut` moves the room into a window of its own, where it can
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
          el("span", { class: "by-keys" }, say("room.hide_by_keys")),
          el("span", { class: "by-touch" }, say("room.hide_by_touch")),
        ),
        el(
          "div",
          { class: "actions" },
          button(say("room.leave"), acts.leave),
          button(say("room.mine"), () => {
            if (this.sheet.open) this.sheet.close();
            acts.mine();
          }),
          ...(acts.popOut ? [button(say("common.open_window"), acts.popOut)] : []),
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
    write(this.#title, roster.count <= 1 ? say("room.only_you") : say("room.people_here", { count: roster.count }));
    write(this.#crowd, roster.named ? "" : say("room.crowd"));
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
    const about = [own && say("room.you"), one.role === "facilitator" && say("room.facilitator"), one.away && say("room.is_away"), ignored && say("room.is_ignored")];
    const line = about.filter(Boolean).join(" · ");
    const who = el("p", { class: "who" }, el("bdi", {}, words.name(one.handle)));
    if (line) who.append(el("span", { class: "quiet" }, line));
    element.className = "person";
    element.classList.toggle("away", Boolean(one.away));
    element.classList.toggle("ignored", ignored);
    element.replaceChildren(drawMark(one.handle), who);
    if (own) return;
    const named = { name: words.name(one.handle) };
    const text = ignored ? say("room.ignore_off") : say("room.ignore");
    const spoken = ignored ? say("room.ignore_off_name", named) : say("room.ignore_name", named);
    const act = button(text, () => this.acts.ignore(one.handle, !ignored), { class: "plain soft", "aria-label": spoken });
    element.append(act);
    if (focused) act.focus();
  }
}

/** @param {HTMLElement} opener @param {number} count */
export function showCount(opener, count) {
  write(opener, words.here(count));
}
