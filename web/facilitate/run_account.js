/**
 * What happened, as far as the console keeps account of it: every event without its words. No DOM.
 *
 * Of a post only its place, its author and its minute stay here. What happened before one came is fetched
 * in pages, in the background, so that the journal is whole after a reload as well.
 *
 * @typedef {import("./run_desk.js").RoomEvent} RoomEvent
 */

const PAGE = 200;
const PAGES = 10;
/** What a held post and an appeal say is for the desk, and goes with them. */
const WORDS = new Set(["held", "appealed", "told"]);

export class Account {
  /** @type {Map<number, RoomEvent>} */
  #events = new Map();
  #filling = false;

  /** @param {readonly any[]} events in order */
  take(events) {
    for (const event of events) this.#events.set(event.seq, WORDS.has(event.t) ? event : { ...event, text: "" });
  }

  /** The room began anew. */
  clear() {
    this.#events.clear();
  }

  /** All of it, in order. @returns {RoomEvent[]} */
  get events() {
    return [...this.#events.values()].sort((a, b) => a.seq - b.seq);
  }

  /** Who spoke where. */
  get posts() {
    return this.events.filter((event) => event.t === "posted");
  }

  /**
   * Fetch what is missing before the first event there is.
   *
   * @param {{ask: (command: Record<string, unknown>) => Promise<any>}} place
   * @param {() => void} changed
   */
  async fill(place, changed) {
    if (this.#filling) return;
    this.#filling = true;
    for (let page = 0; page < PAGES; page++) {
      const first = Math.min(...this.#events.keys());
      if (!Number.isFinite(first) || first <= 1) break;
      const answer = await place.ask({ t: "older", before: first, limit: PAGE });
      if (answer.t !== "history" || answer.events.length === 0) break;
      this.take(answer.events);
      changed();
      if (!answer.more) break;
    }
    this.#filling = false;
  }
}
