"""Hide, mute, hold, remove, lock, pause: what each does, and what becomes of it in the other rooms."""

import pytest
from msgspec.structs import replace

from rooms import aftermath
from rooms.commands import Post, React
from rooms.events import Posted, Rules
from rooms.log import Draft, Head
from rooms.moderation import limits
from rooms.rules import Refusal, Verdict, Who, Why, decide
from rooms.session import MAX_HELD, MAX_HIDDEN, MAX_LIMITED, MAX_PINS, Limit, Limited, Matter, Session
from rooms.session_apply import draft, rehomed
from rooms.session_commands import (
    AnswerAppeal,
    Appeal,
    DecideHeld,
    Hide,
    Lock,
    PauseAll,
    Pin,
    Restrict,
    Resume,
)
from rooms.session_events import AppealAnswered, Appealed, Decided, Held, Hidden, Restricted, Told
from rooms.state import RoomState
from tests.rooms.sessions import GUIDE, HERON, LARCH, NAMES, ROOM, SECOND, Room, a_session, of

STAFF = f"{ROOM}~staff"
LINE = f"{ROOM}~line.{'m' * 12}"


def restrict(limit: Limit, whose: Who = HERON, on: bool = True, reason: str = "too loud") -> Restrict:
    return Restrict(id=1, room=ROOM, whose=whose.handle, limit=limit, on=on, rule="kindness", reason=reason)


def hide(seq: int = 3, on: bool = True) -> Hide:
    return Hide(id=1, room=ROOM, seq=seq, rule="no_patients", reason="a ward", on=on)


def post(key: str = "p", room: str = ROOM) -> Post:
    return Post(id=1, room=room, key=key, text="hello")


class Beside:
    """A room that belongs to the session's."""

    def __init__(self, room: Room, name: str, rules: Rules | None = None) -> None:
        self.name, self.parent, self.whose = name, room, HERON.handle
        self.state = RoomState(Head("c1", 5, 1, 0, rules or Rules()))

    def judge(self, command: object, who: Who) -> Verdict:
        asked = replace(command, room=self.name)  # type: ignore[type-var]  # any command, said here
        return decide(asked, who, self.state, 0.0, parent=self.parent.state, whose=self.whose)  # type: ignore[arg-type]  # the same

    def place(self, made: Draft) -> int:
        assert (made.epoch, made.rules_version) == (self.state.epoch, self.state.version)
        seq = self.state.head + 1
        if made.rules is not None:
            self.state.learn(made.rules, seq)
        self.state.fold(replace(made.event, seq=seq), 0.0)
        return seq


# ---- limits --------------------------------------------------------------------------------------


def test_who_is_muted_listens_and_may_be_given_their_voice_back() -> None:
    room = Room(a_session())
    room.do(restrict("mute"), GUIDE)
    assert room.why(post(), HERON) is Why.MUTED
    room.do(React(id=1, room=ROOM, seq=3, kind="heard"), HERON)
    room.do(post(), LARCH)
    room.do(restrict("mute", on=False), SECOND)
    room.do(post(), HERON)


def test_who_is_removed_is_out_and_stays_out() -> None:
    room = Room(a_session())
    room.do(restrict("remove"), GUIDE)
    assert HERON.handle not in room.session.members
    assert room.why(post(), HERON) is Why.REMOVED
    assert limits(room.session, HERON.handle) == {"remove"}


def test_limits_are_for_participants_that_are_known_and_hold_once() -> None:
    room = Room(a_session())
    assert room.why(restrict("mute", Who("no-body")), GUIDE) is Why.NOT_FOUND
    assert room.why(restrict("mute", SECOND), GUIDE) is Why.NOT_FOUND
    assert room.is_so(restrict("mute", on=False), GUIDE)
    room.do(restrict("mute"), GUIDE)
    assert room.is_so(restrict("mute"), SECOND)
    room.do(restrict("hold"), GUIDE)
    assert limits(room.session, HERON.handle) == {"mute", "hold"}


def test_limits_have_a_bound() -> None:
    many = tuple(Limited(f"h{n}", "mute", "other") for n in range(MAX_LIMITED))
    assert Room(a_session(limited=many)).why(restrict("mute"), GUIDE) is Why.LIMIT_REACHED


# ---- hidden and pinned ---------------------------------------------------------------------------


def test_a_post_is_hidden_and_shown_again() -> None:
    room = Room(a_session())
    event = of(Hidden, room.do(hide(), GUIDE))
    assert (event.rule, event.reason) == ("no_patients", "a ward")
    assert room.session.hidden == (3,)
    assert room.is_so(hide(), SECOND)
    room.do(hide(on=False), SECOND)
    room.do(hide(), GUIDE)
    assert room.session.hidden == (3,)
    assert room.why(hide(99), GUIDE) is Why.NOT_FOUND


def test_hiding_and_pinning_have_bounds() -> None:
    full = Room(a_session(hidden=tuple(range(100, 100 + MAX_HIDDEN)), pins=(1, 2, 3)))
    assert len(full.session.pins) == MAX_PINS
    assert full.why(hide(), GUIDE) is Why.LIMIT_REACHED
    assert full.why(Pin(id=1, room=ROOM, seq=4), GUIDE) is Why.LIMIT_REACHED
    assert full.is_so(Pin(id=1, room=ROOM, seq=2), GUIDE)
    assert full.why(Pin(id=1, room=ROOM, seq=400), GUIDE) is Why.NOT_FOUND
    full.do(Pin(id=1, room=ROOM, seq=2, on=False), GUIDE)
    full.do(Pin(id=1, room=ROOM, seq=4), GUIDE)
    assert full.session.pins == (1, 3, 4)


# ---- lock and pause ------------------------------------------------------------------------------


def test_lock() -> None:
    room = Room(a_session())
    assert room.is_so(Lock(id=1, room=ROOM, on=False), GUIDE)
    room.do(Lock(id=1, room=ROOM), GUIDE)
    assert room.session.locked


def test_a_minute_of_quiet_binds_all_but_the_facilitators() -> None:
    room = Room(a_session())
    room.do(PauseAll(id=1, room=ROOM, seconds=60), GUIDE)
    pause = room.session.pause
    assert pause is not None
    assert (pause.why, pause.phase, pause.until) == ("quiet", "open", room.now + 60)
    assert room.why(post(), HERON) is Why.PAUSED
    assert room.why(React(id=1, room=ROOM, seq=1, kind="heard"), HERON) is Why.PAUSED
    room.do(post(), GUIDE)
    room.do(PauseAll(id=1, room=ROOM), SECOND)
    longer = room.session.pause
    assert longer is not None
    assert (longer.phase, longer.until) == ("open", None)
    room.do(Resume(id=1, room=ROOM), SECOND)
    assert room.session.phase == "open"
    assert room.is_so(Resume(id=1, room=ROOM), GUIDE)
    assert Room(a_session("lobby")).why(PauseAll(id=1, room=ROOM), GUIDE) is Why.WRONG_PHASE


# ---- held posts ----------------------------------------------------------------------------------


def held_room() -> Room:
    return Room(a_session(limited=(Limited(HERON.handle, "hold", "other"),)))


def test_a_held_post_goes_to_the_facilitators_and_comes_back_once() -> None:
    room = held_room()
    staff = Beside(room, STAFF)
    made = of(Draft, room.judge(post("mine"), HERON))
    assert of(Held, made.event).room == STAFF
    sent = of(Draft, rehomed(made, staff.state, ROOM))
    assert sent.also == ((ROOM, "e1", 0),)
    seq = staff.place(sent)
    assert staff.state.rules.open == (Matter(seq, "held", HERON.handle),)

    decision = of(Draft, staff.judge(DecideHeld(id=1, room=STAFF, seq=seq, yes=True), GUIDE))
    assert decision.withdraws == seq
    staff.place(decision)
    again = staff.judge(DecideHeld(id=1, room=STAFF, seq=seq, yes=False), SECOND)
    assert of(Refusal, again).why is Why.NOT_FOUND

    held = of(Held, made.event)
    assert aftermath.approved(held, ROOM) == Posted(room=ROOM, handle=HERON.handle, text="hello")
    assert f"p:{held.key}" == "p:mine"
    told = aftermath.notices(replace(decision.event, seq=7), room.session, replace(held, seq=seq))
    assert [(of(Told, notice.event).what, notice.whose) for notice in told] == [("approved", HERON.handle)]


def test_what_is_wrong_with_a_post_is_said_before_it_is_held() -> None:
    room = held_room()
    assert room.why(Post(id=1, room=ROOM, key="k", text=" "), HERON) is Why.TEXT_EMPTY
    assert isinstance(of(Draft, room.judge(post(), LARCH)).event, Posted)


def test_one_persons_held_posts_have_a_bound() -> None:
    room = held_room()
    waiting = tuple(Matter(n, "held", HERON.handle) for n in range(1, MAX_HELD + 1))
    staff = Beside(room, STAFF, Rules(open=waiting))
    made = of(Draft, room.judge(post(), HERON))
    assert of(Refusal, rehomed(made, staff.state, ROOM)).why is Why.LIMIT_REACHED


def test_only_facilitators_decide() -> None:
    staff = Beside(held_room(), STAFF, Rules(open=(Matter(3, "held", HERON.handle),)))
    command = DecideHeld(id=1, room=STAFF, seq=3, yes=True)
    assert of(Refusal, staff.judge(command, LARCH)).why is Why.NOT_ALLOWED
    assert isinstance(staff.judge(command, GUIDE), Draft)


# ---- told and appealed ---------------------------------------------------------------------------


def test_the_author_of_a_hidden_post_is_told_why() -> None:
    event = Hidden(
        room=ROOM, seq=9, handle=GUIDE.handle, target=3, rule="no_patients", reason="a ward", on=True
    )
    said = Posted(room=ROOM, seq=3, handle=HERON.handle, text="x")
    assert aftermath.about(event) == 3
    (notice,) = aftermath.notices(event, a_session(), said)
    told = of(Told, notice.event)
    assert (notice.whose, told.what, told.target, told.rule, told.reason) == (
        HERON.handle,
        "hidden",
        3,
        "no_patients",
        "a ward",
    )
    assert aftermath.notices(event, a_session(), said) == (notice,), "made again it is the same, key and all"
    (other,) = aftermath.notices(replace(event, room="another"), a_session(), said)
    assert other.key != notice.key, "the same place in another room is another thing"
    assert aftermath.notices(event, a_session(), replace(said, role="facilitator")) == ()
    assert aftermath.notices(event, a_session(), None) == ()


@pytest.mark.parametrize("limit", ["mute", "hold", "remove"])
def test_who_is_limited_is_told(limit: Limit) -> None:
    room = Room(a_session())
    event = room.do(restrict(limit), GUIDE)
    (notice,) = aftermath.notices(event, room.session)
    assert (notice.whose, of(Told, notice.event).what) == (HERON.handle, limit)


def appealed(session: Session, told: Told) -> tuple[Beside, int, Appealed]:
    """`told` in their line, and their appeal among the facilitators."""
    room = Room(session)
    line, staff = Beside(room, LINE), Beside(room, STAFF)
    seq = line.place(draft(line.state, replace(told, room=LINE), "told"))
    made = of(Draft, line.judge(Appeal(id=1, room=LINE, told=seq, text="it was mine"), HERON))
    return staff, staff.place(of(Draft, rehomed(made, staff.state, ROOM))), of(Appealed, made.event)


def test_an_appeal_goes_to_another_facilitator_who_undoes_it() -> None:
    session = a_session(hidden=(3,))
    told = Told(room="", handle=GUIDE.handle, what="hidden", target=3, rule="other")
    staff, seq, appeal = appealed(session, told)
    assert (appeal.against, appeal.what, appeal.target) == (GUIDE.handle, "hidden", 3)
    answer = AnswerAppeal(id=1, room=STAFF, seq=seq, yes=True, reason="fine")
    assert of(Refusal, staff.judge(answer, GUIDE)).why is Why.NOT_ALLOWED
    placed = staff.place(of(Draft, staff.judge(answer, SECOND)))
    assert of(Refusal, staff.judge(answer, SECOND)).why is Why.NOT_FOUND
    event = AppealAnswered(room=STAFF, seq=placed, handle=SECOND.handle, target=seq, yes=True, reason="fine")
    answered, undone = aftermath.notices(event, session, appeal)
    assert (answered.whose, of(Told, answered.event).what) == (HERON.handle, "overturned")
    shown = of(Hidden, undone.event)
    assert (shown.room, shown.target, shown.on) == (ROOM, 3, False)


def test_a_limit_that_was_overturned_ends_and_an_upheld_one_does_not() -> None:
    session = a_session(limited=(Limited(HERON.handle, "remove", "other"),))
    told = Told(room="", handle=GUIDE.handle, what="remove", rule="other")
    _, seq, appeal = appealed(session, told)
    event = AppealAnswered(room=STAFF, seq=9, handle=SECOND.handle, target=seq, yes=True)
    _, undone = aftermath.notices(event, session, appeal)
    ended = of(Restricted, undone.event)
    assert (ended.whose, ended.limit, ended.on) == (HERON.handle, "remove", False)
    (upheld,) = aftermath.notices(replace(event, yes=False), session, appeal)
    assert of(Told, upheld.event).what == "upheld"


def test_only_what_one_was_told_may_be_appealed_and_only_by_oneself() -> None:
    line = Beside(Room(a_session()), LINE)
    assert of(Refusal, line.judge(Appeal(id=1, room=LINE, told=3), HERON)).why is Why.NOT_FOUND
    good_news = Told(room=LINE, handle=GUIDE.handle, what="approved")
    seq = line.place(draft(line.state, good_news, "t"))
    assert of(Refusal, line.judge(Appeal(id=1, room=LINE, told=seq), HERON)).why is Why.NOT_FOUND
    assert of(Refusal, line.judge(Appeal(id=1, room=LINE, told=seq), GUIDE)).why is Why.NOT_ALLOWED
    assert of(Refusal, line.judge(Appeal(id=1, room=LINE, told=seq), LARCH)).why is Why.NOT_ALLOWED


def test_a_decision_is_about_the_post_it_names() -> None:
    event = Decided(room=STAFF, seq=4, handle=GUIDE.handle, target=2, yes=False, reason="a name is in it")
    assert aftermath.about(event) == 2
    held = Held(room=STAFF, seq=2, handle=HERON.handle, key="k", text="t")
    (notice,) = aftermath.notices(event, a_session(), held)
    told = of(Told, notice.event)
    assert (told.what, told.reason) == ("declined", "a name is in it")
    assert NAMES[0] == HERON.handle
