"""Who is shown what of a session's log: the same places for everybody, not the same content. Pure.

    seen_by(event, facilitator)                  a private event is a `Moderated` to all but facilitators, an
                                                 unseen one to all
    shown(events, handle, facilitator, hidden)   the same for a stretch of history, and hidden posts blanked
    PrivateWord                                  what was said between two stays between them when it is over
    LateView                                     who comes late is not shown all that was said before

A place is never left out: who counts the places must find each of them.
"""

from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from typing import Final, NamedTuple

import msgspec

from rooms.events import AnyEvent, Posted, Reacted
from rooms.session_events import PRIVATE, UNSEEN, Hidden, Moderated

DIFFERS: Final = frozenset((*PRIVATE, *UNSEEN, Hidden))
"""The kinds of event that not everybody sees alike."""


class PrivateWord(NamedTuple):
    """In a line, what is between the places `start` and `end` is for its participant and `by` alone, also for
    whoever reads it later. `end` None: it is under way."""

    by: str
    start: int
    end: int | None = None

    def closes_out(self, handle: str, seq: int) -> bool:
        """Whether the facilitator `handle` may not read what is at `seq`."""
        return self.by != handle and self.start < seq and (self.end is None or seq < self.end)


class LateView:
    """How far back somebody sees who comes when a session is under way (PRODUCT: 20 messages or 10 minutes,
    whichever is less). Who was there and comes back sees what they saw."""

    POSTS: Final = 20
    SECONDS: Final = 600

    @staticmethod
    def first(lately: Sequence[tuple[int, int]], at: int) -> int:
        """The first place for somebody who comes at `at`. `lately`: place and time of the last posts, of one
        more than they may see."""
        newest = len(lately) - LateView.POSTS
        past = [seq for n, (seq, said) in enumerate(lately) if n < newest or said < at - LateView.SECONDS]
        return past[-1] + 1 if past else 1


def seen_by(event: AnyEvent, *, facilitator: bool) -> AnyEvent:
    """`event` as a facilitator, or anybody else in the room, sees it."""
    if isinstance(event, UNSEEN):
        return _moderated(event)
    if facilitator:
        return event
    if isinstance(event, Hidden):
        # Why is between the facilitators and the author, who is told in their own line.
        return msgspec.structs.replace(event, reason="")
    if isinstance(event, PRIVATE):
        return _moderated(event)
    return event


def shown(
    events: Iterable[AnyEvent],
    handle: str,
    *,
    facilitator: bool,
    hidden: AbstractSet[int],
    words: Sequence[PrivateWord] = (),
) -> list[AnyEvent]:
    """`events` as `handle` sees them: who wrote a hidden post still has it, and so have facilitators. Of
    private `words` a facilitator sees their own."""
    seen = [_shown(event, handle, facilitator, hidden) for event in events]
    if not words or not facilitator:
        return seen
    return [
        _moderated(event)
        if isinstance(event, Posted | Reacted) and any(word.closes_out(handle, event.seq) for word in words)
        else event
        for event in seen
    ]


def _moderated(event: AnyEvent) -> Moderated:
    return Moderated(room=event.room, seq=event.seq, at=event.at, handle="")


def _shown(event: AnyEvent, handle: str, facilitator: bool, hidden: AbstractSet[int]) -> AnyEvent:
    if isinstance(event, Posted) and event.seq in hidden:
        if facilitator or event.handle == handle:
            return msgspec.structs.replace(event, hidden=True)
        return msgspec.structs.replace(event, text="", hidden=True)
    return seen_by(event, facilitator=facilitator)
