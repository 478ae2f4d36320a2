"""A series of sessions, as it is planned: the vocabulary, and the interface that keeps it.

    Series       what was decided about all of its dates, in the local time of one place
    Occurrence   one date of it, in Unix seconds; `series_ical.py` finds them
    SeriesStore  where they are kept; every process that shares the store sees the same ones

A series' room has its name. The pure rules are in `series_rules.py`; a running session has a copy of what
was planned (`session.Plan`), so a change here never reaches into a session that goes on.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Annotated, Final, Protocol, TypeAlias
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Meta

from rooms.catalog import MAX_EMBED
from rooms.command import RoomName
from rooms.recurrence import MAX_RULE_CHARS, Recurrence, read_rule
from rooms.series_checks import problems
from rooms.session import MAX_AGENDA, MAX_GROUP, Erase, Item, Line, Words

MAX_SERIES: Final = 500
"""Series in one store."""
MAX_EXCEPTIONS: Final = 200
MAX_EXTRA: Final = 100
MAX_RESOURCES: Final = 20
MAX_SUPPORT: Final = 10

Local: TypeAlias = Annotated[str, Meta(pattern=r"\A[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}\Z")]
"""A time on the clock of the series' place: `2026-12-01T19:00`."""
LocalDate: TypeAlias = Annotated[str, Meta(pattern=r"\A[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")]
OccurrenceId: TypeAlias = Annotated[str, Meta(pattern=r"\A[0-9]{8}T[0-9]{6}Z\Z")]
"""The planned start in UTC, `20261201T190000Z` (the form of a RECURRENCE-ID). A date that moves keeps it."""
Title: TypeAlias = Annotated[str, Meta(min_length=1, max_length=120)]
Zone: TypeAlias = Annotated[
    str, Meta(pattern=r"\A[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+){0,2}\Z", max_length=64)
]


class Change(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """One date that is not as the rule has it: it is cancelled, or it is moved."""

    occurrence: OccurrenceId
    cancelled: bool = False
    moved_to: Local | None = None

    def __post_init__(self) -> None:
        if self.cancelled is (self.moved_to is not None):
            raise ValueError("Each exception says either cancelled or moved_to.")


class Series(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """What is planned. Errors are sentences that say what to change."""

    name: RoomName
    title: Title
    about: Words = ""
    timezone: Zone
    """Of the tz database: `Europe/London`."""
    starts: Local
    """The first date; the others begin at the same time on that clock, in summer and winter."""
    rrule: Annotated[str, Meta(max_length=MAX_RULE_CHARS)] | None = None
    """How it recurs, as `recurrence.Recurrence` writes it; None: it does not."""
    until: LocalDate | None = None
    """The last day on which it may meet."""
    skip_months: Annotated[tuple[Annotated[int, Meta(ge=1, le=12)], ...], Meta(max_length=11)] = ()
    """Months without a session, 8 for August; ascending."""
    extra: Annotated[tuple[Local, ...], Meta(max_length=MAX_EXTRA)] = ()
    """Further dates that the rule does not give; ascending."""
    exceptions: Annotated[tuple[Change, ...], Meta(max_length=MAX_EXCEPTIONS)] = ()
    """By `occurrence`, ascending."""

    agenda: Annotated[tuple[Item, ...], Meta(min_length=1, max_length=MAX_AGENDA)]
    capacity: Annotated[int, Meta(ge=2, le=MAX_GROUP)] = 8
    minimum: Annotated[int, Meta(ge=1, le=MAX_GROUP)] = 3
    lobby_minutes: Annotated[int, Meta(ge=0, le=60)] = 10
    grace_minutes: Annotated[int, Meta(ge=0, le=30)] = 5
    by_hand: bool = False
    unheard_first: bool = False
    slow_mode_s: Annotated[int, Meta(ge=0, le=60)] = 0
    roles: bool = False
    erase: Erase = "at_close"
    poll_k: Annotated[int, Meta(ge=3, le=MAX_GROUP)] = 5
    check_in: bool = True
    measure: bool = False
    """In its first session of a month (UTC), with the check-in."""
    resources: Annotated[
        tuple[tuple[Line, Annotated[str, Meta(max_length=500)]], ...], Meta(max_length=MAX_RESOURCES)
    ] = ()
    support: Annotated[tuple[tuple[Line, Line, LocalDate], ...], Meta(max_length=MAX_SUPPORT)] = ()
    """What, number or address, and the day on which somebody made sure that it is right."""

    open: bool = False
    """Anybody who reaches the page may join, without a ticket."""
    listed: bool = True
    """Shown in the lobby and in the calendar of all."""
    embed: Annotated[tuple[str, ...], Meta(max_length=MAX_EMBED)] | None = None
    """As in `catalog.RoomSpec`."""

    revision: Annotated[int, Meta(ge=0, le=2**31 - 1)] = 0
    """Counts the changes (SEQUENCE in RFC 5545). Who changes names the one that they saw."""
    changed_at: Annotated[int, Meta(ge=0, le=2**53 - 1)] = 0
    """Unix seconds."""

    def __post_init__(self) -> None:
        for sentence in problems(self):
            raise ValueError(sentence)

    @property
    def recurrence(self) -> Recurrence | None:
        return None if self.rrule is None else read_rule(self.rrule)

    @property
    def minutes(self) -> int:
        """How long a session lasts."""
        return sum(item.minutes for item in self.agenda)

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)

    @property
    def span_s(self) -> tuple[int, int]:
        """Seconds before its start, and after it, in which a session has the room for itself."""
        return 60 * self.lobby_minutes, 60 * (self.minutes + self.grace_minutes)

    def at(self, local: str) -> datetime:
        """When the clocks of its place show `local`. Of an hour that comes twice in autumn it is the first; a
        time that spring leaves out is as if the clocks were not put forward (RFC 5545 section 3.3.5)."""
        return datetime.fromisoformat(local).replace(tzinfo=self.zone)

    def planned(self, local: str) -> str:
        """The id of the occurrence that is planned for `local`."""
        return occurrence_id(self.at(local).timestamp())


class Occurrence(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One date of a series. Times are Unix seconds."""

    occurrence: OccurrenceId
    starts_at: int
    ends_at: int
    cancelled: bool = False
    moved_from: int | None = None
    """When it was planned for, where it was moved."""


@lru_cache(maxsize=16_384)
def occurrence_id(starts_at: float) -> str:
    """The name of what is planned for then (Unix seconds)."""
    return datetime.fromtimestamp(starts_at, UTC).strftime("%Y%m%dT%H%M%SZ")


def planned_at(occurrence: str) -> int:
    """When `occurrence` was planned for, in Unix seconds. ValueError where it names no time."""
    return int(datetime.strptime(occurrence, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp())


# ---- where they are kept -------------------------------------------------------------------------


class SeriesExists(Exception):
    """`add` was given a name that is taken."""


class TooManySeries(Exception):
    """There are `MAX_SERIES` already."""


class NoSuchSeries(Exception):
    """There is no series with this name."""


class SeriesMovedOn(Exception):
    """Somebody else has changed it since it was read."""


class SeriesStore(Protocol):
    """Guarantees: what `add`, `change` or `remove` returned from is on disk and seen by every process that
    shares it; of two who change the same revision one wins, and the other hears of it. All: `LogError`."""

    async def add(self, series: Series) -> None:
        """Keep it. `SeriesExists`, `TooManySeries`."""
        ...

    async def change(self, series: Series) -> None:
        """Put it in the place of the revision before its own. `NoSuchSeries`, `SeriesMovedOn`."""
        ...

    async def remove(self, name: str) -> None:
        """Forget it. `NoSuchSeries`."""
        ...

    async def get(self, name: str) -> Series | None:
        """None: there is none. `LogCorrupt` where it cannot be read."""
        ...

    async def list(self) -> Sequence[Series]:
        """All of them, by name. What cannot be read is left out, so that the others go on; `get` says it."""
        ...

    async def close(self) -> None: ...
