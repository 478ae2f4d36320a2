"""How a log that is at rest seals what it keeps: the interface, and nothing of how it is done.

boxes = await sealer.boxes(epochs)        before the transaction, where one may wait
boxes[room, epoch].seal(seq, kind, body)  in it, in any thread
"""

from collections.abc import Collection, Mapping
from typing import Final, Protocol, TypeAlias

from rooms.keystore import Epoch

SEALED: Final = 1
"""The first byte of what is sealed. What is plain is a MessagePack map, which begins with another."""

RULES: Final = "rules"
"""The kind under which a room's rules are sealed; their place is the version."""


class OtherKey(Exception):
    """Sealed under another key than this epoch has now."""


class Damaged(Exception):
    """Not what was sealed here: it was changed, or comes from another place."""


class Box(Protocol):
    """One epoch's. What was sealed for another place (room, epoch, `seq`, kind) does not open."""

    def seal(self, seq: int, kind: str, body: bytes) -> bytes:
        """Begins with `SEALED`; always longer than `body` by the same."""
        ...

    def open(self, seq: int, kind: str, sealed: bytes) -> bytes:
        """What `seal` was given. `OtherKey`, `Damaged`."""
        ...


Boxes: TypeAlias = Mapping[Epoch, Box]


class Sealer(Protocol):
    async def boxes(self, epochs: Collection[Epoch]) -> Boxes:
        """Those of `epochs` that have a key. `LogError`."""
        ...

    async def make(self, room: str, epoch: str) -> Box:
        """The one of a new epoch. `LogError`."""
        ...


def is_sealed(raw: bytes) -> bool:
    return raw[:1] == b"\x01"
