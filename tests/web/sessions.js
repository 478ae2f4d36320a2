/** A session as the server says it stands, for tests: an hour of four parts, in its second one. */

export const START = 1_700_000_000;

/** @param {Record<string, any>} [more] */
export const now = (more = {}) => ({
  seq: 40,
  now: START + 600,
  occurrence: "20231114T221320Z",
  title: "After the night",
  phase: "open",
  since: START + 300,
  until: START + 1200,
  item: { index: 1, of: 4, title: "Arriving", prompt: "One word for how you come here." },
  agenda: [
    { title: "Welcome", minutes: 5, phase: "opening" },
    { title: "Arriving", minutes: 15, phase: "open" },
    { title: "Talking", minutes: 30, phase: "open" },
    { title: "Closing", minutes: 10, phase: "closing_round" },
  ],
  starts_at: START,
  ends_at: START + 3600,
  closes_at: START + 3900,
  floor: { queue_open: true },
  capacity: 8,
  minimum: 3,
  members: 4,
  you: { member: true, accepted: true, line: "night~line.abcdefghijkl" },
  ...more,
});
