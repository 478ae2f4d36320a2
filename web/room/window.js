/**
 * A window of its own for a room in a frame, and one for signing in: both speak with the frame that
 * opened them, as windows of one origin, and nothing of it stands in an address.
 *
 *   frame --opens--> window --hello--> frame --seat {parts}--> window --here--> frame, which lets go
 *   window --parts {parts}--> frame, which goes on with them when the window is gone
 *   frame --leave--> window, which leaves the room and closes
 *   frame --opens--> the intranet's sign-in --> /signed-in --ticket--> frame --thanks--> it closes
 *
 * Where the host page keeps windows apart (Cross-Origin-Opener-Policy), they hear nothing of each
 * other: the frame then goes on as it was, and the window begins anew.
 */

import { spoken } from "../words/say.js";

const HELLO_MS = 3_000;
const LOOK_MS = 500;

/** @typedef {{ticket: string | null, kept: Record<string, unknown>}} Parts */

/** @param {MessageEvent} event @param {MessageEventSource | null} from @param {string} t */
const says = ({ source, origin, data }, from, t) => source === from && origin === location.origin && data?.t === t;

/**
 * In the frame: open the room in a window.
 *
 * @param {string} room
 * @param {{parts: () => Parts, took: (parts: Parts) => void, here: () => void, gone: (how: "closed" | "left" | "exit") => void}} acts
 * @returns {Window | null} null where the browser opens none
 */
export function openWindow(room, acts) {
  const opened = open(`/embed/${room}/window?lang=${spoken()}`, "_blank", "popup,width=480,height=760");
  if (opened === null) return null;
  let here = false;
  const listening = new AbortController();
  /** @param {"closed" | "left" | "exit"} how */
  const gone = (how) => {
    listening.abort();
    clearInterval(looking);
    if (here) acts.gone(how);
  };
  addEventListener(
    "message",
    (event) => {
      if (says(event, opened, "hello") && !here) opened.postMessage({ t: "seat", parts: acts.parts() }, location.origin);
      else if (says(event, opened, "here") && !here) {
        here = true;
        acts.here();
      } else if (says(event, opened, "parts") && here) acts.took(event.data.parts);
      else if (says(event, opened, "left")) gone("left");
      else if (says(event, opened, "exit")) gone("exit");
    },
    { signal: listening.signal },
  );
  const looking = setInterval(() => opened.closed && gone("closed"), LOOK_MS);
  return opened;
}

/**
 * In the window: ask the frame for the seat. Resolves to null where nobody answers.
 *
 * @returns {Promise<Parts | null>}
 */
export function takeOver() {
  const frame = ourOpener();
  if (frame === null) return Promise.resolve(null);
  return new Promise((resolve) => {
    const listening = new AbortController();
    const done = (/** @type {Parts | null} */ parts) => {
      listening.abort();
      resolve(parts);
    };
    addEventListener("message", (event) => says(event, frame, "seat") && done(event.data.parts), { signal: listening.signal });
    setTimeout(done, HELLO_MS, null);
    tellOpener("hello");
  });
}

/** @param {"hello" | "here" | "parts" | "left" | "exit"} t @param {{parts?: Parts}} [fields] */
export function tellOpener(t, fields) {
  ourOpener()?.postMessage({ t, ...fields }, location.origin);
}

/** In the window: the frame has left the room, and so has one here. @param {() => void} leave */
export function onLeave(leave) {
  addEventListener("message", (event) => says(event, ourOpener(), "leave") && leave());
}

/** The window that opened this one, if it is of our own origin. @returns {Window | null} */
function ourOpener() {
  try {
    return window.opener?.location.origin === location.origin ? window.opener : null;
  } catch {
    return null;
  }
}

/**
 * In the frame: let somebody sign in where the intranet does that, and take the ticket they come back with.
 *
 * @param {string} address of the sign-in page; `{room}` in it is the room's name
 * @param {string} room
 * @param {(ticket: string) => void} came
 * @returns {boolean} false where the browser opens no window
 */
export function signIn(address, room, came) {
  const opened = open(address.replaceAll("{room}", encodeURIComponent(room)), "_blank", "popup,width=520,height=720");
  if (opened === null) return false;
  const listening = new AbortController();
  addEventListener(
    "message",
    (event) => {
      if (!says(event, opened, "ticket") || typeof event.data.ticket !== "string") return;
      listening.abort();
      opened.postMessage({ t: "thanks" }, location.origin);
      came(event.data.ticket);
    },
    { signal: listening.signal },
  );
  return true;
}
