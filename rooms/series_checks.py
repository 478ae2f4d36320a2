"""What makes no series: the checks that no type can hold. Pure; sentences that quote nothing.

`series.Series` asks when it is made, from wherever: a request, a command, the store.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from rooms.catalog import is_origin
from rooms.text import normalise

if TYPE_CHECKING:
    from rooms.series import Series

MAX_MINUTES: Final = 240
"""All parts of an agenda together."""
MAX_TEXT_CHARS: Final = 32_000
"""All that people wrote into one series, together."""
FIRST_YEAR: Final = 2000
LAST_YEAR: Final = 2100
OTHER_CLOCKS: Final = frozenset({"posix", "right", "posixrules", "localtime", "Factory"})
"""Beside the zones in many a tz database: copies, the machine's own, and clocks that count leap seconds."""


def problems(series: "Series") -> Iterator[str]:
    """Sentences; the first one is enough. They quote nothing."""
    try:
        zone = series.zone
        if series.timezone.partition("/")[0] in OTHER_CLOCKS:
            raise KeyError
    except (KeyError, ValueError, OSError):  # unknown (ZoneInfoNotFoundError is a KeyError), or a folder
        yield "There is no such time zone. Name one of the tz database, such as Europe/London."
        return
    for local in (series.starts, *series.extra, *(each.moved_to for each in series.exceptions)):
        if local is not None:
            yield from _no_time(local, zone)
    yield from _no_recurrence(series)
    yield from _no_text(series)
    if series.minimum > series.capacity:
        yield "It takes more people to open than there are places: lower the minimum, or raise the capacity."
    if series.minutes > MAX_MINUTES:
        yield f"A session lasts at most {MAX_MINUTES} minutes; this agenda has more."
    if not all(map(is_origin, series.embed or ())):
        yield "An origin in embed is like https://intranet.example.org."


def _no_time(local: str, zone: ZoneInfo) -> Iterator[str]:
    try:
        naive = datetime.fromisoformat(local)
    except ValueError:
        yield "There is no such day or time. Write it like 2026-12-01T19:00."
        return
    if not FIRST_YEAR <= naive.year <= LAST_YEAR:
        yield f"A date is in the years {FIRST_YEAR} to {LAST_YEAR}."
    elif naive.replace(tzinfo=zone).astimezone(UTC).astimezone(zone).replace(tzinfo=None) != naive:
        yield "The clocks of that place are put forward over this time: on that day it does not exist."


def _no_recurrence(series: "Series") -> Iterator[str]:
    first = datetime.fromisoformat(series.starts).date()
    rule = series.recurrence  # NoRule is a sentence as well
    if rule is None:
        if series.until is not None or series.skip_months:
            yield "It has no rule, so it meets once: leave out until and skip_months, or say how it recurs."
    else:
        if str(rule) != series.rrule:
            yield "Write the rule like FREQ=WEEKLY;INTERVAL=2;BYDAY=TU."
        if not rule.begins_on(first):
            yield "The first date is not a day of its rule: begin on one that is, or change the rule."
        if rule.count is not None and series.until is not None:
            yield "Say how often it meets (COUNT) or its last day (until), not both."
    if first.month in series.skip_months:
        yield "The first date is in a month that it skips: begin in another."
    if series.until is not None:
        until = _day(series.until)
        if until is None:
            yield "There is no such last day. Write it like 2027-06-30."
        elif until < first or until.year > LAST_YEAR:
            yield f"Its last day is before its first, or after {LAST_YEAR}."
    if list(series.skip_months) != sorted(set(series.skip_months)):
        yield "Name each month that it skips once, in order."
    yield from _no_single_dates(series)


def _no_single_dates(series: "Series") -> Iterator[str]:
    if list(series.extra) != sorted(set(series.extra)) or series.starts in series.extra:
        yield "Name each further date once, in order."
    ids = [each.occurrence for each in series.exceptions]
    if ids != sorted(set(ids)):
        yield "A date has one exception, and they stand in order."
    for occurrence in ids:
        try:
            datetime.strptime(occurrence, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        except ValueError:
            yield "An exception names its date by the planned start in UTC: 20261201T190000Z."


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _half(text: str) -> bool:
    """Whether half of a character stands there alone, which no file can hold: bytes of a terminal that are no
    UTF-8, or JSON's "\\ud800"."""
    return any("\ud800" <= letter <= "\udfff" for letter in text)


def _no_text(series: "Series") -> Iterator[str]:
    if series.title != " ".join(normalise(series.title).split()) or series.about != normalise(series.about):
        yield "Title and purpose are plain text; the title is one line."
    words = [series.title, series.about]
    for item in series.agenda:
        words += (item.title, item.prompt)
    for pair in series.resources:
        words += pair
        if not pair[1].startswith("https://") or not pair[1].isprintable() or " " in pair[1]:
            yield "A resource is a title and a link that begins with https://."
    for what, where, day in series.support:
        words += (what, where)
        if _day(day) is None:
            yield "A support line ends with the day on which it was made sure of, like 2026-11-01."
    if any(map(_half, words)):
        yield "There is something in it that is no text. Write it anew, without what cannot be seen."
    if sum(map(len, words)) > MAX_TEXT_CHARS:
        yield f"All that is written in a series has at most {MAX_TEXT_CHARS:,} characters."
