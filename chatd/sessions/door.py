"""Who may be in a session's room, and in the rooms that belong to it: at the door and with every command.

    admit(live, who)     -> a place in the group, or in the waiting line: decided purely, placed by the log,
                            so that two nodes never let in one too many (invariant 4)
    belonging(name, ..)  -> the live room that belongs to the session's, for somebody with a seat there
    refusal(seated)      -> why they may not be there any more

Facilitators need no place. A handle that was removed stays outside for as long as the epoch lasts; the same
verified person has the same handle in it (`door.py`), whatever they offer.
"""

import asyncio
from collections.abc import Callable
from typing import Final
from weakref import WeakValueDictionary

from chatd.commits import Commits
from chatd.connection import Seated
from chatd.door import Refused
from chatd.hub import Hub
from chatd.live_room import LiveRoom
from chatd.seats import Seats
from chatd.wire import ErrorCode
from rooms import children
from rooms.admission import admission, departure, place
from rooms.belonging_rules import not_here
from rooms.catalog import RoomSpec
from rooms.log import Appended
from rooms.moderation import limits
from rooms.rules import FACILITATOR, Refusal, Who, Why
from rooms.series import SeriesStore
from rooms.session import Session
from rooms.session_apply import draft

TRIES: Final = 12
"""Decisions on one admission before giving up. Those of one node wait for each other, so each try that fails
is one in which another node was quicker."""
RETRY_S: Final = 1.0


class SessionDoor:
    """The sessions' door on one node. `wall` gives Unix seconds."""

    def __init__(
        self,
        *,
        hub: Hub,
        commits: Commits,
        seats: Seats,
        series: SeriesStore,
        wall: Callable[[], float],
    ) -> None:
        self._hub = hub
        self._series = series
        self._commits = commits
        self._seats = seats
        self._wall = wall
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    # ---- the session's room --------------------------------------------------------------------

    async def check_open(self, spec: RoomSpec, live: LiveRoom, *, facilitates: bool) -> None:
        """Between two sessions a series' room is for its facilitators alone. `Refused`, `LogError`."""
        if spec.kind != "session" or facilitates or live.state.rules.session is not None:
            return
        if live.state.doubtful or (series := await self._series.get(spec.name)) is None:
            return
        # Only here: what knows the calendars takes a third of a second to load.
        from rooms.series_dates_ical import next_after

        now = self._wall()
        following = next_after(series, int(now))
        opens_at = None if following is None else following.starts_at - 60 * series.lobby_minutes
        raise Refused(ErrorCode.NOT_OPEN, None if opens_at is None else max(1.0, opens_at - now))

    async def admit(self, live: LiveRoom, who: Who) -> int | None:
        """Give `who` a place in the group: None, they have it; a number: theirs in the waiting line, from 1.

        `Refused`, `LogError`.
        """
        lock = self._locks.get(live.name)
        if lock is None:
            lock = self._locks[live.name] = asyncio.Lock()
        async with lock:
            for _ in range(TRIES):
                await self._hub.settle(live)
                session = live.state.rules.session
                if session is None:
                    raise Refused(ErrorCode.NO_SESSION)
                asked = admission(live.name, session, who.handle, int(self._wall()))
                if isinstance(asked, Refusal):
                    raise Refused(ErrorCode(asked.why), self._opens_in(session, asked.why))
                if asked is None:
                    return None if who.handle in session.members else place(session, who.handle)
                key = f"admission:{live.state.version}"
                if not isinstance(await self._commits.submit_own(draft(live.state, asked, key)), Appended):
                    await self._hub.catch_up(live)  # another node was quicker, for them or for somebody else
        raise Refused(ErrorCode.BUSY, RETRY_S)

    async def leave(self, live: LiveRoom, handle: str) -> None:
        """`handle` goes for good: the place is free for somebody who waits. `LogError`."""
        for _ in range(TRIES):
            await self._hub.settle(live)
            session = live.state.rules.session
            gone = departure(live.name, session, handle) if session is not None else None
            if gone is None:
                return
            key = f"departure:{live.state.version}"
            if isinstance(await self._commits.submit_own(draft(live.state, gone, key)), Appended):
                return
            await self._hub.catch_up(live)

    def _opens_in(self, session: Session, why: Why) -> float | None:
        """In how many seconds the door opens, where it is not open yet."""
        if why is not Why.NOT_OPEN or session.phase != "scheduled":
            return None
        return max(1.0, session.plan.lobby_at - self._wall())

    # ---- the rooms that belong to it -----------------------------------------------------------

    def line(self, live: LiveRoom, handle: str) -> str:
        """The name of the line of `handle`, in the session whose room is `live`."""
        return self._seats.line(live.name, live.state.epoch, handle)

    def lines(self, live: LiveRoom) -> dict[str, str]:
        """The line of everybody who has one."""
        session = live.state.rules.session
        holders = sorted(children.holders(session)) if session is not None else []
        return {handle: self.line(live, handle) for handle in holders}

    def _whose(self, live: LiveRoom, name: str) -> str:
        return next((handle for handle, line in self.lines(live).items() if line == name), "")

    async def belonging(self, name: str, parent: LiveRoom, who: Who) -> tuple[LiveRoom, str]:
        """The live room `name`, and whose line it is ("" where it is none). `Refused`, `LogError`.

        Nothing is opened for somebody who may not be there, or under a name that nobody gave out.
        """
        room = children.read(name)
        session = parent.state.rules.session
        if room is None:
            raise Refused(ErrorCode.UNKNOWN_ROOM)
        if session is None:
            raise Refused(ErrorCode.NO_SESSION)
        whose = self._whose(parent, name) if room.sort == "line" else ""
        # With the parent's own state, in which there is no private word: that is all that can be said so far.
        why = not_here(room, who, parent.state, session, whose or None)
        if why is not None or (room.sort == "line" and not whose):
            raise Refused(ErrorCode(why or Why.NOT_A_MEMBER))
        live = await self._hub.open(name)
        if room.sort == "group":
            live.state.paced_by = parent.state
        await self._hub.settle(live)
        if (code := self._not_here(room, live, parent, who, whose)) is not None:
            raise Refused(code)
        return live, whose

    def refusal(self, seated: Seated) -> ErrorCode | None:
        """Why who sits here may not any more; None where they may."""
        if seated.parent is not None:
            room = children.read(seated.live.name)
            if room is None:
                return ErrorCode.UNKNOWN_ROOM
            return self._not_here(room, seated.live, seated.parent, seated.who, seated.whose)
        return self.outside(seated.live, seated.who)

    @staticmethod
    def outside(live: LiveRoom, who: Who) -> ErrorCode | None:
        """Why `who` has no place in the session's room `live`; None where they have, or need none."""
        session = live.state.rules.session
        if session is None or who.role == FACILITATOR or who.handle in session.members:
            return None
        return ErrorCode.REMOVED if "remove" in limits(session, who.handle) else ErrorCode.NOT_A_MEMBER

    @staticmethod
    def _not_here(
        room: children.Belonging, live: LiveRoom, parent: LiveRoom, who: Who, whose: str
    ) -> ErrorCode | None:
        session = parent.state.rules.session
        if session is None:
            return ErrorCode.NO_SESSION
        why = not_here(room, who, live.state, session, whose or None)
        return None if why is None else ErrorCode(why)
