"""What is kept after sessions, and the interface that keeps it.

    reports    one per session, suppressed; with the exact counts beside it, sealed, until its month is made
    months     one report per calendar month; until it is made, what it will add up of facilitators, sealed
    debriefs   a facilitator's own words, sealed for that facilitator

What is sealed is bytes here: `chatd/sessions/sealing.py` has the keys. What was kept first stands: neither a
report nor a month is ever made again from more data, or the difference would tell what came in between.
"""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from rooms.report import Programme, Report


class Debrief(NamedTuple):
    """One debrief at rest. `owner` and `slot` are 16 bytes each, keyed hashes of the facilitator, and of the
    facilitator and the session; so nothing here says which session it is of."""

    owner: bytes
    slot: bytes
    expires_at: int
    """Unix seconds; the beginning of a month, so that it dates nothing more finely."""
    body: bytes


class Reports(Protocol):
    """Guarantees: what a write returned from is durable and seen by every process that shares the store; each
    call is one whole step. Everything raises `LogError` where the store is away."""

    async def add(self, room: str, report: Report, month: str, sealed: bytes) -> bool:
        """Keep the report of `report.occurrence`; False, and nothing is changed, where there is one."""
        ...

    async def get(self, room: str, occurrence: str) -> Report | None: ...

    async def list(self, room: str, limit: int) -> Sequence[Report]:
        """The latest sessions of a series, the last one first."""
        ...

    async def sealed(self, month: str) -> Sequence[tuple[str, bytes]]:
        """(series, sealed counts) of the month's sessions, as long as there are some."""
        ...

    async def open_months(self) -> Sequence[str]:
        """Months that have sealed figures, oldest first: those that are to be made."""
        ...

    async def make_month(self, programme: Programme) -> Programme:
        """Keep the month and let go of every sealed figure of it. What was kept first is what counts: that is
        returned."""
        ...

    async def month(self, month: str) -> Programme | None: ...

    async def months(self, limit: int) -> Sequence[str]:
        """Months that were made, the last one first."""
        ...

    async def tally(self, month: str) -> bytes | None:
        """What the month will add up of facilitators, sealed; None where there is nothing of it."""
        ...

    async def swap_tally(self, month: str, old: bytes | None, new: bytes) -> bool:
        """Put `new` in the place of `old`; False where another one is there, or the month is made."""
        ...

    async def put_debrief(self, debrief: Debrief) -> None:
        """Keep it, in the place of the one with its slot."""
        ...

    async def debriefs(self, owner: bytes, limit: int) -> Sequence[Debrief]:
        """Those of one owner, in no order that means anything."""
        ...

    async def drop_debrief(self, owner: bytes, slot: bytes) -> bool:
        """Forget one; whether there was one."""
        ...

    async def forget(self, now: int, before: str) -> int:
        """Let go of debriefs that expire by `now` (Unix seconds), of reports and months of months before
        `before`, and of sealed figures of months that are made. How many rows went or changed."""
        ...
