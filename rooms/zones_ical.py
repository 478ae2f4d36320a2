"""A time zone as a VTIMEZONE that every calendar understands: two yearly rules.

Outlook reads nothing else of it (MS-STANOICAL 2.2.47: one change a year in each direction, by RRULE), and the
library writes single dates, those in spring an hour late. So the rules are found again from the changes that
`zoneinfo` knows. Where those follow no rule that Outlook reads (Morocco's Ramadan, Israel's Friday), single
dates are what is left. Pure; reads the tz database.
"""

from calendar import monthrange
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

import msgspec
from icalendar import Timezone, TimezoneDaylight, TimezoneStandard, vDDDLists, vRecur

from rooms.recurrence import DAYS

YEARS: Final = 28
"""After so many years days of the month fall on the same weekdays again: a rule that holds for them holds."""
SINGLE_YEARS: Final = 12
"""For how long single dates are told."""
_DAY: Final = timedelta(days=1)


class Transition(msgspec.Struct, frozen=True):
    """The clocks are changed. `local`: what they show then, before that (RFC 5545 section 3.6.5)."""

    local: datetime
    before: timedelta
    after: timedelta
    name: str


@lru_cache(maxsize=256)
def vtimezone(zone: str, year: int) -> Timezone:
    """The zone for times from `year` on."""
    known = ZoneInfo(zone)
    found = _transitions(known, year - 1, YEARS)
    component = Timezone()
    component.add("tzid", zone)
    if not found:
        component.add_component(_fixed(known, year - 1))
        return component
    by_kind: dict[tuple[timedelta, timedelta, str], list[Transition]] = {}
    for each in found:
        by_kind.setdefault((each.before, each.after, each.name), []).append(each)
    kinds = list(by_kind.values())
    ruled = len(kinds) == 2 and all(len(kind) == YEARS and _one_rule(kind) for kind in kinds)
    if not ruled:
        component.add_component(_fixed(known, year - 1))
    for kind in kinds:
        component.add_component(_observance(kind, ruled=ruled))
    return component


def _transitions(zone: ZoneInfo, first: int, years: int) -> list[Transition]:
    """Those of so many years from `first` on, in order."""
    found = []
    at, end = datetime(first, 1, 1, tzinfo=UTC), datetime(first + years, 1, 1, tzinfo=UTC)
    before = _offset(zone, at)
    while at < end:
        after = _offset(zone, at + _DAY)
        if after != before:
            moment = _bisected(zone, at, at + _DAY)
            local = (moment + before).replace(tzinfo=None)
            found.append(Transition(local, before, after, moment.astimezone(zone).tzname() or ""))
        at, before = at + _DAY, after
    return found


def _offset(zone: ZoneInfo, at: datetime) -> timedelta:
    return at.astimezone(zone).utcoffset() or timedelta()


def _bisected(zone: ZoneInfo, start: datetime, end: datetime) -> datetime:
    """The second at which the offset changes between the two."""
    old = _offset(zone, start)
    while end - start > timedelta(seconds=1):
        middle = start + timedelta(seconds=int((end - start).total_seconds()) // 2)
        if _offset(zone, middle) == old:
            start = middle
        else:
            end = middle
    return end


def _one_rule(kind: Sequence[Transition]) -> bool:
    alike = {(each.local.month, each.local.weekday(), each.local.time()) for each in kind}
    return len(alike) == 1 and _nth(kind) is not None


def _nth(kind: Sequence[Transition]) -> int | None:
    """Which weekday of its month it always is: 1 to 4, or -1 for the last; None where it is neither."""
    days = [each.local for each in kind]
    if all(day.day > monthrange(day.year, day.month)[1] - 7 for day in days):
        return -1
    places = {1 + (day.day - 1) // 7 for day in days}
    return places.pop() if len(places) == 1 else None


def _observance(kind: Sequence[Transition], *, ruled: bool) -> TimezoneDaylight | TimezoneStandard:
    first = kind[0]
    until = first.local.year + SINGLE_YEARS
    component = TimezoneDaylight() if first.after > first.before else TimezoneStandard()
    component.add("dtstart", first.local)
    if ruled:
        day = f"{_nth(kind)}{DAYS[first.local.weekday()]}"
        component.add("rrule", vRecur({"FREQ": "YEARLY", "BYMONTH": first.local.month, "BYDAY": day}))
    for each in () if ruled else kind[1:]:
        if each.local.year <= until:
            # A line for each: of several dates in one, ical.js reads the first.
            component.add("rdate", vDDDLists([each.local]))
    component.add("tzoffsetfrom", first.before)
    component.add("tzoffsetto", first.after)
    component.add("tzname", first.name)
    return component


def _fixed(zone: ZoneInfo, year: int) -> TimezoneStandard:
    """What holds when `year` begins, and until the first change after it."""
    at = datetime(year, 1, 1, tzinfo=zone)
    component = TimezoneStandard()
    component.add("dtstart", at.replace(tzinfo=None))
    component.add("tzoffsetfrom", at.utcoffset())
    component.add("tzoffsetto", at.utcoffset())
    component.add("tzname", at.tzname())
    return component
