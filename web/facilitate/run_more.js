/** What else the console shows on request: the shortcuts, the journal, the small groups; and how it follows the browser. */

import { button, byId, el } from "../room/dom.js";
import * as words from "../room/words.js";
import { say } from "../words/say.js";
import * as ask from "./run_ask.js";
import { journal } from "./run_journal.js";
import { SHORTCUTS } from "./run_keys.js";
import { nextStep } from "./run_view.js";
import { checkField } from "./sheet.js";

/**
 * @typedef {import("./sheet.js").Sheet} Sheet
 * @typedef {import("./run_desk.js").RoomEvent} RoomEvent
 */

/** @param {Sheet} sheet @param {import("../client/keep.js").Keep} keep where it is kept whether letters are shortcuts */
export function help(sheet, keep) {
  const on = checkField(say("facilitate.keys_on"), keep.get("chatd.keys") !== false);
  on.field.addEventListener("change", () => keep.set("chatd.keys", on.field.checked));
  const rows = SHORTCUTS.map((one) => el("div", {}, el("dt", {}, el("kbd", {}, one.key)), el("dd", {}, say(one.says))));
  sheet.ask(say("facilitate.key_help"), [el("p", { class: "quiet" }, say("facilitate.keys_about")), on.element, el("dl", { class: "keys" }, ...rows)], [], { wide: true });
}

/** The newest first. @param {Sheet} sheet @param {readonly RoomEvent[]} room @param {readonly RoomEvent[]} staff */
export function journalSheet(sheet, room, staff) {
  const list = el("ol", { class: "journal" });
  for (const entry of journal(room, staff).reverse()) {
    const by = entry.by === "" ? say("facilitate.journal_clock") : words.name(entry.by);
    list.append(el("li", {}, el("time", { class: "quiet" }, words.time(entry.at)), el("p", {}, el("span", {}, entry.text), el("bdi", { class: "quiet" }, by))));
  }
  sheet.ask(say("facilitate.tool_journal"), [el("p", { class: "quiet" }, say("facilitate.journal_about")), list], [], { wide: true });
}

/**
 * Split the group; or, where it is split, look into a group or call all back.
 *
 * @param {Sheet} sheet @param {ask.Do} act @param {import("./run_view.js").SessionNow} session
 * @param {readonly import("./run_view.js").Row[]} rows @param {import("./run_beside.js").Besides} besides
 */
export function groups(sheet, act, session, rows, besides) {
  const here = rows.filter((row) => !row.facilitator && row.here).map((row) => row.handle);
  ask.groups(sheet, act, session, here);
  if (!session.breakouts) return;
  const looks = session.breakouts.rooms.map((room, index) =>
    button(say("facilitate.group_look", { number: index + 1 }), () => {
      sheet.close();
      besides.group(index + 1, room);
    }),
  );
  byId("sheet").querySelector(".asks .actions")?.before(el("div", { class: "actions" }, ...looks));
}

/**
 * The one next step; closing asks first. Undoing it makes sense while nobody has gone on from there.
 *
 * @param {Sheet} sheet @param {import("./run_deeds.js").Deeds} deeds @param {import("../client/seat.js").Seat} seat
 * @param {import("./run_view.js").SessionNow} session
 */
export function next(sheet, deeds, seat, session) {
  const step = nextStep(session);
  if (!step) return;
  if (step.command === null) return ask.close(sheet, deeds.try, session);
  const to = step.command["item"];
  if (!session.item || to === undefined) return void deeds.act(step.command);
  let came = false;
  const holds = () => {
    const at = seat.session?.item?.index ?? seat.session?.agenda.length;
    came ||= at === to;
    return !came || (at === to && seat.session?.phase !== "closed");
  };
  void deeds.act(step.command, { done: say("facilitate.moved", { part: step.label }), undo: { t: "move", item: session.item.index }, holds });
}

/** What the browser says about the network, the keyboard and who looks. @param {import("../client/seat.js").Seat} seat @param {import("./run_talk.js").Talk} talk */
export function follow(seat, talk) {
  addEventListener("online", () => seat.wake());
  addEventListener("offline", () => seat.connection.lost());
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) seat.wake();
    talk.attend();
  });
  byId("text").addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !event.defaultPrevented) byId("next").focus();
  });
  const seen = window.visualViewport;
  seen?.addEventListener("resize", () => {
    if (seen.scale <= 1.01) document.documentElement.style.setProperty("--visible-height", `${seen.height}px`);
  });
}
