"""What a SQLite log forgets stands in none of its files any more."""

import asyncio
import re
import sqlite3
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rooms import writer_sqlite
from rooms.events import Posted, Withdrawn
from rooms.forgetting_sqlite import MARGIN
from rooms.log import Appended, Draft, Head
from rooms.store_sql import migrate
from rooms.writer_sqlite import Writer
from tests.fixtures.stores import MINUTE, Stores

CANARY = re.compile(rb"CANARY-(\w+)-(\d+)\.")


def files(stores: Stores) -> list[Path]:
    return [Path(stores.address + end) for end in ("", "-wal") if Path(stores.address + end).exists()]


def readable(stores: Stores) -> set[tuple[str, int]]:
    """(room, number) of every text that stands anywhere in the store's files."""
    found: set[tuple[str, int]] = set()
    for path in files(stores):
        found |= {(room.decode(), int(number)) for room, number in CANARY.findall(path.read_bytes())}
    return found


def posts(head: Head, room: str, numbers: range, length: Callable[[int], int] = lambda _: 0) -> list[Draft]:
    return [
        Draft(
            Posted(room=room, handle="quiet-otter", text=f"CANARY-{room}-{n}." + "x" * length(n)),
            head.epoch,
            0,
            str(n),
        )
        for n in numbers
    ]


def withdrawal(head: Head, room: str, seq: int) -> Draft:
    event = Withdrawn(room=room, handle="quiet-otter", target=seq)
    return Draft(event, head.epoch, 0, f"w{seq}", withdraws=seq)


# ---- nothing readable is left ------------------------------------------------------------------


async def test_erased_text_is_in_no_file_when_erase_returns(sqlite_stores: Stores) -> None:
    log = (await sqlite_stores.open()).log
    for room in ("a", "b"):
        head = await log.open_room(room)
        await log.append(posts(head, room, range(1, 200), lambda n: n * 31 % 4000))
    assert readable(sqlite_stores) == {(room, n) for room in "ab" for n in range(1, 200)}
    await log.erase("a")
    assert readable(sqlite_stores) == {("b", n) for n in range(1, 200)}


async def test_what_a_crash_left_half_erased_goes_with_the_next_trim(sqlite_stores: Stores) -> None:
    log = (await sqlite_stores.open()).log
    head = await log.open_room("a")
    await log.append(posts(head, "a", range(1, 50)))
    shell = sqlite3.connect(sqlite_stores.address)
    shell.execute("UPDATE rooms SET epoch = 'new', head = 0, tail = 1")  # as far as the crashed one came
    shell.commit()
    shell.close()
    await log.append(posts(await log.open_room("a"), "a", range(50, 60)))
    assert await log.trim("a", 0) == 0
    assert readable(sqlite_stores) == {("a", n) for n in range(50, 60)}


async def test_trimmed_text_is_in_no_file_when_trim_returns(sqlite_stores: Stores) -> None:
    log = (await sqlite_stores.open()).log
    head = await log.open_room("a")
    await log.append(posts(head, "a", range(1, 100), lambda n: n * 31 % 4000))
    sqlite_stores.clock.now += 60
    await log.append(posts(head, "a", range(100, 150)))
    assert await log.trim("a", MINUTE + 60) == 99
    assert readable(sqlite_stores) == {("a", n) for n in range(100, 150)}


async def test_withdrawn_text_is_in_no_file_soon_after(
    sqlite_stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    scrubbed = asyncio.Event()
    loop = asyncio.get_running_loop()
    scrub = Writer._scrub_in_turn

    def scrub_and_tell(self: Writer) -> None:
        scrub(self)
        loop.call_soon_threadsafe(scrubbed.set)

    monkeypatch.setattr(writer_sqlite, "SCRUB_WITHIN_S", 0.2)
    monkeypatch.setattr(Writer, "_scrub_in_turn", scrub_and_tell)
    log = (await sqlite_stores.open()).log
    head = await log.open_room("a")
    await log.append(posts(head, "a", range(1, 20)))
    scrubbed.clear()
    await log.append([withdrawal(head, "a", 7)])
    assert ("a", 7) in readable(sqlite_stores)  # in the write-ahead log, until that is emptied
    async with asyncio.timeout(10):
        await scrubbed.wait()
    assert readable(sqlite_stores) == {("a", n) for n in range(1, 20) if n != 7}


async def test_withdrawn_text_is_in_no_file_after_close(sqlite_stores: Stores) -> None:
    log = (await sqlite_stores.open()).log
    head = await log.open_room("a")
    await log.append([*posts(head, "a", range(1, 20)), withdrawal(head, "a", 7)])
    await log.append([withdrawal(head, "a", 9)])
    await log.close()
    assert readable(sqlite_stores) == {("a", n) for n in range(1, 20) if n not in (7, 9)}


@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32))
async def test_only_what_is_alive_is_readable_whatever_went_before(
    tmp_path_factory: pytest.TempPathFactory, seed: int
) -> None:
    """Rooms that grow side by side, lose posts, are trimmed and erased: no copy of anything stays behind."""
    random = Random(seed)
    stores = Stores("sqlite", str(tmp_path_factory.mktemp("log") / "chatd.db"))
    await migrate(stores.address)
    log = (await stores.open()).log
    heads = {room: await log.open_room(room) for room in ("a", "b", "c")}
    alive: set[tuple[str, int]] = set()
    numbers: dict[str, dict[int, int]] = {room: {} for room in heads}  # seq -> the number in its text
    count = 0
    for _ in range(40):
        room = random.choice("abc")
        step = random.random()
        if step < 0.7:
            for name in (room, *random.choices("abc", k=3)):
                batch = posts(
                    heads[name],
                    name,
                    range(count, count + 20),
                    lambda _: random.choice([0, 9, 99, 999, 3000]),
                )
                count += 20
                for outcome in await log.append(batch):
                    assert isinstance(outcome, Appended)
                    assert isinstance(outcome.event, Posted)
                    number = int(outcome.event.text.split("-")[2].split(".")[0])
                    numbers[name][outcome.event.seq] = number
                    alive.add((name, number))
            stores.clock.now += 60
        elif step < 0.85:
            for seq in random.sample(sorted(numbers[room]), k=min(9, len(numbers[room]))):
                await log.append([withdrawal(heads[room], room, seq)])
                alive.discard((room, numbers[room].pop(seq)))
        elif step < 0.95:
            await log.trim(room, int(stores.clock.now) - random.choice([1, 3, 9]) * 60)
            tail = (await log.heads([room]))[room].tail
            for seq in [seq for seq in numbers[room] if seq < tail]:
                alive.discard((room, numbers[room].pop(seq)))
        else:
            heads[room] = await log.erase(room)
            alive -= {(room, number) for number in numbers[room].values()}
            numbers[room].clear()
    await stores.close()
    assert readable(stores) == alive


async def test_forgotten_events_give_their_space_back(sqlite_stores: Stores) -> None:
    log = (await sqlite_stores.open()).log
    for _ in range(4):
        head = await log.open_room("a")
        await log.append(posts(head, "a", range(1, 2_001)))
        await log.erase("a")
    with sqlite3.connect(sqlite_stores.address) as connection:
        assert connection.execute("SELECT count(*) FROM events").fetchone()[0] == MARGIN
    connection.close()
