"""Which rooms there are: their specifications, and the interface that keeps them.

A `RoomSpec` is what an operator or facilitator decided about a room beforehand. What happens
inside it while people are there is in the log.
"""

from collections.abc import Sequence
from typing import Annotated, Literal, Protocol, TypeAlias

import msgspec
from msgspec import Meta

from rooms.commands import RoomName

Kind: TypeAlias = Literal["drop-in", "session", "knowledge"]

DEFAULT_CAPACITY: dict[str, int] = {"drop-in": 1000, "session": 8, "knowledge": 1000}
"""People at once. A session is small on purpose; PRODUCT: capacity 8, hard limit 15."""

HISTORY_S: dict[str, int] = {"drop-in": 24 * 3600, "session": 24 * 3600, "knowledge": 30 * 24 * 3600}
"""How long what was said is kept, in seconds, by kind."""


class RoomSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    name: RoomName
    title: Annotated[str, Meta(min_length=1, max_length=120)]
    kind: Kind = "drop-in"
    capacity: Annotated[int, Meta(ge=1, le=100_000)] = 1000
    open: bool = False
    """Anybody who reaches the page may join, without a ticket."""
    listed: bool = True
    """Shown in the lobby."""


class RoomExists(Exception):
    """`add` was given a name that is taken."""


class Catalog(Protocol):
    """Guarantees: what `add` returned from is on disk and seen by every process that shares it."""

    async def add(self, spec: RoomSpec) -> None:
        """Keep it; `RoomExists` where the name is taken."""
        ...

    async def get(self, name: str) -> RoomSpec | None: ...

    async def list(self) -> Sequence[RoomSpec]:
        """All of them, by name."""
        ...

    async def close(self) -> None: ...
