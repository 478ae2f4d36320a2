"""Histories: encoded once for all who come at the same place, and never more than the bound."""

import msgspec

from chatd.formats import JSON_MESSAGES, MSGPACK_MESSAGES
from chatd.histories import ENTRY_BYTES, MAX_BYTES, Histories
from chatd.live_room import LiveRoom
from rooms.events import AnyEvent, Posted, Rules, Withdrawn
from rooms.log import Head
from tests.chatd.desk import ROOM, Frame, places


def said(seq: int, text: str = "hello") -> AnyEvent:
    return Posted(room=ROOM, seq=seq, handle="calm-otter", text=text)


def room(name: str = ROOM, epoch: str = "one", text: str = "hello") -> LiveRoom:
    live = LiveRoom(name, Head(epoch, 2, 1, 0, Rules()), [said(1), said(2)], 0.0)
    live.offer([said(3, text)], 0.0)
    return live


def shown(raw: msgspec.Raw) -> list[Frame]:
    frames: list[Frame] = msgspec.json.decode(raw)
    return frames


def test_what_is_encoded_is_the_same_for_all_until_something_happens() -> None:
    histories, live = Histories(), room()
    first = histories.encoded(live, JSON_MESSAGES, 1)
    assert histories.encoded(live, JSON_MESSAGES, 1) is first
    assert histories.encoded(live, MSGPACK_MESSAGES, 1) is not first
    assert places(shown(first)) == [1, 2, 3]
    live.offer([said(4)], 0.0)
    assert places(shown(histories.encoded(live, JSON_MESSAGES, 2))) == [2, 3, 4]
    assert places(shown(histories.encoded(live, JSON_MESSAGES, 1))) == [1, 2, 3, 4]


def test_what_was_read_from_the_log_goes_before_the_recent_and_is_encoded_once_too() -> None:
    histories = Histories()
    live = LiveRoom(ROOM, Head("one", 7, 1, 0, Rules()), [said(6), said(7)], 0.0)
    older = [said(seq) for seq in (3, 4, 5)]
    raw = histories.encoded(live, JSON_MESSAGES, 6, older)
    assert places(shown(raw)) == [3, 4, 5, 6, 7]
    assert histories.encoded(live, JSON_MESSAGES, 6, list(older)) is raw
    assert places(shown(histories.encoded(live, JSON_MESSAGES, 6, older[1:]))) == [4, 5, 6, 7]


def test_rooms_and_epochs_do_not_share() -> None:
    histories = Histories()
    rooms = [room(), room("tea", text="tea"), room(epoch="two", text="anew")]
    last = [shown(histories.encoded(live, JSON_MESSAGES, 1))[-1]["text"] for live in rooms]
    assert last == ["hello", "tea", "anew"]


def test_no_more_is_kept_than_the_bound_and_the_oldest_goes_first() -> None:
    histories, text = Histories(), "x" * 1_000_000
    rooms = [room(f"room-{number}", text=text) for number in range(10)]
    encoded = [histories.encoded(live, JSON_MESSAGES, 1) for live in rooms]
    kept = [raw for raw in encoded if any(raw is other for other in histories._encoded.values())]
    assert kept == encoded[-4:]
    assert sum(len(raw) + ENTRY_BYTES for raw in kept) == histories._bytes <= MAX_BYTES
    assert histories.encoded(rooms[-1], JSON_MESSAGES, 1) is encoded[-1]
    assert histories.encoded(rooms[0], JSON_MESSAGES, 1) == encoded[0]


def test_what_was_taken_back_does_not_stay_in_memory() -> None:
    histories, live = Histories(), room(text="my secret")
    other = room("tea", text="tea")
    histories.encoded(live, JSON_MESSAGES, 1)
    kept = histories.encoded(other, JSON_MESSAGES, 1)
    live.offer([Withdrawn(room=ROOM, seq=4, handle="calm-otter", target=3)], 0.0)
    histories.encoded(live, JSON_MESSAGES, 2)
    assert not any(b"my secret" in bytes(raw) for raw in histories._encoded.values())
    assert histories.encoded(other, JSON_MESSAGES, 1) is kept
    histories.forget(ROOM)
    histories.forget("tea")
    assert (histories._encoded, histories._bytes) == ({}, 0)


def test_many_empty_histories_are_bounded_as_well() -> None:
    histories = Histories()
    for number in range(MAX_BYTES // ENTRY_BYTES + 10):
        histories.encoded(room(f"room-{number}"), JSON_MESSAGES, 4)
    assert len(histories._encoded) < MAX_BYTES // ENTRY_BYTES
