"""What remains of a session: counts, the times of its phases, and nothing of anybody. Pure.

    report_of(events, session)   what may be shown, suppressed already (`suppression.py`); this is kept
    counts_of(events, session)   the exact figures that a month's report adds up; kept sealed until it is made
    programme_of(month, ...)     the month over all series

No handle, no text, nothing per person. What is counted here is either chosen freely (a message, a raised
hand) or the facilitators' doing (rounds, polls). What everybody does once is **not** counted: turns in a
round, votes, check-ins, accepted rules. The agenda says how many rounds there were, so a count of their
turns, however large, divided by that is the number of people.
"""

from collections.abc import Iterator, Sequence
from typing import Final, Literal

import msgspec
from msgspec.structs import replace

from rooms.check_in import MEASURE, SCALE, Distribution, distribution
from rooms.children import belongs
from rooms.events import AnyEvent, Posted
from rooms.session import RUNNING, CheckIn, Phase, Session
from rooms.session_events import (
    Admitted,
    Departed,
    FloorGiven,
    HandRaised,
    Paused,
    PhaseChanged,
    PollOpened,
    Resumed,
    RoundStarted,
)
from rooms.suppression import MOST_HIDDEN, Figure, Part, Total, figure, table, total_of

WINDOW_S: Final = 300
"""Messages are counted per five minutes of the clock on the wall."""
MAX_WINDOWS: Final = 60
"""A longer session has wider windows: ten minutes, fifteen ..."""
MAX_SPANS: Final = 200
ROOM_TO_HIDE: Final = 5
"""Of the numbers that a hidden count of people may be, at least so many must be left by all that is said."""


class Span(msgspec.Struct, frozen=True, omit_defaults=True):
    """One phase as it really was, Unix seconds (whole minutes, as events have them)."""

    phase: Phase
    since: int
    until: int
    why: Literal["quiet", "no_facilitator"] | None = None
    """Of a pause: on purpose, or because no facilitator was there."""


class Report(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One session. Times are Unix seconds."""

    occurrence: str
    title: str
    planned_start: int
    planned_end: int
    opened: bool
    opened_with_minimum: bool | None = None
    """Whether as many were there as the plan asks for. None: it did not open, or the plan asks for so many
    that "yes" would tell too much of a hidden number of participants."""
    participants: Figure | None = None
    """Different handles that had a place. None: it did not open, and who had waited was not counted."""
    messages: Total
    window_s: int = WINDOW_S
    windows_from: int
    windows: tuple[Figure, ...] = ()
    """Messages in each `window_s`, beginning with the lobby."""
    hands: Figure
    """How often a hand was raised."""
    turns: Figure
    """How often the floor was given to somebody; turns in a round are not among them."""
    rounds: Figure
    polls: Figure
    phases: tuple[Span, ...] = ()


class Counts(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a month adds up, exactly. It leaves this server as a part of a sum, or never."""

    participants: int
    opened: bool
    least: int = 0
    """What the session's own report tells that `participants` is at least."""
    before: CheckIn = CheckIn()
    after: CheckIn = CheckIn()
    """Sums without handles."""


class Facilitators(msgspec.Struct, frozen=True):
    """How heavy a month was for those who led sessions, each counted once. Of those who wrote a debrief."""

    heavy: Figure
    """They had a session that they called 7 or more."""
    not_heavy: Figure
    wrote: Total


class Answers(msgspec.Struct, frozen=True, omit_defaults=True):
    """What people said of themselves, of those who liked to. Left out: too few to show (`check_in.py`)."""

    heavy_before: Distribution | None = None
    heavy_after: Distribution | None = None
    alone_before: Distribution | None = None
    alone_after: Distribution | None = None
    burnout: Distribution | None = None
    """The single-item measure: from 3 on, burnt out."""


class Programme(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One calendar month (UTC), over all series. Made once, when the month is over, and never again."""

    month: str
    sessions: int
    """That the calendar had, and whose lobby opened. Public, so it is shown whatever it is."""
    held: int
    places: Total
    """Participants of each session, added up. Who came to four sessions is counted four times: nobody here
    can tell that they are one person."""
    facilitators: Facilitators
    check_ins: Answers = Answers()
    incomplete: bool = False
    """Figures of some session could not be read any more (a restored backup)."""


# ---- one session -------------------------------------------------------------------------------


def report_of(events: Sequence[AnyEvent], session: Session) -> Report:
    """The report of `session`, whose room's log is `events`, whole and in order.

    Events of rooms that belong to it (lines, groups) may be among them; they are left out.
    """
    own = _own(events)
    plan, spans = session.plan, tuple(_spans(own, session))[:MAX_SPANS]
    opened = any(span.phase in RUNNING for span in spans)
    window_s, windows_from, counts = _windows(own, spans)
    messages = table(counts, zero=True)
    return Report(
        occurrence=session.occurrence,
        title=plan.title,
        planned_start=plan.starts_at,
        planned_end=plan.ends_at,
        opened=opened,
        opened_with_minimum=_with_minimum(own, session) if opened else None,
        participants=figure(len(_participants(own, session)), zero=False) if opened else None,
        messages=messages.total,
        window_s=window_s,
        windows_from=windows_from,
        windows=messages.cells,
        hands=_count(isinstance(event, HandRaised) and event.up for event in own),
        turns=_count(isinstance(event, FloorGiven) and event.to is not None for event in own),
        rounds=figure(_rounds(own, session), zero=True),
        polls=_count(isinstance(event, PollOpened) for event in own),
        phases=spans,
    )


def counts_of(events: Sequence[AnyEvent], session: Session) -> Counts:
    """The figures of the same session for its month. Arguments as for `report_of`."""
    own = _own(events)
    opened = any(span.phase in RUNNING for span in _spans(own, session))
    least = session.plan.minimum if opened and _with_minimum(own, session) else 0
    before, after = (replace(each, given=()) for each in (session.before, session.after))
    return Counts(len(_participants(own, session)), opened, least, before, after)


def _own(events: Sequence[AnyEvent]) -> list[AnyEvent]:
    return [event for event in events if not belongs(event.room)]


def _count(happened: Iterator[bool]) -> Figure:
    return figure(sum(happened), zero=True)


def _participants(events: Sequence[AnyEvent], session: Session) -> set[str]:
    return {event.handle for event in events if isinstance(event, Admitted)}.union(session.members)


def _with_minimum(events: Sequence[AnyEvent], session: Session) -> bool | None:
    """Whether the group had its minimum when it began; None where the plan's number would tell too much."""
    if session.plan.minimum > MOST_HIDDEN - ROOM_TO_HIDE + 1:
        return None
    here: set[str] = set()
    for event in events:
        if isinstance(event, Admitted):
            here.add(event.handle)
        elif isinstance(event, Departed):
            here.discard(event.handle)
        elif isinstance(event, PhaseChanged) and event.phase in RUNNING:
            break
    return len(here) >= session.plan.minimum


def _rounds(events: Sequence[AnyEvent], session: Session) -> int:
    """Those that a facilitator began, and the parts of the agenda that are one."""
    agenda, item, count = session.plan.agenda, None, 0
    for event in events:
        if isinstance(event, RoundStarted):
            count += 1
        elif isinstance(event, PhaseChanged) and event.phase in RUNNING and event.item != item:
            item = event.item
            count += item < len(agenda) and agenda[item].round
    return count


def _spans(events: Sequence[AnyEvent], session: Session) -> Iterator[Span]:
    """The phases one after the other. Parts of the agenda with one phase are one span."""
    at: int | None = None
    phase: Phase = "scheduled"
    why: Literal["quiet", "no_facilitator"] | None = None
    for event in events:
        was = phase, why
        if isinstance(event, Paused):
            phase, why = "paused", event.why
        elif isinstance(event, PhaseChanged | Resumed):
            phase, why = event.phase, None
        if was == (phase, why):
            continue
        if at is not None:
            yield Span(was[0], at, max(at, event.at), was[1])
        at = event.at
        if phase in ("closed", "cancelled"):
            return
    if at is not None:  # it is still on, or its end is not in the log
        yield Span(phase, at, max(at, events[-1].at), why)


def _windows(events: Sequence[AnyEvent], spans: Sequence[Span]) -> tuple[int, int, list[int]]:
    """Seconds per window, when the first begins, and messages in each."""
    if not spans:
        return WINDOW_S, 0, []
    since, until = spans[0].since, spans[-1].until
    window_s = WINDOW_S * (1 + max(0, until - since) // (WINDOW_S * MAX_WINDOWS))
    since -= since % window_s
    counts = [0] * ((until - since) // window_s + 1)
    for event in events:
        if isinstance(event, Posted) and not event.withdrawn:
            counts[min(max(0, (event.at - since) // window_s), len(counts) - 1)] += 1
    return window_s, since, counts


# ---- a month -----------------------------------------------------------------------------------


def programme_of(
    month: str,
    sessions: Sequence[tuple[str, Counts]],
    *,
    heavy: int = 0,
    not_heavy: int = 0,
    incomplete: bool = False,
) -> Programme:
    """The month over `sessions`, each with the series it is of. `heavy`, `not_heavy`: of the facilitators who
    wrote debriefs, how many had a heavy session, and how many had none."""
    held = [(series, counts) for series, counts in sessions if counts.opened]
    care = table([heavy, not_heavy], zero=False)
    return Programme(
        month=month,
        sessions=len(sessions),
        held=len(held),
        places=total_of([Part(each.participants, series, each.least) for series, each in held], zero=False),
        facilitators=Facilitators(care.cells[0], care.cells[1], care.total),
        check_ins=_answers([counts for _, counts in held]),
        incomplete=incomplete,
    )


def _answers(held: Sequence[Counts]) -> Answers:
    return Answers(
        distribution(SCALE, [each.before.heavy for each in held]),
        distribution(SCALE, [each.after.heavy for each in held]),
        distribution(SCALE, [each.before.alone for each in held]),
        distribution(SCALE, [each.after.alone for each in held]),
        distribution(MEASURE, [each.before.burnout for each in held]),
    )
