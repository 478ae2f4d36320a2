"""The time of day, for what happens by the clock: as the system says it, but never in jumps.

    wall = SteadyClock()
    now = wall()          Unix seconds; ask about once a second

A system clock that is set wrongly for a moment must not close a session and erase what was said in it. So
time goes on at the pace of the monotonic clock, follows what a time service corrects bit by bit, and believes
a jump only when it has stood for a while. Reads two clocks, and nothing else.
"""

import time
from collections.abc import Callable
from typing import Final

NEAR_S: Final = 2.0
"""What the system's clock is off by is followed at once up to here, and is a jump beyond."""
BELIEVE_S: Final = 30.0
"""How long a jump has to stand. A machine that slept wakes up with one, and it is right."""


class SteadyClock:
    """Called, it says Unix seconds. `wall` and `monotonic` are the system's clocks."""

    def __init__(
        self, wall: Callable[[], float] = time.time, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._wall = wall
        self._monotonic = monotonic
        self._ahead = wall() - monotonic()
        """By how much the time of day is ahead of the monotonic clock, as far as it is believed."""
        self._jump = 0.0
        self._jumped_at = 0.0

    @property
    def doubted_s(self) -> float:
        """By how much the system's clock has jumped, while that is not believed yet; otherwise 0."""
        return self._jump

    def __call__(self) -> float:
        steady = self._monotonic()
        jump = self._wall() - steady - self._ahead
        if abs(jump) > NEAR_S:
            if abs(jump - self._jump) > NEAR_S:  # another one than the one that is watched
                self._jump, self._jumped_at = jump, steady
            if steady - self._jumped_at < BELIEVE_S:
                return steady + self._ahead
        self._ahead += jump
        self._jump = 0.0
        return steady + self._ahead
