"""The three transports, as a stranger would write them from docs/protocol.md.

A line carries one seat: `stay` is one connection, from its beginning to its end, and `ask` says
something. On `websockets` and `httpx`, which know how to go through a forward proxy.
"""

import asyncio
import json
import secrets
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable
from typing import Final
from urllib.parse import urlsplit

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidProxyStatus, InvalidStatus
from websockets.typing import Subprotocol

from tests.proxies.rows import Transport, Way
from tests.proxies.seat import Frame, Seat

ANSWER_S: Final = 4.0
"""How long an answer to a request may take to come through."""
LIVE_S: Final = 3.0
"""How long a stream may take to show that small pieces come through, each as it is sent."""
WAIT_S: Final = 25
"""How long a poll may wait for news. More than some intermediaries are patient."""
AWAY: Final = frozenset({502, 503, 504})
"""What a gateway answers while the server, or it itself, is not there."""


class Barred(Exception):
    """This transport does not work here. Says how it showed."""


class Refused(Exception):
    """The server or something before it refuses for good: `code` of an `error`, or an HTTP status."""

    def __init__(self, code: object) -> None:
        super().__init__(f"refused: {code}")
        self.code = code


class Lost(Exception):
    """The connection is gone, or a gateway answered in the server's place: nobody knows, try again."""


BREAKS: Final = (OSError, TimeoutError, ConnectionClosed, InvalidHandshake, httpx.HTTPError, Lost)


class News:
    """Wakes who waits, whenever something came."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def tell(self) -> None:
        self._event.set()
        self._event = asyncio.Event()

    def next(self) -> asyncio.Event:
        """What comes after this call sets it; so ask before you look whether you have to wait."""
        return self._event


class Line(ABC):
    """One transport of one seat."""

    def __init__(self, way: Way, seat: Seat, news: News) -> None:
        self.way = way
        self.seat = seat
        self.news = news
        self.stands = False
        """Whether it has carried what it must, at least once."""

    def take(self, frame: Frame) -> None:
        """What came for the seat. `Refused` where that is an error to the join."""
        if frame["t"] == "error" and self.seat.token is None:
            raise Refused(frame["code"])
        self.seat.take(frame)
        self.news.tell()

    @abstractmethod
    async def stay(self) -> None:
        """Connect, join, and take what comes; returns or raises `BREAKS` when the connection ends.

        `Barred` where the transport does not work here, as far as can be told.
        """

    @abstractmethod
    async def ask(self, frame: Frame) -> Frame:
        """Send a command; its answer. Raises one of `BREAKS` where it is not known."""

    @abstractmethod
    async def close(self) -> None:
        """Leave the network alone from now on; `stay` has ended."""


class SocketLine(Line):
    """Everything over one WebSocket."""

    def __init__(self, way: Way, seat: Seat, news: News) -> None:
        super().__init__(way, seat, news)
        self._answers: dict[int, asyncio.Future[Frame]] = {}
        self._socket: ClientConnection | None = None

    async def stay(self) -> None:
        parts = urlsplit(self.way.url)
        secure = parts.scheme == "https"
        url = f"{'wss' if secure else 'ws'}://{parts.netloc}/ws"
        try:
            socket = await connect(
                url,
                subprotocols=[Subprotocol("chatd.v1.json")],
                proxy=self.way.proxy,
                ssl=self.way.trust,
                open_timeout=ANSWER_S,
                close_timeout=0.2,
                ping_interval=None,
                max_size=None,
            )
        except InvalidHandshake as error:
            refused = (
                error.response.status_code if isinstance(error, InvalidStatus | InvalidProxyStatus) else 0
            )
            if refused in AWAY:
                raise Lost from None
            raise Barred(f"refused with {refused}" if refused else "refused") from None
        try:
            self._socket = socket
            await socket.send(json.dumps(self.seat.join()))
            async for message in socket:
                frame = json.loads(message)
                self.stands = True
                self.take(frame)
                waiting = self._answers.pop(frame.get("id"), None)
                if waiting is not None and not waiting.done():
                    waiting.set_result(frame)
        finally:
            self._socket = None
            for waiting in self._answers.values():
                if not waiting.done():
                    waiting.set_exception(Lost())
            self._answers.clear()
            socket.transport.abort()

    async def ask(self, frame: Frame) -> Frame:
        if self._socket is None:
            raise Lost
        answer: asyncio.Future[Frame] = asyncio.get_running_loop().create_future()
        self._answers[frame["id"]] = answer
        await self._socket.send(json.dumps(frame))
        return await answer

    async def close(self) -> None:
        assert self._socket is None


class HttpLine(Line):
    """What a stream and polling share: what is said goes by POST /send."""

    def __init__(self, way: Way, seat: Seat, news: News) -> None:
        super().__init__(way, seat, news)
        self.client = httpx.AsyncClient(
            base_url=way.url,
            proxy=way.proxy,
            verify=way.trust or False,
            trust_env=False,
            timeout=httpx.Timeout(ANSWER_S, read=None),
        )

    async def ask(self, frame: Frame) -> Frame:
        body = {"seat": self.seat.token, "frames": [frame]}
        async with asyncio.timeout(ANSWER_S):
            answer = await self.client.post("/send", json=body)
        frames: list[Frame] = understood(answer)["frames"]
        return frames[0]

    async def close(self) -> None:
        await self.client.aclose()


class StreamLine(HttpLine):
    """What is heard comes as server-sent events, in one answer that does not end."""

    async def stay(self) -> None:
        request = self.client.build_request("POST", "/sse", json=self.seat.join())
        answer: httpx.Response | None = None
        try:
            async with asyncio.timeout(LIVE_S) as held:
                answer = await self.client.send(request, stream=True)
                if answer.status_code != 200:
                    await answer.aread()
                    understood(answer)
                await self._read(answer.aiter_lines(), live=lambda: held.reschedule(None))
        except TimeoutError:
            raise Barred("held back") from None
        finally:
            if answer is not None:
                await answer.aclose()

    async def _read(self, lines: AsyncIterator[str], live: Callable[[], None]) -> None:
        kind = ""
        async for line in lines:
            field, _, value = line.partition(": ")
            if field == "event":
                kind = value
            elif field == "data" and not kind:
                self.take(json.loads(value))
            elif field == "data" and kind == "live":
                self.stands = True
                live()
                self.news.tell()
            elif field == "data" and kind == "close":
                return
            elif not line:
                kind = ""


class PollLine(HttpLine):
    """What is heard is asked for again and again."""

    def __init__(self, way: Way, seat: Seat, news: News) -> None:
        super().__init__(way, seat, news)
        self._link = secrets.token_urlsafe(16)
        self._got: int | None = None

    async def stay(self) -> None:
        while True:
            body: Frame = {"link": self._link, "join": self.seat.join(), "wait_s": WAIT_S}
            if self._got is not None:
                body["got"] = self._got
            answer = understood(await self.client.post("/poll", json=body))
            if answer["n"] != self._got:
                for frame in answer["frames"]:
                    self.take(frame)
                self._got = answer["n"]
                self.stands = True
            if "close" in answer:
                self._link, self._got = secrets.token_urlsafe(16), None
                return


def understood(answer: httpx.Response) -> Frame:
    """The JSON of an answer by the server itself. `Lost` where a gateway answered, `Refused` otherwise."""
    if answer.status_code in AWAY:
        raise Lost
    if answer.status_code != 200:
        raise Refused(answer.status_code)
    frame: Frame = answer.json()
    return frame


LINES: Final[dict[Transport, type[Line]]] = {"ws": SocketLine, "sse": StreamLine, "poll": PollLine}
