"""The small interface between the transports and the rest: a sink to write to, a receiver to call.

A *format* is a codec plus a framing: what one event becomes on one kind of transport. The hub
builds each event once per format in use, joins what one event-loop turn brought, and writes
the same object to every member with that format. A transport (`fanout.py` for WebSocket under
uvicorn, `asgi_door.py` for any other ASGI server) owns one `Sink` per connection and calls one
`Receiver`.
"""

from collections.abc import Callable
from typing import Any, Protocol

import msgspec


class Format:
    """How frames look to one kind of sink. Compared by identity; there is one of each.

    `frame(struct)` builds one wire frame; `join(frames)` makes of several what `Sink.write`
    takes. `encode(value)` is the bare codec: bytes fit to stand inside a frame as `msgspec.Raw`,
    so that a part shared by many frames is encoded once. `decode(payload)` reads a client's
    message, raising `wire.BadFrame`.
    """

    __slots__ = ("decode", "encode", "frame", "join", "name")

    def __init__(
        self,
        name: str,
        *,
        encode: Callable[[Any], bytes],
        frame: Callable[[msgspec.Struct], Any],
        join: Callable[[list[Any]], Any],
        decode: Callable[[Any], Any],
    ) -> None:
        self.name = name
        self.encode = encode
        self.frame = frame
        self.join = join
        self.decode = decode

    def __repr__(self) -> str:
        return f"<Format {self.name}>"


class Sink(Protocol):
    """One connection's way out. All methods are called from the event loop's thread and never block.

    `outbox` belongs to the hub: frames meant for this member alone, which go out at the end of
    the turn ahead of the room's.
    """

    format: Format
    outbox: list[Any]

    def write(self, batch: Any) -> bool:
        """Hand over what `format.join` made. False where the sink is closed or was just cut.

        Bounded: a sink whose peer has more than `max_buffer_bytes` unread is cut with
        `CloseCode.TOO_SLOW` instead of growing; the peer comes back with `after`.
        """
        ...

    def congested(self) -> bool:
        """Whether the peer lags: typing and presence are then dropped, events are not."""
        ...

    def close(self, code: int, reason: str) -> None:
        """Say goodbye with `code`, then close; abort where the peer does not answer in time.

        Idempotent. `reason` is at most 123 bytes of UTF-8 and names nobody.
        """
        ...


class Receiver(Protocol):
    """What a transport calls. Neither method raises for anything a client can send."""

    def received(self, payload: bytes | str) -> None:
        """One whole message: `str` or `bytes` as the sink's format decodes it. Never awaits."""
        ...

    def closed(self) -> None:
        """The connection is gone. Called exactly once, after which nothing is called."""
        ...


class Gateway(Protocol):
    def connected(self, sink: Sink) -> Receiver:
        """A connection has passed the handshake. Called from the event loop's thread."""
        ...
