"""The log in one SQLite file, for one machine and any number of processes on it.

A call is one hop to the writer's thread, which takes its turn among the processes and commits
with `synchronous=FULL` (`writer_sqlite.py`). Reads run beside it (`readers_sqlite.py`).
"""

import json
import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from rooms.body_sql import decode_event
from rooms.database_sqlite import SqliteDatabase
from rooms.events import AnyEvent
from rooms.forgetting_sqlite import CHUNK, blank, reclaim, sweep
from rooms.log import Claim, Draft, Head, Outcome
from rooms.placing import assign, minute, new_epoch, plan, withdrawals
from rooms.rows_sqlite import (
    BEFORE,
    HEADS,
    LAST_BEFORE,
    NAMES,
    SINCE,
    SPENT,
    begin,
    read_head,
    read_kept,
    read_keys,
    read_owned,
    read_standings,
    store,
    store_claims,
)
from rooms.rules_sql import NO_RULES, head_of
from rooms.writer_sqlite import Scrub


class SqliteLog:
    """A `Log` on `database`, which it closes. `clock` gives Unix seconds and is read in any thread."""

    def __init__(self, database: SqliteDatabase, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock

    async def open_room(self, room: str) -> Head:
        head = (await self.heads([room])).get(room)
        if head is None:
            head = await self._database.write(lambda connection: _open_room(connection, room))
        return head

    async def append(self, drafts: Sequence[Draft]) -> list[Outcome]:
        if not drafts:
            return []
        scrub = Scrub.SOON if any(draft.withdraws is not None for draft in drafts) else Scrub.NO
        return await self._database.write(lambda connection: self._append(connection, drafts), scrub)

    def _append(self, connection: sqlite3.Connection, drafts: Sequence[Draft]) -> list[Outcome]:
        at = minute(self._clock())
        standings = read_standings(connection, {draft.event.room for draft in drafts})
        targets = read_kept(connection, standings, withdrawals(drafts))
        known = {
            (name, kept.event.handle, kept.key): seq
            for (name, seq), kept in targets.items()
            if kept.key is not None
        }
        todo = plan(drafts, standings, targets, known, known_all=False, at=at)
        if not todo.doubtful:
            try:
                store(connection, todo)
                return todo.outcomes
            except sqlite3.IntegrityError:  # something was sent twice
                connection.execute("ROLLBACK TO work")
        known = read_keys(connection, standings, drafts)
        todo = plan(drafts, standings, targets, known, known_all=True, at=at)
        store(connection, todo)
        return todo.outcomes

    async def since(self, room: str, epoch: str, after: int, limit: int) -> list[AnyEvent]:
        rows = await self._database.read(SINCE, (room, epoch, after, limit))
        return [decode_event(row) for row in rows]

    async def before(self, room: str, epoch: str, before: int, limit: int) -> list[AnyEvent]:
        rows = await self._database.read(BEFORE, (room, epoch, before, limit))
        return [decode_event(row) for row in reversed(rows)]

    async def heads(self, rooms: Sequence[str]) -> Mapping[str, Head]:
        rows = await self._database.read(HEADS, (json.dumps(list(rooms)),))
        return {name: head_of(rest) for name, *rest in rows}

    async def rooms(self, after: str, limit: int) -> Sequence[str]:
        return [name for (name,) in await self._database.read(NAMES, (after, limit))]

    async def claim(self, claims: Sequence[Claim]) -> list[str | None]:
        return await self._database.write(lambda connection: _claim(connection, claims))

    async def erase(self, room: str) -> Head:
        """As `Log.erase`. What a crash leaves half erased, the next `erase` or `trim` finishes."""
        head = await self._database.write(lambda connection: _erase(connection, room))
        await self._forget(room)
        return head

    async def begin_anew(self, room: str) -> Head:
        return await self._database.write(lambda connection: _begin_anew(connection, room))

    async def trim(self, room: str, before_at: int) -> int:
        """As `Log.trim`, a few thousand events to a transaction: readers may see it half done."""
        head = (await self.heads([room])).get(room)
        if head is None:
            return 0
        rows = await self._database.read(LAST_BEFORE, (room, head.epoch, before_at))
        through: int = rows[0][0] if rows else 0
        count = 0
        for start in range(head.tail, through + 1, CHUNK):
            end = min(start + CHUNK - 1, through)
            count += await self._database.write(partial(_trim, room=room, epoch=head.epoch, through=end))
        if count or await self._database.write(partial(_sweep, room=room)):
            await self._forget(room)
        return count

    async def _forget(self, room: str) -> None:
        """Leave nothing readable of what `erase` and `trim` have put out of the room."""
        while await self._database.write(partial(_sweep, room=room)) == CHUNK:
            pass
        await self._database.write(lambda connection: None, Scrub.NOW)
        while await self._database.write(reclaim):
            pass

    async def spend(self, token: bytes, expires_at: int) -> bool:
        now = int(self._clock())
        return await self._database.write(lambda connection: _spend(connection, token, expires_at, now))

    async def spent(self, token: bytes) -> bool:
        return bool(await self._database.read(SPENT, (token, int(self._clock()))))

    async def close(self) -> None:
        await self._database.close()


# ---- in the writer's thread --------------------------------------------------------------------


def _open_room(connection: sqlite3.Connection, room: str) -> Head:
    begin(connection, room)
    head = read_head(connection, room)
    assert head is not None
    return head


def _claim(connection: sqlite3.Connection, claims: Sequence[Claim]) -> list[str | None]:
    standings = read_standings(connection, {claim.room for claim in claims})
    epochs = {name: room.epoch for name, room in standings.items()}
    handles, new = assign(claims, epochs, *read_owned(connection, standings, claims))
    store_claims(connection, standings, new)
    return handles


def _erase(connection: sqlite3.Connection, room: str) -> Head:
    begin(connection, room)
    standing = read_standings(connection, [room])[room]
    connection.execute("DELETE FROM handles WHERE room_id = ?", (standing.id,))
    connection.execute(
        "UPDATE rooms SET epoch = ?, head = 0, tail = 1, rules_version = 0, rules = ? WHERE id = ?",
        (new_epoch(), NO_RULES, standing.id),
    )
    return _open_room(connection, room)


def _begin_anew(connection: sqlite3.Connection, room: str) -> Head:
    begin(connection, room)
    standing = read_standings(connection, [room])[room]
    old, new = standing.epoch, new_epoch()
    # As long as the old one, so every row stays where it stands (`forgetting_sqlite.py` says why).
    for table in ("events", "handles"):
        sql = f"UPDATE {table} SET epoch = ? WHERE room_id = ? AND epoch = ?"  # noqa: S608  two fixed names
        connection.execute(sql, (new, standing.id, old))
    connection.execute("UPDATE rooms SET epoch = ? WHERE id = ?", (new, standing.id))
    return _open_room(connection, room)


def _sweep(connection: sqlite3.Connection, room: str) -> int:
    return sweep(connection, read_standings(connection, [room])[room])


def _trim(connection: sqlite3.Connection, room: str, epoch: str, through: int) -> int:
    standing = read_standings(connection, [room])[room]
    if standing.epoch != epoch or through < standing.tail:  # erased or trimmed meanwhile
        return 0
    count = blank(connection, standing, through)
    connection.execute("UPDATE rooms SET tail = ? WHERE id = ?", (through + 1, standing.id))
    return count


def _spend(connection: sqlite3.Connection, token: bytes, expires_at: int, now: int) -> bool:
    connection.execute("DELETE FROM spent WHERE expires_at < ?", (now,))
    sql = "INSERT INTO spent (token, expires_at) VALUES (?, ?) ON CONFLICT (token) DO NOTHING"
    return connection.execute(sql, (token, expires_at)).rowcount == 1
