"""Who may ask what in a session, and when; and the way through the hour by hand."""

from typing import get_args

import msgspec
import pytest
from msgspec.structs import replace

from rooms.commands import Post, React, RoomCommand, Slow, Withdraw
from rooms.events import Rules, Slowed
from rooms.log import Draft, Head
from rooms.polls import opened
from rooms.rules import Refusal, Why, decide
from rooms.session import Breakouts, Floor, Phase, Place
from rooms.session_commands import (
    Accept,
    Announce,
    Extend,
    Move,
    Resume,
    SessionCommand,
)
from rooms.session_events import Accepted, Admitted, PhaseChanged
from rooms.session_rules import FACILITATORS_ONLY
from rooms.state import RoomState
from tests.rooms.sessions import (
    AGENDA,
    GUIDE,
    HERON,
    LARCH,
    NAMES,
    OTTER,
    PLAN,
    ROOM,
    SECOND,
    START,
    Room,
    a_session,
    of,
)

STAFF = f"{ROOM}~staff"
LINE = f"{ROOM}~line.{'m' * 12}"

FILLED: dict[str, object] = {
    "id": 1,
    "room": ROOM,
    "key": "k",
    "poll": 1,
    "choice": 0,
    "asked": "before",
    "heavy": 5,
    "alone": 5,
    "told": 1,
    "minutes": 5,
    "by_hand": True,
    "prompt": "One word",
    "text": "x",
    "seq": 1,
    "question": "?",
    "options": ("a", "b"),
    "rule": "other",
    "whose": NAMES[0],
    "limit": "mute",
    "yes": True,
    "seconds": 30,
    "kind": "heard",
}


def filled(kind: type[RoomCommand]) -> RoomCommand:
    """A command of this kind, with whatever it must have."""
    needed = {field.name: FILLED[field.name] for field in msgspec.structs.fields(kind) if field.required}
    return kind(**needed)  # type: ignore[arg-type]  # the names are the fields'


def post(key: str = "p") -> Post:
    return Post(id=1, room=ROOM, key=key, text="hello")


def move(phase: Phase | None = None, item: int | None = None) -> Move:
    return Move(id=1, room=ROOM, phase=phase, item=item)


# ---- roles ---------------------------------------------------------------------------------------

PARTICIPANTS_TOO = {"Accept", "RaiseHand", "EndTurn", "Vote", "AnswerCheckIn", "AskWord"}
ELSEWHERE = {"Appeal", "OfferWord", "AnswerWord", "EndWord", "DecideHeld", "AnswerAppeal"}


@pytest.mark.parametrize("kind", [*get_args(SessionCommand), Slow])
@pytest.mark.parametrize("phase", get_args(Phase))
def test_what_is_the_facilitators_is_refused_to_everybody_else_always(
    kind: type[RoomCommand], phase: Phase
) -> None:
    room = Room(a_session(phase))
    verdict = room.judge(filled(kind), HERON)
    if kind.__name__ in ELSEWHERE:
        assert of(Refusal, verdict).why is Why.NO_SESSION
    elif kind.__name__ in PARTICIPANTS_TOO:
        assert kind not in FACILITATORS_ONLY
        assert not (isinstance(verdict, Refusal) and verdict.why is Why.NOT_ALLOWED)
    else:
        assert kind in FACILITATORS_ONLY
        assert of(Refusal, verdict).why is Why.NOT_ALLOWED


@pytest.mark.parametrize("kind", get_args(SessionCommand))
def test_a_room_without_a_session_has_none(kind: type[RoomCommand]) -> None:
    assert Room(None).why(filled(kind), GUIDE) is Why.NO_SESSION


@pytest.mark.parametrize("phase", ["closed", "cancelled"])
@pytest.mark.parametrize("kind", sorted(FACILITATORS_ONLY, key=str))
def test_nothing_happens_any_more_when_it_is_over(kind: type[RoomCommand], phase: Phase) -> None:
    room = Room(a_session(phase))
    verdict = room.judge(filled(kind), GUIDE)
    expected = Why.WRONG_PHASE if kind is Move else Why.NOT_OPEN
    assert kind is Move or of(Refusal, verdict).why is expected
    assert room.why(move("open"), GUIDE) is Why.WRONG_PHASE
    assert room.why(post(), HERON) is Why.NOT_OPEN
    assert room.why(post(), GUIDE) is Why.NOT_OPEN


# ---- speaking ------------------------------------------------------------------------------------


def test_who_has_not_accepted_the_ground_rules_does_not_speak_yet() -> None:
    room = Room(a_session(members=NAMES[:1]))
    room.happens(Admitted(room=ROOM, handle=LARCH.handle))
    assert room.why(post(), LARCH) is Why.NOT_ACCEPTED
    assert of(Accepted, room.do(Accept(id=1, room=ROOM, listen=True), LARCH)).listen
    assert LARCH.handle in room.session.listening
    room.do(post(), LARCH)
    assert room.is_so(Accept(id=1, room=ROOM, listen=True), LARCH)
    room.do(Accept(id=1, room=ROOM), LARCH)
    assert LARCH.handle not in room.session.listening


def test_who_has_no_place_does_not_speak() -> None:
    room = Room(a_session(members=NAMES[:2]))
    assert room.why(post(), OTTER) is Why.NOT_A_MEMBER
    assert room.why(React(id=1, room=ROOM, seq=1, kind="heard"), OTTER) is Why.NOT_A_MEMBER
    room.do(React(id=1, room=ROOM, seq=1, kind="heard"), GUIDE)


def test_in_the_lobby_one_may_talk_already() -> None:
    room = Room(a_session("lobby", floor=Floor(by_hand=True)))
    room.do(post(), HERON)


def test_slow_mode_holds_in_a_session_and_does_not_end_it() -> None:
    room = Room(a_session())
    of(Slowed, room.do(Slow(id=1, room=ROOM, seconds=30), GUIDE))
    assert room.state.rules.slow_mode_s == 30
    assert room.session.phase == "open"
    room.state.spoke(HERON.handle, "p", 0.0)
    assert room.why(post("other"), HERON) is Why.SLOW_MODE
    room.do(post("mine"), GUIDE)


def test_ones_own_words_may_be_taken_back_at_any_time() -> None:
    for phase in get_args(Phase):
        assert isinstance(Room(a_session(phase)).judge(Withdraw(id=1, room=ROOM, seq=1), HERON), Draft)


def test_a_room_without_a_session_costs_a_post_nothing_and_is_as_it_was() -> None:
    state = RoomState(Head("e1", 5, 1, 0, Rules()))
    assert isinstance(decide(post(), HERON, state, 0.0), Draft)


def test_announcements_have_words() -> None:
    room = Room(a_session())
    room.do(Announce(id=1, room=ROOM, key="a", kind="prompt", text="What helped?"), GUIDE)
    assert room.why(Announce(id=1, room=ROOM, key="b", text="\u200b"), GUIDE) is Why.TEXT_EMPTY


# ---- through the hour by hand --------------------------------------------------------------------


def test_a_facilitator_goes_through_the_hour_by_hand() -> None:
    room = Room(a_session("lobby", members=NAMES[:1]))
    for phase, item in (("opening", 0), ("open", 2), ("winding_down", 3), ("closing_round", 4)):
        event = of(PhaseChanged, room.do(move(phase), GUIDE))  # type: ignore[arg-type]  # four phases
        assert (event.phase, event.item, event.title) == (phase, item, AGENDA[item].title)
        assert (room.session.phase, room.session.led_at) == (phase, room.now)
    room.do(move(item=5), GUIDE)
    room.do(move(item=6), GUIDE)
    assert room.session.item == len(AGENDA)
    assert room.why(move(item=7), GUIDE) is Why.NOT_FOUND
    room.do(move("closed"), GUIDE)
    assert room.session.erase_at == room.now + 60


def test_back_and_forth_along_the_agenda() -> None:
    room = Room(a_session("opening"))
    assert room.is_so(move(item=0), GUIDE)
    assert room.is_so(move(), GUIDE)
    room.do(move(item=1), GUIDE)
    room.do(move(item=4), GUIDE)
    assert room.session.phase == "closing_round"
    room.do(move(item=2), SECOND)
    assert (room.session.phase, room.session.item) == ("open", 2)


@pytest.mark.parametrize(
    ("phase", "to"),
    [
        ("lobby", "closed"),
        ("lobby", "scheduled"),
        ("open", "lobby"),
        ("open", "cancelled"),
        ("open", "paused"),
        ("paused", "lobby"),
    ],
)
def test_ways_that_are_not_in_the_table(phase: Phase, to: Phase) -> None:
    assert Room(a_session(phase)).why(move(to), GUIDE) is Why.WRONG_PHASE


def test_a_late_opening_shifts_what_follows_and_a_punctual_one_does_not() -> None:
    late = Room(a_session("lobby"))
    late.now = START + 480
    late.do(move("opening"), GUIDE)
    assert late.session.shift_s == 480
    for seconds in (-120, 20):
        punctual = Room(a_session("lobby"))
        punctual.now = START + seconds
        punctual.do(move("opening"), GUIDE)
        assert punctual.session.shift_s == 0


def test_more_time_has_an_end() -> None:
    room = Room(a_session())
    for minutes in (30, 30):
        room.do(Extend(id=1, room=ROOM, minutes=minutes), GUIDE)
    assert room.session.shift_s == 3600
    assert room.why(Extend(id=1, room=ROOM, minutes=1), GUIDE) is Why.LIMIT_REACHED
    assert Room(a_session("lobby")).why(Extend(id=1, room=ROOM, minutes=1), GUIDE) is Why.WRONG_PHASE


def test_moving_on_ends_a_pause() -> None:
    room = Room(a_session())
    room.happens(of(PhaseChanged, of(Draft, room.judge(move("winding_down"), GUIDE)).event))
    assert room.session.pause is None
    paused = Room(a_session("paused"))
    paused.do(move("closing_round"), GUIDE)
    assert (paused.session.phase, paused.session.pause) == ("closing_round", None)
    assert paused.is_so(Resume(id=1, room=ROOM), GUIDE)


def test_what_is_over_leaves_nothing_under_way() -> None:
    room = Room(
        a_session(
            waiting=(Place("w", START),),
            floor=Floor(hands=(NAMES[0],)),
            poll=opened(3, "?", ("a", "b")),
            breakouts=Breakouts((NAMES[:2], NAMES[2:4]), 9),
        )
    )
    room.do(move("closed"), GUIDE)
    session = room.session
    assert (session.poll, session.breakouts) == (None, None), "an open poll's tally is not kept"
    assert (session.waiting, session.floor.hands, session.floor.queue_open) == ((), (), False)
    kept = Room(a_session())
    kept.state.rules = Rules(session=replace(a_session(), plan=replace(PLAN, erase="after_24h")))
    kept.do(move("closed"), GUIDE)
    assert kept.session.erase_at == kept.now + 24 * 3600
