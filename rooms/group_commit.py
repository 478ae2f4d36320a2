"""Group commit: what arrives while one write runs goes into the next, all of it at once.

    submit(item, context) ... submit(item, context)
                  \\_ one write([item, ...]) -> [outcome, ...] _/
    settled([(item, context), ...], outcomes)

One fsync then carries everything that one turn of the event loop brought, and a committed
batch is also a delivery batch. Used for the log's appends and for the claims of handles.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

Item = TypeVar("Item")
Context = TypeVar("Context")
Outcome = TypeVar("Outcome")


class GroupCommit(Generic[Item, Context, Outcome]):
    """Owns a bounded queue and the loop that empties it.

    `write(items)` answers one outcome for each item, or raises `failure`: then `failed` is told
    the batch and the error. `settled` and `failed` are called in the event loop and must not
    raise. Nothing is tried again here: those who submitted decide that.
    """

    def __init__(
        self,
        write: Callable[[Sequence[Item]], Awaitable[Sequence[Outcome]]],
        *,
        settled: Callable[[Sequence[tuple[Item, Context]], Sequence[Outcome]], None],
        failed: Callable[[Sequence[tuple[Item, Context]], Exception], None],
        failure: type[Exception],
        max_queued: int = 20_000,
        max_batch: int = 1_000,
    ) -> None:
        self._write = write
        self._settled = settled
        self._failed = failed
        self._failure = failure
        self._max_queued = max_queued
        self._max_batch = max_batch
        self._queue: list[tuple[Item, Context]] = []
        self._waiting: asyncio.Event = asyncio.Event()
        self._idle: asyncio.Event = asyncio.Event()
        self._idle.set()

    def submit(self, item: Item, context: Context) -> bool:
        """Queue `item` for the next write. False where the queue is full: say "busy", keep nothing."""
        if len(self._queue) >= self._max_queued:
            return False
        self._queue.append((item, context))
        self._waiting.set()
        self._idle.clear()
        return True

    def submit_together(self, pairs: Sequence[tuple[Item, Context]]) -> bool:
        """Queue `pairs`, a few of them, for one and the same write, in this order: the next one, ahead of
        what waits, since the end of the queue may be cut between two writes. False: none of them."""
        if len(self._queue) + len(pairs) > self._max_queued:
            return False
        self._queue[:0] = pairs
        self._waiting.set()
        self._idle.clear()
        return True

    async def run(self) -> None:
        """Write batch after batch, until cancelled. Run it as one task for the life of the node."""
        while True:
            await self._waiting.wait()
            self._waiting.clear()
            while self._queue:
                await self._write_next()
                # Delivering took its time: what arrived meanwhile goes into the next write as well.
                await asyncio.sleep(0)
            self._idle.set()

    async def _write_next(self) -> None:
        """In a frame of its own: who waits for the next to speak does not hold on to the last who did, nor to
        the room where it was said, which may be erased by then."""
        batch = self._queue[: self._max_batch]
        del self._queue[: self._max_batch]
        try:
            outcomes = await self._write([item for item, _ in batch])
        except self._failure as error:
            self._failed(batch, error)
        else:
            self._settled(batch, outcomes)

    def __len__(self) -> int:
        """How many wait for a write; those of the write under way are not among them."""
        return len(self._queue)

    @property
    def pending(self) -> bool:
        """Whether anything submitted has not been settled yet."""
        return not self._idle.is_set()

    async def drained(self) -> None:
        """Return when everything submitted so far has been settled or has failed."""
        await self._idle.wait()
