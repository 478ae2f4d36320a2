"""The end of a session: its report is kept, then everything that was said in it is erased.

    closed     -> the report is kept at once, so that a facilitator finds it
    erase_at   -> the report is kept (if it was not), the rooms that belong to it are erased, and last its own

In this order, so that a process may die anywhere in between: as long as the session's room still has the
session, the next look of any node does it again, and nothing of it does harm twice. How an epoch ends is in
`epochs/endings.py`.
"""

from typing import Final

from chatd import logs
from chatd.epochs.endings import Endings
from chatd.sessions.afterwards import Afterwards
from rooms.events import AnyEvent
from rooms.log import Head, Log, LogCorrupt
from rooms.session import Session

_log = logs.get("sessions")

READ: Final = 500
"""Events read from the log at a time."""
MAX_EVENTS: Final = 50_000
"""Of one session, for its report. What is beyond is erased uncounted."""


class SessionEndings:
    """Those of sessions, on one node."""

    def __init__(self, *, log: Log, afterwards: Afterwards, endings: Endings) -> None:
        self._log = log
        self._afterwards = afterwards
        self._endings = endings
        self._reported: dict[str, str] = {}
        """By room: the epoch whose report is known to be kept."""

    async def go_on(self, room: str, head: Head, session: Session, now: int) -> None:
        """What is due in a room whose session has ended. `LogError`: again at the next look."""
        erase_at = session.since if session.erase_at is None else session.erase_at
        self._endings.waits(room, erase_at)
        if now >= erase_at:
            await self.end(room, head, session)
            _log.info("session_erased", seconds=now - erase_at)
        elif self._reported.get(room) != head.epoch:
            await self._report(room, head, session)
            self._reported[room] = head.epoch

    async def end(self, room: str, head: Head, session: Session) -> Head:
        """Keep the report of `session`, whatever the time is, and erase all of it. `LogError`."""
        await self._report(room, head, session)
        await self._endings.erase_belonging(room)
        return await self.erase(room, head)

    async def erase(self, room: str, head: Head) -> Head:
        """Erase what the room has in the epoch of `head`; its new head. `LogError`."""
        self._reported.pop(room, None)
        return await self._endings.erase(room, head)

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
