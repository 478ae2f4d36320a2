/**
 * Whether a browser would show our page inside another one: frame-ancestors, read as a browser does.
 *
 * Pure. The terminal does the same in chatd/doctor/framing.py; both are held to
 * tests/web/doctor_vectors.json.
 */

const SOURCE = /^(?:([a-z][a-z0-9+.-]*):\/\/)?(\*|(?:\*\.)?[a-z0-9.-]+|\[[0-9a-f:]+\])(?::(\d+|\*))?\/?$/;
const ORIGIN = /^(https?):\/\/([a-z0-9.-]+|\[[0-9a-f:]+\])(?::(\d+))?$/;
const ADDRESS = /^\s*(https?):\/\/([a-z0-9.-]{1,253}|\[[0-9a-f:]{2,45}\])(?::(\d{1,5}))?(?:[/?#]|\s*$)/i;
/** @type {Record<string, string>} */
const PORTS = { http: "80", https: "443" };

/**
 * Whether a page of origin `host` may frame an answer of origin `own`: what each of its rules says.
 * All have to allow it; where there is no rule, all may. CSP Level 3, section 6.4.2: where a policy
 * has frame-ancestors, X-Frame-Options counts no more. Sources match as in section 6.7.2.8, without paths.
 *
 * @param {string} policies the field Content-Security-Policy, joined by commas
 * @param {string} options the field X-Frame-Options
 * @param {string} host @param {string} own
 * @returns {boolean[]}
 */
export function framedBy(policies, options, host, own) {
  const rules = ancestors(policies).map((sources) => sources.some((source) => matches(source, host, own)));
  if (rules.length > 0) return rules;
  const option = options.trim().toUpperCase();
  if (option === "SAMEORIGIN") return [host === own];
  return option === "DENY" ? [false] : [];
}

/** The first frame-ancestors of each policy. @param {string} policies @returns {string[][]} */
function ancestors(policies) {
  return policies
    .slice(0, 10_000)
    .toLowerCase()
    .split(",")
    .flatMap((policy) => {
      const found = policy.split(";").map((one) => one.trim().split(/\s+/)).find(([name]) => name === "frame-ancestors");
      return found ? [found.slice(1)] : [];
    });
}

/** @param {string} source @param {string} host @param {string} own @returns {boolean} */
function matches(source, host, own) {
  if (source === "'self'") return matches(own, host, own);
  const asked = ORIGIN.exec(host);
  if (asked === null || source === "'none'") return false;
  const [, scheme = "", name = "", asksPort] = asked;
  const port = asksPort ?? PORTS[scheme];
  if (source === "*") return true;
  if (source === "http:" || source === "https:") return [source.slice(0, -1), "https"].includes(scheme);
  const wanted = SOURCE.exec(source);
  if (wanted === null) return false;
  const needed = wanted[1] ?? own.split("://")[0] ?? "";
  if (![needed, "https"].includes(scheme) || !(needed in PORTS)) return false;
  const pattern = wanted[2] ?? "";
  if (!(pattern === "*" || pattern === name || (pattern.startsWith("*.") && name.endsWith(pattern.slice(1))))) return false;
  // The port of a source that names none is its scheme's; http may become https (section 6.7.2.11).
  const allowed = wanted[3] ?? PORTS[needed];
  return allowed === "*" || allowed === port || (allowed === "80" && port === "443");
}

/** The origin of a page's address as a browser writes it; null where it is none of http or https. @param {string} address */
export function originOf(address) {
  const found = ADDRESS.exec(address);
  if (found === null) return null;
  const [scheme, name, port] = [found[1]?.toLowerCase() ?? "", found[2]?.toLowerCase() ?? "", found[3]];
  return `${scheme}://${name}${port && port !== PORTS[scheme] ? `:${port}` : ""}`;
}
