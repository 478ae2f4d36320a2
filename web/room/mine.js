/**
 * What the server holds of oneself, in a sheet: counted there at this moment, with the way to take all of it
 * back. Loaded when somebody asks.
 */

import { refusal } from "../client/asking.js";
import { more } from "../words/more.js";
import { has, say, when } from "../words/say.js";
import { button, el } from "./dom.js";
import { name } from "./words.js";

if (!has("mine.title")) await more("mine");

/** @typedef {import("../client/wire.js").Mine} Mine */

const DAY_S = 86_400;
/** @type {ReadonlyArray<"posts" | "reactions" | "waiting" | "withdrawn" | "other">} */
const COUNTED = ["posts", "reactions", "waiting", "withdrawn", "other"];
/** @type {Record<string, string>} */
const KNOWN = {
  member: "mine.member",
  waiting: "mine.in_line",
  accepted: "mine.accepted",
  listening: "mine.listening",
  hand: "mine.hand",
  floor: "mine.floor",
  voted: "mine.voted",
  checked_in: "mine.checked_in",
  limited: "mine.limited",
};

export class MineSheet {
  #sheet = el("dialog", { "aria-labelledby": "mine-title" });

  /** @param {import("../client/seat.js").Seat} seat */
  constructor(seat) {
    this.seat = seat;
    document.body.append(this.#sheet);
    this.#sheet.addEventListener("click", (event) => {
      if (event.target === this.#sheet) this.#sheet.close();
    });
    this.#sheet.addEventListener("close", () => {
      // The event comes a task later than the closing: by then somebody may have asked again.
      if (!this.#sheet.open) this.#sheet.replaceChildren();
    });
  }

  /** Ask, and show the answer. */
  async open() {
    const answer = await this.seat.ask({ t: "mine" });
    if (answer.t === "mine") this.#show(say("mine.title"), lines(answer, this.seat.kind), this.#acts(answer));
    else this.#show(say("mine.title"), [el("p", { class: "trouble", role: "alert" }, refusal(answer)?.message ?? "")], []);
  }

  /** @param {Mine} mine */
  #acts(mine) {
    return (mine.posts ?? 0) + (mine.reactions ?? 0) > 0 ? [button(say("mine.withdraw"), () => this.#sure())] : [];
  }

  #sure() {
    this.#show(say("mine.sure"), [el("p", {}, say("mine.sure_about"))], [button(say("mine.yes"), () => void this.#withdraw(), { class: "main" })], say("room.withdraw_no"));
  }

  async #withdraw() {
    for (const act of this.#sheet.querySelectorAll("button")) act.disabled = true;
    const answer = await this.seat.ask({ t: "withdraw_all" });
    const sentence = answer.t === "ok" ? say("mine.done", { number: answer.count ?? 0 }) : (refusal(answer)?.message ?? "");
    const line = el("p", { role: "status", class: answer.t === "ok" ? "" : "trouble" }, sentence);
    // What waits for a facilitator is not the author's to take back: what is left is counted, and not promised.
    const left = answer.t === "ok" ? await this.seat.ask({ t: "mine" }) : answer;
    this.#show(say("mine.title"), [line, ...(left.t === "mine" ? lines(left, this.seat.kind) : [])], answer.t === "ok" ? [] : [button(say("mine.again"), () => void this.#withdraw())]);
  }

  /** @param {string} title @param {readonly Node[]} body @param {readonly Node[]} acts @param {string} [close] */
  #show(title, body, acts, close = say("common.close")) {
    if (!this.#sheet.isConnected) return; // the page was covered while the server answered
    const heading = el("h2", { id: "mine-title", tabindex: "-1" }, title);
    const away = button(close, () => this.#sheet.close());
    this.#sheet.replaceChildren(el("div", { class: "deeds" }, heading, ...body, el("div", { class: "actions" }, ...acts, away)));
    if (!this.#sheet.open) this.#sheet.showModal();
    heading.focus();
  }
}

/** @param {Mine} mine @param {string} kind of room */
function lines(mine, kind) {
  const counted = COUNTED.filter((what) => (mine[what] ?? 0) > 0).map((what) => say(`mine.${what}`, { number: mine[what] ?? 0 }));
  const stands = (mine.stands ?? []).flatMap((word) => (KNOWN[word] ? [say(KNOWN[word])] : []));
  const list = [...counted, ...stands];
  return [
    el("p", {}, say("mine.about", { name: name(mine.handle) })),
    el("ul", { class: "lines" }, ...(list.length > 0 ? list : [say("mine.nothing")]).map((line) => el("li", {}, line))),
    el("p", {}, say("mine.not_held")),
    el("p", {}, until(mine, kind)),
  ];
}

/** When it goes. @param {Mine} mine @param {string} kind */
function until(mine, kind) {
  if (mine.erase_at) return say("mine.until", { time: when(mine.erase_at * 1000, "both") });
  const days = mine.kept_s / DAY_S;
  if (kind === "session") return say("entry.kept_session");
  return days > 1 ? say("entry.kept_days", { count: days }) : say("entry.kept_24_hours");
}
