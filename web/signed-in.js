/**
 * Where the intranet's sign-in page sends people: /signed-in#ticket=...
 *
 * Hands the ticket to the room that opened this window, and closes. Where nobody answers (windows are
 * kept apart here, or the link was opened by itself), the room goes on in this window.
 */

import { say } from "./words/say.js";

const ANSWER_MS = 2_000;

const ticket = new URLSearchParams(location.hash.slice(1)).get("ticket") ?? "";
history.replaceState(null, "", location.pathname);

/** The room that the ticket is for: a JWT's claims are there to be read (RFC 7519). @param {string} jwt */
function roomOf(jwt) {
  try {
    const claims = JSON.parse(atob((jwt.split(".")[1] ?? "").replaceAll("-", "+").replaceAll("_", "/")));
    return /^[a-z0-9][a-z0-9._-]{0,63}$/.test(claims.room) ? claims.room : null;
  } catch {
    return null;
  }
}

function goOnHere() {
  const room = roomOf(ticket);
  if (room !== null) location.replace(`/room/${room}#ticket=${encodeURIComponent(ticket)}`);
  else {
    const line = document.querySelector("h1");
    if (line) line.textContent = say("pages.signed_in_failed");
  }
}

if (ticket === "" || window.opener === null) goOnHere();
else {
  const giveUp = setTimeout(goOnHere, ANSWER_MS);
  addEventListener("message", ({ source, origin, data }) => {
    if (source !== window.opener || origin !== location.origin || data?.t !== "thanks") return;
    clearTimeout(giveUp);
    close();
  });
  window.opener.postMessage({ t: "ticket", ticket }, location.origin);
}
