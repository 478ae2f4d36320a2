/** What else a facilitator can do: each tool by its name, with the letter that does the same. */

import { button, el, write } from "../room/dom.js";
import { say } from "../words/say.js";
import { panelElement } from "./panels.js";
import { SHORTCUTS } from "./run_keys.js";
import { running } from "./run_view.js";

/** In the order in which an hour needs them. A crisis is no tool among others: its button is always there. */
const TOOLS = /** @type {const} */ (["announce", "poll", "round", "slow", "groups", "extend", "lock", "journal", "close", "help"]);
/** Only while the group talks. */
const WHILE_RUNNING = new Set(["poll", "round", "groups", "extend"]);
/** Also when all is over. */
const AFTERWARDS = new Set(["journal", "help"]);

export class ToolsPanel {
  /** @type {Map<string, HTMLButtonElement>} */
  #buttons = new Map();

  /** @param {(deed: string) => void} act */
  constructor(act) {
    const list = el("div", { class: "tools" });
    for (const tool of TOOLS) {
      const key = SHORTCUTS.find((one) => one.deed === tool)?.key;
      const made = button("", () => act(tool), { "data-tool": tool, ...(key && { "aria-keyshortcuts": key }) });
      made.append(el("span", {}, say(`facilitate.tool_${tool}`)));
      if (key) made.append(el("kbd", { class: "by-keys", "aria-hidden": "true" }, key));
      this.#buttons.set(tool, made);
      list.append(made);
    }
    this.element = panelElement("tools", say("facilitate.panel_tools"), list);
  }

  /** @param {import("./run_view.js").SessionNow} session @param {number} slow seconds */
  show(session, slow) {
    for (const [tool, made] of this.#buttons) {
      const label = made.firstElementChild;
      if (!label) continue;
      const over = session.phase === "closed" || session.phase === "cancelled";
      made.hidden = (WHILE_RUNNING.has(tool) && !running(session)) || (over && !AFTERWARDS.has(tool));
      if (tool === "close") write(label, session.phase === "lobby" ? say("facilitate.tool_call_off") : say("facilitate.tool_close"));
      if (tool === "lock") write(label, session.locked ? say("facilitate.unlock") : say("facilitate.tool_lock"));
      if (tool === "slow") write(label, slow > 0 ? say("facilitate.slow_is", { seconds: slow }) : say("facilitate.tool_slow"));
      if (tool === "poll") write(label, session.poll ? say("facilitate.poll_is", { count: session.poll.votes ?? 0 }) : say("facilitate.tool_poll"));
    }
  }
}
