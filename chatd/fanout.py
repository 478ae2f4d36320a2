"""The lean WebSocket protocol: what uvicorn hands a connection to when it stops being HTTP.

    uvicorn.Config(app, ws=Fanout, http=HttpDoor)

    request head --> judged (handshake.py) --> 101 --> gateway.connected(sink) -> receiver
    bytes in     --> websockets' sans-I/O `Protocol` --> whole messages --> receiver.received
    sink.write   --> transport.write, bounded           connection lost --> receiver.closed

Framing, masking, the opening and the closing handshake are `websockets` (RFC 6455); ours are the
bounds, the assembly of fragments, and the ends: no peer can make the server wait or grow.
After the handshake no ASGI scope, request, header, task or timer is kept. Nothing is logged.
"""

import asyncio
import logging
import uuid
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, Final, cast

from websockets.datastructures import Headers
from websockets.exceptions import NegotiationError
from websockets.extensions import Extension
from websockets.frames import CloseCode as Standard
from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.protocol import OPEN, Protocol, Side
from websockets.server import ServerProtocol

from chatd import handshake, opening
from chatd.fragments import Partial
from chatd.handshake import DoorSettings, Refusal, Subprotocol
from chatd.plain import EMPTY_PONG, HEAD, first_byte, masked_size, plain_frame
from chatd.sink import Format, Receiver
from chatd.sockets import STATE_KEY, Node, Sockets
from chatd.wire import CloseCode

__all__ = ["DoorSettings", "Fanout"]

CUT_S: Final = 1.0
"""How long a peer that was cut has to take what lies in the buffer, and the reason with it."""
MAX_REASON_BYTES: Final = 123
"""RFC 6455 section 5.5: a control frame holds 125 bytes, two of them are the code."""

TEXT, BINARY, CONT = Opcode.TEXT, Opcode.BINARY, Opcode.CONT
PING, CLOSE = Opcode.PING, Opcode.CLOSE
TEXT_FIRST: Final = first_byte(TEXT)
_NOBODY: Final = uuid.UUID(int=0)
"""In place of the identifier that websockets gives each connection for its logs."""
PING_FRAME: Final = Frame(PING, b"").serialize(mask=False)

# websockets logs connections; we log nothing about anybody. Not from `getLogger`: `dictConfig`, which
# uvicorn calls, would enable it again.
_silence: Final = logging.Logger("chatd.fanout.silence")  # noqa: LOG001  see above
_silence.disabled = True


class Fanout(asyncio.Protocol):
    """One connection, and its `Sink`. uvicorn makes it, per connection, with these arguments."""

    __slots__ = (
        "_closing",
        "_first",
        "_max_buffer_bytes",
        "_node",
        "_opcode",
        "_partial",
        "_receiver",
        "_shaking",
        "_sockets",
        "_timer",
        "_transport",
        "_unread",
        "_ws",
        "format",
        "heard",
        "outbox",
        "slot",
    )

    format: Format
    outbox: list[Any]
    heard: bool
    slot: int

    def __init__(self, config: object, server_state: object, app_state: dict[str, Any], **_: object) -> None:
        # Neither `config` nor `server_state` is kept: the drain is the node's, so the connection is not
        # put into `server_state.connections`, and uvicorn does not wait for it.
        self._node: Node | None = app_state[STATE_KEY]
        self._sockets: Sockets = app_state[STATE_KEY].sockets
        self._ws: Protocol
        self._shaking: ServerProtocol | None = None
        self._max_buffer_bytes = self._sockets.settings.max_buffer_bytes
        self._closing = False
        self._receiver: Receiver | None = None
        self._opcode: Opcode | None = None
        self._first = -1  # what a plain frame begins with; no byte is -1
        self._unread = 0  # bytes that `websockets` has and that made no frame yet
        self._partial: Partial | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._transport: asyncio.Transport
        self.outbox = []

    # ---- the way out: the sink -----------------------------------------------------------------

    def write(self, batch: bytes) -> bool:
        """See `sink.Sink.write`. Called once per member and turn: every operation here counts."""
        if self._closing:
            return False
        transport = self._transport
        if transport.get_write_buffer_size() > self._max_buffer_bytes:
            self._sockets.metrics.slow_readers_cut.add()
            self._goodbye(CloseCode.TOO_SLOW, "Too much lies unread. Come back with after.", CUT_S)
            return False
        transport.write(batch)
        return True

    def congested(self) -> bool:
        if self._closing:
            return True
        return self._transport.get_write_buffer_size() > self._sockets.settings.congested_bytes

    def close(self, code: int, reason: str) -> None:
        self._goodbye(code, reason, self._sockets.settings.close_timeout_s)

    # ---- the keepalive's member ----------------------------------------------------------------

    def ping(self) -> None:
        if not self._closing:
            self._transport.write(PING_FRAME)

    def silent(self) -> None:
        self._goodbye(CloseCode.SILENT, "No answer to a ping.", CUT_S)

    def abort(self) -> None:
        if self._receiver is not None:  # else it is gone already
            self._closing = True
            self._transport.abort()

    # ---- the way in: asyncio's protocol --------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        receiver = self._receiver
        if receiver is None:
            self._handshake(data)
            return
        self.heard = True
        # Plain frames need no state; where `websockets` is in the middle of something, it goes on.
        if not self._unread and self._partial is None and not self._closing:
            data = self._read_plain(data, receiver)
        if data:
            self._read(data, receiver)

    def _read_plain(self, data: bytes, receiver: Receiver) -> bytes:
        """Take the plain frames (`plain.py`) that `data` begins with; what is left begins with a frame."""
        first, max_size = self._first, self._sockets.settings.max_message_bytes
        at = 0
        while (plain := plain_frame(data, at, first, max_size)) is not None:
            payload, at = plain
            if first == TEXT_FIRST:
                try:
                    receiver.received(str(payload, "utf-8"))
                except UnicodeDecodeError:
                    self._fail(Standard.INVALID_DATA, "Text must be UTF-8.")
                    self._end(self._ws.data_to_send())
            else:
                receiver.received(payload)
            if self._closing:
                break
        rest = data[at:]
        # The answer to our ping: it was heard, and nothing else follows from it.
        return b"" if len(rest) == HEAD and rest.startswith(EMPTY_PONG) else rest

    def _read(self, data: bytes, receiver: Receiver) -> None:
        """Let `websockets` read: a frame in pieces, a control frame, a fragment, an error."""
        ws = self._ws
        self._unread += len(data)
        ws.receive_data(data)
        writes = ws.data_to_send()
        if self._closing:
            # Our goodbye is out, and nothing follows it (RFC 6455 section 5.5.1) but the end.
            writes = [data for data in writes if not data]
        frames: list[Any] = ws.events_received()  # `Frame`s, now that the handshake is over
        for frame in frames:
            self._unread -= masked_size(len(frame.data))
            if self._closing:
                break
            opcode = frame.opcode
            if opcode is self._opcode and frame.fin:
                if opcode is BINARY:
                    receiver.received(frame.data)
                    continue
                try:
                    text = str(frame.data, "utf-8")
                except UnicodeDecodeError:
                    self._fail(Standard.INVALID_DATA, "Text must be UTF-8.")
                    break
                receiver.received(text)
            elif opcode is PING:
                # Each ping has its pong in `writes`, in order, so answers leave in the order of questions.
                self.write(writes.pop(0))
            elif opcode in (TEXT, BINARY, CONT):
                self._data(frame)
        if self._closing and b"" not in writes:
            writes = []  # pongs for what stood behind the end
        writes += ws.data_to_send()
        if writes:
            self._end(writes)

    def eof_received(self) -> None:
        # The peer will send nothing more. The transport closes itself as soon as it is flushed.
        self._closing = True
        self._abort_in(self._sockets.settings.close_timeout_s)

    def connection_lost(self, exc: Exception | None) -> None:
        self._closing = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        receiver, self._receiver = self._receiver, None
        # The hub may keep the sink for a moment; what it holds is let go of now.
        del self._transport
        self._partial = self._node = self._shaking = None
        self.outbox.clear()
        if receiver is not None:
            del self._ws
            self._sockets.keepalive.discard(self)
            self._sockets.gone()
            receiver.closed()

    # ---- the opening handshake -----------------------------------------------------------------

    def _handshake(self, data: bytes) -> None:
        if self._closing:
            return
        ws = self._shake()
        ws.receive_data(data)
        for event in ws.events_received():
            if isinstance(event, Request):
                self._judge(event)
                return
        writes = ws.data_to_send()
        if writes:  # no request head can be made of this
            self._end(writes)

    def requested(self, path: str, method: str, fields: list[tuple[str, str]]) -> None:
        """The request head, where the HTTP protocol has parsed it; else it comes by `data_received`."""
        settings = self._sockets.settings
        origins = [value for name, value in fields if name == "origin"]
        hosts = [value for name, value in fields if name == "host"]
        refused = handshake.refusal(settings, self._sockets.open, path.partition("?")[0], origins, hosts)
        plain = None if refused is not None else opening.plain(method, fields, settings)
        if plain is not None:
            self._open(*plain)
        else:
            self._judge(Request(path, Headers(fields), method))

    def _shake(self) -> ServerProtocol:
        """websockets' side of the opening handshake, for one that is not plain (`opening.py`)."""
        if self._shaking is None:
            self._shaking = ServerProtocol(
                subprotocols=self._sockets.offered,
                extensions=self._sockets.extensions,
                max_size=self._sockets.settings.max_message_bytes,
                logger=_silence,
            )
        return self._shaking

    def _judge(self, request: Request) -> None:
        ws, settings = self._shake(), self._sockets.settings
        fields = request.headers
        refused = handshake.refusal(
            settings,
            self._sockets.open,
            request.path.partition("?")[0],
            fields.get_all("Origin"),
            fields.get_all("Host"),
        )
        if refused is None:
            response = ws.accept(request)
            if response.status_code == HTTPStatus.SWITCHING_PROTOCOLS:
                ws.send_response(response)
                subprotocol = self._sockets.subprotocols[ws.subprotocol or ""]
                self._open(b"".join(ws.data_to_send()), subprotocol, ws.extensions)
                return
            refused = self._translated(ws, response.status_code)
        response = ws.reject(refused.status, refused.text)
        for name, value in refused.headers:
            response.headers[name] = value
        ws.send_response(response)
        self._end(ws.data_to_send())

    def _translated(self, ws: ServerProtocol, status: int) -> Refusal:
        """Our words for websockets' refusal, whose own quote the request."""
        if isinstance(ws.handshake_exc, NegotiationError):
            return handshake.no_subprotocol(self._sockets.settings)
        return handshake.NO_UPGRADE if status == HTTPStatus.UPGRADE_REQUIRED else handshake.UNREADABLE

    def _open(self, head: bytes, subprotocol: Subprotocol, extensions: Sequence[Extension] = ()) -> None:
        assert self._node is not None
        self.format = subprotocol.socket
        self._opcode = None if subprotocol.text is None else TEXT if subprotocol.text else BINARY
        if self._opcode is not None and not extensions:
            self._first = first_byte(self._opcode)
        self._transport.write(head)
        # A fresh protocol: the one of the handshake holds the request in its parser.
        self._shaking = None
        self._ws = Protocol(Side.SERVER, max_size=self._sockets.settings.max_message_bytes, logger=_silence)
        self._ws.extensions = list(extensions)
        self._ws.id = _NOBODY
        gateway = self._node.gateway
        self._node = None
        self._sockets.opened()
        self._sockets.keepalive.add(self)
        self._receiver = gateway.connected(self)

    # ---- messages in more than one frame, or of the other kind ---------------------------------

    def _data(self, frame: Frame) -> None:
        partial = self._partial
        if partial is None:
            if self._opcode is not None and frame.opcode is not self._opcode:
                kind = "text" if self._opcode is TEXT else "binary"
                self._fail(Standard.UNSUPPORTED_DATA, f"This subprotocol speaks {kind}.")
                return
            partial = self._partial = Partial(text=frame.opcode is TEXT)
        try:
            partial.add(frame)
        except UnicodeDecodeError:
            self._fail(Standard.INVALID_DATA, "Text must be UTF-8.")
            return
        if frame.fin:
            self._partial = None
            assert self._receiver is not None
            self._receiver.received(partial.message())
        elif partial.frames >= self._sockets.settings.max_fragments:
            self._fail(Standard.MESSAGE_TOO_BIG, "Too many fragments.")

    # ---- the ends ------------------------------------------------------------------------------

    def _goodbye(self, code: int, reason: str, wait_s: float) -> None:
        """Close with `code`, and abort after `wait_s` where the peer does not take it."""
        if self._closing:
            return
        self._closing = True
        if self._ws.state is OPEN:  # else the peer's own close is being answered just now
            self._sockets.closing(code)
            self._ws.send_close(code, reason.encode()[:MAX_REASON_BYTES].decode(errors="ignore"))
            self._transport.write(b"".join(self._ws.data_to_send()))
        self._abort_in(wait_s)

    def _fail(self, code: int, reason: str) -> None:
        """Fail the connection, RFC 6455 section 7.1.7. `data_received` sends what is to be sent."""
        if self._ws.state is OPEN:
            self._sockets.closing(code)
            self._ws.fail(code, reason)
        self._closing = True

    def _end(self, writes: list[bytes]) -> None:
        """Send what websockets has to say. b"" in it means: the last bytes; then close our half."""
        transport, ws = self._transport, self._shaking or self._ws
        for data in writes:
            if data:
                if transport.get_write_buffer_size() <= self._max_buffer_bytes:
                    transport.write(data)
                continue
            if not self._closing and ws.close_sent is not None and ws.close_rcvd is None:
                self._sockets.closing(ws.close_sent.code)
            self._closing = True
            # Half, so that what the peer still sends does not reset the connection before it has read why.
            if transport.can_write_eof():
                transport.write_eof()
            else:
                transport.close()
            self._abort_in(self._sockets.settings.close_timeout_s)

    def _abort_in(self, wait_s: float) -> None:
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(wait_s, self._transport.abort)
