/**
 * What facilitators did, and what the clock did, in the order of it: handles only, and no word of what was said. Pure.
 *
 * @typedef {import("./run_desk.js").RoomEvent} RoomEvent
 * @typedef {{key: string, at: number, by: string, text: string}} Entry `by` is "" for the clock
 */

import { name } from "../room/words.js";
import { lasting, say } from "../words/say.js";
import * as words from "./words.js";

/** @type {Record<string, (event: RoomEvent) => string>} */
const SAY = {
  phase_changed,
  paused: ({ why }) => (why === "no_facilitator" ? say("facilitate.journal_no_facilitator") : say("facilitate.journal_quiet")),
  resumed: (event) => (event.took_over ? say("facilitate.journal_took_over") : say("facilitate.journal_resumed")),
  extended: ({ minutes }) => say("facilitate.journal_extended", { count: minutes }),
  floor_given: ({ to }) => (to ? say("facilitate.journal_floor", { name: name(to) }) : say("facilitate.journal_floor_back")),
  floor_set,
  round_started: ({ order }) => say("facilitate.journal_round", { count: order?.length ?? 0 }),
  round_ended: () => say("facilitate.journal_round_ended"),
  slowed: ({ seconds }) => (seconds > 0 ? say("facilitate.journal_slow", { span: lasting(seconds) }) : say("facilitate.journal_slow_off")),
  announced: ({ kind }) => say(ANNOUNCED[kind] ?? "facilitate.journal_announced"),
  pinned: ({ on }) => (on ? say("facilitate.journal_pinned") : say("facilitate.journal_unpinned")),
  poll_opened: () => say("facilitate.journal_poll"),
  poll_closed: ({ results }) => (results ? say("facilitate.journal_poll_closed") : say("facilitate.journal_poll_few")),
  hidden: ({ on, rule }) => (on ? say("facilitate.journal_hidden", { rule: words.rule(rule) }) : say("facilitate.journal_shown")),
  locked: ({ on }) => (on ? say("facilitate.journal_locked") : say("facilitate.journal_unlocked")),
  split_up: ({ groups }) => say("facilitate.journal_split", { count: groups?.length ?? 0 }),
  recalled: () => say("facilitate.journal_recalled"),
  restricted: ({ limit, whose, on, rule }) =>
    on ? say("facilitate.journal_limited", { deed: words.limited(limit, whose, true), rule: words.rule(rule || "other") }) : words.limited(limit, whose, false),
  decided: ({ yes }) => (yes ? say("facilitate.journal_let_through") : say("facilitate.journal_declined")),
  appeal_answered: ({ yes }) => (yes ? say("facilitate.journal_granted") : say("facilitate.journal_upheld")),
};

/** @type {Record<string, string>} */
const ANNOUNCED = { announcement: "facilitate.journal_announced", prompt: "facilitate.journal_prompt", resource: "facilitate.journal_resource" };

/** @param {RoomEvent} event */
function phase_changed({ phase, title, late_s }) {
  if (late_s) return say("facilitate.journal_late", { phase: words.phase(phase), span: words.span(late_s) });
  return title && title !== words.phase(phase) ? say("facilitate.journal_part", { phase: words.phase(phase), part: title }) : say("facilitate.journal_phase", { phase: words.phase(phase) });
}

/** @param {RoomEvent} event */
function floor_set({ by_hand, unheard_first }) {
  if (!by_hand) return say("facilitate.journal_free");
  return unheard_first ? say("facilitate.journal_unheard_first") : say("facilitate.journal_by_hand");
}

/** What one event says in the journal; "" where it is none of its business. @param {any} event */
export function entryOf(event) {
  return SAY[event.t]?.(event) ?? "";
}

/**
 * @param {Iterable<RoomEvent>} room events of the session's room, in order
 * @param {Iterable<RoomEvent>} staff events of the facilitators' room, in order
 * @returns {Entry[]} oldest first; within a minute the room's come first
 */
export function journal(room, staff) {
  /** @type {Entry[]} */
  const entries = [];
  for (const [from, events] of /** @type {const} */ ([["r", room], ["s", staff]])) {
    for (const event of events) {
      const say = SAY[event.t];
      if (say) entries.push({ key: `${from}${event.seq}`, at: event.at, by: event.handle, text: say(event) });
    }
  }
  return entries.sort((a, b) => a.at - b.at);
}
