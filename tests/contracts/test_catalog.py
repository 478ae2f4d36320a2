"""What every catalog promises, over memory, SQLite and PostgreSQL alike."""

import asyncio

import pytest

from rooms.catalog import RoomExists, RoomSpec
from tests.fixtures.stores import Stores

QUIET = RoomSpec(
    name="quiet-hour", title="Stille Stunde · ☕", kind="session", capacity=8, open=True, listed=False
)


async def test_a_room_is_there_as_it_was_added(stores: Stores) -> None:
    catalog = (await stores.open()).catalog
    assert await catalog.get("quiet-hour") is None
    assert list(await catalog.list()) == []
    await catalog.add(QUIET)
    assert await catalog.get("quiet-hour") == QUIET


async def test_rooms_are_listed_by_name(stores: Stores) -> None:
    catalog = (await stores.open()).catalog
    specs = [RoomSpec(name=name, title="Night") for name in ("night-2", "night.1", "night-10", "a")]
    for spec in specs:
        await catalog.add(spec)
    assert [spec.name for spec in await catalog.list()] == ["a", "night-10", "night-2", "night.1"]


async def test_a_name_is_taken_once(stores: Stores) -> None:
    one, two = (await stores.open()).catalog, (await stores.open()).catalog
    results = await asyncio.gather(*(each.add(QUIET) for each in (one, two, one)), return_exceptions=True)
    assert [type(result) for result in results if result is not None] == [RoomExists, RoomExists]
    with pytest.raises(RoomExists):
        await two.add(RoomSpec(name="quiet-hour", title="Another"))
    assert list(await one.list()) == list(await two.list()) == [QUIET]


async def test_closing_the_catalog_leaves_the_log_open(stores: Stores) -> None:
    store = await stores.open()
    await store.catalog.close()
    assert (await store.log.open_room("quiet-hour")).head == 0
