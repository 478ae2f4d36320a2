"""What an event makes of all the rules of a room: the same on every node. And drafts that carry them. Pure.

    apply(session, event)        the session after `event` (`session_changes.py`)
    rules_after(rules, event)    the same for all that is deciding in a room, whatever sort of room it is
    draft(state, event, key)     `event` for the log, with the rules that hold after it
    rehomed(draft, state, room)  a draft that was decided in the session's room, for the room it goes to

An event that changes rules makes the version that has its `seq`, on every node and in the log. A draft has no
`seq` yet, so what is named after the event that opened it (a poll, a split, a held post) stands in the log's
head as `UNPLACED`, and is settled where the head is read: it is the event that made this version.
"""

from collections.abc import Callable
from typing import Any, Final, Protocol

from msgspec.structs import replace

from rooms.event import UNPLACED, Event
from rooms.events import AnyEvent, Rules, Slowed
from rooms.log import Draft
from rooms.session import MAX_HELD, MAX_OPEN, Matter, Session, Word
from rooms.session_changes import CHANGES, apply
from rooms.session_events import (
    AppealAnswered,
    Appealed,
    CheckedIn,
    Decided,
    Held,
    Told,
    Voted,
    WordAnswered,
    WordEnded,
    WordOffered,
)
from rooms.verdict import Refusal, Why

__all__ = ["apply"]  # besides what is defined here


def rules_after(rules: Rules, event: AnyEvent) -> Rules | None:
    """The rules after `event`: `rules` itself where it is none that changes any.

    None where nobody can tell from the event: only the room's head in the log knows.
    """
    kind = type(event)
    if (change := CHANGES.get(kind)) is not None:
        return None if rules.session is None else replace(rules, session=change(rules.session, event))
    if kind is Voted or kind is CheckedIn:
        return None
    elsewhere = _ELSEWHERE.get(kind)
    return rules if elsewhere is None else elsewhere(rules, event)


def _told(rules: Rules, event: Told) -> Rules:
    """What may be appealed stays known, the oldest longest ago told first forgotten."""
    if event.what not in APPEALABLE or not event.on:
        return rules
    matter = Matter(event.seq, "told", "", event.what, event.handle, event.target)
    return replace(rules, open=(*rules.open, matter)[-MAX_OPEN:])


def _held(rules: Rules, event: Held) -> Rules:
    return replace(rules, open=(*rules.open, Matter(event.seq, "held", event.handle, event.where)))


def _appealed(rules: Rules, event: Appealed) -> Rules:
    matter = Matter(event.seq, "appeal", event.handle, event.what, event.against, event.target)
    return replace(rules, open=(*rules.open, matter))


def _answered(rules: Rules, event: Decided | AppealAnswered) -> Rules:
    return replace(rules, open=tuple(matter for matter in rules.open if matter.id != event.target))


def _word_answered(rules: Rules, event: WordAnswered) -> Rules:
    return replace(rules, word=Word(event.by, accepted=True) if event.yes else None)


APPEALABLE: Final = frozenset({"hidden", "mute", "hold", "remove", "declined"})
"""What somebody was told, and may ask another facilitator to look at again."""

_ELSEWHERE: Final[dict[type[Event], Callable[[Rules, Any], Rules]]] = {
    Slowed: lambda rules, event: replace(rules, slow_mode_s=event.seconds),
    Told: _told,
    WordOffered: lambda rules, event: replace(rules, word=Word(event.handle)),
    WordAnswered: _word_answered,
    WordEnded: lambda rules, event: replace(rules, word=None),
    Held: _held,
    Appealed: _appealed,
    Decided: _answered,
    AppealAnswered: _answered,
}
"""The events that change rules besides a session's: the pace, and what is open in lines and staff rooms."""


def settled(rules: Rules, version: int) -> Rules:
    """`rules` as the log's head has them, with the event that made this `version` in its place."""
    session = rules.session
    if session is not None:
        if session.poll is not None and session.poll.id == UNPLACED:
            session = replace(session, poll=replace(session.poll, id=version))
        if session.breakouts is not None and session.breakouts.id == UNPLACED:
            session = replace(session, breakouts=replace(session.breakouts, id=version))
        if session is not rules.session:
            rules = replace(rules, session=session)
    if rules.open and rules.open[-1].id == UNPLACED:
        rules = replace(rules, open=(*rules.open[:-1], replace(rules.open[-1], id=version)))
    return rules


# ---- drafts --------------------------------------------------------------------------------------


class Standing(Protocol):
    """What a draft must know of a room: `RoomState` does."""

    @property
    def epoch(self) -> str: ...
    @property
    def version(self) -> int: ...
    @property
    def rules(self) -> Rules: ...


def draft(state: Standing, event: AnyEvent, key: str, *, session: Session | None = None) -> Draft:
    """`event` under the rules in `state`, with those that hold after it.

    `session`: as it is after the event, where that is more than the event says (a vote, a check-in).
    """
    after = rules_after(state.rules, event) if session is None else replace(state.rules, session=session)
    if after is None:
        raise ValueError("what this event does is known to the log only")
    return Draft(event, state.epoch, state.version, key, rules=None if after is state.rules else after)


def rehomed(made: Draft, state: Standing, parent: str) -> Draft | Refusal:
    """`made` in the session's room `parent`, as a draft for the room it goes to, which stands as `state`.

    It holds only while both rooms' rules are what they were.
    """
    event = made.event
    waiting = state.rules.open
    if isinstance(event, Held | Appealed) and (
        len(waiting) >= MAX_OPEN or sum(matter.whose == event.handle for matter in waiting) >= MAX_HELD
    ):
        return Refusal(Why.LIMIT_REACHED)
    also = (*made.also, (parent, made.epoch, made.rules_version))
    return replace(draft(state, event, made.key), also=also)
