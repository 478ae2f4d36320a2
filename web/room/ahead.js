/**
 * Opens the room's WebSocket while the page's script is still on its way: a small script is there a journey to
 * the server sooner. Whoever wants the socket finds it in the document (`client/connection.js`), once. It says
 * nothing and carries nothing by itself.
 *
 * Not where another way worked last, and not under the notes. Stands alone, and therefore says again what
 * `client/choose.js`, `client/wire.js` and `cover.js` call things (`tests/web/ahead.test.js` compares).
 */

/** @param {() => Storage} storage @param {string} key */
function kept(storage, key) {
  try {
    return storage().getItem(key);
  } catch {
    return null;
  }
}

function mayOpen() {
  const [navigation] = performance.getEntriesByType("navigation");
  const back = navigation instanceof PerformanceNavigationTiming && navigation.type === "back_forward";
  if (location.hash === "#notes" || (back && kept(() => sessionStorage, "notes") !== null)) return false;
  const way = kept(() => sessionStorage, "chatd.way") ?? (window.top === window ? kept(() => localStorage, "chatd.way") : null);
  return way === null || way === '"ws"';
}

if (mayOpen()) {
  const url = `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/ws`;
  Object.assign(globalThis, { [Symbol.for("chatd.ahead")]: new WebSocket(url, "chatd.v1.json") });
}
