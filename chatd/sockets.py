"""What all connections of one node share: their bounds, their number, their keepalive.

A transport finds it, and the gateway, on the node that the application's lifespan put into the
state ("node"); `Node` is all that a transport knows of it. Touches nothing.
"""

from collections.abc import Sequence
from typing import Protocol

from websockets.extensions.permessage_deflate import ServerPerMessageDeflateFactory
from websockets.typing import Subprotocol

from chatd.handshake import DoorSettings
from chatd.keepalive import Clock, Keepalive
from chatd.metrics import Metrics
from chatd.sink import Gateway

STATE_KEY = "node"
"""Under this name the lifespan hands the node to the transports: `yield {"node": node}`."""


class Sockets:
    """One per node. `start` and `stop` bracket the life of the event loop's work."""

    __slots__ = (
        "comments",
        "extensions",
        "keepalive",
        "metrics",
        "offered",
        "open",
        "settings",
        "subprotocols",
    )

    def __init__(self, settings: DoorSettings, metrics: Metrics) -> None:
        self.settings = settings
        self.metrics = metrics
        self.open = 0
        """Connections that have passed the handshake and are not gone yet."""
        self.keepalive = Keepalive(settings.ping_interval_s, settings.pong_timeout_s)
        self.comments = Keepalive(settings.comment_interval_s, settings.comment_interval_s)
        """The same ring for the streams, which are told something and cannot answer (`sse.py`)."""
        self.subprotocols = {subprotocol.name: subprotocol for subprotocol in settings.subprotocols}
        self.offered = [Subprotocol(name) for name in self.subprotocols if name]
        # Stateless, RFC 7692 section 7.1.1: no window of 32 KiB is kept per connection.
        self.extensions: Sequence[ServerPerMessageDeflateFactory] = (
            [ServerPerMessageDeflateFactory(server_no_context_takeover=True, client_no_context_takeover=True)]
            if settings.deflate
            else []
        )

    def start(self, clock: Clock) -> None:
        """Begin to ping. `clock` is the running event loop."""
        self.keepalive.start(clock)
        self.comments.start(clock)

    def stop(self) -> None:
        """Ping no more. The connections stay as they are: draining is the node's."""
        self.keepalive.stop()
        self.comments.stop()

    def abort(self) -> None:
        """Cut off whoever is still connected, at once and without a word: the last step of a shutdown.

        A loop that is closed with open transports complains about each. Connections of the ASGI door are
        its server's to end.
        """
        for member in (*self.keepalive.members(), *self.comments.members()):
            member.abort()

    def opened(self, transport: str = "websocket") -> None:
        self.open += 1
        self.metrics.connections.set(self.open)
        self.metrics.connected_by[transport].add()

    def gone(self, transport: str = "websocket") -> None:
        self.open -= 1
        self.metrics.connections.set(self.open)
        self.metrics.connected_by[transport].add(-1)

    def closing(self, code: int) -> None:
        """Count a connection that the server closes, by its code."""
        self.metrics.closes[str(int(code))].add()


class Node(Protocol):
    """What a transport needs of the node."""

    @property
    def gateway(self) -> Gateway: ...

    @property
    def sockets(self) -> Sockets: ...
