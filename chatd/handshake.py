"""Who may open a WebSocket here, and in which subprotocol: the rules both doors share.

    path -> room left on this node -> Origin -> subprotocol          else a `Refusal`

Pure: no sockets, no clock. The key, the version and the upgrade itself (RFC 6455 section 4.2) are
checked by `websockets`, or by the ASGI server. A refusal is a short sentence that quotes nothing
of the request.
"""

import random
from collections.abc import Sequence
from typing import Final

import msgspec

from chatd import wire
from chatd.formats import JSON_MESSAGES, JSON_WS, MSGPACK_MESSAGES, MSGPACK_WS
from chatd.sink import Format

COME_BACK_S: Final = (5, 30)
"""A full node asks for a return within this range, drawn anew each time so that not all come at once."""


class Subprotocol(msgspec.Struct, frozen=True):
    """One language of the wire. A `name` of "" is spoken to a client that asks for none.

    `text`: its messages are text (True), binary (False) or, for an echo, either (None).
    """

    name: str
    socket: Format
    """What its frames look like on the lean protocol."""
    message: Format
    """What its frames look like on the ASGI door."""
    text: bool | None


JSON: Final = Subprotocol(wire.JSON_SUBPROTOCOL, JSON_WS, JSON_MESSAGES, text=True)
MSGPACK: Final = Subprotocol(wire.MSGPACK_SUBPROTOCOL, MSGPACK_WS, MSGPACK_MESSAGES, text=False)


class DoorSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The bounds of the WebSocket doors. Times in seconds."""

    path: str = "/ws"
    origins: frozenset[str] | None = None
    """Origins whose pages may connect, written as browsers do: "https://intranet.example.org"."""
    same_origin: bool = True
    """Whether a page may also connect to the host it came from. Believes the Host header: turn it off
    and list the own origin where nobody else checks Host (DNS rebinding)."""
    subprotocols: tuple[Subprotocol, ...] = (JSON, MSGPACK)
    """The first of these that the client offers is spoken."""
    max_message_bytes: int = wire.MAX_FRAME_BYTES
    max_fragments: int = 1024
    """Frames that one message may come in."""
    max_buffer_bytes: int = 1 << 20
    """What may wait unread for one connection before it is cut."""
    congested_bytes: int = 64 * 1024
    """From here on a connection counts as lagging."""
    max_head_bytes: int = 16 * 1024
    """Request line and header fields together."""
    ping_interval_s: float = 20.0
    pong_timeout_s: float = 20.0
    """How long the answer to a ping may take; at most one interval."""
    comment_interval_s: float = 15.0
    """How often a stream of events says something, so that nothing on the way takes it for dead."""
    close_timeout_s: float = 5.0
    handshake_timeout_s: float = 10.0
    max_connections: int = 20_000
    deflate: bool = False
    """Accept permessage-deflate from clients, stateless. What the server sends is not compressed."""

    def __post_init__(self) -> None:
        if not 0 < self.pong_timeout_s <= self.ping_interval_s:
            raise ValueError("pong_timeout_s must be above 0 and at most ping_interval_s")


class Refusal(msgspec.Struct, frozen=True):
    """The answer to a handshake that is not taken: a status, a sentence, further header fields."""

    status: int
    text: str
    headers: tuple[tuple[str, str], ...] = ()


NOT_HERE: Final = Refusal(404, "There is no WebSocket at this address.\n")
FOREIGN: Final = Refusal(403, "Pages of this origin may not open a WebSocket here.\n")
UNREADABLE: Final = Refusal(
    400, "This is not a WebSocket handshake of version 13.\n", (("Sec-WebSocket-Version", "13"),)
)
NO_UPGRADE: Final = Refusal(426, "This address speaks WebSocket only.\n", (("Upgrade", "websocket"),))
SLOW_HEAD: Final = Refusal(408, "The request did not arrive in time.\n")
LARGE_HEAD: Final = Refusal(431, "The request's header fields are too large.\n")
PIPELINED: Final = Refusal(400, "Wait for the answer to your last request before you upgrade.\n")


def refusal(
    settings: DoorSettings, connections: int, path: str, origins: Sequence[str], hosts: Sequence[str]
) -> Refusal | None:
    """Why this request may not become a WebSocket; None where it may.

    `path` is without query. `origins` and `hosts` are all values of these header fields: a client
    that sends no Origin is no browser and is let through; one that sends two is refused.
    """
    if path != settings.path:
        return NOT_HERE
    if connections >= settings.max_connections:
        wait_s = random.randint(*COME_BACK_S)
        text = "This server holds as many connections as it can. Come back in a moment.\n"
        return Refusal(503, text, (("Retry-After", str(wait_s)),))
    if origins and not _welcome(settings, origins, hosts):
        return FOREIGN
    return None


def _welcome(settings: DoorSettings, origins: Sequence[str], hosts: Sequence[str]) -> bool:
    if len(origins) != 1:
        return False
    origin = origins[0].lower()
    if settings.origins is not None and origin in settings.origins:
        return True
    # Browsers leave the scheme's own port out of both fields, so the two are compared as they are.
    # Which scheme people use is unknown behind a proxy that ends TLS.
    own = hosts[0].lower() if len(hosts) == 1 else ""
    return settings.same_origin and bool(own) and origin in (f"http://{own}", f"https://{own}")


def choose(settings: DoorSettings, offered: Sequence[str]) -> Subprotocol | None:
    """The subprotocol to speak with a client that offers these; None where there is none in common."""
    for subprotocol in settings.subprotocols:
        if not subprotocol.name or subprotocol.name in offered:
            return subprotocol
    return None


def no_subprotocol(settings: DoorSettings) -> Refusal:
    """The answer to a client that offers no subprotocol we speak. It names those that exist."""
    names = " or ".join(subprotocol.name for subprotocol in settings.subprotocols)
    return Refusal(400, f"Offer one of the subprotocols that this server speaks: {names}.\n")
