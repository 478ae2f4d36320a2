"""The names of the rooms that belong to a session: read as they were made, and nothing else is one."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rooms import children
from rooms.children import Belonging, group_room, line_room, read, staff_room
from rooms.command import AnyRoomName, RoomName
from rooms.session import Breakouts, Item, Limited, Plan, Session

ROOM = "quiet-hour"
SESSION = Session(
    plan=Plan(title="The quiet hour", starts_at=0, agenda=(Item(title="Talk", minutes=30),)),
    occurrence="20261201T190000Z",
    members=("calm-heron", "warm-lamp", "soft-rain", "dry-leaf"),
)


def pattern(name: object) -> re.Pattern[str]:
    meta = next(each for each in name.__metadata__ if hasattr(each, "pattern"))  # type: ignore[attr-defined]  # Annotated has it
    return re.compile(meta.pattern)


ANY, CATALOG = pattern(AnyRoomName), pattern(RoomName)

rooms = st.from_regex(CATALOG, fullmatch=True)
marks = st.from_regex(r"[A-Za-z0-9_-]{12}", fullmatch=True)


@given(rooms, marks, st.integers(1, 2**53 - 1), st.integers(0, 9))
def test_what_was_made_is_read_fits_on_the_wire_and_in_no_catalog(
    room: str, mark: str, split: int, n: int
) -> None:
    made = {
        staff_room(room): Belonging(staff_room(room), room, "staff"),
        line_room(room, mark): Belonging(line_room(room, mark), room, "line", mark=mark),
        group_room(room, split, n): Belonging(group_room(room, split, n), room, "group", split=split, n=n),
    }
    for name, parts in made.items():
        assert read(name) == parts
        assert children.belongs(name)
        assert name.startswith(children.prefix(room))
        assert ANY.search(name)
        assert not CATALOG.search(name)
    assert read(room) is None
    assert not children.belongs(room)


@pytest.mark.parametrize(
    "name",
    [
        "quiet-hour~",
        "quiet-hour~cellar",
        "quiet-hour~staff.1",
        "quiet-hour~staff~staff",
        "quiet-hour~line",
        "quiet-hour~line.short",
        "quiet-hour~line.AAAAAAAAAAAAA",
        "quiet-hour~group.0.0",
        "quiet-hour~group.01.0",
        "quiet-hour~group.1.01",
        "quiet-hour~group.1",
        "~staff",
        "Quiet~staff",
        "quiet-hour~staff\n",
    ],
)
def test_one_room_has_one_name(name: str) -> None:
    assert read(name) is None


def test_two_rooms_never_share_what_belongs_to_them() -> None:
    assert not staff_room("quiet-hour-2").startswith(children.prefix("quiet-hour"))


def test_the_groups_there_are() -> None:
    split = Breakouts(groups=(("calm-heron", "warm-lamp"), ("soft-rain", "dry-leaf")), id=12)
    session = Session(plan=SESSION.plan, occurrence=SESSION.occurrence, breakouts=split)
    assert children.groups_of(session, ROOM) == ("quiet-hour~group.12.0", "quiet-hour~group.12.1")
    assert children.group_of(session, ROOM, "dry-leaf") == "quiet-hour~group.12.1"
    assert children.group_of(session, ROOM, "mild-otter") is None
    assert (children.groups_of(SESSION, ROOM), children.group_of(SESSION, ROOM, "dry-leaf")) == ((), None)


def test_a_line_is_kept_by_who_is_out() -> None:
    session = Session(
        plan=SESSION.plan,
        occurrence=SESSION.occurrence,
        members=("calm-heron",),
        accepted=("warm-lamp",),
        limited=(Limited("dry-leaf", "remove", "kindness"),),
    )
    assert children.holders(session) == {"calm-heron", "warm-lamp", "dry-leaf"}
