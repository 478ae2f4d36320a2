/**
 * The console while a session runs: the room in the centre, and at the edges what a facilitator does.
 *
 * The seat says what changed, by topic; what is shown often in one turn is shown once. What stands on the page
 * comes from the session's own account of itself (`seat.session`) and never from what was clicked.
 */

import { browserEnv } from "../client/connection.js";
import { Seat } from "../client/seat.js";
import { byId, write } from "../room/dom.js";
import * as words from "../room/words.js";
import { say } from "../words/say.js";
import { Panels } from "./panels.js";
import { Account } from "./run_account.js";
import * as ask from "./run_ask.js";
import { Besides } from "./run_beside.js";
import { choose } from "./run_crisis.js";
import { Deeds } from "./run_deeds.js";
import { desk, waiting } from "./run_desk.js";
import { FloorPanel } from "./run_floor.js";
import { listen } from "./run_keys.js";
import { follow, groups, help, journalSheet, next } from "./run_more.js";
import { PeoplePanel } from "./run_people.js";
import { hide, message, person } from "./run_person.js";
import { Talk } from "./run_talk.js";
import { ToolsPanel } from "./run_tools.js";
import { Top } from "./run_top.js";
import { advice, nextStep, people, running, turns } from "./run_view.js";
import { WaitingPanel, waitingDeeds } from "./run_waiting.js";
import { Sheet } from "./sheet.js";

/** @typedef {import("./run_desk.js").Matter} Matter */

const TICK_MS = 1_000;

export class RunPage {
  /** @type {Set<string>} */
  #stale = new Set();
  #account = new Account();
  /** @type {import("./run_view.js").Row[]} */
  #rows = [];
  /** @type {Matter[]} */
  #matters = [];
  #known = new Set();
  #hands = "";

  /**
   * @param {string} room @param {string | null} ticket @param {import("../client/keep.js").Keep} keep
   * @param {(why: string, final: boolean) => void} outside one is not in the room: why, and whether that stays so
   */
  constructor(room, ticket, keep, outside) {
    this.keep = keep;
    this.outside = outside;
    this.seat = new Seat({
      room,
      url: `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/ws`,
      keep,
      env: browserEnv(),
      fill: (bytes) => crypto.getRandomValues(bytes),
      changed: (topic) => this.#later(topic),
      took: (events) => {
        this.#account.take(events);
        this.#later("account");
      },
    });
    if (ticket !== null && this.seat.phase === "outside") this.seat.useTicket(ticket);
    this.sheet = new Sheet();
    this.talk = new Talk(this.seat, (item) => this.#message(item));
    this.deeds = new Deeds((command) => this.seat.ask(command), (refused) => this.talk.status.hint(refused.message));
    this.panels = new Panels(() => this.do("crisis"));
    this.top = new Top((deed) => this.do(deed));
    this.floor = new FloorPanel({
      give: (to, seconds) => this.#give(to, seconds),
      back: () => void this.deeds.act({ t: "end_turn", whose: this.seat.session?.floor.turn?.handle ?? "" }),
      set: (by_hand, unheard_first) => void this.deeds.act({ t: "set_floor", by_hand, unheard_first }),
      endRound: () => void this.deeds.act({ t: "end_round" }, { done: say("facilitate.round_ended") }),
      endTurn: (whose, passed) => void this.deeds.act({ t: "end_turn", whose, passed }),
    });
    this.people = new PeoplePanel((handle) => this.#person(handle));
    this.waiting = new WaitingPanel({
      ...waitingDeeds(this.sheet, () => this.besides, (refused) => this.talk.hint(refused), (handle) => this.#rows.find((row) => row.handle === handle)?.line ?? ""),
      show: (seq) => void this.talk.jump(seq),
    });
    this.tools = new ToolsPanel((deed) => this.do(deed));
    this.panels.add({ id: "waiting", label: say("facilitate.panel_waiting"), element: this.waiting.element });
    this.panels.add({ id: "floor", label: say("facilitate.panel_floor"), element: this.floor.element, near: true });
    this.panels.add({ id: "people", label: say("facilitate.panel_people"), element: this.people.element, near: true });
    this.panels.add({ id: "tools", label: say("facilitate.panel_tools"), element: this.tools.element, under: "waiting" });
    this.besides = new Besides(this.seat, this.panels, () => this.#later("staff"), this.talk.hint, (text) => this.#news(text));
    listen((deed) => this.do(deed), () => !byId("run").hidden && this.keep.get("chatd.keys") !== false);
    follow(this.seat, this.talk);
  }

  start() {
    this.seat.start();
    // Nothing is drawn for a facilitator to like: one handle is as good as the other.
    if (this.seat.phase === "outside") this.seat.enter();
    setInterval(() => this.#tick(), TICK_MS);
  }

  leave() {
    this.seat.leave();
  }

  // ---- what is done -----------------------------------------------------------------------------

  /** @param {string} deed as in `run_keys.js` */
  do(deed) {
    const { session } = this.seat;
    if (deed === "help") return help(this.sheet, this.keep);
    if (deed === "write") return this.talk.composer.focus();
    if (["floor-panel", "people", "waiting", "staff", "tools"].includes(deed)) return this.panels.show(deed);
    if (!session) return;
    const act = this.deeds.try;
    const on = running(session);
    if (deed === "next") next(this.sheet, this.deeds, this.seat, session);
    else if (deed === "quiet") session.phase === "paused" ? void this.deeds.act({ t: "resume" }) : on && ask.quiet(this.sheet, act);
    else if (deed === "floor") on && this.#give(null, this.floor.seconds);
    else if (deed === "back") session.floor.turn && void this.deeds.act({ t: "end_turn", whose: session.floor.turn.handle });
    else if (deed === "announce") ask.announce(this.sheet, act, session);
    else if (deed === "slow") ask.slow(this.sheet, act, this.seat.slowModeS);
    else if (deed === "journal") journalSheet(this.sheet, this.#account.events, this.besides.account.events);
    else if (deed === "crisis") this.#crisis();
    else if (deed === "lock") void this.#lock(!session.locked);
    else if (deed === "close" && (on || session.phase === "lobby")) ask.close(this.sheet, act, session);
    else if (!on) this.talk.status.hint(say("facilitate.not_yet"));
    else if (deed === "round") session.floor.round ? this.panels.show("floor") : ask.round(this.sheet, act, session);
    else if (deed === "poll") ask.poll(this.sheet, act, session);
    else if (deed === "groups") groups(this.sheet, act, session, this.#rows, this.besides);
    else if (deed === "extend") ask.extend(this.sheet, act);
  }

  /** @param {string | null} to @param {number | null} seconds */
  #give(to, seconds) {
    if (to === null && (this.seat.session?.floor.hands ?? []).length === 0) return this.talk.status.hint(say("facilitate.no_hands"));
    void this.deeds.act({ t: "give_floor", key: crypto.randomUUID(), ...(to !== null && { to }), ...(seconds !== null && { seconds }) });
  }

  /** @param {boolean} on */
  async #lock(on) {
    await this.deeds.act({ t: "lock", on }, { done: on ? say("facilitate.locked") : say("facilitate.unlocked"), undo: { t: "lock", on: !on } });
  }

  #crisis() {
    const group = this.#rows.filter((row) => !row.facilitator && row.line !== "");
    const others = this.#rows.filter((row) => row.facilitator && !row.own && row.here).map((row) => row.handle);
    choose(this.sheet, group, others, (handle) => {
      this.#word(handle, true);
      this.besides.offer(handle);
      if (others.length > 0) this.besides.tell(say("facilitate.crisis_tell", { name: words.name(handle) }));
    });
  }

  /** @param {string} handle @param {boolean} [crisis] */
  #word(handle, crisis = false) {
    const line = this.#rows.find((row) => row.handle === handle)?.line;
    if (line) this.besides.line(handle, line, crisis);
  }

  /** @param {string} handle */
  #person(handle) {
    const row = this.#rows.find((one) => one.handle === handle);
    const { session } = this.seat;
    if (!row || !session) return;
    person(this.sheet, this.deeds.try, row, running(session), { floor: (to) => this.#give(to, this.floor.seconds), word: (to) => this.#word(to) });
  }

  /** @param {import("../client/timeline.js").PostItem} item */
  #message(item) {
    const { seq } = item;
    if (seq === null) return;
    const pinned = (this.seat.session?.pins ?? []).includes(seq);
    message(this.sheet, item, pinned, {
      reply: () => {
        this.talk.composer.replyTo({ seq, handle: item.own ? "" : words.name(item.handle), text: item.text });
        this.talk.composer.focus();
      },
      react: (kind) => void this.seat.react(seq, kind).then(this.talk.hint),
      pin: () => void this.deeds.act({ t: "pin", seq, on: !pinned }, { done: pinned ? say("facilitate.unpinned") : say("facilitate.now_pinned"), undo: { t: "pin", seq, on: pinned } }),
      hide: () => hide(this.sheet, this.deeds.try, item),
      show: () => void this.deeds.act({ t: "hide", seq, on: false, rule: "other" }, { done: say("facilitate.shown_again") }),
      word: item.own || item.facilitator || !this.#rows.some((row) => row.handle === item.handle && row.line) ? null : () => this.#word(item.handle),
      withdraw: () => void this.seat.withdraw(seq).then(this.talk.hint),
    });
  }

  // ---- what is shown ----------------------------------------------------------------------------

  /** @param {string} topic */
  #later(topic) {
    if (this.#stale.size === 0) queueMicrotask(() => this.#refresh());
    this.#stale.add(topic);
  }

  #refresh() {
    if (document.documentElement.classList.contains("covered")) return;
    const topics = new Set(this.#stale);
    this.#stale.clear();
    const { seat } = this;
    if (topics.has("stranger")) return location.reload();
    const inside = seat.phase === "in";
    if (topics.has("phase") || topics.has("entry") || topics.has("connection")) this.#phase(inside);
    this.top.connection(seat);
    this.talk.connection();
    if (!inside) return;
    if (topics.has("returned")) this.talk.giveBack();
    if (["timeline", "phase", "connection"].some((topic) => topics.has(topic))) this.talk.show();
    if (topics.has("account") && this.#account.events[0]?.seq !== 1) void this.#account.fill(seat, () => this.#later("account"));
    if (topics.has("typing")) this.talk.typing.show();
    if (topics.has("pace")) this.talk.composer.slow(seat.slowUntil);
    if (seat.session?.staff) {
      this.besides.staff(String(seat.session.staff["room"]));
      if (!seat.session.breakouts) this.besides.recalled();
    }
    this.#tick();
    if (topics.has("staff") || topics.has("session")) this.#matter();
  }

  /** @param {boolean} inside */
  #phase(inside) {
    const run = byId("run");
    if (inside && run.hidden) {
      run.hidden = false;
      byId("door").hidden = true;
      document.documentElement.classList.add("in-room");
      byId("room-title").focus();
      queueMicrotask(() => this.talk.messages.toEnd());
    } else if (!inside && (seatIsOut(this.seat) || run.hidden)) {
      run.hidden = true;
      document.documentElement.classList.remove("in-room");
      this.outside(this.seat.trouble?.message ?? say("facilitate.coming_in"), this.seat.trouble !== null);
    }
  }

  #tick() {
    const { session } = this.seat;
    if (!session || this.seat.phase !== "in") return;
    this.besides.watch(session);
    const now = this.seat.serverNow();
    const typing = new Set([...this.seat.typing].filter(([, until]) => until > this.seat.env.now()).map(([handle]) => handle));
    this.#rows = people(session, { roster: this.seat.roster, me: this.seat.handle, turns: turns(this.#account.posts, session), typing });
    this.top.show(session, now);
    this.floor.show(session, now);
    this.people.show(this.#rows, advice(session));
    this.panels.label("people", say("facilitate.with_count", { label: say("facilitate.panel_people"), count: this.#rows.filter((row) => row.here).length }), false);
    this.tools.show(session, this.seat.slowModeS);
    this.talk.pins(session.pins ?? []);
    this.deeds.check();
    const over = session.phase === "closed" || session.phase === "cancelled";
    byId("composer").hidden = over;
    for (const root of [byId("run"), byId("panel")]) root.classList.toggle("is-over", over);
    const hint = over ? say(session.phase === "closed" ? "facilitate.over_hint" : "facilitate.called_off_hint") : (nextStep(session)?.hint ?? "");
    write(byId("hint"), hint);
    byId("hint").hidden = hint === "";
    this.#showHands(session.floor.hands ?? []);
  }

  /** @param {readonly string[]} hands */
  #showHands(hands) {
    const stamp = hands.join(" ");
    if (stamp === this.#hands) return;
    const raised = hands.filter((handle) => !this.#hands.split(" ").includes(handle));
    this.#hands = stamp;
    this.panels.label("floor", hands.length > 0 ? say("facilitate.floor_hands", { count: hands.length }) : say("facilitate.panel_floor"), hands.length > 0);
    if (raised.length > 0) this.#news(say("facilitate.news_hand", { names: raised.map(words.name) }));
  }

  #matter() {
    const { handle } = this.seat;
    this.#matters = desk(this.besides.account.events, handle);
    // What one has taken is beside the room already, or was answered.
    this.waiting.show(this.#matters.filter((one) => one.by !== handle || !this.besides.cares(one.handle, one.at)));
    const open = waiting(this.#matters).filter((one) => one.mine);
    this.panels.label("waiting", open.length > 0 ? say("facilitate.waiting_count", { count: open.length }) : say("facilitate.panel_waiting"), open.length > 0);
    for (const one of open) {
      if (this.#known.has(one.seq)) continue;
      this.#known.add(one.seq);
      if (one.kind === "word") this.#news(say("facilitate.asks_word", { name: words.name(one.handle) }));
      else this.#news(say("facilitate.news_waiting"));
    }
  }

  /** @param {string} text for whoever listens to the page */
  #news(text) {
    write(byId("news"), text);
  }

}

/** Whether one is out of the room, and not only on the way back. @param {Seat} seat */
function seatIsOut(seat) {
  return seat.phase === "outside" || seat.phase === "left";
}
