"""How fast each seat may speak, whatever the number of its windows, and for a while after the last one.

Plain state in memory; the gateway takes from the buckets, `seating.py` counts the windows.
"""

from collections.abc import Callable
from typing import Final

from chatd.connection import Pace
from chatd.settings import Settings

KEEP_PACE_S: Final = 60.0
"""How long a seat's pace outlives its last connection, so that a reload does not refill it."""


class Paces:
    """Those of one node. `clock` is monotonic, in seconds."""

    def __init__(self, settings: Settings, clock: Callable[[], float]) -> None:
        self._settings = settings
        self._clock = clock
        self._paces: dict[tuple[str, str], Pace] = {}
        self._idle: dict[tuple[str, str], float] = {}

    def windows(self, room: str, handle: str) -> int:
        """How many windows this seat has open on this node."""
        pace = self._paces.get((room, handle))
        return pace.windows if pace is not None else 0

    def take(self, room: str, handle: str) -> Pace:
        """The pace of a seat, for one more window of it."""
        pace = self._paces.get((room, handle))
        if pace is None:
            pace = self._paces[room, handle] = Pace(self._settings)
        self._idle.pop((room, handle), None)
        pace.windows += 1
        return pace

    def give_back(self, room: str, handle: str, pace: Pace) -> None:
        """One window less."""
        pace.windows -= 1
        if not pace.windows:
            self._idle[room, handle] = self._clock()

    def of(self, room: str, handle: str) -> Pace:
        """The pace of a seat that may have no window here. It is kept for a while, as after the last one."""
        pace = self.take(room, handle)
        self.give_back(room, handle, pace)
        return pace

    def sweep(self) -> None:
        before = self._clock() - KEEP_PACE_S
        for seat in [seat for seat, since in self._idle.items() if since < before]:
            del self._idle[seat], self._paces[seat]
