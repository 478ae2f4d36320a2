"""Small groups: nobody is left alone in one, whoever comes and goes; and what may be said there."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rooms import aftermath, breakouts
from rooms.children import group_room
from rooms.commands import Post
from rooms.events import Posted, Rules
from rooms.log import Draft, Head
from rooms.rules import Refusal, Verdict, Who, Why, decide
from rooms.session import MAX_GROUP, Breakouts, Limited, Phase
from rooms.session_commands import Announce, Lock, PauseAll, Recall, Restrict, SplitGroup
from rooms.session_events import Admitted, Departed, Held, SplitUp
from rooms.state import RoomState
from tests.rooms.sessions import GUIDE, HERON, LARCH, NAMES, OTTER, PEOPLE, ROOM, Room, a_session, of

people = st.integers(0, MAX_GROUP).map(lambda count: tuple(f"h{n}" for n in range(count)))


def split(size: int | None = 2, minutes: int | None = None, **by_hand: object) -> SplitGroup:
    groups = of(tuple, by_hand["groups"]) if by_hand else None
    return SplitGroup(id=1, room=ROOM, key="s", size=size, groups=groups, minutes=minutes)


def fine(groups: breakouts.Groups, members: tuple[str, ...]) -> bool:
    everybody = [handle for group in groups for handle in group]
    return sorted(everybody) == sorted(members) and all(len(group) != 1 for group in groups)


@given(people, st.integers(2, 8))
def test_by_size_everybody_is_in_one_group_and_nobody_alone(members: tuple[str, ...], size: int) -> None:
    groups = breakouts.by_size(members, size)
    if groups is None:
        assert len(members) < 4 or round(len(members) / size) < 2
    else:
        assert fine(groups, members)
        assert len(groups) >= 2
        sizes = list(map(len, groups))
        assert max(sizes) - min(sizes) <= 1


@given(people, st.integers(2, 4), st.lists(st.tuples(st.booleans(), st.integers(0, 20)), max_size=40))
def test_people_come_and_go_and_nobody_is_ever_alone(
    members: tuple[str, ...], size: int, moves: list[tuple[bool, int]]
) -> None:
    groups = breakouts.by_size(members, size)
    if groups is None:
        return
    on: Breakouts | None = Breakouts(groups, 1)
    here = list(members)
    for n, (comes, which) in enumerate(moves):
        if comes:
            here.append(f"late{n}")
            on = breakouts.with_latecomer(on, here[-1])
        elif here:
            on = breakouts.without(on, here.pop(which % len(here)))
        if on is None:
            return
        assert fine(on.groups, tuple(here))
        assert len(on.groups) == len(groups), "a group's room is named after its place"


@pytest.mark.parametrize(
    ("wanted", "made"),
    [
        ((("a", "b"), ("c", "d")), (("a", "b"), ("c", "d"), ())),
        ((("a", "b"), ("c",)), (("a", "b"), ("c", "d"))),
        ((("a",), ("b", "c", "d")), None),
        ((("a", "b", "c", "d"),), None),
        ((("a", "b"), ("a", "c", "d")), None),
        ((("a", "b"), ("c", "nobody")), None),
    ],
)
def test_by_hand(wanted: breakouts.Groups, made: breakouts.Groups | None) -> None:
    groups = breakouts.by_hand(("a", "b", "c", "d"), wanted)
    assert groups == (None if made is None else tuple(group for group in made if group))


def test_a_split_and_the_way_back() -> None:
    room = Room(a_session())
    event = of(SplitUp, room.do(split(minutes=10), GUIDE))
    on = room.session.breakouts
    assert on is not None
    assert (on.id, on.until) == (event.seq, room.now + 600)
    assert room.why(split(), GUIDE) is Why.WRONG_PHASE
    room.do(Recall(id=1, room=ROOM), GUIDE)
    assert room.session.breakouts is None
    assert room.is_so(Recall(id=1, room=ROOM), GUIDE)


@pytest.mark.parametrize("phase", ["lobby", "paused", "winding_down", "closing_round"])
def test_when_nobody_splits(phase: Phase) -> None:
    assert Room(a_session(phase)).why(split(), GUIDE) is Why.WRONG_PHASE


def test_three_are_too_few() -> None:
    assert Room(a_session(members=NAMES[:3])).why(split(), GUIDE) is Why.TOO_FEW
    assert Room(a_session()).why(split(groups=((NAMES[0],), NAMES[1:4])), GUIDE) is Why.TOO_FEW


def test_who_comes_late_is_in_a_group_and_who_goes_leaves_nobody_alone() -> None:
    room = Room(a_session())
    room.do(split(), GUIDE)
    room.happens(Admitted(room=ROOM, handle=NAMES[4]))
    on = room.session.breakouts
    assert on is not None
    assert sorted(map(len, on.groups)) == [2, 3]
    room.happens(Departed(room=ROOM, handle=NAMES[1]))
    room.do(Restrict(id=1, room=ROOM, whose=NAMES[3], limit="remove"), GUIDE)
    left = room.session.breakouts
    assert left is not None
    assert fine(left.groups, room.session.members)
    room.happens(Departed(room=ROOM, handle=NAMES[0]))
    room.happens(Departed(room=ROOM, handle=NAMES[2]))
    assert room.session.breakouts is None


# ---- in a group ----------------------------------------------------------------------------------


class Group:
    """Group `n` of a split of four: heron and otter, larch and tern."""

    def __init__(self, n: int = 0) -> None:
        self.room = Room(a_session())
        self.id = self.room.do(split(), GUIDE).seq
        self.name = group_room(ROOM, self.id, n)
        self.state = RoomState(Head("g1", 3, 1, 0, Rules()))

    def says(self, who: Who) -> Verdict:
        post = Post(id=1, room=self.name, key="k", text="hello")
        return decide(post, who, self.state, 0.0, parent=self.room.state)


def test_a_group_talks_among_itself_under_the_sessions_rules() -> None:
    group = Group()
    made = of(Draft, group.says(HERON))
    assert (made.epoch, made.rules_version) == ("g1", 0)
    assert made.also == ((ROOM, "e1", group.room.state.version),)
    assert isinstance(of(Draft, group.says(GUIDE)).event, Posted)
    assert of(Refusal, group.says(LARCH)).why is Why.NOT_A_MEMBER
    group.room.do(Lock(id=1, room=ROOM), GUIDE)
    assert of(Draft, group.says(OTTER)).also == ((ROOM, "e1", group.room.state.version),)


def test_a_pause_a_mute_and_the_way_back_reach_the_groups() -> None:
    group = Group()
    group.room.do(Restrict(id=1, room=ROOM, whose=OTTER.handle, limit="mute"), GUIDE)
    assert of(Refusal, group.says(OTTER)).why is Why.MUTED
    group.room.do(PauseAll(id=1, room=ROOM), GUIDE)
    assert of(Refusal, group.says(HERON)).why is Why.PAUSED
    recalled = Group()
    recalled.room.do(Recall(id=1, room=ROOM), GUIDE)
    assert of(Refusal, recalled.says(HERON)).why is Why.NOT_OPEN
    assert of(Refusal, recalled.says(GUIDE)).why is Why.NOT_OPEN


def test_an_earlier_split_is_never_continued() -> None:
    group = Group()
    group.room.do(Recall(id=1, room=ROOM), GUIDE)
    group.room.do(SplitGroup(id=1, room=ROOM, key="again", size=2), GUIDE)
    assert of(Refusal, group.says(HERON)).why is Why.NOT_OPEN
    assert isinstance(group.room.judge(Lock(id=1, room=group.name), GUIDE), Draft)


def test_a_held_post_in_a_group_comes_back_to_the_group() -> None:
    group = Group()
    group.room.do(Restrict(id=1, room=ROOM, whose=HERON.handle, limit="hold"), GUIDE)
    held = of(Held, of(Draft, group.says(HERON)).event)
    assert held.room == f"{ROOM}~staff"
    assert aftermath.approved(held, ROOM).room == group.name
    assert Limited(HERON.handle, "hold", "other") in group.room.session.limited


def test_what_is_for_everybody_is_said_in_every_group() -> None:
    room = Room(a_session(members=NAMES[:6]))
    seq = room.do(split(), GUIDE).seq
    event = room.do(Announce(id=1, room=ROOM, key="a", text="Five minutes", everywhere=True), GUIDE)
    notices = aftermath.notices(event, room.session)
    assert [notice.event.room for notice in notices] == [group_room(ROOM, seq, n) for n in range(3)]
    quiet = room.do(Announce(id=1, room=ROOM, key="b", text="Here only"), GUIDE)
    assert aftermath.notices(quiet, room.session) == ()
    assert PEOPLE[0] is HERON
