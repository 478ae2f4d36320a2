"""A client's connection over HTTP: it looks like a WebSocket, and is a stream or polls, and sends.

    join      ->  POST /sse  or  POST /poll, poll after poll: one for each room
    the rest  ->  POST /send, one request after the other, up to 16 frames in each

Requests that fail are asked again a few times, which the protocol makes safe; then the connection counts
as broken, and the client comes back as it does after any break. Part of the client that stands for a
stranger's (`chatd/client/client.py`): standard library only.
"""

import asyncio
import json
import secrets
from collections import deque
from collections.abc import AsyncGenerator, Coroutine
from contextlib import aclosing
from typing import Any, Final, Literal, Self, TypeAlias
from urllib.parse import urlsplit, urlunsplit

from chatd.client.items import Frame
from chatd.client.requests import Head, Requests, Status

HttpTransport: TypeAlias = Literal["sse", "poll"]

MAX_FRAMES: Final = 16
MAX_SEND_BYTES: Final = 48 * 1024
"""Of the frames in one request, so that with a seat it stays under the server's 64 KiB."""
WAIT_S: Final = 25.0
SILENT_S: Final = 45.0
"""A stream that says nothing at all for so long is dead."""
POLL_S: Final = 40.0
SEND_S: Final = 30.0
TRIES: Final = 3
PAUSE_S: Final = 0.3
LOST: Final = 1006
POLICY: Final = 1008
TOO_LARGE: Final = 1009
FULL: Final = 4003
NOT_BACK_STATUS: Final = frozenset({400, 401, 403, 404, 410, 415})


def http_url(url: str) -> str:
    """The server whose lobby, room page or socket is at `url`, without a slash at the end."""
    parts = urlsplit(url)
    scheme = {"ws": "http", "wss": "https"}.get(parts.scheme, parts.scheme)
    base = parts.path.partition("/room/")[0].rstrip("/").removesuffix("/ws")
    return urlunsplit((scheme, parts.netloc, base, "", ""))


class Broken(Exception):
    """The connection is over, with a close code."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class HttpConnection:
    """Iterate it for messages; `send` takes them. `close_code` is None while it is open."""

    def __init__(self, url: str, transport: HttpTransport, *, max_bytes: int) -> None:
        self.close_code: int | None = None
        self._base = http_url(url)
        self._path = urlsplit(self._base).path
        self._transport = transport
        self._max_bytes = max_bytes
        self._inbox: deque[str] = deque()
        self._news = asyncio.Event()
        self._outbox: asyncio.Queue[Frame] = asyncio.Queue()
        self._ears: dict[str, tuple[_Ear, asyncio.Task[None]]] = {}
        self._sends = Requests(self._base, max_bytes=max_bytes)
        self._sender: asyncio.Task[None] | None = None

    async def open(self) -> Self:
        """Reach the server. `OSError` where that is not possible."""
        await self._sends.connect()
        self._sender = asyncio.create_task(self._run(self._send_all()))
        return self

    async def send(self, message: str | bytes) -> None:
        """Put a frame on its way."""
        frame: Frame = json.loads(message)
        if frame["t"] == "join":
            await self._stop_hearing(frame["room"])
            ear = _Ear(frame)
            hear = self._hear_stream if self._transport == "sse" else self._hear_polls
            self._ears[ear.room] = (ear, asyncio.create_task(self._run(hear(ear))))
            return
        if frame["t"] == "leave" and frame["room"] in self._ears:
            self._ears[frame["room"]][0].over = True
        self._outbox.put_nowait(frame)

    async def close(self, code: int = 1000) -> None:
        """Drop everything. The code stays here: a lost connection has none on the wire."""
        self._end(code)
        for room in list(self._ears):
            await self._stop_hearing(room)
        if self._sender is not None:
            self._sender.cancel()
            await asyncio.gather(self._sender, return_exceptions=True)
        self._sends.close()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> str:
        while not self._inbox:
            if self.close_code is not None:
                raise StopAsyncIteration
            self._news.clear()
            await self._news.wait()
        return self._inbox.popleft()

    # -- hearing

    async def _hear_stream(self, ear: "_Ear") -> None:
        """One stream, to its end."""
        requests = Requests(self._base, max_bytes=self._max_bytes)
        parts = requests.stream(f"{self._path}/sse", _encoded(ear.join))
        try:
            async with aclosing(_events(parts, self._max_bytes)) as events:
                async for kind, data in events:
                    if kind == "message":
                        self._heard(ear, json.loads(data))
                    elif kind == "close":
                        self._ended(ear, json.loads(data)["code"])
                        return
        except Status as error:
            raise Broken(_code(error.status)) from None
        raise Broken(LOST)

    async def _hear_polls(self, ear: "_Ear") -> None:
        """Poll after poll, to the end of the link."""
        requests = Requests(self._base, max_bytes=self._max_bytes)
        poll: Frame = {"link": secrets.token_urlsafe(16), "wait_s": WAIT_S}
        try:
            while True:
                poll["join"] = ear.join_now()
                body = _encoded(poll)
                answer = await self._asked(requests, "/poll", body, POLL_S)
                poll["link"], poll["got"] = answer["link"], answer["n"]
                for frame in answer["frames"]:
                    self._heard(ear, frame)
                if (close := answer.get("close")) is not None:
                    self._ended(ear, close["code"])
                    return
        finally:
            requests.close()

    def _heard(self, ear: "_Ear", frame: Frame) -> None:
        for each in ear.heard(frame):
            self._inbox.append(json.dumps(each))
        self._news.set()

    def _ended(self, ear: "_Ear", code: int) -> None:
        """The server ended what we heard: for the room alone where that is over, else for all of us."""
        if not (ear.over and code == 1000):
            raise Broken(code)

    async def _stop_hearing(self, room: str) -> None:
        if room in self._ears:
            _ear, task = self._ears.pop(room)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    # -- sending

    async def _send_all(self) -> None:
        held: Frame | None = None
        while True:
            batch = [held if held is not None else await self._outbox.get()]
            held, size = None, len(_encoded(batch[0]))
            while len(batch) < MAX_FRAMES and not self._outbox.empty():
                held = self._outbox.get_nowait()
                size += len(_encoded(held))
                if held["room"] != batch[0]["room"] or size > MAX_SEND_BYTES:
                    break
                batch.append(held)
                held = None
            await self._send_batch(batch)

    async def _send_batch(self, batch: list[Frame]) -> None:
        ear, _ = self._ears.get(batch[0]["room"], (None, None))
        body: Frame = {"frames": batch}
        if ear is not None and ear.seat is not None:
            body["seat"] = ear.seat
        answer = await self._asked(self._sends, "/send", _encoded(body), SEND_S)
        for frame in answer["frames"]:
            self._inbox.append(json.dumps(frame))
        self._news.set()

    async def _asked(self, requests: Requests, path: str, body: bytes, within_s: float) -> Frame:
        """The answer to a request that may be made again. `Broken` where there is none after a few tries."""
        head: Head | None = None
        for attempt in range(TRIES):
            if attempt:
                await asyncio.sleep(PAUSE_S * 2**attempt)
            try:
                async with asyncio.timeout(within_s):
                    head, answer = await requests.post(f"{self._path}{path}", body)
            except OSError:  # which a timeout is, too
                continue
            if head.status == 200:
                decoded: Frame = json.loads(answer)
                return decoded
            if head.status in NOT_BACK_STATUS or head.status in (413, 503):
                break
        raise Broken(LOST if head is None else _code(head.status))

    # -- the end

    async def _run(self, work: Coroutine[Any, Any, None]) -> None:
        """`work`, whose failure is the end of the connection."""
        try:
            await work
        except Broken as broken:
            self._end(broken.code)
        except (OSError, KeyError, TypeError, ValueError):
            self._end(LOST)

    def _end(self, code: int) -> None:
        if self.close_code is None:
            self.close_code = code
        self._news.set()


class _Ear:
    """What is heard of one room, as far as the connection must know it to go on by itself."""

    def __init__(self, join: Frame) -> None:
        self.join = join
        self.room: str = join["room"]
        self.seat: str | None = join.get("seat")
        self.over = False
        """Refused, erased or left: that it ends is no break."""
        self._held: Frame = {name: join[name] for name in ("seat", "epoch", "after") if name in join}
        self._joined = False
        self._here: set[str] = set()

    def join_now(self) -> Frame:
        """How to come back in from where we are."""
        return self.join if not self._joined else {**self._bare(), **self._held}

    def _bare(self) -> Frame:
        return {"t": "join", "id": self.join["id"], "room": self.room}

    def heard(self, frame: Frame) -> list[Frame]:
        """What the client is told of it. A server that another one handed us to says `joined` in between."""
        kind = frame["t"]
        if kind == "joined":
            again, self._joined = self._joined, True
            self.seat = self._held["seat"] = frame["seat"]
            before, self._here = self._here, {person["handle"] for person in frame["roster"]}
            told = [frame]
            if again:
                if not frame["recovered"] or frame["epoch"] != self._held["epoch"]:
                    raise Broken(LOST)  # the client asks for it in its own name, and is told to begin anew
                told = [each for each in frame["events"] if each["seq"] > self._held["after"]]
                told.append(_moved(frame, before))
            self._held["epoch"], self._held["after"] = frame["epoch"], frame["head"]
            return told
        if kind == "presence":
            self._here |= {person["handle"] for person in frame["joined"]}
            self._here -= set(frame["left"])
        elif kind == "erased" or (kind == "error" and frame.get("id") == self.join["id"]):
            self.over = True
        elif "seq" in frame and "id" not in frame:
            self._held["after"] = max(self._held.get("after", 0), frame["seq"])
        return [frame]


def _moved(joined: Frame, before: set[str]) -> Frame:
    """The roster of another server, as the changes since what was known."""
    people = joined["roster"]
    return {
        "t": "presence",
        "room": joined["room"],
        "joined": people,
        "left": sorted(before - {person["handle"] for person in people}),
        "away": [person["handle"] for person in people if person.get("away")],
        "back": [person["handle"] for person in people if not person.get("away")],
        "count": joined["count"],
    }


async def _events(
    parts: AsyncGenerator[bytes, None], max_bytes: int
) -> AsyncGenerator[tuple[str, str], None]:
    """Server-sent events (WHATWG HTML, section 9.2.6): kind and data. `OSError` where it goes silent."""
    pending, kind, data = b"", "message", list[str]()
    while True:
        try:
            async with asyncio.timeout(SILENT_S):
                part = await anext(parts)
        except StopAsyncIteration:
            return
        *lines, pending = (pending + part).split(b"\n")
        if len(pending) > max_bytes:
            raise OSError("an event is too large")
        for raw in lines:
            name, _, value = raw.decode().rstrip("\r").partition(":")
            value = value.removeprefix(" ")
            if name == "event":
                kind = value
            elif name == "data":
                data.append(value)
            elif not name and not value:
                if data:
                    yield kind, "\n".join(data)
                kind, data = "message", []


def _encoded(frame: Frame) -> bytes:
    return json.dumps(frame, ensure_ascii=False, separators=(",", ":")).encode()


def _code(status: int) -> int:
    """An answer's status as the close code that says the same."""
    if status == 413:
        return TOO_LARGE
    if status == 503:
        return FULL
    return POLICY if status in NOT_BACK_STATUS else LOST
