"""The migrations make the tables that `schema_sql.py` describes, and starting is quick without them."""

import sqlite3
import subprocess
import sys

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, NullPool, create_engine
from sqlalchemy.ext.asyncio import create_async_engine

from rooms.revisions_sql import REVISIONS
from rooms.schema_sql import metadata
from rooms.store_sql import migrate
from rooms.upgrade_sql import config
from tests.fixtures.stores import Stores


def differences(connection: Connection) -> list[object]:
    context = MigrationContext.configure(connection, opts={"compare_type": True})
    return list(compare_metadata(context, metadata))


def test_every_revision_is_named_in_order() -> None:
    script = ScriptDirectory.from_config(config())
    assert tuple(each.revision for each in script.walk_revisions())[::-1] == REVISIONS


async def test_sqlite_has_the_tables_described(sqlite_stores: Stores) -> None:
    engine = create_engine(
        "sqlite://", creator=lambda: sqlite3.connect(sqlite_stores.address), poolclass=NullPool
    )
    with engine.connect() as connection:
        assert differences(connection) == []


async def test_postgres_has_the_tables_described(postgres_stores: Stores) -> None:
    url = postgres_stores.address.replace("://", "+asyncpg://", 1)
    engine = create_async_engine(url, poolclass=NullPool)
    async with engine.connect() as connection:
        assert await connection.run_sync(differences) == []
    await engine.dispose()


async def test_migrating_again_changes_nothing(shared_stores: Stores) -> None:
    store = await shared_stores.open()
    head = await store.log.open_room("a")
    await migrate(shared_stores.address)
    assert await store.log.open_room("a") == head


def test_opening_a_store_imports_no_more_than_it_needs() -> None:
    """Alembic and SQLAlchemy take a second; a worker and `chatd --help` do without."""
    words = "import sys, rooms.store_sql, rooms.log_sqlite; print('sqlalchemy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", words], capture_output=True, check=True).stdout == b"False\n"
