"""Peers: what this node knows of one other node besides whom it holds. Plain bookkeeping, pure.

Report   what the node last said of a room: how many, at which version
Copy     how far this node's copy of a watched room's people goes
Peer     both for all rooms, and the node's lease
"""

from collections import OrderedDict

import msgspec

MAX_ROOMS = 20_000
"""Rooms of one peer that are counted; further ones are not in the lobby's bands."""


class Report(msgspec.Struct, frozen=True, gc=False):
    count: int
    version: int
    heard_at: float


class Copy:
    """Stands at `version` (-1: has nothing yet); the peer is known to be at `wanted`. `sure` is
    False where the bus may have lost something since."""

    __slots__ = ("asked_at", "sure", "version", "wanted")

    def __init__(self, asked_at: float = float("-inf")) -> None:
        self.asked_at = asked_at
        self.version = -1
        self.wanted = -1
        self.sure = False

    @property
    def stale(self) -> bool:
        return self.wanted > self.version or not self.sure


class Peer:
    __slots__ = ("copies", "gone", "lease_until", "reports")

    def __init__(self, lease_until: float) -> None:
        self.lease_until = lease_until
        self.gone = False
        """It said goodbye; nothing it says counts any more."""
        self.copies: dict[str, Copy] = {}
        self.reports: OrderedDict[str, Report] = OrderedDict()
        """The one heard longest ago comes first."""

    def heard(self, room: str, count: int, version: int, now: float) -> bool:
        """Take down that the peer holds `count` in `room`. False for an older word than we have."""
        known = self.reports.get(room)
        if known is None:
            if len(self.reports) >= MAX_ROOMS:
                return True
        elif version < known.version:
            return False
        self.reports[room] = Report(count, version, now)
        self.reports.move_to_end(room)
        return True

    def unheard(self, since: float) -> list[str]:
        """Take out the rooms of which nothing was heard since then, and name them."""
        silent: list[str] = []
        while self.reports:
            room, report = next(iter(self.reports.items()))
            if report.heard_at >= since:
                break
            del self.reports[room]
            silent.append(room)
        return silent
