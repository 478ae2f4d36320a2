"""Who is in a room when it begins anew is brought along: a seat in the next epoch, under another handle.

    old seat -> mark (an HMAC under the old epoch's key) -> pseudonym (under the new one's) -> handle, seat

The mark is made when the seat is taken and lies in this process's memory alone, until the room begins anew.
The same seat has the same mark in all its windows, on all nodes, so it becomes one seat again. And since the
old key is destroyed by then, nothing that is kept ties the new handle to the old one, or to anybody. Who is
not connected at that moment comes in by the door, as at any other time; and who had a staff pass shows one of
the new period, because one pass is one seat.
"""

import asyncio
from collections.abc import Sequence
from typing import Final, TypeAlias

from chatd import wire
from chatd.connection import Connection, Seated
from chatd.door import Admission, Door, Refused
from chatd.epochs.renewals import EARLY_S, Renewals
from chatd.hub import Hub
from chatd.seating import Seating
from chatd.seats import Seats
from chatd.spawn import Tasks
from chatd.tickets import Role
from rooms.catalog import RoomSpec
from rooms.log import LogError
from rooms.rules import FACILITATOR, Who

AT_ONCE: Final = 200
"""Seats that are made at a time: others have their turn between."""

Moved: TypeAlias = tuple[Connection, Seated]
Old: TypeAlias = tuple[bytes, str | None]
"""(mark, role): somebody may be a facilitator in one window, and not in another."""
New: TypeAlias = tuple[str, str]
"""(handle, seat's token)."""


def goes_on(spec: RoomSpec, who: Who) -> bool:
    """Whether a seat in this room may go on in its next epoch. One that a staff pass got may not: with a pass
    of the new period the same person would have two."""
    return spec.door != "pass" or who.role == FACILITATOR


class Moving:
    """Those of one node."""

    def __init__(
        self, *, hub: Hub, door: Door, seats: Seats, seating: Seating, renewals: Renewals, tasks: Tasks
    ) -> None:
        self._hub = hub
        self._door = door
        self._seats = seats
        self._seating = seating
        self._renewals = renewals
        self._tasks = tasks

    def expel(self, room: str, people: Sequence[Moved]) -> None:
        """The epoch of their seats is gone. Where it ended because its period did, they are given seats in
        the next one; in any case they are told."""
        ordinary = [each for each in people if each[1].mark]
        for each in people:
            if not each[1].mark:
                self._tell(room, each, None)
        if ordinary:
            self._tasks.spawn(self._move(room, ordinary), name="moving")

    async def _move(self, room: str, people: Sequence[Moved]) -> None:
        new: dict[Old, New] = {}
        try:
            spec = await self._door.room(room)
            if self._renewals.is_over(spec, people[0][1].live.state, EARLY_S):
                # Since they came the room may have been given another door.
                going = dict.fromkeys(_old(seated) for _, seated in people if goes_on(spec, seated.who))
                new = await self._seats_for(spec, list(going))
        except (LogError, Refused):
            pass  # they come in by the door, then
        for each in people:
            self._tell(room, each, new.get(_old(each[1])))

    async def _seats_for(self, spec: RoomSpec, going: Sequence[Old]) -> dict[Old, New]:
        """What is theirs in the present epoch. `Refused`, `LogError`."""
        live = await self._hub.open(spec.name)
        epoch = live.state.epoch
        if not await self._door.ready(spec.name, epoch):
            return {}
        new: dict[Old, New] = {}
        for start in range(0, len(going), AT_ONCE):
            part = going[start : start + AT_ONCE]
            seats = await asyncio.gather(*(self._seat(spec, epoch, mark, role) for mark, role in part))
            new.update(zip(part, seats, strict=True))
        return new

    async def _seat(self, spec: RoomSpec, epoch: str, mark: bytes, role: str | None) -> New:
        as_: Role = "facilitator" if role == FACILITATOR else "participant"
        pseudonym = self._seats.marked(spec.name, epoch, mark)
        seat = await self._door.seat(Admission(as_, pseudonym), spec, epoch)
        return seat.handle, self._door.token(seat)

    def _tell(self, room: str, moved: Moved, new: New | None) -> None:
        connection, seated = moved
        if connection.seats.get(room) is not seated:
            return  # they left meanwhile, or came in anew
        self._seating.unseat(connection, seated, at_once=True)
        handle, token = new if new is not None else (None, None)
        self._hub.reply(connection.sink, wire.Erased(room=room, handle=handle, seat=token))


def _old(seated: Seated) -> Old:
    return seated.mark, seated.who.role
