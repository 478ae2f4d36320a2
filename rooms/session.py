"""What a facilitated session is right now: the vocabulary, as frozen values.

A `Session` is a part of its room's `events.Rules`: everything that decides who may do what in it is here,
and nothing that does not. So it stands in the room's head, every change of it is an event that names the
version it was decided under (invariant 4), and a node that starts in mid-session reads it and goes on.

    Plan      what was decided beforehand, copied when the lobby opens: a running session stays as it is
    Session   the plan, the phase, and what the floor and the facilitators made of it since

Times are Unix seconds. Handles only; nothing here knows a person.
"""

from typing import Annotated, Final, Literal, TypeAlias

import msgspec
from msgspec import Meta

Phase: TypeAlias = Literal[
    "scheduled",
    "lobby",
    "opening",
    "open",
    "paused",
    "winding_down",
    "closing_round",
    "closed",
    "cancelled",
]
"""`phases.py` has the table of what follows what."""

RUNNING: Final[frozenset[Phase]] = frozenset({"opening", "open", "paused", "winding_down", "closing_round"})
"""The phases in which the group talks (or would, were it not paused)."""

ItemPhase: TypeAlias = Literal["opening", "open", "winding_down", "closing_round"]

Limit: TypeAlias = Literal["mute", "hold", "remove"]
"""What facilitators may do to one handle, for this session: may not speak; may speak, and each post waits for
approval; is out, and cannot come back."""

Erase: TypeAlias = Literal["at_close", "after_24h"]
"""When what was said goes."""

Asked: TypeAlias = Literal["before", "after"]
"""When people are asked how heavy it is (`check_in.py`)."""

Line: TypeAlias = Annotated[str, Meta(min_length=1, max_length=200)]
"""One line that a facilitator wrote: a title, a prompt, an option."""
Words: TypeAlias = Annotated[str, Meta(max_length=2_000)]

MAX_GROUP: Final = 15
"""PRODUCT: hard limit of a session."""
MAX_WAITING: Final = 30
"""People in the waiting line. Who comes after them hears that the room is full."""
MAX_PINS: Final = 3
MAX_AGENDA: Final = 20
MAX_OPTIONS: Final = 6
MAX_HIDDEN: Final = 200
"""Posts hidden at one time."""
MAX_LIMITED: Final = 64
"""Limits that hold at one time, each of one handle."""
MAX_OPEN: Final = 60
"""Held posts and appeals that wait for an answer; and, in one line, what may still be appealed."""
MAX_HELD: Final = 5
"""Held posts of one person that wait."""


class Item(msgspec.Struct, frozen=True, omit_defaults=True):
    """One part of the agenda. The clock moves the session into `phase` when the part begins."""

    title: Line
    minutes: Annotated[int, Meta(ge=1, le=90)]
    phase: ItemPhase = "open"
    prompt: Words = ""
    """Shown to everybody as a card while it lasts."""
    round: bool = False
    """Everybody once, in the order of the roster; passing is fine."""


class Plan(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """How one session is meant to go."""

    title: Line
    about: Words = ""
    starts_at: int
    agenda: Annotated[tuple[Item, ...], Meta(min_length=1, max_length=MAX_AGENDA)]
    lobby_minutes: Annotated[int, Meta(ge=0, le=60)] = 10
    grace_minutes: Annotated[int, Meta(ge=0, le=30)] = 5
    """After the agenda's end, "stay with the facilitator"; then the session closes by itself."""
    capacity: Annotated[int, Meta(ge=2, le=MAX_GROUP)] = 8
    """Participants at once; facilitators do not count."""
    minimum: Annotated[int, Meta(ge=1, le=MAX_GROUP)] = 3
    """Below this the clock does not open it: it stays in the lobby and says so. A facilitator may."""
    by_hand: bool = False
    """Begins with `Floor.by_hand`."""
    unheard_first: bool = False
    slow_mode_s: Annotated[int, Meta(ge=0, le=60)] = 0
    roles: bool = False
    """Coarse roles ("nurse") may be shown."""
    erase: Erase = "at_close"
    poll_k: Annotated[int, Meta(ge=3, le=MAX_GROUP)] = 5
    """Results of a poll are shown when at least so many have voted."""
    check_in: bool = True
    """Who likes says before and after how heavy it is, and how alone they feel."""
    measure: bool = False
    """The burnout measure is asked as well: monthly at most."""
    resources: tuple[tuple[Line, str], ...] = ()
    """Title and https link, shown from the wind-down on."""
    support: tuple[tuple[Line, Line, str], ...] = ()
    """Support lines: what, number or address, "verified on" date. Shown where the room pauses for want of a
    facilitator, and to whoever asks."""
    next_at: int | None = None
    """When the series meets next; told at the end."""

    @property
    def ends_at(self) -> int:
        return self.starts_at + 60 * sum(item.minutes for item in self.agenda)

    @property
    def lobby_at(self) -> int:
        return self.starts_at - 60 * self.lobby_minutes


class Pause(msgspec.Struct, frozen=True, omit_defaults=True):
    """The room is quiet. `until` None: until a facilitator says so."""

    why: Literal["quiet", "no_facilitator"]
    phase: Phase
    """What it goes back to, unless the clock has moved on."""
    since: int
    until: int | None = None


class Place(msgspec.Struct, frozen=True, omit_defaults=True):
    """Somebody waits for a free place. Who has not asked again for `admission.WAITS_S` has gone."""

    handle: str
    asked_at: int


class Round(msgspec.Struct, frozen=True, omit_defaults=True):
    """Everybody once. `todo` in order; the first has the floor."""

    prompt: str
    todo: tuple[str, ...]
    done: tuple[str, ...] = ()
    passed: tuple[str, ...] = ()


class Turn(msgspec.Struct, frozen=True, omit_defaults=True):
    """Who has the floor. `until` is soft: a calm timer, and nobody is cut off."""

    handle: str
    since: int
    until: int | None = None


class Floor(msgspec.Struct, frozen=True, omit_defaults=True):
    """Who speaks when. `by_hand`: only who has the floor may post, and the facilitators."""

    by_hand: bool = False
    unheard_first: bool = False
    hands: tuple[str, ...] = ()
    """Raised, first come first. `floor.queue` puts them in the order that counts."""
    queue_open: bool = True
    turn: Turn | None = None
    round: Round | None = None


class Poll(msgspec.Struct, frozen=True, omit_defaults=True):
    """An anonymous question. Who voted is known, what for is not: only sums are kept."""

    id: int
    """`seq` of the event that opened it; `UNPLACED` until that is placed (`session_apply.settled`)."""
    question: str
    options: tuple[str, ...]
    tally: tuple[int, ...]
    """Votes for each option; never sent anywhere before it is closed with at least `Plan.poll_k` votes."""
    voted: tuple[str, ...] = ()


class CheckIn(msgspec.Struct, frozen=True, omit_defaults=True):
    """What was answered at one time of asking: people per band of `check_in.py`, nothing where nobody did.
    Never sent anywhere; a month adds it up."""

    given: tuple[str, ...] = ()
    """Who answered: once, and it cannot be changed, since what it was is not kept."""
    heavy: tuple[int, ...] = ()
    alone: tuple[int, ...] = ()
    burnout: tuple[int, ...] = ()


class Limited(msgspec.Struct, frozen=True, omit_defaults=True):
    """What holds for one handle, and why. It was told so."""

    handle: str
    limit: Limit
    rule: str
    reason: str = ""


class Breakouts(msgspec.Struct, frozen=True, omit_defaults=True):
    """The group in small groups, each in a room of its own (`children.group_room`)."""

    groups: tuple[tuple[str, ...], ...]
    id: int
    """`seq` of the split, as with a poll: the groups' rooms are named after it, so an earlier split is never
    continued."""
    until: int | None = None


class Session(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One occurrence of a series, as it stands."""

    plan: Plan
    occurrence: str
    """Which one: its planned start in UTC, `20261201T190000Z` (the form of a RECURRENCE-ID, RFC 5545)."""
    phase: Phase = "scheduled"
    since: int = 0
    """When the phase began."""
    item: int = 0
    """The part of the agenda that is on; beyond the last one: check-out, until the hard close."""
    item_since: int = 0
    shift_s: int = 0
    """By how much the rest of the agenda is later than planned (late opening, extensions)."""
    led_at: int = 0
    """When a facilitator last led: opened, moved, resumed. Presence may lag behind that."""
    pause: Pause | None = None
    members: tuple[str, ...] = ()
    """Participants who have a place, in the order they came. Facilitators are not among them."""
    waiting: tuple[Place, ...] = ()
    accepted: tuple[str, ...] = ()
    """Who accepted the ground rules."""
    listening: tuple[str, ...] = ()
    """Who said that they are here to listen. It binds nobody."""
    locked: bool = False
    floor: Floor = Floor()
    pins: tuple[int, ...] = ()
    hidden: tuple[int, ...] = ()
    """Posts that are shown to nobody but their authors and the facilitators."""
    poll: Poll | None = None
    limited: tuple[Limited, ...] = ()
    breakouts: Breakouts | None = None
    before: CheckIn = CheckIn()
    after: CheckIn = CheckIn()
    erase_at: int | None = None
    """When what was said goes, at the latest; set at the close."""


# ---- in the rooms that belong to a session's ------------------------------------------------------


class Word(msgspec.Struct, frozen=True, omit_defaults=True):
    """A private word with the one whose line it is: offered by `by`, or (`accepted`) under way with them."""

    by: str
    accepted: bool = False


class Matter(msgspec.Struct, frozen=True, omit_defaults=True):
    """Something that may still be answered, once. In the facilitators' room: a held post, or an appeal. In a
    line: what its participant was told there and may appeal."""

    id: int
    """`seq` of the event that brought it."""
    kind: Literal["held", "appeal", "told"]
    whose: str
    what: str = ""
    """As in `Told`; of a held post, as `Held.where`."""
    by: str = ""
    """The facilitator who did it: another one answers."""
    target: int | None = None
    """The post it is about."""
