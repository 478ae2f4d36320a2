import assert from "node:assert/strict";
import { test } from "node:test";
import { away, day, first, has, lasting, list, number, refusal, say, speak, spoken, when } from "../../web/words/say.js";
import { LANGUAGES, catalogues } from "./words.js";

const NOON = Date.UTC(2026, 11, 1, 12, 0);

/** @param {string} language @param {string[]} [regions] */
const in_ = (language, regions) => speak(language, catalogues(language), regions);

test("a sentence is said with what goes into it, and a key that is not there is its own sentence", () => {
  in_("en");
  assert.equal(say("room.typing_two", { first: "quiet heron", second: "amber otter" }), "quiet heron and amber otter are writing");
  assert.equal(say("room.typing_one"), "{name} is writing");
  assert.equal(say("room.not_there"), "room.not_there");
  for (const key of ["room.constructor", "constructor.name", "__proto__.x", "room", ""]) assert.ok(!has(key), key);
  assert.equal(spoken(), "en");
});

test("what goes in is text: it fills no place of its own", () => {
  in_("en");
  assert.equal(say("room.reply_to", { name: "a", text: "{name} $& $1" }), "To a: {name} $& $1");
});

test("every plural form that a language has is chosen by the number", () => {
  in_("en");
  assert.deepEqual([1, 2, 10].map((count) => say("room.new_messages", { count })), ["One new message", "2 new messages", "10 new messages"]);
  in_("ar");
  const forms = [1, 2, 3, 11, 100].map((count) => say("room.people_here", { count }));
  assert.deepEqual(forms, ["شخص واحد هنا", "شخصان هنا", "3 أشخاص هنا", "11 شخصًا هنا", "100 شخص هنا"]);
  in_("fr");
  assert.equal(say("room.left", { count: 0 }), "Encore 0 caractère");
});

test("the categories in languages.json are those of the whole numbers of each language", () => {
  for (const { code, dir, plurals } of LANGUAGES) {
    assert.deepEqual([...plurals].sort(), new Intl.PluralRules(code).resolvedOptions().pluralCategories.slice().sort(), code);
    assert.equal(dir, new Intl.Locale(code).maximize().script === "Arab" ? "rtl" : "ltr");
  }
});

test("a plural form leaves its number out only where it stands for one number", () => {
  for (const { code } of LANGUAGES) {
    const rules = new Intl.PluralRules(code);
    /** @param {string} category */
    const standsFor = (category) => Array.from({ length: 1000 }, (_, at) => at).filter((at) => rules.select(at) === category).length;
    for (const [catalogue, sentences] of Object.entries(catalogues(code))) {
      for (const [key, forms] of Object.entries(sentences)) {
        if (typeof forms === "string" || !Object.values(forms).some((form) => form.includes("{count}"))) continue;
        for (const [category, form] of Object.entries(forms)) {
          if (!form.includes("{count}")) assert.equal(standsFor(category), 1, `${code} ${catalogue}.${key}.${category}`);
        }
      }
    }
  }
});

test("numbers, lists, dates and spans are the language's own", () => {
  in_("de");
  assert.deepEqual([number(4000), list(["a", "b", "c"]), lasting(15), lasting(60)], ["4.000", "a, b und c", "15 Sekunden", "1 Minute"]);
  assert.match(when(NOON, "day"), /^Dienstag, 1\. Dezember$/);
  in_("fr");
  assert.deepEqual([list(["a", "b"]), away(600), away(-7200)], ["a et b", "dans 10 minutes", "il y a 2 heures"]);
  in_("es");
  assert.equal(lasting(1800), "30 minutos");
});

test("English writes dates as the browser's owner does, and else as most of the world", () => {
  const afternoon = new Date(2026, 11, 1, 15, 5).getTime();
  in_("en", ["de-DE", "en-US"]);
  assert.match(when(afternoon, "time"), /^3:05\sPM$/u);
  in_("en", ["de-DE"]);
  assert.equal(when(afternoon, "time"), "15:05");
});

test("in Arabic the digits are those of the sentences, and the calendar is the roster's", () => {
  for (const regions of [[], ["ar-SA"], ["ar-EG"]]) {
    in_("ar", regions);
    assert.match(when(NOON, "date"), /2026/);
    assert.equal(number(24), "24");
  }
});

test("today and yesterday are days of the calendar, not spans of 24 hours", () => {
  in_("en");
  const morning = new Date(2026, 2, 29, 8).getTime();
  assert.equal(day(morning, new Date(2026, 2, 29, 23, 59).getTime()), "Today");
  assert.equal(day(new Date(2026, 2, 28, 23, 59).getTime(), morning), "Yesterday");
  assert.equal(day(new Date(2026, 2, 27, 23, 59).getTime(), morning), "Friday 27 March");
  in_("ar");
  assert.equal(day(morning, morning), "اليوم");
  in_("fr");
  assert.equal(day(morning, morning), "Aujourd’hui");
});

test("text that runs the other way is kept apart, and only that", () => {
  in_("en");
  assert.equal(say("room.reply_to", { name: "quiet heron", text: "شكرًا!" }), "To quiet heron: \u2068شكرًا!\u2069");
  in_("ar");
  assert.equal(say("room.typing_one", { name: "quiet heron" }), "\u2068quiet heron\u2069 يكتب الآن");
  assert.equal(list(["a", "b"]), "\u2068a\u2069 و\u2068b\u2069");
});

test("a refusal is told by its code, and what is not known as the server tells it", () => {
  in_("de");
  assert.equal(refusal({ code: "room_full", message: "Full." }), "Der Raum ist gerade voll. Versuchen Sie es in ein paar Minuten noch einmal.");
  assert.equal(refusal({ code: "of_tomorrow", message: "Wait." }), "Wait.");
  assert.equal(refusal({ code: "constructor", message: "Wait." }), "Wait.");
});

test("a capital at the beginning, where the script has them", () => {
  in_("de");
  assert.deepEqual(["östlich", "ßa", "", "אב"].map(first), ["Östlich", "SSa", "", "אב"]);
});
