"""What happens after a session: its report is kept, months are made, what is old is forgotten.

    keep   at the close, once for all nodes      month   when a month is over, once for ever
    tidy   now and then: months that are due, and what has been kept for long enough

Talks to the store of reports; seals and opens (`sealing.py`). Debriefs are in `debriefs.py`. Time is Unix
seconds, from `clock`.
"""

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Final

import msgspec

from chatd.sessions.sealing import counts_seal
from rooms.events import AnyEvent
from rooms.report import Counts, Programme, counts_of, programme_of, report_of
from rooms.reports import Reports
from rooms.session import Session
from rooms.suppression import month_of

SETTLE_S: Final = 3 * 24 * 3600
"""How long after its end a month is made: late sessions, and debriefs that are written a day later."""


class Tally(msgspec.Struct, frozen=True):
    """Facilitators who wrote debriefs of a month's sessions, and those among them who had a heavy one; each
    by a mark of this month (`sealing.Owner.mark_of`). Sealed, and gone when the month is made."""

    wrote: frozenset[bytes] = frozenset()
    heavy: frozenset[bytes] = frozenset()


class Afterwards:
    """`report_months`: how many months a report is kept."""

    def __init__(
        self,
        reports: Reports,
        secret: bytes,
        *,
        report_months: int,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.reports = reports
        self._sealed = counts_seal(secret)
        self._report_months = report_months
        self._clock = clock

    async def keep(self, room: str, events: Sequence[AnyEvent], session: Session) -> bool:
        """Keep the report of `session` from its room's whole log; False where one is kept already.

        Call it when the session has closed, and again before the log is erased: the first one stands.
        `LogError`: nothing was kept; try again. `ValueError` where it is no occurrence of a series.
        """
        starts_at(session.occurrence)
        month = month_of(session.occurrence)
        counts = msgspec.json.encode(counts_of(events, session))
        place = _place(room, month)
        return await self.reports.add(
            room, report_of(events, session), month, self._sealed.seal(counts, place)
        )

    async def month(self, month: str) -> Programme | None:
        """The report of a month; None where there is none yet, or none any more."""
        made = await self.reports.month(month)
        if made is not None or self._clock() < due_at(month):
            return made
        if month in await self.reports.open_months():
            return await self._make(month)
        return None

    async def tidy(self) -> None:
        """Make the months that are due, then forget what was kept for long enough. `LogError`."""
        now = self._clock()
        for month in await self.reports.open_months():
            if due_at(month) <= now:
                await self._make(month)
        await self.reports.forget(int(now), month_from(now, -self._report_months))

    async def _make(self, month: str) -> Programme:
        sessions: list[tuple[str, Counts]] = []
        incomplete = False
        for room, sealed in await self.reports.sealed(month):
            opened = self._sealed.open(sealed, _place(room, month))
            if opened is None:  # sealed under the secret of before a restore
                incomplete = True
            else:
                sessions.append((room, msgspec.json.decode(opened, type=Counts)))
        raw = await self.reports.tally(month)
        tally = Tally() if raw is None else self.read_tally(month, raw)
        programme = programme_of(
            month,
            sessions,
            heavy=len(tally.heavy) if tally else 0,
            not_heavy=len(tally.wrote - tally.heavy) if tally else 0,
            incomplete=incomplete or tally is None,
        )
        return await self.reports.make_month(programme)

    # ---- the month's tally of facilitators -------------------------------------------------------

    def read_tally(self, month: str, sealed: bytes) -> Tally | None:
        """None where it was sealed under another secret."""
        opened = self._sealed.open(sealed, _place("", month))
        return None if opened is None else msgspec.json.decode(opened, type=Tally)

    async def count(self, month: str, mark: bytes, *, wrote: bool, heavy: bool) -> None:
        """Say of one facilitator whether there is a debrief of this month, and a heavy one. Of a month that
        is made, nothing changes."""
        while await self.reports.month(month) is None:
            raw = await self.reports.tally(month)
            tally = (None if raw is None else self.read_tally(month, raw)) or Tally()
            changed = Tally(
                tally.wrote | {mark} if wrote else tally.wrote - {mark},
                tally.heavy | {mark} if heavy else tally.heavy - {mark},
            )
            sealed = self._sealed.seal(msgspec.json.encode(changed), _place("", month))
            if await self.reports.swap_tally(month, raw, sealed):
                return


# ---- months ------------------------------------------------------------------------------------


def starts_at(occurrence: str) -> int:
    """Unix seconds of the planned start. `ValueError` where it is none."""
    return int(datetime.strptime(occurrence, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp())


def month_from(at: float, months: int) -> str:
    """The month that is `months` after the one with `at` (Unix seconds) in it."""
    now = datetime.fromtimestamp(at, UTC)
    year, month = divmod(now.year * 12 + now.month - 1 + months, 12)
    return f"{year:04}-{month + 1:02}"


def begins_at(month: str) -> int:
    """Unix seconds of the month's first moment, in UTC."""
    return int(datetime.strptime(month, "%Y-%m").replace(tzinfo=UTC).timestamp())


def due_at(month: str) -> int:
    """From when the month is made."""
    return begins_at(month_from(begins_at(month), 1)) + SETTLE_S


def _place(room: str, month: str) -> bytes:
    return f"{room}\0{month}".encode()
