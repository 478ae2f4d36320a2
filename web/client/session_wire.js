/**
 * The wire of sessions, as a page sees it: types only, for the type checker. Nothing loads this file.
 *
 * `docs/protocol.md` is the definition; `wire.js` has the frames that every room has.
 *
 * @typedef {import("./wire.js").RoomEvent} RoomEvent
 */

/**
 * What happened in a session's room, and in those that belong to it; what has no field of its own is left out.
 *
 * @typedef {{room: string, seq: number, at: number, handle: string}} Head `handle` is "" where it was the clock
 * @typedef {Head & {t: "phase_changed", phase: SessionPhase, item?: number, title?: string, prompt?: string, until?: number | null, late_s?: number}} PhaseChanged
 * @typedef {Head & {t: "paused", why: "quiet" | "no_facilitator", until?: number | null}} Paused
 * @typedef {Head & {t: "resumed", phase: SessionPhase, took_over?: boolean}} Resumed
 * @typedef {Head & {t: "extended", minutes: number}} Extended
 * @typedef {Head & {t: "announced", kind: "announcement" | "prompt" | "resource", text: string, url?: string | null}} Announced
 * @typedef {Head & {t: "round_started", prompt: string, order: string[]}} RoundStarted
 * @typedef {Head & {t: "poll_opened", question: string, options: string[]}} PollOpened
 * @typedef {Head & {t: "poll_closed", poll: number, results?: number[] | null}} PollClosed
 * @typedef {Head & {t: "hidden", target: number, rule: string, on: boolean}} Hidden
 * @typedef {Head & {t: "split_up", groups: string[][], until?: number | null}} SplitUp
 * @typedef {Head & {t: "recalled"}} Recalled
 * @typedef {"hidden" | "shown" | "mute" | "hold" | "remove" | "approved" | "declined" | "upheld" | "overturned"} What
 * @typedef {Head & {t: "told", what: What, on?: boolean, target?: number | null, rule?: string, reason?: string}} Told
 * @typedef {Head & {t: "word_offered"}} WordOffered
 * @typedef {Head & {t: "word_answered", yes: boolean, by?: string}} WordAnswered
 * @typedef {Head & {t: "word_ended"}} WordEnded
 * @typedef {Head & {t: "round_ended" | "resumed" | "admitted" | "departed" | "waited" | "accepted" | "voted" | "moderated"
 *           | "hand_raised" | "floor_given" | "floor_set" | "turn_ended" | "pinned" | "locked" | "restricted"
 *           | "word_asked" | "held" | "decided" | "appealed" | "appeal_answered", [field: string]: unknown}} Unshown
 * @typedef {PhaseChanged | Paused | Resumed | Extended | Announced | RoundStarted | PollOpened | PollClosed | SplitUp
 *           | Recalled | Told | WordOffered | WordAnswered | WordEnded} Noted what a timeline can show between posts
 * @typedef {RoomEvent | Noted | Hidden | Unshown} AnyEvent
 */

/**
 * A session as it stands for one person (`rooms/session_view.py`). Times are Unix seconds, by the server's clock.
 *
 * @typedef {"scheduled" | "lobby" | "opening" | "open" | "paused" | "winding_down" | "closing_round" | "closed" | "cancelled"} SessionPhase
 * @typedef {{handle: string, since: number, until?: number | null}} Turn
 * @typedef {{prompt: string, todo: string[], done: string[], passed: string[]}} Round
 * @typedef {{hands?: string[], by_hand?: boolean, unheard_first?: boolean, queue_open?: boolean, turn?: Turn | null, round?: Round | null}} Floor
 * @typedef {{member?: boolean, facilitator?: boolean, accepted?: boolean, listening?: boolean, muted?: boolean, held?: boolean,
 *            voted?: boolean, group?: string | null, line?: string | null, check_in?: "before" | "after" | null, measure?: boolean}} You
 * @typedef {object} SessionNow
 * @property {number} seq
 * @property {number} now
 * @property {string} occurrence
 * @property {string} title
 * @property {string} [about]
 * @property {SessionPhase} phase
 * @property {number} since
 * @property {number | null} [until] when what is on is planned to end
 * @property {{index: number, of: number, title: string, prompt?: string, round?: boolean} | null} [item]
 * @property {{title: string, minutes: number, phase: SessionPhase}[]} agenda
 * @property {number} starts_at
 * @property {number} ends_at
 * @property {number} closes_at
 * @property {number | null} [next_at]
 * @property {number | null} [erase_at] when what was said goes, at the latest; from the close on
 * @property {{why: "quiet" | "no_facilitator", since: number, until?: number | null} | null} [pause]
 * @property {Floor} floor
 * @property {number[]} [pins]
 * @property {{id: number, question: string, options: string[], votes: number} | null} [poll]
 * @property {boolean} [locked]
 * @property {number} capacity
 * @property {number} minimum
 * @property {number} members
 * @property {number} [missing]
 * @property {{id: number, groups: string[][], rooms: string[], until?: number | null} | null} [breakouts]
 * @property {[string, string][]} [resources] title and https address
 * @property {[string, string, string][]} [support] what, number or address, verified on
 * @property {You} you
 * @property {Record<string, any> | null} [staff] facilitators only
 */

export {};
