"""The log in PostgreSQL, for several machines.

A call is one transaction, which first locks the rooms it is about, always in the order of their
ids: so two calls for one room follow each other, and no two calls wait for each other. Commits are
durable (`synchronous_commit`). Old text is deleted and overwritten, but what PostgreSQL keeps in
dead rows until a vacuum, in its own write-ahead log and in its backups is the operator's to bound.
"""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rooms.body_sql import decode_event, kind_of, seal_body, unseal
from rooms.database_postgres import PostgresDatabase, changed
from rooms.events import AnyEvent
from rooms.keystore import Epoch
from rooms.log import Claim, Draft, Head, Outcome
from rooms.placing import (
    Kept,
    Key,
    Owner,
    Place,
    Placed,
    Plan,
    Standing,
    assign,
    digest_of,
    minute,
    new_epoch,
    plan,
    rooms_of,
    withdrawals,
)
from rooms.rules_sql import NO_RULES, head_of, seal_rules
from rooms.sealer import RULES, Box, Boxes, Sealer, is_sealed

if TYPE_CHECKING:
    from rooms.database_postgres import Connection

_HEADS = """
    SELECT name, epoch, head, tail, rules_version, rules, began_at FROM rooms WHERE name = ANY($1::text[])
"""

_NAMES = 'SELECT name FROM rooms WHERE name COLLATE "C" > $1 ORDER BY name COLLATE "C" LIMIT $2'

_SPENT = "SELECT 1 FROM spent WHERE token = $1 AND expires_at >= $2"

_BEGIN = """
    INSERT INTO rooms (name, epoch, head, tail, rules_version, rules, began_at)
    VALUES ($1, $2, 0, 1, 0, $3, $4)
    ON CONFLICT (name) DO NOTHING
"""

_BEGIN_AGAIN = """
    UPDATE rooms SET epoch = $2, head = 0, tail = 1, rules_version = 0, rules = $3, began_at = $4
    WHERE id = $1
"""

_LOCK = """
    SELECT name, id, epoch, head, tail, rules_version FROM rooms WHERE name = ANY($1::text[])
    ORDER BY id FOR UPDATE
"""

_KEPT = """
    SELECT r.name, e.seq, e.at, e.kind, e.handle, e.body, e.key
    FROM unnest($1::text[], $2::bigint[]) AS asked (name, seq)
    JOIN rooms r ON r.name = asked.name
    JOIN events e ON e.room_id = r.id AND e.epoch = r.epoch AND e.seq = asked.seq
"""

_KEYS = """
    SELECT r.name, e.handle, e.key, e.seq
    FROM unnest($1::text[], $2::text[], $3::bytea[]) AS asked (name, handle, key)
    JOIN rooms r ON r.name = asked.name
    JOIN events e ON e.room_id = r.id AND e.epoch = r.epoch AND e.handle = asked.handle
        AND e.key = asked.key AND e.key IS NOT NULL
"""

_OVERWRITE = """
    UPDATE events e SET key = new.key, body = new.body
    FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::bytea[], $5::bytea[])
        AS new (room_id, epoch, seq, key, body)
    WHERE e.room_id = new.room_id AND e.epoch = new.epoch AND e.seq = new.seq
"""

_INSERT = """
    INSERT INTO events (room_id, epoch, seq, key, body, at, kind, handle)
    SELECT * FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::bytea[], $5::bytea[],
        $6::bigint[], $7::text[], $8::text[])
    ON CONFLICT (key, handle) WHERE key IS NOT NULL DO NOTHING
"""

_ADVANCE = """
    UPDATE rooms r SET head = new.head, rules_version = new.version, rules = coalesce(new.rules, r.rules)
    FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bytea[]) AS new (id, head, version, rules)
    WHERE r.id = new.id
"""

_EVENTS = """
    SELECT r.name, e.seq, e.at, e.kind, e.handle, e.body FROM rooms r
    JOIN events e ON e.room_id = r.id AND e.epoch = r.epoch
    WHERE r.name = $1 AND r.epoch = $2
"""

_SINCE = f"{_EVENTS} AND e.seq > $3 ORDER BY e.seq LIMIT $4"
_BEFORE = f"{_EVENTS} AND e.seq < $3 ORDER BY e.seq DESC LIMIT $4"

_BY = f"{_EVENTS} AND e.handle = $3 AND e.seq > $4 ORDER BY e.seq LIMIT $5"

_LAST_BEFORE = "SELECT max(seq) FROM events WHERE room_id = $1 AND epoch = $2 AND at < $3"

_FORGET = "DELETE FROM events WHERE room_id = $1 AND epoch = $2 AND seq <= $3"

_OWNED = """
    SELECT r.name, h.owner, h.handle FROM rooms r
    JOIN handles h ON h.room_id = r.id AND h.epoch = r.epoch
    WHERE r.name = ANY($1::text[]) AND (h.owner = ANY($2::bytea[]) OR h.handle = ANY($3::text[]))
"""

_CLAIM = """
    INSERT INTO handles (room_id, epoch, handle, owner)
    SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::bytea[])
"""


ANEW_S = 600.0
"""For a whole room's events; longer than other statements are waited for. Done with the server stopped."""


class _SentTwice(Exception):
    """A draft's key is in the log already: the transaction is undone and decided again."""


class PostgresLog:
    """A `Log` on `database`, which it closes. `clock` gives Unix seconds.

    With a `sealer` what it keeps is sealed; the caller sees to it that an epoch has a key (`keyed_log.py`).
    """

    def __init__(
        self,
        database: PostgresDatabase,
        clock: Callable[[], float] = time.time,
        sealer: Sealer | None = None,
    ) -> None:
        self._database = database
        self._clock = clock
        self._sealer = sealer

    async def _boxes(self, epochs: Iterable[Epoch]) -> Boxes | None:
        return None if self._sealer is None else await self._sealer.boxes(set(epochs))

    async def _heads(self, rows: Sequence[Sequence[Any]]) -> dict[str, Head]:
        """From rows of `_HEADS`."""
        boxes = await self._boxes((row[0], row[1]) for row in rows if is_sealed(row[5]))
        return {row[0]: head_of(row[1:], row[0], boxes) for row in rows}

    async def open_room(self, room: str) -> Head:
        head = (await self.heads([room])).get(room)
        if head is None:
            begun = {"1": room, "2": new_epoch(), "3": NO_RULES, "4": int(self._clock())}
            await self._database.execute(_BEGIN, begun)
            head = (await self.heads([room]))[room]
        return head

    async def append(self, drafts: Sequence[Draft]) -> list[Outcome]:
        if not drafts:
            return []
        boxes = await self._boxes((draft.event.room, draft.epoch) for draft in drafts)
        try:
            return await self._append(drafts, boxes, look=False)
        except _SentTwice:
            return await self._append(drafts, boxes, look=True)

    async def _append(self, drafts: Sequence[Draft], boxes: Boxes | None, *, look: bool) -> list[Outcome]:
        """`look`: ask for the drafts' keys beforehand, instead of hoping that all are new."""
        async with self._database.transaction() as connection:
            standings = await _lock(connection, rooms_of(drafts))
            targets = await _kept(connection, withdrawals(drafts), standings, boxes)
            known: dict[Key, int] = {
                (name, kept.event.handle, kept.key): seq
                for (name, seq), kept in targets.items()
                if kept.key is not None
            }
            if look:
                known = await _keys(connection, drafts, standings)
            todo = plan(drafts, standings, targets, known, known_all=look, at=minute(self._clock()))
            if todo.doubtful:
                raise _SentTwice
            await _store(connection, todo, boxes)
        return todo.outcomes

    async def since(self, room: str, epoch: str, after: int, limit: int) -> list[AnyEvent]:
        rows = await self._database.read(_SINCE, {"1": room, "2": epoch, "3": after, "4": limit})
        boxes = await self._boxes([(room, epoch)] if rows else [])
        return [decode_event(row, epoch, boxes) for row in rows]

    async def before(self, room: str, epoch: str, before: int, limit: int) -> list[AnyEvent]:
        rows = await self._database.read(_BEFORE, {"1": room, "2": epoch, "3": before, "4": limit})
        boxes = await self._boxes([(room, epoch)] if rows else [])
        return [decode_event(row, epoch, boxes) for row in reversed(rows)]

    async def by(self, room: str, epoch: str, handle: str, after: int, limit: int) -> list[AnyEvent]:
        asked = {"1": room, "2": epoch, "3": handle, "4": after, "5": limit}
        rows = await self._database.read(_BY, asked)
        boxes = await self._boxes([(room, epoch)] if rows else [])
        return [decode_event(row, epoch, boxes) for row in rows]

    async def heads(self, rooms: Sequence[str]) -> Mapping[str, Head]:
        rows = await self._database.read(_HEADS, {"1": list(rooms)})
        return await self._heads(rows)

    async def rooms(self, after: str, limit: int) -> Sequence[str]:
        return [name for (name,) in await self._database.read(_NAMES, {"1": after, "2": limit})]

    async def claim(self, claims: Sequence[Claim]) -> list[str | None]:
        async with self._database.transaction() as connection:
            standings = await _lock(connection, {claim.room for claim in claims})
            candidates = {each for claim in claims for each in claim.candidates}
            owners = {claim.owner for claim in claims}
            rows = await connection.fetch(_OWNED, list(standings), list(owners), list(candidates))
            owned: dict[Owner, str] = {(name, owner): handle for name, owner, handle in rows}
            taken = {(name, handle) for name, _, handle in rows}
            epochs = {name: room.epoch for name, room in standings.items()}
            handles, new = assign(claims, epochs, owned, taken)
            if new:
                await connection.execute(
                    _CLAIM,
                    [standings[claim.room].id for claim in new],
                    [claim.epoch for claim in new],
                    [claim.candidates[0] for claim in new],
                    [claim.owner for claim in new],
                )
        return handles

    async def erase(self, room: str, epoch: str | None = None, began_at: int | None = None) -> Head:
        began_at = int(self._clock()) if began_at is None else began_at
        await self.open_room(room)
        async with self._database.transaction() as connection:
            standing = (await _lock(connection, [room]))[room]
            if epoch in (None, standing.epoch):
                await connection.execute("DELETE FROM events WHERE room_id = $1", standing.id)
                await connection.execute("DELETE FROM handles WHERE room_id = $1", standing.id)
                await connection.execute(_BEGIN_AGAIN, standing.id, new_epoch(), NO_RULES, began_at)
            rows = await connection.fetch(_HEADS, [room])
        return (await self._heads([tuple(row) for row in rows]))[room]

    async def drop(self, room: str, epoch: str) -> bool:
        async with self._database.transaction() as connection:
            standing = (await _lock(connection, [room])).get(room)
            if standing is None or standing.epoch != epoch or standing.head:
                return False
            await connection.execute("DELETE FROM handles WHERE room_id = $1", standing.id)
            await connection.execute("DELETE FROM rooms WHERE id = $1", standing.id)
        return True

    async def begin_anew(self, room: str) -> Head:
        old = (await self.open_room(room)).epoch
        new = new_epoch()
        box = None if self._sealer is None else await self._sealer.make(room, new)
        boxes = await self._boxes([(room, old)])
        async with self._database.transaction() as connection:
            standing = (await _lock(connection, [room]))[room]
            if box is not None:
                await _seal_anew(connection, room, standing, box, boxes)
            moved = (standing.id, standing.epoch, new)
            await connection.execute(
                "UPDATE events SET epoch = $3 WHERE room_id = $1 AND epoch = $2", *moved, timeout=ANEW_S
            )
            await connection.execute(
                "UPDATE handles SET epoch = $3 WHERE room_id = $1 AND epoch = $2", *moved
            )
            await connection.execute("UPDATE rooms SET epoch = $3 WHERE id = $1 AND epoch = $2", *moved)
            rows = await connection.fetch(_HEADS, [room])
        return (await self._heads([tuple(row) for row in rows]))[room]

    async def trim(self, room: str, before_at: int) -> int:
        async with self._database.transaction() as connection:
            standing = (await _lock(connection, [room])).get(room)
            if standing is None:
                return 0
            through = await connection.fetchval(_LAST_BEFORE, standing.id, standing.epoch, before_at)
            if through is None:
                return 0
            await connection.execute("UPDATE rooms SET tail = $2 WHERE id = $1", standing.id, through + 1)
            return changed(await connection.execute(_FORGET, standing.id, standing.epoch, through))

    async def spend(self, token: bytes, expires_at: int) -> bool:
        async with self._database.transaction() as connection:
            await connection.execute("DELETE FROM spent WHERE expires_at < $1", int(self._clock()))
            sql = "INSERT INTO spent (token, expires_at) VALUES ($1, $2) ON CONFLICT (token) DO NOTHING"
            return changed(await connection.execute(sql, token, expires_at)) == 1

    async def spent(self, token: bytes) -> bool:
        return bool(await self._database.read(_SPENT, {"1": token, "2": int(self._clock())}))

    async def close(self) -> None:
        await self._database.close()


# ---- inside a transaction ----------------------------------------------------------------------


async def _lock(connection: "Connection", rooms: Iterable[str]) -> dict[str, Standing]:
    """The rooms' standings, which nobody else changes until the transaction ends."""
    rows = await connection.fetch(_LOCK, list(rooms))
    return {name: Standing(*rest) for name, *rest in rows}


async def _kept(
    connection: "Connection", places: set[Place], standings: Mapping[str, Standing], boxes: Boxes | None
) -> dict[Place, Kept]:
    if not places:
        return {}
    asked = list(places)
    rows = await connection.fetch(_KEPT, [name for name, _ in asked], [seq for _, seq in asked])
    return {
        (row[0], row[1]): Kept(decode_event(tuple(row[:6]), standings[row[0]].epoch, boxes), row[6])
        for row in rows
    }


async def _keys(
    connection: "Connection", drafts: Sequence[Draft], standings: Mapping[str, Standing]
) -> dict[Key, int]:
    asked = [
        (draft.event.room, draft.event.handle, digest_of(draft))
        for draft in drafts
        if draft.event.room in standings and standings[draft.event.room].epoch == draft.epoch
    ]
    rows = await connection.fetch(_KEYS, *map(list, zip(*asked, strict=True))) if asked else []
    return {(name, handle, key): seq for name, handle, key, seq in rows}


async def _store(connection: "Connection", todo: Plan, boxes: Boxes | None) -> None:
    if todo.withdrawn:
        await connection.execute(_OVERWRITE, *_columns(todo.withdrawn, boxes))
    if not todo.placed:
        return
    events = [row.event for row in todo.placed]
    status = await connection.execute(
        _INSERT,
        *_columns(todo.placed, boxes),
        [event.at for event in events],
        [kind_of(event) for event in events],
        [event.handle for event in events],
    )
    if changed(status) != len(events):
        raise _SentTwice
    rooms = list(todo.rooms.values())
    rules = [
        None if room.rules is None else seal_rules(room.rules, room.rules_version, name, room.epoch, boxes)
        for name, room in todo.rooms.items()
    ]
    await connection.execute(
        _ADVANCE,
        [room.id for room in rooms],
        [room.head for room in rooms],
        [room.rules_version for room in rooms],
        rules,
    )


def _columns(
    rows: Sequence[Placed], boxes: Boxes | None
) -> tuple[list[int], list[str], list[int], list[bytes | None], list[bytes]]:
    return (
        [row.room_id for row in rows],
        [row.epoch for row in rows],
        [row.event.seq for row in rows],
        [row.key for row in rows],
        [seal_body(row.event, row.epoch, boxes) for row in rows],
    )


async def _seal_anew(
    connection: "Connection", room: str, standing: Standing, box: Box, boxes: Boxes | None
) -> None:
    """What is sealed for the room's epoch, for another."""
    where = (standing.id, standing.epoch)
    rows = await connection.fetch(
        "SELECT seq, kind, body FROM events WHERE room_id = $1 AND epoch = $2", *where, timeout=ANEW_S
    )
    sealed = [
        (box.seal(seq, kind, unseal(body, (room, standing.epoch, seq, kind), boxes)), *where, seq)
        for seq, kind, body in rows
        if is_sealed(body)
    ]
    await connection.executemany(
        "UPDATE events SET body = $1 WHERE room_id = $2 AND epoch = $3 AND seq = $4", sealed, timeout=ANEW_S
    )
    rules = await connection.fetchval("SELECT rules FROM rooms WHERE id = $1", standing.id)
    if is_sealed(rules):
        plain = unseal(rules, (room, standing.epoch, standing.rules_version, RULES), boxes)
        anew = box.seal(standing.rules_version, RULES, plain)
        await connection.execute("UPDATE rooms SET rules = $1 WHERE id = $2", anew, standing.id)
