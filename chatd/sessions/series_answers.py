"""What planning answers over HTTP, as types: the API's JSON, and what describes it to tools. Pure."""

from typing import Final

import msgspec

from chatd.sessions.series_links import For
from chatd.sessions.templates import Template
from rooms.catalog import Door
from rooms.series import Occurrence, Series
from rooms.series_rules import in_words, warnings
from rooms.session import Phase

SHOWN: Final = 12
"""Dates of one series by itself."""


class Time(msgspec.Struct, frozen=True):
    """Unix seconds."""

    starts_at: int
    ends_at: int


class SessionInfo(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A series as anybody may see it. `phase` is there while people are in the room for it."""

    room: str
    title: str
    about: str = ""
    when: str
    """In words, on the clock of its place: "Every Tuesday, 19:00 to 20:00"."""
    timezone: str
    phase: Phase | None = None
    live: bool = False
    """The group talks, or would, were it not paused."""
    open: bool = False
    """One gets in without a ticket."""
    door: Door = "ticket"
    """What one shows where it is not open."""
    next: list[Time] = []
    """The next dates that take place, of those that have not begun."""


class SessionList(msgspec.Struct, frozen=True):
    sessions: list[SessionInfo]
    now: int
    """The server's Unix seconds."""


class SeriesLine(msgspec.Struct, frozen=True, kw_only=True):
    """A series in the planners' list."""

    name: str
    title: str
    when: str
    timezone: str
    listed: bool
    open: bool
    next: list[Occurrence]


class SeriesList(msgspec.Struct, frozen=True):
    series: list[SeriesLine]
    now: int


class SeriesInfo(Series, frozen=True, kw_only=True, omit_defaults=False):
    """A series as its planners see it, with what follows from it."""

    when: str
    occurrences: list[Occurrence]
    """The next dates, cancelled ones too."""
    warnings: list[str]
    """What to think about; nothing of it stops anybody."""
    url: str
    calendar: str
    poster: str


class TemplateList(msgspec.Struct, frozen=True):
    templates: list[Template]
    problems: list[str]
    """Files of the organisation's own that cannot be used, and why."""


class LinkWish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    who: For = msgspec.field(name="for")


class Link(msgspec.Struct, frozen=True):
    """What to hand on. Whoever has it can use it until `expires_at` (Unix seconds)."""

    url: str
    expires_at: int


def shown(series: Series, url: str, now: int) -> SeriesInfo:
    """`series` as its planners see it, on the server at `url`."""
    from rooms.series_dates_ical import upcoming

    dates = upcoming(series, now, SHOWN, cancelled=True)
    warned = warnings(series)
    if not any(not each.cancelled for each in dates):
        warned.append("It has no date to come.")
    return SeriesInfo(
        **msgspec.structs.asdict(series),
        when=in_words(series),
        occurrences=dates,
        warnings=warned,
        url=f"{url}/room/{series.name}",
        calendar=f"{url}/calendar/{series.name}.ics",
        poster=f"{url}/room/{series.name}/poster",
    )
