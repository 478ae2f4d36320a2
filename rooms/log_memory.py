"""The log in this process's memory: for tests, and for trying out. Gone when the process is.

Keeps every guarantee of `log.py` that one process can keep; nothing is on a disk. Touches
nothing outside itself.
"""

import time
from collections.abc import Callable, Mapping, Sequence

from rooms.events import AnyEvent, Rules
from rooms.log import Claim, Draft, Head, LogUnavailable, Outcome
from rooms.placing import (
    Kept,
    Key,
    Owner,
    Place,
    Standing,
    Taken,
    assign,
    digest_of,
    minute,
    new_epoch,
    plan,
    rooms_of,
    withdrawals,
)


class _Room:
    """One room: its events from `tail` on, and what its epoch knows besides."""

    def __init__(self, began_at: int) -> None:
        self.begin(began_at)

    def begin(self, began_at: int) -> None:
        self.epoch = new_epoch()
        self.began_at = began_at
        self.tail = 1
        self.rules_version = 0
        self.rules = Rules()
        self.events: list[AnyEvent] = []
        self.keys: list[bytes | None] = []
        self.seqs: dict[tuple[str, bytes], int] = {}
        self.owners: dict[bytes, str] = {}
        self.handles: set[str] = set()

    @property
    def head(self) -> Head:
        return Head(self.epoch, self.last, self.tail, self.rules_version, self.rules, self.began_at)

    @property
    def last(self) -> int:
        return self.tail - 1 + len(self.events)

    def put(self, event: AnyEvent, key: bytes | None) -> None:
        """Store `event` at its place, new or known."""
        index = event.seq - self.tail
        if index == len(self.events):
            self.events.append(event)
            self.keys.append(key)
        else:
            old = self.keys[index]
            if old is not None and old != key:
                del self.seqs[event.handle, old]
            self.events[index] = event
            self.keys[index] = key
        if key is not None:
            self.seqs[event.handle, key] = event.seq

    def forget(self, count: int) -> None:
        """Forget the first `count` events."""
        for event, key in zip(self.events[:count], self.keys[:count], strict=True):
            if key is not None:
                del self.seqs[event.handle, key]
        del self.events[:count], self.keys[:count]
        self.tail += count


class MemoryLog:
    """A `Log`. `clock` gives Unix seconds."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._rooms: dict[str, _Room] = {}
        self._spent: dict[bytes, int] = {}
        self._closed = False

    def _open(self) -> None:
        if self._closed:
            raise LogUnavailable("This log is closed.")

    async def open_room(self, room: str) -> Head:
        self._open()
        return self._room(room).head

    def _room(self, name: str) -> _Room:
        room = self._rooms.get(name)
        if room is None:
            room = self._rooms[name] = _Room(int(self._clock()))
        return room

    async def append(self, drafts: Sequence[Draft]) -> list[Outcome]:
        self._open()
        rooms = {name: self._rooms.get(name) for name in rooms_of(drafts)}
        standings = {
            name: Standing(0, room.epoch, room.last, room.tail, room.rules_version)
            for name, room in rooms.items()
            if room is not None
        }
        known: dict[Key, int] = {}
        for draft in drafts:
            kept = rooms[draft.event.room]
            ticket = (draft.event.handle, digest_of(draft))
            if kept is not None and ticket in kept.seqs:
                known[draft.event.room, *ticket] = kept.seqs[ticket]
        at = minute(self._clock())
        todo = plan(drafts, standings, self._targets(drafts), known, known_all=True, at=at)
        for row in (*todo.withdrawn, *todo.placed):
            self._rooms[row.event.room].put(row.event, row.key)
        for name, standing in todo.rooms.items():
            if standing.rules is not None:
                self._rooms[name].rules = standing.rules
                self._rooms[name].rules_version = standing.rules_version
        return todo.outcomes

    def _targets(self, drafts: Sequence[Draft]) -> dict[Place, Kept]:
        targets = {}
        for name, seq in withdrawals(drafts):
            room = self._rooms.get(name)
            if room is not None and room.tail <= seq <= room.last:
                index = seq - room.tail
                targets[name, seq] = Kept(room.events[index], room.keys[index])
        return targets

    async def since(self, room: str, epoch: str, after: int, limit: int) -> list[AnyEvent]:
        self._open()
        kept = self._rooms.get(room)
        if kept is None or kept.epoch != epoch:
            return []
        first = max(0, after + 1 - kept.tail)
        return kept.events[first : first + limit]

    async def before(self, room: str, epoch: str, before: int, limit: int) -> list[AnyEvent]:
        self._open()
        kept = self._rooms.get(room)
        if kept is None or kept.epoch != epoch:
            return []
        end = max(0, min(before - kept.tail, len(kept.events)))
        return kept.events[max(0, end - limit) : end]

    async def by(self, room: str, epoch: str, handle: str, after: int, limit: int) -> list[AnyEvent]:
        self._open()
        kept = self._rooms.get(room)
        if kept is None or kept.epoch != epoch:
            return []
        return [event for event in kept.events if event.handle == handle and event.seq > after][:limit]

    async def heads(self, rooms: Sequence[str]) -> Mapping[str, Head]:
        self._open()
        return {name: self._rooms[name].head for name in rooms if name in self._rooms}

    async def rooms(self, after: str, limit: int) -> Sequence[str]:
        self._open()
        return sorted(name for name in self._rooms if name > after)[:limit]

    async def claim(self, claims: Sequence[Claim]) -> list[str | None]:
        self._open()
        epochs: dict[str, str] = {}
        owned: dict[Owner, str] = {}
        taken: set[Taken] = set()
        for claim in claims:
            room = self._rooms.get(claim.room)
            if room is not None:
                epochs[claim.room] = room.epoch
                if claim.owner in room.owners:
                    owned[claim.room, claim.owner] = room.owners[claim.owner]
                taken.update((claim.room, each) for each in claim.candidates if each in room.handles)
        handles, new = assign(claims, epochs, owned, taken)
        for claim in new:
            self._rooms[claim.room].owners[claim.owner] = claim.candidates[0]
            self._rooms[claim.room].handles.add(claim.candidates[0])
        return handles

    async def erase(self, room: str, epoch: str | None = None, began_at: int | None = None) -> Head:
        self._open()
        kept = self._room(room)
        if epoch is None or kept.epoch == epoch:
            kept.begin(int(self._clock()) if began_at is None else began_at)
        return kept.head

    async def drop(self, room: str, epoch: str) -> bool:
        self._open()
        kept = self._rooms.get(room)
        if kept is None or kept.epoch != epoch or kept.last:
            return False
        del self._rooms[room]
        return True

    async def begin_anew(self, room: str) -> Head:
        self._open()
        kept = self._room(room)
        kept.epoch = new_epoch()
        return kept.head

    async def trim(self, room: str, before_at: int) -> int:
        self._open()
        kept = self._rooms.get(room)
        if kept is None:
            return 0
        old = [index for index, event in enumerate(kept.events) if event.at < before_at]
        count = old[-1] + 1 if old else 0
        kept.forget(count)
        return count

    async def spend(self, token: bytes, expires_at: int) -> bool:
        self._open()
        now = self._clock()
        for spent in [each for each, until in self._spent.items() if until < now]:
            del self._spent[spent]
        if token in self._spent:
            return False
        self._spent[token] = expires_at
        return True

    async def spent(self, token: bytes) -> bool:
        self._open()
        return self._spent.get(token, -1) >= self._clock()

    async def close(self) -> None:
        self._closed = True
