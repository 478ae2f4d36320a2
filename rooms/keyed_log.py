"""A log whose epochs have keys: to erase is to destroy the key, and then the rows.

    open_room   a new epoch gets its key; one whose key is gone is erased, and what begins is clean
    erase       the key first, then the rows: what a crash leaves in between nobody can read, and whoever
                looks next finishes it
    mend, prune what a crash left, found without anybody looking

In front of any backend's log. Of a key that was lost (a memory that was lost with its server, a folder that
was not restored) it makes the same as of one that was destroyed: nobody can read what was said, all seats are
void, and everybody gets a clean start. What was kept in plain, before there were keys, is still read.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from rooms.events import AnyEvent
from rooms.keyring import Keyring
from rooms.keystore import Epoch, KeyGone
from rooms.log import Claim, Draft, Head, Log, Outcome

PAGE: Final = 500
"""Rooms asked for at a time."""
GRACE_S: Final = 600
"""How old a key is at least that nobody seems to need: an epoch may just have begun."""


def no_notice() -> None:
    """For those who need not hear of it."""


class KeyedLog:
    """A `Log` over `log`, which it closes. `on_lost` is called for every epoch whose key was found gone."""

    def __init__(self, log: Log, keyring: Keyring, on_lost: Callable[[], None] = no_notice) -> None:
        self._log = log
        self.keyring = keyring
        self.on_lost = on_lost
        self._erasing: set[Epoch] = set()
        """What is being erased here, or should have been: whoever reads it has found no key that was lost."""

    async def open_room(self, room: str) -> Head:
        while True:
            head = await self._log.open_room(room)
            self.keyring.others(room, head.epoch)
            # Where nothing was said yet nobody holds a key that could be missed: it is made in one step.
            known = head.head and await self.keyring.open(room, head.epoch) is not None
            if known or not await self._settle(room, head):
                return head

    async def _settle(self, room: str, head: Head) -> bool:
        """Of an epoch whose key is not there: erase what was kept under it, True; otherwise give it one."""
        if await self._is_sealed(room, head):
            if (room, head.epoch) not in self._erasing:
                self.on_lost()
            await self.erase(room, head.epoch)
            return True
        await self.keyring.make(room, head.epoch)
        return False

    async def _is_sealed(self, room: str, head: Head) -> bool:
        """Whether something is kept of the epoch that does not open."""
        try:
            if head.head:
                await self._log.since(room, head.epoch, head.head - 1, 1)
        except KeyGone:
            return True
        return False

    async def _gone(self, epoch: Epoch) -> None:
        """What is to be done where something was to be read or written in `epoch`, and its key is gone."""
        room, name = epoch
        self.keyring.forget(room, name)
        head = (await self._log.heads([room])).get(room)
        if head is not None and head.epoch == name:
            await self._settle(room, head)

    async def append(self, drafts: Sequence[Draft]) -> list[Outcome]:
        while True:
            try:
                return await self._log.append(drafts)
            except KeyGone as gone:
                await self._gone(gone.epoch)

    async def since(self, room: str, epoch: str, after: int, limit: int) -> list[AnyEvent]:
        try:
            return await self._log.since(room, epoch, after, limit)
        except KeyGone as gone:
            await self._gone(gone.epoch)
            return []

    async def before(self, room: str, epoch: str, before: int, limit: int) -> list[AnyEvent]:
        try:
            return await self._log.before(room, epoch, before, limit)
        except KeyGone as gone:
            await self._gone(gone.epoch)
            return []

    async def by(self, room: str, epoch: str, handle: str, after: int, limit: int) -> list[AnyEvent]:
        try:
            return await self._log.by(room, epoch, handle, after, limit)
        except KeyGone as gone:
            await self._gone(gone.epoch)
            return []

    async def heads(self, rooms: Sequence[str]) -> Mapping[str, Head]:
        return await self._log.heads(rooms)

    async def rooms(self, after: str, limit: int) -> Sequence[str]:
        return await self._log.rooms(after, limit)

    async def claim(self, claims: Sequence[Claim]) -> list[str | None]:
        return await self._log.claim(claims)

    async def erase(self, room: str, epoch: str | None = None, began_at: int | None = None) -> Head:
        """As `Log.erase`, and the key is destroyed first: from then on nothing of it is readable, whatever
        happens to this process. An error means that it must be said again."""
        if epoch is None:
            epoch = (await self._log.open_room(room)).epoch
        self._erasing.add((room, epoch))
        await self.keyring.destroy(room, epoch)
        head = await self._log.erase(room, epoch, began_at)
        self._erasing = {each for each in self._erasing if each[0] != room}
        if not head.head:
            await self.keyring.make(room, head.epoch)
        return head

    async def drop(self, room: str, epoch: str) -> bool:
        dropped = await self._log.drop(room, epoch)
        if dropped:
            await self.keyring.destroy(room, epoch)
        return dropped

    async def begin_anew(self, room: str) -> Head:
        """As `Log.begin_anew`. The old key stays until `prune`: the caller may yet go back."""
        await self.open_room(room)  # what has no key any more is erased
        return await self._log.begin_anew(room)

    async def trim(self, room: str, before_at: int) -> int:
        return await self._log.trim(room, before_at)

    async def spend(self, token: bytes, expires_at: int) -> bool:
        return await self._log.spend(token, expires_at)

    async def spent(self, token: bytes) -> bool:
        return await self._log.spent(token)

    async def close(self) -> None:
        await self._log.close()
        await self.keyring.store.close()

    # ---- what a crash left -----------------------------------------------------------------------

    async def mend(self, room: str) -> None:
        """Erase what is left of the room's epoch, where its key is gone. `LogError`."""
        head = (await self._log.heads([room])).get(room)
        if head is not None and head.head and await self.keyring.open(room, head.epoch) is None:
            await self._settle(room, head)

    async def prune(self, now: int) -> int:
        """Destroy the keys of epochs that are over; how many there were. `now`: Unix seconds. `LogError`."""
        return await self.keyring.store.prune(await self.living(), now - GRACE_S)

    async def living(self) -> set[Epoch]:
        """The present epoch of every room."""
        found: set[Epoch] = set()
        after = ""
        while names := await self._log.rooms(after, PAGE):
            found |= {(name, head.epoch) for name, head in (await self._log.heads(names)).items()}
            after = names[-1]
        return found
