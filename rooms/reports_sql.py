"""What is kept after sessions, in the store's own database: the same statements for SQLite and PostgreSQL.

Touches the tables `reports`, `months` and `debriefs`, through the database that the log opened. Each call is
one statement, so each is one transaction; where two are needed, the second only lets go of what the first
made void, and `forget` does it again after a crash between them.
"""

from collections.abc import Sequence
from typing import Any, TypeVar

import msgspec

from rooms.catalog_sql import Database
from rooms.log import LogCorrupt
from rooms.report import Programme, Report
from rooms.reports import Debrief

_encode = msgspec.json.Encoder().encode
_report = msgspec.json.Decoder(Report)
_programme = msgspec.json.Decoder(Programme)

T = TypeVar("T", Report, Programme)


class SqlReports:
    """A `Reports` on `database`, which belongs to the log and is closed by it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, room: str, report: Report, month: str, sealed: bytes) -> bool:
        sql = """INSERT INTO reports (room, occurrence, month, report, sealed) VALUES ($1, $2, $3, $4, $5)
            ON CONFLICT (room, occurrence) DO NOTHING"""
        values = {"1": room, "2": report.occurrence, "3": month, "4": _encode(report), "5": sealed}
        added = await self._database.execute(sql, values) == 1
        if added:  # of a month that was made already, nothing will be added up
            await self._database.execute(f"{_LET_GO} AND month = $1", {"1": month})
        return added

    async def get(self, room: str, occurrence: str) -> Report | None:
        sql = "SELECT report FROM reports WHERE room = $1 AND occurrence = $2"
        rows = await self._database.read(sql, {"1": room, "2": occurrence})
        return _read(_report, rows[0][0]) if rows else None

    async def list(self, room: str, limit: int) -> Sequence[Report]:
        sql = "SELECT report FROM reports WHERE room = $1 ORDER BY occurrence DESC LIMIT $2"
        rows = await self._database.read(sql, {"1": room, "2": limit})
        return [_read(_report, report) for (report,) in rows]

    async def sealed(self, month: str) -> Sequence[tuple[str, bytes]]:
        sql = """SELECT room, sealed FROM reports WHERE month = $1 AND sealed IS NOT NULL
            ORDER BY room, occurrence"""
        return [(room, bytes(sealed)) for room, sealed in await self._database.read(sql, {"1": month})]

    async def open_months(self) -> Sequence[str]:
        sql = """SELECT month FROM reports WHERE sealed IS NOT NULL
            UNION SELECT month FROM months WHERE tally IS NOT NULL ORDER BY month"""
        return [month for (month,) in await self._database.read(sql, {})]

    async def make_month(self, programme: Programme) -> Programme:
        sql = """INSERT INTO months (month, programme, tally) VALUES ($1, $2, NULL)
            ON CONFLICT (month) DO UPDATE SET programme = excluded.programme, tally = NULL
            WHERE months.programme IS NULL"""
        await self._database.execute(sql, {"1": programme.month, "2": _encode(programme)})
        await self._database.execute(f"{_LET_GO} AND month = $1", {"1": programme.month})
        made = await self.month(programme.month)
        return programme if made is None else made

    async def month(self, month: str) -> Programme | None:
        sql = "SELECT programme FROM months WHERE month = $1 AND programme IS NOT NULL"
        rows = await self._database.read(sql, {"1": month})
        return _read(_programme, rows[0][0]) if rows else None

    async def months(self, limit: int) -> Sequence[str]:
        sql = "SELECT month FROM months WHERE programme IS NOT NULL ORDER BY month DESC LIMIT $1"
        return [month for (month,) in await self._database.read(sql, {"1": limit})]

    async def tally(self, month: str) -> bytes | None:
        sql = "SELECT tally FROM months WHERE month = $1 AND tally IS NOT NULL"
        rows = await self._database.read(sql, {"1": month})
        return bytes(rows[0][0]) if rows else None

    async def swap_tally(self, month: str, old: bytes | None, new: bytes) -> bool:
        if old is None:
            sql = """INSERT INTO months (month, programme, tally) VALUES ($1, NULL, $2)
                ON CONFLICT (month) DO NOTHING"""
            return await self._database.execute(sql, {"1": month, "2": new}) == 1
        sql = "UPDATE months SET tally = $3 WHERE month = $1 AND tally = $2"
        return await self._database.execute(sql, {"1": month, "2": old, "3": new}) == 1

    async def put_debrief(self, debrief: Debrief) -> None:
        sql = """INSERT INTO debriefs (owner, slot, expires_at, body) VALUES ($1, $2, $3, $4)
            ON CONFLICT (slot) DO UPDATE SET body = excluded.body, expires_at = excluded.expires_at"""
        values = {"1": debrief.owner, "2": debrief.slot, "3": debrief.expires_at, "4": debrief.body}
        await self._database.execute(sql, values)

    async def debriefs(self, owner: bytes, limit: int) -> Sequence[Debrief]:
        sql = "SELECT owner, slot, expires_at, body FROM debriefs WHERE owner = $1 ORDER BY slot LIMIT $2"
        rows = await self._database.read(sql, {"1": owner, "2": limit})
        return [Debrief(bytes(whose), bytes(slot), until, bytes(body)) for whose, slot, until, body in rows]

    async def drop_debrief(self, owner: bytes, slot: bytes) -> bool:
        sql = "DELETE FROM debriefs WHERE owner = $1 AND slot = $2"
        return await self._database.execute(sql, {"1": owner, "2": slot}) == 1

    async def forget(self, now: int, before: str) -> int:
        steps: tuple[tuple[str, dict[str, Any]], ...] = (
            ("DELETE FROM debriefs WHERE expires_at <= $1", {"1": now}),
            ("DELETE FROM reports WHERE month < $1", {"1": before}),
            ("DELETE FROM months WHERE month < $1", {"1": before}),
            (_LET_GO, {}),
        )
        return sum([await self._database.execute(sql, values) for sql, values in steps])


_LET_GO = """UPDATE reports SET sealed = NULL WHERE sealed IS NOT NULL
    AND month IN (SELECT month FROM months WHERE programme IS NOT NULL)"""


def _read(decoder: msgspec.json.Decoder[T], raw: bytes) -> T:
    try:
        return decoder.decode(raw)
    except msgspec.DecodeError:
        raise LogCorrupt(
            "The store holds a report that this program cannot read: it was damaged, or written by a newer "
            "chatd. Run that version, or restore the last backup."
        ) from None
