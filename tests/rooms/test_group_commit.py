"""Group commit: batches grow while a write runs, order is kept, the queue has a bound."""

import asyncio
import weakref
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from rooms.group_commit import GroupCommit


class Disk:
    """A disk that the test finishes by hand."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.started = asyncio.Event()
        self.finish = asyncio.Event()
        self.broken = False

    async def write(self, items: Sequence[int]) -> Sequence[str]:
        self.batches.append(list(items))
        self.started.set()
        await self.finish.wait()
        if self.broken:
            raise OSError("no space left")
        return [f"kept {item}" for item in items]


class Desk:
    def __init__(self, disk: Disk, **bounds: int) -> None:
        self.settled: list[tuple[str, str]] = []
        self.failed: list[str] = []
        self.commits: GroupCommit[int, str, str] = GroupCommit(
            disk.write,
            settled=lambda batch, outcomes: self.settled.extend(
                (context, outcome) for (_, context), outcome in zip(batch, outcomes, strict=True)
            ),
            failed=lambda batch, error: self.failed.extend(context for _, context in batch),
            failure=OSError,
            **bounds,
        )

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.commits.run())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait([task])


async def test_what_arrives_while_a_write_runs_goes_into_the_next() -> None:
    disk = Disk()
    desk = Desk(disk)
    async with desk.running():
        desk.commits.submit(1, "a")
        await disk.started.wait()
        for n, who in ((2, "b"), (3, "c")):
            assert desk.commits.submit(n, who)
        assert desk.settled == []
        assert len(desk.commits) == 2  # the first is being written
        disk.finish.set()
        await desk.commits.drained()
        assert len(desk.commits) == 0
    assert disk.batches == [[1], [2, 3]]
    assert desk.settled == [("a", "kept 1"), ("b", "kept 2"), ("c", "kept 3")]


async def test_a_full_queue_says_so_and_keeps_what_it_has() -> None:
    disk = Disk()
    desk = Desk(disk, max_queued=2, max_batch=1)
    async with desk.running():
        assert [desk.commits.submit(n, str(n)) for n in range(3)] == [True, True, False]
        disk.finish.set()
        await desk.commits.drained()
    assert disk.batches == [[0], [1]]


async def test_a_failed_write_is_told_to_all_of_its_batch_and_the_next_goes_on() -> None:
    disk = Disk()
    desk = Desk(disk)
    async with desk.running():
        disk.broken = True
        disk.finish.set()
        desk.commits.submit(1, "a")
        desk.commits.submit(2, "b")
        await desk.commits.drained()
        assert desk.failed == ["a", "b"]
        disk.broken = False
        desk.commits.submit(3, "c")
        await desk.commits.drained()
    assert desk.settled == [("c", "kept 3")]


async def test_what_is_submitted_together_is_written_together_or_not_at_all() -> None:
    disk = Disk()
    desk = Desk(disk, max_queued=4, max_batch=2)
    async with desk.running():
        assert desk.commits.submit(1, "a")
        assert desk.commits.submit_together(((2, "b"), (3, "c")))
        assert not desk.commits.submit_together(((4, "d"), (5, "e")))
        disk.finish.set()
        await desk.commits.drained()
    assert disk.batches == [[2, 3], [1]]


async def test_nobody_is_held_on_to_until_the_next_one_speaks() -> None:
    """A room that was erased is gone from memory, also where nothing is written any more."""

    class Speaker:
        pass

    async def write(items: Sequence[int]) -> Sequence[int]:
        return items

    commits: GroupCommit[int, Speaker, int] = GroupCommit(
        write, settled=lambda batch, outcomes: None, failed=lambda batch, error: None, failure=OSError
    )
    speaker = Speaker()
    gone = asyncio.Event()
    weakref.finalize(speaker, gone.set)
    task = asyncio.create_task(commits.run())
    commits.submit(1, speaker)
    del speaker
    async with asyncio.timeout(10):
        await gone.wait()
    assert not task.done()
    task.cancel()
    await asyncio.wait([task])
