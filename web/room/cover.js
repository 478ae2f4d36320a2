/**
 * The quick exit: Shift three times, or a button, and a plain page of notes stands there.
 *
 * Drawn from here, so it needs no network. The address becomes one that shows the same notes
 * again after a reload, in the same place of the history. The tab also remembers that it was
 * covered, so that "back" finds the notes on every page of ours; whoever opens a page anew, by a
 * link or its address, finds that page.
 */

import { chosen, say } from "../words/say.js";
import { closeDialogs, el } from "./dom.js";

/** Every page of ours draws the notes itself where its address ends like this. */
export const NOTES = "#notes";

const LINES = ["common.note_food", "common.note_batteries", "common.note_books", "common.note_bicycle", "common.note_plants"];
const WITHIN_MS = 800;

const COVERED = "notes";

/** Storage may be forbidden; then "back" is as the browser has it. @param {(storage: Storage) => boolean} use */
function remembered(use) {
  try {
    return use(sessionStorage);
  } catch {
    return false;
  }
}

/** @param {boolean} restored whether the page came out of the browser's memory, as it was */
function isBack(restored) {
  const [navigation] = performance.getEntriesByType("navigation");
  return restored || (navigation instanceof PerformanceNavigationTiming && navigation.type === "back_forward");
}

/** Whether the notes stand here, as this page is opened. @param {boolean} [restored] */
export function coveredBefore(restored = false) {
  if (location.hash === NOTES) return true;
  if (isBack(restored)) return remembered((storage) => storage.getItem(COVERED) !== null);
  remembered((storage) => (storage.removeItem(COVERED), false));
  return false;
}

/** Replace everything on the page by the notes. */
export function drawCover() {
  closeDialogs();
  document.title = say("common.notes");
  document.documentElement.className = "covered";
  const list = el("ul", {}, ...LINES.map((line) => el("li", {}, say(line))));
  document.body.replaceChildren(el("main", { class: "cover" }, el("h1", {}, say("common.notes")), list));
  window.scrollTo(0, 0);
}

/** @param {() => void} leave what else must happen, after the cover stands */
export function coverNow(leave) {
  // In a frame the lobby would not be shown, and nobody sees the address.
  const page = document.documentElement.classList.contains("embedded") ? location.pathname : "/";
  drawCover();
  history.replaceState(null, "", page + chosen() + NOTES);
  leave();
  // Of the tab and of this browser nothing stays but that the notes stand here.
  remembered((storage) => (storage.clear(), storage.setItem(COVERED, "1"), true));
  remembered(() => (localStorage.clear(), true));
}

/** Calls `act` when Shift is pressed three times with nothing in between. @param {() => void} act */
export function onThreeShifts(act) {
  let presses = 0;
  let at = 0;
  addEventListener(
    "keydown",
    (event) => {
      if (event.repeat) return;
      if (event.key !== "Shift") {
        presses = 0;
        return;
      }
      presses = event.timeStamp - at <= WITHIN_MS ? presses + 1 : 1;
      at = event.timeStamp;
      if (presses === 3) act();
    },
    { capture: true },
  );
}
