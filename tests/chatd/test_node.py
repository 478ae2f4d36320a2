"""A node's life, in virtual time: what it does by the clock, and how it goes without losing anything."""

import asyncio

import pytest

from chatd.envelopes import NODES_CHANNEL, Heads, Placed, pack, unpack
from chatd.hub import room_channel
from chatd.node import COMPARE_S, HEADS_FOR_S, TICK_S, TRIM_S
from chatd.wire import CloseCode, ErrorCode
from presence.messages import Gone
from rooms.catalog import HISTORY_S
from rooms.events import Posted
from rooms.log import LogCorrupt, LogError, LogUnavailable
from tests.chatd.desk import ROOM, Desk, places, settles, story
from tests.chatd.doubtful_log import FOR_EVER, Verb
from tests.chatd.virtual_time import VirtualLoop
from tests.stateful.lossy_bus import LossyBus

HOUR_S = 3600


# ---- health ----------------------------------------------------------------------------------------


@story(ErrorCode.LOG_UNAVAILABLE)
async def test_health_says_that_the_log_is_away_and_sees_by_itself_that_it_is_back(desk: Desk) -> None:
    anna = await desk.comes("anna")
    assert (desk.node.health().ready, desk.node.health().degraded) == (True, [])
    desk.log.breaks("append")
    desk.log.breaks("spend", LogCorrupt("not ours"), times=3)
    await anna.refused("post", text="hello")
    assert desk.node.health().degraded == ["log"]
    await desk.passes(2 * TICK_S)
    assert desk.node.health().degraded == ["log"], "it takes nothing yet"
    await desk.passes(5 * TICK_S)
    assert (desk.node.health().ready, desk.node.health().degraded) == (True, [])


@story(nodes=2)
async def test_health_says_that_the_bus_is_away(desk: Desk) -> None:
    bus = desk.node.bus
    assert isinstance(bus, LossyBus)
    desk.network.cut(bus)
    assert desk.node.health().degraded == ["bus"]
    assert desk.nodes[1].health().degraded == []
    desk.network.heal(bus)
    assert desk.node.health().degraded == []


@story(post_per_s=0)
async def test_the_clock_writes_down_what_stands_in_the_node(desk: Desk) -> None:
    anna = await desk.comes("anna")
    await desk.comes("ben", room="tea")
    with desk.log.holds("append") as held:
        asked = [anna.says("post", text=f"line {number}") for number in range(3)]
        await held.reached
        asked += [anna.says("post", text=f"line {number}") for number in range(3, 5)]
        await desk.passes(TICK_S)
        metrics = desk.node.metrics
        assert (metrics.rooms.value, metrics.members.value, metrics.queue.value) == (2, 2, 2)
    for id_ in asked:
        await anna.answer(id_)
    await desk.passes(TICK_S)
    assert (metrics.queue.value, metrics.posts.value) == (0, 5)


@story()
async def test_a_node_that_is_alone_keeps_no_list_of_lively_rooms(desk: Desk) -> None:
    for number in range(5):
        person = await desk.comes(f"person {number}", room=f"room-{number}")
        await person.asks("post", f"room-{number}", text="hello")
    assert not desk.node._lively


@story(nodes=2)
async def test_heads_travel_for_a_while_after_the_last_event(desk: Desk) -> None:
    anna = await desk.comes("anna")
    await anna.asks("post", text="hello")
    desk.network.pending.clear()
    await desk.passes(TICK_S)
    heads = [each for each in map(unpack, payloads(desk)) if isinstance(each, Heads)]
    assert heads[0].heads == {ROOM: (anna.joined["epoch"], 1)}
    await desk.passes(HEADS_FOR_S)
    desk.network.pending.clear()
    await desk.passes(2 * TICK_S)
    assert not [each for each in map(unpack, payloads(desk)) if isinstance(each, Heads)]
    assert not desk.node._lively


def payloads(desk: Desk) -> list[bytes]:
    return [flight.payload for flight in desk.network.pending]


@story(nodes=2)
async def test_a_head_that_is_heard_brings_what_was_lost(desk: Desk) -> None:
    anna, ben = await desk.comes("anna"), await desk.comes("ben", desk.nodes[1])
    await desk.passes(COMPARE_S - TICK_S / 2)
    await anna.asks("post", text="hello")
    desk.network.pending.clear()
    hint = pack(Heads("n0", {ROOM: (anna.joined["epoch"], 1)}))
    before = desk.logs[1].asked["heads"]
    desk.nodes[1].bus.on_message(NODES_CHANNEL, hint)
    await settles()
    assert ben.seqs == [1]
    assert desk.logs[1].asked["heads"] == before


# ---- what is kept no longer ------------------------------------------------------------------------


@story()
async def test_rooms_are_trimmed_by_their_kind_whether_the_catalog_knows_them_or_not(desk: Desk) -> None:
    await desk.adds("wisdom", kind="knowledge")
    people = {}
    for room in ("wisdom", "of-the-moment"):
        desk.log_is_behind_s = HISTORY_S["knowledge"] + HOUR_S
        people[room] = await desk.comes(room, room=room)
        await people[room].asks("post", room, text="a month old")
        desk.log_is_behind_s = HISTORY_S["drop-in"] + HOUR_S
        await people[room].asks("post", room, text="a day old")
        desk.log_is_behind_s = 0
        await people[room].asks("post", room, text="new")
    await desk.passes(TRIM_S)
    for room, left in (("wisdom", [2, 3]), ("of-the-moment", [3])):
        epoch = people[room].joined["epoch"]
        assert [event.seq for event in await desk.kept.since(room, epoch, 0, 10)] == left
        newcomer = await desk.comes("newcomer", room=room)
        assert places(newcomer.joined["events"]) == left, "nor is it at hand any more"
        await people[room].asks("post", room, text="it goes on")
        assert people[room].seqs[-1] == 4


@pytest.mark.parametrize("verb", ["rooms", "trim"])
@pytest.mark.parametrize("error", [LogUnavailable("away"), LogCorrupt("not ours")], ids=["away", "corrupt"])
@story()
async def test_whatever_the_log_says_to_trimming_the_node_lives(
    desk: Desk, verb: Verb, error: LogError
) -> None:
    desk.log_is_behind_s = HISTORY_S["knowledge"] + HOUR_S
    anna = await desk.comes("anna")
    await anna.asks("post", text="old")
    desk.log_is_behind_s = 0
    desk.log.breaks(verb, error, times=FOR_EVER)
    await desk.passes(TRIM_S)
    assert len(await desk.kept.since(ROOM, anna.joined["epoch"], 0, 10)) == 1
    desk.log.mends()
    await desk.passes(TRIM_S)
    assert len(await desk.kept.since(ROOM, anna.joined["epoch"], 0, 10)) == 0


# ---- going -----------------------------------------------------------------------------------------


@story()
async def test_a_drain_tells_all_and_lets_them_go_one_after_the_other(desk: Desk) -> None:
    people = [await desk.comes(f"person {number}") for number in range(9)]
    people.append(desk.connects("in no room yet"))
    asked = people[0].says("post", text="my last word")
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(desk.node.drain(5.0))
        await desk.passes(2.5)
        assert not desk.node.health().ready
        told = [person.heard_all("going") for person in people]
        assert all(len(frames) == 1 for frames in told), "all of them, at once"
        assert 3 <= sum(person.closed_with == CloseCode.GOING for person in people) <= 7
    assert [person.closed_with for person in people] == [CloseCode.GOING] * 10
    assert sorted(frames[0]["reconnect_in_s"] for frames in told) == [0.5 * n for n in range(1, 11)]
    assert asked not in people[0].unanswered
    assert len(await desk.kept.since(ROOM, people[0].joined["epoch"], 0, 10)) == 1


@story()
async def test_a_drain_without_time_says_goodbye_all_the_same(desk: Desk) -> None:
    anna = await desk.comes("anna")
    await desk.node.drain(0.0)
    assert anna.heard_all("going") == [{"t": "going", "reconnect_in_s": 0.0}]
    assert anna.closed_with == CloseCode.GOING


@story()
async def test_a_drain_of_nobody_is_over_at_once(desk: Desk) -> None:
    begun = asyncio.get_running_loop().time()
    await desk.node.drain(10.0)
    assert asyncio.get_running_loop().time() - begun < 0.1


@story(nodes=2)
async def test_a_drain_says_gone_also_where_the_log_hangs(desk: Desk) -> None:
    """Whoever waits for the drain stops waiting some time; the room must see no storm of leaves then."""
    anna, ben = await desk.comes("anna"), await desk.comes("ben", desk.nodes[1])
    for _ in range(4):
        await desk.passes(0.5)
        desk.network.deliver_all()
    before = len(ben.heard_all("presence"))
    with desk.log.holds("append") as held:
        anna.says("post", text="my last word")
        await held.reached
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(5):
                await desk.node.drain(1.0)
        assert anna.closed_with == CloseCode.GOING
        gone = [each for each in map(unpack, payloads(desk)) if isinstance(each, Gone)]
        assert {each.node for each in gone} == {"n0"}
        desk.network.deliver_all()
        await desk.passes(2)
    assert len(ben.heard_all("presence")) == before


@story(nodes=2)
async def test_what_the_bus_brings_while_a_node_stops_is_nobodys_business(desk: Desk) -> None:
    anna = await desk.comes("anna")
    live = desk.node.hub.live[ROOM]
    bus, node = desk.node.bus, desk.node
    assert isinstance(bus, LossyBus)
    event = Posted(room=ROOM, seq=7, handle="far-tern", text="after a hole")
    late = [
        pack(Placed("n1", ROOM, anna.joined["epoch"], 0.0, [event])),
        pack(Placed("n1", ROOM, "another", 0.0, [event])),
    ]

    def arrive() -> None:
        for payload in late:
            bus.on_message(room_channel(ROOM), payload)
        for healthy in (False, True):
            bus.on_health(healthy)

    def keep_arriving(_: object) -> None:
        """As long as the node ends its tasks, in between, and at the end."""
        arrive()

    for task in list(node._tasks._tasks):
        task.add_done_callback(keep_arriving)
    await node.stop()
    arrive()
    await desk.passes(5)
    assert anna.seqs == []
    assert live.timer is None
    assert node.presence._timer is None
    assert not node.health().ready


@story(nodes=2)
async def test_a_hole_that_waits_is_not_mended_after_the_end(desk: Desk) -> None:
    anna = await desk.comes("anna")
    await desk.keeps("one", "two")
    live = desk.node.hub.live[ROOM]
    desk.node.hub.offer(ROOM, anna.joined["epoch"], [Posted(room=ROOM, seq=2, handle="far-tern", text="")])
    waiting = live.timer
    assert waiting is not None
    await desk.node.stop()
    assert waiting.cancelled()
    before = desk.log.asked["since"]
    await desk.passes(5)
    assert live.timer is None
    assert desk.log.asked["since"] == before


@story()
async def test_a_node_stops_twice_as_well_as_once(desk: Desk) -> None:
    await desk.node.stop()
    await desk.node.stop()
    assert not desk.node.health().ready


@story(ErrorCode.LOG_UNAVAILABLE)
async def test_nothing_that_a_log_says_for_ever_ends_a_node(desk: Desk) -> None:
    await desk.comes("anna")
    verbs: tuple[Verb, ...] = (
        "append", "open_room", "since", "before", "heads", "rooms", "claim", "trim", "spend", "spent",
    )  # fmt: skip
    for verb in verbs:
        desk.log.breaks(verb, LogCorrupt("not ours"), times=FOR_EVER)
    ben = desk.connects("ben")
    for room in (ROOM, "tea"):
        await ben.refused("join", room)
    await desk.passes(2 * TRIM_S)
    desk.log.mends()
    await desk.comes("carla")


def test_a_part_that_dies_takes_the_node_with_it_loudly() -> None:
    """What a node cannot live without is not left out silently."""

    async def dies() -> None:
        raise ZeroDivisionError

    async def tell() -> list[BaseException]:
        desk = Desk()
        node = await desk.boot()
        node._tasks.spawn(dies(), name="test.dies")
        await settles()
        assert not node.health().ready
        await node.stop()
        return desk.crashes

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        assert [type(error) for error in runner.run(tell())] == [ZeroDivisionError]
