/**
 * What the page keeps for the time of one tab: a small, guarded `sessionStorage`.
 *
 * Storage may be missing, full or forbidden (a sandboxed iframe, a strict browser). Then the
 * same calls work in memory, and only a reload forgets.
 */

export class Keep {
  /** @type {Map<string, string>} */
  #memory = new Map();

  /** @param {() => Storage} storage a function, because naming the storage may throw already */
  constructor(storage) {
    this.storage = storage;
  }

  /** @param {string} name @returns {any} what was kept, or null */
  get(name) {
    let text = this.#memory.get(name) ?? null;
    try {
      text = this.storage().getItem(name) ?? text;
    } catch {
      // In memory, then.
    }
    try {
      return text === null ? null : JSON.parse(text);
    } catch {
      return null;
    }
  }

  /** @param {string} name @param {unknown} value null forgets it */
  set(name, value) {
    if (value === null) this.#memory.delete(name);
    else this.#memory.set(name, JSON.stringify(value));
    try {
      if (value === null) this.storage().removeItem(name);
      else this.storage().setItem(name, JSON.stringify(value));
    } catch {
      // In memory, then.
    }
  }
}
