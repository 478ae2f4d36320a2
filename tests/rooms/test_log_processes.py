"""Logs in several real processes: one order under load, and what a killed process had reported is kept."""

import asyncio
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from rooms.store_sql import Store, migrate
from tests.fixtures.stores import Stores

ROOM = "quiet-hour"
TIMEOUT_S = 60


@asynccontextmanager
async def writer(stores: Stores, handle: str, calls: int, batch: int, *limit: int) -> AsyncIterator[Process]:
    """A `log_process` that has opened the room; gone, in any case, at the end."""
    words = [stores.address, ROOM, handle, str(calls), str(batch), *map(str, limit)]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.rooms.log_process", *words, stdout=PIPE
    )
    try:
        assert await line(process) == "ready"
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def line(process: Process) -> str:
    assert process.stdout is not None
    async with asyncio.timeout(TIMEOUT_S):
        return (await process.stdout.readline()).decode().rstrip("\n")


def places(words: str) -> list[int]:
    kind, *seqs = words.split(" ")
    assert kind == "kept", words
    return [int(seq) for seq in seqs]


async def run(stores: Stores, handle: str, calls: int, batch: int) -> list[list[int]]:
    async with writer(stores, handle, calls, batch) as process:
        kept = [places(await line(process)) for _ in range(calls)]
        assert await line(process) == "done"
    return kept


async def events_of(store: Store) -> list[tuple[int, str]]:
    head = await store.log.open_room(ROOM)
    events = await store.log.since(ROOM, head.epoch, 0, 100_000)
    return [(event.seq, event.handle) for event in events]


async def test_three_processes_under_load_give_one_order(shared_stores: Stores) -> None:
    handles = ["one", "two", "three"]
    kept = await asyncio.gather(*(run(shared_stores, handle, 60, 5) for handle in handles))
    for of_process in kept:
        for batch in of_process:  # a call's places ascend; each call's come after those of the one before
            assert batch == sorted(batch)
        assert [batch[0] for batch in of_process] == sorted(batch[0] for batch in of_process)
    all_places = sorted(seq for of_process in kept for batch in of_process for seq in batch)
    assert all_places == list(range(1, 901))
    by_place = {seq: handle for handle, own in zip(handles, kept, strict=True) for b in own for seq in b}
    assert await events_of(await shared_stores.open()) == sorted(by_place.items())


async def test_what_a_killed_process_had_reported_is_kept(shared_stores: Stores) -> None:
    reported: list[int] = []
    async with writer(shared_stores, "killed", 100_000, 3) as process, asyncio.timeout(TIMEOUT_S):
        while len(reported) < 150:
            reported += places(await line(process))
        process.kill()
        assert process.stdout is not None
        rest = (await process.stdout.read()).decode().splitlines(keepends=True)
        reported += [seq for words in rest if words.endswith("\n") for seq in places(words.rstrip("\n"))]
    kept = [seq for seq, _ in await events_of(await shared_stores.open())]
    assert kept == list(range(1, len(kept) + 1))
    assert set(reported) <= set(kept)
    # The next process goes on where that one was, and does not wait for what it may have held.
    after = await run(shared_stores, "next", 2, 3)
    assert [seq for batch in after for seq in batch] == list(range(len(kept) + 1, len(kept) + 7))


async def test_several_processes_may_migrate_at_once(shared_stores: Stores) -> None:
    await asyncio.gather(*(migrate(shared_stores.address) for _ in range(4)))
    assert (await (await shared_stores.open()).log.open_room(ROOM)).head == 0


async def test_a_full_disk_refuses_and_the_log_goes_on_when_there_is_room(sqlite_stores: Stores) -> None:
    async with writer(sqlite_stores, "full", 300, 10, 400_000) as process:
        seen = [await line(process)]
        while seen[-1] != "done":
            seen.append(await line(process))
    refusals = [words for words in seen if words.startswith("refused")]
    assert len(refusals) == 1
    kept = [seq for words in seen if words.startswith("kept") for seq in places(words)]
    assert kept == list(range(1, 3_001))
    assert [seq for seq, _ in await events_of(await sqlite_stores.open())] == kept
