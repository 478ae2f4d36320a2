/** What the doctor knows (findings.json) with its sentences, in one: as the judge takes it. Pure. */

/**
 * @typedef {import("./judge.js").Words} Words
 * @typedef {import("./judge.js").State} State
 * @typedef {{limits: Words["limits"], states: State[], checks: string[], verdicts: Record<string, State>,
 *            findings: Record<string, State>, reasons: string[], products: Words["products"]}} Known findings.json
 */

/**
 * @param {Known} known
 * @param {(key: string) => string} say a sentence of ../words/LANGUAGE/findings.json, with its {places} as they are
 * @returns {Words}
 */
export function worded({ limits, states, checks, verdicts, findings, products }, say) {
  /** @template T @param {readonly string[]} names @param {(name: string) => T} make @returns {Record<string, T>} */
  const each = (names, make) => Object.fromEntries(names.map((name) => [name, make(name)]));
  return {
    limits,
    products,
    states: each(states, (state) => say(`state_${state}`)),
    checks: checks.map((check) => [check, say(`check_${check}`)]),
    verdicts: each(Object.keys(verdicts), (name) => [verdicts[name] ?? "unknown", say(`verdict_${name}`)]),
    findings: each(Object.keys(findings), (name) => {
      const key = name.replace(".", "_");
      return [findings[name] ?? "unknown", say(key), say(`${key}_it`)];
    }),
    way: say("way"),
  };
}
