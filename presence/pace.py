"""Pace: how often a room may speak about its people.

The one reason to exist: the bound on presence frames is stated and kept in one place. Pure.

    a change after a quiet time     is shown settle_s later (0.3 s)
    changes that go on              are shown together, every 0.3 s in a small room, every
                                    1.0 s from about 150 people on
    any 60 seconds                  hold at most BURST + 60 * PER_S = 80 frames, whatever happens
"""

from typing import Final

BURST: Final = 20
"""Frames that may come close together after a quiet time."""

PER_S: Final = 1.0
"""Frames a second that may go on for ever."""

MAX_FRAMES_PER_MINUTE: Final = 80
"""The bound: what one member can be sent in any 60 seconds is BURST + 60 * PER_S."""

WIDEN_PER: Final = 64
"""The interval grows by itself once for every so many people ..."""

WIDEST_S: Final = 1.0
"""... up to this many seconds."""


def interval(shortest_s: float, people: int) -> float:
    """Seconds between two frames about a room that holds `people`."""
    return max(shortest_s, min(WIDEST_S, shortest_s * (1 + people / WIDEN_PER)))


class Pace:
    """One room's allowance: a token bucket of `BURST`, filled at `PER_S`, and the interval."""

    __slots__ = ("_left", "_said_at", "_settle_s")

    def __init__(self, settle_s: float) -> None:
        self._settle_s = settle_s
        self._left = float(BURST)
        self._said_at = float("-inf")

    def due(self, now: float, people: int) -> float:
        """When a change that happened at `now` is to be shown."""
        short = 1.0 - self._left
        refilled = self._said_at + short / PER_S if short > 0 else now
        return max(now + self._settle_s, self._said_at + interval(self._settle_s, people), refilled)

    def said(self, now: float) -> None:
        """A frame went out at `now`."""
        self._left = min(float(BURST), self._left + (now - self._said_at) * PER_S) - 1.0
        self._said_at = now
