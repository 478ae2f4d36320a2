"""What no package does at will: holding responses back, and cutting every connection after a while.

In this process and on a free port; both work as the real ones do, on whole connections and with a
real HTTP parser (`h11`), and know nothing of what they carry.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from types import TracebackType
from typing import Final, Self, TypeAlias

import h11

CHUNK_BYTES: Final = 65_536
HOP_BY_HOP: Final = frozenset({b"connection", b"upgrade", b"keep-alive"})
"""What a proxy keeps to itself (RFC 9110 section 7.6.1). How a body is framed, h11 sees to."""

Event: TypeAlias = h11.Request | h11.Response | h11.Data | h11.EndOfMessage


class Relay:
    """Takes connections and handles each in a task of its own, until it is left."""

    def __init__(self, upstream_port: int) -> None:
        self._upstream_port = upstream_port
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.port = 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        await self._cut()

    async def restart(self) -> None:
        """Cut everything that is open. New connections are taken at once."""
        await self._cut()

    async def _cut(self) -> None:
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=5)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        upstream: asyncio.StreamWriter | None = None
        try:
            from_upstream, upstream = await asyncio.open_connection("127.0.0.1", self._upstream_port)
            await self.carry(reader, writer, from_upstream, upstream)
        except (OSError, TimeoutError, h11.ProtocolError):
            pass  # either side has gone, or its time is over
        except asyncio.CancelledError:
            pass  # we go; nobody waits for this task but `_cut`
        finally:
            self._tasks.discard(task)
            for each in (writer, upstream):
                if each is not None:
                    each.transport.abort()

    async def carry(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        from_upstream: asyncio.StreamReader,
        upstream: asyncio.StreamWriter,
    ) -> None:
        """One connection, to its end."""
        raise NotImplementedError


class Cutter(Relay):
    """Passes bytes on, and cuts every connection so many seconds after it was opened, busy or not."""

    def __init__(self, upstream_port: int, *, after_s: float) -> None:
        super().__init__(upstream_port)
        self._after_s = after_s

    async def carry(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        from_upstream: asyncio.StreamReader,
        upstream: asyncio.StreamWriter,
    ) -> None:
        async with asyncio.timeout(self._after_s):
            # Either side's end is the end of both.
            both = {
                asyncio.create_task(_copy(reader, upstream)),
                asyncio.create_task(_copy(from_upstream, writer)),
            }
            try:
                await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            finally:
                await _end(both)


class Holder(Relay):
    """A scanner: an HTTP proxy that lets a response go in whole blocks, or only at its end (None).

    It speaks HTTP/1.1 only, so there is no Upgrade through it.
    """

    def __init__(self, upstream_port: int, *, block_bytes: int | None) -> None:
        super().__init__(upstream_port)
        self._block_bytes = block_bytes

    async def carry(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        from_upstream: asyncio.StreamReader,
        upstream: asyncio.StreamWriter,
    ) -> None:
        client, server = h11.Connection(h11.SERVER), h11.Connection(h11.CLIENT)
        while True:
            request: h11.Request | None = None
            async for event in _message(client, reader):
                if isinstance(event, h11.Request):
                    request = event
                await _send(server, upstream, _passed_on(event))
            assert request is not None
            answer = asyncio.create_task(self._answer(request, server, from_upstream, client, writer))
            # A client that goes while its answer is held is noticed at once, as by any proxy.
            gone = asyncio.create_task(_gone(client, reader))
            try:
                await asyncio.wait((answer, gone), return_when=asyncio.FIRST_COMPLETED)
                if not answer.done():
                    return
                await answer
            finally:
                await _end({answer, gone})
            client.start_next_cycle()
            server.start_next_cycle()

    async def _answer(
        self,
        request: h11.Request,
        server: h11.Connection,
        from_upstream: asyncio.StreamReader,
        client: h11.Connection,
        writer: asyncio.StreamWriter,
    ) -> None:
        head: h11.Response | None = None
        held = bytearray()

        async def let_go(size: int) -> None:
            nonlocal head
            if head is not None:
                await _send(client, writer, _passed_on(head))
                head = None
            if size:
                await _send(client, writer, h11.Data(data=bytes(held[:size])))
                del held[:size]

        async for event in _message(server, from_upstream):
            if isinstance(event, h11.Response):
                head = event
            elif isinstance(event, h11.Data):
                held += event.data
                if self._block_bytes is not None and len(held) >= self._block_bytes:
                    await let_go(len(held) - len(held) % self._block_bytes)
        await let_go(len(held))
        await _send(client, writer, h11.EndOfMessage())


class Loser(Holder):
    """Passes answers on at once, and loses every second one: the server gave it, and nobody gets it.

    Counted for each target of its own, so that none is always the lucky one.
    """

    def __init__(self, upstream_port: int) -> None:
        super().__init__(upstream_port, block_bytes=1)
        self._answers: Counter[bytes] = Counter()

    async def _answer(
        self,
        request: h11.Request,
        server: h11.Connection,
        from_upstream: asyncio.StreamReader,
        client: h11.Connection,
        writer: asyncio.StreamWriter,
    ) -> None:
        self._answers[request.target] += 1
        if self._answers[request.target] % 2:
            await super()._answer(request, server, from_upstream, client, writer)
            return
        async for event in _message(server, from_upstream):
            if isinstance(event, h11.Data):
                raise ConnectionResetError


async def _message(connection: h11.Connection, reader: asyncio.StreamReader) -> AsyncIterator[Event]:
    """One request or response, to its end. ConnectionResetError where the other side goes instead."""
    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            connection.receive_data(await reader.read(CHUNK_BYTES))
        elif isinstance(event, h11.Request | h11.Response | h11.Data):
            yield event
        elif isinstance(event, h11.EndOfMessage):
            yield event
            return
        elif not isinstance(event, h11.InformationalResponse):
            raise ConnectionResetError


async def _send(connection: h11.Connection, writer: asyncio.StreamWriter, event: Event) -> None:
    writer.write(connection.send(event) or b"")
    await writer.drain()


def _passed_on(event: Event) -> Event:
    """The event without what is between two neighbours only."""
    if isinstance(event, h11.Request):
        headers = [field for field in event.headers if field[0] not in HOP_BY_HOP]
        return h11.Request(method=event.method, target=event.target, headers=headers)
    if isinstance(event, h11.Response):
        headers = [field for field in event.headers if field[0] not in HOP_BY_HOP]
        return h11.Response(status_code=event.status_code, reason=event.reason, headers=headers)
    return event


async def _gone(connection: h11.Connection, reader: asyncio.StreamReader) -> None:
    """Return when the other side has ended its half; keep what it sends before."""
    while data := await reader.read(CHUNK_BYTES):
        connection.receive_data(data)


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(CHUNK_BYTES):
        writer.write(data)
        await writer.drain()


async def _end(tasks: set[asyncio.Task[None]]) -> None:
    """Cancel and see them end. How they ended is of no interest: the connection is over."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
