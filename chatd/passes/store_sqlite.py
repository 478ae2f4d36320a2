"""What an issuer keeps, in one SQLite file of its own: its keys, and how many passes a person has had.

    keys     room, period, when it begins and ends, the public key; the private one, sealed
    asked    room, period; an HMAC of the person and one of what they had signed, under a key that is not here

No name, no address, no time of asking. Rows are ordered by what is in them, not by when they came. When a
period is over its key is destroyed first, which makes the rest noise, and then the rows go.

Touches the file, in a thread. Several processes of one machine may share it.
"""

import asyncio
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final, TypeVar

import msgspec

T = TypeVar("T")

NAME: Final = "passes.db"
BUSY_S: Final = 10.0
MAX_REPEATS: Final = 50
"""How often one may ask for the same signature again: an answer was lost, a page was reloaded."""

_TABLES: Final = """
CREATE TABLE IF NOT EXISTS keys (
    room TEXT NOT NULL, period TEXT NOT NULL, begins_at INTEGER NOT NULL, ends_at INTEGER NOT NULL,
    public BLOB NOT NULL, private BLOB NOT NULL, PRIMARY KEY (room, period)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS asked (
    room TEXT NOT NULL, period TEXT NOT NULL, person BLOB NOT NULL, what BLOB NOT NULL,
    repeats INTEGER NOT NULL, PRIMARY KEY (room, period, person)) WITHOUT ROWID;
"""


class PassStoreAway(Exception):
    """The issuer's file cannot be read or written just now."""


class PeriodOver(Exception):
    """Nothing is kept of this period any more, and nothing is counted."""


class KeptKey(msgspec.Struct, frozen=True):
    """One row of `keys`. `public` is DER (SubjectPublicKeyInfo), `private` sealed."""

    room: str
    period: str
    begins_at: int
    ends_at: int
    public: bytes
    private: bytes

    def __repr__(self) -> str:
        return "KeptKey(...)"


class PassStore:
    """The file in `folder`, which is made where it is missing. Every call can raise `PassStoreAway`."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / NAME

    async def open(self) -> None:
        await self._do(lambda connection: connection.executescript(_TABLES))

    async def keys(self) -> list[KeptKey]:
        """All there are, oldest first."""
        sql = "SELECT room, period, begins_at, ends_at, public, private FROM keys ORDER BY begins_at, room"
        rows = await self._do(lambda connection: connection.execute(sql).fetchall())
        return [KeptKey(*row) for row in rows]

    async def add(self, key: KeptKey) -> None:
        """Keep it, unless there is one for its room and period."""
        await self._do(
            lambda connection: connection.execute(
                "INSERT OR IGNORE INTO keys VALUES (?, ?, ?, ?, ?, ?)", msgspec.structs.astuple(key)
            )
        )

    async def count(self, room: str, period: str, person: bytes, what: bytes) -> bool:
        """Whether `person` may have `what` signed: their first request of the period, or the very same again,
        a bounded number of times. `PeriodOver` where the period was forgotten, maybe just now and by another
        process: nobody is counted anew then, and no row is left behind."""

        def work(connection: sqlite3.Connection) -> bool:
            connection.execute("BEGIN IMMEDIATE")
            there = "SELECT 1 FROM keys WHERE room = ? AND period = ?"
            if connection.execute(there, (room, period)).fetchone() is None:
                raise PeriodOver
            row = connection.execute(
                "SELECT what, repeats FROM asked WHERE room = ? AND period = ? AND person = ?",
                (room, period, person),
            ).fetchone()
            allowed = row is None or (row[0] == what and row[1] < MAX_REPEATS)
            if allowed:
                connection.execute(
                    "INSERT INTO asked VALUES (?, ?, ?, ?, 0) "
                    "ON CONFLICT DO UPDATE SET repeats = repeats + 1",
                    (room, period, person, what),
                )
            connection.execute("COMMIT")
            return allowed

        return await self._do(work)

    async def forget(self, room: str, period: str) -> None:
        """Nothing of this period any more. Its key is to be destroyed before."""

        def work(connection: sqlite3.Connection) -> None:
            connection.execute("BEGIN IMMEDIATE")
            for table in ("asked", "keys"):
                connection.execute(
                    f"DELETE FROM {table} WHERE room = ? AND period = ?",  # noqa: S608  a name of ours
                    (room, period),
                )
            connection.execute("COMMIT")

        await self._do(work)

    async def _do(self, work: Callable[[sqlite3.Connection], T]) -> T:
        def in_thread() -> T:
            with self._connected() as connection:
                return work(connection)

        try:
            return await asyncio.to_thread(in_thread)
        except (sqlite3.Error, OSError):
            raise PassStoreAway("The issuer's file cannot be used just now; nothing is lost.") from None

    @contextmanager
    def _connected(self) -> Iterator[sqlite3.Connection]:
        if not self._file.exists():
            self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.close(os.open(self._file, os.O_CREAT | os.O_WRONLY, 0o600))
        with closing(sqlite3.connect(self._file, timeout=BUSY_S, isolation_level=None)) as connection:
            # A rollback journal, and nothing else beside the file: few write here, and seldom.
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA secure_delete = ON")
            yield connection
