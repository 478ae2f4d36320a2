/**
 * The page of facilitators: who opens it with their link is in. Three views, by the address:
 *
 *   #plan               the series, their dates, what is in them
 *   #run=ROOM           the room of one that is on
 *   #after              what remains of those that are over, and how it was
 *
 * The ticket comes in the address, behind the #, leaves it at once and is kept for the time of the tab.
 */

import { Keep } from "../client/keep.js";
import { coverNow, coveredBefore, onThreeShifts } from "../room/cover.js";
import { button, byId, closeDialogs, write } from "../room/dom.js";
import { say } from "../words/say.js";
import { Api, roomOf } from "./api.js";
import { RunPage } from "./run_page.js";

const KEPT = "chatd.planner";

const keep = new Keep(() => sessionStorage);
/** @type {RunPage | null} */
let run = null;
/** @type {Api} */
let api;

/** What the address says: the ticket leaves it. */
function arrive() {
  const said = new URLSearchParams(location.hash.slice(1));
  const ticket = said.get("ticket");
  if (ticket) {
    keep.set(KEPT, ticket);
    const room = said.get("room") ?? roomOf(ticket);
    history.replaceState(null, "", `${location.pathname}${location.search}${room === "*" ? "#plan" : `#run=${room}`}`);
  }
  return keep.get(KEPT);
}

async function show() {
  const said = new URLSearchParams(location.hash.slice(1));
  const room = said.get("run");
  byId("planning").hidden = true;
  closeDialogs();
  if (room !== null) return begin(room);
  if (run !== null) {
    // One conversation to a page: what was open is left without giving up the seat.
    location.reload();
    return;
  }
  byId("door").hidden = true;
  const desk = byId("desk");
  byId("planning").hidden = false;
  if (said.has("after")) (await import("./after_page.js")).showAfter(desk, api);
  else (await import("./plan_page.js")).showPlan(desk, api);
}

/** @param {string} room */
async function begin(room) {
  if (run?.seat.room === room) return;
  if (run !== null) return location.reload();
  const kept = keep.get(`chatd.seat.${room}`) !== null;
  door(say("facilitate.coming_in"));
  let ticket = keep.get(KEPT);
  if (!kept && roomOf(ticket) === "*") {
    const link = await api.post(`/api/series/${encodeURIComponent(room)}/links`, { for: "facilitator" });
    if (!link.ok) return door(link.message);
    ticket = new URLSearchParams(new URL(String(link.body.url), location.href).hash.slice(1)).get("ticket");
  }
  run = new RunPage(room, kept ? null : ticket, keep, (why, final) => door(why, final ? room : undefined));
  run.start();
}

/** What stands in the way, and what can be done. @param {string} why @param {string} [room] that one may try to enter again */
function door(why, room) {
  byId("door").hidden = false;
  byId("planning").hidden = true;
  write(byId("door-text"), why);
  const acts = room === undefined ? [] : [button(say("facilitate.try_again"), () => location.reload(), { class: "main" })];
  if (keep.get(KEPT) !== null) acts.push(button(say("facilitate.sessions"), () => ((location.hash = "#plan"), location.reload())), button(say("planning.after"), () => ((location.hash = "#after"), location.reload())));
  byId("door-acts").replaceChildren(...acts);
}

function cover() {
  coverNow(() => run?.leave());
}

for (const hide of document.querySelectorAll("[data-hide]")) hide.addEventListener("click", cover);
onThreeShifts(cover);
addEventListener("pageshow", (event) => event.persisted && coveredBefore(true) && cover());

if (coveredBefore()) cover();
else {
  const ticket = arrive();
  api = new Api(ticket ?? "");
  addEventListener("hashchange", () => {
    if (new URLSearchParams(location.hash.slice(1)).has("ticket")) location.reload();
    else void show();
  });
  if (ticket === null) door(say("facilitate.needs_link_here"));
  else await show();
}
