"""A worker dies by `kill -9` under load: nobody loses a word or a handle, and nobody is shown a storm."""

import asyncio

import pytest

from tests.faults.guests import guest, peers
from tests.faults.load import Load, talking
from tests.faults.promises import DEAD_WORKER_S, PATIENCE_S, SLACK_S
from tests.fixtures.buses import Valkey
from tests.fixtures.servers import Serve, Server, until


@pytest.fixture
async def three(serve: Serve, valkey: Valkey) -> Server:
    return await serve("--open", "--workers", "3", "--redis", valkey.url, "--set", "post_per_s=0")


async def kill(load: Load, server: Server, pid: int) -> None:
    """kill -9, and wait until all who were connected there are back and talk, and it runs again."""
    breaks = {talker: len(talker.broke) for talker in load.talkers}
    cut = len(peers(server, pid))
    server.kill_worker(pid)
    await until(
        lambda: sum(len(talker.broke) - breaks[talker] for talker in load.talkers) >= min(cut, 1),
        "they notice",
        within_s=PATIENCE_S,
    )
    await until(lambda: len(server.worker_pids()) == 3, "a new worker", within_s=PATIENCE_S)
    await load.goes_on()


async def test_a_worker_that_is_killed_takes_nobody_and_nothing_with_it(three: Server) -> None:
    loop = asyncio.get_running_loop()
    async with talking(three.url, people=8) as load:
        await load.spread_over(three)
        room = load.talkers[0].room_name
        ghost = await guest(three, room)
        watchers = load.in_room(room)
        await until(
            lambda: all(ghost.handle in talker.room.roster for talker in watchers),
            "all see the guest",
            within_s=PATIENCE_S,
        )
        [victim] = [pid for pid in three.worker_pids() if ghost.port in peers(three, pid)]
        here = {talker.handle for talker in load.talkers}
        await load.know_each_other()

        await load.goes_on()
        ghost.drop()
        died = loop.time()
        await kill(load, three, victim)
        moved = [talker for talker in load.talkers if talker.broke]
        stayed = [talker for talker in load.talkers if not talker.broke]
        assert moved
        assert stayed

        await until(
            lambda: not any(ghost.handle in talker.room.roster for talker in watchers),
            "the guest is gone from every roster",
            within_s=PATIENCE_S,
        )
        assert loop.time() - died < DEAD_WORKER_S + SLACK_S
        await load.goes_on()
        for talker in load.talkers:
            assert not here & set(talker.left), "somebody who came back was shown to leave"
        for talker in stayed:
            assert not here & set(talker.joined), "somebody who came back was shown to join"

        await kill(load, three, min(set(three.worker_pids()), key=lambda pid: -len(peers(three, pid))))
        await load.know_each_other()
        await load.ends_well()
