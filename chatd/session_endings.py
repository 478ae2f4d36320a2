"""The end of a session: its report is kept, then everything that was said in it is erased.

    closed     -> the report is kept at once, so that a facilitator finds it
    erase_at   -> the report is kept (if it was not), the rooms that belong to it are erased, and last its own

In this order, so that a process may die anywhere in between: as long as the session's room still has the
session, the next look of any node does it again, and nothing of it does harm twice. An erasure names the
epoch it saw, so the second of two nodes never wipes what has begun since.
"""

from collections.abc import Callable
from typing import Final

from chatd import logs
from chatd.afterwards import Afterwards
from rooms.children import prefix
from rooms.events import AnyEvent
from rooms.log import Head, Log, LogCorrupt
from rooms.session import Session

_log = logs.get("sessions")

READ: Final = 500
"""Events read from the log at a time."""
MAX_EVENTS: Final = 50_000
"""Of one session, for its report. What is beyond is erased uncounted."""
ROOMS: Final = 100
OVERDUE_S: Final = 300
"""An erasure that is so much later than was said is a fault that somebody must hear of."""


class SessionEndings:
    """`announce(room, head)` tells this node and the others that the room has another epoch."""

    def __init__(self, *, log: Log, afterwards: Afterwards, announce: Callable[[str, Head], None]) -> None:
        self._log = log
        self._afterwards = afterwards
        self._announce = announce
        self._reported: dict[str, str] = {}
        """By room: the epoch whose report is known to be kept."""
        self._waiting: dict[str, int] = {}
        """Rooms that are closed and not erased yet, and when they are to be."""

    def overdue(self, now: int) -> int:
        """How many erasures are late."""
        return sum(now > erase_at + OVERDUE_S for erase_at in self._waiting.values())

    async def go_on(self, room: str, head: Head, session: Session, now: int) -> None:
        """What is due in a room whose session has ended. `LogError`: again at the next look."""
        erase_at = session.since if session.erase_at is None else session.erase_at
        self._waiting[room] = erase_at
        if now >= erase_at:
            await self.end(room, head, session)
            _log.info("session_erased", seconds=now - erase_at)
        elif self._reported.get(room) != head.epoch:
            await self._report(room, head, session)
            self._reported[room] = head.epoch

    async def end(self, room: str, head: Head, session: Session) -> Head:
        """Keep the report of `session`, whatever the time is, and erase all of it. `LogError`."""
        await self._report(room, head, session)
        await self._erase_belonging(room)
        return await self.erase(room, head)

    async def erase(self, room: str, head: Head) -> Head:
        """Erase what the room has in the epoch of `head`; its new head. `LogError`."""
        new = await self._log.erase(room, head.epoch)
        self._waiting.pop(room, None)
        self._reported.pop(room, None)
        self._announce(room, new)
        return new

    async def let_go(self, room: str) -> None:
        """Forget a belonging room whose session is gone. `LogError`.

        It is empty by then; but that there were so many lines tells how many people there were.
        """
        parent = room.partition("~")[0]
        heads = await self._log.heads([parent, room])
        if room not in heads or (parent in heads and heads[parent].rules.session is not None):
            return
        head = heads[room]
        if head.head:  # left behind by a restored backup
            head = await self.erase(room, head)
        await self._log.drop(room, head.epoch)

    async def _report(self, room: str, head: Head, session: Session) -> None:
        events: list[AnyEvent] = []
        while len(events) < MAX_EVENTS:
            after = events[-1].seq if events else 0
            try:
                read = await self._log.since(room, head.epoch, after, READ)
            except LogCorrupt:
                # What nobody can read is not counted. To keep it for that would be the worse fault.
                _log.error("session_unreadable")
                break
            events += read
            if len(read) < READ:
                break
        await self._afterwards.keep(room, events, session)

    async def _erase_belonging(self, room: str) -> None:
        begins, after = prefix(room), prefix(room)
        while names := await self._log.rooms(after, ROOMS):
            ours = [name for name in names if name.startswith(begins)]
            heads = await self._log.heads(ours)
            for name, head in heads.items():
                await self.erase(name, head)
            if len(ours) < len(names):
                return
            after = names[-1]
