"""Histories, encoded once for all who come to a room at the same place and the same time.

Who joins is shown events up to the head: where they begin, where the head is, and how many were taken
back until then says which, so an entry is never wrong, it only ceases to be asked for; a room's entries
go as soon as something in it was taken back. Touches nothing.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from chatd.live_room import LiveRoom
from chatd.sink import Format
from rooms.events import AnyEvent

MAX_BYTES: Final = 4 << 20
"""What is kept in all; beyond it the oldest go first."""

ENTRY_BYTES: Final = 512
"""About what an entry costs besides its text: most are empty."""

_Key = tuple[str, str, Format, int, int]


class Histories:
    """One per node, for all its rooms."""

    def __init__(self) -> None:
        self._encoded: dict[_Key, msgspec.Raw] = {}
        self._bytes = 0
        self._withdrawn: dict[str, int] = {}
        """How much had been taken back in each room when its first entry was kept."""

    def encoded(
        self, live: LiveRoom, format_: Format, start: int, older: Sequence[AnyEvent] = ()
    ) -> msgspec.Raw:
        """`older`, then the room's recent events from `start` on, as one encoded list.

        `older` ends just before `start`.
        """
        if self._withdrawn.get(live.name, live.withdrawn) != live.withdrawn:
            self.forget(live.name)
        first = older[0].seq if older else start
        key = (live.name, live.state.epoch, format_, first, live.head)
        raw = self._encoded.get(key)
        if raw is None:
            raw = msgspec.Raw(format_.encode([*older, *live.recent_from(start)]))
            self._withdrawn[live.name] = live.withdrawn
            self._keep(key, raw)
        return raw

    def forget(self, room: str) -> None:
        """What was withdrawn, erased or trimmed does not stay in memory either."""
        self._withdrawn.pop(room, None)
        for key in [key for key in self._encoded if key[0] == room]:
            self._drop(key)

    def _keep(self, key: _Key, raw: msgspec.Raw) -> None:
        self._bytes += len(raw) + ENTRY_BYTES
        self._encoded[key] = raw
        while self._bytes > MAX_BYTES:
            self._drop(next(iter(self._encoded)))

    def _drop(self, key: _Key) -> None:
        self._bytes -= len(self._encoded.pop(key)) + ENTRY_BYTES
