"""Erasure: the key is destroyed, then the rows; and of what is left nothing says what was said, or by whom.

"What is left" is taken from an administrator's side: the database and its write-ahead log, a backup from
before, the secret, the master key, and every key that is still there.
"""

import asyncio
import hmac
import itertools
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from chatd.backup import back_up, restore
from chatd.doctor.sessions import check_keys
from chatd.epochs.bodies import BodySealer, EpochBox
from chatd.epochs.keystores import open_kept, open_keys
from chatd.epochs.master_key import MASTER_NAME, master_keys, write_master_file
from chatd.seats import Seats
from chatd.settings import STORE_NAME, Settings, load_secret
from rooms.events import AnyEvent, Posted, Rules, Slowed
from rooms.keyring import Keyring
from rooms.keystore import KEYS_OVERDUE_S, KeyGone, key_name
from rooms.keystore_memory import MemoryKeyStore
from rooms.log import Appended, Claim, Draft, Head, LogCorrupt, LogUnavailable, Stale
from rooms.rules_sql import NO_RULES
from rooms.sealer import Damaged, OtherKey
from rooms.store_sql import Store, migrate, open_store
from tests.fixtures.servers import Serve, run_chatd
from tests.fixtures.stores import Stores

ROOM, OTTER = "nights", "quiet-otter"
CANARY = "she said the canary sentence"
SUBJECT = "nurse-4711"

OPENED: list[Store] = []


@pytest.fixture
async def settings(tmp_path: Path) -> Settings:
    made = Settings(data=tmp_path / "data")
    made.data.mkdir(mode=0o700)
    await migrate(made.store)
    return made


@pytest.fixture(autouse=True)
async def closing_all() -> AsyncIterator[None]:
    """Also where a test fails: a store that is left open keeps the process alive."""
    OPENED.clear()
    yield
    for store in OPENED:
        await store.close()


async def opened(settings: Settings) -> Store:
    OPENED.append(await open_kept(settings))
    return OPENED[-1]


async def says(store: Store, text: str, room: str = ROOM) -> Head:
    head = await store.log.open_room(room)
    posted = Posted(room=room, handle=OTTER, text=text)
    slowed = Slowed(room=room, handle=OTTER, seconds=7)
    outcomes = await store.log.append(
        [
            Draft(posted, head.epoch, head.rules_version, f"p:{text}"),
            Draft(slowed, head.epoch, head.rules_version, f"s:{text}", rules=Rules(slow_mode_s=7)),
        ]
    )
    assert all(isinstance(outcome, Appended) for outcome in outcomes)
    return (await store.log.heads([room]))[room]


async def comes(store: Store, head: Head) -> bytes:
    """SUBJECT takes a handle; the owner that is kept of them."""
    seats = Seats(store.keyed().keyring)
    owner = seats.owner(ROOM, head.epoch, seats.pseudonym(ROOM, head.epoch, SUBJECT))
    assert await store.log.claim([Claim(ROOM, head.epoch, owner, (OTTER,))]) == [OTTER]
    return owner


async def heard(store: Store, room: str = ROOM) -> list[str]:
    head = await store.log.open_room(room)
    return texts(await store.log.since(room, head.epoch, 0, 100))


def texts(events: list[AnyEvent]) -> list[str]:
    return [event.text for event in events if isinstance(event, Posted)]


def left(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


async def test_nothing_that_is_left_says_what_was_said_or_by_whom(settings: Settings, tmp_path: Path) -> None:
    store = await opened(settings)
    head = await says(store, CANARY)
    owner = await comes(store, head)
    await says(store, "in another room", "tea")
    key = store.keyed().keyring.epoch_key(ROOM, head.epoch)
    backup = tmp_path / "backup.db"
    await back_up(settings, backup)
    for bytes_ in (left(settings.data), backup.read_bytes()):
        assert CANARY.encode() not in bytes_
        assert key not in bytes_

    new = await store.log.erase(ROOM, head.epoch)
    assert (new.epoch != head.epoch, new.head, new.rules) == (True, 0, Rules())
    assert await heard(store) == []
    heads = await store.log.heads([ROOM, "tea"])
    names = {each.name for each in await open_keys(settings).every()}
    assert names == {key_name(room, each.epoch) for room, each in heads.items()}
    assert await open_keys(settings).find(ROOM, head.epoch) is None
    remaining = [
        store.keyed().keyring.epoch_key(room, each.epoch)
        for room, each in (await store.log.heads([ROOM, "tea"])).items()
    ]
    await store.close()
    everything = left(tmp_path)
    assert all(canary not in everything for canary in (CANARY.encode(), SUBJECT.encode(), key))

    with closing(sqlite3.connect(backup)) as database:
        rows = database.execute(
            "SELECT seq, kind, body FROM events WHERE epoch = ?", (head.epoch,)
        ).fetchall()
        owners = {each for (each,) in database.execute("SELECT owner FROM handles")}
    assert len(rows) == 2
    assert owners == {owner}
    # With the key it was all there: what is tried below is the right thing to try.
    assert opens(key, head.epoch, rows)
    assert owner_under(key, head.epoch) == owner
    for each in secrets_left(settings, remaining, head.epoch):
        assert not opens(each, head.epoch, rows)
        assert owner_under(each, head.epoch) not in owners


def secrets_left(settings: Settings, remaining: list[bytes], epoch: str) -> Iterator[bytes]:
    """Every key there still is, and what could be made of them for this epoch."""
    roots = [load_secret(settings), (settings.data / MASTER_NAME).read_bytes(), *remaining, bytes(32)]
    roots += [path.read_bytes() for path in (settings.data / "keys").iterdir()]
    yield from roots
    names = [ROOM.encode(), epoch.encode(), key_name(ROOM, epoch).encode()]
    for root, name in itertools.product(roots, names):
        yield hmac.digest(root, name, "sha256")


def opens(key: bytes, epoch: str, rows: list[tuple[int, str, bytes]]) -> bool:
    box = EpochBox(key, ROOM, epoch)
    try:
        return CANARY.encode() in b"".join(box.open(seq, kind, body) for seq, kind, body in rows)
    except (OtherKey, Damaged):
        return False


def owner_under(key: bytes, epoch: str) -> bytes:
    keyring = Keyring(MemoryKeyStore())
    keyring._put(ROOM, epoch, key)
    seats = Seats(keyring)
    return seats.owner(ROOM, epoch, seats.pseudonym(ROOM, epoch, SUBJECT))


# ---- a backup --------------------------------------------------------------------------------------


async def test_a_backup_brings_back_what_was_not_erased_since_and_no_more(
    settings: Settings, tmp_path: Path
) -> None:
    store = await opened(settings)
    erased = await says(store, CANARY)
    await says(store, "of another room", "tea")
    await back_up(settings, tmp_path / "backup.db")
    await store.log.erase(ROOM, erased.epoch)
    await says(store, "later", "tea")
    await store.close()
    assert await restore(settings, tmp_path / "backup.db", replace=True) == 2
    store = await opened(settings)
    assert await heard(store) == []
    assert await heard(store, "tea") == ["of another room"]
    assert (await store.log.heads(["tea"]))["tea"].rules == Rules(slow_mode_s=7)
    kept = {each.name for each in await store.keys.every()}
    assert kept == {
        key_name(room, head.epoch) for room, head in (await store.log.heads([ROOM, "tea"])).items()
    }
    await store.close()

    elsewhere = Settings(data=tmp_path / "elsewhere")
    await restore(elsewhere, tmp_path / "backup.db", replace=False)
    store = await opened(elsewhere)
    assert await heard(store, "tea") == []
    await says(store, "it goes on", "tea")
    await store.close()


# ---- a process that dies -----------------------------------------------------------------------------


async def test_who_dies_after_the_key_and_before_the_rows_is_made_up_for(shared_stores: Stores) -> None:
    dying, living, later = [await shared_stores.open() for _ in range(3)]
    head = await says(dying, CANARY)
    assert await heard(living) == [CANARY]
    await dying.keyed().keyring.destroy(ROOM, head.epoch)  # and no more
    again = await later.log.open_room(ROOM)
    assert (again.epoch != head.epoch, again.head, again.rules) == (True, 0, Rules())
    assert await heard(later) == []
    # The one that had the key in its memory hears of it as of any erasure.
    assert await living.log.since(ROOM, head.epoch, 0, 10) == []
    posted = Posted(room=ROOM, handle=OTTER, text="late")
    assert await living.log.append([Draft(posted, head.epoch, head.rules_version, "k")]) == [Stale()]
    assert await living.keyed().keyring.keep() == 1


async def test_who_reads_while_it_is_erased_has_not_found_a_lost_key(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = await opened(settings)
    head = await says(store, CANARY)
    keyed = store.keyed()
    lost: list[bool] = []
    keyed.on_lost = lambda: lost.append(True)
    inner, seen = keyed._log, list[AnyEvent]()
    whole = inner.erase

    async def read_first(room: str, epoch: str | None = None, began_at: int | None = None) -> Head:
        monkeypatch.setattr(inner, "erase", whole)
        seen.extend(await keyed.since(room, head.epoch, 0, 10))
        return await whole(room, epoch, began_at)

    monkeypatch.setattr(inner, "erase", read_first)
    after = await keyed.erase(ROOM)
    assert (after.head, seen, lost) == (0, [], [])
    assert after.epoch == (await keyed.open_room(ROOM)).epoch != head.epoch


async def test_an_erasure_that_broke_off_has_lost_no_key(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = await opened(settings)
    head = await says(store, CANARY)
    keyed = store.keyed()
    lost: list[bool] = []
    keyed.on_lost = lambda: lost.append(True)

    async def away(room: str, epoch: str | None = None, began_at: int | None = None) -> Head:
        raise LogUnavailable("The disk is full.")

    with monkeypatch.context() as broken:
        broken.setattr(keyed._log, "erase", away)
        with pytest.raises(LogUnavailable):
            await keyed.erase(ROOM)
    again = await keyed.open_room(ROOM)
    assert (again.epoch != head.epoch, again.head, lost) == (True, 0, [])


@pytest.mark.parametrize("does", ["mend", "since", "before", "append"])
async def test_whoever_looks_finishes_it(shared_stores: Stores, does: str) -> None:
    dying, next_ = [await shared_stores.open() for _ in range(2)]
    head = await says(dying, CANARY)
    lost: list[bool] = []
    keyed = next_.keyed()
    keyed.on_lost = lambda: lost.append(True)
    await dying.keyed().keyring.destroy(ROOM, head.epoch)
    assert (await keyed.heads([ROOM]))[ROOM].rules == Rules(), "nobody is led by what nobody can read"
    if does == "mend":
        await keyed.mend(ROOM)
    elif does == "append":
        draft = Draft(Posted(room=ROOM, handle=OTTER, text="x"), head.epoch, head.rules_version, "k")
        assert await keyed.append([draft]) == [Stale()]
    else:
        read = keyed.since if does == "since" else keyed.before
        assert await read(ROOM, head.epoch, 1 if does == "since" else 3, 10) == []
    assert (await keyed.heads([ROOM]))[ROOM].epoch != head.epoch
    assert lost == [True]
    await keyed.mend(ROOM)
    assert lost == [True]


async def test_keys_without_a_room_are_found_and_destroyed(settings: Settings) -> None:
    assert await asyncio.to_thread(check_keys_of, settings) == "ok"
    store = await opened(settings)
    head = await says(store, CANARY)
    later = int(store.keys._clock()) + KEYS_OVERDUE_S + 1  # type: ignore[attr-defined]  # of the files
    await store.keys.key("forgotten", "by a crash")
    assert await asyncio.to_thread(check_keys_of, settings) == "ok", "it may just have begun"
    store.keys._clock = lambda: later - 3 * KEYS_OVERDUE_S  # type: ignore[attr-defined]  # as above
    await store.keys.key("forgotten", "long ago")
    assert await asyncio.to_thread(check_keys_of, settings) == "failure"
    assert await store.keyed().prune(later) == 2
    assert [each.name for each in await store.keys.every()] == [key_name(ROOM, head.epoch)]
    assert await asyncio.to_thread(check_keys_of, settings) == "ok"
    await store.close()


def check_keys_of(settings: Settings) -> str:
    return check_keys(settings).verdict


# ---- at rest -------------------------------------------------------------------------------------------


async def test_what_was_kept_in_plain_before_is_still_read(sqlite_stores: Stores) -> None:
    """And it may be taken back; what comes after it is sealed."""
    plain = await sqlite_stores.open()
    head = await plain.log.open_room(ROOM)
    post = Draft(Posted(room=ROOM, handle=OTTER, text="of before"), head.epoch, 0, "k")
    rules = Draft(Slowed(room=ROOM, handle=OTTER, seconds=5), head.epoch, 0, "s", rules=Rules(slow_mode_s=5))
    await plain.log.append([post, rules])
    sqlite_stores.keys = plain.keys
    sealed = await sqlite_stores.open()
    assert (await sealed.log.open_room(ROOM)).rules == Rules(slow_mode_s=5)
    assert await heard(sealed) == ["of before"]
    await says(sealed, "of now")
    assert await heard(sealed) == ["of before", "of now"]
    with pytest.raises(LogUnavailable, match="sealed"):
        await plain.log.since(ROOM, head.epoch, 2, 10)
    with closing(sqlite3.connect(sqlite_stores.address)) as database:
        firsts = [body[0] for (body,) in database.execute("SELECT body FROM events ORDER BY seq")]
    assert [first == 1 for first in firsts] == [False, False, True, True]


async def test_what_is_put_in_another_place_does_not_open(sqlite_stores: Stores) -> None:
    sqlite_stores.keys = (await sqlite_stores.open()).keys
    store = await sqlite_stores.open()
    head = await says(store, "one")
    with closing(sqlite3.connect(sqlite_stores.address)) as database:
        (body,) = database.execute("SELECT body FROM events WHERE seq = 1").fetchone()
        database.execute("UPDATE events SET body = ? WHERE seq = 2", (body,))
        database.commit()
    with pytest.raises(LogCorrupt, match="changed"):
        await store.log.since(ROOM, head.epoch, 0, 10)


async def test_rules_are_sealed_too(settings: Settings) -> None:
    store = await opened(settings)
    await says(store, "x")
    await store.close()
    with closing(sqlite3.connect(settings.data / STORE_NAME)) as database:
        (rules,) = database.execute("SELECT rules FROM rooms").fetchone()
    assert rules[0] == 1
    assert msgspec.msgpack.encode(Rules(slow_mode_s=7)) not in rules
    assert NO_RULES[0] != 1


async def test_a_log_without_the_key_says_which_epoch_is_gone(sqlite_stores: Stores) -> None:
    keyring = Keyring((await sqlite_stores.open()).keys)
    store = await open_store(sqlite_stores.address, sealer=BodySealer(keyring))
    head = await store.log.open_room(ROOM)
    draft = Draft(Posted(room=ROOM, handle=OTTER, text=CANARY), head.epoch, 0, "k")
    with pytest.raises(KeyGone) as said:
        await store.log.append([draft])
    assert said.value.epoch == (ROOM, head.epoch)
    assert ROOM not in str(said.value)
    await store.close()


# ---- the command -----------------------------------------------------------------------------------------


async def test_the_master_key_is_changed_while_the_server_runs(serve: Serve, tmp_path: Path) -> None:
    server = await serve()
    settings = Settings(data=server.data)
    store = await opened(settings)
    head = await says(store, "kept")
    before = (server.data / MASTER_NAME).read_bytes()
    code, out, err = await run_chatd("keys", "rotate", "--data", str(server.data), cwd=tmp_path)
    assert (code, "under the new master key" in out) == (0, True), err
    after = (server.data / MASTER_NAME).read_bytes()
    assert (after != before, len(after.split())) == (True, 1)
    assert before not in left(server.data)
    other = await opened(settings)
    assert await heard(other) == ["kept"]
    assert await store.keys.find(ROOM, head.epoch) == await other.keys.find(ROOM, head.epoch)
    for each in (store, other):
        await each.close()


async def test_a_change_that_was_stopped_is_finished(settings: Settings, tmp_path: Path) -> None:
    store = await opened(settings)
    await says(store, "kept")
    write_master_file(settings, [b"n" * 32, *master_keys(settings)])  # and then the power went
    await says(store, "meanwhile", "tea")
    for _ in range(2):
        code, _, err = await run_chatd(
            "keys", "rotate", "--go-on", "--data", str(settings.data), cwd=tmp_path
        )
        assert code == 0, err
    assert master_keys(settings) == [b"n" * 32]
    await store.close()
    store = await opened(settings)
    assert (await heard(store), await heard(store, "tea")) == (["kept"], ["meanwhile"])
    await store.close()


async def test_a_master_key_from_a_setting_is_not_ours_to_change(settings: Settings, tmp_path: Path) -> None:
    environ = {"CHATD_MASTER_KEY": "A" * 43 + "="}
    code, _, err = await run_chatd(
        "keys", "rotate", "--data", str(settings.data), cwd=tmp_path, environ=environ
    )
    assert (code, "`master_key`" in err) == (2, True)
    environ = {"CHATD_MASTER_KEY": "short"}
    code, _, err = await run_chatd("keys", "rotate", cwd=tmp_path, environ=environ)
    assert (code, "32 bytes" in err) == (2, True)
