"""A series as an iCalendar component (RFC 5545), and the dates that follow from it.

    to_ical / from_ical     as it is kept: times in the standard's properties, the rest in X-CHATD-SERIES
    dated, moved_events     its times as VEVENTs, for whoever adds the words

Its dates are found in `series_dates_ical.py`; what others get to see is in `series_feed_ical.py`. Pure.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec
from icalendar import Calendar, Event, vDDDLists, vDuration, vRecur, vText

from rooms.recurrence import DAYS
from rooms.series import Change, Series, planned_at

PRODUCT: Final = "-//chatd//chatd//EN"
OURS: Final = "X-CHATD-SERIES"
"""The property that holds, as JSON, what iCalendar has no word for."""
IN_ICALENDAR: Final = frozenset(
    {
        "name",
        "starts",
        "rrule",
        "until",
        "skip_months",
        "extra",
        "exceptions",
        "revision",
        "changed_at",
    }
)


class NotASeries(ValueError):
    """The text is no series that this program wrote."""


# ---- as it is kept -------------------------------------------------------------------------------


def to_ical(series: Series) -> str:
    """One VCALENDAR: the series, and a VEVENT with RECURRENCE-ID for each date that is moved."""
    calendar = Calendar()
    calendar.add("version", "2.0")
    calendar.add("prodid", PRODUCT)
    event = dated(series, series.name, rule_of(series))
    event.add("summary", vText(series.title))
    if series.about:
        event.add("description", vText(series.about))
    if series.extra:
        event.add("rdate", vDDDLists([series.at(local) for local in series.extra]))
    if gone := [local_of(series, each.occurrence) for each in series.exceptions if each.cancelled]:
        event.add("exdate", vDDDLists(gone))
    rest = {name: value for name, value in msgspec.to_builtins(series).items() if name not in IN_ICALENDAR}
    # The library takes \N for the end of a line before it escapes anything, so also in "C:\Notes".
    ours = msgspec.json.encode(rest, order="deterministic").decode().replace("\\\\", "\\u005c")
    event.add(OURS, vText(ours), parameters={"VALUE": "TEXT"})
    calendar.add_component(event)
    for moved in moved_events(series, series.name):
        calendar.add_component(moved)
    text: str = calendar.to_ical().decode()
    return text


def from_ical(text: str) -> Series:
    """The series in what `to_ical` wrote. `NotASeries`."""
    try:
        return _from(Calendar.from_ical(text))
    except (ValueError, KeyError, TypeError, AttributeError) as error:  # the library's errors are ValueErrors
        raise NotASeries("This is no series that chatd wrote.") from error


def dated(series: Series, uid: str, rule: Mapping[str, Any] | None) -> Event:
    """A VEVENT with the times of `series` and nothing else yet: neither words nor single dates."""
    event = Event()
    event.add("uid", uid)
    stamp(event, series)
    event.add("dtstart", series.at(series.starts))
    event.add("duration", vDuration(timedelta(minutes=series.minutes)))
    if rule is not None:
        event.add("rrule", vRecur(rule))
    return event


def stamp(event: Event, series: Series) -> None:
    """Which revision of the series this is (RFC 5545 sections 3.8.7.2 to 3.8.7.4)."""
    changed = datetime.fromtimestamp(series.changed_at, UTC)
    event.add("dtstamp", changed)
    event.add("last-modified", changed)
    event.add("sequence", series.revision)


def moved_events(series: Series, uid: str) -> Iterator[Event]:
    """The dates of the rule that are at another time. Words are the caller's to add."""
    for each in series.exceptions:
        if each.moved_to is not None:
            event = Event()
            event.add("uid", uid)
            stamp(event, series)
            event.add("recurrence-id", local_of(series, each.occurrence))
            event.add("dtstart", series.at(each.moved_to))
            event.add("duration", vDuration(timedelta(minutes=series.minutes)))
            yield event


def local_of(series: Series, occurrence: str) -> datetime:
    """When `occurrence` is planned for, on the clock of its place, as the rule has it."""
    at = planned_at(occurrence)
    there = datetime.fromtimestamp(at, series.zone)
    # In the hour that spring leaves out the rule has a time that no clock shows.
    usual = series.at(there.date().isoformat() + series.starts[10:])
    return usual if usual.timestamp() == at else there.replace(fold=0)


def rule_of(series: Series) -> dict[str, Any] | None:
    """The parts of its RRULE, with the months that it meets in: exact, but not read by every calendar."""
    if (rule := series.recurrence) is None:
        return None
    parts: dict[str, Any] = {"FREQ": rule.frequency}
    if rule.interval > 1:
        parts["INTERVAL"] = rule.interval
    if rule.days:
        nth = "" if rule.nth is None else str(rule.nth)
        parts["BYDAY"] = [nth + DAYS[day] for day in rule.days]
    if rule.monthday is not None:
        parts["BYMONTHDAY"] = rule.monthday
    if series.skip_months:
        parts["BYMONTH"] = [month for month in range(1, 13) if month not in series.skip_months]
    if rule.frequency == "WEEKLY":
        parts["WKST"] = "MO"
    if rule.count is not None:
        parts["COUNT"] = rule.count
    if series.until is not None:
        parts["UNTIL"] = end_of(series).astimezone(UTC)
    return parts


def end_of(series: Series) -> datetime:
    """The last second of the last day on which it may meet."""
    assert series.until is not None
    return series.at(f"{series.until}T23:59").replace(second=59)


def _from(calendar: Any) -> Series:
    main, *moved = calendar.walk("VEVENT")
    rest = msgspec.json.decode(str(main[OURS]), type=dict[str, Any])
    rule, until, skipped = _rule_from(main.get("rrule"), ZoneInfo(rest["timezone"]))
    fields = {
        **rest,
        "name": str(main["uid"]),
        "starts": _local(main["dtstart"].dt),
        "rrule": rule,
        "until": until,
        "skip_months": skipped,
        "extra": sorted(_local(each) for each in _listed(main, "rdate")),
        "revision": int(main["sequence"]),
        "changed_at": int(main["dtstamp"].dt.timestamp()),
    }
    plain = msgspec.convert(fields, Series)
    changes = [Change(plain.planned(_local(each)), cancelled=True) for each in _listed(main, "exdate")]
    changes += [
        Change(plain.planned(_local(each["recurrence-id"].dt)), moved_to=_local(each["dtstart"].dt))
        for each in moved
    ]
    changes.sort(key=lambda each: each.occurrence)
    return msgspec.structs.replace(plain, exceptions=tuple(changes))


def _rule_from(recur: Any, zone: ZoneInfo) -> tuple[str | None, str | None, tuple[int, ...]]:
    """(rule as `Recurrence` writes it, until, skip_months) of what `rule_of` made."""
    if recur is None:
        return None, None, ()
    names = [name for name in ("FREQ", "INTERVAL", "BYDAY", "BYMONTHDAY", "COUNT") if name in recur]
    rule = ";".join(f"{name}={','.join(map(str, recur[name]))}" for name in names)
    until = recur["UNTIL"][0].astimezone(zone).date().isoformat() if "UNTIL" in recur else None
    months = {int(month) for month in recur.get("BYMONTH", range(1, 13))}
    return rule, until, tuple(month for month in range(1, 13) if month not in months)


def _listed(event: Any, name: str) -> list[datetime]:
    return [each.dt for each in event[name].dts] if name in event else []


def _local(at: datetime) -> str:
    """As the clock of its place shows it."""
    return at.replace(tzinfo=None).isoformat(timespec="minutes")
