"""What `chatd/bus.py` promises, held against every backend: several nodes, one bus.

The fault side of the promises (silence, loss, return) needs a server that can be broken and is
in `tests/faults/test_bus_redis.py`.
"""

import asyncio
import gc
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeAlias

import pytest

from chatd.bus import Bus
from chatd.bus_memory import MemoryBus
from chatd.bus_redis import RedisBus
from tests.fixtures.buses import Listener, MemoryBusNetwork, Valkey

MakeBus: TypeAlias = Callable[[], Bus]
Join: TypeAlias = Callable[[], Awaitable[Listener]]


def crashed(error: BaseException) -> None:
    raise AssertionError("a task of the bus died") from error


@pytest.fixture(params=["memory", "redis"])
def make_bus(request: pytest.FixtureRequest) -> MakeBus:
    """Another node's bus, not started; all made by one test are on one network."""
    if request.param == "memory":
        return MemoryBusNetwork().node
    server: Valkey = request.getfixturevalue("valkey")
    namespace = f"test-{id(request):x}"
    return lambda: RedisBus(server.url, on_crash=crashed, namespace=namespace)


@pytest.fixture
async def join(make_bus: MakeBus) -> AsyncIterator[Join]:
    """Start another node. Afterwards every bus is stopped, and nothing of it is left."""
    nodes: list[Listener] = []

    async def start() -> Listener:
        node = Listener(make_bus())
        nodes.append(node)
        await node.bus.start()
        await node.up()
        return node

    yield start
    for node in nodes:
        await node.bus.stop()
    assert asyncio.all_tasks() == {asyncio.current_task()}
    gc.collect()  # an unclosed socket is an error here, not in some later test


async def test_a_node_hears_itself_and_the_others(join: Join) -> None:
    here, there = await join(), await join()
    await here.bus.subscribe("room")
    await there.bus.subscribe("room")
    here.bus.publish("room", b"hello")
    for node in (here, there):
        await node.hears(1)
        assert node.heard == [("room", b"hello")]


async def test_only_what_was_subscribed_is_heard(join: Join) -> None:
    here, there = await join(), await join()
    await there.bus.subscribe("mine")
    here.bus.publish("other", b"no")
    here.bus.publish("mine", b"yes")
    await there.hears(1)
    assert there.heard == [("mine", b"yes")]


async def test_order_is_kept_and_nothing_comes_twice(join: Join) -> None:
    here, there = await join(), await join()
    channels = [f"room-{number}" for number in range(5)]
    for node in (here, there):
        await asyncio.gather(*(node.bus.subscribe(channel) for channel in channels))
    sent = [(channels[number % 5], b"%d" % number) for number in range(2_000)]
    for number, (channel, payload) in enumerate(sent):
        here.bus.publish(channel, payload)
        if number % 37 == 0:
            await asyncio.sleep(0)
    for node in (here, there):
        await node.hears(len(sent))
        by_channel = {channel: [message for message in sent if message[0] == channel] for channel in channels}
        for channel, expected in by_channel.items():
            assert [message for message in node.heard if message[0] == channel] == expected


@pytest.mark.parametrize(
    "payload", [b"", b"\x00\xff\r\n$-1\r\n", b"x" * 200_000], ids=["empty", "bytes", "large"]
)
async def test_a_payload_arrives_as_it_was_sent(join: Join, payload: bytes) -> None:
    here, there = await join(), await join()
    await there.bus.subscribe("sälchen 🙂 {x}")
    here.bus.publish("sälchen 🙂 {x}", payload)
    await there.hears(1)
    assert there.heard == [("sälchen 🙂 {x}", payload)]


async def test_subscribing_twice_is_subscribing_once(join: Join) -> None:
    node = await join()
    await asyncio.gather(node.bus.subscribe("room"), node.bus.subscribe("room"))
    await node.bus.subscribe("room")
    node.bus.publish("room", b"1")
    node.bus.publish("room", b"2")
    await node.hears(2)
    assert node.heard == [("room", b"1"), ("room", b"2")]
    node.bus.unsubscribe("room")
    await node.bus.subscribe("end")
    node.bus.publish("room", b"3")
    node.bus.publish("end", b"")
    await node.hears(3)
    assert node.heard[2:] == [("end", b"")]


async def test_what_is_unsubscribed_is_quiet_and_can_be_had_again(join: Join) -> None:
    node = await join()
    node.bus.unsubscribe("never")
    await node.bus.subscribe("end")
    for turn in range(5):
        await node.bus.subscribe("room")
        node.bus.publish("room", b"%d" % turn)
        await node.hears_this("room", b"%d" % turn)
        node.bus.unsubscribe("room")
        node.bus.publish("room", b"unheard")
        node.bus.publish("end", b"%d" % turn)
        await node.hears_this("end", b"%d" % turn)
    assert ("room", b"unheard") not in node.heard


async def test_a_subscription_stands_when_subscribe_returns_whatever_went_before(join: Join) -> None:
    """Left and wanted again at once: an answer to the first must not pass for one to the last."""
    here, there = await join(), await join()
    for turn in range(20):
        first = asyncio.get_running_loop().create_task(there.bus.subscribe("room"))
        await asyncio.sleep(0)
        there.bus.unsubscribe("room")
        await there.bus.subscribe("room")
        here.bus.publish("room", b"%d" % turn)
        await there.hears_this("room", b"%d" % turn, within_s=2)
        await first
        there.bus.unsubscribe("room")


async def test_publish_calls_nobody_before_it_returns(join: Join) -> None:
    node = await join()
    await node.bus.subscribe("room")
    node.bus.publish("room", b"")
    assert node.heard == []
    await node.hears(1)


async def test_what_hears_may_publish(join: Join) -> None:
    node = await join()
    await node.bus.subscribe("count")
    keep = node.bus.on_message

    def count_down(channel: str, payload: bytes) -> None:
        keep(channel, payload)
        if int(payload):
            node.bus.publish("count", b"%d" % (int(payload) - 1))

    node.bus.on_message = count_down
    node.bus.publish("count", b"5")
    await node.hears(6)
    assert [int(payload) for _, payload in node.heard] == [5, 4, 3, 2, 1, 0]


async def test_health_is_told_once_and_nothing_is_told_after_stop(join: Join) -> None:
    node, other = await join(), await join()
    assert node.health == [True]
    await node.bus.subscribe("room")
    await other.bus.subscribe("room")
    await node.bus.stop()
    assert not node.bus.healthy
    node.bus.publish("room", b"too late")
    await node.bus.subscribe("another")
    node.bus.unsubscribe("room")
    other.bus.publish("room", b"alive")
    await other.hears(1)
    assert other.heard == [("room", b"alive")]
    assert node.heard == []
    assert node.health == [True]
    await node.bus.stop()


async def test_before_start_a_bus_is_unhealthy_and_takes_calls(make_bus: MakeBus) -> None:
    node = Listener(make_bus())
    assert not node.bus.healthy
    await node.bus.subscribe("room")
    node.bus.publish("room", b"too early")
    await node.bus.start()
    await node.up()
    node.bus.publish("room", b"now")
    await node.hears(1)
    assert node.heard == [("room", b"now")]
    await node.bus.stop()


async def test_stop_without_start(make_bus: MakeBus) -> None:
    bus = make_bus()
    await bus.stop()
    assert not bus.healthy


@pytest.mark.parametrize("backend", ["memory", "redis"])
async def test_beyond_the_bound_the_oldest_go_and_are_counted(backend: str, valkey: Valkey) -> None:
    bus: MemoryBus | RedisBus
    if backend == "memory":
        bus = MemoryBus(max_queued=10)
    else:
        bus = RedisBus(valkey.url, on_crash=crashed, namespace="test-bound", max_queued=10)
    node = Listener(bus)
    await bus.start()
    await node.up()
    await bus.subscribe("room")
    for number in range(25):
        bus.publish("room", b"%d" % number)
    await node.hears_this("room", b"24")
    assert [int(payload) for _, payload in node.heard] == list(range(15, 25))
    assert bus.dropped == 15
    await bus.stop()


async def test_stop_sends_what_is_queued(valkey: Valkey) -> None:
    """A node that leaves says so in its last words; they should not be lost with it."""
    here = RedisBus(valkey.url, on_crash=crashed, namespace="test-flush")
    there = Listener(RedisBus(valkey.url, on_crash=crashed, namespace="test-flush"))
    await there.bus.start()
    await here.start()
    await there.up()
    await there.bus.subscribe("nodes")
    here.publish("nodes", b"goodbye")
    await here.stop()
    await there.hears(1)
    assert there.heard == [("nodes", b"goodbye")]
    assert here.dropped == 0
    await there.bus.stop()


async def test_two_namespaces_on_one_server_do_not_hear_each_other(valkey: Valkey) -> None:
    here = Listener(RedisBus(valkey.url, on_crash=crashed, namespace="test-a"))
    there = Listener(RedisBus(f"{valkey.url}/3", on_crash=crashed, namespace="test-b"))
    for node in (here, there):
        await node.bus.start()
        await node.up()
        await node.bus.subscribe("room")
    here.bus.publish("room", b"a")
    await here.hears(1)
    there.bus.publish("room", b"b")
    await there.hears(1)
    assert here.heard == [("room", b"a")]
    assert there.heard == [("room", b"b")]
    for node in (here, there):
        await node.bus.stop()
