/** The sheets that ask before something is done for the whole group: announce, poll, round, pace, time, groups, the end. */

import { el } from "../room/dom.js";
import { drawMark } from "../room/marks.js";
import { name } from "../room/words.js";
import { say } from "../words/say.js";
import { balanced, sized } from "./run_groups.js";
import { checkField, choiceField, lineField, selectField, wordsField } from "./sheet.js";

/**
 * @typedef {import("./sheet.js").Sheet} Sheet
 * @typedef {import("../client/wire.js").Refused} Refused
 * @typedef {import("./run_view.js").SessionNow} SessionNow
 * @typedef {import("./run_view.js").Command} Command
 * @typedef {object} Deed what one does, and what is said when it is done
 * @property {string} [done] nothing is said where it is left out
 * @property {Command} [undo]
 * @property {() => boolean} [holds] whether what was done still stands, so that undoing it makes sense
 * @typedef {(command: Command, deed?: Deed) => Promise<Refused | null>} Do
 */

const PACES = [0, 5, 15, 30, 60];
const MAX_OPTIONS = 6;

/** @param {Sheet} sheet @param {Do} act @param {SessionNow} session */
export function announce(sheet, act, session) {
  const kind = choiceField(
    say("facilitate.announce_kind"),
    [["announcement", say("facilitate.announce_announcement")], ["prompt", say("facilitate.announce_prompt")], ["resource", say("facilitate.announce_resource")]],
    "announcement",
  );
  const text = wordsField(say("facilitate.announce_text"), { value: "", rows: 3 });
  const url = lineField(say("facilitate.announce_url"), { max: 500, type: "url", note: say("facilitate.announce_url_note") });
  url.field.placeholder = "https://";
  const everywhere = checkField(say("facilitate.announce_everywhere"), true);
  everywhere.element.hidden = !session.breakouts;
  const link = () => (url.element.hidden = kind.value() !== "resource");
  kind.element.addEventListener("change", link);
  link();
  sheet.ask(
    say("facilitate.tool_announce"),
    [kind.element, text.element, url.element, everywhere.element],
    [
      {
        label: say("facilitate.announce_do"),
        main: true,
        act: () => {
          const words = text.field.value.trim();
          const address = url.field.value.trim();
          if (words === "") return say("facilitate.needs_words");
          if (kind.value() === "resource" && !/^https:\/\/[!-~]+$/u.test(address)) return say("facilitate.needs_link");
          /** @type {Command} */
          const command = { t: "announce", kind: kind.value(), text: words, key: crypto.randomUUID() };
          if (kind.value() === "resource") command.url = address;
          if (session.breakouts && everywhere.field.checked) command.everywhere = true;
          return act(command);
        },
      },
    ],
    { focus: text.field },
  );
}

/** @param {Sheet} sheet @param {Do} act @param {SessionNow} session */
export function poll(sheet, act, session) {
  const { poll: open } = session;
  const about = el("p", { class: "quiet" }, say("facilitate.poll_about", { enough: session.staff?.poll_k ?? 0 }));
  if (open) {
    const votes = el("p", {}, say("facilitate.poll_votes", { count: open.votes ?? 0 }));
    const options = el("ul", { class: "lines" }, ...open.options.map((one) => el("li", { dir: "auto" }, one)));
    sheet.ask(say("facilitate.poll_open"), [el("p", { dir: "auto" }, open.question), options, votes, about], [
      { label: say("facilitate.poll_close"), main: true, act: () => act({ t: "close_poll", poll: open.id }) },
    ]);
    return;
  }
  const question = lineField(say("facilitate.poll_question"));
  const options = Array.from({ length: MAX_OPTIONS }, (_, index) => lineField(say("facilitate.poll_option", { number: index + 1 })));
  sheet.ask(
    say("facilitate.tool_poll"),
    [about, question.element, el("div", { class: "options" }, ...options.map((one) => one.element))],
    [
      {
        label: say("facilitate.poll_do"),
        main: true,
        act: () => {
          const given = options.map((one) => one.field.value.trim()).filter((one) => one !== "");
          if (question.field.value.trim() === "" || given.length < 2) return say("facilitate.poll_needs");
          return act({ t: "open_poll", question: question.field.value.trim(), options: given, key: crypto.randomUUID() });
        },
      },
    ],
  );
}

/** @param {Sheet} sheet @param {Do} act @param {SessionNow} session */
export function round(sheet, act, session) {
  const prompt = lineField(say("facilitate.round_prompt"), { value: session.item?.prompt || say("facilitate.round_example") });
  sheet.ask(say("facilitate.tool_round"), [el("p", { class: "quiet" }, say("facilitate.round_about")), prompt.element], [
    {
      label: say("facilitate.round_do"),
      main: true,
      act: () => {
        const words = prompt.field.value.trim();
        return words === "" ? say("facilitate.needs_words") : act({ t: "start_round", prompt: words.slice(0, 200), key: crypto.randomUUID() });
      },
    },
  ]);
}

/** @param {Sheet} sheet @param {Do} act @param {number} now seconds in force */
export function slow(sheet, act, now) {
  const pace = choiceField(
    say("facilitate.slow_between"),
    PACES.map((seconds) => /** @type {const} */ ([String(seconds), seconds === 0 ? say("facilitate.slow_off") : say("facilitate.slow_seconds", { seconds })])),
    String(PACES.includes(now) ? now : 0),
  );
  sheet.ask(say("facilitate.tool_slow"), [el("p", { class: "quiet" }, say("facilitate.slow_about")), pace.element], [
    {
      label: say("facilitate.slow_do"),
      main: true,
      act: () => {
        const seconds = Number(pace.value());
        const done = seconds === 0 ? say("facilitate.slow_now_off") : say("facilitate.slow_now", { seconds });
        return act({ t: "slow", seconds }, { done, undo: { t: "slow", seconds: now } });
      },
    },
  ]);
}

/** @param {Sheet} sheet @param {Do} act */
export function extend(sheet, act) {
  const minutes = choiceField(say("facilitate.extend_by"), ["5", "10", "15"].map((one) => /** @type {const} */ ([one, say("facilitate.minutes", { count: Number(one) })])), "5");
  sheet.ask(say("facilitate.tool_extend"), [el("p", { class: "quiet" }, say("facilitate.extend_about")), minutes.element], [
    { label: say("facilitate.extend_do"), main: true, act: () => act({ t: "extend", minutes: Number(minutes.value()) }, { done: say("facilitate.extended", { count: Number(minutes.value()) }) }) },
  ]);
}

/** A moment of quiet: how long. @param {Sheet} sheet @param {Do} act */
export function quiet(sheet, act) {
  const long = choiceField(
    say("facilitate.quiet_long"),
    [["60", say("facilitate.minutes", { count: 1 })], ["180", say("facilitate.minutes", { count: 3 })], ["300", say("facilitate.minutes", { count: 5 })], ["", say("facilitate.quiet_open")]],
    "60",
  );
  sheet.ask(say("facilitate.quiet_title"), [el("p", { class: "quiet" }, say("facilitate.quiet_about")), long.element], [
    { label: say("facilitate.quiet_do"), main: true, act: () => act({ t: "pause", ...(long.value() !== "" && { seconds: Number(long.value()) }) }) },
  ]);
}

/** @param {Sheet} sheet @param {Do} act @param {SessionNow} session @param {readonly string[]} here participants who are here */
export function groups(sheet, act, session, here) {
  if (session.breakouts) {
    const list = session.breakouts.groups.map((group, index) =>
      el("li", {}, el("strong", {}, say("facilitate.group_name", { number: index + 1 })), ` ${say("facilitate.group_of", { names: group.map(name) })}`),
    );
    sheet.ask(say("facilitate.part_groups"), [el("ul", { class: "lines" }, ...list)], [
      { label: say("facilitate.next_recall"), main: true, act: () => act({ t: "recall" }) },
    ]);
    return;
  }
  const size = selectField(say("facilitate.groups_size"), ["2", "3", "4", "5", "6"].map((one) => /** @type {const} */ ([one, say("facilitate.groups_of", { number: Number(one) })])), "3");
  const minutes = selectField(
    say("facilitate.groups_minutes"),
    [["", say("facilitate.groups_open")], ...["5", "10", "15", "20"].map((one) => /** @type {const} */ ([one, say("facilitate.minutes", { count: Number(one) })]))],
    "10",
  );
  const by = choiceField(say("facilitate.groups_how"), [["size", say("facilitate.groups_by_size")], ["hand", say("facilitate.groups_by_hand")]], "size");
  const rows = el("div", { class: "by-hand" });
  /** @type {Map<string, HTMLSelectElement>} */
  const chosen = new Map();
  const fill = () => {
    const many = Math.min(7, Math.max(1, Math.floor(here.length / 2)));
    const start = sized(here, Number(size.field.value));
    const options = Array.from({ length: many }, (_, index) => /** @type {const} */ ([String(index), say("facilitate.group_name", { number: index + 1 })]));
    chosen.clear();
    rows.replaceChildren(
      ...here.map((handle) => {
        const at = start.findIndex((group) => group.includes(handle));
        const field = selectField(name(handle), options, String(Math.min(many - 1, Math.max(0, at))));
        chosen.set(handle, field.field);
        field.element.prepend(drawMark(handle));
        return field.element;
      }),
    );
  };
  const show = () => {
    rows.hidden = by.value() === "size";
    if (!rows.hidden) fill();
  };
  by.element.addEventListener("change", show);
  size.field.addEventListener("change", () => rows.hidden || fill());
  rows.hidden = true;
  sheet.ask(
    say("facilitate.tool_groups"),
    [el("p", { class: "quiet" }, say("facilitate.groups_about")), by.element, size.element, minutes.element, rows],
    [
      {
        label: say("facilitate.groups_do"),
        main: true,
        act: () => {
          /** @type {Command} */
          const command = { t: "split", key: crypto.randomUUID() };
          if (minutes.field.value !== "") command.minutes = Number(minutes.field.value);
          if (by.value() === "size") command.size = Number(size.field.value);
          else {
            const made = balanced(new Map([...chosen].map(([handle, field]) => [handle, Number(field.value)])));
            if (made === null) return say("facilitate.groups_alone");
            command.groups = made;
          }
          return act(command, { done: say("facilitate.groups_done"), undo: { t: "recall" } });
        },
      },
    ],
  );
}

/** Before it has begun it is called off; then it is closed. @param {Sheet} sheet @param {Do} act @param {SessionNow} session */
export function close(sheet, act, session) {
  const { title, phase, staff } = session;
  if (phase === "lobby") {
    const off = { label: say("facilitate.call_off_do", { title }), act: () => act({ t: "move", phase: "cancelled" }) };
    return sheet.sure(say("facilitate.call_off_title", { title }), say("facilitate.call_off_about"), off, say("facilitate.close_keep"));
  }
  const about = say(staff?.erase === "after_24h" ? "facilitate.close_after_24h" : "facilitate.close_at_close");
  const deed = { label: say("facilitate.close_do", { title }), act: () => act({ t: "move", phase: "closed" }) };
  sheet.sure(say("facilitate.close_title", { title }), about, deed, say("facilitate.close_keep"));
}
