"""What only the PostgreSQL log has to hold: it comes back by itself, and says what is wrong in words."""

import asyncio
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from rooms.database_postgres import PostgresDatabase
from rooms.events import Posted
from rooms.log import Appended, Draft, Head, LogCorrupt, LogUnavailable
from rooms.store_sql import migrate, open_store
from tests.fixtures.stores import Postgres, Stores


def post(head: Head, key: str) -> Draft:
    return Draft(Posted(room="a", handle="quiet-otter", text="text"), head.epoch, 0, key)


async def test_a_server_that_refuses_is_unavailable_and_then_the_log_goes_on(
    postgres: Postgres, postgres_stores: Stores
) -> None:
    log = (await postgres_stores.open()).log
    head = await log.open_room("a")
    name = urlsplit(postgres_stores.address).path.removeprefix("/")
    await postgres.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
    await postgres.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
    for call in (log.append([post(head, "1")]), log.heads(["a"]), log.spend(bytes(16), 2**40)):
        with pytest.raises(LogUnavailable):
            await call
    await postgres.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
    assert isinstance((await log.append([post(head, "1")]))[0], Appended)


async def test_a_server_that_is_not_there_is_unavailable(tmp_path: Path) -> None:
    nowhere = f"postgresql:///chatd?host={tmp_path}&user=chatd"
    for opening in (open_store(nowhere), migrate(nowhere)):
        with pytest.raises(LogUnavailable, match="PostgreSQL"):
            await opening


async def test_a_database_without_tables_or_of_a_newer_chatd_is_refused(
    postgres: Postgres, postgres_stores: Stores
) -> None:
    with pytest.raises(LogCorrupt, match="does not have this chatd's tables"):
        await open_store(postgres.address("postgres"))
    await postgres.execute("UPDATE alembic_version SET version_num = '9999'", on=postgres_stores.address)
    for opening in (open_store(postgres_stores.address), migrate(postgres_stores.address)):
        with pytest.raises(LogCorrupt, match="newer chatd"):
            await opening


async def test_calls_about_several_rooms_in_any_order_do_not_block_each_other(
    postgres_stores: Stores,
) -> None:
    logs = [(await postgres_stores.open()).log for _ in range(3)]
    names = [f"room-{number}" for number in range(6)]
    heads = {name: await logs[0].open_room(name) for name in names}

    async def write(number: int) -> None:
        for turn in range(6):
            order = names[::-1] if (number + turn) % 2 else names
            drafts = [
                Draft(Posted(room=name, handle=f"h{number}", text="t"), heads[name].epoch, 0, f"{turn}")
                for name in order
            ]
            outcomes = await logs[number % 3].append(drafts)
            assert all(isinstance(outcome, Appended) for outcome in outcomes)

    await asyncio.gather(*(write(number) for number in range(6)))
    assert {head.head for head in (await logs[0].heads(names)).values()} == {36}


async def test_commits_are_durable_whatever_the_server_was_told(
    postgres: Postgres, postgres_stores: Stores
) -> None:
    name = urlsplit(postgres_stores.address).path.removeprefix("/")
    await postgres.execute(f"ALTER DATABASE {name} SET synchronous_commit = off")
    database = await PostgresDatabase.open(postgres_stores.address)
    assert await database.read("SHOW synchronous_commit", {}) == [("on",)]
    await database.close()
