"""A PostgreSQL store opened: a bounded pool of connections, and what its errors mean.

Touches the network, through asyncpg. A connection that broke is replaced by the next call.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import asyncpg

from rooms.log import LogCorrupt, LogUnavailable
from rooms.revisions_sql import check_current

if TYPE_CHECKING:
    from asyncpg.pool import PoolConnectionProxy

    Connection: TypeAlias = PoolConnectionProxy[asyncpg.Record]

CONNECTIONS: Final = 8
"""Calls of this process that PostgreSQL serves at once; the others wait their turn."""

CONNECT_S: Final = 5.0
PATIENCE_S: Final = 10.0
"""How long one statement, or the wait for a connection, may take."""

CLOSE_S: Final = 2.0

_SETTINGS: Final = {"application_name": "chatd", "synchronous_commit": "on"}

_CORRUPT: Final = (
    asyncpg.UndefinedTableError,
    asyncpg.UndefinedColumnError,
    asyncpg.DataCorruptedError,
    asyncpg.IndexCorruptedError,
    asyncpg.IntegrityConstraintViolationError,
)


class PostgresDatabase:
    """`transaction` gives a connection to work on; `read` and `execute` one statement each."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]") -> None:
        self._pool = pool

    @classmethod
    async def open(cls, url: str) -> "PostgresDatabase":
        """Open what `migrate` made. `LogUnavailable` where the server cannot be reached."""
        with translated():
            pool = await asyncpg.create_pool(
                url,
                min_size=1,
                max_size=CONNECTIONS,
                timeout=CONNECT_S,
                command_timeout=PATIENCE_S,
                server_settings=_SETTINGS,
            )
        database = cls(pool)
        try:
            async with database.connection() as connection:
                check_current(await read_revision(connection), "The PostgreSQL database")
        except BaseException:
            await database.close()
            raise
        return database

    @asynccontextmanager
    async def connection(self) -> "AsyncIterator[Connection]":
        with translated():
            async with self._pool.acquire(timeout=PATIENCE_S) as connection:
                try:
                    yield connection
                except asyncpg.InternalClientError:
                    # The server ended the session while it lay in the pool, and asyncpg has not
                    # understood that yet: what is left of it must not go back there.
                    connection.terminate()
                    raise

    @asynccontextmanager
    async def transaction(self) -> "AsyncIterator[Connection]":
        """One durable transaction; undone where the block raises."""
        async with self.connection() as connection, connection.transaction():
            yield connection

    async def read(self, sql: str, parameters: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        async with self.connection() as connection:
            return [tuple(row) for row in await connection.fetch(sql, *parameters.values())]

    async def execute(self, sql: str, parameters: Mapping[str, Any]) -> int:
        async with self.connection() as connection:
            return changed(await connection.execute(sql, *parameters.values()))

    async def close(self) -> None:
        """Idempotent; within `CLOSE_S`, whatever the server does."""
        try:
            async with asyncio.timeout(CLOSE_S):
                await self._pool.close()
        except TimeoutError:
            self._pool.terminate()


async def read_revision(connection: "Connection | asyncpg.Connection[asyncpg.Record]") -> str | None:
    """The revision of the tables; None where there are none."""
    if await connection.fetchval("SELECT to_regclass('alembic_version')") is None:
        return None
    revision: str | None = await connection.fetchval("SELECT version_num FROM alembic_version")
    return revision


def changed(status: str) -> int:
    """How many rows a statement changed, from its status ("INSERT 0 1", "UPDATE 3")."""
    return int(status.rpartition(" ")[2])


@contextmanager
def translated() -> Iterator[None]:
    """asyncpg's errors as the log's. A mistake in this program's SQL stays what it is."""
    try:
        yield
    except _CORRUPT as error:
        raise LogCorrupt(
            f"The PostgreSQL database does not hold what chatd wrote there ({type(error).__name__}). "
            "Restore the last backup."
        ) from error
    except (asyncpg.SyntaxOrAccessError, asyncpg.DataError, asyncpg.exceptions.DataError):
        raise
    except (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError) as error:
        raise LogUnavailable(f"PostgreSQL cannot do it just now ({type(error).__name__}).") from error
    except OSError as error:  # TimeoutError is one
        raise LogUnavailable(f"PostgreSQL cannot be reached ({type(error).__name__}).") from error
