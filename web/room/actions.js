/**
 * What can be done with one message: answer, react, withdraw one's own, ignore its author.
 *
 * One sheet, one question at a time. It closes itself when something was done, and the focus
 * goes back to the message.
 */

import { REACTIONS } from "../client/wire.js";
import { button, el } from "./dom.js";
import { say } from "../words/say.js";
import * as words from "./words.js";

/**
 * @typedef {import("../client/timeline.js").PostItem} PostItem
 * @typedef {object} Deeds
 * @property {(item: PostItem) => void} reply
 * @property {(item: PostItem, kind: string) => void} react
 * @property {(item: PostItem) => void} withdraw
 * @property {(handle: string) => void} ignore
 * @property {(item: PostItem) => void} closed
 */

export class Actions {
  /** @param {HTMLDialogElement} sheet @param {Deeds} deeds */
  constructor(sheet, deeds) {
    this.sheet = sheet;
    this.deeds = deeds;
    /** @type {PostItem | null} */
    this.item = null;
    sheet.addEventListener("click", (event) => {
      if (event.target === sheet) sheet.close();
    });
    sheet.addEventListener("close", () => {
      // The event comes a task later than the closing: by then it may be open for another message.
      if (sheet.open) return;
      if (this.item) this.deeds.closed(this.item);
      this.item = null;
      // Words that are withdrawn later must not stand here still.
      sheet.replaceChildren();
    });
  }

  /** @param {PostItem} item @param {boolean} speaks whether one can answer here and now */
  open(item, speaks) {
    this.item = item;
    const kinds = el("div", { class: "kinds", role: "group", "aria-label": say("room.react") });
    for (const kind of REACTIONS) {
      const mine = item.reactions.some((one) => one.kind === kind && one.mine !== null);
      const act = this.#deed(words.reaction(kind), () => this.deeds.react(item, kind));
      act.setAttribute("aria-pressed", String(mine));
      kinds.append(act);
    }
    const list = el("div", { class: "list" });
    if (speaks) list.append(this.#deed(say("room.reply"), () => this.deeds.reply(item)));
    if (item.own) list.append(button(say("room.withdraw"), () => this.#sure(item)));
    else list.append(this.#deed(say("room.ignore_name", { name: words.name(item.handle) }), () => this.deeds.ignore(item.handle)));
    list.append(button(say("common.close"), () => this.sheet.close()));
    this.#show(
      el("h2", { id: "deeds-title", tabindex: "-1" }, ...(item.own ? [say("room.your_own")] : [el("bdi", {}, words.name(item.handle))])),
      el("p", { class: "about", dir: "auto" }, words.oneLine(item.text, 200)),
      kinds,
      list,
    );
    this.sheet.showModal();
    kinds.querySelector("button")?.focus();
  }

  /** @param {PostItem} item */
  #sure(item) {
    const keep = button(say("room.withdraw_no"), () => this.sheet.close());
    this.#show(
      el("h2", { id: "deeds-title", tabindex: "-1" }, say("room.withdraw_sure")),
      el("p", { class: "about", dir: "auto" }, words.oneLine(item.text, 200)),
      el("p", {}, say("room.withdraw_about")),
      el("div", { class: "actions" }, this.#deed(say("room.withdraw_yes"), () => this.deeds.withdraw(item)), keep),
    );
    keep.focus();
  }

  /** @param {...Node} children */
  #show(...children) {
    this.sheet.replaceChildren(el("div", { class: "deeds" }, ...children));
  }

  /** @param {string} text @param {() => void} act */
  #deed(text, act) {
    return button(text, () => {
      this.sheet.close();
      act();
    });
  }
}
