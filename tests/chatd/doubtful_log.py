"""The real log, seen through a connection that hangs, or breaks before or after it has done its work.

    log.breaks("append")                      the next append keeps nothing
    log.breaks("append", after=True)          the next append is kept, and nobody learns of it
    log.breaks("since", error, times=FOR_EVER)
    with log.holds("since") as held:          the next read waits at the door ...
        await held.reached                    ... and has got there
                                              ... and goes on at the end of the block
    log.asked["since"]                        how often it was asked

Touches nothing but the log it is given.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final, Literal, TypeAlias, TypeVar

from rooms.events import AnyEvent
from rooms.log import Claim, Draft, Head, Log, LogError, LogUnavailable, Outcome

T = TypeVar("T")
Verb: TypeAlias = Literal[
    "append",
    "begin_anew",
    "open_room",
    "since",
    "before",
    "heads",
    "rooms",
    "claim",
    "drop",
    "erase",
    "trim",
    "spend",
    "spent",
]
FOR_EVER: Final = 1_000_000
PATIENCE_S: Final = 60.0


class Held:
    """A call that waits at the log's door. `reached` is over as soon as it is there."""

    def __init__(self) -> None:
        self._reached = asyncio.Event()
        self._open = asyncio.Event()

    @property
    def reached(self) -> Awaitable[Literal[True]]:
        return asyncio.wait_for(self._reached.wait(), PATIENCE_S)

    def release(self) -> None:
        self._open.set()

    async def wait(self) -> None:
        self._reached.set()
        await self._open.wait()


class DoubtfulLog:
    """A `Log` that one node sees; `close` leaves the log behind it open, for the other nodes."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self.asked: Counter[Verb] = Counter()
        self._broken: dict[tuple[Verb, bool], tuple[LogError, int]] = {}
        self._held: dict[tuple[Verb, bool], Held] = {}

    def breaks(
        self, verb: Verb, error: LogError | None = None, *, times: int = 1, after: bool = False
    ) -> None:
        """The next `times` calls of `verb` fail with `error`, before or `after` their work is done."""
        self._broken[verb, after] = (error or LogUnavailable("The connection broke."), times)

    def mends(self) -> None:
        """Whatever was broken works again."""
        self._broken.clear()

    @contextmanager
    def holds(self, verb: Verb, *, after: bool = False) -> Iterator[Held]:
        """The next call of `verb` waits until the end of the block, before or `after` its work is done."""
        held = self._held[verb, after] = Held()
        try:
            yield held
        finally:
            held.release()
            self._held.pop((verb, after), None)

    async def _pass(self, verb: Verb, *, after: bool) -> None:
        held = self._held.pop((verb, after), None)
        if held is not None:
            await held.wait()
        error, times = self._broken.get((verb, after), (None, 0))
        if error is not None:
            if times > 1:
                self._broken[verb, after] = (error, times - 1)
            else:
                del self._broken[verb, after]
            raise error.with_traceback(None)

    async def _ask(self, verb: Verb, work: Callable[[], Awaitable[T]]) -> T:
        self.asked[verb] += 1
        # A real log never answers within the turn in which it was asked.
        await asyncio.sleep(0)
        await self._pass(verb, after=False)
        answer = await work()
        await self._pass(verb, after=True)
        return answer

    async def append(self, drafts: Sequence[Draft]) -> list[Outcome]:
        return await self._ask("append", lambda: self._log.append(drafts))

    async def open_room(self, room: str) -> Head:
        return await self._ask("open_room", lambda: self._log.open_room(room))

    async def since(self, room: str, epoch: str, after: int, limit: int) -> list[AnyEvent]:
        return await self._ask("since", lambda: self._log.since(room, epoch, after, limit))

    async def before(self, room: str, epoch: str, before: int, limit: int) -> list[AnyEvent]:
        return await self._ask("before", lambda: self._log.before(room, epoch, before, limit))

    async def by(self, room: str, epoch: str, handle: str, after: int, limit: int) -> list[AnyEvent]:
        return await self._ask("since", lambda: self._log.by(room, epoch, handle, after, limit))

    async def heads(self, rooms: Sequence[str]) -> Mapping[str, Head]:
        return await self._ask("heads", lambda: self._log.heads(rooms))

    async def rooms(self, after: str, limit: int) -> Sequence[str]:
        return await self._ask("rooms", lambda: self._log.rooms(after, limit))

    async def claim(self, claims: Sequence[Claim]) -> list[str | None]:
        return await self._ask("claim", lambda: self._log.claim(claims))

    async def erase(self, room: str, epoch: str | None = None, began_at: int | None = None) -> Head:
        return await self._ask("erase", lambda: self._log.erase(room, epoch, began_at))

    async def drop(self, room: str, epoch: str) -> bool:
        return await self._ask("drop", lambda: self._log.drop(room, epoch))

    async def begin_anew(self, room: str) -> Head:
        return await self._ask("begin_anew", lambda: self._log.begin_anew(room))

    async def trim(self, room: str, before_at: int) -> int:
        return await self._ask("trim", lambda: self._log.trim(room, before_at))

    async def spend(self, token: bytes, expires_at: int) -> bool:
        return await self._ask("spend", lambda: self._log.spend(token, expires_at))

    async def spent(self, token: bytes) -> bool:
        return await self._ask("spent", lambda: self._log.spent(token))

    async def close(self) -> None:
        """The log is the test's; a node that stops leaves it open."""
