"""The series in the store's own database, SQLite or PostgreSQL: the same statements for both.

Touches the table `series`, through the database that the log opened. A row holds the series as iCalendar
text (`series_ical.py`); what was read is remembered by that text, so that asking each minute costs little.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from functools import lru_cache
from typing import Final

from rooms.catalog_sql import Database
from rooms.log import LogCorrupt
from rooms.series import (
    MAX_SERIES,
    NoSuchSeries,
    Series,
    SeriesExists,
    SeriesMovedOn,
    TooManySeries,
)

_ADD: Final = (
    "INSERT INTO series (name, revision, ical) "
    "SELECT CAST($1 AS TEXT), CAST($2 AS BIGINT), CAST($3 AS TEXT) "
    "WHERE (SELECT count(*) FROM series) < $4 ON CONFLICT (name) DO NOTHING"
)
_CHANGE: Final = "UPDATE series SET revision = $2, ical = $3 WHERE name = $1 AND revision = $4"


class SqlSeries:
    """A `SeriesStore` on `database`, which belongs to the log and is closed by it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, series: Series) -> None:
        values = {"1": series.name, "2": series.revision, "3": _written(series), "4": MAX_SERIES}
        if await self._database.execute(_ADD, values):
            return
        if await self.get(series.name) is not None:
            raise SeriesExists("There is a series with this name already.")
        raise TooManySeries(f"There are {MAX_SERIES} series already.")

    async def change(self, series: Series) -> None:
        values = {
            "1": series.name,
            "2": series.revision,
            "3": _written(series),
            "4": series.revision - 1,
        }
        if await self._database.execute(_CHANGE, values):
            return
        if await self.get(series.name) is None:
            raise NoSuchSeries("There is no series with this name.")
        raise SeriesMovedOn("Somebody else has changed this series meanwhile.")

    async def remove(self, name: str) -> None:
        if not await self._database.execute("DELETE FROM series WHERE name = $1", {"1": name}):
            raise NoSuchSeries("There is no series with this name.")

    async def get(self, name: str) -> Series | None:
        rows = await self._database.read("SELECT ical FROM series WHERE name = $1", {"1": name})
        return _read(rows[0][0]) if rows else None

    async def list(self) -> Sequence[Series]:
        rows = await self._database.read("SELECT ical FROM series ORDER BY name", {})
        # Hundreds that are read for the first time take seconds; the event loop has sockets to serve.
        return await asyncio.to_thread(_readable, [text for (text,) in rows])

    async def close(self) -> None:
        """Nothing of its own to close."""


# The library is imported where it is used: a process that plans nothing does without.


def _written(series: Series) -> str:
    from rooms.series_ical import to_ical

    return to_ical(series)


def _readable(texts: Sequence[str]) -> list[Series]:
    found = []
    for text in texts:
        with suppress(LogCorrupt):
            found.append(_read(text))
    return found


@lru_cache(maxsize=2 * MAX_SERIES)
def _read(text: str) -> Series:
    from rooms.series_ical import NotASeries, from_ical

    try:
        return from_ical(text)
    except NotASeries:
        raise LogCorrupt(
            "The store holds a series that this program cannot read: it was damaged, or written by a newer "
            "chatd. Run that version, or restore the last backup."
        ) from None
