"""What a node does about sessions whenever something happened in one: shows it, puts out, tells.

    changed(live, events, moved)   from the hub, after the events were written out
        -> everybody in the session's room gets a `session` frame of their own, where the rules moved on
        -> whoever does not belong in a room any more is put out of it (`put_out`)
        -> whoever is concerned is told, in a room that belongs to the session (`aftermath.py`)

What is told is placed under a key made of the event that causes it, so every node that hears of the event
may try, and it is said once. Ordinary rooms never come here.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from chatd import wire
from chatd.commits import Commits
from chatd.connection import Connection, Seated
from chatd.hub import Hub
from chatd.live_room import LiveRoom
from chatd.presence_gossip import PresenceGossip
from chatd.seating import Seating
from chatd.sessions.door import SessionDoor
from chatd.spawn import Tasks
from chatd.wire import ErrorCode
from rooms import children
from rooms.aftermath import Notice, about, notices
from rooms.events import AnyEvent
from rooms.log import LogError, LogUnavailable, Stale
from rooms.rules import FACILITATOR, Who
from rooms.session_apply import draft
from rooms.session_view import SessionNow, Viewer, now

LATELY_S: Final = 600.0
"""What happened so long before a room is opened may still have to be passed on."""
TRIES: Final = 24
"""How often is tried what the log does not take, for ten minutes altogether."""
MOVES: Final = 40
"""How often a notice is made anew at once, where the rules of its room move on."""
FIRST_RETRY_S: Final = 0.25
LONGEST_RETRY_S: Final = 30.0


def _wait_s(tried: int) -> float:
    """How long to wait for the log before it is asked once more."""
    return min(FIRST_RETRY_S * 2.0**tried, LONGEST_RETRY_S)


class SessionNews:
    """That of one node. `wall` gives Unix seconds."""

    def __init__(
        self,
        *,
        hub: Hub,
        door: SessionDoor,
        commits: Commits,
        seating: Seating,
        presence: PresenceGossip,
        tasks: Tasks,
        wall: Callable[[], float],
    ) -> None:
        self._hub = hub
        self.door = door
        self._commits = commits
        self._seating = seating
        self._presence = presence
        self._tasks = tasks
        self._wall = wall

    def changed(self, live: LiveRoom, events: Sequence[AnyEvent], moved: bool) -> None:
        """Something happened in a session's room, or one that belongs to it. `moved`: its rules changed."""
        if live.state.doubtful:
            self._tasks.spawn(self._settle(live), name="sessions.settle")
        elif moved:
            self._moved(live)
        for event in events:
            self._pass_on(live, event)

    def opened(self, live: LiveRoom) -> None:
        """What happened a moment ago may have followed by nobody: who saw to it may have died over it."""
        since = self._wall() - LATELY_S
        for event in live.recent:
            if event.at >= since:
                self._pass_on(live, event)

    async def _settle(self, live: LiveRoom) -> None:
        for tried in range(TRIES):
            try:
                await self._hub.settle(live)
                break
            except LogError:
                await asyncio.sleep(_wait_s(tried))
        if live.state.version != live.shown:
            live.shown = live.state.version
            self._moved(live)

    def _moved(self, live: LiveRoom) -> None:
        self._put_out(live)
        if live.state.rules.session is not None:
            for name in [name for name in self._hub.live if name.startswith(children.prefix(live.name))]:
                self._put_out(self._hub.live[name])
            self._show(live)

    # ---- what each is shown --------------------------------------------------------------------

    def of(self, live: LiveRoom, who: Who) -> SessionNow | None:
        """The session in this room as `who` is shown it; None where there is none."""
        session = live.state.rules.session
        if session is None:
            return None
        facilitates = who.role == FACILITATOR
        return now(
            session,
            Viewer(who.handle, who.role, None if facilitates else self.door.line(live, who.handle)),
            room=live.name,
            seq=live.head,
            heard=live.state.heard,
            unix_now=int(self._wall()),
            present=self._presence.people(live.name) if facilitates else (),
            lines=self.door.lines(live) if facilitates else {},
        )

    def _show(self, live: LiveRoom) -> None:
        """To everybody in the session's room the frame that is theirs."""
        for sink in list(live.sinks()):
            found = self._seating.at(sink, live.name)
            view = self.of(live, found[1].who) if found is not None else None
            if view is not None:
                self._hub.reply(sink, wire.session_frame(live.name, view))

    def _put_out(self, live: LiveRoom) -> None:
        for sink in list(live.sinks()):
            found = self._seating.at(sink, live.name)
            code = self.door.refusal(found[1]) if found is not None else None
            if found is not None and code is not None:
                self.put_out(*found, code)

    def put_out(self, connection: Connection, seated: Seated, code: ErrorCode) -> None:
        """Take the seat away, and say why."""
        self._seating.unseat(connection, seated, at_once=True)
        frame = wire.PutOut(room=seated.live.name, code=code, message=wire.MESSAGES[code])
        self._hub.reply(connection.sink, frame)

    # ---- who is told ---------------------------------------------------------------------------

    def _pass_on(self, live: LiveRoom, event: AnyEvent) -> None:
        """Tell whomever `event` concerns, where it concerns anybody outside the room it happened in."""
        room = children.read(live.name)
        parent = live if room is None else self._hub.live.get(room.parent)
        session = parent.state.rules.session if parent is not None else None
        if parent is None or session is None:
            return
        if about(event) is not None or notices(event, session):
            self._tasks.spawn(self._tell(live, parent, event), name="sessions.tell")

    async def _tell(self, live: LiveRoom, parent: LiveRoom, event: AnyEvent) -> None:
        seq = about(event)
        for tried in range(TRIES):
            try:
                target = await self._hub.one(live, seq) if seq is not None else None
                session = parent.state.rules.session
                for notice in notices(event, session, target) if session is not None else ():
                    await self._place(parent, notice)
            except LogError:
                await asyncio.sleep(_wait_s(tried))
            else:
                return

    async def _place(self, parent: LiveRoom, notice: Notice) -> None:
        """Put the notice into the log, unless the session is gone. `LogError`: it is not there yet."""
        event = notice.event
        if notice.whose is not None:
            event = msgspec.structs.replace(event, room=self.door.line(parent, notice.whose))
        for _ in range(MOVES):
            # Also when it was just erased: nothing that it left behind is written anywhere any more.
            if not await self._stands(parent):
                return
            live = await self._hub.open(event.room)
            await self._hub.settle(live)
            if not await self._stands(parent):
                return
            if not isinstance(await self._commits.submit_own(draft(live.state, event, notice.key)), Stale):
                return
            await self._hub.catch_up(live)
        raise LogUnavailable("The rules of a room moved on again and again.")

    async def _stands(self, parent: LiveRoom) -> bool:
        """Whether the session's room is still in the epoch that it was in. `LogError`."""
        now_on = await self._hub.open(parent.name)
        return now_on.state.epoch == parent.state.epoch and now_on.state.rules.session is not None
