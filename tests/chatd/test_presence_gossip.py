"""Presence, as the members see it: told on nodes with a bus between them, and on a loop that is real."""

import asyncio
from collections.abc import Callable

import pytest
import uvloop

from chatd.bus_memory import MemoryBus
from chatd.envelopes import NODES_CHANNEL, TypingHint, unpack
from chatd.formats import JSON_MESSAGES, MSGPACK_MESSAGES
from chatd.hub import room_channel
from chatd.metrics import Metrics
from chatd.presence_gossip import PresenceGossip
from chatd.spawn import Tasks
from presence.messages import Beat, Gone
from presence.replica import Replica
from tests.chatd.desk import ROOM, Desk, settles, story
from tests.chatd.virtual_time import VirtualLoop

LINGER_S = 1.5
SETTLE_S = 0.3


def gossip(bus: MemoryBus, crashes: list[BaseException]) -> PresenceGossip:
    loop = asyncio.get_running_loop()
    return PresenceGossip(
        Replica("n0"), bus=bus, metrics=Metrics(), tasks=Tasks(on_crash=crashes.append), clock=loop.time
    )


@story()
async def test_who_comes_is_shown_and_who_leaves_is_not_there_any_more(desk: Desk) -> None:
    anna, ben = await desk.comes("anna"), await desk.comes("ben")
    handle = ben.joined["handle"]
    assert {member["handle"] for member in ben.joined["roster"]} == {handle, anna.joined["handle"]}
    assert ben.joined["count"] == 2
    shown = await anna.hears("presence")
    assert ([member["handle"] for member in shown["joined"]], shown["count"]) == ([handle], 2)

    await ben.asks("away", away=True)
    assert (await anna.hears("presence"))["away"] == [handle]
    carla = await desk.comes("carla")
    assert next(m for m in carla.joined["roster"] if m["handle"] == handle)["away"] is True
    await ben.asks("away", away=False)
    assert (await anna.hears("presence", away=[]))["count"] == 3

    await ben.asks("leave")
    assert (await anna.hears("presence", left=[handle]))["count"] == 2


@story()
async def test_a_reload_is_nobodys_news_and_a_lost_connection_is_a_leave_after_a_while(desk: Desk) -> None:
    anna, ben = await desk.comes("anna"), await desk.comes("ben")
    await desk.passes(5)
    before = len(anna.heard_all("presence"))
    ben.lose_connection()
    await desk.passes(LINGER_S / 2)
    await ben.returns(desk.node)
    await desk.passes(5)
    assert len(anna.heard_all("presence")) == before

    ben.lose_connection()
    await desk.passes(LINGER_S - 0.1)
    assert len(anna.heard_all("presence")) == before
    await desk.passes(SETTLE_S + 0.2)
    assert anna.heard_all("presence")[-1]["left"] == [ben.joined["handle"]]
    assert desk.node.counts() == {ROOM: 1}


@story(nodes=2)
async def test_who_is_on_another_node_is_in_the_same_room(desk: Desk) -> None:
    anna, ben = await desk.comes("anna"), await desk.comes("ben", desk.nodes[1])
    for _ in range(4):
        await desk.passes(0.5)
        desk.network.deliver_all()
    assert desk.nodes[0].counts() == desk.nodes[1].counts() == {ROOM: 2}
    heard = [member["handle"] for frame in anna.heard_all("presence") for member in frame["joined"]]
    assert heard == [ben.joined["handle"]]
    assert desk.node.presence.has_place(ROOM, ben.joined["handle"], 2)
    assert not desk.node.presence.has_place(ROOM, "new-here", 2)


@story(nodes=2)
async def test_typing_goes_to_the_room_here_at_once_and_elsewhere_by_the_bus(desk: Desk) -> None:
    anna, ben = await desk.comes("anna"), await desk.comes("ben", desk.nodes[1])
    desk.network.deliver_all()
    anna.send({"t": "typing", "room": ROOM})
    await settles()
    hints = [
        flight
        for flight in desk.network.pending
        if isinstance(unpack(flight.payload), TypingHint) and flight.channel == room_channel(ROOM)
    ]
    assert hints
    assert len(anna.heard_all("typing")) == 1
    desk.network.deliver_all()
    await settles()
    assert [frame["handle"] for frame in ben.heard_all("typing")] == [anna.joined["handle"]]
    assert len(anna.heard_all("typing")) == 1, "one's own, which a bus brings too, says nothing new"


@story(nodes=2)
async def test_a_node_that_went_in_good_order_takes_nobody_along(desk: Desk) -> None:
    """Invariant 10: its people come back elsewhere, and the room sees no leave and no join."""
    anna, ben = await desk.comes("anna"), await desk.comes("ben", desk.nodes[1])
    for _ in range(4):
        await desk.passes(0.5)
        desk.network.deliver_all()
    before = len(ben.heard_all("presence"))
    here = desk.node.presence
    here.begin_leaving()
    anna.lose_connection()
    here.say_gone()
    here.say_gone()
    said = [unpack(flight.payload) for flight in desk.network.pending if flight.channel == NODES_CHANNEL]
    assert sum(isinstance(each, Gone) for each in said) == 2, "once, to each of two nodes"
    desk.network.deliver_all()
    await anna.returns(desk.nodes[1])
    for _ in range(6):
        await desk.passes(0.5)
        desk.network.deliver_all()
    assert len(ben.heard_all("presence")) == before
    assert desk.nodes[1].counts() == {ROOM: 2}


def test_a_roster_is_encoded_once_for_all_who_come_at_the_same_time() -> None:
    async def tell() -> None:
        bus = MemoryBus()
        presence = gossip(bus, [])
        presence.watch(ROOM)
        presence.enter(ROOM, "calm-otter", None)
        first, count = presence.roster(ROOM, "calm-otter", JSON_MESSAGES)
        assert presence.roster(ROOM, "calm-otter", JSON_MESSAGES)[0] is first
        assert presence.roster(ROOM, "calm-otter", MSGPACK_MESSAGES)[0] is not first
        assert count == 1
        presence.unwatch(ROOM)
        assert presence.roster(ROOM, "calm-otter", JSON_MESSAGES)[0] is not first
        presence.stop()

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(tell())


def test_what_goes_wrong_in_a_timer_is_told_to_the_owner() -> None:
    """A callback of the loop is nobody's task: without a guard the node would go on without presence."""

    class Broken(MemoryBus):
        def publish(self, channel: str, payload: bytes) -> None:
            raise ZeroDivisionError

    async def tell() -> list[BaseException]:
        crashes: list[BaseException] = []
        presence = gossip(Broken(), crashes)
        presence.watch(ROOM)
        await asyncio.wait_for(_told(crashes), 5)
        presence.stop()
        return crashes

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        assert [type(error) for error in runner.run(tell())] == [ZeroDivisionError]


async def _told(crashes: list[BaseException]) -> None:
    while not crashes:
        await settles()


@pytest.mark.parametrize("loop_factory", [uvloop.Loop, asyncio.SelectorEventLoop])
def test_the_timers_run_on_every_loop(loop_factory: Callable[[], asyncio.AbstractEventLoop]) -> None:
    """A moment that has come already has no `when()` on uvloop, and is put forward all the same."""

    async def tell() -> None:
        heard, crashes = asyncio.Event(), list[BaseException]()

        def on_message(channel: str, payload: bytes) -> None:
            if isinstance(unpack(payload), Beat) and (channel == NODES_CHANNEL):
                heard.set()

        bus = MemoryBus()
        bus.on_message = on_message
        await bus.start()
        await bus.subscribe(NODES_CHANNEL)
        presence = gossip(bus, crashes)
        presence.watch(ROOM)  # its first words are due now
        for name in ("calm-otter", "far-tern"):
            presence.enter(ROOM, name, None)
        async with asyncio.timeout(10):
            await heard.wait()
        assert not crashes
        presence.stop()
        assert presence._timer is None
        await bus.stop()

    with asyncio.Runner(loop_factory=loop_factory) as runner:
        runner.run(tell())
