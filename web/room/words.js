/** How the room speaks of handles, counts and times. The sentences are in the catalogues; no DOM. */

import { day as dayIn, lasting, say, when } from "../words/say.js";

const DAY_MS = 86_400_000;
/** @type {Record<string, string>} */
const REACTIONS = {
  with_you: "room.reaction_with_you",
  me_too: "room.reaction_me_too",
  thank_you: "room.reaction_thank_you",
  strength: "room.reaction_strength",
  heard: "room.reaction_heard",
};

/** @param {string} kind */
export function reaction(kind) {
  const key = REACTIONS[kind];
  return key ? say(key) : kind;
}

/** A handle as one says it: `quiet-heron` is "quiet heron". The same in every language, as it was drawn. @param {string} handle */
export function name(handle) {
  return handle.replaceAll("-", " ");
}

/** How many new messages wait. @param {number} count */
export function newMessages(count) {
  if (count < 1) return say("room.latest");
  return count > 10 ? say("room.new_many") : say("room.new_messages", { count });
}

/** @param {string[]} handles */
export function typing(handles) {
  const [first, second] = handles.map(name);
  if (first === undefined) return "";
  if (second === undefined) return say("room.typing_one", { name: first });
  return handles.length === 2 ? say("room.typing_two", { first, second }) : say("room.typing_many");
}

/** @param {number} count */
export function here(count) {
  return count <= 1 ? say("room.only_you_here") : say("room.here", { count });
}

/** @param {number} seconds */
export function pace(seconds) {
  return seconds === 0 ? say("room.pace_free") : say("room.pace", { time: duration(seconds) });
}

/** @param {number} seconds */
export function duration(seconds) {
  return lasting(seconds);
}

/** @param {string} kind @param {number | null} anewAt when the room begins anew, Unix milliseconds @param {number} now */
export function emptyRoom(kind, anewAt, now) {
  if (anewAt !== null) return say("room.empty_until", { time: when(anewAt, anewAt - now < DAY_MS ? "time" : "both") });
  return kind === "knowledge" ? say("room.empty_30_days") : say("room.empty_24_hours");
}

/** @param {string} text @param {number} [limit] one line of it */
export function oneLine(text, limit = 120) {
  const line = text.replace(/\s+/gu, " ").trim();
  const characters = Array.from(line);
  return characters.length <= limit ? line : `${characters.slice(0, limit - 1).join("")}…`;
}

/** Minutes of the day, in the reader's own way. @param {number} at Unix seconds */
export function time(at) {
  return when(at * 1000, "time");
}

/** @param {number} at Unix seconds @param {number} now Unix milliseconds */
export function day(at, now) {
  return dayIn(at * 1000, now);
}

/** A local day's name. @param {number} at Unix seconds */
export function dayOf(at) {
  return new Date(at * 1000).toDateString();
}
