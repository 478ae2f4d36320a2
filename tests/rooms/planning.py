"""What the tests about series share: a series in a line, the dates that plain arithmetic gives, and three
calendars' views of it."""

import json
import subprocess
from calendar import monthrange
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import recurring_ical_events  # type: ignore[import-untyped]  # it ships no types
from icalendar import Calendar

from rooms.recurrence import Recurrence
from rooms.series import Occurrence, Series
from rooms.series_feed_ical import Shown, feed
from rooms.session import Item

NODE_S = 60
HORIZON = 2029
AGENDA = (Item("Welcome", 5, "opening"), Item("Talk", 45), Item("Closing", 10, "closing_round"))


def planned(**fields: Any) -> Series:
    """A weekly series in London, but for `fields`."""
    usual: dict[str, Any] = {
        "name": "tea",
        "title": "Tea",
        "timezone": "Europe/London",
        "starts": "2026-12-01T19:00",
        "rrule": "FREQ=WEEKLY;BYDAY=TU",
        "agenda": AGENDA,
    }
    return Series(**{**usual, **fields})


def unix(text: str) -> int:
    """`2026-12-01T19:00Z` or with an offset."""
    return int(datetime.fromisoformat(text).timestamp())


def starts(found: Sequence[Occurrence]) -> list[int]:
    return [each.starts_at for each in found]


def reckoned(series: Series, end: date) -> list[int]:
    """The instants of the rule before `end`, by looking at each day: no library of calendars is asked."""
    first = datetime.fromisoformat(series.starts)
    rule = series.recurrence
    found: list[int] = []
    day = first.date()
    while day < end and (rule is None or rule.count is None or len(found) < rule.count):
        if (
            (_meets(rule, first.date(), day) if rule is not None else day == first.date())
            and day.month not in series.skip_months
            and (series.until is None or day <= date.fromisoformat(series.until))
        ):
            at = datetime.combine(day, first.time(), tzinfo=series.zone)
            found.append(int(at.timestamp()))
        day += timedelta(days=1)
    return found


def _meets(rule: Recurrence, first: date, day: date) -> bool:
    if rule.frequency == "DAILY":
        return (day - first).days % rule.interval == 0
    if rule.frequency == "WEEKLY":
        weeks = ((day - timedelta(days=day.weekday())) - (first - timedelta(days=first.weekday()))).days // 7
        return weeks % rule.interval == 0 and day.weekday() in (rule.days or (first.weekday(),))
    months = (day.year - first.year) * 12 + day.month - first.month
    if months % rule.interval:
        return False
    last = monthrange(day.year, day.month)[1]
    if rule.nth is not None:
        place = day.day > last - 7 if rule.nth == -1 else (day.day - 1) // 7 + 1 == rule.nth
        return day.weekday() == rule.days[0] and place
    wanted = first.day if rule.monthday is None else rule.monthday
    return day.day == (last if wanted == -1 else wanted)


def published(*series: Series) -> bytes:
    return feed(
        [
            Shown(each, f"{each.name}@chat.example.org", f"https://chat.example.org/room/{each.name}")
            for each in series
        ],
        "Sessions",
        HORIZON,
    )


def by_python(ics: bytes, until: int) -> list[int]:
    """What `icalendar` and `recurring-ical-events` read in a feed."""
    start, end = datetime(2020, 1, 1, tzinfo=UTC), datetime.fromtimestamp(until, UTC)
    events = recurring_ical_events.of(Calendar.from_ical(ics)).between(start, end)
    return sorted(int(each["DTSTART"].dt.timestamp()) for each in events if each["DTSTART"].dt < end)


def by_javascript(asked: Sequence[tuple[bytes, int]]) -> list[list[int]]:
    """What npm's ical.js reads in each feed; one process for all of them."""
    done = subprocess.run(
        ["node", str(Path(__file__).with_name("ical_instants.mjs"))],
        input=json.dumps([{"ics": ics.decode(), "until": until} for ics, until in asked]),
        capture_output=True,
        text=True,
        timeout=NODE_S,
        check=False,
    )
    assert done.returncode == 0, f"{done.stderr}\nscripts/test installs ical.js, as package-lock.json has it."
    found: list[list[int]] = json.loads(done.stdout)
    return found
