"""What every store of series promises, over memory, SQLite and PostgreSQL alike."""

import asyncio
import sqlite3
from contextlib import closing

import msgspec
import pytest

from rooms import series_memory, series_sql
from rooms.log import LogCorrupt
from rooms.series import Change, NoSuchSeries, Series, SeriesExists, SeriesMovedOn, TooManySeries
from rooms.session import Item
from tests.fixtures.stores import Stores

TEA = Series(
    name="tea",
    title="Tea, talk; und Träume ☕",
    about="For nights.\n\nBring nothing.",
    timezone="Europe/London",
    starts="2026-12-01T19:00",
    rrule="FREQ=WEEKLY;INTERVAL=2;BYDAY=TU",
    skip_months=(8,),
    extra=("2026-12-20T11:00",),
    exceptions=(
        Change("20261215T190000Z", moved_to="2026-12-16T18:00"),
        Change("20261229T190000Z", cancelled=True),
    ),
    agenda=(
        Item('Welcome; \\n, "all"', 5, "opening"),
        Item("Talk", 55, prompt="What?\nAnd why?", round=True),
    ),
    resources=(("Sleep", "https://example.org/sleep?a=1;b=2"),),
    support=(("Line", "0800 1111", "2026-11-01"),),
    embed=(),
    changed_at=1_790_000_000,
)


def later(series: Series, **fields: object) -> Series:
    return msgspec.structs.replace(series, revision=series.revision + 1, **fields)


async def test_a_series_is_there_as_it_was_planned(stores: Stores) -> None:
    series = (await stores.open()).series
    assert await series.get("tea") is None
    assert list(await series.list()) == []
    await series.add(TEA)
    assert await series.get("tea") == TEA
    assert list(await series.list()) == [TEA]


async def test_series_are_listed_by_name_whatever_the_locale(stores: Stores) -> None:
    series = (await stores.open()).series
    for name in ("night-2", "night.1", "night-10", "a"):
        await series.add(msgspec.structs.replace(TEA, name=name))
    assert [each.name for each in await series.list()] == ["a", "night-10", "night-2", "night.1"]


async def test_a_name_is_taken_once(stores: Stores) -> None:
    one, two = (await stores.open()).series, (await stores.open()).series
    results = await asyncio.gather(*(each.add(TEA) for each in (one, two, one)), return_exceptions=True)
    assert [type(result) for result in results if result is not None] == [SeriesExists, SeriesExists]
    assert list(await two.list()) == [TEA]


async def test_of_two_who_change_the_same_revision_one_wins(stores: Stores) -> None:
    one, two = (await stores.open()).series, (await stores.open()).series
    with pytest.raises(NoSuchSeries):
        await one.change(later(TEA))
    await one.add(TEA)
    mine, theirs = later(TEA, title="Mine"), later(TEA, title="Theirs")
    results = await asyncio.gather(one.change(mine), two.change(theirs), return_exceptions=True)
    assert sorted(type(result).__name__ for result in results) == ["NoneType", "SeriesMovedOn"]
    kept = await two.get("tea")
    assert kept in (mine, theirs)
    with pytest.raises(SeriesMovedOn):
        await one.change(later(TEA, title="Late"))
    await one.change(later(kept, title="Next"))
    assert (await two.get("tea")) == later(kept, title="Next")


async def test_what_is_removed_is_gone_everywhere(stores: Stores) -> None:
    one, two = (await stores.open()).series, (await stores.open()).series
    await one.add(TEA)
    await two.remove("tea")
    assert await one.get("tea") is None
    with pytest.raises(NoSuchSeries):
        await one.remove("tea")
    await one.add(TEA)  # the name is free again


async def test_there_is_a_bound(stores: Stores, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(series_memory, "MAX_SERIES", 2)
    monkeypatch.setattr(series_sql, "MAX_SERIES", 2)
    series = (await stores.open()).series
    for name in ("a", "b"):
        await series.add(msgspec.structs.replace(TEA, name=name))
    with pytest.raises(TooManySeries):
        await series.add(msgspec.structs.replace(TEA, name="c"))
    with pytest.raises(SeriesExists):
        await series.add(msgspec.structs.replace(TEA, name="b"))
    await series.remove("a")
    await series.add(msgspec.structs.replace(TEA, name="c"))


async def test_what_is_damaged_is_said_and_not_guessed(sqlite_stores: Stores) -> None:
    store = await sqlite_stores.open()
    await store.series.add(TEA)
    others = msgspec.structs.replace(TEA, name="others", rrule="FREQ=MONTHLY;BYDAY=1TU")
    await store.series.add(others)
    with closing(sqlite3.connect(sqlite_stores.address)) as database, database:
        database.execute("UPDATE series SET ical = replace(ical, 'RRULE:FREQ=WEEKLY', 'RRULE:FREQ=SECONDLY')")
    with pytest.raises(LogCorrupt, match="last backup"):
        await store.series.get("tea")
    assert list(await store.series.list()) == [others]  # whose sessions open nevertheless
    await store.series.remove("tea")
    assert await store.series.get("tea") is None
