"""What only the SQLite log has to hold: its errors, its turns, its bounds, its files."""

import asyncio
import fcntl
import os
import sqlite3
import stat
import threading
from contextlib import suppress
from pathlib import Path

import pytest

from rooms import writer_sqlite
from rooms.events import Posted, Withdrawn
from rooms.log import Draft, Head, LogCorrupt, LogUnavailable
from rooms.readers_sqlite import Readers
from rooms.store_sql import migrate, open_store
from rooms.writer_sqlite import connect, lock_path, open_lock, turn
from tests.fixtures.stores import Stores


def posts(head: Head, numbers: range) -> list[Draft]:
    return [
        Draft(Posted(room="a", handle="quiet-otter", text=f"text {n}"), head.epoch, 0, str(n))
        for n in numbers
    ]


def withdrawal(head: Head, seq: int) -> Draft:
    event = Withdrawn(room="a", handle="quiet-otter", target=seq)
    return Draft(event, head.epoch, 0, f"w{seq}", withdraws=seq)


def damage(path: Path) -> None:
    pages = path.read_bytes()
    path.write_bytes(pages[:4096] + b"\xa5" * (len(pages) - 4096))


# ---- errors ------------------------------------------------------------------------------------


async def test_a_file_that_is_no_database_is_named_with_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "chatd.db"
    path.write_bytes(b"dear diary, " * 1_000)
    for opening in (migrate(path), open_store(path)):
        with pytest.raises(LogCorrupt, match=f"{path}.*backup"):
            await opening
    assert path.read_bytes() == b"dear diary, " * 1_000


async def test_a_damaged_file_is_named_with_what_to_do(sqlite_stores: Stores) -> None:
    store = await sqlite_stores.open()
    head = await store.log.open_room("a")
    await store.log.append(posts(head, range(1, 500)))
    await store.close()
    path = Path(sqlite_stores.address)
    damage(path)
    with pytest.raises(LogCorrupt, match=f"{path}.*backup"):
        await (await sqlite_stores.open()).log.open_room("b")


async def test_a_file_without_tables_or_of_a_newer_chatd_is_refused(sqlite_stores: Stores) -> None:
    path = sqlite_stores.address
    connection = sqlite3.connect(path)
    connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.commit()
    for opening in (migrate(path), open_store(path)):
        with pytest.raises(LogCorrupt, match=f"{path} was written by a newer chatd"):
            await opening
    connection.execute("DROP TABLE alembic_version")
    connection.commit()
    connection.close()
    with pytest.raises(LogCorrupt, match="does not have this chatd's tables"):
        await open_store(path)


async def test_a_row_that_is_not_ours_is_corrupt_not_wrong(sqlite_stores: Stores) -> None:
    log = (await sqlite_stores.open()).log
    head = await log.open_room("a")
    await log.append(posts(head, range(1, 3)))
    with sqlite3.connect(sqlite_stores.address) as connection:
        connection.execute("UPDATE events SET body = x'c1' WHERE seq = 2")
    connection.close()
    with pytest.raises(LogCorrupt, match="number 2 of its room"):
        await log.since("a", head.epoch, 0, 9)
    with pytest.raises(LogCorrupt, match="number 2 of its room"):
        await log.append([withdrawal(head, 2)])
    assert len(await log.append(posts(head, range(3, 4)))) == 1


async def test_a_missing_or_forbidden_place_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(LogUnavailable, match=r"chatd\.db"):
        await open_store(tmp_path / "nowhere" / "chatd.db")
    (tmp_path / "file").write_text("")
    with pytest.raises(LogUnavailable, match="file"):
        await migrate(tmp_path / "file" / "chatd.db")


async def test_a_program_that_takes_no_turns_is_waited_for_then_named(
    sqlite_stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer_sqlite, "BUSY_S", 0.1)
    log = (await sqlite_stores.open()).log
    head = await log.open_room("a")
    shell = sqlite3.connect(sqlite_stores.address, isolation_level=None)
    shell.execute("BEGIN IMMEDIATE")
    with pytest.raises(LogUnavailable, match="locked by another program"):
        await log.append(posts(head, range(1, 3)))
    shell.execute("ROLLBACK")
    shell.close()
    assert len(await log.append(posts(head, range(1, 3)))) == 2


async def test_a_call_that_failed_left_nothing_and_the_next_one_works(sqlite_stores: Stores) -> None:
    log = (await sqlite_stores.open()).log
    head = await log.open_room("a")
    shell = sqlite3.connect(sqlite_stores.address, isolation_level=None)
    shell.execute("CREATE TRIGGER no BEFORE INSERT ON events BEGIN SELECT raise(ABORT, 'no'); END")
    with pytest.raises(LogCorrupt):
        await log.append(posts(head, range(1, 3)))
    shell.execute("DROP TRIGGER no")
    shell.close()
    assert len(await log.append(posts(head, range(1, 3)))) == 2


# ---- turns and bounds --------------------------------------------------------------------------


async def test_nobody_waits_for_ever_and_the_queue_has_a_bound(
    sqlite_stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer_sqlite, "PATIENCE_S", 0.2)
    monkeypatch.setattr(writer_sqlite, "MAX_WAITING", 3)
    log = (await sqlite_stores.open()).log
    head = await log.open_room("a")
    lock = open_lock(Path(sqlite_stores.address))
    with turn(lock):  # as a process that was frozen in mid-commit
        calls = [log.append(posts(head, range(n, n + 1))) for n in range(8)]
        results = await asyncio.gather(*calls, return_exceptions=True)
    os.close(lock)
    reasons = [str(result) for result in results if isinstance(result, LogUnavailable)]
    assert len(reasons) == 8
    assert any("too many calls" in reason for reason in reasons)
    assert any("has not answered" in reason for reason in reasons)
    again = await log.append(posts(head, range(8)))  # the same drafts: kept once, whichever came through
    assert len(again) == 8
    texts = [event.text for event in await log.since("a", head.epoch, 0, 99) if isinstance(event, Posted)]
    assert sorted(texts) == [f"text {n}" for n in range(8)]


async def test_a_commit_waits_for_its_turn(sqlite_stores: Stores) -> None:
    log = (await sqlite_stores.open()).log
    head = await log.open_room("a")
    lock = open_lock(Path(sqlite_stores.address))
    fcntl.flock(lock, fcntl.LOCK_EX)
    writing = asyncio.create_task(log.append(posts(head, range(1))))
    assert (await log.heads(["a"]))["a"].head == 0  # reading goes on
    assert not writing.done()
    os.close(lock)
    await writing
    assert (await log.heads(["a"]))["a"].head == 1


async def test_a_caller_who_goes_away_leaves_the_log_whole(sqlite_stores: Stores) -> None:
    log = (await sqlite_stores.open()).log
    head = await log.open_room("a")
    for number in range(10):
        with suppress(TimeoutError):
            async with asyncio.timeout(0):
                await log.append(posts(head, range(number, number + 1)))
        with suppress(TimeoutError):
            async with asyncio.timeout(0):
                await log.since("a", head.epoch, 0, 99)
    await log.append(posts(head, range(10)))
    assert [event.seq for event in await log.since("a", head.epoch, 0, 99)] == list(range(1, 11))


def test_who_goes_away_while_a_reader_is_opened_leaves_no_thread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A thread that opens a file for somebody who has gone would speak to a loop that is closed."""
    path = tmp_path / "some.db"
    sqlite3.connect(path).close()
    complaints: list[object] = []
    monkeypatch.setattr(threading, "excepthook", complaints.append)

    async def ask_and_go(turns: int) -> None:
        readers = Readers(path)
        reading = asyncio.create_task(readers.read("SELECT 1"))
        for _ in range(turns):
            await asyncio.sleep(0)
        reading.cancel()
        with suppress(asyncio.CancelledError):
            await reading
        await readers.close()

    before = set(threading.enumerate())
    for attempt in range(40):
        asyncio.run(ask_and_go(attempt % 5))
    for thread in set(threading.enumerate()) - before:
        thread.join(10)
    assert complaints == []


async def test_nothing_runs_on_after_close(sqlite_stores: Stores) -> None:
    before = set(threading.enumerate())
    store = await sqlite_stores.open()
    await store.log.open_room("a")
    ours = set(threading.enumerate()) - before
    assert "log-writer" in {thread.name for thread in ours}
    await store.close()
    for thread in ours:
        thread.join(10)
    assert not any(thread.is_alive() for thread in ours)


async def test_a_commit_reaches_the_disk_and_nothing_else_does(sqlite_stores: Stores) -> None:
    """A kill cannot show it, only a power cut could: so the settings are looked at."""
    connection = connect(Path(sqlite_stores.address))
    for setting, value in {
        "synchronous": 2,
        "secure_delete": 1,
        "temp_store": 2,
        "journal_mode": "wal",
    }.items():
        assert connection.execute(f"PRAGMA {setting}").fetchone() == (value,), setting
    connection.close()


async def test_the_files_are_for_their_owner_only(sqlite_stores: Stores) -> None:
    log = (await sqlite_stores.open()).log
    await log.open_room("a")
    path = Path(sqlite_stores.address)
    for file in (path, Path(f"{path}-wal"), Path(f"{path}-shm"), lock_path(path)):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file.name
