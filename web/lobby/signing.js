/** Signing in and out in the lobby, loaded where people sign in with this server. */

import { button, el, write } from "../room/dom.js";
import { say } from "../words/say.js";

/** @param {HTMLElement} line where it stands @param {HTMLElement} foot what the lobby says of cookies */
export async function showSigning(line, foot) {
  write(foot, say("lobby.foot_sign_in"));
  try {
    const { signed_in } = await (await fetch("/api/sign-in")).json();
    show(line, signed_in === true);
  } catch {
    // It is offered in every room that asks for it.
  }
}

/** @param {HTMLElement} line @param {boolean} signedIn */
function show(line, signedIn) {
  line.hidden = false;
  if (signedIn) line.replaceChildren(el("span", {}, say("lobby.signed_in")), button(say("lobby.sign_out"), () => void signOut(line)));
  else line.replaceChildren(el("a", { href: "/sign-in", class: "button" }, say("lobby.sign_in")));
}

/** @param {HTMLElement} line */
async function signOut(line) {
  const done = await fetch("/sign-out", { method: "POST" }).then(({ ok }) => ok, () => false);
  if (done) line.replaceChildren(el("span", {}, say("lobby.signed_out")), el("a", { href: "/sign-in", class: "button" }, say("lobby.sign_in")));
  else line.replaceChildren(el("span", {}, say("lobby.sign_out_failed")), button(say("lobby.sign_out"), () => void signOut(line)));
}
