/**
 * The rooms beside the room: the back channel, private words, small groups. Each is a panel of its own.
 *
 * A private word is asked for, and begins where the person says yes; until then, what is written in a line
 * is a whisper that all facilitators can read. So each console listens in every line; its panel is listed once
 * somebody opens it, or as soon as a whisper waits for an answer, or where one is in a private word already.
 */

import { Belonging, wordOf } from "../client/session.js";
import { button } from "../room/dom.js";
import { name } from "../room/words.js";
import { say } from "../words/say.js";
import { Account } from "./run_account.js";
import { AsidePanel } from "./run_aside.js";
import { ladder } from "./run_crisis.js";
import { whisper } from "./run_desk.js";
import { note } from "./run_notes.js";

/**
 * @typedef {import("../client/seat.js").Seat} Seat
 * @typedef {{id: string, place: Belonging, panel: AsidePanel, handle: string, label: string, acts: Acts | null, seen: number, offers: boolean, listed: boolean}} Beside
 *   `offers`: a private word is asked for as soon as one is in; `listed`: its panel has a button
 * @typedef {{ask: HTMLButtonElement, end: HTMLButtonElement, shut: HTMLButtonElement}} Acts
 */

/** Lines that one listens in: a connection sits in 32 rooms at most, and small groups want some of them. */
const LINES = 22;
/** A line where another has a private word is shut meanwhile: how long until one asks again, in milliseconds. */
const AGAIN_MS = 60_000;

export class Besides {
  /** @type {Map<string, Beside>} */
  #all = new Map();
  #again = 0;
  /** What happened in the back channel. */
  account = new Account();

  /** @param {Seat} seat @param {import("./panels.js").Panels} panels @param {() => void} changed the back channel has news
   * @param {(refused: import("../client/wire.js").Refused | null) => void} hint
   * @param {(text: string) => void} news for whoever listens to the page */
  constructor(seat, panels, changed, hint, news) {
    this.seat = seat;
    this.panels = panels;
    this.changed = changed;
    this.hint = hint;
    this.news = news;
  }

  /** The facilitators' own room. @param {string} room */
  staff(room) {
    if (this.#all.has("staff")) return;
    this.#open("staff", room, "", say("facilitate.panel_staff"), {
      title: say("facilitate.staff_title"),
      about: say("facilitate.staff_about"),
      label: say("facilitate.staff_write"),
    });
  }

  /** Listen in the lines; when all is over there is no answering. @param {import("./run_view.js").SessionNow} session */
  watch({ phase, staff }) {
    const { lines = {}, members = [] } = staff ?? {};
    if (phase === "closed" || phase === "cancelled") return;
    const now = this.seat.env.now();
    const again = now - this.#again >= AGAIN_MS;
    if (again) this.#again = now;
    const handles = [...new Set([...members, ...Object.keys(lines)])].filter((handle) => lines[handle]).slice(0, LINES);
    for (const handle of handles) {
      const one = this.#all.get(`line-${handle}`);
      if (one && !(again && one.place.phase === "left" && !one.listed)) continue;
      this.#all.delete(`line-${handle}`);
      this.#listen(handle, lines[handle] ?? "");
    }
    for (const [id, one] of this.#all) if (one.handle !== "" && !one.listed && !handles.includes(one.handle)) this.#close(id);
  }

  /** Whether a facilitator has the line of `handle` before them here, or has answered in it since. @param {string} handle @param {number} since Unix seconds */
  cares(handle, since) {
    const one = this.#all.get(`line-${handle}`);
    return one !== undefined && (one.listed || [...one.place.timeline.posts.values()].some((post) => post.handle !== handle && post.at >= since));
  }

  /** The line to one participant. @param {string} handle @param {string} room @param {boolean} [crisis] with the ladder open */
  line(handle, room, crisis = false) {
    const id = `line-${handle}`;
    // Another had a private word here: see whether it is over.
    if (this.#all.get(id)?.place.phase === "left") this.#close(id);
    if (!this.#all.has(id)) this.#listen(handle, room);
    const one = this.#all.get(id);
    if (one) this.#list(one);
    if (one && crisis && this.seat.session && !one.panel.element.querySelector(".ladder")) {
      const card = /** @type {HTMLDetailsElement} */ (ladder(this.seat.session, (words) => one.panel.put(words)));
      card.open = true;
      one.panel.element.querySelector(".scroller")?.before(card);
    }
    this.panels.show(id);
    one?.panel.focus();
  }

  /** @param {string} handle @param {string} room of the line */
  #listen(handle, room) {
    const id = `line-${handle}`;
    const who = name(handle);
    const acts = {
      ask: button(say("facilitate.word_ask"), () => this.offer(handle)),
      end: button(say("facilitate.word_end"), () => void this.#all.get(id)?.place.ask({ t: "end_word" }).then(said(this.hint))),
      shut: button(say("facilitate.aside_close"), () => this.#unlist(id), { class: "plain soft" }),
    };
    this.#open(id, room, handle, who, { title: say("facilitate.line_title", { name: who }), about: say("facilitate.line_about", { name: who }), label: say("facilitate.line_write", { name: who }), acts: Object.values(acts) }, acts);
  }

  /** Ask for a private word. @param {string} handle */
  offer(handle) {
    const one = this.#all.get(`line-${handle}`);
    if (!one) return;
    one.offers = one.place.phase !== "in";
    if (!one.offers) void one.place.ask({ t: "offer_word", key: crypto.randomUUID() }).then(said(this.hint));
  }

  /** Say something in the back channel. @param {string} text */
  tell(text) {
    this.#all.get("staff")?.place.say(text);
  }

  /** @param {Record<string, unknown>} command in the facilitators' room */
  async askStaff(command) {
    const place = this.#all.get("staff")?.place;
    return place ? place.ask(command) : this.seat.ask(command);
  }

  /** A small group, to look in. @param {number} number from 1 @param {string} room */
  group(number, room) {
    const id = `group-${number}`;
    const label = say("facilitate.group_name", { number });
    if (!this.#all.has(id)) {
      const shut = button(say("facilitate.aside_close"), () => this.#close(id), { class: "plain soft" });
      this.#open(id, room, "", label, { title: label, about: say("facilitate.group_about"), label: say("facilitate.group_write", { number }), acts: [shut] });
    }
    this.panels.show(id);
  }

  /** The groups were called back. */
  recalled() {
    for (const id of [...this.#all.keys()]) if (id.startsWith("group-")) this.#close(id);
  }

  /** A panel came before somebody's eyes. @param {string} id */
  shown(id) {
    const one = this.#all.get(id);
    if (!one) return;
    one.seen = one.place.last;
    one.panel.toEnd();
    this.#label(one);
  }

  /** Something that everything hangs on changed: the clock, the connection. */
  refresh() {
    for (const one of this.#all.values()) this.#show(one);
  }

  /** @param {string} id @param {string} room @param {string} handle @param {string} label @param {Omit<import("./run_aside.js").Aside, "id">} about @param {Acts | null} [acts] */
  #open(id, room, handle, label, about, acts = null) {
    let due = false;
    const place = new Belonging(this.seat, room, {
      changed: () => {
        if (due) return;
        due = true;
        queueMicrotask(() => {
          due = false;
          const one = this.#all.get(id);
          if (one) this.#show(one);
        });
      },
      took: (events) => {
        if (id !== "staff") return;
        this.account.take(events);
        void this.account.fill(place, this.changed);
        this.changed();
      },
    });
    const panel = new AsidePanel(place, { id, ...about, note });
    const one = { id, place, panel, handle, label, acts, seen: 0, offers: false, listed: false };
    this.#all.set(id, one);
    if (handle === "") this.#list(one);
    place.open();
    this.#show(one);
  }

  /** @param {Beside} one */
  #list(one) {
    if (one.listed) return;
    one.listed = true;
    this.panels.add({ id: one.id, label: one.label, element: one.panel.element, shown: () => this.shown(one.id) });
    this.#show(one);
  }

  /** Away from the eye, until there is something new. @param {string} id */
  #unlist(id) {
    const one = this.#all.get(id);
    if (!one) return;
    one.listed = false;
    one.seen = one.place.last;
    this.panels.remove(id);
    this.changed();
  }

  /** @param {string} id */
  #close(id) {
    const one = this.#all.get(id);
    if (!one) return;
    this.#all.delete(id);
    one.place.close();
    this.panels.remove(id);
  }

  /** Whether the line wants somebody's eye though nobody has opened it. @param {Beside} one */
  #calls({ place, handle, seen }) {
    const word = wordOf(place.timeline);
    return (word.state === "open" && word.by === place.handle) || whisper(place.timeline.posts.values(), handle) > seen;
  }

  /** @param {Beside} one */
  #show(one) {
    const { place, acts } = one;
    let state = "";
    if (!one.listed) {
      if (place.phase !== "in" || !this.#calls(one)) return;
      this.news(say("facilitate.news_waiting"));
      return this.#list(one);
    }
    if (one.offers && place.phase === "in") this.offer(one.handle);
    if (acts) {
      const word = wordOf(place.timeline);
      const mine = word.state !== "none" && word.by === place.handle;
      state = say(`facilitate.word_state_${word.state}`, { name: name(one.handle) });
      const had = one.panel.element.querySelector(".actions")?.contains(document.activeElement);
      acts.ask.hidden = word.state !== "none" || place.phase !== "in";
      acts.end.hidden = word.state !== "open" || !mine;
      // Nobody goes out of a private word by closing a panel.
      acts.shut.hidden = word.state === "open" && mine;
      // What one pressed is gone: letters must not become shortcuts.
      if (had && document.activeElement === document.body) one.panel.focus();
    }
    one.panel.show(this.seat.env.now(), place.phase === "entering" ? say("facilitate.aside_entering") : state);
    if (this.panels.seen(one.id)) one.seen = place.last;
    this.#label(one);
  }

  /** @param {Beside} one */
  #label(one) {
    const { place, seen, handle } = one;
    const news = handle !== "" ? whisper(place.timeline.posts.values(), handle) > seen : [...place.timeline.posts.values()].some((post) => post.seq > Math.max(seen, place.liveFrom) && post.handle !== place.handle);
    this.panels.label(one.id, news ? say("facilitate.with_news", { label: one.label }) : one.label, news);
  }
}

/** @param {(refused: import("../client/wire.js").Refused | null) => void} hint */
function said(hint) {
  /** @param {import("../client/wire.js").Answer} answer */
  return (answer) => hint(answer.t === "error" ? answer : null);
}
