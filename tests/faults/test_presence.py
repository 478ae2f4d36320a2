"""Who is here, over two workers: right in time, quiet about reloads, and bounded when a crowd comes."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from presence.pace import BURST, PER_S
from tests.faults.guests import Guest, guest
from tests.faults.load import Load, talking, until_s
from tests.faults.promises import PATIENCE_S, PRESENCE_S, SLACK_S
from tests.fixtures.buses import Valkey
from tests.fixtures.servers import Serve, Server, until

CROWD = 300
AT_ONCE = 30
ROOM = "icu"


@pytest.fixture
async def two(serve: Serve, valkey: Valkey) -> Server:
    return await serve("--open", "--workers", "2", "--redis", valkey.url)


@pytest.fixture
async def watched(two: Server) -> AsyncIterator[Load]:
    """People on both workers who say nothing and look."""
    async with talking(two.url, rooms=[ROOM], people=0) as load:
        await load.come(6, room=ROOM, speak=False)
        await load.spread_over(two, at_least=2, speak=False)
        await load.know_each_other()
        yield load


def shown(load: Load, person: Guest) -> bool:
    return all(person.handle in talker.room.roster for talker in load.talkers)


def hidden(load: Load, person: Guest) -> bool:
    return not any(person.handle in talker.room.roster for talker in load.talkers)


async def test_who_comes_and_who_goes_is_shown_in_time(two: Server, watched: Load) -> None:
    for says_so in (True, False):
        person = await guest(two, ROOM)
        assert await until_s(lambda: shown(watched, person), "a join") < PRESENCE_S + SLACK_S  # noqa: B023 - used at once
        if says_so:
            await person.leave()
        else:
            person.drop()
        assert await until_s(lambda: hidden(watched, person), "a leave") < PRESENCE_S + SLACK_S  # noqa: B023 - as above
        person.drop()


async def test_a_reload_is_neither_a_leave_nor_a_join(two: Server, watched: Load) -> None:
    """Also where the page comes back by another worker: it is tried until both have been had."""
    person, other = await guest(two, ROOM), await guest(two, ROOM)
    await until(
        lambda: shown(watched, person) and shown(watched, other), "both are here", within_s=PATIENCE_S
    )
    await watched.know_each_other()
    for _ in range(5):
        proof = person.proof
        person.drop()
        person = await guest(two, ROOM, **proof)
    other.drop()
    # What was dropped before `other` would have been shown before.
    await until(lambda: hidden(watched, other), "a leave", within_s=PATIENCE_S)
    await watched.read_on()
    for talker in watched.talkers:
        assert talker.left == [other.handle]
        assert talker.joined == []
    person.drop()


async def test_a_crowd_costs_each_member_a_bounded_number_of_frames(two: Server, watched: Load) -> None:
    loop = asyncio.get_running_loop()
    limit = asyncio.Semaphore(AT_ONCE)
    before = [talker.presence_frames for talker in watched.talkers]
    begun = loop.time()

    async def come() -> Guest:
        async with limit:
            return await guest(two, ROOM)

    crowd = await asyncio.gather(*(come() for _ in range(CROWD)))
    everybody = CROWD + len(watched.talkers)
    await until(
        lambda: all(talker.room.count == everybody for talker in watched.talkers),
        "the right count",
        within_s=PATIENCE_S,
    )
    took_s = loop.time() - begun
    for talker, frames in zip(watched.talkers, before, strict=True):
        assert talker.presence_frames - frames <= BURST + took_s * PER_S + 1
    for person in crowd:
        person.drop()
