/**
 * Where somebody stopped reading. Pure: the page says whether it is attended, nobody else.
 *
 * `from` is the first post that came while nobody looked; it stays where it is when they look
 * again, so that they see where they were, and goes when they speak. `count` is what they have
 * not seen yet.
 */
export class Unread {
  /** @type {number | null} */
  from = null;
  count = 0;
  attended = true;
  #stale = true;

  /** @param {boolean} attended the page is visible and shows the latest */
  attend(attended) {
    this.attended = attended;
    if (!attended) return;
    this.count = 0;
    this.#stale = true;
  }

  /** @param {number} seq a post by somebody else */
  arrived(seq) {
    if (this.attended) return;
    if (this.#stale) {
      this.from = seq;
      this.count = 0;
      this.#stale = false;
    }
    this.count += 1;
  }

  /** One spoke, so one has read. */
  spoke() {
    this.from = null;
    this.count = 0;
    this.#stale = true;
  }
}
