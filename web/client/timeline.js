/**
 * What was said, folded from events into what a page shows. Pure: no DOM, no clock.
 *
 *   Timeline --fold(events)--> Timeline --view(...)--> [day | unread | note | post ...]
 *
 * Events may be folded in any order and more than once (history is loaded backwards, a gap is
 * mended with an overlap): the result depends only on which events are in.
 *
 * @typedef {import("./wire.js").AnyEvent} AnyEvent
 * @typedef {import("./wire.js").Noted} Noted
 * @typedef {import("./wire.js").Slowed} Slowed
 * @typedef {import("./wire.js").Posted} Posted
 *
 * @typedef {object} Timeline
 * @property {ReadonlyMap<number, Posted>} posts by seq
 * @property {ReadonlyMap<number, {target: number, kind: string, handle: string}>} reactions by seq
 * @property {ReadonlySet<number>} withdrawn seqs whose author took them back
 * @property {ReadonlyMap<number, Slowed | Noted>} notes by seq: what is shown between the posts
 * @property {ReadonlyMap<number, {seq: number, on: boolean, rule: string}>} hidden by the post's seq: what facilitators last did
 *
 * @typedef {object} Waiting a post of one's own that has no place yet
 * @property {string} key
 * @property {string} text
 * @property {number | null} replyTo
 * @property {number} at Unix seconds
 * @property {"pending" | "failed"} status
 * @property {string} reason why it failed, in words for a person
 * @property {boolean} [held] a facilitator looks at it first
 *
 * @typedef {{kind: string, count: number, mine: number | null}} Tally
 * @typedef {{seq: number, handle: string, text: string, withdrawn: boolean, ignored: boolean}} Quote
 *
 * @typedef {{type: "day", key: string, at: number}} DayItem
 * @typedef {{type: "unread", key: string}} UnreadItem
 * @typedef {{type: "note", key: string, seq: number, event: Slowed | Noted}} NoteItem
 * @typedef {object} PostItem
 * @property {"post"} type
 * @property {string} key
 * @property {number | null} seq
 * @property {string} handle
 * @property {boolean} own
 * @property {boolean} facilitator
 * @property {boolean} first begins a group of one author's lines
 * @property {number} at
 * @property {string} text
 * @property {boolean} withdrawn
 * @property {string | null} hidden by which rule others do not see it
 * @property {Quote | {seq: number} | null} quote what it answers; only a seq where that is not loaded
 * @property {Tally[]} reactions
 * @property {"delivered" | "pending" | "failed"} status
 * @property {string} reason why it waits, was not sent or, to its author, was hidden
 * @typedef {DayItem | UnreadItem | NoteItem | PostItem} Item
 */

import { REACTIONS } from "./wire.js";

/** Lines of one author within this many seconds of the group's first are one group. */
export const GROUP_S = 5 * 60;

/** @type {Timeline} */
export const EMPTY = Object.freeze({
  posts: new Map(),
  reactions: new Map(),
  withdrawn: new Set(),
  notes: new Map(),
  hidden: new Map(),
});

/** What happened in a session, and is worth a line to everybody. */
const NOTED = new Set([
  "slowed", "phase_changed", "paused", "resumed", "extended", "announced", "round_started", "poll_opened", "poll_closed",
  "split_up", "recalled", "told", "word_offered", "word_answered", "word_ended",
]);

/**
 * @param {Timeline} timeline
 * @param {readonly AnyEvent[]} events
 * @returns {Timeline}
 */
export function fold(timeline, events) {
  const posts = new Map(timeline.posts);
  const reactions = new Map(timeline.reactions);
  const withdrawn = new Set(timeline.withdrawn);
  const notes = new Map(timeline.notes);
  const hidden = new Map(timeline.hidden);
  /** The last word counts. @param {number} target @param {{seq: number, on: boolean, rule: string}} one */
  const hide = (target, one) => {
    if (one.seq >= (hidden.get(target)?.seq ?? 0)) hidden.set(target, one);
  };
  for (const event of events) {
    if (event.t === "posted") {
      posts.set(event.seq, event);
      if (event.withdrawn) withdrawn.add(event.seq);
      // Of a post from the history it is only known that it is hidden.
      if (event.hidden) hide(event.seq, { seq: 0, on: true, rule: "" });
    } else if (event.t === "reacted") {
      if (event.withdrawn) withdrawn.add(event.seq);
      else reactions.set(event.seq, { target: event.target, kind: event.kind, handle: event.handle });
    } else if (event.t === "withdrawn") withdrawn.add(event.target);
    else if (event.t === "hidden") hide(event.target, { seq: event.seq, on: event.on, rule: event.rule });
    else if (NOTED.has(event.t)) notes.set(event.seq, /** @type {Slowed | Noted} */ (event));
  }
  return { posts, reactions, withdrawn, notes, hidden };
}

/**
 * The newest `keep` posts and what belongs to them. What is dropped can be loaded again.
 *
 * @param {Timeline} timeline
 * @param {number} keep
 */
export function newest(timeline, keep) {
  if (timeline.posts.size <= keep) return timeline;
  const seqs = [...timeline.posts.keys()].sort((a, b) => a - b);
  const from = seqs[seqs.length - keep] ?? 0;
  /** @template T @param {ReadonlyMap<number, T>} map */
  const after = (map) => new Map([...map].filter(([seq]) => seq >= from));
  return {
    posts: after(timeline.posts),
    reactions: after(timeline.reactions),
    withdrawn: new Set([...timeline.withdrawn].filter((seq) => seq >= from)),
    notes: after(timeline.notes),
    hidden: after(timeline.hidden),
  };
}

/**
 * What a page shows, in order.
 *
 * @param {Timeline} timeline
 * @param {{me: string, role?: string | null, ignored?: ReadonlySet<string>, waiting?: readonly Waiting[],
 *          placed?: ReadonlyMap<number, string>, unreadFrom?: number | null,
 *          waits?: string, waitsHeld?: string, notes?: (note: Slowed | Noted) => boolean, whyHidden?: (seq: number) => string, dayOf?: (at: number) => string}} [how]
 *   `placed`: seqs of one's own posts and the keys they were sent under, so that an item keeps
 *   its key when it gets its place. `waits`: what to say of a pending post that has no reason
 *   of its own, `waitsHeld` of one that a facilitator looks at first. `notes`: which of them to show;
 *   all, if left out. `whyHidden`: what its author was told. `dayOf`: Unix seconds to a local day's name.
 * @returns {Item[]}
 */
export function view(timeline, how = { me: "" }) {
  const ignored = how.ignored ?? new Set();
  const dayOf = how.dayOf ?? ((at) => new Date(at * 1000).toDateString());
  const tallies = tally(timeline, how.me, ignored);
  /** @type {Item[]} */
  const items = [];
  let day = "";
  /** @type {PostItem | null} */
  let head = null;
  let unreadFrom = how.unreadFrom ?? null;

  /** @param {number} at */
  const turn = (at) => {
    const today = dayOf(at);
    if (today === day) return;
    day = today;
    head = null;
    items.push({ type: "day", key: `d:${today}`, at });
  };
  /** @param {PostItem} item */
  const add = (item) => {
    item.first = head === null || head.handle !== item.handle || item.at - head.at >= GROUP_S;
    if (item.first) head = item;
    items.push(item);
  };

  const seqs = [...timeline.posts.keys(), ...timeline.notes.keys()].sort((a, b) => a - b);
  for (const seq of seqs) {
    const note = timeline.notes.get(seq);
    if (note) {
      if (how.notes && !how.notes(note)) continue;
      turn(note.at);
      head = null;
      items.push({ type: "note", key: `n:${seq}`, seq, event: note });
      continue;
    }
    const post = timeline.posts.get(seq);
    if (!post || ignored.has(post.handle)) continue;
    turn(post.at);
    if (unreadFrom !== null && seq >= unreadFrom) {
      head = null;
      items.push({ type: "unread", key: "unread" });
      unreadFrom = null;
    }
    const withdrawn = timeline.withdrawn.has(seq);
    const hidden = timeline.hidden.get(seq);
    const own = post.handle === how.me;
    const blank = withdrawn || (hidden?.on === true && !own && how.role !== "facilitator");
    const sentAs = how.placed?.get(seq);
    add({
      type: "post",
      key: sentAs === undefined ? `s:${seq}` : `k:${sentAs}`,
      seq,
      handle: post.handle,
      own,
      facilitator: post.role === "facilitator",
      first: true,
      at: post.at,
      text: blank ? "" : post.text,
      withdrawn,
      hidden: hidden?.on ? hidden.rule : null,
      quote: blank ? null : quote(timeline, post.reply_to ?? null, ignored, how),
      reactions: blank ? [] : (tallies.get(seq) ?? []),
      status: "delivered",
      reason: own && hidden?.on ? (how.whyHidden?.(seq) ?? "") : "",
    });
  }
  for (const one of how.waiting ?? []) {
    turn(one.at);
    add({
      type: "post",
      key: `k:${one.key}`,
      seq: null,
      handle: how.me,
      own: true,
      facilitator: how.role === "facilitator",
      first: true,
      at: one.at,
      text: one.text,
      withdrawn: false,
      hidden: null,
      quote: quote(timeline, one.replyTo, ignored, how),
      reactions: [],
      status: one.status,
      reason: one.reason || (one.status === "pending" ? ((one.held ? how.waitsHeld : how.waits) ?? "") : ""),
    });
  }
  return items;
}

/** @param {Timeline} timeline @param {number | null} seq @param {ReadonlySet<string>} ignored @param {{me: string, role?: string | null}} how */
function quote(timeline, seq, ignored, how) {
  if (seq === null) return null;
  const post = timeline.posts.get(seq);
  if (!post) return { seq };
  const hidden = timeline.hidden.get(seq)?.on === true && post.handle !== how.me && how.role !== "facilitator";
  const withdrawn = timeline.withdrawn.has(seq) || hidden;
  return { seq, handle: post.handle, text: withdrawn ? "" : post.text, withdrawn, ignored: ignored.has(post.handle) };
}

/**
 * Who answered what, without scores: one count per kind, and the seq of one's own.
 *
 * @param {Timeline} timeline @param {string} me @param {ReadonlySet<string>} ignored
 * @returns {Map<number, Tally[]>}
 */
function tally(timeline, me, ignored) {
  /** @type {Map<number, Map<string, Tally>>} */
  const byTarget = new Map();
  for (const [seq, one] of timeline.reactions) {
    if (timeline.withdrawn.has(seq) || ignored.has(one.handle)) continue;
    const kinds = byTarget.get(one.target) ?? new Map();
    byTarget.set(one.target, kinds);
    const sum = kinds.get(one.kind) ?? { kind: one.kind, count: 0, mine: null };
    sum.count += 1;
    if (one.handle === me) sum.mine = seq;
    kinds.set(one.kind, sum);
  }
  const order = /** @type {readonly string[]} */ (REACTIONS);
  return new Map(
    [...byTarget].map(([target, kinds]) => [
      target,
      [...kinds.values()].filter((sum) => order.includes(sum.kind)).sort((a, b) => order.indexOf(a.kind) - order.indexOf(b.kind)),
    ]),
  );
}
