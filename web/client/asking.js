/**
 * Commands and their answers over one connection: each has an `id`, and is answered once.
 *
 * Where the connection breaks, whoever still waits hears `LOST`: it may have been done or not.
 */

const ANSWER_MS = 8_000;

/**
 * @typedef {import("./wire.js").Answer} Answer
 * @typedef {import("./wire.js").Refused} Refused
 * @typedef {(refused: {code: string, message: string}) => string} Tell a refusal in words for a person, by its
 *   code: what the server writes is English
 */

/** @type {Refused} */
export const LOST = {
  t: "error",
  code: "lost",
  message: "The connection was lost just then. Try it again in a moment.",
};

export class Asking {
  #next = 1;
  /** @type {Map<number, (answer: Answer) => void>} */
  #asked = new Map();

  /** @param {import("./connection.js").Connection} connection @param {Tell} [tell] */
  constructor(connection, tell = ({ message }) => message) {
    this.connection = connection;
    this.tell = tell;
  }

  /** Whether an answer is awaited. */
  get busy() {
    return this.#asked.size > 0;
  }

  /** A number that no other command on this connection has. */
  id() {
    return this.#next++;
  }

  /** @param {Record<string, unknown>} command without `id` @returns {Promise<Answer>} */
  ask(command) {
    const id = this.id();
    const { connection } = this;
    return new Promise((resolve) => {
      if (!connection.send({ id, ...command })) {
        resolve(this.#told(LOST));
        return;
      }
      const timer = connection.env.after(() => connection.check(), ANSWER_MS);
      this.#asked.set(id, (answer) => {
        connection.env.cancel(timer);
        resolve(answer);
      });
    });
  }

  /** @param {Answer} frame @returns {boolean} whether somebody waited for it */
  answered(frame) {
    const id = frame.id ?? -1;
    const answer = this.#asked.get(id);
    this.#asked.delete(id);
    answer?.(this.#told(frame));
    return answer !== undefined;
  }

  /** The connection broke. */
  lost() {
    const asked = [...this.#asked.values()];
    this.#asked.clear();
    for (const answer of asked) answer(this.#told(LOST));
  }

  /** @param {Answer} answer @returns {Answer} */
  #told(answer) {
    return answer.t === "error" ? { ...answer, message: this.tell(answer) } : answer;
  }
}

/** @param {Answer} answer @returns {Refused | null} */
export function refusal(answer) {
  return answer.t === "error" ? answer : null;
}
