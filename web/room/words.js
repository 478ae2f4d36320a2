/** The sentences that are made while the page runs. Plain, short and kind; no DOM. */

/** @type {Record<string, string>} */
export const REACTION = {
  with_you: "With you",
  me_too: "Me too",
  thank_you: "Thank you",
  strength: "Strength",
  heard: "Heard",
};

/** A handle as one says it: `quiet-heron` is "quiet heron". @param {string} handle */
export function name(handle) {
  return handle.replaceAll("-", " ");
}

/** As the server says it; the page knows it before it asks for anything. */
export const TICKET_NEEDED = "This room asks for a ticket. Open it from your intranet page, or ask whoever runs it.";

/** The same, where one can go and get it. */
export const SIGN_IN_NEEDED = "This room is for people who have signed in. Nobody in it sees your name.";

const COUNT = ["no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"];

/** How many new messages wait, in words. @param {number} count */
export function newMessages(count) {
  if (count < 1) return "Jump to latest";
  const many = COUNT[count] ?? "more than ten";
  const words = `${many} new ${count === 1 ? "message" : "messages"}`;
  return words[0]?.toUpperCase() + words.slice(1);
}

/** @param {string[]} handles */
export function typing(handles) {
  const [first, second] = handles.map(name);
  if (first === undefined) return "";
  if (second === undefined) return `${first} is writing`;
  if (handles.length === 2) return `${first} and ${second} are writing`;
  return "A few people are writing";
}

/** @param {number} count */
export function here(count) {
  if (count <= 1) return "Only you here";
  return `${count} here`;
}

/** @param {number} seconds */
export function pace(seconds) {
  if (seconds === 0) return "The pace is free again.";
  return `Slow mode: ${duration(seconds)} between two messages of one person.`;
}

/** @param {number} seconds */
export function duration(seconds) {
  return seconds === 1 ? "one second" : seconds === 60 ? "one minute" : `${seconds} seconds`;
}

/** How long what is said is kept. @param {string} kind of the room */
export function kept(kind) {
  return kind === "knowledge" ? "30 days" : "24 hours";
}

/** @param {string} kind */
export function emptyRoom(kind) {
  return `Nothing has been said here yet.\nWrite if you like: what you write stays for ${kept(kind)}, so whoever comes next will find it.`;
}

/** @param {string} text @param {number} [limit] one line of it */
export function oneLine(text, limit = 120) {
  const line = text.replace(/\s+/gu, " ").trim();
  const characters = Array.from(line);
  return characters.length <= limit ? line : `${characters.slice(0, limit - 1).join("")}…`;
}

/** Minutes of the day, in the reader's own way. @param {number} at Unix seconds */
export function time(at) {
  return clock.format(new Date(at * 1000));
}

/** @param {number} at Unix seconds @param {number} now Unix milliseconds */
export function day(at, now) {
  const name = dayOf(at);
  if (name === dayOf(now / 1000)) return "Today";
  if (name === dayOf(now / 1000 - 86_400)) return "Yesterday";
  return date.format(new Date(at * 1000));
}

/** A local day's name. @param {number} at Unix seconds */
export function dayOf(at) {
  return new Date(at * 1000).toDateString();
}

const clock = new Intl.DateTimeFormat(undefined, { timeStyle: "short" });
const date = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long" });
