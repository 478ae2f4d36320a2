"""The hub, on real nodes: who comes is shown everything without a hole, and a hole is mended by the log."""

import asyncio
from collections.abc import Sequence

import pytest

from chatd.envelopes import Placed, pack, unpack
from chatd.hub import HOLD_S, KEEP_EMPTY_S, KEEP_READ_S, RETRY_S, room_channel
from chatd.live_room import RECENT
from chatd.wire import ErrorCode
from rooms.log import LogCorrupt, LogError, LogUnavailable
from tests.chatd.desk import ROOM, Desk, Person, places, settles, story
from tests.chatd.doubtful_log import Verb
from tests.stateful.lossy_bus import LossyBus

EITHER = pytest.mark.parametrize(
    "error", [LogUnavailable("away"), LogCorrupt("not ours")], ids=["away", "corrupt"]
)


def lines(count: int, length: int = 5) -> Sequence[str]:
    return [f"line {number}".ljust(length, ".") for number in range(count)]


async def back(person: Person, after: int) -> None:
    """They come back by their seat, having seen everything up to `after`."""
    assert person.node is not None
    person.lose_connection()
    answer = await person.returns(person.node, after=after)
    assert answer["t"] == "joined", answer


# ---- coming and coming back ------------------------------------------------------------------------


@story()
async def test_the_events_of_joined_end_at_its_head_though_the_log_is_ahead(desk: Desk) -> None:
    """What another node has placed and the bus has not brought yet comes as it comes to everybody."""
    await desk.keeps(*lines(RECENT + 50))
    anna = await desk.comes("anna")
    head = anna.joined["head"]
    await desk.keeps(*lines(5))
    await back(anna, 1)
    assert (anna.joined["recovered"], anna.joined["head"]) == (True, head)
    assert places(anna.joined["events"]) == list(range(2, head + 1))
    await anna.asks("post", text="and now it goes on")
    await desk.passes(1)
    assert anna.seqs == list(range(head + 1, head + 7))


@story(nodes=2)
async def test_who_has_seen_more_than_a_node_waits_until_it_has_caught_up(desk: Desk) -> None:
    there = desk.nodes[1]
    anna, ben = await desk.comes("anna"), await desk.comes("ben", there)
    for line in lines(3):
        await anna.asks("post", text=line)
    await settles()
    anna.lose_connection()
    desk.network.pending.clear()
    joined = await anna.returns(there)
    assert (joined["recovered"], joined["head"], joined["events"]) == (True, 3, [])
    await settles()
    assert ben.seqs == [1, 2, 3], "and with them everybody else there"


@story(ErrorCode.LOG_UNAVAILABLE, nodes=2)
async def test_who_has_seen_more_than_a_node_that_cannot_catch_up_is_told_to_wait(desk: Desk) -> None:
    there = desk.nodes[1]
    anna = await desk.comes("anna")
    await desk.comes("ben", there)
    await anna.asks("post", text="hello")
    await settles()
    anna.lose_connection()
    desk.network.pending.clear()
    desk.logs[1].breaks("since", LogCorrupt("not ours"))
    assert (await anna.returns(there))["code"] == ErrorCode.LOG_UNAVAILABLE
    anna.lose_connection()
    assert (await anna.returns(there))["recovered"] is True


@story()
async def test_who_claims_to_have_seen_what_the_log_has_not_starts_clean(desk: Desk) -> None:
    await desk.keeps(*lines(3))
    anna = await desk.comes("anna")
    await back(anna, 99)
    assert (anna.joined["recovered"], places(anna.joined["events"])) == (False, [1, 2, 3])


@story(recover_events=RECENT + 20, history_events=10)
async def test_a_gap_that_is_too_long_is_a_clean_start(desk: Desk) -> None:
    await desk.keeps(*lines(3 * RECENT))
    anna = await desk.comes("anna")
    assert places(anna.joined["events"]) == list(range(3 * RECENT - 9, 3 * RECENT + 1))
    await back(anna, 2 * RECENT - 20)
    assert (anna.joined["recovered"], len(anna.joined["events"])) == (True, RECENT + 20)
    await back(anna, 0)
    assert (anna.joined["recovered"], len(anna.joined["events"])) == (False, 10)


@story()
async def test_a_gap_that_is_too_large_in_bytes_is_a_clean_start(desk: Desk) -> None:
    length, around = 1000, 128  # an event is reckoned to need that much around its text
    fit = desk.settings.max_buffer_bytes // 2 // (length + around)
    many = fit + 30
    await desk.keeps(*lines(many, length))
    anna = await desk.comes("anna")
    await back(anna, many - fit)
    assert (anna.joined["recovered"], len(anna.joined["events"])) == (True, fit)
    await back(anna, many - fit - 1)
    assert anna.joined["recovered"] is False
    assert len(anna.joined["events"]) == desk.settings.history_events


@story()
async def test_a_gap_that_was_trimmed_is_a_clean_start(desk: Desk) -> None:
    await desk.adds(renew_days=0)
    desk.log_is_behind_s = 3600
    await desk.keeps(*lines(50))
    desk.log_is_behind_s = 0
    await desk.keeps(*lines(RECENT + 10))
    anna = await desk.comes("anna")
    (latest,) = await desk.keeps("now")
    await desk.kept.trim(ROOM, latest.at - 1800)
    await back(anna, 10)
    assert anna.joined["recovered"] is False
    await back(anna, 50)
    assert (anna.joined["recovered"], len(anna.joined["events"])) == (True, RECENT + 10)


@story()
async def test_many_who_come_back_to_one_place_read_the_log_once(desk: Desk) -> None:
    await desk.keeps(*lines(RECENT + 50))
    people = [await desk.comes(f"person {number}") for number in range(10)]
    for person in people:
        person.lose_connection()
    before = desk.log.asked["since"]
    for person in people:
        person.connect(desk.node)
    last = [person.joined for person in people]
    asked = [
        person.says("join", seat=each["seat"], epoch=each["epoch"], after=1)
        for person, each in zip(people, last, strict=True)
    ]
    for person, id_ in zip(people, asked, strict=True):
        assert (await person.answer(id_))["recovered"] is True
    assert desk.log.asked["since"] - before <= 2


@story()
async def test_who_comes_back_a_moment_later_needs_no_log_either_but_is_told_nothing_withdrawn(
    desk: Desk,
) -> None:
    anna = await desk.comes("anna")
    for line in ("my secret", *lines(RECENT)):
        await anna.asks("post", text=line)
        await desk.passes(1)
    ben, carla, dora = [await desk.comes(name) for name in ("ben", "carla", "dora")]
    before = desk.log.asked["since"]
    await back(ben, 0)
    await desk.passes(KEEP_READ_S / 2)
    await back(carla, 0)
    assert desk.log.asked["since"] == before + 1
    assert carla.joined["events"] == ben.joined["events"]
    assert carla.joined["events"][0]["text"] == "my secret"
    await anna.asks("withdraw", seq=1)
    await back(dora, 0)
    assert desk.log.asked["since"] == before + 2
    assert dora.joined["recovered"] is True
    assert "my secret" not in str(dora.joined)
    await desk.passes(2 * KEEP_READ_S)
    await back(carla, 0)
    assert desk.log.asked["since"] == before + 3, "nothing is kept for long"


@story()
async def test_what_is_withdrawn_while_somebody_comes_back_is_shown_to_nobody(desk: Desk) -> None:
    anna = await desk.comes("anna")
    for line in ("my secret", *lines(RECENT)):
        await anna.asks("post", text=line)
        await desk.passes(1)
    ben, carla = await desk.comes("ben"), await desk.comes("carla")
    ben.lose_connection()
    ben.connect(desk.node)
    with desk.log.holds("since", after=True) as held:
        id_ = ben.says("join", seat=ben.joined["seat"], epoch=ben.joined["epoch"], after=0)
        await held.reached
        await anna.asks("withdraw", seq=1)
        await settles()
    joined = await ben.answer(id_)
    assert joined["recovered"] is True
    assert "my secret" not in str(joined)
    await desk.passes(2 * KEEP_READ_S)
    await back(carla, 0)
    assert "my secret" not in str(carla.joined)


@story()
async def test_what_happens_while_somebody_comes_back_is_heard_once(desk: Desk) -> None:
    await desk.keeps(*lines(RECENT + 50))
    anna, ben = await desk.comes("anna"), await desk.comes("ben")
    anna.lose_connection()
    anna.connect(desk.node)
    with desk.log.holds("since", after=True) as held:
        last = anna.joined
        id_ = anna.says("join", seat=last["seat"], epoch=last["epoch"], after=1)
        await held.reached
        await ben.asks("post", text="meanwhile")
        await settles()
    joined = await anna.answer(id_)
    await ben.asks("post", text="afterwards")
    await settles()
    assert places(joined["events"]) + anna.seqs == list(range(2, RECENT + 53))


@EITHER
@story(ErrorCode.LOG_UNAVAILABLE)
async def test_whatever_the_log_says_to_who_comes_back_the_node_lives(desk: Desk, error: LogError) -> None:
    await desk.keeps(*lines(RECENT + 50))
    anna = await desk.comes("anna")
    anna.lose_connection()
    desk.log.breaks("since", error)
    assert (await anna.returns(desk.node, after=1))["code"] == ErrorCode.LOG_UNAVAILABLE
    await back(anna, 1)
    assert anna.joined["recovered"] is True


# ---- rooms come and go -----------------------------------------------------------------------------


@story()
async def test_a_room_is_kept_while_somebody_is_on_the_way_in(desk: Desk) -> None:
    anna = await desk.comes("anna")
    await anna.asks("leave")
    await desk.passes(KEEP_EMPTY_S - 1)
    ben = desk.connects("ben")
    with desk.log.holds("claim") as held:
        id_ = ben.says("join")
        await held.reached
        await desk.passes(5)
        assert ROOM in desk.node.hub.live
    assert (await ben.answer(id_))["t"] == "joined"
    await ben.asks("leave")
    await desk.passes(KEEP_EMPTY_S + 2)
    assert ROOM not in desk.node.hub.live


@story(nodes=2)
async def test_what_comes_while_a_room_is_opened_is_merged_into_what_was_read(desk: Desk) -> None:
    there = desk.nodes[1]
    anna, ben = await desk.comes("anna"), desk.connects("ben", there)
    await anna.asks("post", text="one")
    with desk.logs[1].holds("since", after=True) as held:
        id_ = ben.says("join")
        await held.reached
        await anna.asks("post", text="two")
        desk.network.deliver_all()
    joined = await ben.answer(id_)
    await settles()
    assert places(joined["events"]) + ben.seqs == [1, 2]


@story(nodes=2)
async def test_what_came_early_from_an_erased_epoch_is_dropped(desk: Desk) -> None:
    there = desk.nodes[1]
    anna, ben = await desk.comes("anna"), desk.connects("ben", there)
    with desk.logs[1].holds("open_room") as held:
        id_ = ben.says("join")
        await held.reached
        await anna.asks("post", text="said before the erasure")
        desk.network.deliver_all()
        await desk.kept.erase(ROOM)
    joined = await ben.answer(id_)
    assert (joined["head"], joined["events"]) == (0, [])
    await ben.asks("post", text="said after it")
    await settles()
    assert [frame["text"] for frame in ben.heard_all("posted")] == ["said after it"]


@EITHER
@story(ErrorCode.LOG_UNAVAILABLE, nodes=2)
async def test_a_room_that_cannot_be_opened_leaves_nothing_behind(desk: Desk, error: LogError) -> None:
    bus = desk.node.bus
    assert isinstance(bus, LossyBus)
    verbs: tuple[Verb, ...] = ("open_room", "since")
    for verb in verbs:
        desk.log.breaks(verb, error)
        assert (await desk.connects("anna").refused("join"))["code"] == ErrorCode.LOG_UNAVAILABLE
        assert bus.channels == {"nodes"}
    assert not desk.node.hub.live


@story(ErrorCode.SEAT_REFUSED, nodes=2)
async def test_who_is_in_a_room_that_is_erased_is_told_and_joins_anew(desk: Desk) -> None:
    anna, ben = await desk.comes("anna"), await desk.comes("ben", desk.nodes[1])
    old = anna.joined
    await anna.asks("post", text="hello")
    await desk.kept.erase(ROOM)
    for person in (anna, ben):
        assert await person.hears("erased") == {"t": "erased", "room": ROOM}
        before = person.joined
        assert (await person.refused("join", seat=before["seat"]))["code"] == ErrorCode.SEAT_REFUSED
        joined = await person.asks("join")
        assert joined["epoch"] != old["epoch"]
        assert (joined["head"], joined["events"], joined["recovered"]) == (0, [], False)
    assert desk.node.hub.live[ROOM].members == 1


@story(ErrorCode.NOT_JOINED)
async def test_a_post_for_an_erased_epoch_is_not_kept_in_the_next(desk: Desk) -> None:
    anna = await desk.comes("anna")
    await desk.kept.erase(ROOM)
    assert (await anna.refused("post", text="for those who were there"))["code"] == ErrorCode.NOT_JOINED
    await anna.hears("erased")
    assert (await anna.asks("join"))["head"] == 0


@story(ErrorCode.SEAT_REFUSED)
async def test_who_comes_in_while_the_room_is_erased_starts_again(desk: Desk) -> None:
    await desk.keeps(*lines(RECENT + 50))
    anna, ben = await desk.comes("anna"), await desk.comes("ben")
    anna.lose_connection()
    anna.connect(desk.node)
    last = anna.joined
    with desk.log.holds("since") as held:
        id_ = anna.says("join", seat=last["seat"], epoch=last["epoch"], after=1)
        await held.reached
        await desk.kept.erase(ROOM)
        await ben.refused("post", text="hello")
    assert (await anna.answer(id_))["code"] in (ErrorCode.SEAT_REFUSED, ErrorCode.NOT_JOINED)
    assert (await anna.refused("join", seat=last["seat"]))["code"] == ErrorCode.SEAT_REFUSED
    await anna.asks("join")


@story()
async def test_an_epoch_that_two_find_gone_at_the_same_time_ends_once(desk: Desk) -> None:
    anna = await desk.comes("anna")
    live = desk.node.hub.live[ROOM]
    with desk.log.holds("open_room") as held:
        slow = asyncio.create_task(desk.node.hub.catch_up(live))
        await held.reached
        await desk.kept.erase(ROOM)
        await desk.node.hub.catch_up(live)
        await anna.hears("erased")
        await anna.asks("join")
    await slow
    await settles()
    assert len(anna.heard_all("erased")) == 1
    said = await anna.asks("post", text="the new room is as it was")
    await anna.hears("posted", seq=said["seq"])


# ---- holes -----------------------------------------------------------------------------------------


@story(nodes=2)
async def test_a_hole_that_the_bus_fills_in_time_asks_nothing_of_the_log(desk: Desk) -> None:
    anna, ben = await desk.comes("anna"), await desk.comes("ben", desk.nodes[1])
    desk.network.deliver_all()
    for line in lines(3):
        await anna.asks("post", text=line)
    before = desk.logs[1].asked["since"]
    placed = [flight for flight in desk.network.pending if flight.channel == room_channel(ROOM)]
    for flight in reversed(placed):
        flight.target.on_message(flight.channel, flight.payload)
        await settles()
    desk.network.pending.clear()
    await desk.passes(2 * HOLD_S)
    assert ben.seqs == [1, 2, 3]
    assert desk.logs[1].asked["since"] == before
    assert desk.nodes[1].metrics.gaps_mended.value == 0


@story(nodes=2)
async def test_a_hole_that_lasts_is_mended_from_the_log(desk: Desk) -> None:
    anna, ben = await desk.comes("anna"), await desk.comes("ben", desk.nodes[1])
    desk.network.deliver_all()
    for line in lines(3):
        await anna.asks("post", text=line)
    lost, _, last = [
        flight
        for flight in desk.network.pending
        if flight.target is desk.nodes[1].bus and isinstance(unpack(flight.payload), Placed)
    ]
    assert lost != last
    desk.network.pending.clear()
    last.target.on_message(last.channel, last.payload)
    await desk.passes(HOLD_S / 2)
    assert ben.seqs == []
    await desk.passes(HOLD_S)
    assert ben.seqs == [1, 2, 3]
    assert desk.nodes[1].metrics.gaps_mended.value == 3
    for again in (lost, last):
        again.target.on_message(again.channel, again.payload)
    await settles()
    assert ben.seqs == [1, 2, 3], "what is older is dropped"


@EITHER
@story(nodes=2)
async def test_a_hole_is_mended_when_the_log_is_back(desk: Desk, error: LogError) -> None:
    anna, ben = await desk.comes("anna"), await desk.comes("ben", desk.nodes[1])
    desk.network.deliver_all()
    desk.logs[1].breaks("since", error, times=2)
    await anna.asks("post", text="one")
    desk.network.pending.clear()
    await anna.asks("post", text="two")
    desk.network.deliver_all()
    await desk.passes(HOLD_S + 3 * RETRY_S)
    assert ben.seqs == [1, 2]


@EITHER
@story(nodes=2)
async def test_a_last_event_that_the_bus_lost_is_found_by_comparing(desk: Desk, error: LogError) -> None:
    anna, ben = await desk.comes("anna"), await desk.comes("ben", desk.nodes[1])
    desk.logs[1].breaks("heads", error)
    await anna.asks("post", text="one")
    desk.network.pending.clear()
    await desk.passes(5)
    assert ben.seqs == [1]


@story(nodes=2)
async def test_while_the_bus_is_away_the_log_carries_what_is_said(desk: Desk) -> None:
    anna, ben = await desk.comes("anna"), await desk.comes("ben", desk.nodes[1])
    for bus in list(desk.network.nodes):
        desk.network.cut(bus)
    assert desk.node.health().degraded == ["bus"]
    await anna.asks("post", text="one")
    await desk.passes(1)
    assert ben.seqs == [1]
    await desk.passes(2)
    assert desk.node.metrics.bus_dropped.value > 0


@story(nodes=2)
async def test_what_lies_between_and_was_trimmed_is_passed_over(desk: Desk) -> None:
    anna, ben = await desk.comes("anna"), await desk.comes("ben", desk.nodes[1])
    desk.log_is_behind_s = 3600
    for line in lines(3):
        await anna.asks("post", text=line)
    desk.network.pending.clear()
    desk.log_is_behind_s = 0
    last = (await desk.keeps("late"))[0]
    await desk.kept.trim(ROOM, last.at - 1800)
    await desk.nodes[1].hub.compare_with_log()
    await desk.passes(1)
    assert ben.seqs == [4]


@story(nodes=2)
async def test_words_about_rooms_nobody_is_in_here_do_nothing(desk: Desk) -> None:
    hub = desk.nodes[1].hub
    (event,) = await desk.keeps("hello")
    hub.offer(ROOM, "one", [event])
    hub.heard_head(ROOM, "one", 7)
    for payload in (b"", b"\x00", pack(Placed("n9", ROOM, "one", 0.0, [event]))):
        desk.nodes[1].bus.on_message(room_channel(ROOM), payload)
    await settles()
    assert not hub.live


# ---- frames go out ---------------------------------------------------------------------------------


@story()
async def test_who_lags_is_spared_the_hints_and_hears_the_events(desk: Desk) -> None:
    anna, ben, carla = [await desk.comes(name) for name in ("anna", "ben", "carla")]
    ben.lags = True
    anna.send({"t": "typing", "room": ROOM})
    await anna.asks("post", text="hello")
    await desk.passes(2)
    assert ben.seqs == carla.seqs == anna.seqs == [1]
    assert not ben.heard_all("typing") + ben.heard_all("presence")
    assert carla.heard_all("typing")


@story()
async def test_what_was_withdrawn_is_told_to_nobody_who_comes_later(desk: Desk) -> None:
    anna = await desk.comes("anna")
    await anna.asks("post", text="my secret")
    ben = await desk.comes("ben")
    assert ben.joined["events"][0]["text"] == "my secret"
    await anna.asks("withdraw", seq=1)
    carla = await desk.comes("carla")
    await carla.asks("older", before=3)
    await back(ben, 0)
    assert ben.joined["recovered"] is True
    for frames in (carla.frames, ben.joined):
        assert "my secret" not in str(frames)
    assert places(carla.joined["events"]) == [1, 2]


@story()
async def test_who_is_cut_while_the_room_is_told_something_takes_nobody_along(desk: Desk) -> None:
    class Cut(Person):
        def write(self, batch: object) -> bool:
            self.close(4001, "too slow")
            return False

    ben = await desk.comes("ben")
    anna = Cut("anna")
    desk.people.append(anna)
    anna.connect(desk.node)
    anna.says("join")
    await settles()
    carla = await desk.comes("carla")
    await ben.asks("post", text="hello")
    await settles()
    assert ben.seqs == carla.seqs == [1]
    assert desk.node.hub.live[ROOM].members == 2


@story(max_buffer_bytes=64 * 1024)
async def test_a_clean_start_shows_as_much_as_fits(desk: Desk) -> None:
    await desk.keeps(*lines(50, 4000))
    anna = await desk.comes("anna")
    shown = places(anna.joined["events"])
    assert shown == list(range(51 - len(shown), 51))
    assert 0 < len(shown) <= 32 * 1024 // 4000
