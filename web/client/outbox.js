/**
 * What one has said and the room has not shown yet, in order, each exactly once.
 *
 *   add -> pending --next--> sent --ok {seq}--> placed --posted {seq}--> out of here
 *                     |
 *                     +-- refused -> pending again (`later`) or failed -> `again` or `discard`
 *                     +-- held: a facilitator looks at it first; then as placed, or failed
 *
 * One post is under way at a time, so that the room gets them in the order they were written.
 * A post that was sent when the connection broke is sent again under the same key; the server
 * answers with its first place. `posted` may come before `ok`: a post of one's own with the
 * same text is then taken for it, until `ok` says so or not.
 *
 * @typedef {import("./timeline.js").Waiting & {seq: number | null, guess: number | null, tries: number,
 *            held: boolean}} Entry
 */

const MAX_PLACED = 500;

export class Outbox {
  /** @type {Entry[]} */
  entries = [];
  /** seq to key, of what was sent from here. @type {Map<number, string>} */
  placed = new Map();
  /** The key that is under way. @type {string | null} */
  sending = null;

  /** @param {string} key @param {string} text @param {number | null} replyTo @param {number} at Unix seconds */
  add(key, text, replyTo, at) {
    this.entries.push({ key, text, replyTo, at, status: "pending", reason: "", seq: null, guess: null, tries: 0, held: false });
  }

  /** The entry to send now, or null. It counts as under way from then on. */
  next() {
    if (this.sending !== null) return null;
    const entry = this.entries.find((one) => one.status === "pending" && one.seq === null && !one.held) ?? null;
    this.sending = entry?.key ?? null;
    if (entry) entry.tries += 1;
    return entry;
  }

  /** The connection broke: whatever was under way is sent again. */
  interrupted() {
    this.sending = null;
  }

  /**
   * The server answered `ok`. @param {string} key @param {number} seq
   * @param {boolean} shown whether the room has shown (or passed) that place already
   */
  ok(key, seq, shown) {
    this.#done(key);
    const entry = this.#entry(key);
    if (!entry) return;
    entry.seq = seq;
    if (entry.guess !== null && entry.guess !== seq) this.placed.delete(entry.guess);
    entry.guess = null;
    this.#place(seq, key);
    if (shown) this.#remove(key);
  }

  /** The server refused for now; the same key goes out again. @param {string} key @param {string} reason */
  later(key, reason) {
    this.#done(key);
    const entry = this.#entry(key);
    if (entry) entry.reason = reason;
  }

  /** The server refused for good. @param {string} key @param {string} reason */
  failed(key, reason) {
    this.#done(key);
    const entry = this.#entry(key);
    if (entry) Object.assign(entry, { status: "failed", reason, guess: null });
  }

  /** It waits for a facilitator to look at it. @param {string} key */
  hold(key) {
    this.#done(key);
    const entry = this.#entry(key);
    if (entry) entry.held = true;
  }

  /** The oldest that waits was not let through. @param {string} reason */
  declined(reason) {
    const entry = this.entries.find((one) => one.held);
    if (entry) Object.assign(entry, { status: "failed", reason, held: false });
  }

  /** Try a failed one again, under the same key: it was never kept, or it is the same one. @param {string} key */
  again(key) {
    const entry = this.#entry(key);
    if (entry) Object.assign(entry, { status: "pending", reason: "", tries: 0 });
  }

  /** Give up a failed one. @param {string} key @returns {string} its text, for the composer */
  discard(key) {
    const text = this.#entry(key)?.text ?? "";
    this.#remove(key);
    return text;
  }

  /** A post of one's own came from the room. @param {number} seq @param {string} text @param {number} at */
  posted(seq, text, at) {
    const known = this.entries.find((one) => one.seq === seq);
    if (known) {
      this.#remove(known.key);
      return;
    }
    const entry = this.entries.find(
      (one) => one.tries > 0 && one.status === "pending" && one.seq === null && one.guess === null && at >= one.at && same(one.text, text),
    );
    if (entry?.held) {
      this.#place(seq, entry.key);
      this.#remove(entry.key);
    } else if (entry) {
      entry.guess = seq;
      this.#place(seq, entry.key);
    }
  }

  /** The page has, or passed, everything up to `last`: what has its place there waits no more. @param {number} last */
  settled(last) {
    this.entries = this.entries.filter((one) => one.seq === null || one.seq > last);
  }

  /** What is still shown as waiting. */
  waiting() {
    return this.entries.filter((one) => one.guess === null);
  }

  /** What survives a reload. */
  saved() {
    return this.entries.map(({ key, text, replyTo, at, status, reason, tries, held }) => ({ key, text, replyTo, at, status, reason, tries, held }));
  }

  /** @param {unknown} saved what `saved` gave */
  restore(saved) {
    if (!Array.isArray(saved)) return;
    this.entries = saved
      .filter((one) => typeof one?.key === "string" && typeof one?.text === "string")
      .map((one) => ({ ...one, seq: null, guess: null, held: one.held === true, tries: Math.min(one.tries || 0, 1) }));
  }

  /** @param {string} key */
  #entry(key) {
    return this.entries.find((one) => one.key === key);
  }

  /** @param {string} key */
  #remove(key) {
    this.entries = this.entries.filter((one) => one.key !== key);
  }

  /** @param {string} key */
  #done(key) {
    if (this.sending === key) this.sending = null;
  }

  /** @param {number} seq @param {string} key */
  #place(seq, key) {
    this.placed.set(seq, key);
    const first = this.placed.keys().next().value;
    if (this.placed.size > MAX_PLACED && first !== undefined) this.placed.delete(first);
  }
}

/** Whether the server's normalised text can be what was written. @param {string} a @param {string} b */
function same(a, b) {
  /** @param {string} text */
  const bare = (text) => text.normalize("NFC").replace(/\s+/gu, "");
  return bare(a) === bare(b);
}
