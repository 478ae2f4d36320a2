/**
 * The conversation as the page shows it: items from `timeline.view` become elements, by key.
 *
 * Two containers: `past` holds what was there when one came (and what one loads from before),
 * `live` is the `role="log"`. So history can never be announced, and only additions are: what
 * changes inside a message (its state, its reactions) is kept out of the announcements.
 *
 * An element keeps its key while a message goes from pending to delivered: it is not read twice.
 *
 * @typedef {import("../client/timeline.js").Item} Item
 * @typedef {import("../client/timeline.js").PostItem} PostItem
 * @typedef {object} Acts what a message can ask of the page
 * @property {(item: PostItem, button: HTMLElement) => void} menu
 * @property {(item: PostItem, kind: string) => void} react
 * @property {(seq: number) => void} jump
 * @property {(key: string) => void} again
 * @property {(key: string) => void} discard
 * @property {(event: import("../client/wire.js").Noted) => HTMLElement | null} [note] what happened in a session, between the posts
 * @property {(item: PostItem, element: HTMLElement) => void} [posted] whatever a session adds to a post that was written into its element
 */

import { button, el, write } from "./dom.js";
import { drawMark } from "./marks.js";
import { number, say } from "../words/say.js";
import * as words from "./words.js";

/** Within this many pixels of the end one is reading the latest. */
const NEAR = 48;

export class Messages {
  /** @type {Map<string, {item: string, element: HTMLElement, last: boolean}>} */
  #shown = new Map();
  /** @type {Map<string, PostItem>} */
  #posts = new Map();
  #pinned = true;
  #height = 0;

  /**
   * @param {HTMLElement} scroller @param {HTMLElement} past @param {HTMLElement} live
   * @param {Acts} acts
   */
  constructor(scroller, past, live, acts) {
    this.scroller = scroller;
    this.past = past;
    this.live = live;
    this.acts = acts;
    for (const container of [past, live]) container.addEventListener("keydown", (event) => this.#walk(event));
    for (const container of [past, live]) container.addEventListener("focusin", (event) => this.#rove(event.target));
    // A scroll that is told after the view became smaller says nothing about where somebody reads.
    scroller.addEventListener("scroll", () => scroller.clientHeight === this.#height && (this.#pinned = this.atEnd()), { passive: true });
    // A keyboard that opens makes the view smaller, and so does a card: whoever read the latest still does.
    new ResizeObserver(() => {
      this.#height = scroller.clientHeight;
      if (this.#pinned) this.toEnd();
    }).observe(scroller);
  }

  atEnd() {
    const { scrollTop, scrollHeight, clientHeight } = this.scroller;
    return scrollHeight - scrollTop - clientHeight <= NEAR;
  }

  toEnd() {
    this.scroller.scrollTop = this.scroller.scrollHeight;
    this.#pinned = true;
  }

  /** @param {readonly Item[]} items @param {number} liveFrom posts after this seq are live @param {number} now ms */
  show(items, liveFrom, now) {
    const pinned = this.#pinned;
    const anchor = pinned ? null : this.#anchor();
    const wanted = new Set(items.map((item) => item.key));
    for (const [key, { element }] of this.#shown) {
      if (wanted.has(key)) continue;
      this.#leaveTo(element);
      element.remove();
      this.#shown.delete(key);
      this.#posts.delete(key);
    }
    let container = this.past;
    /** @type {Element | null} */
    let next = this.past.firstElementChild;
    items.forEach((item, index) => {
      if (container === this.past && isLive(items, index, liveFrom)) {
        container = this.live;
        next = this.live.firstElementChild;
      }
      const element = this.#element(item, endsGroup(items, index), now);
      if (element === next) next = next.nextElementSibling;
      else container.insertBefore(element, next);
    });
    this.#reachable();
    if (pinned) this.toEnd();
    else if (anchor?.element.isConnected) {
      this.scroller.scrollTop += anchor.element.getBoundingClientRect().top - anchor.top;
    }
  }

  /** Nothing of what was shown belongs to what comes. */
  clear() {
    this.#shown.clear();
    this.#posts.clear();
    this.past.replaceChildren();
    this.live.replaceChildren();
  }

  /** Show the post at `seq` and put the focus on it. @param {number} seq @returns {boolean} */
  find(seq) {
    for (const [key, item] of this.#posts) {
      if (item.seq !== seq) continue;
      const element = this.#shown.get(key)?.element;
      if (!element) return false;
      element.scrollIntoView({ block: "center" });
      this.#rove(element);
      element.focus({ preventScroll: true });
      element.classList.add("found");
      element.addEventListener("blur", () => element.classList.remove("found"), { once: true });
      return true;
    }
    return false;
  }

  /** Put the focus back on a message. @param {string} key */
  focus(key) {
    this.#shown.get(key)?.element.focus();
  }

  #anchor() {
    const top = this.scroller.getBoundingClientRect().top;
    for (const { element } of this.#shown.values()) {
      const box = element.getBoundingClientRect();
      if (box.bottom > top && element.classList.contains("post")) return { element, top: box.top };
    }
    return null;
  }

  /** @param {Item} item @param {boolean} last @param {number} now */
  #element(item, last, now) {
    const stamp = JSON.stringify(item);
    const known = this.#shown.get(item.key);
    if (item.type === "post") this.#posts.set(item.key, item);
    if (known) {
      if (known.item !== stamp) {
        if (item.type === "post") this.#fill(known.element, item);
        else if (item.type === "day") write(known.element, words.day(item.at, now));
        known.item = stamp;
      }
      if (known.last !== last) known.element.classList.toggle("last", last);
      known.last = last;
      return known.element;
    }
    const element = this.#make(item, now);
    element.classList.toggle("last", last);
    this.#shown.set(item.key, { item: stamp, element, last });
    return element;
  }

  /** @param {Item} item @param {number} now @returns {HTMLElement} */
  #make(item, now) {
    if (item.type === "day") return el("p", { class: "divider" }, words.day(item.at, now));
    if (item.type === "unread") return el("p", { class: "divider unread" }, say("room.new_from_here"));
    if (item.type === "note") {
      const { event } = item;
      if (event.t === "slowed") return el("p", { class: "note" }, words.pace(event.seconds));
      return this.acts.note?.(event) ?? el("p", { class: "note" });
    }
    const element = el("article", { class: "post", tabindex: "-1" });
    element.dataset.key = item.key;
    this.#fill(element, item);
    return element;
  }

  /**
   * Write `item` into its element, part by part, leaving alone what is right already.
   *
   * @param {HTMLElement} element @param {PostItem} item
   */
  #fill(element, item) {
    for (const name of /** @type {const} */ (["own", "first", "facilitator", "withdrawn"])) {
      element.classList.toggle(name, item[name]);
    }
    for (const status of ["pending", "failed"]) element.classList.toggle(status, item.status === status);
    element.setAttribute("aria-label", spoken(item));

    const shape = `${item.first} ${item.handle} ${item.at}`;
    if (element.dataset.shape !== shape) {
      element.dataset.shape = shape;
      for (const old of element.querySelectorAll(":scope > .mark, :scope > .by")) old.remove();
      if (item.first) element.prepend(drawMark(item.handle), by(item));
      else element.prepend(el("p", { class: "by unseen" }, item.own ? say("room.you_first") : words.name(item.handle)));
    }
    let body = element.querySelector(":scope > .body");
    if (!body) {
      body = el(
        "div",
        { class: "body" },
        el("p", { class: "words", dir: "auto" }),
        el("div", { class: "reactions", "aria-live": "off" }),
        el("div", { class: "state", "aria-live": "off" }),
      );
      element.append(body);
    }
    this.#quote(body, item);
    write(part(body, ".words"), item.withdrawn ? say("room.withdrawn") : item.text);
    this.#reactions(part(body, ".reactions"), item);
    this.#state(part(body, ".state"), item);
    this.acts.posted?.(item, element);
    const more = element.querySelector(":scope > .more");
    const able = item.seq !== null && !item.withdrawn;
    if (able && !more) {
      const made = button("···", () => this.#menu(item.key, made), {
        class: "more",
        tabindex: "-1",
        "aria-haspopup": "dialog",
        "aria-label": item.own ? say("room.more_own") : say("room.more", { name: words.name(item.handle) }),
      });
      element.append(made);
    } else if (!able) more?.remove();
  }

  /** @param {Element} body @param {PostItem} item */
  #quote(body, item) {
    const old = body.querySelector(".quote");
    const quote = item.quote;
    if (quote === null) {
      old?.remove();
      return;
    }
    const text = quoted(quote);
    if (old) {
      write(old, text);
      return;
    }
    body.prepend(button(text, () => this.acts.jump(quote.seq), { class: "quote", tabindex: "-1" }));
  }

  /** @param {Element} box @param {PostItem} item */
  #reactions(box, item) {
    const kinds = new Set(item.reactions.map((one) => one.kind));
    for (const child of [...box.children]) {
      if (child instanceof HTMLElement && !kinds.has(child.dataset.kind ?? "")) child.remove();
    }
    // What is left stands in the order of `item.reactions`, so each new one has its place in it.
    item.reactions.forEach((one, index) => {
      const name = words.reaction(one.kind);
      const text = one.count > 1 ? `${name} · ${number(one.count)}` : name;
      let chip = box.querySelector(`[data-kind="${one.kind}"]`);
      if (!chip) {
        chip = button(text, () => this.acts.react(this.#posts.get(item.key) ?? item, one.kind), { tabindex: "-1" });
        if (chip instanceof HTMLElement) chip.dataset.kind = one.kind;
        box.insertBefore(chip, box.children[index] ?? null);
      }
      write(chip, text);
      chip.setAttribute("aria-pressed", String(one.mine !== null));
    });
  }

  /** @param {Element} box @param {PostItem} item */
  #state(box, item) {
    const state = item.status === "pending" ? item.reason : item.status === "failed" ? say("room.failed", { reason: item.reason }) : "";
    const shape = `${item.status} ${state}`;
    if (box instanceof HTMLElement && box.dataset.shape === shape) return;
    if (box instanceof HTMLElement) box.dataset.shape = shape;
    box.replaceChildren();
    if (item.status === "delivered") {
      if (item.own && !item.withdrawn) box.append(el("span", { class: "unseen" }, say("room.delivered")));
      return;
    }
    box.append(el("p", {}, state));
    if (item.status === "failed") {
      const key = item.key.slice(2);
      box.append(
        el("div", { class: "failure" }, button(say("room.send_again"), () => this.acts.again(key)), button(say("room.take_back"), () => this.acts.discard(key))),
      );
    }
  }

  /** @param {string} key @param {HTMLElement} opener */
  #menu(key, opener) {
    const item = this.#posts.get(key);
    if (item) this.acts.menu(item, opener);
  }

  // ---- by keyboard: one stop for all messages, arrows walk through them -----------------------

  /** @param {KeyboardEvent} event */
  #walk(event) {
    const target = event.target;
    if (!(target instanceof HTMLElement)) return;
    const at = target.closest(".post");
    if (!(at instanceof HTMLElement)) return;
    const posts = /** @type {HTMLElement[]} */ ([...this.scroller.querySelectorAll(".post")]);
    const index = posts.indexOf(at);
    /** @type {Record<string, number>} */
    const step = { ArrowUp: index - 1, ArrowDown: index + 1, Home: 0, End: posts.length - 1 };
    const to = step[event.key];
    if (to !== undefined) {
      event.preventDefault();
      posts[Math.max(0, Math.min(posts.length - 1, to))]?.focus();
    } else if (event.key === "ArrowRight" || event.key === "ArrowLeft") {
      const stops = /** @type {HTMLElement[]} */ ([at, ...at.querySelectorAll("button")]);
      const onward = getComputedStyle(at).direction === "rtl" ? "ArrowLeft" : "ArrowRight";
      const next = stops[stops.indexOf(target) + (event.key === onward ? 1 : -1)];
      if (next) {
        event.preventDefault();
        next.focus();
      }
    } else if (event.key === "Enter" && target === at) {
      const more = at.querySelector(".more");
      if (more instanceof HTMLElement) {
        event.preventDefault();
        more.click();
      }
    }
  }

  /** @param {EventTarget | null} target */
  #rove(target) {
    const post = target instanceof Element ? target.closest(".post") : null;
    if (!(post instanceof HTMLElement)) return;
    for (const old of this.scroller.querySelectorAll('.post[tabindex="0"]')) {
      if (old !== post) old.setAttribute("tabindex", "-1");
    }
    post.tabIndex = 0;
  }

  /** There is always one message that Tab reaches: the last, or the one where somebody is. */
  #reachable() {
    const stop = this.scroller.querySelector('.post[tabindex="0"]');
    if (stop?.contains(document.activeElement)) return;
    const posts = this.scroller.querySelectorAll(".post");
    this.#rove(posts[posts.length - 1] ?? null);
  }

  /** A message that goes away hands the focus to its neighbour. @param {HTMLElement} element */
  #leaveTo(element) {
    if (!element.contains(document.activeElement)) return;
    const neighbour = element.nextElementSibling ?? element.previousElementSibling;
    if (neighbour instanceof HTMLElement && neighbour.classList.contains("post")) neighbour.focus();
  }
}

/** Dividers belong to the post after them. @param {readonly Item[]} items @param {number} index @param {number} liveFrom */
function isLive(items, index, liveFrom) {
  for (let at = index; at < items.length; at++) {
    const item = items[at];
    if (item === undefined) break;
    if (item.type === "post") return item.seq === null || item.seq > liveFrom;
    if (item.type === "note") return item.seq > liveFrom;
  }
  return true;
}

/** @param {readonly Item[]} items @param {number} index */
function endsGroup(items, index) {
  const next = items[index + 1];
  return next === undefined || next.type !== "post" || next.first;
}

/** @param {PostItem} item */
function by(item) {
  // What is said about the handle stays together, also where it takes a line of its own.
  const about = el("span", { class: "about quiet" });
  if (item.own) about.append(el("span", {}, say("room.you")));
  if (item.facilitator) about.append(el("span", { class: "role" }, say("room.facilitator")));
  about.append(el("time", { datetime: new Date(item.at * 1000).toISOString() }, words.time(item.at)));
  return el("p", { class: "by" }, el("bdi", { class: "handle" }, words.name(item.handle)), about);
}

/** @param {NonNullable<PostItem["quote"]>} quote */
export function quoted(quote) {
  if (!("handle" in quote)) return say("room.quote_earlier");
  if (quote.ignored) return say("room.quote_ignored");
  if (quote.withdrawn) return say("room.quote_withdrawn", { name: words.name(quote.handle) });
  return say("room.reply_to", { name: words.name(quote.handle), text: words.oneLine(quote.text) });
}

/** The whole message in one sentence, for whoever walks through them. @param {PostItem} item */
function spoken(item) {
  const name = words.name(item.handle);
  const who = item.own ? say("room.you_first") : item.facilitator ? say("room.spoken_facilitator", { name }) : name;
  const parts = { who, time: words.time(item.at), text: item.withdrawn ? say("room.spoken_withdrawn") : item.text };
  const message = item.quote ? say("room.spoken_answer", { ...parts, quote: quoted(item.quote) }) : say("room.spoken", parts);
  if (item.status === "delivered") return message;
  return item.status === "pending" ? say("room.spoken_sending", { message }) : say("room.spoken_failed", { message });
}

/** @param {Element} body @param {string} selector @returns {Element} */
function part(body, selector) {
  const found = body.querySelector(selector);
  if (!found) throw new Error(`a message has no ${selector}`);
  return found;
}
