"""Keys of rooms' epochs in the memory of a Redis server, for several machines.

    chatd:key:<name>      one key, wrapped (`master_key.py`); empty: it was destroyed
    chatd:keys:since      when this memory began (Unix seconds)

Each ends by itself (`KEEP_S`, well beyond what any room keeps) unless a node says now and then that its epoch
lives. So whatever happens to the servers of this program, no key outlives its room for long.

**When Redis loses its memory**, nodes that hold a key put it back the next time they say so, within seconds;
for `SETTLE_S` nobody takes a missing key for gone. A key that no node held is gone, and with it what was said
under it: everybody who comes gets a clean start (`rooms/keyed_log.py`). That a key is destroyed is remembered
here for `TOMB_S`, so that no node that has not heard of it puts it back.
"""

import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final, cast

from redis.asyncio import Redis
from redis.exceptions import RedisError

from chatd.epochs.master_key import WRAPPED_BYTES, Masters, UnknownMaster, kept
from chatd.link_redis import URL_FORMS
from chatd.redis_keys import KEYS_SINCE, epoch_key, epoch_key_name, epoch_keys
from rooms.keystore import KEY_BYTES, Epoch, Kept, KeysUnavailable, key_name
from rooms.log import LogCorrupt

KEEP_S: Final = 35 * 24 * 3600
"""Longer than any room keeps what was said (`rooms.catalog.HISTORY_S`)."""
TOMB_S: Final = 24 * 3600
SETTLE_S: Final = 30
TIMEOUT_S: Final = 2.0
_SWAP: Final = (
    "if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('SET', KEYS[1], ARGV[2], 'KEEPTTL') end"
)


class RedisKeyStore:
    """A `KeyStore`. `masters` as for files. `clock` gives Unix seconds."""

    def __init__(
        self, url: str, masters: Callable[[], Masters], clock: Callable[[], float] = time.time
    ) -> None:
        """`ValueError` for a URL that cannot work; nothing of it is in the text."""
        try:
            self._redis: Any = Redis.from_url(  # redis-py leaves the answers without types
                url, socket_timeout=TIMEOUT_S, socket_connect_timeout=TIMEOUT_S, decode_responses=False
            )
        except (ValueError, TypeError, RedisError):
            raise ValueError(f"the Redis URL cannot be used: expected {URL_FORMS}") from None
        self._load = masters
        self._masters = masters()
        self._clock = clock

    async def key(self, room: str, epoch: str) -> bytes:
        name = key_name(room, epoch)
        key = secrets.token_bytes(KEY_BYTES)
        wrapped = self._masters.wrap(name, key, int(self._clock()))
        async with _translated():
            await self._begun()
            # One step: whoever comes second gets what the first has put there.
            before = await self._redis.set(epoch_key(name), wrapped, nx=True, get=True, ex=KEEP_S)
        if before is None:
            return key
        found = self._read(name, before)
        if found is None:
            raise KeysUnavailable("The key of this room was destroyed. Come in again.")
        return found

    async def find(self, room: str, epoch: str) -> bytes | None:
        name = key_name(room, epoch)
        async with _translated():
            wrapped = await self._redis.get(epoch_key(name))
            if wrapped is None and await self._begun() > self._clock() - SETTLE_S:
                raise KeysUnavailable("Redis has just begun anew; its keys may yet come back.")
        return None if wrapped is None else self._read(name, wrapped)

    async def keep(self, room: str, epoch: str, key: bytes) -> bool:
        name = key_name(room, epoch)
        async with _translated():
            wrapped = await self._redis.get(epoch_key(name))
            if wrapped is None:
                await self._begun()
                mine = self._masters.wrap(name, key, int(self._clock()))
                wrapped = await self._redis.set(epoch_key(name), mine, nx=True, get=True, ex=KEEP_S) or mine
            elif wrapped:
                await self._redis.expire(epoch_key(name), KEEP_S)
        return self._read(name, wrapped) == key

    async def destroy(self, room: str, epoch: str) -> None:
        async with _translated():
            await self._redis.set(epoch_key(key_name(room, epoch)), b"", ex=TOMB_S)

    async def prune(self, living: Collection[Epoch], made_before: int) -> int:
        names = {key_name(*epoch) for epoch in living}
        count = 0
        async with _translated():
            async for name, wrapped in self._stored():
                # What does not open under our master key belongs to another installation.
                if name not in names and self._ours(wrapped) and kept(name, wrapped).made_at < made_before:
                    await self._redis.set(epoch_key(name), b"", ex=TOMB_S)
                    count += 1
        return count

    async def every(self) -> Sequence[Kept]:
        async with _translated():
            return [kept(name, wrapped) async for name, wrapped in self._stored() if self._ours(wrapped)]

    async def rotate(self) -> int:
        self._masters = self._load()
        count = 0
        async with _translated():
            async for name, wrapped in self._stored():
                if self._ours(wrapped) and not self._masters.newest(wrapped):
                    key = self._masters.unwrap(name, wrapped)
                    anew = self._masters.wrap(name, key, kept(name, wrapped).made_at)
                    # Only where it is as it was read: one that was destroyed meanwhile stays so.
                    await self._redis.eval(_SWAP, 1, epoch_key(name), wrapped, anew)
                    count += 1
        return count

    async def close(self) -> None:
        await self._redis.aclose()

    def _read(self, name: str, wrapped: bytes) -> bytes | None:
        if not wrapped:
            return None
        try:
            return self._masters.unwrap(name, wrapped)
        except UnknownMaster:
            self._masters = self._load()
        try:
            return self._masters.unwrap(name, wrapped)
        except UnknownMaster:
            raise LogCorrupt(
                "A key of a room does not open under this master key: set the same `master_key` on every "
                "machine."
            ) from None

    def _ours(self, wrapped: bytes) -> bool:
        try:
            self._masters.newest(wrapped)
        except UnknownMaster:
            return False
        return len(wrapped) == WRAPPED_BYTES

    async def _stored(self) -> AsyncIterator[tuple[str, bytes]]:
        """All that are not destroyed; which may be there twice."""
        seen: set[bytes] = set()
        async for full in self._redis.scan_iter(match=epoch_keys(), count=500):
            if full not in seen:
                seen.add(full)
                if wrapped := await self._redis.get(full):
                    yield epoch_key_name(full), wrapped

    async def _begun(self) -> float:
        """When this memory began; now, where it has just done so."""
        now = int(self._clock())
        begun = await cast(
            "Awaitable[bytes | None]", self._redis.set(KEYS_SINCE, str(now), nx=True, get=True)
        )
        return now if begun is None else int(begun)


@asynccontextmanager
async def _translated() -> AsyncIterator[None]:
    try:
        yield
    except (RedisError, OSError) as error:
        raise KeysUnavailable(f"The rooms' keys cannot be had just now ({type(error).__name__}).") from None
