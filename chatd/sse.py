"""POST /sse: a member behind a stream of server-sent events (WHATWG HTML, section 9.2).

    request: one `join`  -->  padding, then frames as events  ...  `event: close`, and the end of the body

For networks that let no WebSocket through. What the member says comes by `sending.py`. The head of
the answer, its end and the connection are the HTTP server's; between the two, what the hub prebuilt
goes straight to the transport, the same bytes for everybody, and no task is woken. Under a server
other than uvicorn with `HttpDoor` there is no such transport, and the route says so.
"""

import asyncio
import contextlib
import socket
from typing import Any, Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from chatd import wire
from chatd.connection import Connection
from chatd.formats import JSON_EVENTS, chunk
from chatd.http_door import LINE, Line
from chatd.node import Node
from chatd.posting import Turned, let_in, node_of, unreadable
from chatd.sink import Format
from chatd.sockets import Sockets
from chatd.wire import CloseCode

TRANSPORT: Final = "sse"
PADDING: Final = b":" + b" " * 4096 + b"\n\n"
"""What stands first, so that who holds back the first 4 KiB of an answer has them."""
COMMENT: Final = chunk([b":" + b" " * 2048 + b"\n\n"])
"""What is said from time to time: idle connections stay open, and small buffers are pushed on."""
LIVE: Final = chunk([b"event: live\ndata: {}\n\n"])
LIVE_AFTER_S: Final = 0.25
"""So much later than the answer to the join comes `live`. Who gets both at once is being buffered."""
CUT_S: Final = 1.0
"""How long a peer that was cut has to take what lies in the buffer, and the reason with it."""
HEADERS: Final = {
    "content-type": "text/event-stream",
    # `no-transform`: a proxy that compresses would have to collect (RFC 9111 section 5.2.2.6).
    "cache-control": "no-store, no-transform",
    "x-accel-buffering": "no",
    "connection": "close",
}


class _Close(msgspec.Struct):
    code: int
    reason: str


def close_event(code: int, reason: str) -> bytes:
    """The last event of a stream that the server ends. Without it the network did."""
    return b"event: close\ndata: " + msgspec.json.encode(_Close(int(code), reason)) + b"\n\n"


class Stream:
    """One stream: a `chatd.sink.Sink`, and a member of the ring that lets it say something when idle."""

    __slots__ = (
        "_closing",
        "_live",
        "_sockets",
        "_timer",
        "_transport",
        "connection",
        "ended",
        "heard",
        "outbox",
        "slot",
    )

    format: Format = JSON_EVENTS

    def __init__(self, transport: asyncio.Transport, sockets: Sockets) -> None:
        self._transport = transport
        self._sockets = sockets
        self._closing = False
        self._live: asyncio.TimerHandle | None = None
        self._timer: asyncio.TimerHandle | None = None
        self.outbox: list[Any] = []
        self.connection: Connection | None = None
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Done when either side has ended it."""
        self.heard = True
        self.slot = 0

    # ---- the sink ------------------------------------------------------------------------------

    def write(self, batch: bytes) -> bool:
        if self._closing:
            return False
        if self._transport.get_write_buffer_size() > self._sockets.settings.max_buffer_bytes:
            self._sockets.metrics.slow_readers_cut.add()
            self._goodbye(CloseCode.TOO_SLOW, "Too much lies unread. Come back with after.", CUT_S)
            return False
        self._transport.write(batch)
        if self.connection is not None and not self.connection.seats:
            # A stream is for one room: refused, erased or left, there is nothing more to say on it.
            self.close(1000, "no seat is held here any more")
        elif self._live is None:
            self._live = asyncio.get_running_loop().call_later(LIVE_AFTER_S, self._say, LIVE)
        return True

    def congested(self) -> bool:
        if self._closing:
            return True
        return self._transport.get_write_buffer_size() > self._sockets.settings.congested_bytes

    def close(self, code: int, reason: str) -> None:
        self._goodbye(code, reason, self._sockets.settings.close_timeout_s)

    def _goodbye(self, code: int, reason: str, wait_s: float) -> None:
        if self._closing:
            return
        self._closing = True
        self._sockets.closing(code)
        self._transport.write(chunk([close_event(code, reason)]))
        self._timer = asyncio.get_running_loop().call_later(wait_s, self._transport.abort)
        self._end()

    def _end(self) -> None:
        if not self.ended.done():
            self.ended.set_result(None)

    def _say(self, said: bytes) -> None:
        if not self._closing:
            self._transport.write(said)

    # ---- the ring's member ---------------------------------------------------------------------

    def ping(self) -> None:
        """Say something. There is no answer to it: whether the peer takes it, TCP knows."""
        if not self.congested():
            self._say(COMMENT)

    def silent(self) -> None:
        """Streams only listen."""

    def abort(self) -> None:
        self._closing = True
        self._transport.abort()

    # ---- the connection ------------------------------------------------------------------------

    def lost(self) -> None:
        """The connection is gone."""
        self._closing = True
        for timer in (self._live, self._timer):
            if timer is not None:
                timer.cancel()
        self._end()


class _Answer(Response):
    """The stream as a response. It holds its place among the connections until it ends."""

    def __init__(self, node: Node, line: Line, join: bytes) -> None:
        super().__init__(headers=HEADERS)
        del self.headers["content-length"]
        self._node = node
        self._line = line
        self._join = join

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        node, line, sockets = self._node, self._line, self._node.sockets
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": PADDING, "more_body": True})
        if line.transport.is_closing():
            return
        stream = Stream(line.transport, sockets)
        line.on_lost = stream.lost
        _give_up_after(line.transport, sockets.settings.ping_interval_s + sockets.settings.pong_timeout_s)
        sockets.opened(TRANSPORT)
        sockets.comments.add(stream)
        stream.connection = node.gateway.connected(stream)
        try:
            stream.connection.received(self._join)
            await stream.ended
        finally:
            sockets.comments.discard(stream)
            sockets.gone(TRANSPORT)
            stream.connection.closed()
        await send({"type": "http.response.body", "body": b"", "more_body": False})


def _give_up_after(transport: asyncio.Transport, wait_s: float) -> None:
    """Let the system end a connection whose peer acknowledges nothing for so long (RFC 5482): there is
    no ping that a stream's reader would have to answer."""
    option = getattr(socket, "TCP_USER_TIMEOUT", None)
    own = transport.get_extra_info("socket")
    if option is not None and own is not None:
        with contextlib.suppress(OSError):  # a Unix socket has no such option, and needs none
            own.setsockopt(socket.IPPROTO_TCP, option, int(wait_s * 1000))


async def stream(request: Request, body: bytes) -> Response:
    """POST /sse."""
    node = node_of(request)
    line: Line | None = request.scope.get("extensions", {}).get(LINE)
    if line is None:
        raise Turned(503, "no_streams", "This server cannot stream. Use /poll.", {"retry-after": "3600"})
    check_join(body)
    let_in(node)
    return _Answer(node, line, body)


def check_join(body: bytes) -> wire.Join:
    """The `join` in `body`. `Turned` where it is none, or too large for a frame."""
    if len(body) > wire.MAX_FRAME_BYTES:
        raise Turned(413, "too_large", f"A frame has at most {wire.MAX_FRAME_BYTES:,} bytes.")
    try:
        command = wire.decode_json(body)
    except wire.BadFrame as error:
        raise unreadable(f"It says: {error}.") from None
    if not isinstance(command, wire.Join):
        raise unreadable("A join belongs here; everything else goes to /send.")
    return command
