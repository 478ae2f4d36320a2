"""Backups: nobody else can read them, nothing is written over, and what comes back begins anew."""

import os
import sqlite3
import stat
import time
from contextlib import closing
from pathlib import Path

from chatd.settings import STORE_NAME, Settings, load_secret
from chatd.tickets import TicketRefused, Tickets
from rooms.catalog import RoomSpec
from rooms.events import AnyEvent, Posted
from rooms.log import Appended, Claim, Draft, Head
from rooms.store_sql import Store, migrate, open_store
from tests.fixtures.servers import Serve, run_chatd

ROOM = "nights"
OTTER = "quiet-otter"


async def opened(settings: Settings) -> Store:
    settings.data.mkdir(mode=0o700, exist_ok=True)
    await migrate(settings.store)
    return await open_store(settings.store)


async def say(store: Store, text: str) -> Head:
    head = await store.log.open_room(ROOM)
    [outcome] = await store.log.append(
        [Draft(Posted(room=ROOM, handle=OTTER, text=text), head.epoch, head.rules_version, f"p:{text}")]
    )
    assert isinstance(outcome, Appended)
    return head


def texts(events: list[AnyEvent]) -> list[str]:
    return [event.text for event in events if isinstance(event, Posted)]


def refused(tickets: Tickets, token: str) -> bool:
    try:
        tickets.check(token, ROOM, time.time())
    except TicketRefused:
        return True
    return False


async def test_what_is_restored_begins_anew(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path / "data")
    store = await opened(settings)
    await store.catalog.add(RoomSpec(name=ROOM, title="Nights"))
    before = await say(store, "kept")
    await store.log.claim([Claim(ROOM, before.epoch, bytes(16), (OTTER,))])
    link = Tickets(load_secret(settings)).issue(ROOM, "facilitator", expires_at=2**33, once=True)

    code, out, err = await run_chatd("backup", "copy.db", cwd=tmp_path)  # while it is in use
    assert (code, err) == (0, ""), out
    await say(store, "later than the backup")
    await store.close()
    code, _, err = await run_chatd("restore", "copy.db", cwd=tmp_path)
    assert (code, "--replace" in err) == (2, True)
    assert not refused(Tickets(load_secret(settings)), link)
    code, out, err = await run_chatd("restore", "copy.db", "--replace", cwd=tmp_path)
    assert (code, err) == (0, ""), out

    store = await open_store(settings.store)
    after = await store.log.open_room(ROOM)
    assert after.epoch != before.epoch
    assert texts(await store.log.since(ROOM, after.epoch, 0, 10)) == ["kept"]
    # Nobody gets the handle that somebody spoke under, and no link from before opens anything.
    assert await store.log.claim([Claim(ROOM, after.epoch, bytes(15) + b"x", (OTTER,))]) == [None]
    assert refused(Tickets(load_secret(settings)), link)
    await store.close()
    assert not [name for name in os.listdir(settings.data) if name.startswith(".")]


async def test_a_backup_is_for_its_owner_and_writes_over_nothing(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path / "data")
    store = await opened(settings)
    await say(store, "a")
    await store.close()
    copy = tmp_path / "copy.db"
    copy.write_text("mine")
    code, _, err = await run_chatd("backup", "copy.db", cwd=tmp_path)
    assert (code, "already" in err, copy.read_text()) == (2, True, "mine")
    copy.unlink()
    assert (await run_chatd("backup", "copy.db", cwd=tmp_path))[0] == 0
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    assert sorted(os.listdir(tmp_path)) == ["copy.db", "data"]


async def test_a_backup_of_the_rooms_has_no_word_in_it(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path / "data")
    store = await opened(settings)
    await store.catalog.add(RoomSpec(name=ROOM, title="Nights"))
    await say(store, "between us")
    await store.close()
    assert (await run_chatd("backup", "rooms.db", "--rooms-only", cwd=tmp_path))[0] == 0
    assert b"between us" not in (tmp_path / "rooms.db").read_bytes()
    assert stat.S_IMODE((tmp_path / "rooms.db").stat().st_mode) == 0o600
    code, _, err = await run_chatd("restore", "rooms.db", "--data", "new", cwd=tmp_path)
    assert (code, err) == (0, "")
    assert "Nights" in (await run_chatd("room", "list", "--data", "new", cwd=tmp_path))[1]


async def test_where_something_else_restored_it_only_the_new_beginning_is_made(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path / "data")
    store = await opened(settings)
    before = await say(store, "kept")
    await store.close()
    secret = load_secret(settings)
    assert (await run_chatd("restore", "--mark", cwd=tmp_path))[0] == 0
    store = await open_store(settings.store)
    after = await store.log.open_room(ROOM)
    await store.close()
    assert (after.epoch != before.epoch, after.head) == (True, 1)
    assert load_secret(settings) != secret


async def test_what_cannot_be_restored_changes_nothing(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path / "data")
    store = await opened(settings)
    head = await say(store, "kept")
    await store.close()
    secret = load_secret(settings)
    (tmp_path / "no.db").write_bytes(b"no database" * 1000)
    with closing(sqlite3.connect(tmp_path / "other.db")) as other:
        other.execute("CREATE TABLE theirs (x)")
    for name in ("no.db", "other.db"):
        code, _, err = await run_chatd("restore", name, "--replace", cwd=tmp_path)
        assert (code, "Traceback" in err, name in err) == (2, False, True)
    store = await open_store(settings.store)
    assert await store.log.open_room(ROOM) == Head(head.epoch, 1, 1, 0, head.rules, head.began_at)
    await store.close()
    assert load_secret(settings) == secret
    assert not (settings.data / f".{STORE_NAME}").exists()


async def test_not_while_it_is_served(serve: Serve, tmp_path: Path) -> None:
    server = await serve()
    data = str(server.data)
    assert (await run_chatd("backup", "copy.db", "--data", data, cwd=tmp_path))[0] == 0
    code, _, err = await run_chatd("restore", "copy.db", "--replace", "--data", data, cwd=tmp_path)
    assert (code, "Stop it" in err) == (2, True)


async def test_postgres_is_copied_by_its_own_tools(tmp_path: Path) -> None:
    (tmp_path / "copy.db").touch()
    environ = {"CHATD_DATABASE": "postgresql://u:hunter2@127.0.0.1:1/x"}
    for args, word in ((("backup", "new.db"), "pg_dump"), (("restore", "copy.db"), "--mark")):
        code, _, err = await run_chatd(*args, cwd=tmp_path, environ=environ)
        assert (code, word in err, "hunter2" in err) == (2, True, False)
