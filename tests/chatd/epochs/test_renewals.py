"""Ordinary rooms that begin anew by the calendar: once, as soon as anybody can, with who is there."""

import asyncio
import time
from pathlib import Path
from typing import Any, Final

import pytest

from chatd.doctor.sessions import check_erasures
from chatd.epochs.endings import OVERDUE_S
from chatd.epochs.moving import goes_on
from chatd.epochs.renewals import SCAN_S
from chatd.node import TRIM_LATE_S
from chatd.settings import Settings
from chatd.steady import BELIEVE_S, SteadyClock
from chatd.wire import ErrorCode
from rooms.catalog import RoomSpec
from rooms.log import Head, LogUnavailable
from rooms.periods import DAY_S
from rooms.rules import FACILITATOR, Who
from rooms.store_sql import migrate, open_store
from tests.chatd.desk import ROOM, Desk, Person, story
from tests.chatd.doubtful_log import FOR_EVER, Verb

SOON_S: Final = 120


def goes_late(desk: Desk) -> None:
    """It is two minutes before rooms begin anew."""
    ends_at = desk.node.renewals._periods.ends_at(1, desk.wall())
    desk._wall_ahead += ends_at - SOON_S - desk.wall()


async def head(desk: Desk, room: str = ROOM) -> Head:
    return (await desk.kept.heads([room]))[room]


async def comes_along(person: Person) -> dict[str, Any]:
    """What a client does that is told of a new seat: join with it. The answer."""
    erased = await person.hears("erased")
    assert person.receiver is not None
    return await person.answer(person.says("join", seat=erased["seat"]))


@story(nodes=2)
async def test_who_is_there_goes_on_under_another_handle_and_nothing_else_does(desk: Desk) -> None:
    """Two windows of one person, on two nodes, are one person again."""
    goes_late(desk)
    await desk.adds(open=False)
    ticket = desk.ticket(subject="p-17")
    anna = await desk.comes("anna", ticket=ticket)
    also = await desk.comes("anna on her phone", desk.nodes[1], ticket=ticket)
    ben = await desk.comes("ben", desk.nodes[1], ticket=desk.ticket("facilitator"))
    await anna.asks("post", text="a hard night")
    before = await head(desk)
    assert 0 < anna.joined["anew_in_s"] <= SOON_S
    old = anna.joined["handle"]
    assert old == also.joined["handle"]

    await desk.passes(SOON_S + 5)
    after = await head(desk)
    assert (after.epoch != before.epoch, after.head) == (True, 0)
    for person in (anna, also, ben):
        joined = await comes_along(person)
        assert (joined["epoch"], joined["recovered"], joined["events"]) == (after.epoch, False, [])
        assert joined["anew_in_s"] > DAY_S - SOON_S
    assert anna.joined["handle"] == also.joined["handle"] != old
    assert (anna.joined.get("role"), ben.joined.get("role")) == (None, "facilitator")
    await desk.passes(5)
    await anna.asks("post", text="and another day")
    assert (await ben.hears("posted"))["handle"] == anna.joined["handle"]
    for _ in range(3):  # who was new to whom, and what they answer
        desk.network.deliver_all()
        await desk.passes(3)
    newcomer = await desk.comes("newcomer", ticket=desk.ticket(subject="p-18"))
    assert {each["handle"] for each in newcomer.joined["roster"]} == {
        person.joined["handle"] for person in (anna, ben, newcomer)
    }, "the old handles have left"


@story()
async def test_each_window_goes_on_in_the_role_that_it_had(desk: Desk) -> None:
    goes_late(desk)
    await desk.adds(open=False)
    lead = await desk.comes("lead", ticket=desk.ticket("facilitator", subject="p-17"))
    anna = await desk.comes("the same person, as one of the group", ticket=desk.ticket(subject="p-17"))
    assert (lead.joined.get("role"), anna.joined.get("role")) == ("facilitator", None)
    await desk.passes(SOON_S + 5)
    for person in (lead, anna):
        await comes_along(person)
    assert (lead.joined.get("role"), anna.joined.get("role")) == ("facilitator", None)


@story()
async def test_nobody_is_brought_past_a_door_that_was_put_in_meanwhile(desk: Desk) -> None:
    goes_late(desk)
    await desk.adds()
    anna = await desk.comes("anna")
    lead = await desk.comes("lead", ticket=desk.ticket("facilitator"))
    await desk.catalog.change(RoomSpec(name=ROOM, title="t", open=False, door="pass"))
    await desk.passes(SOON_S + 5)
    assert "seat" not in await anna.hears("erased")
    assert (await comes_along(lead))["role"] == "facilitator"


@story(nodes=2)
async def test_a_node_whose_clock_stood_still_ends_nothing_that_has_begun_since(desk: Desk) -> None:
    """It slept over the end of the period and wakes up hours late, before its clock is believed."""
    slept_s = 4 * 3600.0
    late = SteadyClock(lambda: desk.wall() - slept_s, asyncio.get_running_loop().time)
    slept_s = 0.0
    desk.nodes[1].renewals._wall = late
    anna = await desk.comes("anna")
    await anna.asks("post", text="a hard morning")
    before = await head(desk)
    await desk.passes(BELIEVE_S - 10)
    await desk.comes("ben", desk.nodes[1])
    await desk.passes(SCAN_S + BELIEVE_S)
    assert await head(desk) == before


@story(ErrorCode.SEAT_REFUSED, nodes=3)
async def test_three_nodes_do_it_once_and_an_old_seat_opens_nothing(desk: Desk) -> None:
    goes_late(desk)
    anna = await desk.comes("anna")
    await anna.asks("post", text="a hard night")
    seat = anna.joined["seat"]
    await desk.passes(SOON_S + 5)
    joined = await comes_along(anna)
    await desk.passes(2 * SCAN_S)
    assert (await head(desk)).epoch == joined["epoch"], "and nobody began anew once more"
    other = desk.connects("another", desk.nodes[2])
    await other.refused("join", seat=seat)
    assert desk.node.metrics.erasure_late_s.value == 0


@story(nodes=2)
async def test_a_node_that_is_late_with_it_wipes_nothing_that_has_begun_since(desk: Desk) -> None:
    goes_late(desk)
    anna = await desk.comes("anna")
    with desk.logs[1].holds("erase") as held:
        await desk.passes(SOON_S + 5)
        await held.reached
        await comes_along(anna)
        await anna.asks("post", text="another day")
        before = await head(desk)
    await desk.passes(SCAN_S + 5)
    assert await head(desk) == before
    assert (before.head, anna.connected) == (1, True)


@story()
async def test_a_seat_under_which_nobody_is_connected_is_not_brought_along(desk: Desk) -> None:
    goes_late(desk)
    anna = await desk.comes("anna")
    anna.lose_connection()
    await desk.passes(SOON_S + 5)
    assert (await anna.returns(desk.node))["code"] == "seat_refused"
    assert not anna.heard_all("erased")


@story()
async def test_a_room_that_an_operator_erases_sends_everybody_to_the_door(desk: Desk) -> None:
    goes_late(desk)
    anna = await desk.comes("anna")
    now = await head(desk)
    desk.node._announce(ROOM, await desk.node.log.erase(ROOM, now.epoch))
    erased = await anna.hears("erased")
    assert "seat" not in erased


def test_who_had_a_pass_needs_one_of_the_new_period() -> None:
    """One pass is one seat: a seat that went on without one would be a second for who shows one."""
    by_pass, by_ticket = RoomSpec(name="a", title="a", door="pass"), RoomSpec(name="b", title="b")
    somebody, lead = Who("calm-heron", None), Who("mild-otter", FACILITATOR)
    assert [goes_on(by_pass, somebody), goes_on(by_pass, lead)] == [False, True]
    assert [goes_on(by_ticket, somebody), goes_on(by_ticket, lead)] == [True, True]


@story()
async def test_rooms_that_nobody_opens_and_those_with_other_periods(desk: Desk) -> None:
    goes_late(desk)
    await desk.adds("weekly", renew_days=7)
    await desk.adds("wisdom", kind="knowledge")
    await desk.adds("hour", kind="session")
    epochs = {}
    for room in ("weekly", "wisdom", "hour", "forgotten"):
        await desk.keeps("said", room=room)
        epochs[room] = (await head(desk, room)).epoch
    assert (await desk.comes("anna", room="wisdom")).joined.get("anew_in_s") is None
    await desk.passes(SOON_S + 5)
    assert (await head(desk, "forgotten")).head == 0
    assert (await head(desk, "wisdom")).epoch == epochs["wisdom"]
    desk._wall_ahead += 7 * DAY_S
    await desk.passes(SCAN_S + 5)
    assert (await head(desk, "weekly")).epoch != epochs["weekly"]
    assert (await head(desk, "wisdom")).epoch == epochs["wisdom"]
    assert (await head(desk, "hour")).epoch == epochs["hour"]


@story()
async def test_what_was_due_while_no_server_ran_is_ended_before_anybody_gets_in(desk: Desk) -> None:
    kept = await desk.kept.erase(ROOM, None, int(desk.wall()) - 2 * DAY_S)
    await desk.keeps("said two days ago")
    # The clockwork cannot look; the door does.
    desk.log.breaks("rooms", times=FOR_EVER)
    anna = await desk.comes("anna")
    assert (anna.joined["epoch"] != kept.epoch, anna.joined["events"]) == (True, [])


@story()
async def test_a_backup_of_an_earlier_day_is_ended_within_a_minute(desk: Desk) -> None:
    await desk.passes(5)
    began = await desk.kept.erase(ROOM, None, int(desk.wall()) - 2 * DAY_S)
    await desk.keeps("said two days ago")
    restored = await desk.kept.begin_anew(ROOM)
    assert restored.began_at == began.began_at
    await desk.passes(SCAN_S + 5)
    assert (await head(desk)).head == 0


@pytest.mark.parametrize("verb", ["erase", "rooms", "heads"])
@story()
async def test_what_cannot_be_erased_is_late_and_it_shows(desk: Desk, verb: Verb) -> None:
    goes_late(desk)
    await desk.keeps("said")
    await desk.passes(SOON_S - 60)
    assert desk.node.metrics.erasure_late_s.value == 0
    desk.log.breaks(verb, times=FOR_EVER)
    await desk.passes(60 + OVERDUE_S + 120)
    late = desk.node.metrics.erasure_late_s.value
    assert OVERDUE_S < late < OVERDUE_S + 240
    assert desk.node.metrics.erasures_overdue.value == 1
    desk.log.mends()
    await desk.passes(SCAN_S + 5)
    assert (await head(desk)).head == 0
    assert desk.node.metrics.erasure_late_s.value == desk.node.metrics.erasures_overdue.value == 0


@story()
async def test_trimming_that_fails_for_long_is_late_too(desk: Desk) -> None:
    await desk.keeps("said")
    await desk.passes(5)
    desk.log.breaks("trim", times=FOR_EVER)
    desk._wall_ahead += TRIM_LATE_S
    await desk.passes(5)
    assert desk.node.metrics.erasure_late_s.value > 0


@story()
async def test_one_room_that_cannot_be_trimmed_does_not_keep_the_others(desk: Desk) -> None:
    await desk.adds("a", kind="knowledge", renew_days=0)
    await desk.adds("b", kind="knowledge", renew_days=0)
    desk.log_is_behind_s = 40 * DAY_S
    for room in "ab":
        await desk.keeps("old", room=room)
    desk.log_is_behind_s = 0
    whole = desk.node.log.trim

    async def not_a(room: str, before_at: int) -> int:
        if room == "a":
            raise LogUnavailable("away")
        return await whole(room, before_at)

    setattr(desk.node.log, "trim", not_a)  # noqa: B010 - the type checker would not have it otherwise
    with pytest.raises(LogUnavailable):
        await desk.node.trim()
    assert (await head(desk, "a")).tail == 1
    assert (await head(desk, "b")).tail == 2


async def test_the_doctor_finds_a_period_that_nobody_ended(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path)
    await migrate(settings.store)
    store = await open_store(settings.store)
    await store.log.erase(ROOM, None, int(time.time()) - 2 * DAY_S)
    try:
        finding = await asyncio.to_thread(check_erasures, settings)
        assert (finding.verdict, "1 session or period of a room" in finding.seen) == ("failure", True)
        assert ROOM not in finding.seen + finding.remedy
        await store.catalog.add(RoomSpec(name=ROOM, title="t", renew_days=0))
        assert (await asyncio.to_thread(check_erasures, settings)).verdict == "ok"
    finally:
        await store.close()
