"""The clockwork of sessions, in virtual time, with real nodes: what happens by itself, once, and on time."""

import asyncio
from typing import Any

import pytest

from chatd.sessions.clockwork import PLANS_S, SCAN_S
from chatd.steady import SteadyClock
from chatd.wire import ErrorCode
from presence.replica import Replica
from rooms.children import staff_room
from rooms.events import Posted, Rules
from rooms.log import Head, LogCorrupt, LogUnavailable
from rooms.reports_memory import MemoryReports
from rooms.session_clock import GONE_S, UNATTENDED_S
from rooms.session_events import Admitted, Departed, Paused, PhaseChanged, Resumed
from tests.chatd.desk import Desk, settles, story
from tests.chatd.doubtful_log import FOR_EVER, Verb
from tests.chatd.hour import GRACE_S, LASTS_S, LOBBY_S, MINUTE_S, ROOM, Hour, carried, planned, room_of

ERASED_S = 60
"""From the close to the erasure."""
NOTHING = Head("", 0, 1, 0, Rules())


# ---- on time -----------------------------------------------------------------------------------


@story()
async def test_an_hour_goes_by_itself(desk: Desk) -> None:
    hour = Hour(desk)
    await hour.plan(in_minutes=15)
    await desk.passes(MINUTE_S)
    assert ROOM not in await desk.kept.heads([ROOM]), "nothing before its time"
    facilitator, _ = await hour.gather(3)
    assert desk.node.metrics.sessions_running.value == 1
    await hour.reach(hour.starts_at + LASTS_S + GRACE_S)
    phases = await hour.phases()
    assert [phase for phase, _ in phases] == [
        *("lobby", "opening", "open", "winding_down", "closing_round", "closing_round", "closed")
    ]
    minutes = [round(at_s / MINUTE_S) for _, at_s in phases]
    assert minutes == [-10, 0, 5, 15, 20, 25, 30]
    assert all(at_s - 60 * minute in (0, 1) for (_, at_s), minute in zip(phases, minutes, strict=True))
    assert await hour.count(PhaseChanged, late_s=0) == len(phases)
    await facilitator.hears("phase_changed", phase="closed")
    await desk.passes(2)
    assert desk.node.metrics.sessions_running.value == 0


@story()
async def test_what_was_planned_before_a_restart_opens_on_time_after_it(desk: Desk) -> None:
    hour = Hour(desk)
    await hour.plan(in_minutes=15)
    await desk.passes(MINUTE_S)
    await desk.node.stop()
    await hour.reach(hour.starts_at - LOBBY_S - 30)
    restarted = await desk.boot()
    await hour.reach(hour.starts_at - LOBBY_S)
    assert await hour.phases() in ([("lobby", -LOBBY_S)], [("lobby", -LOBBY_S + 1)])
    await hour.facilitator(restarted)
    for name in ("anna", "ben"):
        await hour.participant(name, restarted)
    await hour.reach(hour.starts_at)
    assert await hour.phase() == "opening"
    assert await hour.count(PhaseChanged, late_s=0) == 2


@story()
async def test_a_server_that_was_down_at_the_opening_catches_up_and_says_so(desk: Desk) -> None:
    hour = Hour(desk)
    await hour.plan(in_minutes=15)
    await desk.node.stop()
    await hour.reach(hour.starts_at - LOBBY_S + 3 * MINUTE_S)
    started = await desk.boot()
    await settles()
    (event,) = await hour.events()
    assert isinstance(event, PhaseChanged)
    assert (event.phase, event.late_s // 10) == ("lobby", 3 * MINUTE_S // 10)
    assert started.metrics.sessions_late.value == 1


@story()
async def test_a_server_that_was_down_in_mid_session_goes_on_where_the_plan_is(desk: Desk) -> None:
    hour = Hour(desk)
    await hour.plan(in_minutes=15)
    await hour.gather(3)
    await hour.reach(hour.starts_at + MINUTE_S)
    before = await hour.session()
    await desk.node.stop()
    await hour.reach(hour.starts_at + 16 * MINUTE_S)
    await desk.boot()
    await settles()
    event = (await hour.events())[-1]
    assert isinstance(event, PhaseChanged)
    assert (event.phase, event.item) == ("winding_down", 2), "what went by meanwhile is not done one by one"
    assert event.late_s >= MINUTE_S
    session = await hour.session()
    assert (session.members, session.accepted) == (before.members, before.accepted)


@story()
async def test_what_is_all_over_when_a_server_comes_is_cancelled_and_erased(desk: Desk) -> None:
    hour = Hour(desk)
    await hour.plan(in_minutes=15)
    await desk.node.stop()
    await hour.reach(hour.starts_at + LASTS_S + GRACE_S + MINUTE_S)
    await desk.boot()
    await settles()
    assert await hour.phase() == "cancelled"
    await desk.passes(ERASED_S + 5)
    assert await hour.phase() is None
    report = await desk.reports.get(ROOM, (await desk.reports.list(ROOM, 1))[0].occurrence)
    assert report is not None
    assert not report.opened
    await desk.passes(5 * MINUTE_S)
    assert (await hour.head()).head == 0, "and that was it"


@story()
async def test_a_date_that_is_called_off_or_moved_in_the_last_moment_does_not_open(desk: Desk) -> None:
    hour = Hour(desk)
    series = await hour.plan(in_minutes=11)
    await hour.reach(hour.starts_at - LOBBY_S - PLANS_S)
    desk.node.sessions.plans_changed()
    await desk.passes(1.1)
    # The plans were read just now, and are not read again before the lobby would open.
    await desk.series.remove(series.name)
    await hour.reach(hour.starts_at - LOBBY_S + 10)
    assert not (await desk.kept.heads([ROOM])).get(ROOM, NOTHING).head
    await desk.series.add(planned(hour.starts_at + 5 * MINUTE_S))
    hour.starts_at += 5 * MINUTE_S
    await hour.reach(hour.starts_at - LOBBY_S)
    assert await hour.phase() == "lobby"


@story()
async def test_what_is_planned_within_its_own_lobby_opens_in_a_moment_and_is_not_late(desk: Desk) -> None:
    hour = Hour(desk)
    await desk.passes(MINUTE_S)
    await hour.plan(in_minutes=3)
    await desk.passes(PLANS_S + 1)
    assert await hour.phase() == "lobby"
    assert await hour.count(PhaseChanged, late_s=0) == 1


# ---- once --------------------------------------------------------------------------------------


@story(nodes=3)
async def test_what_three_nodes_do_at_once_is_done_once(desk: Desk) -> None:
    hour = Hour(desk)
    await hour.plan(in_minutes=15)
    async with carried(desk):
        people = await hour.gather(2)
        people[1].append(await hour.participant("far", desk.nodes[2]))
        await hour.reach(hour.starts_at + LASTS_S + GRACE_S)
        epoch = (await hour.head()).epoch
        assert [phase for phase, _ in await hour.phases()] == [
            *("lobby", "opening", "open", "winding_down", "closing_round", "closing_round", "closed")
        ]
        assert await hour.count(Admitted) == 3
        for person in (people[0], *people[1]):
            assert [frame["phase"] for frame in person.heard_all("phase_changed")][-1] == "closed"
        await desk.passes(2)
        assert {node.metrics.sessions_running.value for node in desk.nodes} == {0}
        await desk.passes(ERASED_S + 5)
    head = await hour.head()
    assert (head.head, head.rules.session) == (0, None)
    assert head.epoch != epoch
    assert len(await desk.reports.list(ROOM, 10)) == 1


@story(nodes=2)
async def test_of_two_nodes_one_wipes_the_old_and_neither_the_new(desk: Desk) -> None:
    """Both see the room as it was; the slower one comes when the lobby has begun, and somebody is in it."""
    await desk.adds(ROOM, kind="session")
    await desk.keeps("what was said before it was a series", room=ROOM)
    hour = Hour(desk)
    hour.starts_at = (int(desk.wall()) // MINUTE_S + 12) * MINUTE_S
    await desk.series.add(planned(hour.starts_at))
    with desk.logs[1].holds("erase") as held:
        await hour.reach(hour.starts_at - LOBBY_S)
        await held.reached
        await hour.facilitator()
        begun = await hour.head()
        assert begun.rules.session is not None
    await desk.passes(2)
    head = await hour.head()
    assert head.epoch == begun.epoch
    assert await hour.phase() == "lobby"
    assert await hour.count(PhaseChanged) == 1


@story()
async def test_what_a_facilitator_closed_early_does_not_open_again(desk: Desk) -> None:
    hour = Hour(desk)
    await hour.plan(in_minutes=12)
    facilitator, _ = await hour.gather(2)
    await hour.reach(hour.starts_at + MINUTE_S)
    await facilitator.asks("move", ROOM, phase="closed")
    await desk.passes(ERASED_S + 5)
    assert (await hour.head()).head == 0
    restarted = await desk.boot()
    await hour.reach(hour.starts_at + LASTS_S)
    assert (await hour.head()).head == 0
    assert restarted.metrics.sessions_running.value == 0


@story()
async def test_what_a_facilitator_called_off_in_the_lobby_does_not_open_again(desk: Desk) -> None:
    """Who waits is told, nobody else comes in, and a minute later nothing of it is left but its report."""
    hour = Hour(desk)
    await hour.plan(in_minutes=12)
    facilitator, (anna, _) = await hour.gather(2)
    await anna.asks("post", ROOM, text="Is anybody here?")
    await facilitator.asks("move", ROOM, phase="cancelled")
    await desk.passes(1)
    assert anna.heard_all("session")[-1]["phase"] == "cancelled"
    late = desk.connects("late")
    assert (await late.refused("join", ROOM))["code"] == "not_open"
    await desk.passes(ERASED_S + 5)
    assert (await hour.head()).head == 0
    await hour.reach(hour.starts_at + LASTS_S)
    assert (await hour.head()).head == 0, "its time has come, and it does not open"
    (report,) = await desk.reports.list(ROOM, 10)
    assert not report.opened


@story()
async def test_the_next_one_begins_in_an_epoch_of_its_own(desk: Desk) -> None:
    """Also where the one before is to be kept for a day: the report is kept, and what was said goes now."""
    hour = Hour(desk)
    first = (int(desk.wall()) // MINUTE_S + 12) * MINUTE_S
    later = planned(first + 60 * MINUTE_S).starts
    await desk.series.add(planned(first, extra=(later,), erase="after_24h"))
    await desk.adds(ROOM, kind="session")
    hour.starts_at = first
    facilitator, people = await hour.gather(2)
    await people[0].asks("post", ROOM, text="for today only")
    staff = staff_room(ROOM)
    await facilitator.asks("join", staff, seat=facilitator.joined["seat"])
    await facilitator.asks("post", staff, text="so was this")
    await hour.reach(first + LASTS_S + GRACE_S)
    before = await hour.head()
    assert await hour.phase() == "closed"
    assert len(await desk.reports.list(ROOM, 10)) == 1, "it is there as soon as it is over"
    await desk.passes(10 * MINUTE_S)
    assert await hour.count(Posted) == 1, "kept for a day"
    facilitator.frames.clear()
    await hour.reach(first + 60 * MINUTE_S - LOBBY_S)
    assert (await hour.head()).epoch != before.epoch
    assert [type(event) for event in await hour.events()] == [PhaseChanged]
    assert (await hour.head(staff)).head == 0
    assert facilitator.heard_all("erased")


# ---- people ------------------------------------------------------------------------------------


@story(nodes=2)
async def test_without_a_facilitator_it_pauses_everywhere_and_goes_on_when_one_is_back(desk: Desk) -> None:
    hour = Hour(desk)
    await hour.plan(in_minutes=12)
    there = desk.nodes[1]
    async with carried(desk):
        facilitator, people = await hour.gather(2)
        far = await hour.participant("far", there)
        await hour.reach(hour.starts_at + 6 * MINUTE_S)
        facilitator.lose_connection()
        await desk.passes(UNATTENDED_S - 5)
        assert await hour.phase() == "open"
        await desk.passes(15)
        assert await hour.count(Paused, why="no_facilitator") == 1
        await far.hears("paused")
        await people[0].hears("paused")
        assert (await far.refused("post", ROOM, text="is anybody there?"))["code"] == ErrorCode.PAUSED
        await desk.passes(2 * MINUTE_S)
        assert await hour.count(Paused) == 1, "it says so once"
        await hour.facilitator(there)
        await desk.passes(5)
        assert await hour.phase() == "open"
        assert await hour.count(Resumed, took_over=True) == 1
        await people[0].hears("resumed")
        await far.asks("post", ROOM, text="good that you are here")


@story(nodes=2)
async def test_nobody_is_taken_for_absent_because_the_bus_is_away(desk: Desk) -> None:
    hour = Hour(desk)
    await hour.plan(in_minutes=12)
    here, there = desk.nodes
    async with carried(desk):
        await hour.reach(hour.starts_at - LOBBY_S)
        for bus in desk.network.nodes:
            desk.network.cut(bus)
        await hour.facilitator(there)
        for name in ("anna", "ben"):
            await hour.participant(name, here)
        await hour.reach(hour.starts_at + GONE_S + UNATTENDED_S)
        assert await hour.phase() == "opening"
        assert await hour.count(Paused) == await hour.count(Departed) == 0
        for bus in desk.network.nodes:
            desk.network.heal(bus)
        await desk.passes(UNATTENDED_S + 10)
        assert await hour.count(Paused) == 0


@story()
async def test_it_does_not_open_below_its_minimum_but_a_facilitator_may(desk: Desk) -> None:
    hour = Hour(desk)
    await hour.plan(in_minutes=12, minimum=3)
    facilitator, _ = await hour.gather(2)
    await hour.reach(hour.starts_at + 2 * MINUTE_S)
    assert await hour.phase() == "lobby"
    await facilitator.asks("move", ROOM, phase="opening")
    assert await hour.phase() == "opening"


@story()
async def test_it_opens_as_soon_as_enough_are_there(desk: Desk) -> None:
    hour = Hour(desk)
    await hour.plan(in_minutes=12, minimum=3)
    await hour.gather(2)
    await hour.reach(hour.starts_at + 2 * MINUTE_S)
    await hour.participant("the third")
    await desk.passes(2)
    assert await hour.phase() == "opening"
    assert await hour.count(PhaseChanged, late_s=0) == 2, "nobody slept: it waited"


@story()
async def test_who_waits_in_line_moves_up_when_somebody_leaves(desk: Desk) -> None:
    hour = Hour(desk)
    await hour.plan(in_minutes=12, capacity=2)
    _, (anna, _ben) = await hour.gather(2)
    carol = desk.connects("carol")
    waiting = await carol.asks("join", ROOM)
    assert (waiting["t"], waiting["place"]) == ("waiting", 1)
    await anna.asks("leave", ROOM)
    await desk.passes(waiting["retry_s"])
    joined = await carol.asks("join", ROOM, seat=waiting["seat"])
    assert (joined["t"], joined["handle"]) == ("joined", waiting["handle"])
    assert anna.joined["handle"] not in (await hour.session()).members


@story()
async def test_who_stands_in_line_and_asks_no_more_loses_their_place_in_it(desk: Desk) -> None:
    hour = Hour(desk)
    await hour.plan(in_minutes=12, capacity=2)
    await hour.gather(2)
    carol = desk.connects("carol")
    await carol.asks("join", ROOM)
    assert len((await hour.session()).waiting) == 1
    carol.lose_connection()
    await desk.passes(60)
    assert (await hour.session()).waiting == ()


@story(nodes=2)
async def test_a_node_that_dies_takes_nobody_with_it(desk: Desk) -> None:
    hour = Hour(desk)
    await hour.plan(in_minutes=12)
    here, there = desk.nodes
    async with carried(desk):
        await hour.gather(2, here)
        far = await hour.participant("far", there)
        gone = await hour.participant("gone", there)
        await hour.reach(hour.starts_at + MINUTE_S)
        desk.network.kill(there.bus)  # type: ignore[arg-type]  # a lossy one, as all at this desk
        far.lose_connection()
        gone.lose_connection()
        await there.stop()
        back = await far.returns(here)
        assert (back["recovered"], back["session"]["phase"]) == (True, "opening")
        await desk.passes(GONE_S + 30)
        members = (await hour.session()).members
        assert far.joined["handle"] in members
        assert gone.joined["handle"] not in members, "who does not come back gives up their place in the end"
        assert await hour.phase() == "opening"


# ---- the end -----------------------------------------------------------------------------------


@story()
async def test_at_the_close_it_is_told_and_a_minute_later_it_is_gone_with_all_that_belongs_to_it(
    desk: Desk,
) -> None:
    hour = Hour(desk)
    await hour.plan(in_minutes=12)
    facilitator, people = await hour.gather(2)
    staff = staff_room(ROOM)
    await facilitator.asks("join", staff, seat=facilitator.joined["seat"])
    await facilitator.asks("post", staff, text="among ourselves")
    await people[0].asks("post", ROOM, text="a hard night")
    await hour.reach(hour.starts_at + LASTS_S + GRACE_S)
    closed = await people[0].hears("session", phase="closed")
    assert closed["room"] == ROOM
    assert await hour.count(Posted) == 1
    before = await desk.kept.heads([ROOM, staff])
    await desk.passes(ERASED_S + 2)
    after = await desk.kept.heads([ROOM, staff])
    assert {head.head for head in after.values()} == {0}
    assert all(after[name].epoch != before[name].epoch for name in after)
    assert {frame["room"] for frame in facilitator.heard_all("erased")} >= {ROOM}
    assert await desk.kept.since(ROOM, before[ROOM].epoch, 0, 10) == []
    await desk.passes(SCAN_S + 40)
    assert staff not in await desk.kept.rooms("", 100), "nor does its name tell that it was there"


@pytest.mark.parametrize(("verb", "after"), [("erase", True), ("since", False)])
@story()
async def test_an_erasure_that_breaks_off_is_done_again(desk: Desk, verb: Verb, after: bool) -> None:
    hour = Hour(desk)
    await hour.plan(in_minutes=12)
    _, people = await hour.gather(2)
    await people[0].asks("post", ROOM, text="a hard night")
    await hour.reach(hour.starts_at + LASTS_S + GRACE_S)
    desk.log.breaks(verb, LogUnavailable("away"), times=3, after=after)
    await desk.passes(ERASED_S + 10)
    assert (await hour.head()).head == 0
    assert len(await desk.reports.list(ROOM, 10)) == 1


@story()
async def test_what_was_to_be_erased_while_nobody_was_there_is_erased_by_who_comes(desk: Desk) -> None:
    hour = Hour(desk)
    await hour.plan(in_minutes=12)
    _, people = await hour.gather(2)
    await people[0].asks("post", ROOM, text="a hard night")
    await hour.reach(hour.starts_at + LASTS_S + GRACE_S)
    await desk.node.stop()
    await desk.series.remove(ROOM)  # what happens to the plan changes nothing for what was said
    desk.reports = MemoryReports()  # it had not even come to that
    await desk.passes(3 * 60 * MINUTE_S)
    await desk.boot()
    await settles()
    assert (await hour.head()).head == 0
    (report,) = await desk.reports.list(ROOM, 10)
    assert report.opened


@story()
async def test_nothing_is_erased_whose_report_is_not_kept_and_it_shows(desk: Desk) -> None:
    hour = Hour(desk)
    await hour.plan(in_minutes=12)
    _, people = await hour.gather(2)
    await people[0].asks("post", ROOM, text="a hard night")
    keeps = desk.reports.add

    async def cannot(*_: object) -> bool:
        raise LogUnavailable("away")

    setattr(desk.reports, "add", cannot)  # noqa: B010 - the type checker would not have it otherwise
    await hour.reach(hour.starts_at + LASTS_S + GRACE_S)
    await desk.passes(ERASED_S + 4 * MINUTE_S)
    assert await hour.count(Posted) == 1
    assert desk.node.metrics.erasures_overdue.value == 0
    await desk.passes(2 * MINUTE_S)
    assert desk.node.metrics.erasures_overdue.value == 1
    setattr(desk.reports, "add", keeps)  # noqa: B010 - as above
    await desk.passes(5)
    assert (await hour.head()).head == 0
    assert desk.node.metrics.erasures_overdue.value == 0


# ---- when things are away ------------------------------------------------------------------------


@pytest.mark.parametrize("verb", ["open_room", "append", "heads", "rooms"])
@story()
async def test_while_the_log_is_away_sessions_wait_and_then_go_on(desk: Desk, verb: Verb) -> None:
    hour = Hour(desk)
    await hour.plan(in_minutes=12)
    desk.log.breaks(verb, LogUnavailable("away"), times=FOR_EVER)
    await hour.reach(hour.starts_at - LOBBY_S + 30)
    desk.log.mends()
    await desk.passes(10)
    assert await hour.phase() == "lobby"
    assert len(await hour.phases()) == 1


@pytest.mark.parametrize("verb", ["append", "heads"])
@story()
async def test_while_the_log_is_away_in_mid_session_nothing_is_forgotten(desk: Desk, verb: Verb) -> None:
    hour = Hour(desk)
    await hour.plan(in_minutes=12)
    await hour.gather(2)
    await hour.reach(hour.starts_at)
    desk.log.breaks(verb, LogUnavailable("away"), times=FOR_EVER)
    await hour.reach(hour.starts_at + 5 * MINUTE_S + 20)
    assert await hour.phase() == "opening"
    desk.log.mends()
    await desk.passes(3)
    assert await hour.phase() == "open"
    (event,) = [each for each in await hour.events() if isinstance(each, PhaseChanged) and each.item == 1]
    assert event.late_s >= 15, "and it is said"


@story()
async def test_a_room_that_cannot_be_read_does_not_keep_the_others_waiting(desk: Desk) -> None:
    hour = Hour(desk)
    await hour.plan(in_minutes=12)
    await hour.gather(2)
    heads = desk.log.heads

    async def some(rooms: list[str]) -> object:
        if "broken" in rooms:
            raise LogCorrupt("not ours")
        return await heads(rooms)

    setattr(desk.log, "heads", some)  # noqa: B010 - as above
    desk.node.sessions._rooms.add("broken")
    await hour.reach(hour.starts_at)
    assert await hour.phase() == "opening"


@story()
async def test_a_session_whose_words_cannot_be_read_goes_on_ends_and_is_erased(desk: Desk) -> None:
    """Neither does it keep another one from its end, nor does anything of it stay."""
    hour = Hour(desk)
    await hour.plan(in_minutes=12)
    broken = planned(hour.starts_at, "a-broken-hour")
    await desk.series.add(broken)
    await desk.catalog.add(room_of(broken))
    _, (anna, *_) = await hour.gather(2)
    person = await desk.comes("ben", None, broken.name)
    await person.asks("accept", broken.name)
    await person.asks("post", broken.name, text="a hard night")
    since = desk.log.since

    async def some(room: str, *of: Any) -> object:
        if room == broken.name:
            raise LogCorrupt("not ours")
        return await since(room, *of)

    setattr(desk.log, "since", some)  # noqa: B010 - as above
    person.lose_connection()
    desk.node.hub.begin_anew(broken.name)  # it has to be read again
    await hour.reach(hour.starts_at)
    assert await hour.phase() == "opening"
    await hour.reach(hour.starts_at + LASTS_S + GRACE_S)
    await desk.passes(ERASED_S + 5)
    assert anna.heard_all("erased")
    assert [(await hour.head(room)).head for room in (ROOM, broken.name)] == [0, 0]


@story()
async def test_a_session_lives_through_a_bad_moment_of_the_clock(desk: Desk) -> None:
    """An hour too late for ten seconds: who believes it would close, and a minute later erase it."""
    hour = Hour(desk)
    await hour.plan(in_minutes=12)
    await desk.node.stop()
    real, off_s = desk.wall, 0.0
    steady = SteadyClock(lambda: real() + off_s, asyncio.get_running_loop().time)
    desk.wall = steady  # type: ignore[method-assign]  # this desk's clock is set
    node = await desk.boot()
    await hour.reach(hour.starts_at - LOBBY_S)
    await hour.facilitator(node)
    for name in ("anna", "ben"):
        await hour.participant(name, node)
    await hour.reach(hour.starts_at)
    for jump_s in (3_600.0, -3_600.0):
        off_s = jump_s
        await desk.passes(10)
        off_s = 0.0
        await desk.passes(10)
        assert await hour.phase() == "opening"
    assert [phase for phase, _ in await hour.phases()] == ["lobby", "opening"]


def test_presence_names_everybody_whom_a_session_can_hold() -> None:
    """A crowd has no names; a session is far from one."""
    replica = Replica("n1")
    replica.watch(ROOM, 0.0)
    for n in range(40):
        replica.enter(ROOM, f"p{n}", None, 0.0)
    replica.tick(10.0)
    assert len(replica.roster(ROOM).members) == 40
