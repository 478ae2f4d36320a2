"""Keys in this process, gone with it: for tests, and for a store that is in memory itself."""

import secrets
import time
from collections.abc import Callable, Collection, Sequence

from rooms.keystore import KEY_BYTES, Epoch, Kept, key_name


class MemoryKeyStore:
    """A `KeyStore`. `clock` gives Unix seconds."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._keys: dict[str, tuple[bytes, int]] = {}

    async def key(self, room: str, epoch: str) -> bytes:
        made = (secrets.token_bytes(KEY_BYTES), int(self._clock()))
        return self._keys.setdefault(key_name(room, epoch), made)[0]

    async def find(self, room: str, epoch: str) -> bytes | None:
        kept = self._keys.get(key_name(room, epoch))
        return None if kept is None else kept[0]

    async def keep(self, room: str, epoch: str, key: bytes) -> bool:
        return await self.find(room, epoch) == key

    async def destroy(self, room: str, epoch: str) -> None:
        self._keys.pop(key_name(room, epoch), None)

    async def prune(self, living: Collection[Epoch], made_before: int) -> int:
        names = {key_name(*epoch) for epoch in living}
        gone = [name for name, (_, at) in self._keys.items() if at < made_before and name not in names]
        for name in gone:
            del self._keys[name]
        return len(gone)

    async def every(self) -> Sequence[Kept]:
        return [Kept(name, at) for name, (_, at) in self._keys.items()]

    async def rotate(self) -> int:
        return 0  # nothing is wrapped

    async def close(self) -> None:
        """The keys stay: who opens the store again finds them."""
