"""A few connections that only read a SQLite store. They never write and never checkpoint.

Touches the database file, through aiosqlite: one thread per connection, so a long read holds up
neither the event loop nor the writer.
"""

import sqlite3
from asyncio import CancelledError, Semaphore, ensure_future, shield  # noqa: TID251 (waited for where it begins)
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, TypeAlias

import aiosqlite

from rooms.errors_sqlite import translate
from rooms.log import LogUnavailable

Parameters: TypeAlias = Sequence[Any] | Mapping[str, Any]

CONNECTIONS: Final = 3
"""Reads that may run at once; the others wait their turn."""

BUSY_S: Final = 2.0


class Readers:
    """A bounded pool. A statement sees one whole commit, the newest there is."""

    def __init__(self, database: Path) -> None:
        self._database = database
        self._idle: list[aiosqlite.Connection] = []
        self._free = Semaphore(CONNECTIONS)
        self._closed = False

    async def read(self, sql: str, parameters: Parameters = ()) -> list[tuple[Any, ...]]:
        """All rows of one statement, or a `LogError`."""
        async with self._free:
            if self._closed:
                raise LogUnavailable("This log is closed.")
            connection: aiosqlite.Connection | None = None
            try:
                connection = self._idle.pop() if self._idle else await self._connect()
                rows = await connection.execute_fetchall(sql, parameters)
            except BaseException as error:
                # After a failure, or a caller who went away in mid-read, its state is not known.
                if connection is not None:
                    await _close(connection)
                if isinstance(error, sqlite3.Error):
                    raise translate(error, self._database) from error
                raise
            self._idle.append(connection)
            return list(rows)  # type: ignore[arg-type]  # aiosqlite says Row; without a row factory they are tuples

    async def _connect(self) -> aiosqlite.Connection:
        """A connection; its thread never outlives a caller who goes away while it is being opened."""
        opening = ensure_future(self._open())
        try:
            return await shield(opening)
        except CancelledError:
            with suppress(sqlite3.Error):
                await _close(await opening)
            raise

    async def _open(self) -> aiosqlite.Connection:
        uri = f"{self._database.absolute().as_uri()}?mode=ro"
        connection = await aiosqlite.connect(uri, uri=True, isolation_level=None, timeout=BUSY_S)
        try:
            await connection.execute_fetchall("PRAGMA query_only=ON")
        except BaseException:
            await _close(connection)
            raise
        return connection

    async def close(self) -> None:
        """Wait for what is being read, then close. Idempotent."""
        if self._closed:
            return
        self._closed = True
        for _ in range(CONNECTIONS):
            await self._free.acquire()
        while self._idle:
            await _close(self._idle.pop())
        for _ in range(CONNECTIONS):
            self._free.release()


async def _close(connection: aiosqlite.Connection) -> None:
    with suppress(sqlite3.Error):
        await connection.close()
