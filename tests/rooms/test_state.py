"""What a room is right now: rules that change with events, and who spoke when, wherever they spoke."""

import pytest

from rooms.events import AnyEvent, Posted, Reacted, Rules, Slowed, Withdrawn
from rooms.log import Head
from rooms.state import RoomState

HERON, LARCH = "quiet-heron", "open-larch"


def room(head: int = 10, slow_mode_s: int = 0, version: int = 0) -> RoomState:
    return RoomState(Head("e1", head, 1, version, Rules(slow_mode_s=slow_mode_s)))


def posted(seq: int, handle: str = HERON) -> Posted:
    return Posted(room="icu", seq=seq, handle=handle, text="hi")


def slowed(seq: int, seconds: int) -> Slowed:
    return Slowed(room="icu", seq=seq, handle="calm-river", seconds=seconds)


def test_it_begins_where_the_log_stands() -> None:
    state = room(head=10, slow_mode_s=5, version=7)
    assert (state.epoch, state.head, state.version, state.rules) == ("e1", 10, 7, Rules(slow_mode_s=5))


@pytest.mark.parametrize(
    "event",
    [
        posted(11),
        Reacted(room="icu", seq=11, handle=HERON, target=1, kind="heard"),
        Withdrawn(room="icu", seq=11, handle=HERON, target=1),
        slowed(11, 5),
    ],
    ids=["posted", "reacted", "withdrawn", "slowed"],
)
def test_every_event_moves_the_head_and_only_slowed_the_rules(event: AnyEvent) -> None:
    state = room()
    state.fold(event, 0.0)
    assert state.head == 11
    changed = isinstance(event, Slowed)
    assert (state.version, state.rules.slow_mode_s) == ((11, 5) if changed else (0, 0))


def test_each_post_seen_from_another_node_binds_anew() -> None:
    state = room(slow_mode_s=30)
    for seq, now in ((11, 100.0), (12, 130.0), (13, 175.0)):
        state.fold(posted(seq), now)
        assert state.wait_s(HERON, "next", now + 10) == 20.0
    assert state.wait_s(HERON, "next", 205.0) == 0.0
    assert state.wait_s(LARCH, "next", 176.0) == 0.0


def test_a_post_seen_elsewhere_binds_who_spoke_here_long_ago() -> None:
    state = room(slow_mode_s=30)
    state.spoke(HERON, "a", 100.0)
    state.fold(posted(11), 140.0)
    assert state.wait_s(HERON, "next", 150.0) == 20.0


def test_ones_own_post_coming_back_keeps_its_key_and_its_time() -> None:
    """It was let speak at 100 and comes out of the log at 101; sent again, it is the same post."""
    state = room(slow_mode_s=30)
    state.spoke(HERON, "a", 100.0)
    state.fold(posted(11), 101.0)
    assert state.wait_s(HERON, "a", 102.0) == 0.0
    assert state.wait_s(HERON, "next", 102.0) == 28.0


def test_a_post_in_a_small_group_binds_by_the_sessions_pace() -> None:
    session, group = room(slow_mode_s=30), room()
    group.paced_by = session
    group.fold(posted(11), 100.0)
    assert session.wait_s(HERON, "next", 110.0) == 20.0
    assert session.wait_s(LARCH, "next", 110.0) == 0.0


def test_without_slow_mode_nobody_is_remembered() -> None:
    state = room()
    state.fold(posted(11), 100.0)
    state.fold(slowed(12, 30), 101.0)
    assert state.wait_s(HERON, "next", 101.0) == 0.0


def test_whoever_was_bound_is_free_when_slow_mode_ends_and_stays_so() -> None:
    state = room(slow_mode_s=30)
    state.fold(posted(11), 100.0)
    state.fold(slowed(12, 0), 101.0)
    state.fold(slowed(13, 30), 102.0)
    assert state.wait_s(HERON, "next", 102.0) == 0.0


def test_a_change_that_is_in_the_rules_already_does_not_come_twice() -> None:
    state = room(head=10, slow_mode_s=5, version=9)
    state.fold(slowed(8, 60), 0.0)
    assert (state.version, state.rules.slow_mode_s) == (9, 5)
