/**
 * Who is in the room, folded from `joined` and `presence`. Pure.
 *
 * In a crowd the server names nobody; `count` is right always, and `named` says whether the
 * people are.
 *
 * @typedef {import("./wire.js").Person} Person
 * @typedef {{people: ReadonlyMap<string, Person>, count: number, named: boolean}} Roster
 */

/** @type {Roster} */
export const NOBODY = Object.freeze({ people: new Map(), count: 0, named: true });

/**
 * @param {Person[]} people
 * @param {number} count
 * @returns {Roster}
 */
export function began(people, count) {
  return { people: new Map(people.map((one) => [one.handle, one])), count, named: people.length >= count };
}

/**
 * @param {Roster} roster
 * @param {import("./wire.js").Presence} change
 * @returns {Roster}
 */
export function changed(roster, change) {
  const people = new Map(roster.people);
  for (const handle of change.left ?? []) people.delete(handle);
  for (const one of change.joined ?? []) people.set(one.handle, one);
  for (const handle of change.away ?? []) mark(people, handle, true);
  for (const handle of change.back ?? []) mark(people, handle, false);
  const named = people.size >= change.count;
  return { people: named ? people : new Map(), count: change.count, named };
}

/** @param {Map<string, Person>} people @param {string} handle @param {boolean} away */
function mark(people, handle, away) {
  const one = people.get(handle);
  if (one) people.set(handle, { ...one, away });
}

/**
 * The order in which a roster is read: oneself, facilitators, then by handle.
 *
 * @param {Roster} roster
 * @param {string} me
 */
export function inOrder(roster, me) {
  /** @param {Person} one */
  const rank = (one) => (one.handle === me ? 0 : one.role === "facilitator" ? 1 : 2);
  return [...roster.people.values()].sort((a, b) => rank(a) - rank(b) || a.handle.localeCompare(b.handle));
}
