"""What happens in a facilitated session, in the past tense. More of the log's vocabulary; see `events.py`.

Three kinds of room have them: the session's own; the line between one participant and the facilitators; the
facilitators' own (`children.py` names the last two). Where `handle` is empty it was the clock's doing.

`PRIVATE` events are shown to facilitators only, `UNSEEN` ones to nobody; to everybody else they are a
`Moderated` at the same place, because a place is never left out (`audience.py`).

`since`: when it was decided, in Unix seconds. The timers of all nodes count from it; `at` is too coarse.
"""

from typing import Final, Literal, TypeAlias

from rooms.event import Event
from rooms.session import Asked, Limit, Phase


class PhaseChanged(Event, frozen=True, kw_only=True, omit_defaults=True, tag="phase_changed"):
    """The session moved on. `title` and `prompt` are the agenda's, where a new part of it began."""

    phase: Phase
    item: int = 0
    title: str = ""
    prompt: str = ""
    until: int | None = None
    """When this is planned to end, Unix seconds."""
    since: int = 0
    late_s: int = 0
    """The server was away when this was due, and caught up so much later."""


class Paused(Event, frozen=True, kw_only=True, omit_defaults=True, tag="paused"):
    why: Literal["quiet", "no_facilitator"]
    since: int = 0
    until: int | None = None


class Resumed(Event, frozen=True, kw_only=True, omit_defaults=True, tag="resumed"):
    """`took_over`: a facilitator came where none was."""

    phase: Phase
    since: int = 0
    took_over: bool = False


class Extended(Event, frozen=True, kw_only=True, omit_defaults=True, tag="extended"):
    minutes: int


class Admitted(Event, frozen=True, kw_only=True, omit_defaults=True, tag="admitted"):
    """`handle` has a place in the group."""


class Departed(Event, frozen=True, kw_only=True, omit_defaults=True, tag="departed"):
    """`handle` gave up their place, or was gone for long."""


class Waited(Event, frozen=True, kw_only=True, omit_defaults=True, tag="waited"):
    """`handle` stands in the waiting line, or asked again."""

    since: int = 0


class Accepted(Event, frozen=True, kw_only=True, omit_defaults=True, tag="accepted"):
    """The ground rules. `listen`: here to listen."""

    listen: bool = False


class HandRaised(Event, frozen=True, kw_only=True, omit_defaults=True, tag="hand_raised"):
    """`up` false: `handle` put their hand down again."""

    up: bool


class FloorGiven(Event, frozen=True, kw_only=True, omit_defaults=True, tag="floor_given"):
    """`to` has the floor; None: nobody has."""

    to: str | None = None
    since: int = 0
    until: int | None = None


class FloorSet(Event, frozen=True, kw_only=True, omit_defaults=True, tag="floor_set"):
    by_hand: bool
    unheard_first: bool


class RoundStarted(Event, frozen=True, kw_only=True, omit_defaults=True, tag="round_started"):
    prompt: str
    order: tuple[str, ...]


class TurnEnded(Event, frozen=True, kw_only=True, omit_defaults=True, tag="turn_ended"):
    """`whose` turn is over; `passed`: they passed, which is fine."""

    whose: str
    passed: bool = False


class RoundEnded(Event, frozen=True, kw_only=True, omit_defaults=True, tag="round_ended"):
    pass


class Announced(Event, frozen=True, kw_only=True, omit_defaults=True, tag="announced"):
    """Something from the facilitators that stands out: a word to all, a card to think about, a link."""

    kind: Literal["announcement", "prompt", "resource"]
    text: str
    url: str | None = None
    everywhere: bool = False
    """Said in every small group too."""


class Pinned(Event, frozen=True, kw_only=True, omit_defaults=True, tag="pinned"):
    target: int
    on: bool


class PollOpened(Event, frozen=True, kw_only=True, omit_defaults=True, tag="poll_opened"):
    question: str
    options: tuple[str, ...]


class Voted(Event, frozen=True, kw_only=True, omit_defaults=True, tag="voted"):
    """`handle` voted. What for is nowhere."""

    poll: int


class CheckedIn(Event, frozen=True, kw_only=True, omit_defaults=True, tag="checked_in"):
    """Unseen. `handle` said how heavy it is; what they said is nowhere."""

    asked: Asked


class PollClosed(Event, frozen=True, kw_only=True, omit_defaults=True, tag="poll_closed"):
    """`results` None: too few voted for anything to be shown."""

    poll: int
    results: tuple[int, ...] | None = None


class Hidden(Event, frozen=True, kw_only=True, omit_defaults=True, tag="hidden"):
    """The post at `target` is shown to nobody but its author; `on` false: it is shown again."""

    target: int
    rule: str
    reason: str = ""
    """For the author and the facilitators; `audience.py` leaves it out for everybody else."""
    on: bool


class Locked(Event, frozen=True, kw_only=True, omit_defaults=True, tag="locked"):
    on: bool


class SplitUp(Event, frozen=True, kw_only=True, omit_defaults=True, tag="split_up"):
    """The group went into small groups, until recalled or `until`."""

    groups: tuple[tuple[str, ...], ...]
    until: int | None = None


class Recalled(Event, frozen=True, kw_only=True, omit_defaults=True, tag="recalled"):
    pass


class Restricted(Event, frozen=True, kw_only=True, omit_defaults=True, tag="restricted"):
    """Private. `whose` may not speak, has each post approved first, or is out; `on` false ends it."""

    whose: str
    limit: Limit
    on: bool
    rule: str = ""
    reason: str = ""


class Moderated(Event, frozen=True, kw_only=True, omit_defaults=True, tag="moderated"):
    """Seen in the place of an event that is for others, or for nobody."""


# ---- in the line between one participant and the facilitators ------------------------------------

What: TypeAlias = Literal[
    "hidden", "shown", "mute", "hold", "remove", "approved", "declined", "upheld", "overturned"
]
"""What was done to somebody, or to something they said."""


class Told(Event, frozen=True, kw_only=True, omit_defaults=True, tag="told"):
    """The person concerned is told what was done, by which rule and why. They may appeal."""

    what: What
    on: bool = True
    target: int | None = None
    """The `seq` in the session's room, where it is about one post."""
    rule: str = ""
    reason: str = ""


class WordOffered(Event, frozen=True, kw_only=True, omit_defaults=True, tag="word_offered"):
    """A facilitator asks for a private word. Nothing begins unless the person accepts."""


class WordAnswered(Event, frozen=True, kw_only=True, omit_defaults=True, tag="word_answered"):
    """Yes, or not now. With yes the line is between `handle` and `by` alone until `WordEnded`."""

    yes: bool
    by: str = ""


class WordEnded(Event, frozen=True, kw_only=True, omit_defaults=True, tag="word_ended"):
    pass


# ---- in the facilitators' own room ---------------------------------------------------------------


class WordAsked(Event, frozen=True, kw_only=True, omit_defaults=True, tag="word_asked"):
    """`handle` asks for a private word; `line` is the room to answer in."""

    line: str


class Held(Event, frozen=True, kw_only=True, omit_defaults=True, tag="held"):
    """A post of `handle` waits for approval. Its text is blanked when it was decided."""

    key: str
    text: str
    reply_to: int | None = None
    where: str = ""
    """The small group that it was meant for; empty: the session's room."""


class Decided(Event, frozen=True, kw_only=True, omit_defaults=True, tag="decided"):
    """The held post at `target` was let through, or not."""

    target: int
    yes: bool
    reason: str = ""


class Appealed(Event, frozen=True, kw_only=True, omit_defaults=True, tag="appealed"):
    """`handle` asks another facilitator to look again. `against` did it; `what` as in `Told`."""

    what: str
    against: str
    text: str
    target: int | None = None


class AppealAnswered(Event, frozen=True, kw_only=True, omit_defaults=True, tag="appeal_answered"):
    """By another facilitator than the one it was against. `yes`: what was done is undone."""

    target: int
    yes: bool
    reason: str = ""


SessionEvent: TypeAlias = (
    PhaseChanged
    | Paused
    | Resumed
    | Extended
    | Admitted
    | Departed
    | Waited
    | Accepted
    | HandRaised
    | FloorGiven
    | FloorSet
    | RoundStarted
    | TurnEnded
    | RoundEnded
    | Announced
    | Pinned
    | PollOpened
    | Voted
    | CheckedIn
    | PollClosed
    | Hidden
    | Locked
    | SplitUp
    | Recalled
    | Restricted
    | Moderated
    | Told
    | WordOffered
    | WordAnswered
    | WordEnded
    | WordAsked
    | Held
    | Decided
    | Appealed
    | AppealAnswered
)

PRIVATE: Final = (Restricted,)
UNSEEN: Final = (CheckedIn,)
