"""A store from its address: the log and the catalog together.

    memory:                          in this process, gone with it
    postgresql://user@host/name      several machines
    anything else                    the path of a SQLite file (or sqlite:///path)

`await migrate(address)` once, in the parent process; then `await open_store(address)` in each. Only
the driver that an address needs is imported, so that a command line answers at once.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rooms.catalog import Catalog
from rooms.catalog_memory import MemoryCatalog
from rooms.catalog_sql import SqlCatalog
from rooms.log import Log
from rooms.log_memory import MemoryLog

MEMORY: Final = "memory:"

_POSTGRES: Final = ("postgresql://", "postgres://")
_SQLITE: Final = "sqlite:///"


@dataclass(frozen=True)
class Store:
    """What is kept: what happened, and which rooms there are."""

    log: Log
    catalog: Catalog

    async def close(self) -> None:
        """Idempotent."""
        await self.catalog.close()
        await self.log.close()


async def migrate(address: str | Path) -> None:
    """Make the store or bring it up to date. Several processes at once are safe.

    `LogUnavailable` where it cannot be reached or written, `LogCorrupt` where it is none of ours
    or was written by a newer chatd.
    """
    if address == MEMORY:
        return
    from rooms.migrate_sql import migrate_postgres, migrate_sqlite

    url = _postgres(address)
    if url is None:
        await migrate_sqlite(_path(address))
    else:
        await migrate_postgres(url)


async def open_store(address: str | Path, *, clock: Callable[[], float] = time.time) -> Store:
    """Open what `migrate` made; errors as there. `clock` gives Unix seconds, from any thread."""
    if address == MEMORY:
        return Store(MemoryLog(clock), MemoryCatalog())
    url = _postgres(address)
    if url is None:
        from rooms.database_sqlite import SqliteDatabase
        from rooms.log_sqlite import SqliteLog

        sqlite = await SqliteDatabase.open(_path(address))
        return Store(SqliteLog(sqlite, clock), SqlCatalog(sqlite))
    from rooms.database_postgres import PostgresDatabase
    from rooms.log_postgres import PostgresLog

    postgres = await PostgresDatabase.open(url)
    return Store(PostgresLog(postgres, clock), SqlCatalog(postgres))


def _postgres(address: str | Path) -> str | None:
    """The address as `postgresql://...`, or None where it is none."""
    if isinstance(address, str):
        for prefix in _POSTGRES:
            if address.startswith(prefix):
                return "postgresql://" + address.removeprefix(prefix)
    return None


def _path(address: str | Path) -> Path:
    return Path(str(address).removeprefix(_SQLITE) if isinstance(address, str) else address)
