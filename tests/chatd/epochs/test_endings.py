"""How epochs end: one room that is damaged keeps no other from it."""

from collections.abc import Mapping, Sequence

import pytest

from chatd.epochs.endings import Endings
from rooms.children import prefix
from rooms.events import Posted
from rooms.log import Draft, Head, LogCorrupt
from rooms.log_memory import MemoryLog

ROOM = "quiet-hour"
DAMAGED = prefix(ROOM) + "b"


class DamagedLog(MemoryLog):
    """The rules of one room cannot be read."""

    async def heads(self, rooms: Sequence[str]) -> Mapping[str, Head]:
        if DAMAGED in rooms:
            raise LogCorrupt("It was damaged.")
        return await super().heads(rooms)


async def test_one_that_is_damaged_does_not_keep_the_others_of_a_session() -> None:
    log = DamagedLog()
    for name in ("a", "b", "c"):
        room = prefix(ROOM) + name
        head = await log.open_room(room)
        await log.append([Draft(Posted(room=room, handle="far-tern", text="heavy"), head.epoch, 0, "k")])
    told: list[str] = []
    endings = Endings(log=log, announce=lambda room, head: told.append(room))
    with pytest.raises(LogCorrupt, match="not erased yet"):
        await endings.erase_belonging(ROOM)
    assert told == [prefix(ROOM) + "a", prefix(ROOM) + "c"]
    assert [(await log.open_room(prefix(ROOM) + name)).head for name in ("a", "b", "c")] == [0, 1, 0]
