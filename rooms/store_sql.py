"""A store from its address: the log, the catalog, what is planned and what remains of it, together.

    memory:                          in this process, gone with it
    postgresql://user@host/name      several machines
    anything else                    the path of a SQLite file (or sqlite:///path)

`await migrate(address)` once, in the parent process; then `await open_store(address)` in each. Only
the driver that an address needs is imported, so that a command line answers at once.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from rooms.catalog import Catalog
from rooms.catalog_memory import MemoryCatalog
from rooms.catalog_sql import SqlCatalog
from rooms.keyed_log import KeyedLog
from rooms.keyring import Keyring
from rooms.keystore import KeyStore
from rooms.keystore_memory import MemoryKeyStore
from rooms.log import Log
from rooms.log_memory import MemoryLog
from rooms.reports import Reports
from rooms.reports_memory import MemoryReports
from rooms.reports_sql import SqlReports
from rooms.sealer import Sealer
from rooms.series import SeriesStore
from rooms.series_memory import MemorySeries
from rooms.series_sql import SqlSeries

MEMORY: Final = "memory:"

_POSTGRES: Final = ("postgresql://", "postgres://")
_SQLITE: Final = "sqlite:///"


@dataclass(frozen=True)
class Store:
    """What is kept: what happened, which rooms there are, what is planned, and what remains of it."""

    log: Log
    catalog: Catalog
    series: SeriesStore = field(default_factory=MemorySeries)
    reports: Reports = field(default_factory=MemoryReports)
    keys: KeyStore = field(default_factory=MemoryKeyStore)
    """Of the rooms' epochs. By default they end with this process, as a store in memory does."""

    def keyed(self) -> KeyedLog:
        """The log, with keys for its epochs."""
        return self.log if isinstance(self.log, KeyedLog) else KeyedLog(self.log, Keyring(self.keys))

    async def close(self) -> None:
        """Idempotent."""
        await self.series.close()
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


async def open_store(
    address: str | Path,
    *,
    clock: Callable[[], float] = time.time,
    keyring: Keyring | None = None,
    sealer: Sealer | None = None,
) -> Store:
    """Open what `migrate` made; errors as there. `clock` gives Unix seconds, from any thread.

    With a `keyring` the log is a `KeyedLog`, and with a `sealer` over the same keys it is sealed at rest.
    Without them only what is plain can be read.
    """
    store = await _open(address, clock, sealer)
    return store if keyring is None else replace(store, log=KeyedLog(store.log, keyring), keys=keyring.store)


async def _open(address: str | Path, clock: Callable[[], float], sealer: Sealer | None) -> Store:
    if address == MEMORY:
        return Store(MemoryLog(clock), MemoryCatalog())
    url = _postgres(address)
    if url is None:
        from rooms.database_sqlite import SqliteDatabase
        from rooms.log_sqlite import SqliteLog

        sqlite = await SqliteDatabase.open(_path(address))
        return Store(
            SqliteLog(sqlite, clock, sealer), SqlCatalog(sqlite), SqlSeries(sqlite), SqlReports(sqlite)
        )
    from rooms.database_postgres import PostgresDatabase
    from rooms.log_postgres import PostgresLog

    postgres = await PostgresDatabase.open(url)
    return Store(
        PostgresLog(postgres, clock, sealer), SqlCatalog(postgres), SqlSeries(postgres), SqlReports(postgres)
    )


def _postgres(address: str | Path) -> str | None:
    """The address as `postgresql://...`, or None where it is none."""
    if isinstance(address, str):
        for prefix in _POSTGRES:
            if address.startswith(prefix):
                return "postgresql://" + address.removeprefix(prefix)
    return None


def _path(address: str | Path) -> Path:
    return Path(str(address).removeprefix(_SQLITE) if isinstance(address, str) else address)
