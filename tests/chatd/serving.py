"""Real servers for tests of the transports: uvicorn on a free port, on uvloop, in this process.

`Server` runs in a thread of its own, so a test is a plain function with a plain socket; what must
happen in the event loop goes through `server.call`. `Raw` is a client that writes and reads bytes
itself and so can do everything that a WebSocket library forbids.
"""

import asyncio
import contextlib
import socket
import struct
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from types import TracebackType
from typing import Any, Self, TypeVar

import uvicorn
import uvloop
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp

from chatd.fanout import Fanout
from chatd.handshake import DoorSettings
from chatd.http_door import HttpDoor
from chatd.metrics import Metrics
from chatd.sink import Gateway, Receiver, Sink
from chatd.sockets import STATE_KEY, Sockets

T = TypeVar("T")

TIMEOUT_S = 10.0
"""No step of a test takes longer; a loaded machine gets this much."""


class Recorder:
    """A real receiver that keeps what it is told, and lets a test wait for it."""

    def __init__(self, sink: Sink, news: threading.Condition) -> None:
        self.sink = sink
        self.messages: list[bytes | str] = []
        self.closes = 0
        self._news = news

    def received(self, payload: bytes | str) -> None:
        with self._news:
            assert not self.closes
            self.messages.append(payload)
            self._news.notify_all()

    def closed(self) -> None:
        with self._news:
            self.closes += 1
            self._news.notify_all()


class RecordingGateway:
    """A gateway whose receivers only remember. `wait_for` waits until what they remember suffices."""

    def __init__(self) -> None:
        self.news = threading.Condition()
        self.receivers: list[Recorder] = []

    def connected(self, sink: Sink) -> Receiver:
        with self.news:
            self.receivers.append(Recorder(sink, self.news))
            self.news.notify_all()
        return self.receivers[-1]

    def wait_for(self, met: Callable[[], object]) -> None:
        with self.news:
            assert self.news.wait_for(met, TIMEOUT_S), "it did not happen in time"


class StandIn:
    """A node of which only the part that transports need is there."""

    def __init__(self, gateway: Gateway, settings: DoorSettings) -> None:
        self.gateway = gateway
        self.sockets = Sockets(settings, Metrics())


def application(node: StandIn, *routes: BaseRoute) -> Starlette:
    """A Starlette application around `node`, with one plain page."""

    async def hello(request: Request) -> PlainTextResponse:
        return PlainTextResponse("hello")

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[dict[str, Any]]:
        node.sockets.start(asyncio.get_running_loop())
        yield {STATE_KEY: node}
        node.sockets.stop()
        node.sockets.abort()

    return Starlette(routes=[Route("/hello", hello), *routes], lifespan=lifespan)


class _Uvicorn(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, started: threading.Event) -> None:
        super().__init__(config)
        self._started = started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._started.set()


class Server:
    """A server in a thread. `with Server(gateway, settings) as server: ... server.port`."""

    def __init__(
        self,
        gateway: Gateway,
        settings: DoorSettings | None = None,
        *,
        app: Callable[[StandIn], ASGIApp] = application,
        **config: Any,
    ) -> None:
        self.node = StandIn(gateway, settings or DoorSettings())
        options: dict[str, Any] = {
            "ws": Fanout,
            "http": HttpDoor,
            "log_config": None,
            "access_log": False,
            "timeout_graceful_shutdown": 1,
            **config,
        }
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._started = threading.Event()
        self._server = _Uvicorn(uvicorn.Config(app(self.node), **options), self._started)
        self._thread = threading.Thread(target=self._run, name="server")
        self._loop: asyncio.AbstractEventLoop | None = None
        self.state = self._server.server_state

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            self._loop = runner.get_loop()
            runner.run(self._server.serve(sockets=[self._listener]))

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._started.wait(TIMEOUT_S), "the server did not start"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join(TIMEOUT_S)
        assert not self._thread.is_alive(), "the server did not stop"

    def call(self, function: Callable[..., T], *args: Any) -> T:
        """`function(*args)`, run in the server's event loop; its result or exception."""
        assert self._loop is not None

        async def run() -> T:
            return function(*args)

        return asyncio.run_coroutine_threadsafe(run(), self._loop).result(TIMEOUT_S)


# ---- a client of bytes -------------------------------------------------------------------------

KEY = "dGhlIHNhbXBsZSBub25jZQ=="  # the example of RFC 6455 section 1.3
ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


def masked(
    opcode: int, payload: bytes = b"", *, fin: bool = True, rsv: int = 0, mask: bytes = b"\x37\xfa\x21\x3d"
) -> bytes:
    """One frame from a client, RFC 6455 section 5.2, written out here so that no library corrects it."""
    head = bytes([(0x80 if fin else 0) | rsv << 4 | opcode])
    if len(payload) < 126:
        head += bytes([0x80 | len(payload)])
    elif len(payload) < 1 << 16:
        head += struct.pack("!BH", 0x80 | 126, len(payload))
    else:
        head += struct.pack("!BQ", 0x80 | 127, len(payload))
    whole = (mask * (len(payload) // 4 + 1))[: len(payload)]
    body = (int.from_bytes(payload, "big") ^ int.from_bytes(whole, "big")).to_bytes(len(payload), "big")
    return head + mask + body


class Raw:
    """A TCP connection to the server, with bounded waits."""

    def __init__(self, port: int) -> None:
        self.sock = socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT_S)
        self._in = self.sock.makefile("rb")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._in.close()
        self.sock.close()

    def send(self, *parts: bytes) -> None:
        self.sock.sendall(b"".join(parts))

    def request(
        self,
        path: str = "/ws",
        *,
        subprotocol: str | None = "chatd.v1.json",
        without: tuple[str, ...] = (),
        **fields: str,
    ) -> None:
        """Send an opening handshake. `fields` (with _ for -) are added or take the place of the usual."""
        usual = {
            "host": f"127.0.0.1:{self.sock.getpeername()[1]}",
            "upgrade": "websocket",
            "connection": "Upgrade",
            "sec-websocket-key": KEY,
            "sec-websocket-version": "13",
        }
        if subprotocol is not None:
            usual["sec-websocket-protocol"] = subprotocol
        usual.update({name.replace("_", "-"): value for name, value in fields.items()})
        lines = "".join(f"{name}: {value}\r\n" for name, value in usual.items() if name not in without)
        self.send(f"GET {path} HTTP/1.1\r\n{lines}\r\n".encode("latin-1"))

    def response(self) -> tuple[int, dict[str, str], bytes]:
        """Status, header fields (lower case) and body."""
        status = int(self._in.readline().split()[1])
        fields: dict[str, str] = {}
        for line in iter(self._in.readline, b"\r\n"):
            name, _, value = line.decode("latin-1").partition(":")
            fields[name.lower()] = value.strip()
        return status, fields, self._in.read(int(fields.get("content-length", 0)))

    def open(self, path: str = "/ws", **request: Any) -> dict[str, str]:
        """The whole opening handshake; the header fields of the answer."""
        self.request(path, **request)
        status, fields, body = self.response()
        assert status == 101, (status, body)
        assert fields["sec-websocket-accept"] == ACCEPT
        return fields

    def frame(self) -> tuple[int, bytes]:
        """The next frame's first byte (FIN, RSV, opcode) and payload. `EOFError` at the end."""
        head = self._exactly(2)
        assert not head[1] & 0x80, "a server does not mask"
        length = head[1]
        if length == 126:
            length = int.from_bytes(self._exactly(2), "big")
        elif length == 127:
            length = int.from_bytes(self._exactly(8), "big")
        return head[0], self._exactly(length)

    def close_code(self) -> int:
        """The next frame is a close frame, then the server's half ends. 1005 where it has no code."""
        first, payload = self.frame()
        assert first == 0x88, (first, payload)
        with contextlib.suppress(OSError):
            self.sock.shutdown(socket.SHUT_WR)
        assert self._in.read() == b""
        return int.from_bytes(payload[:2], "big") if payload else 1005

    def ended(self) -> bool:
        """Whether the connection is gone, however it went."""
        try:
            return self._in.read(1) == b""
        except ConnectionError:
            return True

    def _exactly(self, size: int) -> bytes:
        data = self._in.read(size)
        if len(data) < size:
            raise EOFError
        return data


@contextlib.contextmanager
def connected(server: Server, gateway: RecordingGateway, **request: Any) -> Iterator[tuple[Raw, Recorder]]:
    """A client that has passed the handshake, and the receiver that it has on the server."""
    before = len(gateway.receivers)
    with Raw(server.port) as raw:
        raw.open(**request)
        gateway.wait_for(lambda: len(gateway.receivers) > before)
        yield raw, gateway.receivers[before]
