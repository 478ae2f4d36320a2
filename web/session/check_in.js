/**
 * How heavy it is, and how alone one feels: a sheet that whoever likes fills in, before a session and after it.
 *
 * Loaded when somebody opens it. What was chosen goes to the server once and is kept nowhere on the page; that
 * the burnout question was answered this month is kept by the device, so that it asks monthly at most.
 */

import { Keep } from "../client/keep.js";
import { button, el, write } from "../room/dom.js";
import { number, say } from "../words/say.js";

/** @typedef {import("./view.js").SessionNow} SessionNow */

const MOST = 10;
const SENTENCES = [1, 2, 3, 4, 5];
const KEY = "chatd.measure";
/** In a frame nothing outlives the tab. */
const device = new Keep(() => (window.top === window ? localStorage : sessionStorage));

/**
 * @param {SessionNow} now
 * @param {(answers: Record<string, unknown>) => Promise<import("../client/wire.js").Refused | null>} send
 */
export function checkIn(now, send) {
  const asked = now.you.check_in;
  const month = now.occurrence.slice(0, 6);
  const heavy = scale(say("session.check_heavy"), say("session.check_heavy_least"), say("session.check_heavy_most"));
  const alone = scale(say("session.check_alone"), say("session.check_alone_least"), say("session.check_alone_most"));
  const measure = now.you.measure && device.get(KEY) !== month ? burnout() : null;
  const trouble = el("p", { class: "quiet", role: "status" });
  const sheet = el("dialog", { class: "check-in", "aria-labelledby": "check-in-title" });
  const done = button(say("session.check_send"), () => void finish(), { class: "main" });

  async function finish() {
    if (heavy.value() === null || alone.value() === null) return write(trouble, say("session.check_needs"));
    if (done.getAttribute("aria-disabled") === "true") return;
    done.setAttribute("aria-disabled", "true");
    const third = measure?.value() ?? null;
    const refused = await send({ t: "check_in", asked, heavy: heavy.value(), alone: alone.value(), ...(third !== null && { burnout: third }) });
    done.removeAttribute("aria-disabled");
    if (refused) return write(trouble, refused.message);
    if (third !== null) device.set(KEY, month);
    sheet.close();
  }

  sheet.append(
    el("h2", { id: "check-in-title", tabindex: "-1" }, asked === "after" ? say("session.check_after") : say("session.check_before")),
    el("p", { class: "quiet" }, say("session.check_about")),
    heavy.element,
    alone.element,
    ...(measure ? [measure.element] : []),
    trouble,
    el("div", { class: "actions" }, done, button(say("session.later"), () => sheet.close())),
  );
  sheet.addEventListener("close", () => sheet.remove());
  document.body.append(sheet);
  sheet.showModal();
}

/** From 0 to 10, with words at both ends; nothing is chosen to begin with. @param {string} legend @param {string} least @param {string} most */
function scale(legend, least, most) {
  const inputs = Array.from({ length: MOST + 1 }, (_, value) => {
    const says = value === 0 ? `${number(0)}, ${least}` : value === MOST ? `${number(MOST)}, ${most}` : number(value);
    return el("input", { type: "radio", name: legend, value: String(value), "aria-label": says });
  });
  const steps = inputs.map((input, value) => el("label", { class: "step" }, input, el("span", { "aria-hidden": "true" }, number(value))));
  const ends = el("p", { class: "ends quiet", "aria-hidden": "true" }, el("span", {}, least), el("span", {}, most));
  return { element: el("fieldset", { class: "steps" }, el("legend", {}, legend), el("div", { class: "steps-row" }, ...steps), ends), value: () => chosen(inputs) };
}

/** The single-item measure: five sentences, of which one fits; may be left out. */
function burnout() {
  const inputs = SENTENCES.map((value) => el("input", { type: "radio", name: "burnout", value: String(value) }));
  const rows = inputs.map((input, index) => el("label", { class: "option" }, input, el("span", {}, say(`session.check_burnout_${index + 1}`))));
  const list = el("fieldset", { class: "options" }, el("legend", {}, say("session.check_burnout")), ...rows);
  return { element: el("div", {}, list, el("p", { class: "quiet" }, say("session.check_burnout_about"))), value: () => chosen(inputs) };
}

/** @param {HTMLInputElement[]} inputs */
function chosen(inputs) {
  const one = inputs.find((input) => input.checked);
  return one === undefined ? null : Number(one.value);
}
