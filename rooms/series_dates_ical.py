"""The dates of a series: which there are in a stretch of time, and what is due now.

`recurring-ical-events` expands the rule; what is cancelled or moved is put in its place here. Expansion goes
in blocks of 64 days that are remembered, so that asking every minute costs a look-up. Pure.
"""

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import Final, TypeAlias

import recurring_ical_events  # type: ignore[import-untyped]  # it ships no types
from icalendar import Calendar, vDDDLists

from rooms.series import Occurrence, Series, occurrence_id, planned_at
from rooms.series_checks import FIRST_YEAR, LAST_YEAR
from rooms.series_ical import dated, rule_of
from rooms.series_rules import plan_of
from rooms.session import Item, Plan

MAX_WINDOW_S: Final = 800 * 86_400
"""The longest stretch that may be asked about at once: more than two years."""
DAY_S: Final = 86_400
BLOCK_S: Final = 64 * DAY_S
MAX_AT_ONCE: Final = 64
"""Dates of one series that are shown together."""
AFTER_S: Final = 15 * 60
"""How long after its hard close a session is still looked at, for what is left to do."""

Pattern: TypeAlias = tuple[str, str, str | None, str | None, tuple[int, ...], tuple[str, ...]]
"""All of a series that its planned dates depend on: a new agenda expands nothing anew."""


def occurrences(series: Series, start: int, end: int) -> list[Occurrence]:
    """The dates that begin from `start` on and before `end` (Unix seconds), as they are now, in order; those
    that are cancelled too. ValueError where that is longer than `MAX_WINDOW_S`."""
    changes = {each.occurrence: each for each in series.exceptions}
    found = []
    for at in planned(series, start, end):
        change = changes.get(occurrence_id(at))
        if change is None or change.cancelled:
            found.append(_occurrence(series, at, at, cancelled=change is not None))
    found += [
        _occurrence(series, planned_at(each.occurrence), at)
        for each in series.exceptions
        if each.moved_to is not None and start <= (at := int(series.at(each.moved_to).timestamp())) < end
    ]
    return sorted(found, key=lambda each: (each.starts_at, each.occurrence))


def _occurrence(series: Series, planned: int, at: int, *, cancelled: bool = False) -> Occurrence:
    return Occurrence(
        occurrence=occurrence_id(planned),
        starts_at=at,
        ends_at=at + 60 * series.minutes,
        cancelled=cancelled,
        moved_from=planned if planned != at else None,
    )


def upcoming(series: Series, after: int, most: int, *, cancelled: bool = False) -> list[Occurrence]:
    """The first `most` dates that end after `after`, of the next two years or so; `cancelled`: those too."""
    times = [series.starts, *series.extra, *(each.moved_to for each in series.exceptions if each.moved_to)]
    earliest = min(int(series.at(local).timestamp()) for local in times)
    start = max(after - 60 * series.minutes, earliest)
    found: list[Occurrence] = []
    for begin in range(start, start + MAX_WINDOW_S, BLOCK_S):
        found += [
            each
            for each in occurrences(series, begin, begin + BLOCK_S)
            if each.ends_at > after and (cancelled or not each.cancelled)
        ]
        if len(found) >= most:
            break
    return found[:most]


def next_after(series: Series, after: int) -> Occurrence | None:
    """The first date that begins after `after` and takes place."""
    return next((each for each in upcoming(series, after, MAX_AT_ONCE) if each.starts_at > after), None)


def due_between(series: Series, start: int, end: int) -> list[tuple[str, Plan]]:
    """(occurrence, plan) of the sessions that take place and that the clock has to look at between `start`
    and `end`: from the opening of the lobby to a while after the hard close."""
    before_s, after_s = series.span_s
    found = occurrences(series, start - after_s - AFTER_S, end + before_s + 1)
    due = []
    for each in found:
        if not each.cancelled:
            after = next_after(series, each.starts_at)
            next_at = None if after is None else after.starts_at
            measure = series.measure and series.check_in and _is_first_of_month(series, each.occurrence)
            due.append((each.occurrence, plan_of(series, each, next_at, measure=measure)))
    return due


def _is_first_of_month(series: Series, occurrence: str) -> bool:
    """Of those that are counted in its month (`suppression.month_of`) and take place."""
    at = datetime.fromtimestamp(planned_at(occurrence), UTC)
    begins = at.replace(day=1, hour=0, minute=0, second=0)
    gone = {each.occurrence for each in series.exceptions if each.cancelled}
    before = planned(series, int(begins.timestamp()), int(at.timestamp()))
    return gone.issuperset(map(occurrence_id, before))


def is_planned(series: Series, occurrence: str) -> bool:
    """Whether the rule, or a further date, gives this one."""
    try:
        at = planned_at(occurrence)
    except ValueError:
        return False
    # An hour of the last day may be in the year after it in UTC.
    if not FIRST_YEAR - 1 <= int(occurrence[:4]) <= LAST_YEAR + 1:
        return False
    return at in planned(series, at, at + 1)


def clash(series: Series) -> str | None:
    """A sentence where two of its dates would need the room at the same time; else None."""
    before_s, after_s = series.span_s
    single = [*series.extra, *(each.moved_to for each in series.exceptions if each.moved_to)]
    for local in (series.starts, *single):
        at = int(series.at(local).timestamp())
        near = [each for each in occurrences(series, at - 2 * DAY_S, at + 2 * DAY_S) if not each.cancelled]
        if any(later.starts_at - earlier.starts_at < before_s + after_s for earlier, later in pairwise(near)):
            return "Two dates of it would overlap, counting the lobby before and the time after. Move one."
    return None


def planned(series: Series, start: int, end: int) -> list[int]:
    """When its rule and its further dates let it begin, from `start` on and before `end`, whatever its
    exceptions say of them. Unix seconds, ascending."""
    if end - start > MAX_WINDOW_S:
        raise ValueError("this is a longer time than is looked at at once")
    pattern = (
        series.timezone,
        series.starts,
        series.rrule,
        series.until,
        series.skip_months,
        series.extra,
    )
    blocks = range(start // BLOCK_S, -(-end // BLOCK_S))
    return [at for block in blocks for at in _block(pattern, block) if start <= at < end]


@lru_cache(maxsize=8_192)
def _block(pattern: Pattern, block: int) -> tuple[int, ...]:
    """What begins within one block of time."""
    start = datetime.fromtimestamp(block * BLOCK_S, UTC)
    end = start + timedelta(seconds=BLOCK_S)
    if end.year < FIRST_YEAR or start.year > LAST_YEAR:
        return ()
    begin = (event["DTSTART"].dt.timestamp() for event in _query(pattern).between(start, end))
    return tuple(sorted({int(at) for at in begin if start.timestamp() <= at < end.timestamp()}))


@lru_cache(maxsize=1_024)
def _query(pattern: Pattern) -> recurring_ical_events.CalendarQuery:
    zone, starts, rrule, until, skip_months, extra = pattern
    series = Series(
        name="dates",
        title="Dates",
        timezone=zone,
        starts=starts,
        rrule=rrule,
        until=until,
        skip_months=skip_months,
        extra=extra,
        agenda=(Item("All of it", 60),),
    )
    event = dated(series, series.name, rule_of(series))
    if extra:
        event.add("rdate", vDDDLists([series.at(local) for local in extra]))
    calendar = Calendar()
    calendar.add_component(event)
    return recurring_ical_events.of(calendar)
