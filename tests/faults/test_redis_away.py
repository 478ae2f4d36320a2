"""Redis is killed, frozen or cuts connections under load: the log carries what it cannot, at once.

Nobody's socket breaks in any of this, so all that is seen here comes over one connection each.
"""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from chatd.bus_memory import MemoryBus
from chatd.node import Node
from chatd.settings import Settings
from rooms.events import Posted
from rooms.log import Draft
from rooms.store_sql import migrate
from tests.faults.guests import metric, peers, ready
from tests.faults.load import Load, talking, until_s
from tests.faults.promises import LOG_WAY_S, PATIENCE_S, SLACK_S
from tests.fixtures.buses import Valkey
from tests.fixtures.servers import Serve, Server, until

HEARTBEAT_S = 1.0
"""A lost publish that nothing follows is noticed with the next heartbeat."""


@pytest.fixture
async def several(serve: Serve, breakable_valkey: Valkey) -> AsyncIterator[Server]:
    server = await serve("--open", "--workers", "3", "--redis", breakable_valkey.url, "--set", "post_per_s=0")
    await bus_is(server, healthy=True)
    yield server
    # First, so that nobody looks for the Redis that goes with this test.
    await server.interrupt()


async def bus_is(server: Server, *, healthy: bool) -> None:
    """Return when every worker, and /health/ready, says so."""

    async def so() -> bool:
        return set(await metric(server, "chatd_bus_healthy")) == {float(healthy)} and await ready(server) == (
            ("ok", []) if healthy else ("degraded", ["bus"])
        )

    await until(so, f"every worker says healthy: {healthy}", within_s=PATIENCE_S)


async def fast(load: Load, posts: int = 5) -> float:
    """The longest way of what everybody posts from now on."""
    since = asyncio.get_running_loop().time()
    await load.goes_on(posts)
    await load.all_seen()
    return load.slowest_s(since)


async def a_lecture(load: Load, server: Server) -> None:
    """Besides those who talk, a room where one does. Whoever posts sees by their own post that they
    missed some; workers whose people only listen have to find out otherwise."""
    await load.come(1, room="lecture")
    await load.come(8, room="lecture", speak=False)
    await load.spread_over(server, at_least=1)


async def nobody_came_back(server: Server, load: Load) -> None:
    assert [talker.broke for talker in load.talkers] == [[] for _ in load.talkers]
    assert await metric(server, "chatd_bus_healthy") == [1.0, 1.0, 1.0]


@pytest.mark.parametrize("how", ["kill -9", "SIGSTOP"])
async def test_while_redis_is_away_the_log_is_the_way(
    several: Server, breakable_valkey: Valkey, how: str
) -> None:
    async with talking(several.url) as load:
        await a_lecture(load, several)
        await load.goes_on(2)
        before_s = await fast(load)
        assert before_s < SLACK_S / 2, "the bus carries it: no heartbeat is waited for"

        since = asyncio.get_running_loop().time()
        if how == "SIGSTOP":
            breakable_valkey.freeze()
        else:
            breakable_valkey.kill()
        await load.goes_on(5)
        await bus_is(several, healthy=False)
        await load.goes_on(5)
        await load.all_seen()
        assert load.slowest_s(since) < LOG_WAY_S + SLACK_S, "also while nobody had noticed yet"

        if how == "SIGSTOP":
            breakable_valkey.thaw()
        else:
            breakable_valkey.start()
        await bus_is(several, healthy=True)
        assert await fast(load) < before_s + SLACK_S / 2, "as fast as before, without a restart"
        await nobody_came_back(several, load)
        await load.ends_well()
    assert peers(several, several.pid) == set()


@pytest.mark.parametrize("kind", ["pubsub", "normal"])
async def test_client_kill_loses_nothing(several: Server, breakable_valkey: Valkey, kind: str) -> None:
    """`normal`: what is just being published is lost, and nobody is told. `pubsub`: what is heard."""
    async with talking(several.url) as load:
        await a_lecture(load, several)
        await load.goes_on(2)
        since = asyncio.get_running_loop().time()
        for _ in range(3):
            breakable_valkey.command("CLIENT", "KILL", "TYPE", kind)
            await load.goes_on(2)
            await load.all_seen()
        assert load.slowest_s(since) < max(LOG_WAY_S, HEARTBEAT_S) + SLACK_S
        await bus_is(several, healthy=True)
        await nobody_came_back(several, load)
        await load.ends_well()


async def test_the_log_is_looked_into_the_moment_the_bus_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not when the next look was due anyway: what was just lost would wait for that, by chance."""
    monkeypatch.setattr("chatd.node.COMPARE_S", 3600.0)
    bus = MemoryBus()
    settings = Settings(data=tmp_path, redis="redis://127.0.0.1:1", open=True)
    await migrate(settings.store)
    node = Node(settings, bus=bus)
    await node.start()
    try:
        live = await node.hub.open("icu")
        said = Posted(room="icu", handle="quiet-otter", text="said on another node, and the hint was lost")
        await node.log.append([Draft(said, live.state.epoch, 0, "key")])
        bus.healthy = False
        bus.on_health(False)
        assert await until_s(lambda: live.head == 1, "the event is placed") < LOG_WAY_S + SLACK_S
    finally:
        await node.stop()
