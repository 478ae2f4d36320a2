/** The head of the page: which part is on, how much of it is left, and the one next step. */

import { byId, write } from "../room/dom.js";
import { name } from "../room/words.js";
import { say, when } from "../words/say.js";
import { glance, running } from "./run_view.js";
import { line } from "./words.js";

/** @typedef {import("./run_view.js").SessionNow} SessionNow */

export class Top {
  #next = byId("next");
  #quiet = byId("quiet");
  #passed = byId("passed");

  /** @param {(deed: string) => void} act */
  constructor(act) {
    // The second half of a double click would skip a part.
    this.#next.addEventListener("click", (event) => event.detail < 2 && act("next"));
    this.#quiet.addEventListener("click", () => act("quiet"));
    document.querySelector(".corner [data-crisis]")?.addEventListener("click", () => act("crisis"));
    byId("help").addEventListener("click", () => act("help"));
  }

  /** @param {SessionNow} session @param {number} now Unix seconds */
  show(session, now) {
    const { phase, part, left, passed, over, end, next } = glance(session, now);
    write(byId("room-title"), session.title);
    write(byId("phase"), part === "" || part === phase ? phase : say("facilitate.phase_part", { phase, part }));
    write(byId("left"), left);
    write(byId("end"), end);
    byId("left").classList.toggle("over", over);
    this.#passed.style.setProperty("--passed", String(passed));
    this.#passed.classList.toggle("over", over);
    this.#next.hidden = next === null;
    write(this.#next, next?.label ?? "");
    // While all is quiet, to go on is the next step: one button is enough.
    this.#quiet.hidden = !running(session) || session.phase === "paused";
    write(this.#quiet, say("facilitate.quiet"));
    this.#afterwards(session);
  }

  /** What there is to do when all is over, and until when what was said is there. @param {SessionNow} session */
  #afterwards({ phase, erase_at }) {
    byId("over").hidden = phase !== "closed";
    const at = (erase_at ?? 0) * 1000;
    write(byId("erased"), at > 0 ? say("facilitate.over_erased", { day: when(at, "day"), time: when(at, "time") }) : "");
  }

  /** @param {import("../client/seat.js").Seat} seat */
  connection({ connection, phase, handle }) {
    const how = line(connection.way, connection.state, phase === "in");
    write(byId("line"), phase === "in" ? say("facilitate.line_you", { line: how, name: name(handle) }) : how);
    byId("line").classList.toggle("trouble-line", connection.state !== "open");
  }
}
