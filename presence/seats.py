"""Seats: the people of one room who are connected to this node. This node alone writes them.

    enter, leave, set_away   what the hub reports, by connection
    expire                   who did not come back in time
    publish                  what has changed since the last time, for the other nodes

Pure: deadlines come in as arguments. What the room looks like over all nodes is in `view.py`.
"""

from collections import OrderedDict

from msgspec.structs import replace

from presence.messages import MAX_MEMBERS, MAX_TURN, Diff, Held, Snapshot


class Seat:
    __slots__ = ("connections", "held")

    def __init__(self, held: Held) -> None:
        self.held = held
        self.connections = 1


class Seats:
    __slots__ = (
        "_lingering",
        "_seats",
        "_told",
        "_untold",
        "asked",
        "connected",
        "room",
        "told_at",
        "version",
    )

    def __init__(self, room: str, version: int) -> None:
        """`version` is one that no earlier word of this node about `room` has exceeded."""
        self.room = room
        self.version = version
        self.asked = False
        """Somebody waits for a snapshot."""
        self.connected = 0
        """People with a connection, so with a page to show something on."""
        self.told_at = float("-inf")
        self._seats: dict[str, Seat] = {}
        self._lingering: OrderedDict[str, float] = OrderedDict()
        self._told: dict[str, Held] = {}
        self._untold: dict[str, None] = {}

    def __len__(self) -> int:
        """People held, those who may yet come back included."""
        return len(self._seats)

    def enter(self, handle: str, role: str | None, known: Held | None) -> Held | None:
        """One more connection of `handle`; None where the room holds all it can.

        `known` is the newest word any node has about the handle: who comes over from another
        node is called away still.
        """
        seat = self._seats.get(handle)
        if seat is None:
            if len(self._seats) >= MAX_MEMBERS:
                return None
            away, turn = (known.away, known.turn) if known is not None else (False, 0)
            seat = self._seats[handle] = Seat(Held(handle, role, away, turn))
            self.connected += 1
        else:
            if seat.connections == 0:
                del self._lingering[handle]
                self.connected += 1
            seat.connections += 1
            if seat.held.role != role:
                seat.held = replace(seat.held, role=role)
        self._untold[handle] = None
        return seat.held

    def leave(self, handle: str, until: float, *, at_once: bool) -> bool:
        """One connection of `handle` less. True where the person is gone with it: the last one,
        and `at_once`. Otherwise the last one may come back `until` then."""
        seat = self._seats.get(handle)
        if seat is None:
            return False
        if seat.connections > 0:
            seat.connections -= 1
            if seat.connections > 0:
                return False
            self.connected -= 1
            if not at_once:
                self._lingering[handle] = until
        if at_once:
            self._go(handle)
        return at_once

    def set_away(self, handle: str, away: bool, known: Held) -> Held | None:
        """A word about `handle` that is newer than `known`, the newest so far; None where it is
        not here, or where nothing else is said already."""
        seat = self._seats.get(handle)
        if seat is None or seat.held.away == known.away == away:
            return None
        seat.held = replace(seat.held, away=away, turn=min(known.turn + 1, MAX_TURN))
        self._untold[handle] = None
        return seat.held

    def expire(self, now: float) -> list[str]:
        """Take out who has not come back by `now`, and name them."""
        gone: list[str] = []
        while self._lingering:
            handle, until = next(iter(self._lingering.items()))
            if until > now:
                break
            self._go(handle)
            gone.append(handle)
        return gone

    def lingers_until(self) -> float | None:
        """When the next one is gone who does not come back."""
        return next(iter(self._lingering.values()), None)

    def pending(self) -> bool:
        """Whether `publish` might have something to say."""
        return self.asked or bool(self._untold)

    def publish(self, node: str, now: float) -> Diff | Snapshot | None:
        """What the other nodes are to be told, in the name of `node`; None where nothing is new.

        A change and its reverse since the last time cancel out. A snapshot where one was
        asked for, or where a diff would not be shorter; it takes the place of the diff.
        """
        held: list[Held] = []
        left: list[str] = []
        for handle in self._untold:
            seat, was = self._seats.get(handle), self._told.get(handle)
            if seat is None:
                if was is not None:
                    left.append(handle)
                    del self._told[handle]
            elif seat.held != was:
                held.append(seat.held)
                self._told[handle] = seat.held
        asked, self.asked = self.asked, False
        self._untold.clear()
        if held or left:
            self.version += 1
        elif not asked:
            return None
        self.told_at = now
        if asked or len(held) + len(left) >= len(self._told):
            return Snapshot(node, self.room, self.version, list(self._told.values()))
        return Diff(node, self.room, self.version, held, left)

    def _go(self, handle: str) -> None:
        del self._seats[handle]
        self._lingering.pop(handle, None)
        self._untold[handle] = None
