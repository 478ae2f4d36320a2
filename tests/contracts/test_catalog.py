"""What every catalog promises, over memory, SQLite and PostgreSQL alike."""

import asyncio

import msgspec
import pytest

from rooms.catalog import NoSuchRoom, RoomExists, RoomSpec, is_origin
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


async def test_a_room_can_be_changed(stores: Stores) -> None:
    one, two = (await stores.open()).catalog, (await stores.open()).catalog
    with pytest.raises(NoSuchRoom):
        await one.change(QUIET)
    await one.add(QUIET)
    await one.add(RoomSpec(name="tea", title="Tea"))
    changed = msgspec.structs.replace(QUIET, title="Quiet", embed=("https://intranet.example.org",))
    await one.change(changed)
    assert await two.get("quiet-hour") == changed
    assert await two.get("tea") == RoomSpec(name="tea", title="Tea")


@pytest.mark.parametrize(
    "origin",
    ["https://intranet.example.org", "http://10.0.0.5:8080", "https://a", "https://a:4430", "http://a:443"],
)
def test_what_is_an_origin(origin: str) -> None:
    assert is_origin(origin)
    assert msgspec.convert({"name": "a", "title": "A", "embed": [origin]}, RoomSpec).embed == (origin,)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "*",
        "null",
        "https:",
        "https://",
        "https://A.example",
        "https://a.example/",
        "https://a.example\n",
        "https://a.example; script-src *",
        "https://a.example https://b.example",
        "https://a.example, https://b.example",
        "https://*.example",
        "https://a.example:443",
        "http://a.example:80",
        "https://user@a.example",
        "https://[::1]:8000",
        "ftp://a.example",
        "'self'",
        "https://" + "a" * 300,
    ],
)
def test_what_is_no_origin_gets_into_no_room_and_no_header(text: str) -> None:
    assert not is_origin(text)
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"name": "a", "title": "A", "embed": [text]}, RoomSpec)


async def test_closing_the_catalog_leaves_the_log_open(stores: Stores) -> None:
    store = await stores.open()
    await store.catalog.close()
    assert (await store.log.open_room("quiet-hour")).head == 0
