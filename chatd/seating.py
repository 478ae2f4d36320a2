"""Who sits where on this node: connections take seats, and give each up once.

    connected -> outside -> take(live, seat) -> ... -> unseat -> outside -> cut by sweep

A seat taken is a place in the roster (`presence_gossip.py`), in the hub's room, and in the pace of its
handle. Who may take one is decided elsewhere (`door.py`, `sessions/door.py`).
"""

from collections.abc import Callable
from typing import Final

from chatd.connection import Connection, Owner, Seated
from chatd.door import Refused
from chatd.hub import Hub
from chatd.live_room import LiveRoom
from chatd.paces import Paces
from chatd.presence_gossip import PresenceGossip
from chatd.seats import Seat
from chatd.settings import Settings
from chatd.sink import Sink
from chatd.wire import CloseCode, ErrorCode
from rooms.rules import FACILITATOR, Who

WAITS_S: Final = 60.0
"""How long a connection stays that was told its place in a waiting line."""
RETURNING: Final = 2
"""How many times its capacity a room may hold of those who had a seat in it already."""


class Seating:
    """The connections of one node and their seats. `clock` is monotonic, in seconds."""

    def __init__(
        self, settings: Settings, *, hub: Hub, presence: PresenceGossip, clock: Callable[[], float]
    ) -> None:
        self._settings = settings
        self._hub = hub
        self._presence = presence
        self._clock = clock
        self.paces = Paces(settings, clock)
        self.connections: dict[Sink, Connection] = {}
        self._outside: dict[Connection, None] = {}
        """Those that sit nowhere: the few that `sweep` has to look at."""

    # ---- connections ---------------------------------------------------------------------------

    def connected(self, owner: Owner, sink: Sink) -> Connection:
        connection = Connection(owner, sink, self._settings, self._clock())
        self.connections[sink] = connection
        self._outside[connection] = None
        return connection

    def closed(self, connection: Connection) -> None:
        """The connection is gone; its seats linger a moment, it may be a reload."""
        self.connections.pop(connection.sink, None)
        for seated in list(connection.seats.values()):
            self.unseat(connection, seated, at_once=False)
        self._outside.pop(connection, None)

    def sweep(self) -> None:
        """Cut the connections that joined nothing in time."""
        now = self._clock()
        self.paces.sweep()
        for connection in [outside for outside in self._outside if outside.join_by < now]:
            del self._outside[connection]
            connection.sink.close(CloseCode.NOTHING_JOINED, "no room was joined in time")

    def at(self, sink: Sink, room: str) -> tuple[Connection, Seated] | None:
        """Who sits in `room` by this sink."""
        connection = self.connections.get(sink)
        seated = connection.seats.get(room) if connection is not None else None
        return (connection, seated) if connection is not None and seated is not None else None

    def waits(self, connection: Connection) -> None:
        """Somebody in the waiting line is not cut for sitting nowhere, as long as they ask again."""
        connection.join_by = max(connection.join_by, self._clock() + WAITS_S)

    # ---- seats ---------------------------------------------------------------------------------

    def check_windows(self, connection: Connection, room: str, handle: str) -> None:
        """May this connection sit in one more room, and this seat be open in one more window? `Refused`."""
        if connection.sink not in self.connections:
            raise Refused(ErrorCode.NOT_JOINED)
        before = connection.seats.get(room)
        if before is None and len(connection.seats) >= self._settings.max_rooms_per_connection:
            raise Refused(ErrorCode.TOO_MANY_ROOMS)
        most = self._settings.max_connections_per_seat
        if (before is None or before.who.handle != handle) and self.paces.windows(room, handle) >= most:
            raise Refused(ErrorCode.TOO_MANY_CONNECTIONS)

    def check_place(self, seat: Seat, capacity: int, *, returns: bool) -> None:
        """Is there a place in the room, as presence knows it? `Refused`.

        A gap in the radio must not cost somebody their place: who has a seat may come back to a full room.
        """
        capacity *= RETURNING if returns else 1
        if seat.role != FACILITATOR and not self._presence.has_place(seat.room, seat.handle, capacity):
            raise Refused(ErrorCode.ROOM_FULL)

    def take(
        self,
        connection: Connection,
        live: LiveRoom,
        who: Who,
        parent: LiveRoom | None = None,
        whose: str = "",
    ) -> Seated:
        """Sit down in `live`, in the roster too; `Seated` says what `parent` and `whose` are."""
        if (before := connection.seats.get(live.name)) is not None:
            # The client lost its place in the stream and asks again: the same person, no leave.
            self.unseat(connection, before, at_once=False)
        self._outside.pop(connection, None)
        seated = Seated(live, who, self.paces.take(live.name, who.handle), parent, whose)
        connection.seats[live.name] = seated
        self._presence.enter(live.name, who.handle, who.role)
        if parent is not None:
            self._hub.keep(parent.name)
        return seated

    def unseat(self, connection: Connection, seated: Seated, *, at_once: bool) -> None:
        """Give the seat up, once: whoever comes second finds it gone, or taken by a later join."""
        room, handle = seated.live.name, seated.who.handle
        if connection.seats.get(room) is not seated:
            return
        del connection.seats[room]
        if not connection.seats:
            connection.join_by = self._clock() + self._settings.join_timeout_s
            if connection.sink in self.connections:
                self._outside[connection] = None
        self._hub.leave(seated.live, connection.sink)
        self._presence.leave(room, handle, at_once=at_once)
        self.paces.give_back(room, handle, seated.pace)
        if seated.parent is not None:
            self._hub.let_go(seated.parent.name)
