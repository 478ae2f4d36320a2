/** Coming in as somebody who has signed in with this server: loaded where it offers that. */

/**
 * A ticket for one entry within a minute; null where nobody is signed in. A room that is open is entered
 * without, as nobody in particular, but by facilitators.
 *
 * @param {string} room @param {boolean} open
 * @returns {Promise<string | null>}
 */
export async function ticketFor(room, open) {
  try {
    const { signed_in, role } = await (await fetch("/api/sign-in")).json();
    if (signed_in !== true || (open && role !== "facilitator")) return null;
    const answer = await fetch("/api/ticket", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ room }),
    });
    return answer.ok ? (await answer.json()).ticket : null;
  } catch {
    // The room then says what it asks for.
    return null;
  }
}
