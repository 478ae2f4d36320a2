"""The clock: what is due when, once, also late and also where it was set forward or back."""

from itertools import pairwise

import pytest
from msgspec.structs import replace

from rooms import agenda
from rooms.phases import FINAL
from rooms.session import Breakouts, Item, Limited, Pause, Phase, Place, Plan, Session
from rooms.session_apply import apply
from rooms.session_clock import Facts, begin, due
from rooms.session_events import (
    Admitted,
    Departed,
    Extended,
    Paused,
    PhaseChanged,
    Recalled,
    Resumed,
    SessionEvent,
)
from tests.rooms.sessions import AGENDA, GUIDE, NAMES, PLAN, ROOM, START, a_session, of

HERE = Facts(present=frozenset(NAMES), facilitators=frozenset({GUIDE.handle}))
END = PLAN.ends_at


def runs(session: Session, now: int, facts: Facts = HERE) -> tuple[Session, list[SessionEvent]]:
    """All that is due at `now`, one after the other."""
    events: list[SessionEvent] = []
    while (event := due(ROOM, session, now, facts)) is not None:
        session = apply(session, event)
        events.append(event)
        assert len(events) < 20, "the clock runs in a circle"
    return session, events


def at(session: Session, now: int, facts: Facts = HERE) -> Session:
    return runs(session, now, facts)[0]


# ---- an hour -------------------------------------------------------------------------------------


def test_an_hour_by_the_clock_alone() -> None:
    event, session = begin(ROOM, PLAN, "20261201T190000Z", PLAN.lobby_at)
    assert (event.phase, event.until, event.late_s) == ("lobby", START, 0)
    for name in NAMES[:4]:
        session = apply(session, Admitted(room=ROOM, handle=name))
    seen: list[tuple[int, Phase, int]] = []
    for minute in range(-10, 70):
        session, events = runs(session, START + 60 * minute)
        moves = [of(PhaseChanged, event) for event in events]
        seen.extend((minute, moved.phase, moved.item) for moved in moves)
    assert seen == [
        (0, "opening", 0),
        (5, "opening", 1),
        (12, "open", 2),
        (45, "winding_down", 3),
        (50, "closing_round", 4),
        (57, "closing_round", 5),
        (60, "closing_round", 6),
        (65, "closed", 6),
    ]
    assert session.erase_at == START + 65 * 60 + 60


def test_each_part_says_what_it_is_and_until_when() -> None:
    session = a_session("opening")
    event = of(PhaseChanged, due(ROOM, session, START + 300, HERE))
    assert (event.title, event.prompt, event.until) == ("Check-in", "One word", START + 720)
    assert (event.handle, event.since) == ("", START + 300)


@pytest.mark.parametrize("phase", sorted(FINAL | {"scheduled"}))
def test_where_nothing_is_on_nothing_is_due(phase: Phase) -> None:
    assert due(ROOM, a_session(phase), START + 10**7, HERE) is None


# ---- the opening ---------------------------------------------------------------------------------


def test_it_opens_when_enough_are_here_and_the_agenda_begins_then() -> None:
    lobby = a_session("lobby", members=NAMES[:4])
    two = replace(HERE, present=frozenset(NAMES[:2]))
    assert due(ROOM, lobby, START + 200, two) is None
    opened = at(lobby, START + 480)
    assert (opened.phase, opened.item, opened.shift_s) == ("opening", 0, 480)
    assert due(ROOM, lobby, START - 1, HERE) is None


def test_an_hour_that_never_began_is_over() -> None:
    alone = replace(HERE, present=frozenset(NAMES[:1]))
    lobby = a_session("lobby", members=NAMES[:1])
    assert due(ROOM, lobby, END + 299, alone) is None
    assert at(lobby, END + 300, alone).phase == "cancelled"


def test_a_session_that_was_missed_altogether_is_cancelled_and_says_so() -> None:
    event, session = begin(ROOM, PLAN, "o", END + 300, watched_since=END + 290)
    assert (session.phase, event.late_s) == ("cancelled", END + 300 - PLAN.lobby_at)


def test_a_server_that_was_down_at_the_opening_catches_up_and_says_so() -> None:
    event, session = begin(ROOM, PLAN, "o", START + 400, watched_since=START + 390)
    assert (event.phase, event.late_s) == ("lobby", START + 400 - PLAN.lobby_at)
    lobby = a_session("lobby")
    opened = of(PhaseChanged, due(ROOM, lobby, START + 400, replace(HERE, watched_since=START + 390)))
    assert (opened.phase, opened.late_s) == ("opening", 400)
    in_time = of(PhaseChanged, due(ROOM, lobby, START + 400, replace(HERE, watched_since=START - 5)))
    assert in_time.late_s == 0, "that was for want of people, not of a server"
    assert session.phase == "lobby"


def test_a_server_that_was_down_for_several_parts_goes_to_the_one_that_is_on() -> None:
    session, events = runs(a_session("opening"), START + 46 * 60, replace(HERE, watched_since=START + 2700))
    (event,) = events
    assert (session.phase, session.item) == ("winding_down", 3)
    assert of(PhaseChanged, event).late_s == 0
    late = replace(HERE, watched_since=START + 46 * 60)
    assert of(PhaseChanged, due(ROOM, a_session("opening"), START + 46 * 60, late)).late_s == 60


# ---- by hand -------------------------------------------------------------------------------------


def by_hand(session: Session, item: int, now: int) -> Session:
    phase = AGENDA[item].phase
    return apply(session, PhaseChanged(room=ROOM, handle=GUIDE.handle, phase=phase, item=item, since=now))


def test_who_goes_ahead_by_hand_is_left_there_until_the_next_boundary() -> None:
    session = by_hand(a_session("opening"), 2, START + 60)
    assert due(ROOM, session, START + 44 * 60, HERE) is None
    assert at(session, START + 45 * 60).item == 3


def test_who_goes_back_by_hand_meets_the_plan_at_its_next_boundary() -> None:
    session = by_hand(a_session("open"), 0, START + 30 * 60)
    assert due(ROOM, session, START + 44 * 60, HERE) is None
    moved = at(session, START + 45 * 60)
    assert (moved.phase, moved.item) == ("winding_down", 3)


def test_more_time_moves_all_that_follows() -> None:
    session = apply(a_session("open"), Extended(room=ROOM, handle=GUIDE.handle, minutes=10))
    assert due(ROOM, session, START + 54 * 60, HERE) is None
    assert at(session, START + 55 * 60).phase == "winding_down"
    assert agenda.closes_at(session) == END + 300 + 600
    assert agenda.ends_at(session) == END + 600


def test_an_agenda_that_goes_back_goes_on_without_the_phase() -> None:
    parts = (Item("a", 5, "open"), Item("b", 5, "opening"), Item("c", 5, "closing_round"))
    session = replace(a_session("open"), plan=replace(PLAN, agenda=parts), item=0, item_since=START)
    moved = at(session, START + 300)
    assert (moved.phase, moved.item) == ("open", 1)


# ---- facilitators --------------------------------------------------------------------------------


def alone(since: int) -> Facts:
    return Facts(present=frozenset(NAMES), facilitator_gone_at=since)


def test_without_a_facilitator_it_pauses_after_a_minute_and_goes_on_when_one_is_back() -> None:
    session = a_session("open")
    gone = session.since + 100
    assert due(ROOM, session, gone + 59, alone(gone)) is None
    assert of(Paused, due(ROOM, session, gone + 60, alone(gone))).why == "no_facilitator"
    paused = at(session, gone + 60, alone(gone))
    assert due(ROOM, paused, gone + 10_00, alone(gone)) is None
    event = of(Resumed, due(ROOM, paused, gone + 200, HERE))
    assert (event.phase, event.took_over) == ("open", True)
    assert at(paused, gone + 200).phase == "open"


def test_who_took_over_is_believed_before_they_are_seen() -> None:
    session = a_session("open")
    paused = at(session, session.since + 160, alone(session.since))
    back = apply(paused, Resumed(room=ROOM, handle=GUIDE.handle, phase="open", since=session.since + 170))
    assert due(ROOM, back, session.since + 229, alone(session.since)) is None
    assert isinstance(due(ROOM, back, session.since + 230, alone(session.since)), Paused)


def test_nobody_knows_is_not_gone() -> None:
    assert due(ROOM, a_session("open"), START + 1300, Facts(present=frozenset(NAMES))) is None


def test_a_minute_of_quiet_ends_by_itself_and_an_open_one_does_not() -> None:
    quiet = a_session("paused", pause=Pause("quiet", "open", START, START + 1000))
    assert due(ROOM, quiet, START + 999, HERE) is None
    assert of(Resumed, due(ROOM, quiet, START + 1000, HERE)).took_over is False
    for_now = a_session("paused", pause=Pause("quiet", "open", START))
    assert due(ROOM, for_now, START + 3000, HERE) is None


def test_a_quiet_without_a_facilitator_becomes_the_other_pause() -> None:
    quiet = a_session("paused", pause=Pause("quiet", "open", START, START + 1000))
    session = at(quiet, START + 1001, alone(START + 900))
    pause = session.pause
    assert pause is not None
    assert (pause.why, pause.phase) == ("no_facilitator", "open")


def test_while_it_is_quiet_the_agenda_waits_and_then_goes_where_the_plan_is() -> None:
    quiet = a_session("paused", pause=Pause("quiet", "opening", START, START + 800))
    assert due(ROOM, quiet, START + 799, HERE) is None
    session, events = runs(quiet, START + 800, replace(HERE, watched_since=1))
    assert [type(event) for event in events] == [Resumed, PhaseChanged]
    assert (session.phase, session.item) == ("open", 2)


def test_the_hard_close_waits_for_nobody() -> None:
    for phase in ("open", "paused", "closing_round"):
        assert at(a_session(phase), END + 300, alone(START)).phase == "closed"


# ---- people --------------------------------------------------------------------------------------


def test_who_is_gone_for_two_minutes_gives_up_their_place_and_the_first_in_line_has_it() -> None:
    session = replace(
        a_session(members=NAMES[:4]),
        plan=replace(PLAN, capacity=4),
        waiting=(Place("a", START + 1290), Place("b", START + 1290)),
    )
    facts = replace(HERE, present=frozenset(NAMES[1:4]), gone={NAMES[0]: START + 1200})
    assert due(ROOM, session, START + 1319, facts) is None
    _, events = runs(session, START + 1319 + 1, replace(facts, gone={NAMES[0]: START + 1200}))
    assert [(type(event), event.handle) for event in events][:1] == [(Departed, "a")]
    fresh = replace(session, waiting=(Place("a", START + 1310), Place("b", START + 1310)))
    after, events = runs(fresh, START + 1320, facts)
    assert [(type(event), event.handle) for event in events] == [(Departed, NAMES[0]), (Admitted, "a")]
    assert (after.members[-1], [place.handle for place in after.waiting]) == ("a", ["b"])


def test_a_place_in_line_lapses() -> None:
    session = a_session(locked=True, waiting=(Place("a", START), Place("b", START + 20)))
    assert due(ROOM, session, START + 29, HERE) is None
    assert of(Departed, due(ROOM, session, START + 30, HERE)).handle == "a"


def test_nobody_loses_their_place_in_line_while_there_was_no_server_to_ask() -> None:
    session = a_session(locked=True, waiting=(Place("a", START),))
    back = replace(HERE, watched_since=START + 100)
    assert due(ROOM, session, START + 129, back) is None
    assert of(Departed, due(ROOM, session, START + 130, back)).handle == "a"


def test_a_locked_room_admits_nobody() -> None:
    session = a_session(locked=True, waiting=(Place("a", START + 1300),))
    assert due(ROOM, session, START + 1301, HERE) is None
    assert of(Admitted, due(ROOM, replace(session, locked=False), START + 1301, HERE)).handle == "a"


def test_who_is_seen_is_not_gone() -> None:
    session = a_session(members=NAMES[:1], limited=(Limited("x", "mute", "other"),))
    facts = replace(HERE, gone={NAMES[0]: 0})
    assert due(ROOM, session, START + 1300, facts) is None


@pytest.mark.parametrize(
    ("phase", "until", "due_"),
    [
        ("open", START + 1300, True),
        ("open", START + 1301, False),
        ("open", None, False),
        ("winding_down", None, True),
    ],
)
def test_small_groups_come_back(phase: Phase, until: int | None, due_: bool) -> None:
    split = Breakouts((NAMES[:2], NAMES[2:4]), 9, until)
    session = a_session(phase, breakouts=split)
    now = START + 1300 if phase == "open" else session.since
    assert isinstance(due(ROOM, session, now, HERE), Recalled) is due_


# ---- a clock that jumps --------------------------------------------------------------------------


def test_a_clock_that_was_set_back_undoes_nothing() -> None:
    session = at(a_session("opening"), START + 46 * 60)
    for back in (START, START - 10**6, START + 20 * 60):
        assert due(ROOM, session, back, HERE) is None


def test_a_clock_far_ahead_closes_and_does_nothing_else() -> None:
    session, events = runs(a_session("opening"), START + 10**8)
    assert (session.phase, len(events)) == ("closed", 1)


def test_an_agenda_of_one_part() -> None:
    plan = Plan(title="t", starts_at=START, agenda=(Item("all", 60),), minimum=1, grace_minutes=0)
    _, session = begin(ROOM, plan, "o", plan.lobby_at)
    session = apply(session, Admitted(room=ROOM, handle=NAMES[0]))
    times = [START, START + 3599, START + 3600]
    phases = []
    for now in times:
        session = at(session, now)
        phases.append(session.phase)
    assert phases == ["open", "open", "closed"]
    assert all(a <= b for a, b in pairwise(agenda.boundaries(session)))
