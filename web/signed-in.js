/**
 * Where people are sent who have signed in, on the intranet or with this server: /signed-in#ticket=...
 * Who has not is told why: #why=... and, where they came from a room, &room=NAME, and &window=1 from a frame.
 *
 * Hands the ticket to the room that opened this window, and closes. Where nobody answers (windows are
 * kept apart here, or the link was opened by itself), the room goes on in this window.
 */

import { say } from "./words/say.js";

const ANSWER_MS = 2_000;

const told = new URLSearchParams(location.hash.slice(1));
const ticket = told.get("ticket") ?? "";
const why = told.get("why");
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

/** @param {string} href @param {string} text @param {string} look */
function link(href, text, look) {
  const made = document.createElement("a");
  made.href = href;
  made.className = look;
  made.textContent = text;
  return made;
}

/** What went wrong in signing in with this server, and the ways on. */
function sayWhy() {
  const sentence = document.createElement("p");
  sentence.className = "lead";
  if (why === "away") sentence.textContent = say("pages.sign_in_away");
  else if (why === "denied") sentence.textContent = say("pages.sign_in_denied");
  else if (why === "state") sentence.textContent = say("pages.sign_in_stale");
  else sentence.textContent = say("pages.sign_in_broken");
  const asked = new URLSearchParams();
  for (const name of ["room", "window"]) if (told.has(name)) asked.set(name, told.get(name) ?? "");
  const acts = document.createElement("div");
  acts.className = "signing";
  acts.append(link(`/sign-in?${asked}`, say("pages.sign_in_again"), "button main"), link("/", say("pages.to_lobby"), "button"));
  const line = document.querySelector("h1");
  if (!line) return;
  line.textContent = document.title = say("pages.sign_in_not");
  line.after(sentence, acts);
}

if (why !== null) sayWhy();
else if (ticket === "" || window.opener === null) goOnHere();
else {
  const giveUp = setTimeout(goOnHere, ANSWER_MS);
  addEventListener("message", ({ source, origin, data }) => {
    if (source !== window.opener || origin !== location.origin || data?.t !== "thanks") return;
    clearTimeout(giveUp);
    close();
  });
  window.opener.postMessage({ t: "ticket", ticket }, location.origin);
}
