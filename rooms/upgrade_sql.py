"""Runs the revisions in `migrations/` on one store. Apart from `migrate_sql.py`, since Alembic takes a
second to import, and nearly every start finds nothing to do.

The caller sees to it that nobody else does the same. Touches the database through the connection
that `dial` opens; SQLAlchemy's errors come as the driver's own.
"""

import sqlite3
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, NullPool, create_engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine

if TYPE_CHECKING:
    import asyncpg


def upgrade_sqlite(dial: Callable[[], sqlite3.Connection]) -> None:
    engine = create_engine("sqlite://", creator=dial, poolclass=NullPool)

    # Python's driver begins no transaction before a CREATE TABLE; ours does.
    @event.listens_for(engine, "begin")
    def _(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    try:
        with engine.begin() as connection:
            _upgrade(connection)
    except DBAPIError as error:
        raise (error.orig or error) from error
    finally:
        engine.dispose()


async def upgrade_postgres(dial: "Callable[[], Awaitable[asyncpg.Connection[asyncpg.Record]]]") -> None:
    engine = create_async_engine("postgresql+asyncpg://", async_creator=dial, poolclass=NullPool)
    try:
        async with engine.begin() as connection:
            await connection.run_sync(_upgrade)
    except DBAPIError as error:
        cause = error.orig and error.orig.__cause__  # SQLAlchemy's own error stands between
        raise (cause or error) from error
    finally:
        await engine.dispose()


def _upgrade(connection: Connection) -> None:
    command.upgrade(config(connection), "head")


def config(connection: Connection | None = None) -> Config:
    """Alembic's settings: where the revisions are, and the connection they run on."""
    settings = Config(attributes={"connection": connection})
    settings.set_main_option(
        "script_location", str(Path(__file__).with_name("migrations")).replace("%", "%%")
    )
    return settings
