/**
 * Several rooms over one line, where a line is a stream or a poll and so carries one room each.
 *
 * To its owner it is one WebSocket. The first room that is joined is the main one: its end is the end of the
 * whole, because everything else hangs on the seat in it. Another room that ends is joined again by whoever
 * sits in it, when the whole is back.
 */

/** As of a WebSocket. */
const CLOSED = 3;
const LOST = 1006;

/** @typedef {import("./posting.js").Posting} Posting */

export class Several {
  /** @type {(() => void) | null} */
  onopen = null;
  /** @type {((message: {data: any}) => void) | null} */
  onmessage = null;
  /** @type {((ended: import("./fallback.js").Ended) => void) | null} */
  onclose = null;

  /** @type {Map<string, Posting>} */
  #others = new Map();
  #room = "";

  /** @param {Posting} main a line that stands @param {() => Posting} another one more of its kind */
  constructor(main, another) {
    this.main = main;
    this.another = another;
    main.onmessage = (message) => this.onmessage?.(message);
    main.onclose = (ended) => {
      this.#shut();
      this.onclose?.(ended);
    };
  }

  get readyState() {
    return this.main.readyState;
  }

  get stale() {
    return [this.main, ...this.#others.values()].some((line) => /** @type {any} */ (line).stale === true);
  }

  /** @param {string} text one frame */
  send(text) {
    const { t, room } = JSON.parse(text);
    if (t === "join" && this.#room === "") this.#room = room;
    if (t === "draw" || this.#room === "" || room === this.#room) this.main.send(text);
    else this.#line(room).send(text);
  }

  close() {
    this.#shut();
    this.main.close();
  }

  /** @param {string} room */
  #line(room) {
    const known = this.#others.get(room);
    if (known !== undefined && known.readyState !== CLOSED) return known;
    const line = this.another();
    this.#others.set(room, line);
    line.patient = true;
    line.stand();
    line.onmessage = (message) => this.onmessage?.(message);
    // 1000: the seat in that room is given up, or taken, and nothing is amiss.
    line.onclose = ({ code }) => (code === 1000 ? this.#others.delete(room) : this.main.end(LOST));
    return line;
  }

  #shut() {
    for (const line of this.#others.values()) {
      line.onmessage = line.onclose = null;
      line.close();
    }
    this.#others.clear();
  }
}
