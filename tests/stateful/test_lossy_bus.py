"""The lossy bus does what it is told, and nothing else: who trusts a test trusts this first."""

import asyncio

import pytest

from chatd.bus import Bus
from tests.stateful.lossy_bus import LossyBus, LossyNetwork


class Node:
    def __init__(self, bus: LossyBus) -> None:
        self.bus = bus
        self.heard: list[bytes] = []
        self.health: list[bool] = []
        bus.on_message = lambda channel, payload: self.heard.append(payload)
        bus.on_health = self.health.append


@pytest.fixture
async def network() -> LossyNetwork:
    return LossyNetwork()


@pytest.fixture
async def here(network: LossyNetwork) -> Node:
    return await started(network)


@pytest.fixture
async def there(network: LossyNetwork, here: Node) -> Node:
    return await started(network)


async def started(network: LossyNetwork) -> Node:
    node = Node(network.node())
    bus: Bus = node.bus
    await bus.start()
    await bus.subscribe("room")
    return node


async def test_nothing_moves_by_itself(network: LossyNetwork, here: Node, there: Node) -> None:
    here.bus.publish("room", b"1")
    await asyncio.sleep(0)
    assert here.heard == there.heard == []
    assert [flight.target for flight in network.pending] == [here.bus, there.bus]
    assert network.deliver_all() == 2
    assert here.heard == there.heard == [b"1"]


async def test_it_loses_repeats_delays_and_reorders(network: LossyNetwork, here: Node) -> None:
    for payload in (b"a", b"b", b"c", b"d"):
        here.bus.publish("room", payload)
    network.drop(0)
    network.duplicate(1)
    network.deliver(2 + 3)
    network.delay(0)
    network.deliver_all()
    assert here.heard == [b"c", b"d", b"c", b"b"]
    assert network.lost == 1
    assert network.deliver() is network.drop() is network.duplicate() is network.delay() is None


async def test_a_cut_node_is_told_and_loses_what_was_on_its_way(
    network: LossyNetwork, here: Node, there: Node
) -> None:
    here.bus.publish("room", b"lost to there")
    network.cut(there.bus)
    network.cut(there.bus)
    there.bus.publish("room", b"lost at once")
    here.bus.publish("room", b"for here alone")
    network.deliver_all()
    network.heal(there.bus)
    network.heal(there.bus)
    here.bus.publish("room", b"for both")
    network.deliver_all()
    assert here.heard == [b"lost to there", b"for here alone", b"for both"]
    assert there.heard == [b"for both"]
    assert there.health == [True, False, True]
    assert here.health == [True]
    assert there.bus.dropped == 1


async def test_a_blink_loses_and_tells_only_that_it_is_over(network: LossyNetwork, here: Node) -> None:
    here.bus.publish("room", b"lost")
    network.blink(here.bus)
    network.deliver_all()
    assert here.heard == []
    assert here.health == [True, True]


async def test_a_killed_node_hears_nothing_and_what_it_said_arrives(
    network: LossyNetwork, here: Node, there: Node
) -> None:
    there.bus.publish("room", b"last words")
    network.kill(there.bus)
    here.bus.publish("room", b"are you there?")
    network.deliver_all()
    network.heal(there.bus)
    assert here.heard == [b"last words", b"are you there?"]
    assert there.heard == []
    assert there.health == [True]
    assert network.nodes == [here.bus]


async def test_what_is_not_subscribed_is_not_sent(network: LossyNetwork, here: Node, there: Node) -> None:
    there.bus.unsubscribe("room")
    here.bus.publish("room", b"1")
    assert [flight.target for flight in network.pending] == [here.bus]
    here.bus.unsubscribe("room")
    network.deliver()
    assert here.heard == []
    assert network.lost == 1
