"""A worker dies by `kill -9` in the middle of a session: everybody is back in the same hour."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest

from chatd.client import Backoff, Client, Event, Room, connect
from chatd.epochs.keystores import open_kept
from chatd.settings import Settings, load_secret
from chatd.tickets import Tickets
from rooms.session_events import PollClosed
from tests.chatd.hour import ROOM, planned, room_of
from tests.faults.guests import peers
from tests.faults.promises import PATIENCE_S
from tests.fixtures.buses import Valkey
from tests.fixtures.servers import Serve, Server, until

PEOPLE = 6
QUICKLY = Backoff(base_s=0.1, cap_s=1.0)


class Somebody:
    """One client in the session's room, and the events that they saw."""

    def __init__(self, client: Client, room: Room) -> None:
        self.client = client
        self.room = room
        self.seqs: list[int] = []

    async def listens(self) -> None:
        async for item in self.room:
            if isinstance(item, Event):
                self.seqs.append(item.seq)

    @property
    def now(self) -> dict[str, Any]:
        return self.room.session or {}


@asynccontextmanager
async def gathered(server: Server) -> AsyncIterator[tuple[Somebody, list[Somebody]]]:
    """A facilitator and `PEOPLE` participants who have accepted the rules."""
    tickets = Tickets(load_secret(Settings(data=server.data)))
    ticket = tickets.issue(ROOM, "facilitator", expires_at=int(time.time()) + 600)
    everybody: list[Somebody] = []
    async with AsyncExitStack() as stack, asyncio.TaskGroup() as group:
        for n in range(PEOPLE + 1):
            client = await stack.enter_async_context(connect(server.url, backoff=QUICKLY))
            room = await client.join(ROOM, ticket=ticket if n == 0 else None)
            everybody.append(Somebody(client, room))
        listening = [group.create_task(each.listens()) for each in everybody]
        for each in everybody[1:]:
            await each.room.do("accept")
        yield everybody[0], everybody[1:]
        for task in listening:
            task.cancel()


@pytest.fixture
async def server(serve: Serve, valkey: Valkey) -> Server:
    """Two workers, and a session whose lobby is open."""
    started = await serve("--open", "--workers", "2", "--redis", valkey.url, "--set", "post_per_s=0")
    store = await open_kept(Settings(data=started.data))
    series = planned((time.time() // 60 + 3) * 60, changed_at=int(time.time()), by_hand=True, poll_k=3)
    await store.series.add(series)
    await store.catalog.add(room_of(series))

    async def opened() -> bool:
        head = (await store.log.heads([ROOM])).get(ROOM)
        return head is not None and head.rules.session is not None

    await until(opened, "the lobby opens", within_s=PATIENCE_S)
    await store.close()
    return started


async def all_shown(people: list[Somebody], met: Callable[[dict[str, Any]], object], what: str) -> None:
    await until(lambda: all(met(each.now) for each in people), what, within_s=PATIENCE_S)


async def test_a_worker_that_is_killed_in_mid_session_takes_nothing_of_it_with_it(server: Server) -> None:
    async with gathered(server) as (facilitator, people):
        everybody = [facilitator, *people]
        await facilitator.room.do("move", phase="opening")
        for each in people[:3]:
            await each.room.do("raise_hand")
        await facilitator.room.do("give_floor", seconds=600)
        speaker = people[0].room.handle
        await facilitator.room.do("open_poll", question="How heavy?", options=["light", "heavy"])
        await all_shown(everybody, lambda now: now.get("poll"), "everybody is shown the poll")
        poll = facilitator.now["poll"]["id"]
        for n, each in enumerate(people[:4]):
            await each.room.do("vote", poll=poll, choice=n % 2)
        said = await people[0].room.post("It was a long night.")
        await all_shown(everybody, lambda now: now["poll"]["votes"] == 4, "everybody is shown four votes")
        before = facilitator.now

        victim = max(server.worker_pids(), key=lambda pid: len(peers(server, pid)))
        cut = len(peers(server, victim))
        server.kill_worker(victim)
        await until(
            lambda: (
                sum(each.client.reconnects for each in everybody) >= cut > 0
                and all(each.room.seated for each in everybody)
            ),
            "everybody is back",
            within_s=PATIENCE_S,
        )

        await all_shown(
            everybody, lambda now: now["floor"].get("turn", {}).get("handle") == speaker, "the turn"
        )
        for each in everybody:
            now = each.now
            assert (now["phase"], now["item"], now["members"]) == ("opening", before["item"], PEOPLE)
            assert now["floor"]["hands"] == before["floor"]["hands"]
            assert now["poll"]["votes"] == 4
        assert [each.now["you"].get("voted", False) for each in people] == [True] * 4 + [False] * 2

        # It goes on, and what held before holds: the turn is whose it was, and no vote is lost.
        await people[0].room.post("And then it was over.")
        for n, each in enumerate(people[4:]):
            await each.room.do("vote", poll=poll, choice=n)
        await facilitator.room.do("close_poll", poll=poll)
        await facilitator.room.do("move", phase="open")
        await all_shown(everybody, lambda now: now["phase"] == "open", "everybody is shown the next phase")
        head = facilitator.room.head
        await until(
            lambda: all(each.seqs and each.seqs[-1] >= head for each in everybody),
            "all of it",
            within_s=PATIENCE_S,
        )
        for each in everybody:
            assert each.seqs == list(range(each.seqs[0], each.seqs[-1] + 1)), "each event once, in order"
            assert said.seq in each.seqs
        page = await facilitator.room.older(head + 1, 200)
        kinds = [event.kind for event in page.events]
        assert kinds.count("voted") == PEOPLE
        assert kinds.count("poll_closed") == kinds.count("poll_opened") == 1
        assert kinds.count("paused") == kinds.count("departed") == 0
        store = await open_kept(Settings(data=server.data))
        events = await store.log.since(ROOM, facilitator.room.epoch or "", 0, 1_000)
        await store.close()
        assert [event.results for event in events if isinstance(event, PollClosed)] == [(3, 3)]
