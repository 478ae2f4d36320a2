/** A clock and sockets that a test holds in its hand: nothing happens unless it says so. */

export class World {
  time = 1_700_000_000_000;
  chance = 0.5;
  isOnline = true;
  /** @type {FakeSocket[]} */
  sockets = [];
  #timers = new Map();
  #next = 1;

  get socket() {
    return this.sockets.at(-1);
  }

  /** @returns {import("../../web/client/connection.js").Env} */
  env() {
    return {
      socket: (url, protocol) => {
        const socket = new FakeSocket(url, protocol);
        this.sockets.push(socket);
        return /** @type {any} */ (socket);
      },
      after: (act, ms) => {
        const id = this.#next++;
        this.#timers.set(id, { at: this.time + ms, act });
        return id;
      },
      cancel: (id) => void this.#timers.delete(id),
      random: () => this.chance,
      now: () => this.time,
      online: () => this.isOnline,
    };
  }

  /** Let `ms` pass, timer by timer, and let promises run between them. */
  async pass(ms) {
    const end = this.time + ms;
    for (;;) {
      await settle();
      const due = [...this.#timers].filter(([, one]) => one.at <= end).sort((a, b) => a[1].at - b[1].at)[0];
      if (!due) break;
      this.#timers.delete(due[0]);
      this.time = Math.max(this.time, due[1].at);
      due[1].act();
    }
    this.time = end;
    await settle();
  }
}

export class FakeSocket {
  sent = [];
  closed = false;
  constructor(url, protocol) {
    this.url = url;
    this.protocol = protocol;
  }
  send(text) {
    this.sent.push(JSON.parse(text));
  }
  close() {
    this.closed = true;
  }
  opens() {
    this.onopen();
  }
  says(frame) {
    this.onmessage({ data: JSON.stringify(frame) });
  }
  breaks(code = 1006) {
    this.onclose({ code });
  }
  /** The last frame of a kind that the page sent. */
  last(kind) {
    return this.sent.filter((frame) => frame.t === kind).at(-1);
  }
  count(kind) {
    return this.sent.filter((frame) => frame.t === kind).length;
  }
}

/** A `sessionStorage` for a test. */
export function memory() {
  const map = new Map();
  return {
    getItem: (name) => map.get(name) ?? null,
    setItem: (name, value) => void map.set(name, value),
    removeItem: (name) => void map.delete(name),
  };
}

export async function settle() {
  for (let turn = 0; turn < 10; turn++) await Promise.resolve();
}

export const posted = (seq, handle, text = `line ${seq}`, more = {}) => ({
  t: "posted", room: "night", seq, at: 1_700_000_000 + seq, handle, text, ...more,
});
