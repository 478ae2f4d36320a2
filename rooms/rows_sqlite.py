"""The log's SQL for SQLite: what the writer's thread reads and writes inside its transaction.

Functions from a connection to values; `log_sqlite.py` says when. Forgetting is in
`forgetting_sqlite.py`.
"""

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from rooms.body_sql import decode_event, encode_body, kind_of, seal_body
from rooms.log import Claim, Draft
from rooms.placing import Kept, Key, Owner, Place, Plan, Standing, Taken, digest_of, new_epoch
from rooms.rules_sql import NO_RULES, seal_rules
from rooms.sealer import Boxes

HEADS: Final = """
    SELECT name, epoch, head, tail, rules_version, rules, began_at FROM rooms
    WHERE name IN (SELECT value FROM json_each(?))
"""

NAMES: Final = "SELECT name FROM rooms WHERE name > ? ORDER BY name LIMIT ?"

SPENT: Final = "SELECT 1 FROM spent WHERE token = ? AND expires_at >= ?"

_STANDINGS: Final = """
    SELECT name, id, epoch, head, tail, rules_version FROM rooms
    WHERE name IN (SELECT value FROM json_each(?))
"""

_INSERT: Final = """
    INSERT INTO events (room_id, epoch, seq, at, kind, handle, key, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
"""

# Plain stays plain: sealed it would be longer than before, and SQLite would move it.
_OVERWRITE: Final = """
    UPDATE events SET key = ?, body = CASE WHEN substr(body, 1, 1) = x'01' THEN ? ELSE ? END
    WHERE room_id = ? AND epoch = ? AND seq = ?
"""

_ADVANCE: Final = """
    UPDATE rooms SET head = ?, rules_version = ?, rules = coalesce(?, rules) WHERE id = ?
"""

_OF_ROOM: Final = """
    FROM rooms r JOIN events e ON e.room_id = r.id AND e.epoch = r.epoch
    WHERE r.name = ? AND r.epoch = ?
"""
"""The events that a room has now."""

_EVENTS: Final = f"SELECT r.name, e.seq, e.at, e.kind, e.handle, e.body {_OF_ROOM}"

SINCE: Final = f"{_EVENTS} AND e.seq > ? ORDER BY e.seq LIMIT ?"
BEFORE: Final = f"{_EVENTS} AND e.seq < ? ORDER BY e.seq DESC LIMIT ?"
BY: Final = f"{_EVENTS} AND e.handle = ? AND e.seq > ? ORDER BY e.seq LIMIT ?"
LAST_BEFORE: Final = f"SELECT e.seq {_OF_ROOM} AND e.at < ? ORDER BY e.seq DESC LIMIT 1"

_KEPT: Final = """
    SELECT at, kind, handle, body, key FROM events WHERE room_id = ? AND epoch = ? AND seq = ?
"""

_SEQ_OF_KEY: Final = """
    SELECT seq FROM events WHERE room_id = ? AND epoch = ? AND handle = ? AND key = ?
"""

_OWNED: Final = """
    WITH asked (room_id, epoch, owner) AS ({rows})
    SELECT room_id, owner, handle FROM asked CROSS JOIN handles USING (room_id, epoch, owner)
"""

_TAKEN: Final = """
    WITH asked (room_id, epoch, handle) AS ({rows})
    SELECT room_id, handle FROM asked CROSS JOIN handles USING (room_id, epoch, handle)
"""

_CLAIM: Final = "INSERT INTO handles (room_id, epoch, handle, owner) {rows}"

_ROWS: Final = 200
"""Rows of values in one statement."""


def read_head(connection: sqlite3.Connection, room: str) -> tuple[Any, ...]:
    """The row of a room that has a log, as `HEADS` gives it."""
    row: tuple[Any, ...] = connection.execute(HEADS, (json.dumps([room]),)).fetchone()
    return row


def begin(connection: sqlite3.Connection, room: str, began_at: int) -> None:
    """Give `room` a log with a fresh epoch, unless it has one."""
    connection.execute(
        "INSERT INTO rooms (name, epoch, head, tail, rules_version, rules, began_at)"
        " VALUES (?, ?, 0, 1, 0, ?, ?) ON CONFLICT (name) DO NOTHING",
        (room, new_epoch(), NO_RULES, began_at),
    )


def read_standings(connection: sqlite3.Connection, rooms: Iterable[str]) -> dict[str, Standing]:
    rows = connection.execute(_STANDINGS, (json.dumps(list(rooms)),))
    return {name: Standing(*rest) for name, *rest in rows}


def read_kept(
    connection: sqlite3.Connection,
    standings: Mapping[str, Standing],
    places: Iterable[Place],
    boxes: Boxes | None,
) -> dict[Place, Kept]:
    """What is kept at `places`, for `placing.plan`."""
    kept = {}
    for name, seq in places:
        room = standings.get(name)
        if room is None or not room.tail <= seq <= room.head:
            continue
        row = connection.execute(_KEPT, (room.id, room.epoch, seq)).fetchone()
        if row is not None:
            at, kind, handle, body, key = row
            event = decode_event((name, seq, at, kind, handle, body), room.epoch, boxes)
            kept[name, seq] = Kept(event, key)
    return kept


def read_keys(
    connection: sqlite3.Connection, standings: Mapping[str, Standing], drafts: Sequence[Draft]
) -> dict[Key, int]:
    """The `seq` of every draft that was kept before."""
    known = {}
    for draft in drafts:
        name, handle, digest = draft.event.room, draft.event.handle, digest_of(draft)
        room = standings.get(name)
        if room is None or room.epoch != draft.epoch:
            continue
        row = connection.execute(_SEQ_OF_KEY, (room.id, room.epoch, handle, digest)).fetchone()
        if row is not None:
            known[name, handle, digest] = row[0]
    return known


def store(connection: sqlite3.Connection, plan: Plan, boxes: Boxes | None) -> None:
    """Write what `plan` says; `sqlite3.IntegrityError` where a key is there already. `KeyGone`."""
    if plan.withdrawn:
        connection.executemany(
            _OVERWRITE,
            [
                (
                    row.key,
                    seal_body(row.event, row.epoch, boxes),
                    encode_body(row.event),
                    row.room_id,
                    row.epoch,
                    row.event.seq,
                )
                for row in plan.withdrawn
            ],
        )
    if plan.placed:
        connection.executemany(
            _INSERT,
            [
                (
                    row.room_id,
                    row.epoch,
                    (event := row.event).seq,
                    event.at,
                    kind_of(event),
                    event.handle,
                    row.key,
                    seal_body(event, row.epoch, boxes),
                )
                for row in plan.placed
            ],
        )
        connection.executemany(
            _ADVANCE,
            [
                (
                    room.head,
                    room.rules_version,
                    None
                    if room.rules is None
                    else seal_rules(room.rules, room.rules_version, name, room.epoch, boxes),
                    room.id,
                )
                for name, room in plan.rooms.items()
            ],
        )


def read_owned(
    connection: sqlite3.Connection, standings: Mapping[str, Standing], claims: Sequence[Claim]
) -> tuple[dict[Owner, str], set[Taken]]:
    """What is stored about the owners and the candidates of `claims`, for `placing.assign`."""
    names = {room.id: name for name, room in standings.items()}
    asked = [(room.id, room.epoch, claim) for claim in claims if (room := standings.get(claim.room))]
    owners = [(id_, epoch, claim.owner) for id_, epoch, claim in asked]
    handles = [(id_, epoch, handle) for id_, epoch, claim in asked for handle in claim.candidates]
    owned = {(names[id_], owner): handle for id_, owner, handle in _with(connection, _OWNED, owners)}
    return owned, {(names[id_], handle) for id_, handle in _with(connection, _TAKEN, handles)}


def store_claims(
    connection: sqlite3.Connection, standings: Mapping[str, Standing], claims: Sequence[Claim]
) -> None:
    _with(
        connection,
        _CLAIM,
        [(standings[claim.room].id, claim.epoch, claim.candidates[0], claim.owner) for claim in claims],
    )


def _with(connection: sqlite3.Connection, sql: str, rows: Sequence[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """What `sql` says where its `{rows}` are these: one statement for many.

    Each statement lets go of the interpreter and has to wait for it to come back, which is what
    costs while the event loop is busy.
    """
    found: list[tuple[Any, ...]] = []
    for start in range(0, len(rows), _ROWS):
        part = rows[start : start + _ROWS]
        row = f"({', '.join('?' * len(part[0]))})"
        values = f"VALUES {', '.join([row] * len(part))}"
        found += connection.execute(sql.format(rows=values), [value for each in part for value in each])
    return found
