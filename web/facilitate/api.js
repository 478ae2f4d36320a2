/** Asking the server's JSON API as a planner: the ticket goes in a header, and nothing of it into an address. */

import { refusal, say } from "../words/say.js";

/** @typedef {{ok: true, body: any} | {ok: false, code: string, message: string}} Answer */

export class Api {
  /** @param {string} ticket */
  constructor(ticket) {
    this.ticket = ticket;
  }

  /** @param {string} path */
  get(path) {
    return this.ask("GET", path);
  }

  /** @param {string} path @param {unknown} body */
  post(path, body) {
    return this.ask("POST", path, body);
  }

  /** @param {string} path @param {unknown} body */
  put(path, body) {
    return this.ask("PUT", path, body);
  }

  /** @param {string} path */
  remove(path) {
    return this.ask("DELETE", path);
  }

  /**
   * @param {string} method @param {string} path @param {unknown} [body] @param {Record<string, string>} [more] headers
   * @returns {Promise<Answer>}
   */
  async ask(method, path, body, more = {}) {
    const headers = { authorization: `Bearer ${this.ticket}`, ...(body !== undefined && { "content-type": "application/json" }), ...more };
    try {
      const answer = await fetch(path, { method, headers, ...(body !== undefined && { body: JSON.stringify(body) }) });
      const text = await answer.text();
      const said = answer.headers.get("content-type")?.includes("json") ? JSON.parse(text) : text;
      if (answer.ok) return { ok: true, body: said };
      const problem = { code: String(said?.code ?? `http_${answer.status}`), message: String(said?.message ?? say("facilitate.api_failed")) };
      return { ok: false, code: problem.code, message: refusal(problem) };
    } catch {
      return { ok: false, code: "lost", message: say("facilitate.api_lost") };
    }
  }
}

/** For which room a ticket is, as it says itself: only to know where to go. "" where it says nothing. @param {string | null} ticket */
export function roomOf(ticket) {
  try {
    const part = (ticket ?? "").split(".")[1] ?? "";
    const claims = JSON.parse(atob(part.replaceAll("-", "+").replaceAll("_", "/")));
    return typeof claims.room === "string" ? claims.room : "";
  } catch {
    return "";
  }
}
