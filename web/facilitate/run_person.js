/**
 * What a facilitator can do about one person, or one message: each deed names the rule, says the reason to the
 * person, and can be undone where it was done. Removing asks first, by name.
 */

import { button, el } from "../room/dom.js";
import { drawMark } from "../room/marks.js";
import { name, oneLine } from "../room/words.js";
import { say } from "../words/say.js";
import { selectField, wordsField } from "./sheet.js";
import { RULES, limited, rule } from "./words.js";

/**
 * @typedef {import("./sheet.js").Sheet} Sheet
 * @typedef {import("./run_ask.js").Do} Do
 * @typedef {import("./run_view.js").Row} Row
 * @typedef {import("../client/timeline.js").PostItem} PostItem
 * @typedef {{floor: (handle: string) => void, word: (handle: string) => void}} More
 */

/** @param {Sheet} sheet @param {Do} act @param {Row} row @param {boolean} running @param {More} more */
export function person(sheet, act, row, running, more) {
  const who = name(row.handle);
  const list = el("div", { class: "list" });
  /** @param {string} label @param {() => void} deed @param {boolean} [stays] whether it goes on in the sheet */
  const add = (label, deed, stays = false) =>
    list.append(
      button(label, () => {
        if (!stays) sheet.close();
        deed();
      }),
    );
  if (!row.facilitator) {
    if (running && row.here && !row.floor && !row.limits.includes("mute")) add(say("facilitate.give_floor"), () => more.floor(row.handle));
    if (row.line) add(say("facilitate.private_word"), () => more.word(row.handle));
    for (const limit of /** @type {const} */ (["hold", "mute", "remove"])) {
      const on = row.limits.includes(limit);
      const label = say(`facilitate.do_${limit}${on ? "_off" : ""}`);
      if (on) add(label, () => void act({ t: "restrict", whose: row.handle, limit, on: false }, { done: limited(limit, row.handle, false) }));
      else add(label, () => restrict(sheet, act, row.handle, limit), true);
    }
  }
  if (row.facilitator) list.append(el("p", { class: "quiet" }, say("facilitate.is_facilitator")));
  sheet.ask(who, [el("div", { class: "deeds with-mark" }, drawMark(row.handle, "large"), list)], [], { focus: /** @type {HTMLElement | undefined} */ (list.querySelector("button") ?? undefined) });
}

/** @param {Sheet} sheet @param {Do} act @param {string} handle @param {"mute" | "hold" | "remove"} limit */
export function restrict(sheet, act, handle, limit) {
  const who = name(handle);
  const { which, why, fields } = reasons();
  const undo = { t: "restrict", whose: handle, limit, on: false };
  sheet.ask(say(`facilitate.title_${limit}`, { name: who }), [el("p", {}, say(`facilitate.about_${limit}`)), ...fields], [
    {
      label: say(`facilitate.confirm_${limit}`, { name: who }),
      act: () => act({ t: "restrict", whose: handle, limit, on: true, rule: which.field.value, reason: why.field.value.trim() }, { done: limited(limit, handle, true), undo }),
    },
  ], { close: say("facilitate.rather_not"), focus: which.field });
}

/** @param {Sheet} sheet @param {Do} act @param {PostItem} item */
export function hide(sheet, act, item) {
  const { seq } = item;
  if (seq === null) return;
  const { which, why, fields } = reasons();
  const undo = { t: "hide", seq, on: false, rule: "other" };
  sheet.ask(say("facilitate.hide_title"), [el("blockquote", { dir: "auto" }, oneLine(item.text, 200)), el("p", {}, say("facilitate.hide_about")), ...fields], [
    {
      label: say("facilitate.hide_do"),
      act: () => act({ t: "hide", seq, on: true, rule: which.field.value, reason: why.field.value.trim() }, { done: say("facilitate.hidden"), undo }),
    },
  ], { close: say("facilitate.rather_not"), focus: which.field });
}

/** @param {Sheet} sheet @param {string} title @param {string} what @param {string} label @param {(reason: string) => ReturnType<Do>} act */
export function reasoned(sheet, title, what, label, act) {
  const why = wordsField(say("facilitate.reason"), { rows: 2, note: say("facilitate.reason_note") });
  sheet.ask(title, [el("blockquote", { dir: "auto" }, what), why.element], [{ label, main: true, act: () => act(why.field.value.trim()) }], { close: say("facilitate.rather_not") });
}

function reasons() {
  const which = selectField(say("facilitate.which_rule"), RULES.map((one) => /** @type {const} */ ([one, rule(one)])), "kindness");
  const why = wordsField(say("facilitate.reason"), { rows: 2, note: say("facilitate.reason_note") });
  return { which, why, fields: [which.element, why.element] };
}

/** What can be done with one message. @param {Sheet} sheet @param {PostItem} item @param {boolean} pinned
 * @param {{reply: () => void, react: (kind: string) => void, pin: () => void, hide: () => void, show: () => void, word: (() => void) | null, withdraw: () => void}} deeds */
export function message(sheet, item, pinned, deeds) {
  const list = el("div", { class: "list" });
  /** @param {string} label @param {() => void} deed @param {boolean} [stays] */
  const add = (label, deed, stays = false) =>
    list.append(
      button(label, () => {
        if (!stays) sheet.close();
        deed();
      }),
    );
  add(say("facilitate.reply"), deeds.reply);
  add(say("facilitate.heard"), () => deeds.react("heard"));
  add(pinned ? say("facilitate.unpin") : say("facilitate.pin"), deeds.pin);
  if (item.own) add(say("facilitate.withdraw"), deeds.withdraw);
  else if (item.hidden !== null) add(say("facilitate.show_again"), deeds.show);
  else add(say("facilitate.hide_it"), deeds.hide, true);
  if (deeds.word) add(say("facilitate.private_word"), deeds.word);
  sheet.ask(item.own ? say("facilitate.your_words") : name(item.handle), [el("blockquote", { dir: "auto" }, oneLine(item.text, 200)), el("div", { class: "deeds" }, list)], [], {
    focus: /** @type {HTMLElement | undefined} */ (list.querySelector("button") ?? undefined),
  });
}
