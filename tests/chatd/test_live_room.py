"""A live room by itself: what is placed, held and dropped, what a newcomer is shown, what is bounded."""

import msgspec

from chatd import wire
from chatd.formats import JSON_MESSAGES
from chatd.histories import Histories
from chatd.live_room import MAX_HELD, MAX_HINTS, RECENT, LiveRoom
from rooms.events import AnyEvent, Posted, Reacted, Rules, Slowed, Withdrawn
from rooms.log import Head
from tests.chatd.desk import ROOM, Frame, Wire, places

NOW = 0.0


def said(seq: int, text: str = "hello", at: int = 0) -> AnyEvent:
    return Posted(room=ROOM, seq=seq, at=at, handle="calm-otter", text=text)


def room(head: int = 0, recent: list[AnyEvent] | None = None) -> LiveRoom:
    return LiveRoom(ROOM, Head("one", head, 1, 0, Rules()), recent or [], NOW)


def shown(live: LiveRoom, start: int = 1, older: list[AnyEvent] | None = None) -> list[Frame]:
    frames: list[Frame] = msgspec.json.decode(Histories().encoded(live, JSON_MESSAGES, start, older or []))
    return frames


def pending(live: LiveRoom) -> list[int]:
    return [event.seq for event in live.pending]


# ---- order -----------------------------------------------------------------------------------------


def test_the_next_is_placed_the_early_held_and_the_known_dropped() -> None:
    live = room()
    assert live.offer([said(1)], NOW)
    assert not live.offer([said(1), said(3), said(4)], NOW)
    assert (live.head, pending(live), sorted(live.held)) == (1, [1], [3, 4])
    assert live.offer([said(2)], NOW)
    assert (live.head, pending(live), live.held) == (4, [1, 2, 3, 4], {})


def test_what_was_held_and_then_passed_by_a_read_is_forgotten() -> None:
    live = room()
    live.offer([said(3), said(9)], NOW)
    live.skip_to(5)
    assert live.offer([said(5)], NOW)
    assert sorted(live.held) == [9]


def test_no_more_is_held_behind_a_hole_than_the_bound() -> None:
    live = room()
    live.offer([said(seq) for seq in range(2, MAX_HELD + 50)], NOW)
    assert len(live.held) == MAX_HELD
    live.offer([said(1)], NOW)
    assert live.head == MAX_HELD + 1


def test_what_was_committed_after_the_head_was_read_counts_like_any_other() -> None:
    slow = Slowed(room=ROOM, seq=3, handle="calm-otter", seconds=30)
    live = room(1, [said(1), said(2), slow])
    assert (live.head, live.state.head, live.state.version) == (3, 3, 3)
    assert live.state.rules == Rules(slow_mode_s=30)
    assert not live.pending, "who comes is shown it; nobody is here to be told"


# ---- what a newcomer is shown ----------------------------------------------------------------------


def test_only_the_last_events_are_kept_at_hand() -> None:
    live = room()
    live.offer([said(seq) for seq in range(1, RECENT + 11)], NOW)
    assert live.first_recent == 11
    assert places(shown(live, 1)) == list(range(11, RECENT + 11))
    assert places(shown(live, RECENT)) == list(range(RECENT, RECENT + 11))
    assert shown(live, RECENT + 11) == []


def test_older_events_stand_before_the_recent_ones() -> None:
    live = room(3, [said(3)])
    assert places(shown(live, 3, [said(1), said(2)])) == [1, 2, 3]


def test_what_is_withdrawn_is_shown_to_nobody_who_comes_later() -> None:
    live = room()
    reaction = Reacted(room=ROOM, seq=2, handle="calm-otter", target=1, kind="heard")
    live.offer([said(1, "my secret"), reaction, said(3, "stays")], NOW)
    assert "my secret" in str(shown(live)), "and with it what is encoded is at hand"
    live.offer([Withdrawn(room=ROOM, seq=4, handle="calm-otter", target=1)], NOW)
    live.offer([Withdrawn(room=ROOM, seq=5, handle="calm-otter", target=2)], NOW)
    first, second, third, *_ = shown(live)
    assert (first["text"], first["withdrawn"]) == ("", True)
    assert second["withdrawn"] is True
    assert third["text"] == "stays"
    assert "my secret" not in str(live.recent)


def test_a_withdrawal_of_what_is_no_longer_at_hand_touches_nothing_else() -> None:
    live = room(10, [said(9, "nine"), said(10, "ten")])
    for seq, target in ((11, 1), (12, 8), (13, 13)):
        live.offer([Withdrawn(room=ROOM, seq=seq, handle="calm-otter", target=target)], NOW)
    assert [event.get("text") for event in shown(live)][:2] == ["nine", "ten"]


def test_what_is_older_than_the_room_keeps_is_shown_no_more() -> None:
    live = room()
    live.offer([said(1, at=60), said(2, at=120), said(3, at=180)], NOW)
    assert len(shown(live)) == 3
    live.forget_before(180)
    assert (places(shown(live)), live.first_recent, live.head) == ([3], 3, 3)
    live.skip_to(9)
    assert (shown(live), live.head) == ([], 8)


def test_the_newest_are_found_anew_whenever_something_happens() -> None:
    live = room()
    live.offer([said(seq, at=seq) for seq in range(1, 6)], NOW)
    assert (live.newest(3, 10_000), live.newest(3, 10_000)) == (3, 3)
    live.offer([said(6, "x" * 10_000, at=6)], NOW)
    assert live.newest(3, 10_000) == 7, "what is too much to be shown is left out"
    live.offer([Withdrawn(room=ROOM, seq=7, at=7, handle="calm-otter", target=6)], NOW)
    assert live.newest(3, 10_000) == 5
    live.forget_before(6)
    assert live.newest(9, 10_000) == 6
    live.skip_to(9)
    assert live.newest(3, 10_000) == 9


# ---- members and hints -----------------------------------------------------------------------------


def test_a_sink_is_a_member_once() -> None:
    live, sink, other = room(), Wire(), Wire()
    for each in (sink, sink, other):
        live.add(each)
    assert (live.members, list(live.sinks())) == (2, [sink, other])
    assert live.remove(sink)
    assert not live.remove(sink)
    assert live.remove(other)
    assert (live.members, live.groups) == (0, {})


def test_a_turn_has_so_many_hints_and_no_more() -> None:
    live = room()
    hint = wire.TypingBy(room=ROOM, handle="calm-otter")
    assert [live.hint(hint) for _ in range(MAX_HINTS + 1)] == [True] * MAX_HINTS + [False]
