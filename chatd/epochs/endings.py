"""The end of a room's epoch, whatever made it due: it is erased, everybody hears it, and it is watched.

    waits    -> something is to be erased at a time; from then on it is late
    erase    -> the key and the rows go, exactly once; this node and the others begin anew
    late_s   -> by how much the oldest is late: what a metric tells, an alert, and `chatd doctor`

Sessions end by their plan (`sessions/endings.py`), ordinary rooms by the calendar (`renewals.py`). An erasure
names the epoch it saw, so the second of two nodes never wipes what has begun since.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from rooms.children import prefix
from rooms.log import Head, Log, LogCorrupt

ROOMS: Final = 100
OVERDUE_S: Final = 300
"""An erasure that is so much later than was said is a fault that somebody must hear of."""


class Endings:
    """`announce(room, head)` tells this node and the others that the room has another epoch."""

    def __init__(self, *, log: Log, announce: Callable[[str, Head], None]) -> None:
        self._log = log
        self._announce = announce
        self._due: dict[str, int] = {}
        """What is to be erased, and when: rooms by their names."""

    # ---- watched -------------------------------------------------------------------------------

    def waits(self, what: str, due_at: int) -> None:
        """`what` is to be erased at `due_at` (Unix seconds). It counts until it is erased, or `settled`."""
        self._due[what] = due_at

    def settled(self, what: str) -> None:
        self._due.pop(what, None)

    def overdue(self, now: int) -> int:
        """How many erasures are late."""
        return sum(now > due_at + OVERDUE_S for due_at in self._due.values())

    def late_s(self, now: int) -> int:
        """For how many seconds the oldest one has been due; 0 where none is."""
        return max(0, now - min(self._due.values(), default=now))

    # ---- done ----------------------------------------------------------------------------------

    async def erase(self, room: str, head: Head, began_at: int | None = None) -> Head:
        """Erase what the room has in the epoch of `head`; its new head. As for `Log.erase`. `LogError`."""
        new = await self._log.erase(room, head.epoch, began_at)
        self.settled(room)
        self._announce(room, new)
        return new

    async def erase_belonging(self, room: str) -> None:
        """Erase the rooms that belong to a session's. `LogError`: `LogCorrupt` when all others are erased."""
        begins, after = prefix(room), prefix(room)
        complete = True
        while names := await self._log.rooms(after, ROOMS):
            ours = [name for name in names if name.startswith(begins)]
            heads, readable = await readable_heads(self._log, ours)
            complete &= readable
            for name, head in heads.items():
                await self.erase(name, head)
            if len(ours) < len(names):
                break
            after = names[-1]
        if not complete:
            raise LogCorrupt(
                "The rules of a room that belongs to a session cannot be read, so it is not erased yet; the "
                "others are. Run the chatd that wrote them, or restore the last backup."
            )


async def readable_heads(log: Log, names: Sequence[str]) -> tuple[Mapping[str, Head], bool]:
    """The heads of these rooms, and whether all could be read: one that is damaged must not keep the others
    waiting. `LogError`."""
    if not names:
        return {}, True
    try:
        return await log.heads(names), True
    except LogCorrupt:
        heads: dict[str, Head] = {}
        for name in names:
            try:
                heads |= await log.heads([name])
            except LogCorrupt:
                continue
        return heads, False
