"""What calendars get to see of the series: a feed that Outlook, Google and Apple read the same way.

Only what all three read is in it. Months without a session are single EXDATEs, since Outlook knows no BYMONTH
in a weekly rule (MS-OXCICAL 2.1.3.2.2); such a rule ends at a horizon that moves on, and a calendar that
subscribes never gets there. Further dates are events of their own, since RDATE is read by few. Whom it is
with is not in it, and no reminder: a lock screen would show it. Pure: the same series and horizon give the
same bytes.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec
from icalendar import Calendar, Event, vDDDLists, vDuration, vText

from rooms.series import Series, occurrence_id, planned_at
from rooms.series_dates_ical import MAX_WINDOW_S, planned
from rooms.series_ical import PRODUCT, dated, local_of, moved_events, rule_of, stamp
from rooms.zones_ical import vtimezone

HORIZON_YEARS: Final = 3
"""How many years beyond the present one a rule that leaves months out is told for."""
REFRESH: Final = timedelta(hours=1)


class Shown(msgspec.Struct, frozen=True):
    """A series in a feed."""

    series: Series
    uid: str
    """Stays the same for ever; calendars know the series by it."""
    url: str
    """The room."""


def feed(shown: Sequence[Shown], called: str, horizon: int) -> bytes:
    """The calendar `called` so; months are left out up to the end of the year `horizon`."""
    calendar = Calendar()
    calendar.add("version", "2.0")
    calendar.add("prodid", PRODUCT)
    calendar.add("calscale", "GREGORIAN")
    calendar.add("method", "PUBLISH")
    for name in ("name", "x-wr-calname"):
        calendar.add(name, vText(called))
    # Two words for one thing: RFC 7986 section 5.7, and what Outlook asks for.
    calendar.add("refresh-interval", vDuration(REFRESH), parameters={"VALUE": "DURATION"})
    calendar.add("x-published-ttl", vDuration(REFRESH))
    zones: dict[str, int] = {}
    events: list[Event] = []
    for one in shown:
        year = min(_years(one.series))
        zones[one.series.timezone] = min(year, zones.get(one.series.timezone, year))
        events += _events(one, horizon)
    for zone in sorted(zones):
        calendar.add_component(vtimezone(zone, zones[zone]))
    for event in events:
        calendar.add_component(event)
    text: bytes = calendar.to_ical()
    return text


def _years(series: Series) -> Iterator[int]:
    yield int(series.starts[:4])
    yield from (int(local[:4]) for local in series.extra)
    yield from (int(each.moved_to[:4]) for each in series.exceptions if each.moved_to is not None)


def _events(shown: Shown, horizon: int) -> Iterator[Event]:
    """What the rule gives, what is moved of it, and each further date."""
    series = shown.series
    further = {series.planned(local): local for local in series.extra}
    changes = {each.occurrence: each for each in series.exceptions}
    ruled = msgspec.structs.replace(
        series,
        extra=(),
        exceptions=tuple(each for each in series.exceptions if each.occurrence not in further),
    )
    rule = rule_of(series)
    gone = {each.occurrence for each in ruled.exceptions if each.cancelled}
    if rule is not None and series.skip_months:
        last, left_out = _left_out(ruled, horizon)
        gone |= left_out
        told = {name: value for name, value in rule.items() if name not in {"BYMONTH", "COUNT"}}
        rule = {**told, "UNTIL": last}
    event = dated(ruled, shown.uid, rule)
    if gone:
        event.add("exdate", vDDDLists([local_of(series, each) for each in sorted(gone)]))
    yield _worded(event, shown)
    for moved in moved_events(ruled, shown.uid):
        yield _worded(moved, shown)
    for occurrence, local in further.items():
        change = changes.get(occurrence)
        if change is None or change.moved_to is not None:
            at = local if change is None or change.moved_to is None else change.moved_to
            yield _worded(_single(shown, occurrence, at), shown)


def _left_out(series: Series, horizon: int) -> tuple[datetime, set[str]]:
    """(the last date before the end of the year `horizon`, those until then that fall into its
    `skip_months`)."""
    assert series.recurrence is not None
    start = planned_at(series.planned(series.starts))
    year = max(horizon, int(series.starts[:4]) + HORIZON_YEARS)
    kept = _all(series, start, int(datetime(year + 1, 1, 1, tzinfo=series.zone).timestamp()))
    every = msgspec.structs.replace(
        series, skip_months=(), rrule=str(msgspec.structs.replace(series.recurrence, count=None))
    )
    left_out = set(_all(every, start, kept[-1])) - set(kept)
    return datetime.fromtimestamp(kept[-1], UTC), {occurrence_id(at) for at in left_out}


def _all(series: Series, start: int, end: int) -> list[int]:
    """What is planned from `start` on and before `end`, however long that is."""
    return [
        at
        for begin in range(start, end, MAX_WINDOW_S)
        for at in planned(series, begin, min(begin + MAX_WINDOW_S, end))
    ]


def _single(shown: Shown, occurrence: str, local: str) -> Event:
    """A further date, which calendars know as an event of its own."""
    event = Event()
    name, _, host = shown.uid.partition("@")
    event.add("uid", f"{name}.{occurrence}@{host}")
    stamp(event, shown.series)
    event.add("dtstart", shown.series.at(local))
    event.add("duration", vDuration(timedelta(minutes=shown.series.minutes)))
    return event


def _worded(event: Event, shown: Shown) -> Event:
    series = shown.series
    event.add("summary", vText(series.title))
    # Many calendars show neither URL nor LOCATION in full.
    event.add("description", vText("\n\n".join(filter(None, (series.about, shown.url)))))
    event.add("location", vText(shown.url))
    event.add("url", shown.url)
    # Somebody with whom a calendar is shared sees that its owner is busy, and not with what.
    event.add("class", "PRIVATE")
    event.add("status", "CONFIRMED")
    return event
