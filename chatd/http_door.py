"""The HTTP protocol under uvicorn, with bounds on the request head and a clean hand-over.

    uvicorn.Config(app, http=HttpDoor, ws=Fanout)

A connection has `handshake_timeout_s` for each whole request head (408, RFC 9110 section 15.5.9) and
`max_head_bytes` for its size (431, RFC 6585 section 5); httptools has no limits of its own. When the
connection becomes a WebSocket, nothing of the request stays behind; the peer's address is never
looked at. A route that answers for long finds this object under `LINE` in the scope's extensions, to
write to its transport and to hear that it is gone. Bodies are the application's. Touches the transport
and the event loop's timers.
"""

import asyncio
from collections.abc import Callable
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, Protocol, cast

from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.protocols.utils import is_ssl

from chatd.fanout import Fanout
from chatd.handshake import LARGE_HEAD, PIPELINED, SLOW_HEAD, Refusal
from chatd.sockets import STATE_KEY, Sockets

if TYPE_CHECKING:
    from uvicorn.config import Config
    from uvicorn.server import ServerState

HANDSHAKE_FIELDS: Final = frozenset(
    {
        b"connection",
        b"host",
        b"origin",
        b"sec-websocket-extensions",
        b"sec-websocket-key",
        b"sec-websocket-protocol",
        b"sec-websocket-version",
        b"upgrade",
    }
)
"""What an opening handshake is made of (RFC 6455 section 4.1). Cookies, agents and so on stay behind."""

LINE: Final = "chatd.line"
"""Under this name a route finds its `Line` in `scope["extensions"]`."""


class Line(Protocol):
    """The connection that a request came on, as a route may use it while it answers."""

    transport: asyncio.Transport
    on_lost: Callable[[], None] | None
    """Called once, when the connection is gone. A route that ends before that takes it back."""


def _plain(refused: Refusal) -> bytes:
    """A whole HTTP response that ends the connection."""
    body = refused.text.encode()
    head = (
        f"HTTP/1.1 {refused.status} {HTTPStatus(refused.status).phrase}\r\n"
        "content-type: text/plain; charset=utf-8\r\n"
        f"content-length: {len(body)}\r\n"
        "connection: close\r\n\r\n"
    )
    return head.encode() + body


async def _large_head(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers instead of the application where a head came whole, but too large."""
    answer = PlainTextResponse(LARGE_HEAD.text, LARGE_HEAD.status, {"connection": "close"})
    await answer(scope, receive, send)


class HttpDoor(HttpToolsProtocol):
    """uvicorn's httptools protocol that waits for nobody."""

    def __init__(
        self,
        config: "Config",
        server_state: "ServerState",
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        sockets: Sockets = app_state[STATE_KEY].sockets
        self._timeout_s = sockets.settings.handshake_timeout_s
        self._max_head_bytes = sockets.settings.max_head_bytes
        self._head_bytes = 0
        self._in_head = True
        self._head_timer: asyncio.TimerHandle | None = None
        self.on_lost: Callable[[], None] | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        # Instead of uvicorn's own, which also asks for both addresses; the transport would remember
        # them for as long as a WebSocket lasts. `client` and `server` of the scope stay None.
        self.connections.add(self)
        self.transport = transport
        self.flow = FlowControl(transport)
        self.scheme = "https" if is_ssl(transport) else "http"
        self._head_timer = self.loop.call_later(self._timeout_s, self._dawdled)

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        super().connection_lost(exc)
        if self.on_lost is not None:
            on_lost, self.on_lost = self.on_lost, None
            on_lost()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._in_head and not self.transport.is_closing():
            self._head_bytes += len(data)
            if self._head_bytes > self._max_head_bytes:
                self._refuse(LARGE_HEAD)

    # ---- what the parser tells -----------------------------------------------------------------

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_head, self._head_bytes = True, 0
        if self._head_timer is None:  # a further request on the same connection
            self._head_timer = self.loop.call_later(self._timeout_s, self._dawdled)

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._stop_timer()
        if self._too_large():
            self.app = _large_head
        cast("dict[str, Any]", self.scope)["extensions"] = {LINE: self}
        super().on_headers_complete()

    def handle_websocket_upgrade(self) -> None:
        if self._too_large():
            self._refuse(LARGE_HEAD)
            return
        if self._answering():
            self._refuse(PIPELINED)
            return
        self.connections.discard(self)
        fanout = Fanout(self.config, self.server_state, self.app_state)
        fanout.connection_made(self.transport)
        fanout.requested(
            # llhttp has read and checked the head; websockets need not read it a second time.
            self.url.decode("latin-1"),
            self.parser.get_method().decode("latin-1"),
            [
                (name.decode("latin-1"), value.decode("latin-1"))
                for name, value in self.headers
                if name in HANDSHAKE_FIELDS
            ],
        )
        self.transport.set_protocol(fanout)
        # The parser and this object hold each other; without this line both, and the request's
        # headers, would wait for the cycle collector.
        del self.parser, self.scope, self.headers, self.flow

    # ---- the bounds ----------------------------------------------------------------------------

    def _too_large(self) -> bool:
        size = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
        return size > self._max_head_bytes

    def _answering(self) -> bool:
        """Whether an earlier request on this connection is still being answered."""
        cycle = cast("RequestResponseCycle | None", self.cycle)  # uvicorn's annotation leaves None out
        return cycle is not None and not cycle.response_complete

    def _dawdled(self) -> None:
        self._head_timer = None
        if self._answering():
            self.cycle.keep_alive = False  # an earlier request is being answered; then this ends
        elif self._head_bytes:
            self._refuse(SLOW_HEAD)
        else:
            self.transport.close()  # opened in advance and never used, as browsers do: nobody would read it

    def _refuse(self, refused: Refusal) -> None:
        self._stop_timer()
        self.transport.write(_plain(refused))
        self.transport.close()

    def _stop_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None
