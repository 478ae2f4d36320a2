"""The log in one SQLite file, for one machine and any number of processes on it.

A call is one hop to the writer's thread, which takes its turn among the processes and commits
with `synchronous=FULL` (`writer_sqlite.py`). Reads run beside it (`readers_sqlite.py`).
"""

import json
import sqlite3
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from rooms.body_sql import decode_event, unseal
from rooms.database_sqlite import SqliteDatabase
from rooms.events import AnyEvent
from rooms.forgetting_sqlite import CHUNK, blank, reclaim, sweep
from rooms.keystore import Epoch
from rooms.log import Claim, Draft, Head, Outcome
from rooms.placing import Standing, assign, minute, new_epoch, plan, rooms_of, withdrawals
from rooms.rows_sqlite import (
    BEFORE,
    BY,
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
from rooms.sealer import RULES, Box, Boxes, Sealer, is_sealed
from rooms.writer_sqlite import Scrub


class SqliteLog:
    """A `Log` on `database`, which it closes. `clock` gives Unix seconds and is read in any thread.

    With a `sealer` what it keeps is sealed; the caller sees to it that an epoch has a key (`keyed_log.py`).
    """

    def __init__(
        self,
        database: SqliteDatabase,
        clock: Callable[[], float] = time.time,
        sealer: Sealer | None = None,
    ) -> None:
        self._database = database
        self._clock = clock
        self._sealer = sealer

    async def _boxes(self, epochs: Iterable[Epoch]) -> Boxes | None:
        return None if self._sealer is None else await self._sealer.boxes(set(epochs))

    async def _head(self, row: Sequence[Any]) -> Head:
        """From a row of `HEADS`."""
        boxes = await self._boxes([(row[0], row[1])] if is_sealed(row[5]) else [])
        return head_of(row[1:], row[0], boxes)

    async def open_room(self, room: str) -> Head:
        head = (await self.heads([room])).get(room)
        if head is None:
            work = partial(_open_room, room=room, began_at=int(self._clock()))
            head = await self._head(await self._database.write(work))
        return head

    async def append(self, drafts: Sequence[Draft]) -> list[Outcome]:
        if not drafts:
            return []
        scrub = Scrub.SOON if any(draft.withdraws is not None for draft in drafts) else Scrub.NO
        boxes = await self._boxes((draft.event.room, draft.epoch) for draft in drafts)
        return await self._database.write(lambda connection: self._append(connection, drafts, boxes), scrub)

    def _append(
        self, connection: sqlite3.Connection, drafts: Sequence[Draft], boxes: Boxes | None
    ) -> list[Outcome]:
        at = minute(self._clock())
        standings = read_standings(connection, rooms_of(drafts))
        targets = read_kept(connection, standings, withdrawals(drafts), boxes)
        known = {
            (name, kept.event.handle, kept.key): seq
            for (name, seq), kept in targets.items()
            if kept.key is not None
        }
        todo = plan(drafts, standings, targets, known, known_all=False, at=at)
        if not todo.doubtful:
            try:
                store(connection, todo, boxes)
                return todo.outcomes
            except sqlite3.IntegrityError:  # something was sent twice
                connection.execute("ROLLBACK TO work")
        known = read_keys(connection, standings, drafts)
        todo = plan(drafts, standings, targets, known, known_all=True, at=at)
        store(connection, todo, boxes)
        return todo.outcomes

    async def since(self, room: str, epoch: str, after: int, limit: int) -> list[AnyEvent]:
        rows = await self._database.read(SINCE, (room, epoch, after, limit))
        boxes = await self._boxes([(room, epoch)] if rows else [])
        return [decode_event(row, epoch, boxes) for row in rows]

    async def before(self, room: str, epoch: str, before: int, limit: int) -> list[AnyEvent]:
        rows = await self._database.read(BEFORE, (room, epoch, before, limit))
        boxes = await self._boxes([(room, epoch)] if rows else [])
        return [decode_event(row, epoch, boxes) for row in reversed(rows)]

    async def by(self, room: str, epoch: str, handle: str, after: int, limit: int) -> list[AnyEvent]:
        rows = await self._database.read(BY, (room, epoch, handle, after, limit))
        boxes = await self._boxes([(room, epoch)] if rows else [])
        return [decode_event(row, epoch, boxes) for row in rows]

    async def heads(self, rooms: Sequence[str]) -> Mapping[str, Head]:
        rows = await self._database.read(HEADS, (json.dumps(list(rooms)),))
        boxes = await self._boxes((row[0], row[1]) for row in rows if is_sealed(row[5]))
        return {row[0]: head_of(row[1:], row[0], boxes) for row in rows}

    async def rooms(self, after: str, limit: int) -> Sequence[str]:
        return [name for (name,) in await self._database.read(NAMES, (after, limit))]

    async def claim(self, claims: Sequence[Claim]) -> list[str | None]:
        return await self._database.write(lambda connection: _claim(connection, claims))

    async def erase(self, room: str, epoch: str | None = None, began_at: int | None = None) -> Head:
        """As `Log.erase`. What a crash leaves half erased, the next `erase` or `trim` finishes."""
        begun = int(self._clock()) if began_at is None else began_at
        row = await self._database.write(lambda connection: _erase(connection, room, epoch, begun))
        await self._forget(room)
        return await self._head(row)

    async def drop(self, room: str, epoch: str) -> bool:
        return await self._database.write(lambda connection: _drop(connection, room, epoch), Scrub.SOON)

    async def begin_anew(self, room: str) -> Head:
        new = new_epoch()
        old = (await self.open_room(room)).epoch
        box = None if self._sealer is None else await self._sealer.make(room, new)
        boxes = await self._boxes([(room, old)])
        work = partial(_begin_anew, room=room, new=new, box=box, boxes=boxes)
        return await self._head(await self._database.write(work))

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


def _open_room(connection: sqlite3.Connection, room: str, began_at: int) -> tuple[Any, ...]:
    begin(connection, room, began_at)
    return read_head(connection, room)


def _claim(connection: sqlite3.Connection, claims: Sequence[Claim]) -> list[str | None]:
    standings = read_standings(connection, {claim.room for claim in claims})
    epochs = {name: room.epoch for name, room in standings.items()}
    handles, new = assign(claims, epochs, *read_owned(connection, standings, claims))
    store_claims(connection, standings, new)
    return handles


def _erase(connection: sqlite3.Connection, room: str, epoch: str | None, began_at: int) -> tuple[Any, ...]:
    begin(connection, room, began_at)
    standing = read_standings(connection, [room])[room]
    if epoch not in (None, standing.epoch):
        return read_head(connection, room)
    connection.execute("DELETE FROM handles WHERE room_id = ?", (standing.id,))
    connection.execute(
        "UPDATE rooms SET epoch = ?, head = 0, tail = 1, rules_version = 0, rules = ?, began_at = ?"
        " WHERE id = ?",
        (new_epoch(), NO_RULES, began_at, standing.id),
    )
    return read_head(connection, room)


def _drop(connection: sqlite3.Connection, room: str, epoch: str) -> bool:
    standing = read_standings(connection, [room]).get(room)
    if standing is None or standing.epoch != epoch or standing.head:
        return False
    if sweep(connection, standing) == CHUNK:  # its number may be given to another room, but not its events
        return False
    for table, column in (("handles", "room_id"), ("rooms", "id")):
        connection.execute(f"DELETE FROM {table} WHERE {column} = ?", (standing.id,))  # noqa: S608  fixed names
    return True


def _begin_anew(
    connection: sqlite3.Connection, room: str, new: str, box: Box | None, boxes: Boxes | None
) -> tuple[Any, ...]:
    standing = read_standings(connection, [room])[room]
    old = standing.epoch
    if box is not None:
        _seal_anew(connection, room, standing, box, boxes)
    # As long as the old one, so every row stays where it stands (`forgetting_sqlite.py` says why).
    for table in ("events", "handles"):
        sql = f"UPDATE {table} SET epoch = ? WHERE room_id = ? AND epoch = ?"  # noqa: S608  two fixed names
        connection.execute(sql, (new, standing.id, old))
    connection.execute("UPDATE rooms SET epoch = ? WHERE id = ?", (new, standing.id))
    return read_head(connection, room)


def _seal_anew(
    connection: sqlite3.Connection, room: str, standing: Standing, box: Box, boxes: Boxes | None
) -> None:
    """What is sealed for the room's epoch, for another. It is as long as before, so no row moves."""
    where = (standing.id, standing.epoch)
    sql = "SELECT seq, kind, body FROM events WHERE room_id = ? AND epoch = ?"
    sealed = [row for row in connection.execute(sql, where) if is_sealed(row[2])]
    connection.executemany(
        "UPDATE events SET body = ? WHERE room_id = ? AND epoch = ? AND seq = ?",
        (
            (box.seal(seq, kind, unseal(body, (room, standing.epoch, seq, kind), boxes)), *where, seq)
            for seq, kind, body in sealed
        ),
    )
    rules = read_head(connection, room)[5]
    if is_sealed(rules):
        version = standing.rules_version
        plain = unseal(rules, (room, standing.epoch, version, RULES), boxes)
        connection.execute(
            "UPDATE rooms SET rules = ? WHERE id = ?", (box.seal(version, RULES, plain), standing.id)
        )


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
