"""Links: the members who poll. What each is due is kept until it was fetched *and* confirmed.

A link is a connection to the gateway and a sink to the hub, like a socket. Its answers are numbered:
one that is lost on the way is given again, as it was, under the same number. A number that
this link never gave says that the member was answered by another node meanwhile; then, and where a link
is not known at all, they join anew from `after`. Between two polls a link is parked: it counts as here
for a while, then it is closed like any connection. `polling.py` is the way in. Touches the loop's clock.
"""

import asyncio
import secrets
from collections.abc import Callable
from typing import Any, Final

import msgspec

from chatd.connection import Connection
from chatd.formats import JSON_POLLED
from chatd.gateway import Gateway
from chatd.sink import Format
from chatd.sockets import Sockets
from chatd.wire import CloseCode

TRANSPORT: Final = "polling"
GATHER_S: Final = 0.1
"""Two answers are at least this far apart: in a lively room a poll brings several frames, not one each."""
MOVE_S: Final = 0.5
"""The same for joins of one link: a member who is sent from node to node joins on each again and again."""
FIRST_N: Final = 1 << 31
"""Answers are numbered from a random number below, so that no node takes another's number for its own."""


class Closed(msgspec.Struct, frozen=True):
    """As a WebSocket's close: the same codes."""

    code: int
    reason: str


class Polled(msgspec.Struct, frozen=True, omit_defaults=True):
    """The answer. `frames` in order; `close` where this was the last one of the link."""

    link: str
    n: int
    frames: list[msgspec.Raw]
    close: Closed | None = None


class _News(msgspec.Struct, frozen=True, tag_field="t", tag="joined"):
    """What is read of a `joined` to see whether it brings anything."""

    recovered: bool
    events: list[msgspec.Raw]


_news: Final = msgspec.json.Decoder(_News)


class Link:
    """One member who polls: a `chatd.sink.Sink` that keeps what is due."""

    __slots__ = (
        "_bytes",
        "_confirmed",
        "_frames",
        "_given",
        "_n",
        "_on_closed",
        "_sockets",
        "_turn",
        "_waiter",
        "answered_at",
        "connection",
        "goodbye",
        "joined_at",
        "name",
        "outbox",
        "parked_at",
        "seated",
    )

    format: Format = JSON_POLLED

    def __init__(self, name: str, sockets: Sockets, on_closed: Callable[["Link"], None], now: float) -> None:
        self.name = name
        self.outbox: list[Any] = []
        self.connection: Connection | None = None
        self.goodbye: Closed | None = None
        self.parked_at: float | None = None
        """Since when nobody polls; None while somebody does."""
        self.seated = False
        """Whether its join was ever answered with a seat."""
        self.joined_at = now
        self.answered_at = 0.0
        self._sockets = sockets
        self._on_closed = on_closed
        self._frames: list[bytes] = []
        self._bytes = 0
        self._given = 0
        """How many of the frames are in the answer `_n`, which is not confirmed."""
        self._n = secrets.randbelow(FIRST_N) + 1
        self._confirmed = False
        self._turn = 0
        """Counts the polls; the last one is the one that is answered."""
        self._waiter: asyncio.Future[None] | None = None

    # ---- the sink ------------------------------------------------------------------------------

    def write(self, batch: tuple[bytes, ...]) -> bool:
        if self.goodbye is not None:
            return False
        if self._bytes > self._sockets.settings.max_buffer_bytes:
            self._sockets.metrics.slow_readers_cut.add()
            self._forget()
            self._end(CloseCode.TOO_SLOW, "Too much lies unread. Come back with after.")
            return False
        self._frames.extend(batch)
        self._bytes += sum(map(len, batch))
        if self.connection is not None and self.connection.seats:
            self.seated = True
        else:
            # A link is for one room: refused, erased or left, there is nothing more to say on it.
            self._end(1000, "no seat is held here any more")
        self.wake()
        return True

    def congested(self) -> bool:
        return self.goodbye is not None or self._bytes > self._sockets.settings.congested_bytes

    def close(self, code: int, reason: str) -> None:
        self._end(code, reason)

    def _end(self, code: int, reason: str) -> None:
        if self.goodbye is None:
            self.goodbye = Closed(int(code), reason)
            self._sockets.closing(code)
            # Not from within what called us: it may be walking through the rooms' members.
            asyncio.get_running_loop().call_soon(self._on_closed, self)
            self.wake()

    # ---- polls ---------------------------------------------------------------------------------

    def wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def confirm(self, got: int | None) -> bool:
        """`got` is the last answer that arrived. False where this link never gave such a number."""
        if not got:
            return not self._confirmed
        if got == self._n:
            self._confirmed = True
            self._bytes -= sum(map(len, self._frames[: self._given]))
            del self._frames[: self._given]
            self._given = 0
            return True
        return bool(self._given) and got == self._n - 1

    def begin(self) -> int:
        """The turn of another poll. The one before, if it is held still, is answered with nothing."""
        self._turn += 1
        self.parked_at = None
        self.wake()
        return self._turn

    async def answer(self, turn: int, got: int | None, wait_s: float, *, only_news: bool) -> Polled:
        """What is due, as soon as there is something, at the latest after `wait_s`.

        `only_news`: a `joined` that brings nothing new can wait as well.
        """
        loop = asyncio.get_running_loop()
        until = loop.time() + wait_s
        while self._turn == turn and not self._due(only_news):
            if not await self._woken(until):
                break
        early_s = self.answered_at + GATHER_S - loop.time()
        if self._turn == turn and self._frames and self.goodbye is None and early_s > 0:
            await asyncio.sleep(early_s)
        if self._turn != turn:
            # Under the number that was shown: whoever shows it again has confirmed nothing by it.
            return Polled(self.name, got or 0, [])
        self.parked_at = self.answered_at = loop.time()
        if self._frames and not self._given:
            self._n += 1
            self._given = len(self._frames)
        # One number is one content: a proxy may have asked twice, and only one answer arrives.
        frames = [msgspec.Raw(frame) for frame in self._frames[: self._given]]
        last = self.goodbye if self._given == len(self._frames) else None
        return Polled(self.name, self._n if frames else got or 0, frames, last)

    def _due(self, only_news: bool) -> bool:
        if self.goodbye is not None or len(self._frames) > 1 or self._given:
            return True
        return bool(self._frames) and not (only_news and _brings_nothing(self._frames[0]))

    async def _woken(self, until: float) -> bool:
        """Wait for something to happen. False where the time is over."""
        self._waiter = waiter = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout_at(until):
                await waiter
        except TimeoutError:
            return False
        return True

    def deserted(self, turn: int) -> None:
        """Whoever polled is gone: nobody is left to answer, and the time to come back begins."""
        if turn == self._turn:
            self._turn += 1
            self.parked_at = asyncio.get_running_loop().time()
            self.wake()

    def _forget(self) -> None:
        self._frames.clear()
        self._bytes = self._given = 0


def _brings_nothing(frame: bytes) -> bool:
    try:
        joined = _news.decode(frame)
    except msgspec.DecodeError:
        return False
    return joined.recovered and not joined.events


class Links:
    """All links of one node, by name. `park_s`: how long a link may be parked. Seconds."""

    def __init__(self, gateway: Gateway, sockets: Sockets, *, park_s: float) -> None:
        self._gateway = gateway
        self._sockets = sockets
        self._park_s = park_s
        self._links: dict[str, Link] = {}

    def known(self, name: str | None, got: int | None) -> Link | None:
        """The link on which a poll goes on; None where it must join."""
        link = self._links.get(name or "")
        return link if link is not None and link.confirm(got) else None

    def begin(self, name: str | None, join: bytes) -> Link:
        """Join: under the link that the client has, or a new one."""
        now = asyncio.get_running_loop().time()
        before = self._links.get(name or "")
        link = Link(name or secrets.token_urlsafe(16), self._sockets, self._close, now)
        if before is not None:
            before.begin()
            self._close(before)
        self._links[link.name] = link
        self._sockets.opened(TRANSPORT)
        link.connection = self._gateway.connected(link)
        link.connection.received(join)
        return link

    async def settle(self, name: str | None) -> None:
        """Wait, where this link joined here a moment ago already."""
        before = self._links.get(name or "")
        if before is not None:
            await asyncio.sleep(before.joined_at + MOVE_S - asyncio.get_running_loop().time())

    def sweep(self) -> None:
        """Close what was parked for too long. Call it about once a second."""
        before = asyncio.get_running_loop().time() - self._park_s
        for link in list(self._links.values()):
            if link.parked_at is not None and link.parked_at < before:
                self._close(link)
                self._links.pop(link.name, None)

    def _close(self, link: Link) -> None:
        """The connection is over, once. The link stays until its end was fetched, or its time is up."""
        connection, link.connection = link.connection, None
        if connection is not None:
            self._sockets.gone(TRANSPORT)
            connection.closed()
        if link.goodbye is None:
            link.goodbye = Closed(1000, "the link was not used any more")
        link.wake()

    def told_the_end(self, link: Link) -> None:
        """Keep a link whose end was told, in case that is lost; but not where it never got in."""
        if not link.seated and self._links.get(link.name) is link:
            del self._links[link.name]
