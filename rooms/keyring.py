"""The keys of epochs that this process uses, at hand, with what was made of them.

A key is asked for once, when a room is opened (`open`, `make`), and then used without waiting
(`entry`). What is derived from it lies in its entry, so that all of it goes when the key goes.
"""

import secrets
from collections import OrderedDict
from typing import Any, Final

from rooms.keystore import KEY_BYTES, Epoch, KeyStore

MAX_AT_HAND: Final = 32_768
"""Epochs whose keys are at hand; the least recently used is let go, and asked for again."""


class Entry:
    """One epoch's key. `made`: what somebody made of it, by a name of theirs."""

    __slots__ = ("key", "made")

    def __init__(self, key: bytes) -> None:
        self.key = key
        self.made: dict[str, Any] = {}

    def __repr__(self) -> str:
        return "Entry(...)"


class Keyring:
    """In front of `store`. Used from one event loop's thread."""

    def __init__(self, store: KeyStore) -> None:
        self.store = store
        self._entries: OrderedDict[Epoch, Entry] = OrderedDict()

    async def make(self, room: str, epoch: str) -> Entry:
        """The epoch's key, made where there is none yet. `LogError`."""
        entry = self._entries.get((room, epoch))
        return entry if entry is not None else self._put(room, epoch, await self.store.key(room, epoch))

    async def open(self, room: str, epoch: str) -> Entry | None:
        """The epoch's key, where there is one. `LogError`."""
        entry = self._entries.get((room, epoch))
        if entry is not None:
            self._entries.move_to_end((room, epoch))
            return entry
        key = await self.store.find(room, epoch)
        return None if key is None else self._put(room, epoch, key)

    def entry(self, room: str, epoch: str) -> Entry:
        """The key of an epoch that was opened. Where it is gone since, one that nobody else has: what is made
        with it is void everywhere, as it should be."""
        entry = self._entries.get((room, epoch))
        if entry is None:
            return Entry(secrets.token_bytes(KEY_BYTES))
        self._entries.move_to_end((room, epoch))
        return entry

    def epoch_key(self, room: str, epoch: str) -> bytes:
        """32 bytes, random, the same in every process; as for `entry`."""
        return self.entry(room, epoch).key

    async def destroy(self, room: str, epoch: str) -> None:
        """Here and in the store. `LogError`: it may be there still."""
        self.forget(room, epoch)
        await self.store.destroy(room, epoch)
        self.forget(room, epoch)  # somebody may have asked for it meanwhile

    def forget(self, room: str, epoch: str) -> None:
        """Let go of a key that is void, and of what was made of it."""
        self._entries.pop((room, epoch), None)

    def others(self, room: str, epoch: str) -> None:
        """`epoch` is the room's present one: let go of those it had before."""
        for gone in [each for each in self._entries if each[0] == room and each[1] != epoch]:
            del self._entries[gone]

    async def keep(self) -> int:
        """Tell the store which keys are in use; let go of those that are void. How many were. `LogError`."""
        void = 0
        for (room, epoch), entry in list(self._entries.items()):
            if not await self.store.keep(room, epoch, entry.key):
                self.forget(room, epoch)
                void += 1
        return void

    def _put(self, room: str, epoch: str, key: bytes) -> Entry:
        entry = self._entries.setdefault((room, epoch), Entry(key))
        self._entries.move_to_end((room, epoch))
        if len(self._entries) > MAX_AT_HAND:
            self._entries.popitem(last=False)
        return entry
