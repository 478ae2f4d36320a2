"""What the clock does in a session: the one next thing that is due, if any. Pure.

    begin(room, plan, occurrence, now)    the first event of an occurrence
    due(room, session, now, facts)        the next event of a running one; ask again until there is none

Any number of nodes may ask, at the same time and more than once: what was done is in the session, so it is
not due any more, and what two decide under one version of the rules the log keeps once. A clock that jumps
moves a session forwards at most, along the table of `phases.py`, and never twice through the same door.

Times are Unix seconds.
"""

from collections.abc import Callable, Mapping
from typing import Final

import msgspec
from msgspec.structs import replace

from rooms import agenda, phases
from rooms.admission import WAITS_S, is_free
from rooms.hour_rules import changed
from rooms.phases import FINAL, LATE, TALKING
from rooms.session import RUNNING, Phase, Plan, Session
from rooms.session_changes import apply
from rooms.session_events import (
    Admitted,
    Departed,
    Paused,
    PhaseChanged,
    Recalled,
    Resumed,
    SessionEvent,
)

UNATTENDED_S: Final = 60
"""So long without a facilitator, and the room pauses itself."""
GONE_S: Final = 120
"""So long away, and a member's place is free."""
LATE_S: Final = 5
"""Later than this is said to be late."""


class Facts(msgspec.Struct, frozen=True):
    """Who is here, as far as this node knows.

    `present`: participants, on any node. `facilitators`: theirs. `facilitator_gone_at`: since when none of
    them is here; None where one is, or where nobody knows. `gone`: members seen missing, since when.
    `watched_since`: since when this clock has been watched without a break; what was due before is late.
    """

    present: frozenset[str] = frozenset()
    facilitators: frozenset[str] = frozenset()
    facilitator_gone_at: int | None = None
    gone: Mapping[str, int] = {}
    watched_since: int = 0


def begin(
    room: str, plan: Plan, occurrence: str, now: int, watched_since: int = 0
) -> tuple[PhaseChanged, Session]:
    """The first event of an occurrence, and the session after it: the lobby opens; or, where all of it went
    by while nobody watched, it is cancelled. Call it from `plan.lobby_at` on.

    The room's rules are then `Rules(slow_mode_s=plan.slow_mode_s, session=...)`.
    """
    session = Session(plan=plan, occurrence=occurrence)
    phase: Phase = "lobby" if now < agenda.closes_at(session) else "cancelled"
    event = changed(room, session, phase, 0, handle="", now=now)
    event = replace(event, late_s=_late(plan.lobby_at, now, watched_since))
    return event, apply(session, event)


def due(room: str, session: Session, now: int, facts: Facts) -> SessionEvent | None:
    """The one next thing to do at `now`; None: nothing. `apply` it, and ask again."""
    if session.phase in FINAL or session.phase == "scheduled":
        return None
    for look in _LOOKS:
        event = look(room, session, now, facts)
        if event is not None:
            return event
    return None


def _late(at: int, now: int, watched_since: int) -> int:
    """By how much nobody watched the clock when `at` came; 0 where somebody did, or it is next to nothing."""
    return now - at if watched_since > at and now - at > LATE_S else 0


def _close(room: str, session: Session, now: int, facts: Facts) -> SessionEvent | None:
    """The hard close; and an hour that never began is over as well."""
    at = agenda.closes_at(session)
    if now < at:
        return None
    phase: Phase = "cancelled" if session.phase == "lobby" else "closed"
    event = changed(room, session, phase, session.item, handle="", now=now)
    return replace(event, late_s=_late(at, now, facts.watched_since))


def _open(room: str, session: Session, now: int, facts: Facts) -> SessionEvent | None:
    """It is time, and enough people are here. They need not be facilitators: without one it soon pauses, and
    then at least says so."""
    at = session.plan.starts_at
    here = sum(member in facts.present for member in session.members)
    if session.phase != "lobby" or now < at or here < session.plan.minimum:
        return None
    event = changed(room, session, session.plan.agenda[0].phase, 0, handle="", now=now)
    return replace(event, late_s=_late(at, now, facts.watched_since))


def _pause(room: str, session: Session, now: int, facts: Facts) -> SessionEvent | None:
    """Nobody leads. What a facilitator did just now counts for as much as that they are seen."""
    gone_at = facts.facilitator_gone_at
    unattended = session.pause is not None and session.pause.why == "no_facilitator"
    if session.phase not in RUNNING or facts.facilitators or gone_at is None or unattended:
        return None
    if now - max(gone_at, session.led_at) < UNATTENDED_S:
        return None
    return Paused(room=room, handle="", why="no_facilitator", since=now)


def _resume(room: str, session: Session, now: int, facts: Facts) -> SessionEvent | None:
    """The quiet is over, or a facilitator is back."""
    pause = session.pause
    if pause is None:
        return None
    took_over = pause.why == "no_facilitator"
    if took_over and not facts.facilitators:
        return None
    if not took_over and (pause.until is None or now < pause.until):
        return None
    return Resumed(room=room, handle="", phase=pause.phase, since=now, took_over=took_over)


def _advance(room: str, session: Session, now: int, facts: Facts) -> SessionEvent | None:
    """The agenda goes on, to the part that is planned for now; while the room is paused it waits."""
    if session.phase not in TALKING:
        return None
    passed = [part for part in agenda.following(session) if part[0] <= now]
    if not passed:
        return None
    at, item = passed[-1]
    part = agenda.part(session, item)
    phase = session.phase if part is None else phases.onward(session.phase, part.phase)
    event = changed(room, session, phase, item, handle="", now=now)
    # It was not late where it waited for the quiet to end.
    return replace(event, late_s=_late(max(at, session.since), now, facts.watched_since))


def _recall(room: str, session: Session, now: int, facts: Facts) -> SessionEvent | None:
    """The small groups' time is over, or the hour's end comes: then everybody is together."""
    split = session.breakouts
    if split is None:
        return None
    if session.phase in LATE or (split.until is not None and now >= split.until):
        return Recalled(room=room, handle="")
    return None


def _lapse(room: str, session: Session, now: int, facts: Facts) -> SessionEvent | None:
    """Somebody in the waiting line has not asked for a while, though there was somebody to ask."""
    for place in session.waiting:
        if now - max(place.asked_at, facts.watched_since) >= WAITS_S:
            return Departed(room=room, handle=place.handle)
    return None


def _depart(room: str, session: Session, now: int, facts: Facts) -> SessionEvent | None:
    """A member has been away for long."""
    for handle in session.members:
        gone_at = facts.gone.get(handle)
        if gone_at is not None and handle not in facts.present and now - gone_at >= GONE_S:
            return Departed(room=room, handle=handle)
    return None


def _admit(room: str, session: Session, now: int, facts: Facts) -> SessionEvent | None:
    """A place is free: who has waited longest has it."""
    if session.waiting and is_free(session):
        return Admitted(room=room, handle=session.waiting[0].handle)
    return None


_LOOKS: Final[tuple[Callable[[str, Session, int, Facts], SessionEvent | None], ...]] = (
    _close,
    _open,
    _pause,
    _resume,
    _advance,
    _recall,
    _lapse,
    _depart,
    _admit,
)
"""In this order: what ends something comes first."""
