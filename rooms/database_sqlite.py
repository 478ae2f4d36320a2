"""A SQLite store opened: one writer, a few readers, and what both need of the file. No SQL of its own.

Touches `<path>`, SQLite's `-wal` and `-shm` beside it, and `<path>.lock`.
"""

from pathlib import Path
from typing import Any, TypeVar

from rooms.readers_sqlite import Parameters, Readers
from rooms.revisions_sql import check_current
from rooms.writer_sqlite import Scrub, Work, Writer

T = TypeVar("T")


class SqliteDatabase:
    """`write` runs a function in a transaction, `read` a statement. Make one with `open`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._writer = Writer(path)
        self._readers = Readers(path)

    @classmethod
    async def open(cls, path: Path) -> "SqliteDatabase":
        """Open what `migrate` made. `LogCorrupt` where it is none of ours, or of another version."""
        database = cls(path)
        await database._writer.start()
        try:
            check_current(await database._revision(), str(path))
        except BaseException:
            await database.close()
            raise
        return database

    async def _revision(self) -> str | None:
        if not await self.read("SELECT 1 FROM sqlite_schema WHERE name = 'alembic_version'"):
            return None
        rows = await self.read("SELECT version_num FROM alembic_version")
        return rows[0][0] if rows else None

    async def write(self, work: Work[T], scrub: Scrub = Scrub.NO) -> T:
        """What `work` returned, once it is durable; or what it raised; or a `LogError`."""
        return await self._writer.run(work, scrub)

    async def read(self, sql: str, parameters: Parameters = ()) -> list[tuple[Any, ...]]:
        """All rows of one statement, from the newest commit; or a `LogError`."""
        return await self._readers.read(sql, parameters)

    async def execute(self, sql: str, parameters: Parameters = ()) -> int:
        """One statement in its own transaction; how many rows it changed."""
        return await self.write(lambda connection: connection.execute(sql, parameters).rowcount)

    async def close(self) -> None:
        """Idempotent."""
        await self._readers.close()  # first: the last to close may checkpoint, and only the writer does
        await self._writer.stop()
