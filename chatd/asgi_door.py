"""The ASGI door: the same conversation as `fanout.py`, behind any ASGI server and in the test client.

    Starlette(routes=[route()], lifespan=...)      the lifespan yields {"node": node}

Costs more than the lean protocol (two tasks and a queue per connection) and can do less: pings are
the server's, and a peer that does not read is let go of, but only the server can cut it off the
network. Touches the ASGI connection it is given.
"""

import asyncio
from collections import deque
from typing import Any, Final

from starlette.responses import PlainTextResponse
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect
from websockets.frames import CloseCode as Standard

from chatd import handshake
from chatd.handshake import Refusal, Subprotocol
from chatd.sink import Receiver
from chatd.sockets import STATE_KEY, Node, Sockets
from chatd.wire import CloseCode

CUT_S: Final = 1.0
"""How long the server may take to say goodbye to a peer that does not read."""


class AsgiSink:
    """One connection's `Sink`, and the two tasks that serve it: one reads, one sends.

    What waits is counted in bytes, for text in characters.
    """

    __slots__ = (
        "_end_timer",
        "_ends_at",
        "_goodbye",
        "_queue",
        "_sockets",
        "_text",
        "_waiting",
        "_wake",
        "_websocket",
        "format",
        "outbox",
    )

    def __init__(self, websocket: WebSocket, sockets: Sockets, subprotocol: Subprotocol) -> None:
        self.format = subprotocol.message
        self.outbox: list[Any] = []
        self._text = subprotocol.text
        self._websocket = websocket
        self._sockets = sockets
        self._queue: deque[str | bytes] = deque()
        self._waiting = 0
        self._wake = asyncio.Event()
        self._goodbye: tuple[int, str] | None = None
        self._ends_at: float | None = None
        self._end_timer: asyncio.Timeout | None = None

    # ---- the sink ------------------------------------------------------------------------------

    def write(self, batch: tuple[str | bytes, ...]) -> bool:
        if self._goodbye is not None:
            return False
        if self._waiting > self._sockets.settings.max_buffer_bytes:
            self._sockets.metrics.slow_readers_cut.add()
            self._queue.clear()
            self._end(CloseCode.TOO_SLOW, "Too much lies unread. Come back with after.", CUT_S)
            return False
        self._queue.extend(batch)
        self._waiting += sum(map(len, batch))
        self._wake.set()
        return True

    def congested(self) -> bool:
        return self._goodbye is not None or self._waiting > self._sockets.settings.congested_bytes

    def close(self, code: int, reason: str) -> None:
        self._end(code, reason, self._sockets.settings.close_timeout_s)

    def _end(self, code: int, reason: str, wait_s: float) -> None:
        if self._goodbye is None:
            self._goodbye = (code, reason)
            self._sockets.closing(code)
            self._wake.set()
            self._ends_at = asyncio.get_running_loop().time() + wait_s
            if self._end_timer is not None:
                self._end_timer.reschedule(self._ends_at)

    # ---- the conversation ----------------------------------------------------------------------

    async def serve(self, receiver: Receiver) -> None:
        """Read and send until either side has said goodbye, or its time is over."""
        self._end_timer = asyncio.timeout_at(self._ends_at)
        try:
            async with self._end_timer, asyncio.TaskGroup() as tasks:
                reading = tasks.create_task(self._read(receiver), name="asgi_door.read")
                sending = tasks.create_task(self._send(), name="asgi_door.send")
                reading.add_done_callback(lambda _: sending.cancel())
                sending.add_done_callback(lambda _: reading.cancel())
        except TimeoutError:
            pass  # the peer did not take the goodbye
        finally:
            self._goodbye = self._goodbye or (Standard.ABNORMAL_CLOSURE, "")
            self._queue.clear()

    async def _read(self, receiver: Receiver) -> None:
        while True:
            message = await self._websocket.receive()
            if message["type"] == "websocket.disconnect":
                return
            payload: str | bytes | None = message.get("text")
            if payload is None:
                payload = message["bytes"]
            if self._goodbye is not None:
                continue
            if self._text is not None and self._text != isinstance(payload, str):
                kind = "text" if self._text else "binary"
                self.close(Standard.UNSUPPORTED_DATA, f"This subprotocol speaks {kind}.")
            elif self._too_large(payload):
                self.close(Standard.MESSAGE_TOO_BIG, "This message is too large.")
            else:
                receiver.received(payload)

    async def _send(self) -> None:
        try:
            while True:
                await self._wake.wait()
                self._wake.clear()
                while self._queue:
                    payload = self._queue.popleft()
                    if isinstance(payload, str):
                        await self._websocket.send_text(payload)
                    else:
                        await self._websocket.send_bytes(payload)
                    self._waiting -= len(payload)
                if self._goodbye is not None:
                    await self._websocket.close(*self._goodbye)
                    return
        except WebSocketDisconnect:
            return  # the peer went first; the reader hears of it as well

    def _too_large(self, payload: str | bytes) -> bool:
        limit = self._sockets.settings.max_message_bytes
        if isinstance(payload, bytes) or len(payload) > limit:
            return len(payload) > limit
        return len(payload) * 4 > limit and len(payload.encode()) > limit


async def _endpoint(websocket: WebSocket) -> None:
    node: Node = websocket.scope["state"][STATE_KEY]
    sockets = node.sockets
    settings = sockets.settings
    refused = handshake.refusal(
        settings,
        sockets.open,
        settings.path,  # the router has seen to it
        websocket.headers.getlist("origin"),
        websocket.headers.getlist("host"),
    )
    if refused is not None:
        await _refuse(websocket, refused)
        return
    subprotocol = handshake.choose(settings, websocket.scope["subprotocols"])
    if subprotocol is None:
        await _refuse(websocket, handshake.no_subprotocol(settings))
        return
    await websocket.accept(subprotocol.name or None)
    sink = AsgiSink(websocket, sockets, subprotocol)
    sockets.opened()
    receiver = node.gateway.connected(sink)
    try:
        await sink.serve(receiver)
    finally:
        sockets.gone()
        receiver.closed()


async def _refuse(websocket: WebSocket, refused: Refusal) -> None:
    """Answer with status and sentence where the server can, else with its own 403."""
    if "websocket.http.response" in websocket.scope.get("extensions", {}):
        answer = PlainTextResponse(refused.text, refused.status, dict(refused.headers))
        await websocket.send_denial_response(answer)
    else:
        await websocket.close()


def route(path: str = "/ws") -> WebSocketRoute:
    """The route to put into a Starlette application whose lifespan yields `{"node": node}`."""
    return WebSocketRoute(path, _endpoint, name="ws")
