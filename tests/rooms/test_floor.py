"""The floor: hands in order, one turn at most, rounds in which everybody comes once."""

import pytest

from rooms import floor
from rooms.commands import Post
from rooms.log import Draft
from rooms.rules import Who, Why
from rooms.session import Floor, Phase
from rooms.session_commands import (
    EndRound,
    EndTurn,
    GiveFloor,
    Move,
    RaiseHand,
    Restrict,
    SetFloor,
    StartRound,
)
from rooms.session_events import Admitted, Departed, FloorGiven, RoundStarted, TurnEnded
from tests.rooms.sessions import GUIDE, HERON, LARCH, NAMES, OTTER, PEOPLE, ROOM, SECOND, Room, a_session, of


def hand(up: bool = True) -> RaiseHand:
    return RaiseHand(id=1, room=ROOM, up=up)


def give(to: str | None = None, seconds: int | None = None, key: str = "k") -> GiveFloor:
    return GiveFloor(id=1, room=ROOM, key=key, to=to, seconds=seconds)


def end(whose: str | None = None, passed: bool = False) -> EndTurn:
    return EndTurn(id=1, room=ROOM, whose=whose, passed=passed)


def start(prompt: str = "One word") -> StartRound:
    return StartRound(id=1, room=ROOM, key="r", prompt=prompt)


def post(text: str = "hello") -> Post:
    return Post(id=1, room=ROOM, key="p", text=text)


# ---- hands ---------------------------------------------------------------------------------------


def test_hands_stand_in_the_order_they_went_up() -> None:
    room = Room(a_session())
    for who in (OTTER, HERON, LARCH):
        room.do(hand(), who)
    room.do(hand(up=False), HERON)
    room.do(hand(), HERON)
    assert floor.queue(room.session.floor, {}) == (OTTER.handle, LARCH.handle, HERON.handle)


def test_those_not_heard_yet_come_first_and_otherwise_who_came_first() -> None:
    on = Floor(hands=("a", "b", "c", "d"), unheard_first=True)
    assert floor.queue(on, {"a": 1, "c": 5}) == ("b", "d", "a", "c")
    assert floor.queue(Floor(hands=("a", "b")), {"a": 9}) == ("a", "b")


def test_a_hand_that_is_up_is_up() -> None:
    room = Room(a_session())
    assert room.is_so(hand(up=False), HERON)
    room.do(hand(), HERON)
    assert room.is_so(hand(), HERON)


@pytest.mark.parametrize(
    ("phase", "why"),
    [("lobby", Why.WRONG_PHASE), ("paused", Why.PAUSED), ("closed", Why.NOT_OPEN)],
)
def test_when_no_hand_goes_up(phase: Phase, why: Why) -> None:
    assert Room(a_session(phase)).why(hand(), HERON) is why


def test_with_the_wind_down_the_queue_closes_and_hands_that_are_up_stay() -> None:
    room = Room(a_session())
    room.do(hand(), HERON)
    room.do(Move(id=1, room=ROOM, phase="winding_down"), GUIDE)
    assert room.session.floor.hands == (HERON.handle,)
    assert room.why(hand(), LARCH) is Why.WRONG_PHASE
    room.do(hand(up=False), HERON)
    room.do(Move(id=1, room=ROOM, phase="open"), GUIDE)
    room.do(hand(), LARCH)


def test_only_who_has_a_place_raises_a_hand() -> None:
    room = Room(a_session(members=NAMES[:2]))
    assert room.why(hand(), OTTER) is Why.NOT_A_MEMBER
    assert room.why(hand(), GUIDE) is Why.NOT_A_MEMBER


# ---- turns ---------------------------------------------------------------------------------------


def test_the_floor_goes_to_whoever_is_next_and_their_hand_goes_down() -> None:
    room = Room(a_session())
    room.do(hand(), LARCH)
    room.do(hand(), HERON)
    event = of(FloorGiven, room.do(give(seconds=90), GUIDE))
    assert (event.to, event.since, event.until) == (LARCH.handle, room.now, room.now + 90)
    assert room.session.floor.hands == (HERON.handle,)
    assert floor.speaker(room.session.floor) == LARCH.handle


def test_next_is_somebody_unheard_where_that_is_the_way() -> None:
    room = Room(a_session(floor=Floor(unheard_first=True)))
    room.says(LARCH)
    room.do(hand(), LARCH)
    room.do(hand(), HERON)
    assert of(FloorGiven, room.do(give(), GUIDE)).to == HERON.handle


def test_given_on_there_is_one_turn() -> None:
    room = Room(a_session())
    room.do(give(HERON.handle), GUIDE)
    room.do(give(LARCH.handle, key="other"), SECOND)
    assert floor.speaker(room.session.floor) == LARCH.handle


def test_nobody_next_and_nobody_there() -> None:
    room = Room(a_session())
    assert room.why(give(), GUIDE) is Why.NOT_FOUND
    assert room.why(give("who-ever"), GUIDE) is Why.NOT_FOUND
    assert room.why(give(HERON.handle), LARCH) is Why.NOT_ALLOWED


def test_ones_turn_is_ended_by_oneself_or_a_facilitator() -> None:
    room = Room(a_session())
    room.do(give(HERON.handle), GUIDE)
    assert room.why(end(), LARCH) is Why.NOT_YOUR_TURN
    assert room.why(end(HERON.handle), LARCH) is Why.NOT_ALLOWED
    room.do(end(), HERON)
    assert floor.speaker(room.session.floor) is None
    room.do(give(LARCH.handle, key="2"), GUIDE)
    assert of(TurnEnded, room.do(end(), GUIDE)).whose == LARCH.handle
    assert room.is_so(end(), GUIDE)


@pytest.mark.parametrize(("who", "may"), [(HERON, True), (LARCH, False), (GUIDE, True)])
def test_by_hand_only_who_has_the_floor_speaks_and_the_facilitators(who: Who, may: bool) -> None:
    room = Room(a_session())
    room.do(SetFloor(id=1, room=ROOM, by_hand=True), GUIDE)
    assert room.is_so(SetFloor(id=1, room=ROOM, by_hand=True), SECOND)
    assert room.why(post(), HERON) is Why.NOT_YOUR_TURN
    room.do(give(HERON.handle), GUIDE)
    assert isinstance(room.judge(post(), who), Draft) is may


def test_otherwise_a_turn_cuts_nobody_off() -> None:
    room = Room(a_session())
    room.do(give(HERON.handle, seconds=15), GUIDE)
    room.now += 1000
    room.do(post(), LARCH)
    room.do(post(), HERON)


# ---- rounds --------------------------------------------------------------------------------------


def test_in_a_round_everybody_comes_once_and_passing_is_fine() -> None:
    room = Room(a_session(members=NAMES[:3]))
    assert of(RoundStarted, room.do(start(), GUIDE)).order == NAMES[:3]
    assert room.why(start(), SECOND) is Why.WRONG_PHASE
    assert floor.speaker(room.session.floor) == HERON.handle
    room.do(end(), HERON)
    room.do(end(passed=True), OTTER)  # ahead of their turn
    on = room.session.floor.round
    assert on is not None
    assert (on.todo, on.done, on.passed) == ((LARCH.handle,), (HERON.handle,), (OTTER.handle,))
    room.do(end(), GUIDE)
    assert room.session.floor.round is None


def test_a_facilitator_puts_somebody_first_in_a_round() -> None:
    room = Room(a_session(members=NAMES[:3]))
    room.do(start(), GUIDE)
    assert room.why(give(), GUIDE) is Why.WRONG_PHASE
    room.do(give(OTTER.handle), GUIDE)
    assert floor.speaker(room.session.floor) == OTTER.handle
    assert room.session.floor.turn is None


def test_by_hand_a_round_goes_one_by_one() -> None:
    room = Room(a_session(members=NAMES[:2], floor=Floor(by_hand=True)))
    room.do(start(), GUIDE)
    assert room.why(post(), LARCH) is Why.NOT_YOUR_TURN
    room.do(post(), HERON)
    room.do(end(), HERON)
    room.do(post(), LARCH)


def test_who_comes_during_a_round_is_last_and_who_goes_is_left_out() -> None:
    room = Room(a_session(members=NAMES[:2]))
    room.do(start(), GUIDE)
    room.happens(Admitted(room=ROOM, handle=OTTER.handle))
    room.happens(Departed(room=ROOM, handle=HERON.handle))
    on = room.session.floor.round
    assert on is not None
    assert on.todo == (LARCH.handle, OTTER.handle)
    room.happens(Departed(room=ROOM, handle=LARCH.handle))
    room.happens(Departed(room=ROOM, handle=OTTER.handle))
    assert room.session.floor.round is None


def test_who_was_muted_is_in_no_round_and_has_no_turn() -> None:
    room = Room(a_session(members=NAMES[:3]))
    room.do(give(HERON.handle), GUIDE)
    room.do(Restrict(id=1, room=ROOM, whose=HERON.handle, limit="mute"), GUIDE)
    assert room.session.floor.turn is None
    assert room.why(give(HERON.handle, key="2"), GUIDE) is Why.MUTED
    assert of(RoundStarted, room.do(start(), GUIDE)).order == NAMES[1:3]


def test_a_round_that_the_agenda_names_begins_with_its_part_and_ends_with_it() -> None:
    room = Room(a_session("opening"))
    room.do(Move(id=1, room=ROOM, item=1), GUIDE)
    on = room.session.floor.round
    assert on is not None
    assert (on.prompt, on.todo) == ("One word", NAMES[:4])
    room.do(Move(id=1, room=ROOM, item=2), GUIDE)
    assert room.session.floor.round is None


def test_rounds_begin_with_somebody_and_end_when_a_facilitator_says_so() -> None:
    room = Room(a_session(members=()))
    assert room.why(start(), GUIDE) is Why.TOO_FEW
    assert room.is_so(EndRound(id=1, room=ROOM), GUIDE)
    full = Room(a_session())
    assert full.why(start(" \u200b "), GUIDE) is Why.TEXT_EMPTY
    full.do(start(), GUIDE)
    full.do(EndRound(id=1, room=ROOM), SECOND)
    assert full.session.floor.round is None


# ---- who was heard -------------------------------------------------------------------------------


def test_turns_are_counted_and_lines_of_one_turn_are_not() -> None:
    room = Room(a_session())
    for who in (HERON, HERON, LARCH, GUIDE, HERON, HERON):
        room.says(who)
    assert room.state.heard == {HERON.handle: 2, LARCH.handle: 1}
    assert floor.unheard(room.session, room.state.heard) == (OTTER.handle, PEOPLE[3].handle)


def test_in_a_room_without_a_session_nobody_counts() -> None:
    room = Room(None)
    room.says(HERON)
    assert room.state.heard == {}
