/**
 * The shortcuts: one table, which the help shows and the page obeys. Pure but for `listen`.
 *
 * They are single letters, so that one hand is enough; they do nothing while somebody types, and can be
 * switched off (WCAG 2.2, success criterion 2.1.4).
 *
 * @typedef {{key: string, deed: string, says: string}} Shortcut `says` is the key of a sentence
 */

/** @type {readonly Shortcut[]} */
export const SHORTCUTS = Object.freeze([
  { key: "n", deed: "next", says: "facilitate.key_next" },
  { key: "f", deed: "floor", says: "facilitate.key_floor" },
  { key: "b", deed: "back", says: "facilitate.key_back" },
  { key: "q", deed: "quiet", says: "facilitate.key_quiet" },
  { key: "r", deed: "round", says: "facilitate.key_round" },
  { key: "s", deed: "slow", says: "facilitate.key_slow" },
  { key: "a", deed: "announce", says: "facilitate.key_announce" },
  { key: "v", deed: "poll", says: "facilitate.key_poll" },
  { key: "g", deed: "groups", says: "facilitate.key_groups" },
  { key: "e", deed: "extend", says: "facilitate.key_extend" },
  { key: "l", deed: "lock", says: "facilitate.key_lock" },
  { key: "w", deed: "waiting", says: "facilitate.key_waiting" },
  { key: "p", deed: "people", says: "facilitate.key_people" },
  { key: "k", deed: "staff", says: "facilitate.key_staff" },
  { key: "j", deed: "journal", says: "facilitate.key_journal" },
  { key: "!", deed: "crisis", says: "facilitate.key_crisis" },
  { key: "m", deed: "write", says: "facilitate.key_write" },
  { key: "?", deed: "help", says: "facilitate.key_help" },
]);

/**
 * @param {{key: string, ctrlKey: boolean, metaKey: boolean, altKey: boolean, repeat: boolean, isComposing: boolean}} event
 * @param {boolean} typing whether the focus is where letters are text
 * @returns {string | null} the deed
 */
export function deedOf(event, typing) {
  if (typing || event.ctrlKey || event.metaKey || event.altKey || event.repeat || event.isComposing) return null;
  return SHORTCUTS.find((one) => one.key === event.key.toLowerCase())?.deed ?? null;
}

/** @param {EventTarget | null} target */
export function takesLetters(target) {
  if (!(target instanceof Element)) return false;
  if (target.closest("dialog[open]")) return true;
  return target.matches("textarea, select, input:not([type=checkbox], [type=radio], [type=range], [type=button])");
}

/** @param {(deed: string) => void} act @param {() => boolean} on */
export function listen(act, on) {
  document.addEventListener("keydown", (event) => {
    if (!on()) return;
    const deed = deedOf(event, takesLetters(event.target));
    if (deed === null) return;
    event.preventDefault();
    act(deed);
  });
}
