"""When an epoch began, and what somebody said in it: over memory, SQLite and PostgreSQL alike."""

import time
from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import create_engine, text

from rooms.events import Posted, Withdrawn
from rooms.log import Draft, Head, Log
from rooms.store_sql import migrate, open_store
from rooms.upgrade_sql import config
from tests.fixtures.stores import MINUTE, Stores

ROOM = "quiet-hour"
OTTER, HERON = "quiet-otter", "slow-heron"
DAY_S = 24 * 3600


def post(head: Head, handle: str, text: str) -> Draft:
    return Draft(Posted(room=ROOM, handle=handle, text=text), head.epoch, head.rules_version, text)


@pytest.fixture
async def log(stores: Stores) -> Log:
    return (await stores.open()).log


async def test_an_epoch_begins_when_the_room_does_or_when_it_is_said(log: Log, stores: Stores) -> None:
    first = await log.open_room(ROOM)
    assert first.began_at == MINUTE
    stores.clock.now += 500
    assert (await log.open_room(ROOM)).began_at == MINUTE, "to open it again begins nothing"
    second = await log.erase(ROOM, first.epoch)
    assert second.began_at == MINUTE + 500
    third = await log.erase(ROOM, second.epoch, MINUTE + 7 * DAY_S)
    assert third.began_at == MINUTE + 7 * DAY_S, "the caller's clock counts"
    assert await log.erase(ROOM, second.epoch, 1) == third, "who comes second changes nothing"
    assert (await log.heads([ROOM]))[ROOM] == third


async def test_a_restored_room_is_as_old_as_it_was(log: Log, stores: Stores) -> None:
    await log.open_room(ROOM)
    stores.clock.now += DAY_S
    assert (await log.begin_anew(ROOM)).began_at == MINUTE


async def test_what_one_handle_did_is_found_in_parts_and_nobody_elses(log: Log) -> None:
    head = await log.open_room(ROOM)
    await log.append([post(head, OTTER if number % 3 else HERON, f"{number}") for number in range(1, 10)])
    await log.append([Draft(Withdrawn(room=ROOM, handle=OTTER, target=1), head.epoch, 0, "w", withdraws=1)])
    mine = await log.by(ROOM, head.epoch, OTTER, 0, 100)
    assert [event.seq for event in mine] == [1, 2, 4, 5, 7, 8, 10]
    assert [event.text for event in mine if isinstance(event, Posted)] == ["", "2", "4", "5", "7", "8"]
    assert mine[:2] == await log.by(ROOM, head.epoch, OTTER, 0, 2)
    assert mine[2:4] == await log.by(ROOM, head.epoch, OTTER, mine[1].seq, 2)
    assert await log.by(ROOM, "another", OTTER, 0, 100) == []
    assert await log.by("elsewhere", head.epoch, OTTER, 0, 100) == []
    await log.erase(ROOM, head.epoch)
    assert await log.by(ROOM, head.epoch, OTTER, 0, 100) == []


async def test_epochs_of_before_have_a_whole_period_from_the_update_on(tmp_path: Path) -> None:
    path = tmp_path / "chatd.db"
    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        command.upgrade(config(connection), "0003")
        columns = "(name, epoch, head, tail, rules_version, rules) VALUES ('a', 'e1', 0, 1, 0, x'80')"
        connection.execute(text(f"INSERT INTO rooms {columns}"))
    engine.dispose()
    before = int(time.time())
    await migrate(path)
    store = await open_store(path)
    began_at = (await store.log.heads(["a"]))["a"].began_at
    await store.close()
    assert before <= began_at <= time.time()
