/** Small groups, put together: of a size, or by hand; nobody is left alone in one. Pure. */

/**
 * Groups of about `size`, as the server makes them: as equal as can be, and none of one.
 *
 * @param {readonly string[]} handles @param {number} size
 * @returns {string[][]}
 */
export function sized(handles, size) {
  const many = Math.max(1, Math.min(Math.round(handles.length / size), Math.floor(handles.length / 2)));
  /** @type {string[][]} */
  const groups = Array.from({ length: many }, () => []);
  handles.forEach((handle, index) => groups[index % many]?.push(handle));
  return groups;
}

/**
 * The groups that somebody chose by hand; null where one would be alone.
 *
 * @param {ReadonlyMap<string, number>} chosen group by handle
 * @returns {string[][] | null}
 */
export function balanced(chosen) {
  /** @type {Map<number, string[]>} */
  const groups = new Map();
  for (const [handle, group] of chosen) groups.set(group, [...(groups.get(group) ?? []), handle]);
  const made = [...groups].sort(([a], [b]) => a - b).map(([, handles]) => handles);
  return made.length === 0 || made.some((group) => group.length < 2) ? null : made;
}
