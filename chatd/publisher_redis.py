"""The way out of a node: a bounded queue, and one connection that publishes what is in it.

Touches the network through `chatd.link_redis`. What gathers while one batch is under way goes
into the next, as one pipeline: one write, one answer each. One batch is unanswered at a time, so
a server that lags is felt here, in the bounded queue, and nowhere else. Nothing is sent twice.
"""

import asyncio
import random
from collections import deque
from collections.abc import Callable
from typing import Final

from chatd.link_redis import Link, LinkLost, Refused, Server, command

MAX_QUEUED_BYTES: Final = 16 * 1024 * 1024
MAX_AGE_S: Final = 2.0
"""A message that waited longer than this to be sent is dropped: the log has been quicker."""
MAX_BATCH: Final = 512
ANSWER_WITHIN_S: Final = 0.5
RETRY_MIN_S: Final = 0.1
RETRY_MAX_S: Final = 1.0


class Publisher:
    """`publish` never waits; `run` is the task that sends. `dropped` counts what was not sent.

    `clock` gives seconds, see `chatd.bus_redis.AttentiveClock`. Call `look` every few ticks of it.
    """

    def __init__(self, server: Server, *, clock: Callable[[], float], max_queued: int) -> None:
        self.dropped = 0
        self._server = server
        self._clock = clock
        self._max_queued = max_queued
        self._queue: deque[tuple[float, bytes, bytes]] = deque()
        self._queued_bytes = 0
        self._first: bytes | None = None
        self._link: Link | None = None
        self._unanswered_since_s: float | None = None
        self._something = asyncio.Event()
        self._hurried = asyncio.Event()
        self.empty = asyncio.Event()
        """Set while everything published is sent or dropped."""
        self.empty.set()

    def publish(self, channel: bytes, payload: bytes) -> None:
        while self._queue and (
            len(self._queue) >= self._max_queued or self._queued_bytes + len(payload) > MAX_QUEUED_BYTES
        ):
            self._drop_oldest()
        self._queue.append((self._clock(), channel, payload))
        self._queued_bytes += len(payload)
        self.empty.clear()
        self._something.set()

    def publish_first(self, channel: bytes, payload: bytes) -> None:
        """Ahead of all that is queued, instead of an earlier one that still waits. For the pulse."""
        self._first = command("PUBLISH", channel, payload)
        self._something.set()

    def hurry(self) -> None:
        """The server is there again: do not wait for the next attempt."""
        self._hurried.set()

    def look(self) -> None:
        """Give up a batch that is not answered in time; its connection goes with it."""
        since_s = self._unanswered_since_s
        if since_s is not None and self._link is not None and self._clock() - since_s >= ANSWER_WITHIN_S:
            self._link.cut()

    async def run(self) -> None:
        """Until cancelled. Never raises for anything the server does."""
        failures = 0
        try:
            while True:
                await self._something.wait()
                self._drop_aged()
                try:
                    if self._link is None:
                        self._link = await self._server.connect("chatd-bus-pub")
                    await self._send(self._link)
                    failures = 0
                except LinkLost:
                    self._disconnect()
                    await self._pause(failures)
                    failures += 1
        finally:
            self._disconnect()

    async def _send(self, link: Link) -> None:
        """One batch, and its answers."""
        batch: list[bytes] = []
        if self._first is not None:
            batch.append(self._first)
            self._first = None
        messages = min(len(self._queue), MAX_BATCH)
        for _ in range(messages):
            _, channel, payload = self._queue.popleft()
            self._queued_bytes -= len(payload)
            batch.append(command("PUBLISH", channel, payload))
        if not self._queue:
            self._something.clear()
        if not batch:
            return
        unanswered = len(batch)
        self._unanswered_since_s = self._clock()
        try:
            link.write(b"".join(batch))
            while unanswered:
                try:
                    await link.read()
                except Refused:
                    self.dropped += 1
                unanswered -= 1
        finally:
            self._unanswered_since_s = None
            self.dropped += min(unanswered, messages)
            if not self._queue:
                self.empty.set()

    async def _pause(self, failures: int) -> None:
        self._hurried.clear()
        try:
            async with asyncio.timeout(pause_s(failures)):
                await self._hurried.wait()
        except TimeoutError:
            pass  # Nobody hurried us.

    def _disconnect(self) -> None:
        if self._link is not None:
            self._link.cut()
            self._link = None

    def _drop_aged(self) -> None:
        oldest_s = self._clock() - MAX_AGE_S
        while self._queue and self._queue[0][0] < oldest_s:
            self._drop_oldest()
        if not self._queue:
            self.empty.set()

    def _drop_oldest(self) -> None:
        _, _, payload = self._queue.popleft()
        self._queued_bytes -= len(payload)
        self.dropped += 1


def pause_s(failures: int) -> float:
    """Before the next attempt: none the first time, then longer every time, up to a second."""
    if failures == 0:
        return 0.0
    return random.uniform(RETRY_MIN_S, min(RETRY_MAX_S, RETRY_MIN_S * 2 ** min(failures, 10)))
