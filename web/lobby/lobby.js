/** The lobby: asks which rooms there are, now and then again, and shows them. */

import { coverNow, coveredBefore, onThreeShifts } from "../room/cover.js";
import { byId, write } from "../room/dom.js";
import { say } from "../words/say.js";
import { card } from "./card.js";
import { inOrder, sessionCard } from "./sessions.js";

const AGAIN_MS = 20_000;

/**
 * @typedef {import("./card.js").RoomInfo} RoomInfo
 * @typedef {import("./sessions.js").SessionInfo} SessionInfo
 */

/** @type {Map<HTMLElement, string>} */
const shown = new Map();

/** Only where something changed, and whoever stood on a link stands there still. @param {HTMLElement} list @param {HTMLElement[]} cards */
function fill(list, cards) {
  const stamp = cards.map((one) => one.innerHTML).join("");
  if (shown.get(list) === stamp) return;
  shown.set(list, stamp);
  const focused = document.activeElement instanceof HTMLAnchorElement ? document.activeElement.pathname : "";
  list.replaceChildren(...cards);
  for (const link of list.querySelectorAll("a")) if (link.pathname === focused) link.focus();
}

/** @template T @param {string} path @returns {Promise<T>} */
async function ask(path) {
  const answer = await fetch(path);
  if (!answer.ok) throw new Error("nothing to show just now");
  return answer.json();
}

async function look() {
  let sentence = "";
  try {
    const planned = ask("/api/sessions").catch(() => ({ sessions: [], now: 0 }));
    const { rooms } = /** @type {{rooms: RoomInfo[]}} */ (await ask("/api/rooms"));
    const { sessions, now } = /** @type {{sessions: SessionInfo[], now: number}} */ (await planned);
    // A session stands above, with its dates; its room need not stand here once more.
    const series = new Set(sessions.map((one) => one.room));
    fill(byId("sessions"), inOrder(sessions).map((one) => sessionCard(one, now || Date.now() / 1000)));
    byId("planned").hidden = sessions.length === 0;
    fill(byId("rooms"), rooms.filter((room) => !series.has(room.name)).map(card));
    if (rooms.length + sessions.length === 0) sentence = say("lobby.none");
  } catch {
    sentence = say("lobby.away");
  }
  write(byId("none"), sentence);
}

function start() {
  byId("lobby").hidden = false;
  onThreeShifts(cover);
  for (const hide of document.querySelectorAll("[data-hide]")) hide.addEventListener("click", cover);
  if (document.documentElement.dataset.signIn) void import("./signing.js").then(({ showSigning }) => showSigning(byId("signing"), byId("foot")));
  void look();
  const timer = setInterval(() => {
    if (document.documentElement.classList.contains("covered")) clearInterval(timer);
    else if (!document.hidden) void look();
  }, AGAIN_MS);
}

function cover() {
  coverNow(() => undefined);
}

addEventListener("pageshow", (event) => event.persisted && coveredBefore(true) && cover());

if (coveredBefore()) cover();
else start();
