"""Who gets a place, who waits for one and in which order, and who does not get in."""

import pytest
from msgspec.structs import replace

from rooms.admission import NOTED_S, admission, departure, place
from rooms.rules import Refusal, Why
from rooms.session import MAX_WAITING, Floor, Limited, Phase, Place, Round, Session
from rooms.session_events import Admitted, Departed, Restricted, RoundStarted, Waited
from tests.rooms.sessions import NAMES, PLAN, ROOM, START, Room, a_session, of


def full() -> Session:
    return replace(a_session(members=NAMES[:4]), plan=replace(PLAN, capacity=4))


def test_a_free_place_is_given_at_once() -> None:
    assert admission(ROOM, a_session(members=()), "a", START) == Admitted(room=ROOM, handle="a")
    assert admission(ROOM, a_session(), NAMES[0], START) is None


def test_the_line_is_fair() -> None:
    room = Room(full())
    for n, name in enumerate(("a", "b")):
        room.happens(of(Waited, admission(ROOM, room.session, name, START + n)))
    assert (place(room.session, "a"), place(room.session, "b"), place(room.session, "c")) == (1, 2, None)
    room.happens(of(Departed, departure(ROOM, room.session, NAMES[0])))
    assert isinstance(admission(ROOM, room.session, "c", START), Waited), "who comes now does not jump it"
    assert admission(ROOM, room.session, "b", START + 2) is None, "they asked a moment ago"
    room.happens(of(Admitted, admission(ROOM, room.session, "a", START + 5)))
    assert (room.session.members[-1], place(room.session, "b")) == ("a", 1)


def test_who_comes_back_muted_has_no_turn_in_a_round_until_they_may_speak() -> None:
    quiet, other = NAMES[:2]
    room = Room(a_session())
    room.happens(RoundStarted(room=ROOM, handle="guide", prompt="One word", order=(quiet, other)))
    muted = Restricted(room=ROOM, handle="guide", whose=quiet, limit="mute", on=True, rule="other")
    room.happens(muted)
    room.happens(of(Departed, departure(ROOM, room.session, quiet)))
    room.happens(of(Admitted, admission(ROOM, room.session, quiet, START)))
    assert room.session.floor.round == Round("One word", (other,))
    room.happens(replace(muted, on=False))
    assert room.session.floor.round == Round("One word", (other, quiet))


def test_who_asks_again_keeps_their_place_and_the_log_is_spared() -> None:
    room = Room(full())
    for name in ("a", "b"):
        room.happens(of(Waited, admission(ROOM, room.session, name, START)))
    assert admission(ROOM, room.session, "a", START + NOTED_S - 1) is None
    room.happens(of(Waited, admission(ROOM, room.session, "a", START + NOTED_S)))
    assert [place.handle for place in room.session.waiting] == ["a", "b"]
    assert room.session.waiting[0].asked_at == START + NOTED_S
    assert isinstance(admission(ROOM, room.session, "b", START - 9000), Waited), "a clock that was set back"


@pytest.mark.parametrize(
    ("session", "why"),
    [
        (a_session("closed"), Why.NOT_OPEN),
        (a_session("scheduled"), Why.NOT_OPEN),
        (a_session(locked=True), Why.ROOM_LOCKED),
        (a_session(limited=(Limited("a", "remove", "other"),)), Why.REMOVED),
        (
            replace(full(), waiting=tuple(Place(f"w{n}", START) for n in range(MAX_WAITING))),
            Why.ROOM_FULL,
        ),
    ],
)
def test_who_does_not_get_in(session: Session, why: Why) -> None:
    assert of(Refusal, admission(ROOM, session, "a", START)).why is why


@pytest.mark.parametrize("phase", ["closed", "cancelled"])
def test_who_was_there_may_come_back_when_it_is_over(phase: Phase) -> None:
    assert admission(ROOM, a_session(phase), NAMES[0], START) is None


def test_a_locked_room_has_its_own_people_back() -> None:
    session = replace(full(), locked=True, members=NAMES[:3], waiting=(Place("w", START),))
    assert admission(ROOM, session, NAMES[3], START) == Admitted(room=ROOM, handle=NAMES[3])
    assert of(Refusal, admission(ROOM, session, "w", START)).why is Why.ROOM_LOCKED
    removed = replace(session, limited=(Limited(NAMES[3], "remove", "other"),))
    assert of(Refusal, admission(ROOM, removed, NAMES[3], START)).why is Why.REMOVED
    taken = replace(session, members=(*NAMES[:3], "new"))
    assert isinstance(admission(ROOM, taken, NAMES[3], START), Waited), "not above the capacity"


def test_who_leaves_gives_up_what_they_had() -> None:
    room = Room(a_session(floor=Floor(hands=NAMES[:2])))
    room.happens(of(Departed, departure(ROOM, room.session, NAMES[0])))
    assert (room.session.members, room.session.floor.hands) == (NAMES[1:4], NAMES[1:2])
    assert departure(ROOM, room.session, NAMES[0]) is None
    assert departure(ROOM, a_session("closed"), NAMES[0]) is None, "what is over stays as it was"
    assert NAMES[0] in room.session.accepted, "if they come back they need not accept again"
