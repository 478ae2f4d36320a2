"""A loop whose time jumps: where a real one would wait, this one is at the next moment at once.

So a test of what happens after thirty seconds takes none, and comes out the same on a loaded
machine. For what runs in one thread without sockets; nobody can be waited for who is outside.
"""

import asyncio
import selectors
from typing import Final

TURN_S: Final = 1e-9
"""What one turn takes. So who is woken too early by a rounding error, and asks again, gets there."""


class _Jumps(selectors.DefaultSelector):
    def __init__(self) -> None:
        super().__init__()
        self.now = 1_000.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if not ready:
            assert timeout is not None, "everybody waits for something that nobody will do"
            self.now += max(timeout, TURN_S)
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop in which nothing takes time but what asks for it."""

    def __init__(self) -> None:
        self._jumps = _Jumps()
        super().__init__(self._jumps)

    def time(self) -> float:
        return self._jumps.now


async def pass_time(seconds: float) -> None:
    """Let virtual time go by: everything that is due by then happens, and the test waits for none of it."""
    assert isinstance(asyncio.get_running_loop(), VirtualLoop), "only virtual time may be slept away"
    await asyncio.sleep(seconds)
