"""Histories, encoded once for all who come to a room at the same place and the same time.

Who joins is shown events up to the head: where they begin and where the head is says which, so an
entry is never wrong, it only ceases to be asked for. Touches nothing.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from chatd.live_room import LiveRoom
from chatd.sink import Format
from rooms.events import AnyEvent

MAX_BYTES: Final = 4 << 20
"""What is kept in all; beyond it the oldest go first."""

_Key = tuple[str, str, Format, int, int]


class Histories:
    """One per node, for all its rooms."""

    def __init__(self) -> None:
        self._encoded: dict[_Key, msgspec.Raw] = {}
        self._bytes = 0

    def encoded(
        self, live: LiveRoom, format_: Format, start: int, older: Sequence[AnyEvent] = ()
    ) -> msgspec.Raw:
        """`older`, then the room's recent events from `start` on, as one encoded list.

        `older` ends just before `start`.
        """
        first = older[0].seq if older else start
        key = (live.name, live.state.epoch, format_, first, live.head)
        raw = self._encoded.get(key)
        if raw is None:
            raw = msgspec.Raw(format_.encode([*older, *live.recent_from(start)]))
            self._keep(key, raw)
        return raw

    def _keep(self, key: _Key, raw: msgspec.Raw) -> None:
        self._bytes += len(raw)
        self._encoded[key] = raw
        while self._bytes > MAX_BYTES:
            oldest = next(iter(self._encoded))
            self._bytes -= len(self._encoded.pop(oldest))
