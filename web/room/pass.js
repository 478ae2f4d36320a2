/**
 * The way into a room that asks for a staff pass: it is asked for as soon as the page is there, and shown some
 * time later, so that nobody can tell by the clock whose it is. Loaded where a room asks for a pass.
 */

import { NoPass, Pass } from "../client/pass.js";
import { more } from "../words/more.js";
import { has, lasting, say, when } from "../words/say.js";
import { button, el, write } from "./dom.js";

const AGAIN_MS = 5_000;
const LATER_MS = 30_000;
const TICK_MS = 5_000;

if (!has("pass.asking")) await more("pass");

export class PassWay {
  #ticket = /** @type {string | null} */ (null);
  /** Who facilitates comes in with a ticket. */
  #needed = true;
  #asking = false;
  /** Why there is none; "" while there is hope. */
  #why = "";
  /** Somebody wants to come in, and waits. @type {(() => void) | null} */
  #enter = null;
  /** They would not wait any longer. */
  #hurries = false;
  /** The period of a pass that was refused. */
  #refused = "";
  #left = el("p", { class: "quiet" });
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /** @param {import("../client/seat.js").Seat} seat @param {import("./entry.js").Entry} entry */
  constructor(seat, entry) {
    this.seat = seat;
    this.entry = entry;
    this.pass = new Pass(seat.room, seat.keep, { now: () => seat.env.now(), fetch: (...all) => fetch(...all) });
  }

  /** Ask for the pass, early: by the time somebody has read the rules most of the wait is over. @returns {Promise<void>} */
  async begin() {
    await this.entry.around.settled;
    if (this.#asking || !this.#needed || this.seat.phase === "left" || this.seat.token !== null) return;
    this.#asking = true;
    clearTimeout(this.#timer);
    const ticket = this.#ticket;
    try {
      await this.pass.ask(ticket);
      this.#why = this.pass.wanted?.period === this.#refused ? "refused" : "";
    } catch (error) {
      this.#why = error instanceof NoPass ? error.code : "failed";
      const again = error instanceof NoPass && error.passes ? AGAIN_MS : this.#why === "pass_early" ? LATER_MS : 0;
      if (again) this.#timer = setTimeout(() => void this.begin(), again);
      if (again) this.#why = "";
    }
    this.#asking = false;
    // One that came meanwhile may say what was missing.
    if (this.#why !== "" && ticket !== this.#ticket) return this.begin();
    if (!this.#needed) return;
    if (this.#why === "identity_needed") {
      this.#why = "";
      this.seat.asksForTicket(say(this.entry.around.signIn ? "refusals.sign_in_needed" : "pass.needed"));
    } else this.#show();
  }

  /** A ticket that came: a facilitator shows it at the door; for everybody else it gets the pass. @param {string} ticket */
  takes(ticket) {
    this.#needed = role(ticket) !== "facilitator";
    if (!this.#needed) return false;
    this.#ticket = ticket;
    this.#why = "";
    this.seat.opens();
    void this.begin();
    return true;
  }

  /** Whether the one who wants in may now; if not, `enter` is called when it is time. @param {() => void} enter */
  lets(enter) {
    if (!this.#needed) return true;
    const token = this.#good;
    if (token !== null && (this.#hurries || this.pass.early === 0)) {
      this.seat.pass = token;
      return true;
    }
    this.#enter = enter;
    if (token === null) void this.begin();
    this.#show();
    return false;
  }

  /** The room did not take it; true where another is asked for. @param {string} code */
  refused(code) {
    if (code !== "pass_refused" && code !== "pass_needed") return false;
    this.#refused = this.pass.token?.split(".")[0] ?? "";
    this.seat.pass = null;
    // It is kept: of a period that is over another one can be had, of the present one there is no second.
    this.#enter = () => this.seat.enter();
    void this.begin();
    return true;
  }

  /** The pass, unless it was refused already. */
  get #good() {
    const { token } = this.pass;
    return token !== null && token.split(".")[0] !== this.#refused ? token : null;
  }

  #show() {
    if (this.seat.phase !== "outside") return;
    if (this.#why !== "") return this.#shut();
    if (this.#enter === null) return;
    if (this.#good === null) return this.entry.instead(say("pass.asking"));
    const { early } = this.pass;
    if (early === 0 || this.#hurries) return this.#go();
    write(this.#left, say("pass.left", { time: lasting(Math.max(5, Math.round(early / 5_000) * 5)) }));
    if (!this.#left.isConnected) {
      const hurry = button(say("pass.now"), () => {
        this.#hurries = true;
        this.#go();
      });
      this.entry.instead(say("pass.waiting"), el("p", {}, say("pass.why")), this.#left, ...this.#key(), hurry);
    }
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#show(), Math.min(early, TICK_MS));
  }

  #go() {
    const enter = this.#enter;
    this.#enter = null;
    clearTimeout(this.#timer);
    this.entry.instead("");
    enter?.();
  }

  /** There is no pass, and waiting does not help. */
  #shut() {
    const taken = this.#why === "pass_taken";
    const key = taken ? "pass.taken" : this.#why === "insecure" ? "pass.insecure" : this.#why === "changed" ? "pass.changed" : "pass.failed";
    const again = button(say("pass.again"), () => {
      this.#why = this.#refused = "";
      this.entry.instead("");
      void this.begin();
    });
    const rooms = el("a", { class: "button main", href: "/" }, say("common.show_rooms"));
    const { wanted } = this.pass;
    this.entry.instead(say(key, { time: wanted === null ? "" : when(wanted.ends_at * 1000, "both") }), ...this.#key(), ...(taken ? [] : [again]), rooms);
  }

  /** The key's fingerprint, for two people to compare. */
  #key() {
    const { wanted } = this.pass;
    return wanted === null ? [] : [el("p", { class: "quiet" }, say("pass.key", { fingerprint: wanted.fingerprint }))];
  }
}

/** What a ticket says that it makes of somebody; only the server believes it or not. @param {string} ticket */
function role(ticket) {
  try {
    return JSON.parse(atob((ticket.split(".")[1] ?? "").replaceAll("-", "+").replaceAll("_", "/"))).role ?? "";
  } catch {
    return "";
  }
}
