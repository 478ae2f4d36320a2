/**
 * What waits for a facilitator, folded from the events of the facilitators' own room. Pure.
 *
 *   word_asked  until a facilitator has taken it: they answer it with the reaction "heard"
 *   held        until decided
 *   appealed    until answered, by another than the one it is against
 *
 * @typedef {{t: string, room: string, seq: number, at: number, handle: string} & Record<string, any>} RoomEvent of any kind
 * @typedef {object} Matter one thing that waits
 * @property {"word" | "held" | "appeal"} kind
 * @property {number} seq in the facilitators' room
 * @property {number} at
 * @property {string} handle whose it is
 * @property {string} by who has taken it; "" while nobody has
 * @property {boolean} mine whether one may act on it oneself
 * @property {string} line "word": the room to answer in
 * @property {string} text "held": the post; "appeal": what they say
 * @property {string} what "appeal": against which deed
 * @property {number | null} target "appeal": the post that it is about
 */

/** @type {Record<string, Matter["kind"]>} */
const KINDS = { word_asked: "word", held: "held", appealed: "appeal" };

/**
 * @param {Iterable<RoomEvent>} events of the facilitators' room, each once, in order
 * @param {string} me one's own handle
 * @returns {Matter[]} the oldest first
 */
export function desk(events, me) {
  /** @type {Map<number, Matter>} */
  const open = new Map();
  /** Who reacted, by the reaction's seq. @type {Map<number, number>} */
  const taken = new Map();
  for (const event of events) {
    const kind = KINDS[event.t];
    if (kind) {
      // Somebody who asks twice stands here once, with the last of it.
      if (kind === "word") for (const [seq, one] of open) if (one.kind === "word" && one.handle === event.handle) open.delete(seq);
      open.set(event.seq, {
        kind,
        seq: event.seq,
        at: event.at,
        handle: event.handle,
        by: "",
        mine: kind !== "appeal" || event.against !== me,
        line: event.line ?? "",
        text: event.text ?? "",
        what: event.what ?? "",
        target: event.target ?? null,
      });
    } else if (event.t === "decided" || event.t === "appeal_answered") open.delete(event.target);
    else if (event.t === "reacted" && event.kind === "heard" && !event.withdrawn) {
      const matter = open.get(event.target);
      if (matter?.by === "") {
        matter.by = event.handle;
        taken.set(event.seq, event.target);
      }
    } else if (event.t === "withdrawn") {
      const matter = open.get(taken.get(event.target) ?? 0);
      if (matter) matter.by = "";
    }
  }
  return [...open.values()];
}

/**
 * What somebody wrote in their line that no facilitator has answered. Pure.
 *
 * @param {Iterable<{seq: number, handle: string}>} posts of the line, in order @param {string} whose line it is
 * @returns {number} its seq; 0 for nothing
 */
export function whisper(posts, whose) {
  let last = 0;
  for (const post of posts) last = post.handle === whose ? post.seq : 0;
  return last;
}

/** What still waits for somebody: what was taken waits no more. @param {Matter[]} matters */
export function waiting(matters) {
  return matters.filter((one) => one.by === "");
}
