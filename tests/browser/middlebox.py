"""What stands between a page and the server, and does as a test says while connections go on.

The real ones are in tests/proxies; none of them changes its ways in the middle of a talk. It looks at
the first request of a connection only, and has every answer be the connection's last.
"""

import asyncio
import re
import time
from types import TracebackType
from typing import Final, Literal, Self
from urllib.parse import urlsplit

MAX_HEAD: Final = 16 * 1024
BLOCK: Final = 4096
"""How much of an answer is held back, until there is more."""
NEXT_REQUEST: Final = re.compile(rb"(?im)^connection:[^\r\n]*\r\n")

Sockets = Literal["open", "refused", "hung", "mute", "dying"]
"""What becomes of a WebSocket: it is carried, refused, kept waiting; or opened and then carries nothing, or
is cut at the first word."""


class Middlebox:
    """An HTTP proxy of sorts in front of `upstream` (http://host:port). Leave it, and everything is cut."""

    def __init__(self, upstream: str) -> None:
        self._upstream = urlsplit(upstream)
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._ways: dict[asyncio.Task[None], str] = {}
        self.port = 0
        self.sockets: Sockets = "open"
        self.holds_streams = False
        self.down = False
        """No way through: what is open is cut by `cut`, what is new is closed at once."""
        self.seen: list[tuple[str, float]] = []
        """The paths that were asked for, and when, in order."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def open_now(self, path: str) -> int:
        """How many connections to this path go on."""
        return list(self._ways.values()).count(path)

    def count(self, path: str) -> int:
        """How often this path was asked for."""
        return sum(1 for seen, _ in self.seen if seen == path)

    def first(self, *paths: str) -> float:
        """When one of these was asked for first, on the monotonic clock."""
        return next(at for seen, at in self.seen if seen in paths)

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        await self.cut()

    async def cut(self) -> None:
        """End everything that goes on, without a goodbye."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=5)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            if not self.down:
                await self._one(task, reader, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, asyncio.CancelledError):
            pass  # either side went, or we were told to cut it
        finally:
            self._tasks.discard(task)
            self._ways.pop(task, None)
            writer.transport.abort()

    async def _one(
        self, task: asyncio.Task[None], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        method, target = head.split(b" ", 2)[:2]
        path = target.decode("latin-1").partition("?")[0]
        self.seen.append((path, time.monotonic()))
        upgrade = b"\r\nupgrade: websocket" in head.lower()
        if upgrade and self.sockets == "refused":
            writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            await writer.drain()
            return
        if upgrade and self.sockets == "hung":
            await reader.read()
            return
        if not upgrade:
            head = NEXT_REQUEST.sub(b"", head).replace(b"\r\n", b"\r\nConnection: close\r\n", 1)
        back, out = await asyncio.open_connection(self._upstream.hostname, self._upstream.port)
        self._ways[task] = path
        try:
            out.write(head)
            if upgrade and self.sockets == "mute":
                writer.write(await back.readuntil(b"\r\n\r\n"))
                await reader.read()
                return
            if upgrade and self.sockets == "dying":
                writer.write(await back.readuntil(b"\r\n\r\n"))
                await reader.read(1)
                return
            held = self.holds_streams and (path == "/sse" or (path == "/probe" and method == b"GET"))
            both = {
                asyncio.create_task(_copy(reader, out)),
                asyncio.create_task(_held(back, writer) if held else _copy(back, writer)),
            }
            try:
                await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for each in both:
                    each.cancel()
                await asyncio.gather(*both, return_exceptions=True)
        finally:
            out.transport.abort()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65_536):
        writer.write(data)
        await writer.drain()


async def _held(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """The answer in whole blocks, and the rest at its end."""
    held = b""
    while data := await reader.read(65_536):
        held += data
        whole = len(held) - len(held) % BLOCK
        writer.write(held[:whole])
        held = held[whole:]
        await writer.drain()
    writer.write(held)
    await writer.drain()
