/**
 * The page around the room, where there is one: what it may ask, and the little that it is told.
 *
 * Believed is only the window right above this one, only when its origin is on the list that the
 * server wrote into the page, and only that origin from its first greeting on. Without a page
 * around, or with one that never speaks (a bare iframe), everything here does nothing.
 */

import { TO_FRAME, read, send } from "../embed/messages.js";
import { say } from "../words/say.js";

/** The element greets as soon as the frame has loaded, and hands its token with that. */
const PATIENCE_MS = 3_000;

/**
 * @typedef {object} Asked what a host page may ask
 * @property {(token: string) => void} token
 * @property {(look: import("./look.js").Look) => Promise<boolean>} look false where it would be hard to read
 * @property {() => void} shown it came into view, or went
 * @property {() => void} focus
 * @property {() => void} leave
 * @property {() => void} exit
 */

export class Host {
  /** The host's exact origin; "" before it greeted. */
  #origin = "";
  #settle = () => {};
  /** Whether the frame stands in a panel that can be shut. */
  compact = false;
  #open = true;
  #inView = true;
  #waiting = false;
  #trouble = "";

  /** @param {Asked} asked */
  constructor(asked) {
    this.asked = asked;
    const root = document.documentElement;
    this.framed = root.classList.contains("embedded") && parent !== window;
    this.origins = new Set([location.origin, ...(root.dataset.hosts ?? "").split(" ")]);
    /** Resolves when the host has said what it has to say at the beginning. @type {Promise<void>} */
    this.settled = new Promise((resolve) => {
      this.#settle = resolve;
      const greets = new URLSearchParams(location.search).has("greets");
      if (!this.framed || !greets) resolve();
      else setTimeout(resolve, PATIENCE_MS);
    });
    if (this.framed) addEventListener("message", (event) => this.#hear(event));
  }

  /** @param {string} t @param {Record<string, unknown>} [fields] */
  tell(t, fields) {
    if (this.#origin !== "") send(parent, this.#origin, t, fields);
  }

  /** As high as what is in it while one comes in. @param {HTMLElement} entry */
  follow(entry) {
    if (!this.framed) return;
    const measure = () => this.tell("size", entry.hidden ? {} : { height: Math.min(entry.scrollHeight, 5000) });
    new ResizeObserver(measure).observe(entry);
    void this.settled.then(measure);
    new IntersectionObserver((seen) => {
      this.#inView = seen.at(-1)?.isIntersecting ?? true;
      this.asked.shown();
    }).observe(document.body);
  }

  /** Whether the frame can be seen on the page around it. */
  get shown() {
    return this.#open && this.#inView;
  }

  /** Something was said that one has not seen, or one has seen it. Never how much. @param {boolean} waiting */
  unread(waiting) {
    if (waiting === this.#waiting) return;
    this.#waiting = waiting;
    this.tell("unread", { waiting });
  }

  /** One cannot come in. @param {{code: string, message: string} | null} refused */
  trouble(refused) {
    const code = refused?.code ?? "";
    if (code === this.#trouble) return;
    this.#trouble = code;
    if (refused) this.tell("error", { code, message: refused.message });
  }

  /** @param {import("./look.js").Look} look */
  async #dress(look) {
    if (await this.asked.look(look)) return;
    this.tell("error", { code: "look_refused", message: say("room.look_refused") });
  }

  /** @param {MessageEvent} event */
  #hear({ source, origin, data }) {
    if (source !== parent || !this.origins.has(origin)) return;
    const said = read(TO_FRAME, data);
    if (said === null || (this.#origin !== "" ? origin !== this.#origin : said.t !== "hello")) return;
    const { t, token, compact, shown, ...look } = said;
    if (t === "hello") {
      this.#origin = origin;
      this.compact = compact === true;
      this.tell("ready");
    }
    if (t === "hello" || t === "look") void this.#dress(look);
    if (token !== undefined) this.asked.token(token);
    if (shown !== undefined) this.#open = shown;
    if (shown !== undefined) this.asked.shown();
    if (t === "hello") this.#settle();
    else if (t === "focus" || t === "leave" || t === "exit") this.asked[t]();
  }
}
