/** `<peer-chat>`: a room in a frame on the chat's own origin. Registered by `../embed.js`. */

import { COLOURS, TO_FRAME, TO_HOST, read, send } from "./messages.js";

const CHAT = new URL(import.meta.url).origin;
const NAME = /^[a-z0-9][a-z0-9._-]{0,63}$/;
/** Each after twice the wait: 8 s in all. */
const GREETINGS = 5;
const GREET_MS = 250;
/** A frame that has not loaded by then is held up on the way; if it comes after all, it is shown. */
const LOAD_MS = 15_000;
const SHIFTS_MS = 1600;

const STYLE = `
:host { display: block; font: 1.0625rem/1.5 system-ui, sans-serif; }
[hidden] { display: none !important; }
iframe { display: block; width: 100%; height: min(40rem, max(26rem, 92vh)); border: 0; }
`;

/**
 * Attributes
 *   room     the room's name
 *   session  the name of the room of one session, shown instead
 *   theme    light, dark or auto (the default)
 *   lang     the language; left out, the browser's
 *   compact  a bubble in the corner that opens; its label is what stands inside the element
 *   height   pixels; without it the room sizes itself
 *
 * CSS custom properties: --peer-chat-accent, -paper, -surface, -ink (colours), -radius, -font.
 *
 * Events (they bubble): peer-chat-ready, -joined, -left, -quick-exit, -unread {waiting: boolean},
 * -error {code, message}.
 *
 * Methods: setToken(jwt), focus(), leave().
 */
export class PeerChat extends HTMLElement {
  static observedAttributes = ["room", "session", "theme", "lang", "compact", "height"];

  #shadow = this.attachShadow({ mode: "open" });
  /** @type {HTMLIFrameElement | null} */
  #frame = null;
  /** @type {import("./bubble.js").Bubble | null} */
  #bubble = null;
  /** @type {Element | null} */
  #trouble = null;
  /** null: leave, once ready @type {string | null | undefined} */
  #token;
  #placed = false;
  #ready = false;
  #timer = 0;
  /** Counts what was built: whoever waited for a module meanwhile has nothing to add to a later one. */
  #turn = 0;
  /** @type {number[]} */
  #shifts = [];
  #night = matchMedia("(prefers-color-scheme: dark)");

  connectedCallback() {
    for (const [target, type] of this.#heard()) target.addEventListener(type, this);
    this.#placed = true;
    void this.#build();
  }

  disconnectedCallback() {
    for (const [target, type] of this.#heard()) target.removeEventListener(type, this);
    this.#placed = false;
    this.#clear();
  }

  /** @param {string} name @param {string | null} before @param {string | null} after */
  attributeChangedCallback(name, before, after) {
    if (!this.#placed || before === after) return;
    if (name === "theme") this.#tell("look", this.#look());
    else if (name === "height") this.#size();
    else void this.#build();
  }

  /** @param {string} jwt the right to enter */
  setToken(jwt) {
    if (!TO_FRAME.token?.token?.(jwt)) throw new TypeError("setToken takes a signed JWT, as text");
    this.#token = jwt;
    this.#tell("token", { token: jwt });
  }

  focus() {
    this.#bubble?.open(true);
    this.#frame?.focus();
    this.#tell("focus");
  }

  /** Leave the room, for instance because somebody signs out. */
  leave() {
    this.#token = this.#ready ? undefined : null;
    this.#tell("leave");
  }

  /** @param {Event} event */
  handleEvent(event) {
    if (event instanceof MessageEvent) {
      const from = this.#frame?.contentWindow;
      const said = from && event.source === from && event.origin === CHAT ? read(TO_HOST, event.data) : null;
      if (said) this.#hear(said);
    } else if (event instanceof KeyboardEvent) this.#key(event);
    else if (event instanceof MediaQueryListEvent) this.#tell("look", this.#look());
    else if (event instanceof SecurityPolicyViolationEvent && this.#shutBy(event)) {
      // What is blocked loads as well, with nothing in it, and would be greeted in vain.
      if (this.#frame) this.#frame.onload = null;
      void this.#cannot("blocked_by_page");
    }
  }

  /** Whether the page's own policy keeps the frame out, and does not only report it. @param {SecurityPolicyViolationEvent} event */
  #shutBy({ disposition, blockedURI, effectiveDirective }) {
    return disposition === "enforce" && blockedURI.startsWith(CHAT) && /^(frame|child|default)-/.test(effectiveDirective);
  }

  get #room() {
    return this.getAttribute("session") || this.getAttribute("room") || "";
  }

  /** @returns {[EventTarget, string][]} */
  #heard() {
    return [[window, "message"], [document, "keydown"], [document, "securitypolicyviolation"], [this.#night, "change"]];
  }

  #clear() {
    this.#turn += 1;
    clearTimeout(this.#timer);
    this.#shadow.replaceChildren();
    this.#frame = this.#bubble = this.#trouble = null;
    this.#ready = false;
  }

  async #build() {
    this.#clear();
    if (!NAME.test(this.#room)) return this.#cannot("no_room");
    if (!this.hasAttribute("compact")) {
      this.#dress(STYLE);
      return this.#load(this.#shadow);
    }
    const turn = this.#turn;
    const { Bubble, STYLE: more } = await import("./bubble.js");
    if (turn !== this.#turn) return;
    this.#dress(STYLE + more);
    const bubble = (this.#bubble = new Bubble(this.#shadow, this.lang, (on) => {
      if (!this.#frame) this.#load(bubble.panel);
      this.#tell("shown", { shown: on });
      if (on) this.#frame?.focus();
    }));
  }

  /** Not a <style>, which a host's policy may forbid. @param {string} text */
  #dress(text) {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(text);
    this.#shadow.adoptedStyleSheets = [sheet];
  }

  /** @param {Node} into */
  #load(into) {
    const frame = (this.#frame = document.createElement("iframe"));
    const how = new URLSearchParams({ theme: this.getAttribute("theme") ?? "auto", lang: this.lang, greets: "1" });
    void import("./words.js").then(({ entitle }) => entitle(frame, this.lang));
    frame.src = `${CHAT}/embed/${this.#room}?${how}`;
    frame.referrerPolicy = "no-referrer";
    frame.onload = () => {
      this.#ready = false;
      this.#greet(0);
    };
    into.appendChild(frame);
    this.#timer = setTimeout(() => void this.#cannot("no_answer"), LOAD_MS);
    this.#size();
  }

  /** Until it answers. A frame that may not be shown here loads as well, and never does. @param {number} times */
  #greet(times) {
    clearTimeout(this.#timer);
    if (this.#ready) return;
    if (times === GREETINGS) return void this.#cannot("no_answer");
    const bubble = this.#bubble;
    this.#send("hello", { ...this.#look(), token: this.#token ?? undefined, compact: bubble !== null, shown: bubble?.shown });
    this.#timer = setTimeout(() => this.#greet(times + 1), GREET_MS * 2 ** times);
  }

  /** @param {string} t @param {Record<string, unknown>} [fields] */
  #tell(t, fields) {
    if (this.#ready) this.#send(t, fields);
  }

  /** @param {string} t @param {Record<string, unknown>} [fields] */
  #send(t, fields) {
    send(this.#frame?.contentWindow ?? null, CHAT, t, fields);
  }

  /** @param {{t: string, [field: string]: any}} said */
  #hear({ t, ...detail }) {
    if (t === "size") return this.#size(detail.height);
    if (t === "close") return this.#bubble?.open(false);
    if (t === "ready") {
      if (this.#ready) return;
      this.#ready = true;
      this.#trouble?.remove();
      if (this.#frame) this.#frame.hidden = false;
      if (this.#token === null) this.leave();
    }
    if (t === "joined") this.#token = undefined;
    if (t === "unread") this.#bubble?.waiting(detail.waiting);
    this.#say(t, detail);
    if (t === "quick-exit" && this.#bubble) void this.#build();
  }

  /** @param {string} t @param {object} detail */
  #say(t, detail) {
    this.dispatchEvent(new CustomEvent(`peer-chat-${t}`, { bubbles: true, composed: true, detail }));
  }

  #size(wished = 0) {
    if (!this.#frame || this.#bubble) return;
    const height = Number(this.getAttribute("height")) || wished;
    this.#frame.style.height = height > 0 ? `${height}px` : "";
  }

  /** Shift three times hides the room, as it does inside. @param {KeyboardEvent} event */
  #key(event) {
    if (event.key === "Escape") this.#bubble?.open(false);
    if (event.repeat) return;
    this.#shifts = event.key === "Shift" ? [...this.#shifts.slice(-2), event.timeStamp] : [];
    const [first = 0, , third] = this.#shifts;
    if (third && third - first < SHIFTS_MS) this.#tell("exit");
  }

  /** What the page's CSS says about the room, where the frame would take it. */
  #look() {
    /** @type {Record<string, unknown>} */
    const look = { theme: ["light", "dark"].find((one) => one === this.getAttribute("theme")) ?? "auto" };
    const probe = this.#shadow.appendChild(document.createElement("i"));
    probe.hidden = true;
    const seen = getComputedStyle(probe);
    for (const name of COLOURS) {
      probe.style.color = `var(--peer-chat-${name}, transparent)`;
      const rgb = /^rgb\((\d+), (\d+), (\d+)\)$/.exec(seen.color)?.slice(1);
      if (rgb) look[name] = `#${rgb.map((part) => Number(part).toString(16).padStart(2, "0")).join("")}`;
    }
    look.radius = Number.parseFloat(seen.getPropertyValue("--peer-chat-radius"));
    look.font = seen.getPropertyValue("--peer-chat-font").trim();
    probe.remove();
    return Object.fromEntries(Object.entries(look).filter(([name, value]) => TO_FRAME.look?.[name]?.(value)));
  }

  /** @param {import("./trouble.js").Code} code */
  async #cannot(code) {
    clearTimeout(this.#timer);
    const turn = this.#turn;
    const { trouble } = await import("./trouble.js");
    const { message, line } = await trouble(code, CHAT, this.#room, this.lang);
    if (this.#ready || turn !== this.#turn) return;
    this.#trouble?.remove();
    this.#trouble = line;
    if (this.#frame) this.#frame.hidden = true;
    (this.#bubble?.panel ?? this.#shadow).appendChild(line);
    this.#say("error", { code, message });
  }
}
