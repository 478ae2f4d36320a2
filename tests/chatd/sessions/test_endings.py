"""Sessions on real stores: two nodes that do everything at the same time, and what is left in the files."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from chatd.doctor.here import Finding
from chatd.doctor.sessions import check_erasures
from chatd.epochs.endings import OVERDUE_S
from chatd.node import Node
from chatd.settings import STORE_NAME, Settings
from rooms.children import line_room, staff_room
from rooms.events import Posted
from rooms.log import Appended, Claim, Log
from rooms.session_apply import draft
from rooms.session_events import Admitted, PhaseChanged, Restricted, SessionEvent
from rooms.state import RoomState
from rooms.store_sql import migrate
from tests.chatd.hour import GRACE_S, LASTS_S, LOBBY_S, ROOM, planned, room_of
from tests.fixtures.stores import Clock, Stores

CANARY = "CANARY"
STARTS_AT = 1_800_000_000 // 60 * 60
LINE = line_room(ROOM, "a-line-mark1")


@asynccontextmanager
async def nodes(stores: Stores, count: int, wall: Callable[[], float]) -> AsyncIterator[list[Node]]:
    """Nodes on one store that hear nothing of each other but what is in it."""
    made = [
        Node(Settings(open=True, secret="A" * 43 + "="), store=await stores.open(), wall=wall)
        for _ in range(count)
    ]
    try:
        for node in made:
            await node.start()
        yield made
    finally:
        for node in made:
            await node.stop()


async def look(made: list[Node]) -> None:
    """All of them, at the same moment, twice: what the first brought may make something else due."""
    for _ in range(2):
        await asyncio.gather(*(node.sessions.look() for node in made))


async def place(log: Log, event: SessionEvent | Posted, key: str = "") -> None:
    """As a node does that has decided it."""
    state = RoomState(await log.open_room(event.room))
    (outcome,) = await log.append([draft(state, event, key or f"{state.version}")])
    assert isinstance(outcome, Appended)


async def test_two_nodes_on_one_store_open_it_close_it_and_erase_it_once(shared_stores: Stores) -> None:
    wall = Clock(STARTS_AT - LOBBY_S - 60)
    async with nodes(shared_stores, 2, wall) as made:
        store = await shared_stores.open()
        series = planned(STARTS_AT)
        await store.series.add(series)
        await store.catalog.add(room_of(series))
        await store.log.open_room(ROOM)
        for node in made:
            node.sessions.plans_changed()
        wall.now = STARTS_AT - LOBBY_S
        await look(made)
        begun = (await store.log.heads([ROOM]))[ROOM]
        assert begun.rules.session is not None
        for now in (STARTS_AT, STARTS_AT + 300, STARTS_AT + LASTS_S + GRACE_S):
            wall.now = now
            await look(made)
        events = await store.log.since(ROOM, begun.epoch, 0, 100)
        assert [event.phase for event in events if isinstance(event, PhaseChanged)] == ["lobby", "cancelled"]
        wall.now += 61
        await look(made)
        head = (await store.log.heads([ROOM]))[ROOM]
        assert (head.head, head.rules.session) == (0, None)
        await look(made)
        assert (await store.log.heads([ROOM]))[ROOM] == head, "and not again"
        assert len(await store.reports.list(ROOM, 10)) == 1


@pytest.mark.parametrize("erase", ["at_close", "after_24h"])
async def test_nothing_of_a_session_is_readable_when_it_is_erased(sqlite_stores: Stores, erase: str) -> None:
    wall = sqlite_stores.clock
    wall.now = STARTS_AT - LOBBY_S
    async with nodes(sqlite_stores, 1, wall) as made:
        store = await sqlite_stores.open()
        series = planned(STARTS_AT, erase=erase, minimum=1)
        await store.series.add(series)
        await store.catalog.add(room_of(series))
        made[0].sessions.plans_changed()
        await look(made)
        epoch = (await store.log.heads([ROOM]))[ROOM].epoch
        handles = [f"{CANARY}-handle-{n}" for n in range(8)]
        assert await store.log.claim(
            [Claim(ROOM, epoch, b"o" * 15 + bytes([n]), (handle,)) for n, handle in enumerate(handles)]
        )
        for handle in handles:
            await place(store.log, Admitted(room=ROOM, handle=handle))
        await place(store.log, PhaseChanged(room=ROOM, handle="", phase="opening", since=STARTS_AT))
        for n in range(200):
            room = (ROOM, staff_room(ROOM), LINE)[n % 3]
            await place(
                store.log, Posted(room=room, handle=handles[n % 8], text=f"{CANARY} {n} " + "x" * n), f"p{n}"
            )
        for n, handle in enumerate(handles):
            reason = f"{CANARY} reason {n} " + "y" * 90 * n
            await place(
                store.log,
                Restricted(room=ROOM, handle="f", whose=handle, limit="mute", on=True, reason=reason),
            )
        await place(store.log, PhaseChanged(room=ROOM, handle="f", phase="closed", since=STARTS_AT + 60))
        assert CANARY.encode() in files(sqlite_stores)
        wall.now = STARTS_AT + 100
        await look(made)
        assert CANARY.encode() in files(sqlite_stores), (
            "there is a minute in which people see that it is over"
        )
        wall.now = STARTS_AT + (3 * 3600 if erase == "at_close" else 23 * 3600)
        await look(made)
        kept = CANARY.encode() in files(sqlite_stores)
        assert kept == (erase == "after_24h")
        wall.now = STARTS_AT + 25 * 3600
        await look(made)
        assert CANARY.encode() not in files(sqlite_stores)
        made[0].sessions._scanned_at = float("-inf")
        await look(made)
        assert await store.log.rooms("", 100) == [ROOM], "nor does a name tell that there was a line"
        (report,) = await store.reports.list(ROOM, 10)
        assert report.opened


def files(stores: Stores) -> bytes:
    """All that the store has on the disk."""
    paths = [Path(stores.address + end) for end in ("", "-wal")]
    return b"".join(path.read_bytes() for path in paths if path.exists())


async def test_the_doctor_finds_what_should_be_erased(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path)
    assert (await asyncio.to_thread(found, settings)).verdict == "ok"
    stores = Stores("sqlite", str(tmp_path / STORE_NAME))
    await migrate(stores.address)
    wall = Clock()  # long ago
    wall.now = starts_at = int(wall.now - wall.now % 60 + 3600)
    async with nodes(stores, 1, wall) as made:
        store = await stores.open()
        series = planned(starts_at)
        await store.series.add(series)
        await store.catalog.add(room_of(series))
        made[0].sessions.plans_changed()
        await look(made)
        await place(store.log, PhaseChanged(room=ROOM, handle="f", phase="closed", since=starts_at))
        finding = await asyncio.to_thread(found, settings)
        assert finding.verdict == "failure"
        assert "1 session or period of a room is still there" in finding.seen
        assert ROOM not in finding.seen + finding.remedy
        wall.now += OVERDUE_S
        await look(made)
        assert (await asyncio.to_thread(found, settings)).verdict == "ok"
    await stores.close()
    assert (await asyncio.to_thread(found, settings)).verdict == "ok"


def found(settings: Settings) -> Finding:
    return check_erasures(settings)
