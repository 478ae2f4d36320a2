/**
 * Where one writes: grows with the text, keeps a draft, counts only near the end, waits in slow mode.
 *
 * With a keyboard Enter sends and Shift+Enter makes a line; on touch Enter makes a line and the
 * button sends. What could not be sent stays where it was typed.
 */

import { MAX_CHARACTERS } from "../client/wire.js";
import { byId, write } from "./dom.js";
import { say } from "../words/say.js";
import * as words from "./words.js";

const NEAR_END = 300;

export class Composer {
  /** @type {{seq: number, handle: string, text: string} | null} */
  #reply = null;
  #slowUntil = 0;
  /** @type {number | null} */
  #tick = null;

  /**
   * @param {{send: (text: string, replyTo: number | null) => boolean, typing: () => void,
   *          keepDraft: (text: string) => void, now: () => number}} owner `send`: false where it stays as it is
   */
  constructor(owner) {
    this.owner = owner;
    this.area = byId("text", HTMLTextAreaElement);
    this.button = byId("send", HTMLButtonElement);
    this.count = byId("count");
    this.replying = byId("replying");
    this.touch = matchMedia("(pointer: coarse)");
    // Not "submit", which a frame that is sandboxed without allow-forms never hears.
    this.button.addEventListener("click", (event) => {
      event.preventDefault();
      this.#send();
    });
    this.area.addEventListener("keydown", (event) => this.#key(event));
    this.area.addEventListener("input", () => {
      this.#changed();
      if (this.area.value.trim() !== "") this.owner.typing();
    });
    byId("reply-off").addEventListener("click", () => {
      this.replyTo(null);
      this.area.focus();
    });
    this.#pace();
  }

  /** @param {string} text */
  restore(text) {
    this.area.value = text;
    this.#changed();
  }

  /** Put words (back) into the composer, above what is there. @param {string} text */
  put(text) {
    this.area.value = this.area.value === "" ? text : `${text}\n${this.area.value}`;
    this.#changed();
    this.area.focus();
  }

  focus() {
    this.area.focus();
  }

  /** @param {{seq: number, handle: string, text: string} | null} reply `handle` is "" for oneself */
  replyTo(reply) {
    this.#reply = reply;
    this.replying.hidden = reply === null;
    const line = this.replying.firstElementChild;
    if (line) write(line, reply === null ? "" : answering(reply.handle, words.oneLine(reply.text)));
  }

  /** @param {number} until milliseconds, as `owner.now` */
  slow(until) {
    this.#slowUntil = until;
    this.#pace();
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.key === "Escape" && this.#reply !== null) {
      event.stopPropagation();
      this.replyTo(null);
    }
    // While an input method composes, Enter belongs to it.
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || this.touch.matches) return;
    event.preventDefault();
    this.#send();
  }

  #send() {
    const text = this.area.value.trim();
    if (text === "" || this.#waits() > 0 || length(text) > MAX_CHARACTERS) {
      this.area.focus();
      return;
    }
    if (!this.owner.send(text, this.#reply?.seq ?? null)) {
      this.area.focus();
      return;
    }
    this.area.value = "";
    this.replyTo(null);
    this.#changed();
    this.area.focus();
  }

  #changed() {
    if (!CSS.supports("field-sizing", "content")) {
      this.area.style.height = "auto";
      this.area.style.height = `${this.area.scrollHeight + 2}px`;
    }
    this.owner.keepDraft(this.area.value);
    const left = MAX_CHARACTERS - length(this.area.value.trim());
    if (left < 0) write(this.count, say("room.over", { count: -left }));
    else write(this.count, left <= NEAR_END ? say("room.left", { count: left }) : "");
    this.#pace();
  }

  #waits() {
    return Math.max(0, Math.ceil((this.#slowUntil - this.owner.now()) / 1000));
  }

  #pace() {
    if (this.#tick !== null) clearTimeout(this.#tick);
    this.#tick = null;
    const seconds = this.#waits();
    const over = length(this.area.value.trim()) > MAX_CHARACTERS;
    write(this.button, seconds > 0 ? say("room.send_in", { seconds }) : say("room.send"));
    this.button.setAttribute("aria-disabled", String(seconds > 0 || over || this.area.value.trim() === ""));
    if (seconds > 0) this.#tick = window.setTimeout(() => this.#pace(), 250);
  }
}

/** @param {string} name "" for oneself @param {string} text */
function answering(name, text) {
  return name === "" ? say("room.reply_to_self", { text }) : say("room.reply_to", { name, text });
}

/** @param {string} text */
function length(text) {
  return text.length <= MAX_CHARACTERS / 2 ? text.length : Array.from(text).length;
}
