"""Sockets, streams and polls in one room, and something breaks: nothing lost, nothing doubled, one order."""

import os
import signal

import pytest

from chatd.client import Transport
from tests.faults.load import ALL_WAYS, Load, talking
from tests.faults.promises import PATIENCE_S
from tests.fixtures.buses import Valkey
from tests.fixtures.servers import Serve, Server, until


@pytest.fixture
async def two(serve: Serve, valkey: Valkey) -> Server:
    return await serve(
        *("--open", "--workers", "2", "--redis", valkey.url),
        *("--set", "post_per_s=0", "--set", "drain_s=1"),
    )


def broken(load: Load) -> set[Transport]:
    """The transports of those whose connection broke."""
    return {talker.transport for talker in load.talkers if talker.broke}


async def test_a_worker_dies_under_all_three(two: Server) -> None:
    """Whom it hits is chance; the other worker follows, so that everybody is hit."""
    async with talking(two.url, people=12, rooms=["icu"], ways=ALL_WAYS) as load:
        await load.goes_on()
        await load.know_each_other()
        for pid in two.worker_pids():
            os.kill(pid, signal.SIGKILL)
            await until(
                lambda pid=pid: pid not in two.worker_pids() and len(two.worker_pids()) == 2,  # type: ignore[misc]  # mypy knows no default of a lambda
                "a new worker",
                within_s=PATIENCE_S,
            )
            await load.goes_on()
        # Who polls asks the other worker next, and has lost nothing that would have to be called a break.
        assert broken(load) >= {"ws", "sse"}
        await load.ends_well()


async def test_a_worker_goes_in_good_order_under_all_three(two: Server) -> None:
    async with talking(two.url, people=12, rooms=["icu"], ways=ALL_WAYS) as load:
        await load.goes_on()
        await load.know_each_other()
        for pid in two.worker_pids():
            os.kill(pid, signal.SIGTERM)
            await until(
                lambda pid=pid: pid not in two.worker_pids() and len(two.worker_pids()) == 2,  # type: ignore[misc]  # mypy knows no default of a lambda
                "a new worker",
                within_s=PATIENCE_S,
            )
            await load.goes_on()
        assert broken(load) == {"ws", "sse", "poll"}
        await load.ends_well()


async def test_redis_goes_and_comes_back_under_all_three(serve: Serve, breakable_valkey: Valkey) -> None:
    server = await serve(
        *("--open", "--workers", "2", "--redis", breakable_valkey.url, "--set", "post_per_s=0"),
    )
    async with talking(server.url, people=8, rooms=["icu"], ways=ALL_WAYS) as load:
        await load.goes_on()
        breakable_valkey.kill()
        await load.goes_on()
        await load.all_seen()
        breakable_valkey.start()
        await load.goes_on()
        assert not broken(load)
        await load.ends_well()
