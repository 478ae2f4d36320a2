"""The keys of rooms' epochs: one each, random, and gone for good when it is destroyed.

    key      -> 32 random bytes, made at the first asking, the same ever after
    find     -> the key that is there; None where there is none (any more)
    destroy  -> nobody can read it ever again
    prune    -> the same for those of epochs that are over, which a crash left

Everything that ties people to what they said, and what they said itself, hangs on this key: pseudonyms,
owners of handles, seats, offers, bodies in the log. So to destroy it is to erase all of that, also in copies
of the database that nobody can reach any more.

Guarantees, which `tests/contracts/test_keystore.py` holds every backend to:

- **Random.** A key comes from the system's random source, and from nothing else that is kept.
- **One.** Over all processes that share the store, all who ask for an epoch's key get the same one.
- **Wrapped.** At rest it is encrypted under the master key, and bound to its name: files that were swapped
  open nothing. Its name is a digest; no room's name is kept.
- **Gone.** When `destroy` has returned, the key is in no file and no memory of the store, in any process.
  Who holds it must let go of it too (`rooms/keyring.py`).
- **Sure.** `find` says None only where it is certain. A store that is away, or has just lost its memory and
  may be given the key again, raises `KeysUnavailable`.
"""

from collections.abc import Collection, Sequence
from hashlib import blake2b
from typing import Final, Protocol, TypeAlias

import msgspec

from rooms.log import LogUnavailable

KEY_BYTES: Final = 32
NAME_CHARS: Final = 32
KEYS_OVERDUE_S: Final = 3600
"""A key that is there so long and is of no room's present epoch is a fault that somebody must hear of."""

Epoch: TypeAlias = tuple[str, str]
"""(room, the epoch's name)."""


class KeysUnavailable(LogUnavailable):
    """The store of keys cannot be read or written just now. Nothing is lost by it; try again."""


class KeyGone(LogUnavailable):
    """Something is kept of this epoch, and its key is gone: it was destroyed or lost, and what is left is to
    be erased."""

    def __init__(self, room: str, epoch: str) -> None:
        super().__init__("What was said there cannot be read any more: its key is gone.")
        self.epoch: Epoch = (room, epoch)


class Kept(msgspec.Struct, frozen=True):
    """A key that there is. `made_at` in Unix seconds."""

    name: str
    made_at: int


class KeyStore(Protocol):
    """Errors: `KeysUnavailable`; `LogCorrupt` where a key is there and does not open under the master key."""

    async def key(self, room: str, epoch: str) -> bytes:
        """The epoch's key, made now where there is none."""
        ...

    async def find(self, room: str, epoch: str) -> bytes | None: ...

    async def keep(self, room: str, epoch: str, key: bytes) -> bool:
        """Say that the epoch lives, whose key the caller holds. A store that forgets what nobody uses, or
        has lost its memory, keeps it on; it never takes back one that was destroyed. False where the store
        has another key, or none for good: then the caller holds one that is void."""
        ...

    async def destroy(self, room: str, epoch: str) -> None:
        """Idempotent; also where there is none."""
        ...

    async def prune(self, living: Collection[Epoch], made_before: int) -> int:
        """Destroy the keys that were made before `made_before` (Unix seconds) and are of no epoch in
        `living`: what a crash left. How many there were."""
        ...

    async def every(self) -> Sequence[Kept]:
        """The keys that there are, in no order."""
        ...

    async def rotate(self) -> int:
        """Wrap every key under the first of the master keys; how many were under another. Safe to stop at any
        moment, and to begin again. Nobody who uses a key notices."""
        ...

    async def close(self) -> None:
        """Idempotent."""
        ...


def key_name(room: str, epoch: str) -> str:
    """What an epoch's key is called: a digest. The epoch's own name is random, so nobody guesses it."""
    # The length goes first, so that no other pair of names makes the same bytes.
    name = room.encode()
    whole = len(name).to_bytes(4, "big") + name + epoch.encode()
    return blake2b(whole, digest_size=NAME_CHARS // 2, person=b"chatd key name").hexdigest()
