"""Ordinary rooms begin anew by the calendar: on every node, exactly once, also where nobody was there.

    look     about once a second: has a period ended since the last look? then every room is looked at
    is_over  at the door: nobody gets into an epoch that ought to have ended
    renew    the epoch ends (`endings.py`), and the next one begins at this moment

Nobody is in charge. What is due follows from the calendar (`rooms/periods.py`) and from when an epoch began,
which the log keeps; an erasure names the epoch it saw. So what several nodes do at once is done once, and
what no node did, because none was there, the first that comes does. Who is in the room is brought along
(`moving.py`). Touches the log and the catalog.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from chatd import logs
from chatd.epochs.endings import Endings, readable_heads
from chatd.metrics import Metrics
from chatd.steady import SteadyClock
from rooms.catalog import Catalog, RoomSpec
from rooms.children import belongs
from rooms.log import Head, Log, LogError
from rooms.periods import RENEW_DAYS, Periods, days_of
from rooms.state import RoomState

_log = logs.get("rooms")

LOOK_S: Final = 1.0
SCAN_S: Final = 60.0
"""How often every room is looked at although no period has ended: another server may have restored a backup,
and what could not be written is tried again."""
RETRY_S: Final = 5.0
"""How soon all rooms are looked at again where not all could be."""
ROOMS: Final = 500
"""Rooms asked for at a time."""
EARLY_S: Final = 60
"""So much before the end of a period an erasure counts as its end: clocks differ, and another's was ahead."""
ALL: Final = " all rooms"
"""What waits where nobody could look. No room is called so."""


class Renewals:
    """Those of one node. `wall` says Unix seconds, `clock` is monotonic; `live()` names the rooms that have
    members here: they come first."""

    def __init__(
        self,
        *,
        log: Log,
        catalog: Catalog,
        endings: Endings,
        periods: Periods,
        live: Callable[[], Mapping[str, object]],
        metrics: Metrics,
        wall: Callable[[], float],
        clock: Callable[[], float],
    ) -> None:
        self._log = log
        self._catalog = catalog
        self._endings = endings
        self._periods = periods
        self._live = live
        self._metrics = metrics
        self._wall = wall
        self._clock = clock
        self._scanned_at = float("-inf")
        self._period = 0
        """When the day began that all rooms were last looked at in."""
        self._due: set[str] = set()
        self._failing = False

    # ---- one room ------------------------------------------------------------------------------

    def is_over(self, spec: RoomSpec, state: RoomState, ahead_s: float = 0.0) -> bool:
        """Whether the room's epoch ought to have ended, or to end within `ahead_s`."""
        now = self._wall()
        if state.rules.session is not None or self._in_doubt():
            return False
        return self._periods.is_over(days_of(spec), state.began_at, now + ahead_s)

    def anew_in_s(self, spec: RoomSpec, state: RoomState) -> int | None:
        """In how many seconds the room begins anew; None where it never does."""
        days = days_of(spec)
        if not days or state.rules.session is not None:
            return None
        now = self._wall()
        return max(1, int(self._periods.ends_at(days, now) - now))

    def _in_doubt(self) -> bool:
        """Whether the system's clock has jumped and is not believed yet. To a machine that slept, what others
        have begun meanwhile lies ahead until then, and would be over."""
        return isinstance(self._wall, SteadyClock) and self._wall.doubted_s != 0

    async def renew(self, room: str, epoch: str) -> None:
        """End this epoch of the room now, unless it has ended. `LogError`."""
        head = (await self._log.heads([room])).get(room)
        if head is not None and head.epoch == epoch:
            await self._renew(room, head, int(self._wall()))

    async def _renew(self, room: str, head: Head, now: int) -> None:
        await self._endings.erase(room, head, now)

    # ---- all rooms -----------------------------------------------------------------------------

    async def run(self) -> None:
        """Look, until cancelled. One task for the life of the node."""
        while True:
            await self.look()
            await asyncio.sleep(LOOK_S)

    async def look(self) -> None:
        """End what is due. Where the store is away, the rest is done at the next look."""
        now, clock = int(self._wall()), self._clock()
        period = self._periods.begins_at(1, now)
        soon = period != self._period and (not self._failing or clock - self._scanned_at >= RETRY_S)
        if not self._in_doubt() and (soon or clock - self._scanned_at >= SCAN_S):
            try:
                seen = await self._scan(now)
            except LogError:
                seen = False
            if seen:
                self._endings.settled(ALL)
            elif period != self._period:
                # Nobody could look everywhere: what is late is not known, only since when it may be.
                self._endings.waits(ALL, period)
            failed = not seen or bool(self._due)
            if failed != self._failing:
                self._failing = failed
                _log.warning("renewals_wait_for_the_log" if failed else "renewals_go_on")
            self._scanned_at = clock
            if not failed:
                self._period = period
        now = int(self._wall())
        self._metrics.erasures_overdue.set(self._endings.overdue(now))
        self._metrics.erasure_late_s.set(self._endings.late_s(now))

    async def _scan(self, now: int) -> bool:
        """Look at every room, and end what is due. False where not all could be looked at. `LogError`."""
        days = {spec.name: days_of(spec) for spec in await self._catalog.list()}
        found, self._due = self._due, set()
        complete = await self._look_at(sorted(self._live()), days, now)
        after = ""
        while names := await self._log.rooms(after, ROOMS):
            complete &= await self._look_at(names, days, now)
            after = names[-1]
        for room in found - self._due:
            self._endings.settled(room)  # another node has ended it, or it was given longer
        return complete

    async def _look_at(self, names: Sequence[str], days: Mapping[str, int], now: int) -> bool:
        own = [name for name in names if not belongs(name)]
        heads, complete = await readable_heads(self._log, own)
        for room, head in heads.items():
            every = days.get(room, RENEW_DAYS["drop-in"])
            if head.rules.session is not None or not self._periods.is_over(every, head.began_at, now):
                continue
            self._due.add(room)
            self._endings.waits(room, self._periods.due_at(every, head.began_at, now))
            try:
                await self._renew(room, head, now)
                self._due.discard(room)
            except LogError:
                pass  # it stays due
            await asyncio.sleep(0)
        return complete
