"""Somebody behind an intermediary: one seat, held over one of the three transports.

    async with Peer(way, "icu", "sse") as anna:
        await anna.joined()                       # raises Barred where this transport gets nowhere
        await anna.say("A hard night.")           # over breaks, with the same key
        await anna.sees("Do you want to tell us?")

It comes back by itself, without the patience that a real client has, and fails where an event is
missing, doubled or out of order.
"""

import asyncio
import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Final, Self

from tests.proxies.lines import BREAKS, LINES, News, Refused
from tests.proxies.rows import Transport, Way
from tests.proxies.seat import Seat

PAUSE_S: Final = 0.1
"""Between two attempts to come back."""
SAY_S: Final = 20.0
"""How long somebody tries to say one thing."""
PASSING: Final = frozenset({"not_joined", "too_fast", "busy", "log_unavailable"})
"""Errors to a post that pass by themselves."""


class Peer:
    """A person who stays: joins, comes back, says things until they are known to be kept."""

    def __init__(self, way: Way, room: str, transport: Transport) -> None:
        self.seat = Seat(room)
        self.breaks = 0
        self._news = News()
        self._line = LINES[transport](way, self.seat, self._news)
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._stay())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._task is not None
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        await self._line.close()

    async def joined(self) -> None:
        await self.until(lambda: self.seat.token is not None, "a seat")

    async def stands(self) -> None:
        """Return when this transport has shown that it works; `Barred` where it does not."""
        await self.until(lambda: self._line.stands, "the transport to stand")

    async def say(self, text: str) -> float:
        """Say it until it is known to be kept; the seconds that the last try took."""
        await self.joined()
        frame = {"t": "post", "room": self.seat.room, "key": secrets.token_hex(8), "text": text}
        async with asyncio.timeout(SAY_S):
            while True:
                began = time.perf_counter()
                try:
                    answer = await self._line.ask({"id": self.seat.new_id(), **frame})
                except BREAKS:
                    await self._pause()
                    continue
                if answer["t"] == "ok":
                    return time.perf_counter() - began
                if answer["code"] not in PASSING:
                    raise Refused(answer["code"])
                await self._pause()

    async def sees(self, text: str, within_s: float = 10.0) -> None:
        await self.until(lambda: text in self.seat.seen_at, f"to see {text!r}", within_s)

    async def until(self, condition: Callable[[], bool], what: str, within_s: float = 10.0) -> None:
        """Return when it holds. What ended this peer (`Barred`, `Wrong` …) is raised here."""
        assert self._task is not None
        try:
            async with asyncio.timeout(within_s):
                while True:
                    news = self._news.next()
                    if condition():
                        return
                    more = asyncio.create_task(news.wait())
                    try:
                        await asyncio.wait((more, self._task), return_when=asyncio.FIRST_COMPLETED)
                    finally:
                        more.cancel()
                    if self._task.done():
                        self._task.result()
        except TimeoutError:
            raise AssertionError(f"not within {within_s} s: {what}") from None

    async def _stay(self) -> None:
        while True:
            with suppress(*BREAKS):
                await self._line.stay()
            self.breaks += 1
            self._news.tell()
            await self._pause()

    async def _pause(self) -> None:
        """A moment, or less where something comes."""
        with suppress(TimeoutError):
            async with asyncio.timeout(PAUSE_S):
                await self._news.next().wait()
