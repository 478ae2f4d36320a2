"""Who speaks in a request of their own, without a connection on this node: `sending.py`'s way in.

A visitor has a seat, from its token, for as long as the request lasts. They are no member: they are not in
the roster because of it, and the hub sends them nothing. What they ask of the seat itself (away, leave)
is done to the connections that hold it, on this node and, over the bus, on the others.
"""

from collections.abc import Callable
from typing import Final

from chatd import wire
from chatd.connection import Connection
from chatd.envelopes import Wish
from chatd.formats import BY_HTTP
from chatd.gateway import Gateway
from chatd.hub import Hub
from chatd.presence_gossip import PresenceGossip
from chatd.settings import Settings
from chatd.sink import Sink
from chatd.wire import ErrorCode
from rooms.command import CommandId
from rooms.pace import Bucket

LEFT: Final = "the seat was left"
DRAW_BURST: Final = 500
DRAWS_PER_S: Final = 100
"""How fast handles are drawn for all together who have neither a seat nor a connection, on one node: each
request of theirs is the first that is known of them, so none of them has a pace of their own."""


class Visitors:
    """Those of one node. `clock` is monotonic, in seconds."""

    def __init__(
        self,
        settings: Settings,
        *,
        gateway: Gateway,
        hub: Hub,
        presence: PresenceGossip,
        clock: Callable[[], float],
    ) -> None:
        self._settings = settings
        self._gateway = gateway
        self._hub = hub
        self._presence = presence
        self._clock = clock
        self._here: set[Connection] = set()
        self._draws = Bucket(DRAW_BURST, DRAWS_PER_S)

    def come(self, sink: Sink) -> Connection:
        """Somebody without a seat, until they `go`. What is answered goes to `sink`."""
        visitor = Connection(self._gateway, sink, self._settings, self._clock())
        self._here.add(visitor)
        return visitor

    def go(self, visitor: Connection) -> None:
        self._here.discard(visitor)

    def expel(self, room: str) -> None:
        """The room's epoch is gone, and with it the seats that were shown."""
        for visitor in self._here:
            visitor.seats.pop(room, None)

    async def take_seat(self, visitor: Connection, room: str, token: str) -> None:
        """Restore the seat. `Refused`, `LogError`."""
        seated = await self._gateway.entering.restore(visitor, room, token)
        visitor.asks = seated.pace.asks = seated.pace.asks or visitor.asks

    def say(self, visitor: Connection, command: wire.AnyCommand) -> None:
        """One command. Whatever has an `id` is answered at the visitor's sink, now or later."""
        if isinstance(command, wire.Join):
            more = "A join goes to /sse or /poll."
            self.refuse(visitor, command.id, ErrorCode.BAD_FRAME, more)
        elif isinstance(command, wire.Draw) and not visitor.seats and self._draws.take(self._clock()):
            self.refuse(visitor, command.id, ErrorCode.BUSY)
        elif isinstance(command, wire.Away):
            self._wish(visitor, command.id, command.room, "away" if command.away else "back")
        elif isinstance(command, wire.Leave):
            self._wish(visitor, command.id, command.room, "leave")
        else:
            self._gateway.handle(visitor, command)

    def refuse(self, visitor: Connection, id_: CommandId | None, code: ErrorCode, more: str = "") -> None:
        self._gateway.refuse(visitor, id_, code, more)

    def _wish(self, visitor: Connection, id_: CommandId, room: str, wish: Wish) -> None:
        seated = self._gateway.paced_seat(visitor, room, id_)
        if seated is not None:
            self.heard(room, seated.who.handle, wish)
            self._presence.pass_on(room, seated.who.handle, wish)
            self._hub.reply(visitor.sink, wire.Ok(id=id_))

    def heard(self, room: str, handle: str, wish: Wish) -> None:
        """What `handle` asked, here or on another node: done where this node holds their seat."""
        if wish != "leave":
            self._presence.set_away(room, handle, wish == "away")
            return
        # By HTTP nobody can tell which window it was. One that did not mean it comes back by itself.
        live = self._hub.live.get(room)
        groups = live.groups if live is not None else {}
        for sink in [sink for format_ in BY_HTTP for sink in groups.get(format_, ())]:
            if self._gateway.leave(sink, room, handle):
                sink.close(1000, LEFT)
