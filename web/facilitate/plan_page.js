/** Planning: the list of series, one of them to be changed, its dates, and the links to hand on. */

import { button, el, write } from "../room/dom.js";
import { say, when } from "../words/say.js";
import { dateWords, seriesForm } from "./plan_form.js";
import { Sheet, lineField } from "./sheet.js";

/**
 * @typedef {import("./api.js").Api} Api
 * @typedef {Record<string, any>} Series
 */

/** @type {Sheet | null} */
let sheet = null;
/** What somebody changed in a form and did not save, by the series' name; "" for a new one. @type {Map<string, Series>} */
const drafts = new Map();

/** @param {HTMLElement} desk @param {Api} api */
export function showPlan(desk, api) {
  sheet ??= new Sheet();
  const page = new PlanPage(desk, api, sheet);
  void page.list();
}

class PlanPage {
  /** @param {HTMLElement} desk @param {Api} api @param {Sheet} sheet */
  constructor(desk, api, sheet) {
    this.desk = desk;
    this.api = api;
    this.sheet = sheet;
  }

  /** @param {string} [said] what was done just now */
  async list(said = "") {
    const answer = await this.api.get("/api/series");
    if (!answer.ok) return this.#put(say("planning.page"), el("p", { class: "trouble", role: "alert" }, answer.message));
    /** @type {Series[]} */
    const all = answer.body.series;
    const cards = all.map((one) => this.#card(one));
    this.#put(
      say("planning.page"),
      el("p", { role: "status" }, said),
      el("div", { class: "actions" }, button(say("planning.new"), () => void this.choose(), { class: "main" }), el("a", { class: "button", href: "#after" }, say("planning.after")), el("a", { class: "button", href: "/calendar.ics" }, say("planning.calendar_all"))),
      all.length === 0 ? el("p", {}, say("planning.none")) : el("ul", { class: "series" }, ...cards),
    );
  }

  /** @param {Series} one */
  #card(one) {
    const next = /** @type {{starts_at: number, occurrence: string}[]} */ (one["next"] ?? []);
    return el(
      "li",
      { class: "series-card" },
      el("h2", { dir: "auto" }, one["title"]),
      // The server says it in English; elsewhere the dates below say it.
      el("p", { class: "quiet" }, document.documentElement.lang.startsWith("en") ? say("planning.when_zone", { when: one["when"], zone: one["timezone"] }) : el("bdi", {}, one["timezone"])),
      next.length > 0 ? el("ul", { class: "dates" }, ...next.map((date) => el("li", {}, dateWords(date)))) : el("p", { class: "quiet" }, say("planning.no_dates")),
      el(
        "div",
        { class: "actions" },
        el("a", { class: "button main", href: `#run=${one["name"]}` }, say("planning.run")),
        button(say("planning.edit"), () => void this.edit(one["name"]), { "aria-label": say("planning.edit_title", { title: one["title"] }) }),
        button(say("planning.dates"), () => void this.dates(one["name"]), { "aria-label": say("planning.dates_title", { title: one["title"] }) }),
        button(say("planning.links"), () => void this.links(one["name"]), { "aria-label": say("planning.links_title", { title: one["title"] }) }),
      ),
    );
  }

  async choose() {
    const answer = await this.api.get("/api/templates");
    if (!answer.ok) return this.sheet.ask(say("planning.new"), [el("p", {}, answer.message)], []);
    const list = el("div", { class: "list" });
    for (const template of answer.body.templates) {
      const { name: _, why, ...fields } = template;
      const act = button("", () => {
        this.sheet.close();
        this.#form({ ...fields }, true);
      });
      act.append(el("span", {}, el("strong", {}, template.title), el("br"), el("span", { class: "quiet" }, why || template.about)));
      list.append(act);
    }
    for (const problem of answer.body.problems) list.append(el("p", { class: "quiet" }, problem));
    this.sheet.ask(say("planning.start_from"), [el("div", { class: "deeds" }, list)], []);
  }

  /** @param {string} name */
  async edit(name) {
    const answer = await this.api.get(`/api/series/${name}`);
    if (answer.ok) this.#form(answer.body, false);
    else await this.list(answer.message);
  }

  /** @param {Series} series @param {boolean} fresh */
  #form(series, fresh) {
    const key = fresh ? "" : series["name"];
    const draft = drafts.get(key);
    drafts.delete(key);
    const form = seriesForm({ ...series, ...draft }, fresh, {
      back: (changed) => {
        const left = changed ?? draft;
        if (left) drafts.set(key, left);
        void this.list(left ? say("planning.draft_kept") : "");
      },
      save: async (fields) => {
        const { name, ...rest } = fields;
        const answer = fresh ? await this.api.post("/api/series", fields) : await this.api.put(`/api/series/${name}`, rest);
        if (!answer.ok) return answer.message;
        await this.#kept(answer.body);
        return null;
      },
    });
    const anew = button(say("planning.draft_drop"), () => this.#form(series, fresh), { class: "plain" });
    const yours = draft ? [el("p", { class: "advice", role: "status" }, say("planning.draft_back")), el("div", { class: "actions" }, anew)] : [];
    const away = fresh ? [] : [el("div", { class: "actions" }, button(say("planning.delete"), () => this.#remove(series), { class: "plain soft" }))];
    this.#put(fresh ? say("planning.new") : say("planning.edit_title", { title: series["title"] }), ...yours, ...warnings(series), form, ...away);
  }

  /** @param {Series} series */
  #remove({ name, title }) {
    const act = async () => {
      const gone = await this.api.remove(`/api/series/${name}`);
      if (!gone.ok) return gone.message;
      drafts.delete(name);
      this.sheet.close(); // or the list's heading could not take the focus
      await this.list(say("planning.deleted", { title }));
      return null;
    };
    this.sheet.sure(say("planning.delete_title", { title }), say("planning.delete_about"), { label: say("planning.delete_do", { title }), act }, say("planning.delete_keep"));
  }

  /** @param {Series} series */
  async #kept(series) {
    await this.list(say("planning.kept", { title: series["title"] }));
    if (series["warnings"].length > 0) this.sheet.ask(say("planning.warnings"), [el("ul", { class: "lines" }, ...series["warnings"].map((/** @type {string} */ one) => el("li", {}, one)))], []);
  }

  /** @param {string} name @param {string} [said] */
  async dates(name, said = "") {
    const answer = await this.api.get(`/api/series/${name}`);
    if (!answer.ok) return this.list(answer.message);
    /** @type {Series} */
    const series = answer.body;
    /** @param {Record<string, unknown>} change @param {string} done */
    const change = async (change, done) => {
      const changed = await this.api.post(`/api/series/${name}/exceptions`, { ...change, revision: series["revision"] });
      if (!changed.ok) return changed.message;
      await this.dates(name, done);
      return null;
    };
    const rows = series["occurrences"].map((/** @type {any} */ date) => {
      const { occurrence } = date;
      const words = dateWords(date);
      const acts = el("div", { class: "actions" });
      /** @param {string} label @param {() => void} act */
      const add = (label, act) => acts.append(button(label, act, { "aria-label": say("planning.date_act", { act: label, date: words }) }));
      const trouble = (/** @type {string | null} */ wrong) => wrong && write(status, wrong);
      if (date.cancelled || date.moved_from) add(say("planning.restore"), () => void change({ occurrence, restored: true }, say("planning.restored", { date: words })).then(trouble));
      if (!date.cancelled) add(say("planning.skip"), () => void change({ occurrence, cancelled: true }, say("planning.skipped", { date: words })).then(trouble));
      if (!date.cancelled) add(say("planning.move"), () => this.#move(date, change));
      const about = date.cancelled ? say("planning.is_cancelled") : date.moved_from ? say("planning.is_moved") : "";
      return el("li", { class: date.cancelled ? "date cancelled" : "date" }, el("p", {}, el("span", {}, words), el("span", { class: "quiet" }, about)), acts);
    });
    const status = el("p", { role: "status" }, said);
    this.#put(
      say("planning.dates_title", { title: series["title"] }),
      el("p", { class: "quiet" }, say("planning.your_time")),
      status,
      ...warnings(series),
      el("ul", { class: "date-list" }, ...rows),
      el("div", { class: "actions" }, button(say("planning.back"), () => void this.list())),
    );
  }

  /** @param {{occurrence: string, starts_at: number}} date @param {(change: Record<string, unknown>, done: string) => Promise<string | null>} change */
  #move(date, change) {
    const to = lineField(say("planning.move_to"), { type: "datetime-local", note: say("planning.move_note") });
    this.sheet.ask(say("planning.move_title", { date: dateWords(date) }), [to.element], [
      { label: say("planning.move"), main: true, act: () => (to.field.value === "" ? say("planning.move_needs") : change({ occurrence: date.occurrence, moved_to: to.field.value.slice(0, 16) }, say("planning.moved"))) },
    ]);
  }

  /** @param {string} name */
  async links(name) {
    const found = await this.api.get(`/api/series/${name}`);
    if (!found.ok) return this.list(found.message);
    const rows = el("div", { class: "form" });
    for (const who of /** @type {const} */ (["participant", "co_facilitator", "facilitator"])) {
      const out = lineField(say(`planning.link_${who}`), { max: 5_000, note: say(`planning.link_${who}_note`) });
      out.field.readOnly = true;
      out.field.dir = "ltr";
      const until = el("p", { class: "quiet" });
      const make = button(say("planning.link_make"), () => void get(), { "aria-label": say("planning.link_make_for", { who: say(`planning.link_${who}`) }) });
      const get = async () => {
        const link = await this.api.post(`/api/series/${name}/links`, { for: who });
        out.field.value = link.ok ? link.body.url : link.message;
        out.field.focus();
        out.field.select();
        const at = link.ok ? Number(link.body.expires_at) * 1000 : 0;
        write(until, link.ok ? say(who === "participant" ? "planning.link_once_until" : "planning.link_until", { day: when(at, "day"), time: when(at, "time") }) : "");
        if (link.ok) write(said, await copied(link.body.url) ? say("planning.link_copied") : say("planning.link_made"));
      };
      rows.append(out.element, until, el("div", { class: "actions" }, make));
    }
    const said = el("p", { role: "status" });
    const room = `/room/${encodeURIComponent(name)}`;
    this.sheet.ask(
      say("planning.links_title", { title: found.body.title }),
      [
        rows,
        said,
        el(
          "div",
          { class: "actions" },
          el("a", { class: "button", href: `${room}/poster`, target: "_blank", rel: "noopener" }, say("planning.poster")),
          el("a", { class: "button", href: `/calendar/${encodeURIComponent(name)}.ics` }, say("planning.calendar")),
        ),
      ],
      [],
    );
  }

  /** @param {string} title @param {...Node} parts */
  #put(title, ...parts) {
    const heading = el("h1", { tabindex: "-1" }, title);
    this.desk.replaceChildren(heading, ...parts);
    heading.focus();
    window.scrollTo(0, 0);
  }
}

/** @param {Series} series */
function warnings(series) {
  const said = /** @type {string[]} */ (series["warnings"] ?? []);
  return said.length === 0 ? [] : [el("ul", { class: "advice-list" }, ...said.map((one) => el("li", {}, one)))];
}

/** Whether the browser let it be copied. @param {string} text */
async function copied(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}
