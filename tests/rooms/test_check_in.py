"""Check-ins: once each, counted and forgotten; nobody sees who, and nothing is shown of one session."""

from itertools import product

import pytest
from msgspec.structs import replace

from rooms import check_in
from rooms.audience import seen_by
from rooms.check_in import MEASURE, SCALE, Distribution, distribution
from rooms.events import Rules
from rooms.log import Head, Stale
from rooms.report import Counts, counts_of, programme_of, report_of
from rooms.rules import Who, Why
from rooms.session import Asked, CheckIn, Phase, Session
from rooms.session_commands import AnswerCheckIn, Lock
from rooms.session_events import CheckedIn, Moderated
from rooms.session_view import Viewer, now
from rooms.state import RoomState
from rooms.suppression import K
from tests.rooms.sessions import GUIDE, HERON, LARCH, NAMES, PEOPLE, PLAN, ROOM, START, Room, a_session, of


def answers(
    heavy: int = 8, alone: int = 2, asked: Asked = "before", burnout: int | None = None
) -> AnswerCheckIn:
    return AnswerCheckIn(id=1, room=ROOM, asked=asked, heavy=heavy, alone=alone, burnout=burnout)


def measured(phase: Phase = "opening") -> Session:
    return a_session(phase, plan=replace(PLAN, measure=True))


def shown_to(session: Session, who: Who) -> tuple[str | None, bool]:
    """What `who` is asked just now."""
    you = now(
        session,
        Viewer(who.handle, who.role),
        room=ROOM,
        seq=1,
        heard={},
        unix_now=START,
        present=(),
        lines={},
    ).you
    return you.check_in, you.measure


def test_everybody_answers_once_and_only_the_sums_are_kept() -> None:
    room = Room(a_session("lobby"))
    event = of(CheckedIn, room.do(answers(10, 3), HERON))
    assert (event.handle, event.asked) == ("quiet-heron", "before")
    room.do(answers(4, 7), LARCH)
    assert room.is_so(answers(0, 0), HERON), "another answer changes nothing"
    assert room.session.before == CheckIn(NAMES[:2], (0, 1, 1), (1, 0, 1))
    assert room.session.after == CheckIn()


def test_before_and_after_are_two() -> None:
    room = Room(a_session("opening"))
    room.do(answers(9), HERON)
    later = Room(replace(room.session, phase="winding_down"))
    later.do(answers(2, asked="after"), HERON)
    assert (later.session.before.heavy, later.session.after.heavy) == ((0, 0, 1), (1, 0, 0))


@pytest.mark.parametrize(
    ("phase", "asked"),
    [
        ("lobby", "before"),
        ("opening", "before"),
        ("open", "before"),
        ("paused", None),
        ("winding_down", "after"),
        ("closing_round", "after"),
    ],
)
def test_when_it_is_asked(phase: Phase, asked: Asked | None) -> None:
    session = a_session(phase)
    assert shown_to(session, HERON) == (asked, False)
    for each in ("before", "after"):
        if each != asked:
            assert Room(session).why(answers(asked=each), HERON) is Why.WRONG_PHASE


def test_who_is_not_asked() -> None:
    session = a_session("opening")
    assert shown_to(session, GUIDE) == shown_to(session, PEOPLE[5]) == (None, False)
    assert Room(session).why(answers(), GUIDE) is Why.NOT_A_MEMBER
    assert Room(session).why(answers(), PEOPLE[5]) is Why.NOT_A_MEMBER
    fresh = replace(session, accepted=())
    assert (shown_to(fresh, HERON)[0], Room(fresh).why(answers(), HERON)) == (None, Why.NOT_ACCEPTED)
    without = replace(session, plan=replace(PLAN, check_in=False))
    assert (shown_to(without, HERON)[0], Room(without).why(answers(), HERON)) == (None, Why.WRONG_PHASE)
    crowd = replace(session, before=CheckIn(tuple(f"h{n}" for n in range(check_in.MAX_GIVEN))))
    assert Room(crowd).why(answers(), HERON) is Why.LIMIT_REACHED


def test_the_burnout_measure_is_asked_where_the_plan_says_so() -> None:
    assert Room(a_session("opening")).why(answers(burnout=3), HERON) is Why.WRONG_PHASE
    room = Room(measured())
    assert shown_to(room.session, HERON) == ("before", True)
    room.do(answers(burnout=3), HERON)
    room.do(answers(burnout=2), LARCH)
    room.do(answers(), PEOPLE[2])  # one may leave it out
    assert room.session.before.burnout == (1, 1)
    assert shown_to(room.session, HERON) == (None, False)
    late = Room(measured("winding_down"))
    assert late.why(answers(asked="after", burnout=1), HERON) is Why.WRONG_PHASE


def test_nobody_is_shown_who_answered() -> None:
    event = Room(a_session("lobby")).do(answers(), HERON)
    for facilitator in (True, False):
        seen = seen_by(event, facilitator=facilitator)
        assert seen == Moderated(room=ROOM, seq=event.seq, at=event.at, handle="")


def test_a_node_that_only_heard_of_it_reads_the_sums_first() -> None:
    room = Room(a_session("lobby"))
    foreign = RoomState(Head("e1", 20, 1, 0, Rules(session=a_session("lobby"))))
    event = room.do(answers(), HERON)
    foreign.fold(event, 0.0)
    elsewhere = Room(a_session("lobby"))
    elsewhere.state = foreign
    assert elsewhere.judge(answers(), LARCH) == elsewhere.judge(Lock(id=1, room=ROOM), GUIDE) == Stale()
    foreign.learn(room.state.rules, event.seq)
    elsewhere.do(answers(), LARCH)
    assert elsewhere.session.before.heavy == (0, 0, 2)


# ---- what is shown ---------------------------------------------------------------------------------


def test_the_report_of_a_session_says_nothing_of_it() -> None:
    room = Room(a_session("lobby"))
    before = report_of(room.log, room.session)
    counted = counts_of(room.log, room.session)
    for who in PEOPLE[:4]:
        room.do(answers(), who)
    assert report_of(room.log, room.session) == before
    assert counts_of(room.log, room.session) == replace(counted, before=CheckIn((), (0, 0, 4), (4, 0, 0)))


def test_no_group_of_one_session_can_be_shown() -> None:
    """However its 15 people answered."""
    for low, middle in product(range(16), repeat=2):
        for people in range(low + middle, 16):
            sums = (low, middle, people - low - middle)
            assert distribution(SCALE, [sums]) is None, sums


def test_a_month_in_as_many_bands_as_may_be_shown() -> None:
    assert distribution(SCALE, [(6, 2, 3), (5, 9, 9)]) == Distribution(SCALE, (11, 11, 12))
    coarse = Distribution(((0, 6), (7, 10)), (22, 12))
    assert distribution(SCALE, [(6, 2, 3), (5, 9, 9)]) is not None
    assert distribution(SCALE, [(6, 2, 3), (4, 10, 9)]) == coarse, "10 of them had it light"
    assert distribution(SCALE, [(6, 2, 3), (5, 9, 7)]) is None, "10 of them had it heavy"
    assert distribution(MEASURE, [(3, 6), (9, 4)]) is None, "10 were burnt out"
    assert distribution(MEASURE, [(3, 6), (), (9, 5)]) == Distribution(MEASURE, (12, 11))
    assert distribution(SCALE, []) is distribution(SCALE, [()]) is None


def test_from_two_bands_nobody_finds_the_third() -> None:
    """Every world there could be, as the attacker sees it: who was in the two bands that became one stays
    anything that a small cell can be."""
    worlds: dict[Distribution, set[tuple[int, int]]] = {}
    for low, middle in product(range(26), repeat=2):
        shown = distribution(SCALE, [(low, middle, 30)])
        if shown is not None and len(shown.bands) == 2:
            worlds.setdefault(shown, set()).add((low, middle))
    assert worlds
    for shown, possible in worlds.items():
        if shown.counts[0] <= 25:  # of more than that the worlds above are not all there are
            for cell in zip(*possible, strict=True):
                assert set(cell) >= set(range(K)), shown


def test_a_month_adds_up_what_was_held() -> None:
    sums = CheckIn((), (2, 2, 3), (3, 2, 2), (4, 3))
    held = [(series, Counts(7, True, 3, sums, replace(sums, burnout=()))) for series in "abc" for _ in "12"]
    made = programme_of("2026-12", [*held, ("d", Counts(5, False, 0, CheckIn((), (5, 0, 0), (5, 0, 0))))])
    assert made.check_ins.heavy_before == Distribution(SCALE, (12, 12, 18))
    assert made.check_ins.alone_after == Distribution(SCALE, (18, 12, 12))
    assert made.check_ins.burnout == Distribution(MEASURE, (24, 18))
    assert programme_of("2026-12", held[:2]).check_ins.heavy_before is None
