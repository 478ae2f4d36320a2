"""The bus of a node that is alone: what it publishes, it hears, and nothing can break.

Touches the event loop and nothing else.

**When.** `publish` only queues; everything one event-loop turn published is delivered at the start
of the next, in the order published. So `on_message` is never called from inside `publish`: code
that works here does not lean on hearing itself at once, which no other bus could promise.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final

MAX_QUEUED: Final = 10_000
"""Messages that one event-loop turn may publish; beyond, the oldest go and are counted."""


def ignore_message(channel: str, payload: bytes) -> None:
    """Nobody listens yet."""


def ignore_health(healthy: bool) -> None:
    """Nobody listens yet."""


class MemoryBus:
    """See `chatd.bus.Bus`. Healthy from `start` to `stop`; `dropped` counts what the bound cost."""

    def __init__(self, *, max_queued: int = MAX_QUEUED) -> None:
        self.healthy = False
        self.on_message: Callable[[str, bytes], None] = ignore_message
        self.on_health: Callable[[bool], None] = ignore_health
        self.dropped = 0
        self._channels: set[str] = set()
        self._queue: deque[tuple[str, bytes]] = deque(maxlen=max_queued)
        self._wakes: asyncio.Handle | None = None

    async def start(self) -> None:
        if not self.healthy:
            self.healthy = True
            self.on_health(True)

    async def subscribe(self, channel: str) -> None:
        self._channels.add(channel)

    def unsubscribe(self, channel: str) -> None:
        self._channels.discard(channel)

    def publish(self, channel: str, payload: bytes) -> None:
        if not self.healthy:
            self.dropped += 1
            return
        if len(self._queue) == self._queue.maxlen:
            self.dropped += 1
        self._queue.append((channel, payload))
        if self._wakes is None:
            self._wakes = asyncio.get_running_loop().call_soon(self._deliver)

    async def stop(self) -> None:
        """Nothing is called any more, not even for what was published in this turn."""
        self.healthy = False
        self._queue.clear()
        if self._wakes is not None:
            self._wakes.cancel()
            self._wakes = None

    def _deliver(self) -> None:
        self._wakes = None
        # Only what is there now: what on_message publishes waits for the next turn.
        for _ in range(len(self._queue)):
            if not self._queue:
                return
            channel, payload = self._queue.popleft()
            if channel in self._channels:
                self.on_message(channel, payload)
