/** The lobby: asks which rooms there are, now and then again, and shows them. */

import { coverNow, coveredBefore, onThreeShifts } from "../room/cover.js";
import { byId, write } from "../room/dom.js";
import { card } from "./card.js";

const AGAIN_MS = 20_000;

/** @typedef {import("./card.js").RoomInfo} RoomInfo */

let shown = "";

/** @param {RoomInfo[]} rooms */
function show(rooms) {
  const stamp = JSON.stringify(rooms);
  if (stamp === shown) return;
  shown = stamp;
  const list = byId("rooms");
  const focused = document.activeElement instanceof HTMLAnchorElement ? document.activeElement.pathname : "";
  list.replaceChildren(...rooms.map(card));
  for (const link of list.querySelectorAll("a")) if (link.pathname === focused) link.focus();
}

async function look() {
  let sentence = "";
  try {
    const answer = await fetch("/api/rooms");
    if (!answer.ok) throw new Error("no rooms just now");
    const { rooms } = await answer.json();
    show(rooms);
    if (rooms.length === 0) {
      sentence = "There is no room yet.\nWhoever runs this server opens the first one. If you were sent here, ask them for a link.";
    }
  } catch {
    sentence = "The rooms cannot be shown just now. This page tries again by itself.";
  }
  write(byId("none"), sentence);
}

function start() {
  byId("lobby").hidden = false;
  onThreeShifts(cover);
  for (const hide of document.querySelectorAll("[data-hide]")) hide.addEventListener("click", cover);
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
