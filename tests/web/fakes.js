/** A clock and sockets that a test holds in its hand: nothing happens unless it says so. */

export class World {
  time = 1_700_000_000_000;
  chance = 0.5;
  isOnline = true;
  /** @type {FakeSocket[]} */
  sockets = [];
  /** Set it for a browser with `fetch`. @type {FakeHttp | null} */
  http = null;
  /** @type {(() => void)[]} */
  whenOnline = [];
  shelves = [];
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
      shelves: this.shelves,
      whenOnline: (act) => void this.whenOnline.push(act),
      ...(this.http && { fetch: this.http.fetch }),
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
  readyState = 0;
  constructor(url, protocol) {
    this.url = url;
    this.protocol = protocol;
  }
  send(text) {
    this.sent.push(JSON.parse(text));
  }
  close() {
    this.closed = true;
    this.readyState = 3;
  }
  opens() {
    this.readyState = 1;
    this.onopen?.();
  }
  says(frame) {
    this.onmessage?.({ data: JSON.stringify(frame) });
  }
  breaks(code = 1006) {
    this.onclose?.({ code });
  }
  /** The last frame of a kind that the page sent. */
  last(kind) {
    return this.sent.filter((frame) => frame.t === kind).at(-1);
  }
  count(kind) {
    return this.sent.filter((frame) => frame.t === kind).length;
  }
}

/** A `fetch` whose requests a test answers one by one, or lets `serve` answer. */
export class FakeHttp {
  /** @type {FakeCall[]} */
  calls = [];
  /** @type {(call: FakeCall) => void} */
  serve = () => {};
  fetch = (url, options = {}) =>
    new Promise((resolve, reject) => {
      const call = new FakeCall(url, options, resolve, reject);
      this.calls.push(call);
      this.serve(call);
    });

  /** The last request for a path. */
  last(path) {
    return this.calls.filter((call) => call.path === path).at(-1);
  }
  count(path) {
    return this.calls.filter((call) => call.path === path).length;
  }
}

class FakeCall {
  aborted = false;
  /** @type {ReadableStreamDefaultController | null} */
  #body = null;
  #reject;

  constructor(url, options, resolve, reject) {
    const { pathname, search, origin } = new URL(url);
    Object.assign(this, { path: pathname, search, origin, options, resolve });
    this.#reject = reject;
    this.body = options.body === undefined ? null : JSON.parse(options.body);
    options.signal?.addEventListener("abort", () => {
      this.aborted = true;
      this.fails();
    });
  }
  answers(value, status = 200, headers = {}) {
    this.resolve(new Response(typeof value === "string" ? value : JSON.stringify(value), { status, headers }));
  }
  /** Begin an event stream. */
  streams() {
    const body = new ReadableStream({ start: (controller) => void (this.#body = controller) });
    this.resolve(new Response(body, { headers: { "content-type": "text/event-stream; charset=utf-8" } }));
    return this;
  }
  /** More of the stream, as it would be on the network. */
  says(text) {
    this.#body?.enqueue(new TextEncoder().encode(text));
    return this;
  }
  raw(bytes) {
    this.#body?.enqueue(bytes);
  }
  frame(frame) {
    return this.says(`data: ${JSON.stringify(frame)}\n\n`);
  }
  ends() {
    this.#body?.close();
  }
  fails() {
    const error = new TypeError("network");
    this.#reject(error);
    try {
      this.#body?.error(error);
    } catch {
      // It was over already.
    }
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
  // Streams and bodies take turns of their own.
  for (let turn = 0; turn < 3; turn++) await new Promise(setImmediate);
}

export const posted = (seq, handle, text = `line ${seq}`, more = {}) => ({
  t: "posted", room: "night", seq, at: 1_700_000_000 + seq, handle, text, ...more,
});
