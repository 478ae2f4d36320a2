"""One connection and the seats it sits in: plain state, kept small, judged by the gateway."""

from typing import Final, Protocol

from chatd.live_room import LiveRoom
from chatd.settings import Settings
from chatd.sink import Sink
from rooms.children import read
from rooms.pace import Bucket
from rooms.state import RoomState
from rooms.verdict import Who

ENTRY_S: Final = 900.0
"""How long somebody who has drawn a handle may read the ground rules before they are cut."""


class Owner(Protocol):
    """The gateway, as a connection sees it."""

    def received(self, connection: "Connection", payload: bytes | str) -> None: ...

    def closed(self, connection: "Connection") -> None: ...


class Pace:
    """How fast one seat may speak, whatever the number of its windows.

    `asks`: of those who speak without a connection of their own, which would have that bucket.
    """

    __slots__ = ("asks", "posts", "small", "typing_from", "windows")

    def __init__(self, settings: Settings) -> None:
        self.windows = 0
        self.posts = Bucket(settings.post_burst, settings.post_per_s)
        self.small = Bucket(settings.react_burst, settings.react_per_s)
        self.asks: Bucket | None = None
        self.typing_from = 0.0


class Seated:
    """A seat taken in one room by one connection: who speaks there, and how fast they may.

    In a room that belongs to a session's, `parent` is the session's room, whose seat this is by rights, and
    `whose` the handle whose line it is, in a line. `mark`: with what a seat goes on when its
    room begins anew (`epochs/moving.py`).
    """

    __slots__ = ("live", "mark", "pace", "parent", "who", "whose")

    def __init__(
        self, live: LiveRoom, who: Who, pace: Pace, parent: LiveRoom | None = None, whose: str = ""
    ) -> None:
        self.live = live
        self.who = who
        self.pace = pace
        self.parent = parent
        self.whose = whose
        self.mark = b""

    @property
    def paced(self) -> RoomState:
        """How the room stands whose slow mode holds here: in a small group it is the session's."""
        if self.parent is None:
            return self.live.state
        room = read(self.live.name)
        return self.parent.state if room is not None and room.sort == "group" else self.live.state


class Connection:
    """Implements `chatd.sink.Receiver`.

    `join_by`: when it is cut unless it sits somewhere by then; `patience`: until
    when drawing a handle may put that off. `asks`: how fast it may join, draw and read history.
    """

    __slots__ = ("_owner", "asks", "bad_frames", "join_by", "patience", "seats", "sink", "waiting")

    def __init__(self, owner: Owner, sink: Sink, settings: Settings, now: float) -> None:
        self._owner = owner
        self.sink = sink
        self.asks = Bucket(settings.ask_burst, settings.ask_per_s)
        self.join_by = now + settings.join_timeout_s
        self.patience = now + ENTRY_S
        self.seats: dict[str, Seated] = {}
        self.bad_frames = 0
        self.waiting = 0

    def received(self, payload: bytes | str) -> None:
        self._owner.received(self, payload)

    def closed(self) -> None:
        self._owner.closed(self)
