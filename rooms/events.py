"""What happened in a room, in the past tense: the vocabulary of the log.

An event has a place in its room's log: `seq` counts 1, 2, 3 ... within one epoch, without a
hole. The same structs stand in the log, on the bus and on the wire (`t` is the tag), so there
is one word for one thing. Pure values: nothing here does I/O.

`at` is in Unix seconds, rounded down to the minute: finer times at rest could be matched with
a shift roster or a badge reader, and the page shows minutes anyway.
"""

from typing import Final, TypeAlias

import msgspec

from rooms.event import UNPLACED, Event
from rooms.session import Matter, Session, Word
from rooms.session_events import SessionEvent

__all__ = ["UNPLACED", "Event"]  # besides what is defined here

REACTIONS: Final = frozenset({"with_you", "me_too", "thank_you", "strength", "heard"})
"""The reaction kinds. Small and kind on purpose: none of them scores anybody."""


class Rules(msgspec.Struct, frozen=True, omit_defaults=True):
    """The rules of a room that may change while people are in it.

    A decision names the version (the `seq` of the event that last changed the rules; 0 for
    the room's own defaults) under which it was made, and the log refuses it under any other.
    """

    slow_mode_s: int = 0
    """Seconds a participant waits between two posts; 0 is off. Facilitators are exempt."""
    session: Session | None = None
    """The facilitated session that the room is having, or had last; None in a room without any."""
    word: Word | None = None
    """In a line (`children.py`): the private word that is offered, or under way."""
    open: tuple[Matter, ...] = ()
    """In the facilitators' room: what waits for an answer. In a line: what may be appealed."""


class Posted(Event, frozen=True, kw_only=True, omit_defaults=True, tag="posted"):
    """Somebody said something. A withdrawn post stays in place with empty text."""

    text: str
    reply_to: int | None = None
    role: str | None = None
    """"facilitator" on a facilitator's post, absent on everybody else's."""
    withdrawn: bool = False
    hidden: bool = False
    """Only as shown, never as kept (`audience.py`): facilitators hid it."""


class Reacted(Event, frozen=True, kw_only=True, omit_defaults=True, tag="reacted"):
    """Somebody answered the post at `target` with one of `REACTIONS`."""

    target: int
    kind: str
    withdrawn: bool = False


class Withdrawn(Event, frozen=True, kw_only=True, omit_defaults=True, tag="withdrawn"):
    """The author took back their own event at `target`; its content is gone from the log."""

    target: int


class Slowed(Event, frozen=True, kw_only=True, omit_defaults=True, tag="slowed"):
    """A facilitator changed the pace. From this `seq` on, `Rules.slow_mode_s` is `seconds`."""

    seconds: int


AnyEvent: TypeAlias = Posted | Reacted | Withdrawn | Slowed | SessionEvent
