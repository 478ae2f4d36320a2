/** What happened in a session, as it stands between the messages; and what a hidden message says instead. */

import { el, write } from "../room/dom.js";
import { lasting, say } from "../words/say.js";
import { pollResults } from "./poll.js";
import { phaseNote, ruleOf } from "./words.js";

/**
 * @typedef {import("../client/wire.js").Noted} Noted
 * @typedef {import("../client/timeline.js").Timeline} Timeline
 * @typedef {import("../client/timeline.js").PostItem} PostItem
 */

/** @param {Noted} event @param {Timeline} timeline where a question that was asked before is found @returns {HTMLElement} */
export function note(event, timeline) {
  if (event.t === "phase_changed") return begun(event);
  if (event.t === "announced") return announced(event);
  if (event.t === "round_started") return card(el("p", { dir: "auto" }, say("session.round", { prompt: event.prompt })));
  if (event.t === "poll_opened") return line(say("session.poll_asked", { question: event.question }));
  if (event.t === "poll_closed") {
    const asked = timeline.notes.get(event.poll);
    const known = asked?.t === "poll_opened" ? asked : null;
    return card(...pollResults(known?.question ?? "", known?.options ?? [], event.results));
  }
  if (event.t === "paused") return line(event.why === "quiet" ? say("session.note_quiet") : say("session.note_alone"));
  if (event.t === "extended") return line(say("session.note_extended", { count: event.minutes }));
  if (event.t === "split_up") return line(say("session.note_split"));
  if (event.t === "recalled") return line(say("session.note_recalled"));
  return line("");
}

/** @param {string} text */
function line(text) {
  return el("p", { class: "note" }, text);
}

/** @param {...Node} children */
function card(...children) {
  return el("div", { class: "said-card" }, ...children);
}

/** @param {import("../client/wire.js").PhaseChanged} event */
function begun({ phase, title = "", prompt = "", late_s = 0 }) {
  const head = el("p", { class: "divider part" }, title || phaseNote(phase));
  if (!prompt && !late_s) return head;
  const box = el("div", { class: "begun" }, head);
  if (late_s) box.append(line(say("session.note_late", { time: lasting(late_s) })));
  if (prompt) box.append(card(el("p", { class: "kicker" }, say("session.prompt")), el("p", { class: "words", dir: "auto" }, prompt)));
  return box;
}

/** @param {import("../client/wire.js").Announced} event */
function announced({ kind, text, url }) {
  const label = kind === "prompt" ? say("session.prompt") : kind === "resource" ? say("session.resource") : say("session.announcement");
  const box = card(el("p", { class: "kicker" }, label), el("p", { class: "words", dir: "auto" }, text));
  box.classList.add(kind);
  if (url?.startsWith("https://")) box.append(el("p", {}, link(url, say("session.open_link", { address: hostOf(url) }))));
  return box;
}

/** A way out of the room: in a window of its own, which learns nothing of where one came from. @param {string} url @param {string} text */
export function link(url, text) {
  return el("a", { href: url, target: "_blank", rel: "noopener noreferrer", class: "out" }, text);
}

/** @param {string} url */
function hostOf(url) {
  try {
    return new URL(url).host;
  } catch {
    return url;
  }
}

/** Others read that it was hidden and by which rule, its author why besides. @param {PostItem} item @param {HTMLElement} element */
export function hiddenPost(item, element) {
  element.classList.toggle("hidden-post", item.hidden !== null);
  const words = element.querySelector(".words");
  const old = element.querySelector(".hidden-why");
  if (item.hidden === null || words === null) {
    old?.remove();
    return;
  }
  const rule = ruleOf(item.hidden);
  if (item.text === "") {
    const text = rule ? say("session.hidden", { rule }) : say("session.hidden_plain");
    write(words, text);
    element.setAttribute("aria-label", `${element.getAttribute("aria-label")} ${text}`);
    old?.remove();
    return;
  }
  const hidden = rule ? say("session.hidden_own", { rule }) : say("session.hidden_own_plain");
  const text = item.reason ? `${hidden} ${say("session.told_reason", { reason: item.reason })}` : hidden;
  if (old) write(old, text);
  else words.after(el("p", { class: "hidden-why", "aria-live": "off" }, text));
}
