/** What `<peer-chat>` says when it cannot show the room: first to whoever reads the page, then to IT. */

/**
 * @typedef {"no_room" | "no_answer" | "blocked_by_page"} Code
 *
 * @param {Code} code @param {string} chat the chat's origin @param {string} room
 * @returns {{message: string, line: HTMLElement}} the message for the event, and what stands on the page
 */
export function trouble(code, chat, room) {
  const asked = code === "no_room";
  const message = asked ? "This page does not say which room to show." : "The room cannot be shown on this page. You can open it in a window of its own.";
  const line = document.createElement("p");
  line.setAttribute("role", "alert");
  line.style.cssText = "margin:0;padding:1rem;border-left:4px solid #73330f;background:#fffdf8;color:#2a2520;overflow-wrap:anywhere";
  line.append(message);
  if (!asked) {
    const link = document.createElement("a");
    link.href = `${chat}/room/${room}`;
    link.target = "_blank";
    link.rel = "noopener noreferrer";
    link.style.color = "#19524d";
    link.textContent = "Open the room";
    line.append(" ", link);
  }
  line.append(document.createElement("br"), `For IT: ${forIT(code, chat, room)}`);
  return { message, line };
}

/** @param {Code} code @param {string} chat @param {string} room */
function forIT(code, chat, room) {
  const { origin } = location;
  if (code === "no_room") return "give <peer-chat> a room attribute, 1 to 64 of a-z, 0-9, dot, dash and underscore.";
  if (code === "blocked_by_page") return `this page’s own Content-Security-Policy does not allow the frame. Add: frame-src ${chat}`;
  return (
    `the frame did not answer. Either ${chat} does not list this page (add ${origin} to embed_origins; ` +
    `or, for this room alone, run: chatd room edit ${room} --embed ${origin}, with one more --embed for each page ` +
    `that shows it already), or something between keeps this browser from it (${chat}/doctor says what).`
  );
}
