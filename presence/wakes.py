"""Wakes: what is due when, for things that are nearly all asleep.

The one reason to exist: a replica with 5,000 quiet rooms must cost nothing. Who wants to be
woken says so under a key; asking what is due next looks at one place of a heap. Pure: time
comes in as an argument.
"""

from heapq import heapify, heappop, heappush
from typing import TypeAlias

Key: TypeAlias = tuple[str, ...]


class Wakes:
    """A heap of (when, key) with at most one wake per key that counts.

    Bounded by twice the number of keys: entries that no longer count are swept out.
    """

    __slots__ = ("_at", "_heap")

    def __init__(self) -> None:
        self._at: dict[Key, float] = {}
        self._heap: list[tuple[float, Key]] = []

    def at(self, key: Key, when: float) -> None:
        """Wake `key` at `when`, or earlier where that is asked already."""
        known = self._at.get(key)
        if known is not None and known <= when:
            return
        self._at[key] = when
        if len(self._heap) > 2 * len(self._at) + 64:
            self._heap = [(due, asleep) for asleep, due in self._at.items()]
            heapify(self._heap)
        else:
            heappush(self._heap, (when, key))

    def drop(self, key: Key) -> None:
        """Do not wake `key`; nothing where nobody asked."""
        self._at.pop(key, None)

    def due(self) -> float | None:
        """When the next one is due; None where all sleep for good."""
        while self._heap:
            when, key = self._heap[0]
            if self._at.get(key) == when:
                return when
            heappop(self._heap)
        return None

    def pop(self, now: float) -> Key | None:
        """One key that is due by `now`, the most overdue first; it sleeps from now on."""
        when = self.due()
        if when is None or when > now:
            return None
        _, key = heappop(self._heap)
        del self._at[key]
        return key
