"""Planning: what planners do to a series, the same over HTTP and on the command line.

    read the series -> the pure change -> does it fit? -> the room in step -> kept, as the next revision

A series' room is made and changed with it, and before it: where something breaks between the two, the room is
there and the planner hears that it did not work; doing it again mends it. Touches the catalog and the series.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, Literal, TypeAlias

import msgspec

from rooms.catalog import Catalog, NoSuchRoom, RoomExists, RoomSpec
from rooms.log import Log
from rooms.phases import FINAL
from rooms.reports import Reports
from rooms.series import (
    Change,
    Local,
    NoSuchSeries,
    Occurrence,
    OccurrenceId,
    Series,
    SeriesExists,
    SeriesMovedOn,
    SeriesStore,
    TooManySeries,
    planned_at,
)
from rooms.series_rules import NoSeries, carried, ended, excepted, fitting, read_series, revised
from rooms.session import RUNNING, Phase

ATTEMPTS: Final = 4
"""How often a change is made anew where somebody else's came between."""
HERE: Final[frozenset[Phase]] = RUNNING | {"lobby"}
"""The phases in which people are in the room for it."""

Code: TypeAlias = Literal[
    "unknown_series",
    "series_exists",
    "room_exists",
    "too_many",
    "changed_meanwhile",
    "bad_series",
    "no_date",
    "goes_on",
    "not_yours",
]


class CannotPlan(Exception):
    """It was not done. `code` is for programs, `message` a sentence for the planner; they quote nothing."""

    def __init__(self, code: Code, message: str) -> None:
        super().__init__(message)
        self.code: Final = code
        self.message = message


class DateChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One date is cancelled, moved, or put back as the rule has it."""

    occurrence: OccurrenceId
    cancelled: bool = False
    moved_to: Local | None = None
    restored: bool = False
    revision: int | None = None
    """Of the series as it was seen; None: whatever it is by now."""

    def __post_init__(self) -> None:
        if (self.cancelled, self.moved_to is not None, self.restored).count(True) != 1:
            raise ValueError("Say one of cancelled, moved_to and restored.")


class Planning:
    """What may be done to the series of one store. `wall` gives Unix seconds."""

    def __init__(
        self,
        series: SeriesStore,
        catalog: Catalog,
        log: Log,
        reports: Reports,
        wall: Callable[[], float],
    ) -> None:
        self._series = series
        self._catalog = catalog
        self._log = log
        self._reports = reports
        self._wall = wall

    async def get(self, name: str) -> Series:
        found = await self._series.get(name)
        if found is None:
            raise CannotPlan("unknown_series", "There is no series with this name.")
        return found

    async def add(self, fields: Mapping[str, Any], *, entry: bool = True) -> Series:
        """A new series, and its room. Whoever plans one has a room of that name for it alone. `entry`: as for
        `change`; a room that is there already keeps its own."""
        if not entry:
            fields = await self._entry_kept(fields)
        series = revised(self._read({**fields, "revision": 0, "changed_at": 0}), None, int(self._wall()))
        series = self._fit(series)
        if await self._series.get(series.name) is not None:
            raise _exists()
        await self._keep_room(series)
        try:
            await self._series.add(series)
        except SeriesExists:  # made just now by somebody else, whose room it is
            await self._keep_room(await self.get(series.name))
            raise _exists() from None
        except TooManySeries:
            raise CannotPlan(
                "too_many", "There are as many series as this server keeps. Delete one that is over."
            ) from None
        return series

    async def change(
        self, name: str, fields: Mapping[str, Any], revision: int | None = None, *, entry: bool = True
    ) -> Series:
        """Put `fields` in the place of the series. Single dates stay as they are where `fields` name none,
        and as far as the new rule still gives them. `entry`: whether they may change who gets in without a
        ticket, and on whose pages the room is shown; otherwise both stay, and another wish is refused."""

        def change(was: Series) -> Series:
            kept: dict[str, Any] = {"extra": list(was.extra), "exceptions": list(map(_plain, was.exceptions))}
            stamped = {"name": name, "revision": was.revision, "changed_at": was.changed_at}
            if not entry:
                kept |= {"open": was.open, "embed": was.embed}
            wanted = carried(self._read({**kept, **fields, **stamped}), was)
            if not entry and (wanted.open, wanted.embed) != (was.open, was.embed):
                raise _not_yours()
            return wanted

        return await self._changed(name, revision, change)

    async def change_date(self, name: str, wish: DateChange) -> Series:
        """Cancel, move or restore one date that is still to come."""
        from rooms.series_dates_ical import is_planned

        async def check(series: Series) -> None:
            if not is_planned(series, wish.occurrence):
                raise CannotPlan("no_date", "The series has no such date. Look at its dates, and try again.")
            now = int(self._wall())
            if date_of(series, wish.occurrence).ends_at <= now:
                raise CannotPlan("no_date", "This date is over, and stays as it was.")
            if wish.moved_to is not None and _at(series, wish.moved_to) <= now:
                raise CannotPlan("no_date", "That time is past. Move it to one that is to come.")
            if wish.restored and planned_at(wish.occurrence) <= now:
                raise CannotPlan(
                    "no_date", "The time that it was planned for is past. Move it to one that is to come."
                )
            phase = await self._phase(name, wish.occurrence)
            if phase in HERE:
                raise CannotPlan(
                    "goes_on", "People are in the room for this session already. Close it there instead."
                )
            if not wish.cancelled and (
                phase in FINAL or await self._reports.get(name, wish.occurrence) is not None
            ):
                raise CannotPlan(
                    "no_date",
                    "This session has ended in its room already, and a date opens only once. Plan a further "
                    "date instead, or a series that meets once.",
                )

        def change(series: Series) -> Series:
            made = None if wish.restored else Change(wish.occurrence, wish.cancelled, wish.moved_to)
            return excepted(series, made, wish.occurrence)

        return await self._changed(name, wish.revision, change, check)

    async def end(self, name: str) -> Series:
        """No date from now on. What is going on goes on."""
        from rooms.series_dates_ical import upcoming

        now = int(self._wall())

        def end(series: Series) -> Series:
            by_rule = msgspec.structs.replace(series, extra=(), exceptions=())
            return ended(series, now, ruled=bool(upcoming(by_rule, now, 1)))

        return await self._changed(name, None, end)

    async def remove(self, name: str) -> None:
        """Forget the series. Its room stays for what was said in it, closed and shown nowhere."""
        try:
            await self._series.remove(name)
        except NoSuchSeries:
            raise CannotPlan("unknown_series", "There is no series with this name.") from None
        spec = await self._catalog.get(name)
        if spec is not None:
            await self._catalog.change(msgspec.structs.replace(spec, open=False, listed=False))

    # ---- the parts -----------------------------------------------------------------------------

    async def _changed(
        self,
        name: str,
        revision: int | None,
        change: Callable[[Series], Series],
        check: Callable[[Series], Awaitable[None]] | None = None,
    ) -> Series:
        for _ in range(ATTEMPTS):
            was = await self.get(name)
            if revision is not None and was.revision != revision:
                break
            if check is not None:
                await check(was)
            try:
                wanted = change(was)
            except NoSeries as problem:
                raise CannotPlan("bad_series", str(problem)) from None
            series = self._fit(revised(wanted, was, int(self._wall())))
            await self._keep_room(series)
            try:
                await self._series.change(series)
            except NoSuchSeries:
                raise CannotPlan("unknown_series", "There is no series with this name.") from None
            except SeriesMovedOn:
                continue
            return series
        raise CannotPlan(
            "changed_meanwhile",
            "Somebody else has changed this series meanwhile. Nothing of yours was kept yet: look at it as "
            "it is now, and make your change again.",
        )

    async def _entry_kept(self, fields: Mapping[str, Any]) -> Mapping[str, Any]:
        """`fields` of a new series, with the entry of its room where that is left from before, else the usual
        one; deleting a series and planning it anew is no way around."""
        found = await self._catalog.get(str(fields.get("name")))
        spec = found if found is not None and found.kind == "session" else None
        usual = {"open": spec is not None and spec.open, "embed": None if spec is None else spec.embed}
        wanted = self._read({**usual, **fields, "revision": 0, "changed_at": 0})
        if (wanted.open, wanted.embed) != (usual["open"], usual["embed"]):
            raise _not_yours()
        return {**usual, **fields}

    @staticmethod
    def _read(fields: Mapping[str, Any]) -> Series:
        try:
            return read_series(fields)
        except NoSeries as problem:
            raise CannotPlan("bad_series", str(problem)) from None

    @staticmethod
    def _fit(series: Series) -> Series:
        """Without exceptions to dates that it does not have, and with a room that is free for each."""
        from rooms.series_dates_ical import clash, is_planned

        series = fitting(
            series, [each.occurrence for each in series.exceptions if is_planned(series, each.occurrence)]
        )
        if (sentence := clash(series)) is not None:
            raise CannotPlan("bad_series", sentence)
        return series

    async def _phase(self, name: str, occurrence: str) -> Phase | None:
        """Of this date's session, while the room has it."""
        head = (await self._log.heads([name])).get(name)
        session = None if head is None else head.rules.session
        return session.phase if session is not None and session.occurrence == occurrence else None

    async def _keep_room(self, series: Series) -> None:
        """The catalog's room, as the series has it. What one shows at its door is the room's own."""
        found = await self._catalog.get(series.name)
        wanted = RoomSpec(
            name=series.name,
            title=series.title,
            kind="session",
            capacity=series.capacity,
            open=series.open,
            listed=series.listed,
            embed=series.embed,
            door="ticket" if found is None or series.open else found.door,
        )
        try:
            if found is None:
                await self._catalog.add(wanted)
            elif found.kind != "session":
                raise CannotPlan(
                    "room_exists", "There is a room with this name that is none for sessions. Choose another."
                )
            elif found != wanted:
                await self._catalog.change(wanted)
        except (RoomExists, NoSuchRoom):
            raise CannotPlan(
                "room_exists", "Somebody made a room of this name just now. Try again."
            ) from None


def date_of(series: Series, occurrence: str) -> Occurrence:
    """The date called so, as it is now. `CannotPlan` where the series does not have it."""
    from rooms.series_dates_ical import is_planned, occurrences

    if is_planned(series, occurrence):
        moved = [each.moved_to for each in series.exceptions if each.occurrence == occurrence]
        at = int(series.at(moved[0]).timestamp()) if moved and moved[0] else planned_at(occurrence)
        for each in occurrences(series, at, at + 1):
            if each.occurrence == occurrence:
                return each
    raise CannotPlan("no_date", "The series has no such date. Look at its dates, and try again.")


def _at(series: Series, local: str) -> float:
    try:
        return series.at(local).timestamp()
    except (ValueError, OverflowError):
        raise CannotPlan("no_date", "There is no such day or time. Write it like 2026-12-01T19:00.") from None


def _plain(change: Change) -> Any:
    return msgspec.to_builtins(change)


def _not_yours() -> CannotPlan:
    return CannotPlan(
        "not_yours",
        "A link for one series does not change who gets in without a ticket, or which pages show the room. "
        "Nothing was changed. Who runs the server does, with `chatd session edit`, or who plans all series.",
    )


def _exists() -> CannotPlan:
    return CannotPlan(
        "series_exists", "There is a series with this name already. Choose another, or change it."
    )
