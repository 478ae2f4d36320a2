/**
 * The links to this page in other languages. What else the address says stays in it; the right to enter,
 * which left the address when the page began, goes along after the "#", which no server sees.
 */

/** @param {HTMLElement} links @param {string | null} ticket */
export function keepAddress(links, ticket) {
  links.addEventListener("click", (event) => {
    const link = event.target instanceof Element ? event.target.closest("a") : null;
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    const asked = new URLSearchParams(location.search);
    asked.set("lang", link.lang);
    location.replace(`${location.pathname}?${asked}${ticket === null ? "" : `#ticket=${encodeURIComponent(ticket)}`}`);
  });
}
