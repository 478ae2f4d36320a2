"""The catalog in the store's own database, SQLite or PostgreSQL: the same statements for both.

Touches the table `specs`, through the database that the log opened.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import msgspec

from rooms.catalog import NoSuchRoom, RoomExists, RoomSpec
from rooms.log import LogCorrupt


class Database(Protocol):
    """What the catalog needs. Parameters are numbered: `$1` in the text is `{"1": ...}`."""

    async def read(self, sql: str, parameters: Mapping[str, Any]) -> list[tuple[Any, ...]]: ...

    async def execute(self, sql: str, parameters: Mapping[str, Any]) -> int:
        """Durable on return; how many rows it changed."""
        ...


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(RoomSpec)


class SqlCatalog:
    """A `Catalog` on `database`, which belongs to the log and is closed by it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, spec: RoomSpec) -> None:
        sql = "INSERT INTO specs (name, spec) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING"
        if not await self._database.execute(sql, {"1": spec.name, "2": _encoder.encode(spec)}):
            raise RoomExists("There is a room with this name already.")

    async def change(self, spec: RoomSpec) -> None:
        sql = "UPDATE specs SET spec = $2 WHERE name = $1"
        if not await self._database.execute(sql, {"1": spec.name, "2": _encoder.encode(spec)}):
            raise NoSuchRoom("There is no room with this name.")

    async def get(self, name: str) -> RoomSpec | None:
        rows = await self._database.read("SELECT spec FROM specs WHERE name = $1", {"1": name})
        return _spec(rows[0][0]) if rows else None

    async def list(self) -> Sequence[RoomSpec]:
        rows = await self._database.read("SELECT spec FROM specs ORDER BY name", {})
        return [_spec(spec) for (spec,) in rows]

    async def close(self) -> None:
        """Nothing of its own to close."""


def _spec(spec: bytes) -> RoomSpec:
    try:
        return _decoder.decode(spec)
    except msgspec.DecodeError:
        raise LogCorrupt(
            "The catalog holds a room that this program cannot read: it was damaged, or written by a newer "
            "chatd. Run that version, or restore the last backup."
        ) from None
