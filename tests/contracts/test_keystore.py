"""What every store of keys promises, over memory, files and Redis (`rooms/keystore.py` has the words)."""

import asyncio
import os
import stat
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from chatd.epochs import keystore_files, keystore_redis
from chatd.epochs.keystore_files import FileKeyStore
from chatd.epochs.keystore_redis import RedisKeyStore
from chatd.epochs.master_key import Masters
from rooms.keystore import KEY_BYTES, KeyStore, KeysUnavailable, key_name
from rooms.keystore_memory import MemoryKeyStore
from rooms.log import LogCorrupt
from tests.fixtures.buses import Valkey
from tests.fixtures.stores import MINUTE, Clock

ROOM, EPOCH = "quiet-hour", "e1-e1-e1-e1-e1-e"
OLD, NEW = b"o" * 32, b"n" * 32


class Kind:
    """One set of keys, to be opened as often as a test needs processes."""

    def __init__(self, name: str, make: Callable[["Kind"], KeyStore]) -> None:
        self.name = name
        self.masters = [OLD]
        self.clock = Clock()
        self._make = make
        self.opened: list[KeyStore] = []

    def open(self) -> KeyStore:
        self.opened.append(self._make(self))
        return self.opened[-1]

    def load(self) -> Masters:
        return Masters(self.masters)


@pytest.fixture(params=["memory", "files", "redis"])
async def kind(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Kind]:
    if request.param == "memory":
        memory = MemoryKeyStore()
        made = Kind("memory", lambda kind: memory)
        memory._clock = made.clock
    elif request.param == "files":
        made = Kind("files", lambda kind: FileKeyStore(tmp_path / "keys", kind.load, kind.clock))
    else:
        valkey: Valkey = request.getfixturevalue("breakable_valkey")
        made = Kind("redis", lambda kind: RedisKeyStore(valkey.url, kind.load, kind.clock))
        await made.open().key("another", "room")  # its memory has begun
        await made.opened[0].destroy("another", "room")
        made.clock.now += keystore_redis.SETTLE_S + 1
    yield made
    for store in made.opened:
        await store.close()


async def test_a_key_is_made_once_and_is_random(kind: Kind) -> None:
    one, two = kind.open(), kind.open()
    assert await one.find(ROOM, EPOCH) is None
    key = await one.key(ROOM, EPOCH)
    assert len(key) == KEY_BYTES
    assert await two.key(ROOM, EPOCH) == await two.find(ROOM, EPOCH) == await one.key(ROOM, EPOCH) == key
    others = [await one.key(ROOM, "e2"), await one.key("other", EPOCH), await one.key(ROOM + "e1", EPOCH[2:])]
    assert len({key, *others}) == 4


async def test_all_who_ask_at_once_get_the_same(kind: Kind) -> None:
    stores = [kind.open() for _ in range(6)]
    for number in range(5):
        keys = await asyncio.gather(*(store.key(ROOM, f"e{number}") for store in stores for _ in range(3)))
        assert len(set(keys)) == 1


async def test_what_is_destroyed_is_gone_everywhere(kind: Kind) -> None:
    one, two = kind.open(), kind.open()
    key, other = await one.key(ROOM, EPOCH), await one.key(ROOM, "e2")
    await two.destroy(ROOM, EPOCH)
    await two.destroy(ROOM, EPOCH)
    await two.destroy("never", "was")
    assert await one.find(ROOM, EPOCH) is None
    assert await one.find(ROOM, "e2") == other
    # A node that has not heard of it says that it is in use: nothing brings it back.
    assert not await one.keep(ROOM, EPOCH, key)
    assert await one.find(ROOM, EPOCH) is None
    assert [kept.name for kept in await one.every()] == [key_name(ROOM, "e2")]


async def test_who_holds_another_key_hears_of_it(kind: Kind) -> None:
    store = kind.open()
    key = await store.key(ROOM, EPOCH)
    assert await store.keep(ROOM, EPOCH, key)
    assert not await store.keep(ROOM, EPOCH, bytes(KEY_BYTES))
    assert await store.find(ROOM, EPOCH) == key


async def test_what_no_room_needs_is_pruned_and_no_younger_one(kind: Kind) -> None:
    store = kind.open()
    for epoch in ("living", "over"):
        await store.key(ROOM, epoch)
    then, kind.clock.now = int(kind.clock.now), kind.clock.now + 60
    await store.key(ROOM, "young")
    assert {kept.made_at for kept in await store.every()} == {then, then + 60}
    assert await store.prune({(ROOM, "living")}, then + 1) == 1
    assert await store.prune({(ROOM, "living")}, then + 1) == 0
    assert await store.find(ROOM, "over") is None
    assert await store.find(ROOM, "living") is not None
    assert await store.find(ROOM, "young") is not None


# ---- under the master key ------------------------------------------------------------------------


WRAPPED = pytest.mark.parametrize("kind", ["files", "redis"], indirect=True)


@WRAPPED
async def test_without_the_master_key_nothing_opens(kind: Kind) -> None:
    await kind.open().key(ROOM, EPOCH)
    kind.masters = [NEW]
    with pytest.raises(LogCorrupt, match="master key"):
        await kind.open().find(ROOM, EPOCH)


@WRAPPED
async def test_the_master_key_is_changed_under_who_uses_it(kind: Kind) -> None:
    using, operator = kind.open(), kind.open()
    keys = {epoch: await using.key(ROOM, epoch) for epoch in ("e1", "e2", "e3")}
    at = await using.every()
    await using.destroy(ROOM, "e3")
    kind.masters = [NEW, OLD]
    assert await operator.rotate() == 2
    assert await operator.rotate() == 0
    kind.masters = [NEW]
    assert [await using.find(ROOM, epoch) for epoch in ("e1", "e2", "e3")] == [keys["e1"], keys["e2"], None]
    assert {kept.made_at for kept in await kind.open().every()} == {kept.made_at for kept in at}
    assert await kind.open().find(ROOM, "e1") == keys["e1"]


# ---- files -----------------------------------------------------------------------------------------


@pytest.fixture
def files(tmp_path: Path) -> FileKeyStore:
    return FileKeyStore(tmp_path / "keys", lambda: Masters([OLD]))


async def test_a_file_tells_nothing_and_is_for_its_owner(files: FileKeyStore, tmp_path: Path) -> None:
    key = await files.key(ROOM, EPOCH)
    (path,) = [each for each in (tmp_path / "keys").iterdir() if not each.name.startswith(".")]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    raw = path.name.encode() + path.read_bytes()
    assert all(secret not in raw for secret in (key, ROOM.encode(), EPOCH.encode()))


async def test_a_key_is_made_of_nothing_that_is_kept(files: FileKeyStore) -> None:
    """Of the same names, under the same master key, another one each time."""
    before = await files.key(ROOM, EPOCH)
    await files.destroy(ROOM, EPOCH)
    assert await files.key(ROOM, EPOCH) != before


async def test_files_that_were_swapped_open_nothing(files: FileKeyStore, tmp_path: Path) -> None:
    await files.key(ROOM, EPOCH)
    await files.key(ROOM, "e2")
    one, two = (tmp_path / "keys" / key_name(ROOM, epoch) for epoch in (EPOCH, "e2"))
    one.write_bytes(two.read_bytes())
    with pytest.raises(LogCorrupt, match="damaged"):
        await files.find(ROOM, EPOCH)


async def test_zeros_are_over_it_before_its_name_goes(files: FileKeyStore, tmp_path: Path) -> None:
    """Whoever has the file open, as a copy on a failing disk would, holds nothing."""
    await files.key(ROOM, EPOCH)
    with (tmp_path / "keys" / key_name(ROOM, EPOCH)).open("rb") as open_still:
        await files.destroy(ROOM, EPOCH)
        assert not any(open_still.read())
    with pytest.raises(FileNotFoundError):
        (tmp_path / "keys" / key_name(ROOM, EPOCH)).stat()


async def test_after_a_change_of_the_master_key_no_old_copy_is_left(tmp_path: Path) -> None:
    masters = [OLD]
    files = FileKeyStore(tmp_path / "keys", lambda: Masters(masters))
    await files.key(ROOM, EPOCH)
    with (tmp_path / "keys" / key_name(ROOM, EPOCH)).open("rb") as before:
        masters[:] = [NEW, OLD]
        await files.rotate()
        assert not any(before.read())


async def test_who_died_in_between_leaves_nothing(
    files: FileKeyStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed while destroying: no key any more. Killed while making: what was written goes with the next."""
    await files.key(ROOM, EPOCH)
    path = tmp_path / "keys" / key_name(ROOM, EPOCH)
    path.write_bytes(bytes(path.stat().st_size))
    assert await files.find(ROOM, EPOCH) is None

    def dies(*paths: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "link", dies)
        with pytest.raises(KeysUnavailable):
            await files.key(ROOM, EPOCH)
    left = tmp_path / "keys" / f".{'a' * 16}"
    left.write_bytes(b"wrapped")
    await files.key(ROOM, EPOCH)
    await files.destroy(ROOM, EPOCH)
    assert [each.name for each in (tmp_path / "keys").iterdir()] == [keystore_files.LOCK_NAME]


async def test_a_folder_that_cannot_be_used_is_said(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text("a file")
    files = FileKeyStore(tmp_path / "keys", lambda: Masters([OLD]))
    with pytest.raises(KeysUnavailable):
        await files.key(ROOM, EPOCH)


# ---- Redis -------------------------------------------------------------------------------------------


async def test_when_redis_forgets_a_node_that_holds_the_key_puts_it_back(breakable_valkey: Valkey) -> None:
    clock = Clock(MINUTE)
    one, two = (RedisKeyStore(breakable_valkey.url, lambda: Masters([OLD]), clock) for _ in range(2))
    key, lost = await one.key(ROOM, EPOCH), await one.key(ROOM, "held by nobody")
    gone = await one.key(ROOM, "destroyed")
    clock.now += 1_000
    await one._redis.flushall()
    with pytest.raises(KeysUnavailable):  # nobody takes it for gone
        await two.find(ROOM, EPOCH)
    assert await one.keep(ROOM, EPOCH, key)
    assert await two.find(ROOM, EPOCH) == key
    await two.destroy(ROOM, "destroyed")
    assert not await one.keep(ROOM, "destroyed", gone)
    clock.now += keystore_redis.SETTLE_S + 1
    assert await two.find(ROOM, "held by nobody") is None
    assert lost
    for store in (one, two):
        await store.close()


async def test_every_key_in_redis_ends_by_itself(breakable_valkey: Valkey) -> None:
    store = RedisKeyStore(breakable_valkey.url, lambda: Masters([OLD]))
    key = await store.key(ROOM, EPOCH)
    await store.key(ROOM, "e2")
    await store.destroy(ROOM, "e2")
    await store.keep(ROOM, EPOCH, key)
    names = [name async for name in store._redis.scan_iter(match="chatd:key:*")]
    assert len(names) == 2
    assert all([0 < await store._redis.ttl(name) <= keystore_redis.KEEP_S for name in names])
    assert all(ROOM.encode() not in name for name in names)
    await store.close()


async def test_a_redis_that_is_away_is_said_without_its_address() -> None:
    store = RedisKeyStore("redis://:hunter2@127.0.0.1:1", lambda: Masters([OLD]))
    with pytest.raises(KeysUnavailable) as said:
        await store.key(ROOM, EPOCH)
    assert "hunter2" not in str(said.value)
    assert "127.0.0.1" not in str(said.value)
    await store.close()
