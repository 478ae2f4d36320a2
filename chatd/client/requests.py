"""HTTP/1.1 as a client needs it who polls and reads streams: POST, over one connection, kept open.

    async with Requests("https://chat.example.org") as requests:
        answer = await requests.post("/send", body)         status, fields, and the whole body
        async for part in requests.stream("/sse", body)     the body as it comes

RFC 9112, as far as it is needed to talk to a server and the proxies before it: bodies of a known length, in
chunks, or up to the end of the connection. Part of the client that stands for a stranger's
(`chatd/client/client.py`): standard library only.
"""

import asyncio
import ssl
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing, contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self
from urllib.parse import urlsplit

MAX_HEAD_BYTES: Final = 64 * 1024
PART_BYTES: Final = 64 * 1024
CONNECT_S: Final = 10.0


class NotHttp(OSError):
    """The other side ended early, or said what is no HTTP."""


class Status(Exception):
    """A stream was not begun: the answer has another status than 200."""

    def __init__(self, status: int, retry_after_s: int | None) -> None:
        super().__init__(f"the server answered with {status}")
        self.status = status
        self.retry_after_s = retry_after_s


@dataclass(frozen=True, slots=True)
class Head:
    """The beginning of an answer. `fields` by lower-case name."""

    status: int
    fields: dict[str, str]

    @property
    def retry_after_s(self) -> int | None:
        said = self.fields.get("retry-after", "")
        return int(said[:9]) if said.isascii() and said.isdecimal() else None

    @property
    def stays_open(self) -> bool:
        """Whether the connection can carry another request (RFC 9112 section 9.3)."""
        framed = "content-length" in self.fields or "chunked" in self.fields.get("transfer-encoding", "")
        return framed and "close" not in self.fields.get("connection", "").lower()


class Requests:
    """One connection to the server at `url`, opened when it is needed and again when it was closed.

    One request at a time. Everything that can go wrong is an `OSError`. `max_bytes`: of one answer.
    """

    def __init__(self, url: str, *, max_bytes: int) -> None:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError("a URL that begins with http or https is needed")
        self._host = parts.hostname
        self._tls = ssl.create_default_context() if parts.scheme == "https" else None
        self._port = parts.port or (443 if self._tls else 80)
        self._authority = parts.netloc.rpartition("@")[2]
        self._max_bytes = max_bytes
        self._open: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    async def connect(self) -> None:
        """Open the connection, where it is not. `OSError`."""
        if self._open is None or self._open[0].at_eof():
            self.close()
            async with asyncio.timeout(CONNECT_S):
                self._open = await asyncio.open_connection(
                    self._host, self._port, ssl=self._tls, limit=MAX_HEAD_BYTES
                )

    def close(self) -> None:
        if self._open is not None:
            self._open[1].close()
            self._open = None

    async def post(self, path: str, body: bytes) -> tuple[Head, bytes]:
        """The whole answer. `OSError` where there is none: then nobody knows whether the server heard."""
        whole = bytearray()
        try:
            head, reader = await self._ask(path, body)
            async with aclosing(_body(head, reader)) as parts:
                async for part in parts:
                    whole += part
                    if len(whole) > self._max_bytes:
                        raise NotHttp("the answer is too large")
        except BaseException:
            self.close()
            raise
        if not head.stays_open:
            self.close()
        return head, bytes(whole)

    async def stream(self, path: str, body: bytes) -> AsyncGenerator[bytes, None]:
        """The body of the answer, as it comes. `Status` where it is another one than 200; `OSError`."""
        try:
            head, reader = await self._ask(path, body)
            if head.status != 200:
                raise Status(head.status, head.retry_after_s)
            async with aclosing(_body(head, reader)) as parts:
                async for part in parts:
                    yield part
        finally:
            self.close()

    async def _ask(self, path: str, body: bytes) -> tuple[Head, asyncio.StreamReader]:
        await self.connect()
        assert self._open is not None
        reader, writer = self._open
        head = (
            f"POST {path} HTTP/1.1\r\nHost: {self._authority}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        writer.write(head.encode("ascii") + body)
        await writer.drain()
        answer = await _head(reader)
        while 100 <= answer.status < 200:  # "wait", says a proxy
            answer = await _head(reader)
        return answer, reader


async def _head(reader: asyncio.StreamReader) -> Head:
    with _reading():
        lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    version, _, rest = lines[0].partition(" ")
    status = rest[:3]
    if not version.startswith("HTTP/1.") or not status.isdecimal():
        raise NotHttp("no HTTP")
    named = (line.partition(":") for line in lines[1:] if line)
    return Head(int(status), {name.strip().lower(): value.strip() for name, _, value in named})


async def _body(head: Head, reader: asyncio.StreamReader) -> AsyncGenerator[bytes, None]:
    """RFC 9112 section 6.3."""
    if head.status in (204, 304):
        return
    if "chunked" in head.fields.get("transfer-encoding", "").lower():
        async with aclosing(_chunks(reader)) as parts:
            async for part in parts:
                yield part
        return
    length = head.fields.get("content-length")
    left = int(length) if length is not None and length.isdecimal() else None
    while left is None or left > 0:
        part = await reader.read(PART_BYTES if left is None else min(left, PART_BYTES))
        if not part:
            if left is not None:
                raise NotHttp("the answer broke off")
            return
        if left is not None:
            left -= len(part)
        yield part


async def _chunks(reader: asyncio.StreamReader) -> AsyncGenerator[bytes, None]:
    """RFC 9112 section 7.1."""
    while True:
        with _reading():
            size = int((await reader.readuntil(b"\r\n")).partition(b";")[0].strip() or b"x", 16)
            if size == 0:
                while await reader.readuntil(b"\r\n") != b"\r\n":
                    pass  # trailers
                return
            left = size
        while left:
            part = await reader.read(min(left, PART_BYTES))
            if not part:
                raise NotHttp("the answer broke off")
            left -= len(part)
            yield part
        with _reading():
            await reader.readexactly(2)


@contextmanager
def _reading() -> Iterator[None]:
    """What asyncio's streams raise for a broken answer, as the one kind of error that callers know."""
    try:
        yield
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError) as error:
        raise NotHttp("the answer could not be read") from error
