"""Staff passes on one node, over the time: what was given has its end, and one look serves many."""

import asyncio
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest

from chatd.epochs.keystore_files import FOLDER_NAME as KEYS_FOLDER
from chatd.passes.desk import PassDesk
from chatd.passes.issuer import FOLDER, has_given
from chatd.passes.keys import write
from chatd.passes.periods import GRACE_S, period_at
from chatd.passes.store_sqlite import NAME
from chatd.settings import Settings
from rooms.catalog import RoomSpec
from rooms.catalog_memory import MemoryCatalog
from tests.chatd.passes.asking import Wish

ROOM = "night"
DAY = 24 * 3600


class Clock:
    def __init__(self) -> None:
        self.now = float(period_at(1_795_350_000, DAY).begins_at + 3600)

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize("elsewhere", [False, True], ids=["no room asks", "another gives them"])
async def test_what_was_given_is_forgotten_also_where_nobody_asks_for_passes_here_any_more(
    tmp_path: Path, elsewhere: bool
) -> None:
    """As long as the period's key is there, who asked can be tried, one name after the other."""
    clock, catalog = Clock(), MemoryCatalog()
    spec = RoomSpec(name=ROOM, title=ROOM, door="pass")
    await catalog.add(spec)
    desk = PassDesk(Settings(data=tmp_path), catalog, wall=clock, clock=clock)
    await desk.look()
    key = desk.believed.key(ROOM)
    assert desk.trouble == ""
    assert key is not None
    assert desk.issuer is not None
    asked = Wish(key.public(), ROOM, key.period)
    asked.finished(await desk.issuer.issue(ROOM, key.period, "canary-anna", asked.seen))
    await desk.close()
    settings = Settings(data=tmp_path)
    if elsewhere:
        settings = Settings(data=tmp_path, pass_issuer="https://pass.example.org", pass_keys="keys.json")
        (tmp_path / "keys.json").write_bytes(write([]))
    else:
        await catalog.change(RoomSpec(name=ROOM, title=ROOM))

    desk = PassDesk(settings, catalog, wall=clock, clock=clock)
    await desk.look()
    assert held(tmp_path) == (2, 1, 2), "it is not over"
    assert (desk.issuer is None) == elsewhere, "where another gives them nobody gets one here"
    clock.now += DAY + GRACE_S
    await desk.look()
    assert held(tmp_path) == (1, 0, 1), "the period that follows has not ended"
    clock.now += DAY
    await desk.look()
    assert held(tmp_path) == (0, 0, 0)
    await desk.close()


def held(data: Path) -> tuple[int, int, int]:
    """Of how many periods the issuer keeps something, how many persons, and how many secrets."""
    with closing(sqlite3.connect(data / FOLDER / NAME)) as connection:
        keys, asked = (
            connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in ("keys", "asked")
        )
    secrets = [path for path in (data / FOLDER / KEYS_FOLDER).iterdir() if not path.name.startswith(".")]
    return keys, asked, len(secrets)


async def test_nothing_is_made_where_no_room_has_ever_asked_for_passes(tmp_path: Path) -> None:
    clock = Clock()
    desk = PassDesk(Settings(data=tmp_path), MemoryCatalog(), wall=clock, clock=clock)
    await desk.look()
    assert desk.issuer is None
    assert not has_given(Settings(data=tmp_path))


class Slow(MemoryCatalog):
    """A catalog that answers when it is let."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = 0
        self.lets = asyncio.Event()

    async def list(self) -> Sequence[RoomSpec]:
        self.asked += 1
        await self.lets.wait()
        return await super().list()


async def test_many_who_make_it_look_at_the_same_time_make_it_look_twice_at_most(tmp_path: Path) -> None:
    """Whoever comes while it looks may have missed what it sees, and waits for the next: all the same one."""
    clock, catalog = Clock(), Slow()
    desk = PassDesk(Settings(data=tmp_path), catalog, wall=clock, clock=clock)
    first = asyncio.create_task(desk.look())
    await asyncio.sleep(0)
    assert catalog.asked == 1
    others = [asyncio.create_task(desk.look()) for _ in range(50)]
    await asyncio.sleep(0)
    catalog.lets.set()
    await asyncio.gather(first, *others)
    assert catalog.asked == 2
    await desk.look()
    assert catalog.asked == 3, "and who comes afterwards is not put off"
