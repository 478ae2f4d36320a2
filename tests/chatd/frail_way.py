"""A way to a server that breaks when a test wants it to: a TCP relay on loopback.

async with frail_way(chat.url) as way:
    connect(way.url)
    way.cut()                  every connection is gone, without a word
    way.swallows = True        what the server answers is lost, and the connection with it
    way.closed = True          nobody gets through, until it is False again
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final
from urllib.parse import urlsplit

PART_BYTES: Final = 65536


class FrailWay:
    def __init__(self, to_port: int) -> None:
        self.url = ""
        self.swallows = False
        self.swallowed = 0
        """Answers that were lost."""
        self.closed = False
        self._to_port = to_port
        self._open: set[asyncio.StreamWriter] = set()

    def cut(self) -> None:
        for writer in list(self._open):
            writer.transport.abort()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.closed:
            writer.transport.abort()
            return
        there, back = await asyncio.open_connection("127.0.0.1", self._to_port)
        self._open |= {writer, back}
        try:
            async with asyncio.TaskGroup() as group:
                ways = [
                    group.create_task(self._pass_on(reader, back, answers=False)),
                    group.create_task(self._pass_on(there, writer, answers=True)),
                ]
                for way in ways:
                    way.add_done_callback(lambda _: [other.cancel() for other in ways])
        finally:
            self._open -= {writer, back}
            for end in (writer, back):
                end.transport.abort()

    async def _pass_on(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, answers: bool
    ) -> None:
        with suppress(ConnectionError):
            while part := await reader.read(PART_BYTES):
                if answers and self.swallows:
                    self.swallowed += 1
                    return
                writer.write(part)
                await writer.drain()


@asynccontextmanager
async def frail_way(url: str) -> AsyncIterator[FrailWay]:
    """A way to the server at `url`, until the end of the block."""
    port = urlsplit(url).port
    assert port is not None
    way = FrailWay(port)
    server = await asyncio.start_server(way.serve, "127.0.0.1", 0)
    way.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield way
    finally:
        server.close()
        way.cut()
        await server.wait_closed()
