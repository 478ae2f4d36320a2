/** What `<peer-chat>` says when it cannot show the room: first to whoever reads the page, then to IT. */

import { words } from "./words.js";

/**
 * @typedef {"no_room" | "no_answer" | "blocked_by_page"} Code
 *
 * @param {Code} code @param {string} chat the chat's origin @param {string} room
 * @param {string} language the one asked for
 * @returns {Promise<{message: string, line: HTMLElement}>} the message for the event, and what stands on the page
 */
export async function trouble(code, chat, room, language) {
  const said = await words(language);
  const asked = code === "no_room";
  const message = (asked ? said.no_room : said.cannot_show) ?? code;
  const line = document.createElement("p");
  line.setAttribute("role", "alert");
  line.dir = "auto";
  line.style.cssText = "margin:0;padding:1rem;border-inline-start:4px solid #73330f;background:#fffdf8;color:#2a2520;overflow-wrap:anywhere";
  line.append(message);
  if (!asked) {
    const link = document.createElement("a");
    link.href = `${chat}/room/${room}`;
    link.target = "_blank";
    link.rel = "noopener noreferrer";
    link.style.color = "#19524d";
    link.textContent = said.open ?? "";
    line.append(" ", link);
  }
  const why = { no_room: said.it_no_room, blocked_by_page: said.it_blocked, no_answer: said.it_no_answer }[code] ?? code;
  const [before = "", after = ""] = (said.for_it ?? "{line}").split("{line}");
  line.append(document.createElement("br"), before, ...filled(why, { chat, room, origin: location.origin }), after);
  return { message, line };
}

/** The values are addresses: kept apart, so that they turn nothing around them. @param {string} sentence @param {Record<string, string>} values */
function filled(sentence, values) {
  return sentence.split(/\{(\w+)\}/).map((part, at) => {
    if (at % 2 === 0) return part;
    const value = document.createElement("bdi");
    value.textContent = values[part] ?? "";
    return value;
  });
}
