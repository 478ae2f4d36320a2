"""How a SQLite log forgets, so that nothing of it is left in the file.

`secure_delete` zeroes what is deleted, but not the copies that SQLite leaves behind when it moves
rows from one page to another, as it does around a deletion (measured: up to 2 of 18,000 texts
stayed readable). So nothing that is alive may ever be moved:

1. Events are overwritten where they stand, which moves no row, and put out of their room
   (`blank`, `sweep`): they become blank rows of room 0.
2. Blank rows are deleted (`reclaim`) only at the low end of the table, and only with `MARGIN`
   other blank rows between them and the first event that is alive. A deletion moves rows of the
   two neighbouring pages at most, so it moves blank ones.

Functions for the writer's thread, inside its transaction. Each forgets `CHUNK` rows at most.
"""

import sqlite3
from typing import Final

from rooms.placing import Standing

MARGIN: Final = 1_000
"""Blank rows left standing: more than three pages of 4,096 bytes can hold."""

CHUNK: Final = 2_000
"""Rows that one transaction forgets at most, so that those who write need not wait for long."""

# Shorter than any event, since a longer row might not fit where it stands.
_BLANK: Final = """
    UPDATE events SET
        room_id = 0, epoch = '', seq = rowid, at = 0, kind = '', handle = '', key = NULL, body = x''
"""

_THROUGH: Final = f"{_BLANK} WHERE room_id = ? AND epoch = ? AND seq BETWEEN ? AND ?"

_OF_OTHER_EPOCHS: Final = f"""{_BLANK} WHERE rowid IN (
    SELECT rowid FROM events WHERE (room_id = ?1 AND epoch < ?2) OR (room_id = ?1 AND epoch > ?2) LIMIT ?3
)"""  # noqa: S608 - nothing of it comes from outside

# The plus keeps SQLite from an index: the first rows of the table are what is asked for.
_FIRST_ALIVE: Final = "SELECT rowid FROM events WHERE +room_id > 0 ORDER BY rowid LIMIT 1"


def blank(connection: sqlite3.Connection, room: Standing, through: int) -> int:
    """Overwrite the room's events up to and including seq `through`; how many there were."""
    return connection.execute(_THROUGH, (room.id, room.epoch, room.tail, through)).rowcount


def sweep(connection: sqlite3.Connection, room: Standing) -> int:
    """Overwrite what is left of the room's earlier epochs, at most `CHUNK` events; how many it was."""
    return connection.execute(_OF_OTHER_EPOCHS, (room.id, room.epoch, CHUNK)).rowcount


def reclaim(connection: sqlite3.Connection) -> bool:
    """Give the space of blank rows back; whether there may be more of them."""
    first, last = connection.execute("SELECT min(rowid), max(rowid) FROM events").fetchone()
    if first is None:
        return False
    row = connection.execute(_FIRST_ALIVE).fetchone()
    blank_until: int = (last + 1 if row is None else row[0]) - MARGIN
    end: int = min(blank_until, first + CHUNK)
    if end > first:
        connection.execute("DELETE FROM events WHERE rowid < ?", (end,))
    return end < blank_until
