"""Brings a store's tables to what this program works with: looks, and calls Alembic only where it must.

Several processes may do it at the same time: one does it, the others wait and find it done.
Touches the database (for SQLite it makes the file, for its owner's eyes only, and its folder).
"""

import asyncio
import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final

import asyncpg

from rooms.database_postgres import CONNECT_S, read_revision, translated
from rooms.errors_sqlite import translate
from rooms.revisions_sql import CURRENT, check_known
from rooms.writer_sqlite import connect, open_lock, turn

ADVISORY_LOCK: Final = 0x63_68_61_74_64
"""The number of the PostgreSQL lock that says "chatd migrates"."""

MIGRATION_S: Final = 600.0
"""How long one step may take, and how long a node waits while another migrates: a large table is slow."""


async def migrate_sqlite(path: Path) -> None:
    """Make the file at `path` where there is none, and bring it up to date."""
    await asyncio.to_thread(_migrate_sqlite, path)


def _migrate_sqlite(path: Path) -> None:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = open_lock(path)
    except OSError as error:
        raise translate(error, path) from error
    try:
        with turn(lock):
            # Only where it is not there yet: closing a descriptor of a database that this process has
            # open elsewhere would drop SQLite's own locks on it, which belong to the process.
            if not path.exists():
                os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
            with closing(connect(path)) as connection:
                found = _revision(connection)
            check_known(found, str(path))
            if found != CURRENT:
                from rooms.upgrade_sql import upgrade_sqlite

                upgrade_sqlite(lambda: connect(path))
    except (sqlite3.Error, OSError) as error:
        raise translate(error, path) from error
    finally:
        os.close(lock)


def _revision(connection: sqlite3.Connection) -> str | None:
    tables = "SELECT 1 FROM sqlite_schema WHERE name = 'alembic_version'"
    if connection.execute(tables).fetchone() is None:
        return None
    row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    return None if row is None else row[0]


async def migrate_postgres(url: str) -> None:
    """Bring the PostgreSQL database at `url` (`postgresql://...`) up to date."""

    async def dial() -> "asyncpg.Connection[asyncpg.Record]":
        return await asyncpg.connect(url, timeout=CONNECT_S, command_timeout=MIGRATION_S)

    with translated():
        connection = await dial()
        try:
            await connection.execute("SELECT pg_advisory_lock($1)", ADVISORY_LOCK)
            found = await read_revision(connection)
            check_known(found, "The PostgreSQL database")
            if found != CURRENT:
                from rooms.upgrade_sql import upgrade_postgres

                await upgrade_postgres(dial)
        finally:
            await connection.close()  # and the lock is free
