"""What each event makes of a session: the same on every node. Pure.

`Voted` and `CheckedIn` are not among them: only the node that decided it knows what was chosen
(`polls.with_vote`, `check_in.answered`).
"""

from collections.abc import Callable
from typing import Any, Final, TypeAlias

from msgspec.structs import replace

from rooms import agenda, breakouts, floor, moderation, polls
from rooms.event import Event
from rooms.phases import FINAL, LATE
from rooms.session import Breakouts, Floor, Limited, Pause, Place, Session
from rooms.session_events import (
    Accepted,
    Admitted,
    Departed,
    Extended,
    FloorGiven,
    FloorSet,
    HandRaised,
    Hidden,
    Locked,
    Paused,
    PhaseChanged,
    Pinned,
    PollClosed,
    PollOpened,
    Recalled,
    Restricted,
    Resumed,
    RoundEnded,
    RoundStarted,
    SessionEvent,
    SplitUp,
    TurnEnded,
    Waited,
)

PUNCTUAL_S: Final = 30
"""Who opens so little late does not shift the agenda."""
AFTER_CLOSE_S: Final = 60
"""Erased at close: when everybody has been told that it is over."""
DAY_S: Final = 24 * 3600
KEPT_ACCEPTED: Final = 64
"""Who accepted the ground rules and left need not do so again, if they come back soon."""


def apply(session: Session, event: SessionEvent) -> Session:
    """The session after `event`; the same one where the event decides nothing."""
    change = CHANGES.get(type(event))
    return session if change is None else change(session, event)


def _phase_changed(session: Session, event: PhaseChanged) -> Session:
    to = event.phase
    if to in FINAL:
        return _over(session, event)
    if to == "lobby":
        plan = session.plan
        begun = Floor(by_hand=plan.by_hand, unheard_first=plan.unheard_first)
        return replace(session, phase=to, since=event.since, floor=begun)
    opens = session.phase in ("scheduled", "lobby")
    if opens:
        late_s = event.since - session.plan.starts_at
        session = replace(session, shift_s=late_s if late_s > PUNCTUAL_S else 0)
    if opens or event.item != session.item:
        session = _part_begins(session, event)
    return replace(
        session,
        phase=to,
        since=event.since,
        pause=None,
        led_at=event.since if opens or event.handle else session.led_at,
        floor=replace(session.floor, queue_open=to not in LATE),
    )


def _part_begins(session: Session, event: PhaseChanged) -> Session:
    """Another part of the agenda: whatever turn there was is over, and where it is a round, it begins."""
    part = agenda.part(session, event.item)
    order = speakers(session) if part is not None and part.round else ()
    return replace(
        session,
        item=event.item,
        item_since=event.since,
        floor=floor.started(session.floor, part.prompt or part.title if part is not None else "", order),
    )


def _over(session: Session, event: PhaseChanged) -> Session:
    """Closed or cancelled. What was still under way ends; of an open poll nothing stays."""
    keep_s = DAY_S if session.plan.erase == "after_24h" and event.phase == "closed" else AFTER_CLOSE_S
    return replace(
        session,
        phase=event.phase,
        since=event.since,
        pause=None,
        waiting=(),
        floor=floor.CLOSED,
        poll=None,
        breakouts=None,
        erase_at=event.since + keep_s,
    )


def _paused(session: Session, event: Paused) -> Session:
    back_to = session.pause.phase if session.pause is not None else session.phase
    pause = Pause(event.why, back_to, event.since, event.until)
    return replace(session, phase="paused", since=event.since, pause=pause)


def _resumed(session: Session, event: Resumed) -> Session:
    return replace(session, phase=event.phase, since=event.since, pause=None, led_at=event.since)


def _admitted(session: Session, event: Admitted) -> Session:
    handle = event.handle
    if handle in session.members:
        return session
    return replace(
        session,
        members=(*session.members, handle),
        waiting=tuple(place for place in session.waiting if place.handle != handle),
        # Somebody who was muted before they went is still muted: a round would stop at them.
        floor=session.floor if _is_muted(session, handle) else floor.joined(session.floor, handle),
        breakouts=breakouts.with_latecomer(session.breakouts, handle),
    )


def _waited(session: Session, event: Waited) -> Session:
    """Whoever asks again keeps their place in the line."""
    place = Place(event.handle, event.since)
    if any(other.handle == event.handle for other in session.waiting):
        line = tuple(place if other.handle == event.handle else other for other in session.waiting)
    else:
        line = (*session.waiting, place)
    return replace(session, waiting=line)


def _accepted(session: Session, event: Accepted) -> Session:
    handle = event.handle
    accepted = session.accepted
    if handle not in accepted:
        accepted = (*accepted, handle)
        if len(accepted) > KEPT_ACCEPTED:
            gone = next(other for other in accepted if other not in session.members)
            accepted = tuple(other for other in accepted if other != gone)
    listening = tuple(other for other in session.listening if other != handle)
    return replace(session, accepted=accepted, listening=(*listening, handle) if event.listen else listening)


def _hand_raised(session: Session, event: HandRaised) -> Session:
    change = floor.raised if event.up else floor.lowered
    return replace(session, floor=change(session.floor, event.handle))


def _floor_given(session: Session, event: FloorGiven) -> Session:
    return replace(session, floor=floor.given(session.floor, event.to, event.since, event.until))


def _floor_set(session: Session, event: FloorSet) -> Session:
    set_ = replace(session.floor, by_hand=event.by_hand, unheard_first=event.unheard_first)
    return replace(session, floor=set_)


def _poll_opened(session: Session, event: PollOpened) -> Session:
    return replace(session, poll=polls.opened(event.seq, event.question, event.options))


def _restricted(session: Session, event: Restricted) -> Session:
    limited = Limited(event.whose, event.limit, event.rule, event.reason)
    after = moderation.restricted(session, limited, event.on)
    speaks_again = _is_muted(session, event.whose) and not _is_muted(after, event.whose)
    if speaks_again and event.whose in after.members:
        return replace(after, floor=floor.joined(after.floor, event.whose))
    return after


def _is_muted(session: Session, handle: str) -> bool:
    return "mute" in moderation.limits(session, handle)


_Change: TypeAlias = Callable[[Session, Any], Session]

CHANGES: Final[dict[type[Event], _Change]] = {
    PhaseChanged: _phase_changed,
    Paused: _paused,
    Resumed: _resumed,
    Extended: lambda session, event: replace(session, shift_s=session.shift_s + 60 * event.minutes),
    Admitted: _admitted,
    Departed: lambda session, event: moderation.without(session, event.handle),
    Waited: _waited,
    Accepted: _accepted,
    HandRaised: _hand_raised,
    FloorGiven: _floor_given,
    FloorSet: _floor_set,
    RoundStarted: lambda session, event: replace(
        session, floor=floor.started(session.floor, event.prompt, event.order)
    ),
    TurnEnded: lambda session, event: replace(
        session, floor=floor.ended(session.floor, event.whose, event.passed)
    ),
    RoundEnded: lambda session, event: replace(session, floor=floor.stopped(session.floor)),
    Pinned: lambda session, event: moderation.pinned(session, event.target, event.on),
    PollOpened: _poll_opened,
    PollClosed: lambda session, event: replace(session, poll=None),
    Hidden: lambda session, event: moderation.hidden(session, event.target, event.on),
    Restricted: _restricted,
    Locked: lambda session, event: replace(session, locked=event.on),
    SplitUp: lambda session, event: replace(
        session, breakouts=Breakouts(event.groups, event.seq, event.until)
    ),
    Recalled: lambda session, event: replace(session, breakouts=None),
}
"""The events of a session's room that decide something. Every one of them makes a version of the rules."""


def speakers(session: Session) -> tuple[str, ...]:
    """The members in the order of a round: all who may speak."""
    return tuple(handle for handle in session.members if not _is_muted(session, handle))
