"""Under what a session's command is judged: who asks, how things stand, and what time it is. Pure."""

from typing import NamedTuple

from rooms.events import AnyEvent
from rooms.log import Draft, Duplicate
from rooms.session import Session
from rooms.session_apply import draft
from rooms.state import RoomState
from rooms.verdict import FACILITATOR, Who


class Scene(NamedTuple):
    """`now` is monotonic, `unix_now` by the calendar, in seconds; `line` is the room of the asker's line."""

    who: Who
    state: RoomState
    session: Session
    room: str
    now: float
    unix_now: int
    line: str | None = None

    @property
    def leads(self) -> bool:
        return self.who.role == FACILITATOR

    def draft(self, event: AnyEvent, key: str, session: Session | None = None) -> Draft:
        """`key` need only be unique under this version of the rules: with it, it makes the draft's. Two
        facilitators who do the same thing one after the other both did it."""
        return draft(self.state, event, f"{key}:{self.state.version}", session=session)

    def once(self, event: AnyEvent, key: str) -> Draft:
        """A draft under a key of the client's choice: sent again, it is not done again."""
        return draft(self.state, event, key)

    def so_already(self) -> Duplicate:
        return Duplicate(self.state.version)
