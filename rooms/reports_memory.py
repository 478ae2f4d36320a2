"""What is kept after sessions, in this process's memory: for tests, and for trying out."""

from collections.abc import Sequence

from rooms.report import Programme, Report
from rooms.reports import Debrief


class MemoryReports:
    """A `Reports`."""

    def __init__(self) -> None:
        self._reports: dict[tuple[str, str], tuple[str, Report]] = {}
        self._sealed: dict[tuple[str, str], bytes] = {}
        self._months: dict[str, Programme] = {}
        self._tallies: dict[str, bytes] = {}
        self._debriefs: dict[bytes, Debrief] = {}

    async def add(self, room: str, report: Report, month: str, sealed: bytes) -> bool:
        key = (room, report.occurrence)
        if key in self._reports:
            return False
        self._reports[key] = (month, report)
        if month not in self._months:
            self._sealed[key] = sealed
        return True

    async def get(self, room: str, occurrence: str) -> Report | None:
        kept = self._reports.get((room, occurrence))
        return None if kept is None else kept[1]

    async def list(self, room: str, limit: int) -> Sequence[Report]:
        of_room = [report for (name, _), (_, report) in self._reports.items() if name == room]
        return sorted(of_room, key=lambda report: report.occurrence, reverse=True)[:limit]

    async def sealed(self, month: str) -> Sequence[tuple[str, bytes]]:
        return [(key[0], sealed) for key, sealed in sorted(self._sealed.items()) if self._month(key) == month]

    async def open_months(self) -> Sequence[str]:
        return sorted({*map(self._month, self._sealed), *self._tallies})

    async def make_month(self, programme: Programme) -> Programme:
        made = self._months.setdefault(programme.month, programme)
        self._let_go(programme.month)
        return made

    async def month(self, month: str) -> Programme | None:
        return self._months.get(month)

    async def months(self, limit: int) -> Sequence[str]:
        return sorted(self._months, reverse=True)[:limit]

    async def tally(self, month: str) -> bytes | None:
        return self._tallies.get(month)

    async def swap_tally(self, month: str, old: bytes | None, new: bytes) -> bool:
        if month in self._months or self._tallies.get(month) != old:
            return False
        self._tallies[month] = new
        return True

    async def put_debrief(self, debrief: Debrief) -> None:
        self._debriefs[debrief.slot] = debrief

    async def debriefs(self, owner: bytes, limit: int) -> Sequence[Debrief]:
        return [each for each in self._debriefs.values() if each.owner == owner][:limit]

    async def drop_debrief(self, owner: bytes, slot: bytes) -> bool:
        kept = self._debriefs.get(slot)
        if kept is None or kept.owner != owner:
            return False
        del self._debriefs[slot]
        return True

    async def forget(self, now: int, before: str) -> int:
        old_debriefs = [slot for slot, each in self._debriefs.items() if each.expires_at <= now]
        old_reports = [key for key, (month, _) in self._reports.items() if month < before]
        old_months = [month for month in {*self._months, *self._tallies} if month < before]
        for slot in old_debriefs:
            del self._debriefs[slot]
        count = 0
        for key in old_reports:
            del self._reports[key]
            self._sealed.pop(key, None)
        for month in old_months:
            self._months.pop(month, None)
            self._tallies.pop(month, None)
        for month in self._months:
            count += self._let_go(month)
        return len(old_debriefs) + len(old_reports) + len(old_months) + count

    def _month(self, key: tuple[str, str]) -> str:
        return self._reports[key][0]

    def _let_go(self, month: str) -> int:
        of_month = [key for key in self._sealed if self._month(key) == month]
        for key in of_month:
            del self._sealed[key]
        return len(of_month) + (self._tallies.pop(month, None) is not None)
