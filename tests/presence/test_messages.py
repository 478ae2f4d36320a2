"""What the bus may bring: it is read, or refused, and a replica lives with all of it."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from presence.messages import AnyMessage, Ask, Beat, Diff, Gone, Held, Snapshot
from presence.replica import Replica, Send
from presence.roster import Member

DECODER: msgspec.msgpack.Decoder[AnyMessage] = msgspec.msgpack.Decoder(AnyMessage)

names = st.text("abz", min_size=1, max_size=2)
numbers = st.sampled_from([0, 1, 2, 3, 7, 2**53 - 1])
held = st.lists(st.builds(Held, names, st.none() | names, st.booleans(), numbers), max_size=4)
reports = st.dictionaries(names, st.tuples(numbers, numbers), max_size=4)
messages: st.SearchStrategy[AnyMessage] = st.one_of(
    st.builds(Diff, names, names, numbers, held, st.lists(names, max_size=4)),
    st.builds(Snapshot, names, names, numbers, held),
    st.builds(Ask, names, names, st.none() | names),
    st.builds(Beat, names, reports, numbers),
    st.builds(Gone, names),
)


@given(messages)
def test_what_is_sent_is_what_is_read(message: AnyMessage) -> None:
    assert DECODER.decode(msgspec.msgpack.encode(message)) == message


@pytest.mark.parametrize(
    "raw",
    [
        {"t": "gone"},
        {"t": "gone", "node": ""},
        {"t": "gone", "node": "n" * 65},
        {"t": "hello", "node": "n"},
        {"t": "diff", "node": "n", "room": "r", "version": -1},
        {"t": "diff", "node": "n", "room": "r", "version": 2**53},
        {"t": "diff", "node": "n", "room": "r", "version": 1, "left": [""]},
        {"t": "snapshot", "node": "n", "room": "r", "version": 1, "held": [["h" * 65]]},
        {"t": "snapshot", "node": "n", "room": "r", "version": 1, "held": [["h", None, False, -1]]},
        {"t": "snapshot", "node": "n", "room": "r", "version": 1, "held": [["h"]] * 100_001},
        {"t": "beat", "node": "n", "rooms": {f"r{n}": (1, 1) for n in range(501)}},
        {"t": "beat", "node": "n", "rooms": {"r": (1,)}},
    ],
)
def test_what_is_out_of_bounds_is_refused(raw: dict[str, object]) -> None:
    with pytest.raises(msgspec.ValidationError):
        DECODER.decode(msgspec.msgpack.encode(raw))


@settings(max_examples=200, deadline=None)
@given(st.lists(messages | st.booleans() | st.floats(0, 20), max_size=40))
def test_nothing_that_a_bus_brings_raises_or_grows_without_bound(
    steps: list[AnyMessage | bool | float],
) -> None:
    replica = Replica("a")
    now = 0.0
    for step in steps:
        now += 0.01
        if isinstance(step, bool):
            replica.bus_health(step, now)
        elif isinstance(step, float):
            now += step
        else:
            replica.receive(step, now)
            replica.watch("ab"[len(repr(step)) % 2], now)
            replica.enter("a", "me", None, now)
            replica.leave("a", "me", now, at_once=len(repr(step)) % 3 == 0)
            if len(repr(step)) % 7 == 0:
                replica.unwatch("a")
        for effect in replica.tick(now):
            if isinstance(effect, Send):
                assert DECODER.decode(msgspec.msgpack.encode(effect.message)) == effect.message
    assert all(count >= 0 for count in replica.counts().values())


def test_no_more_nodes_than_allowed_are_known() -> None:
    replica = Replica("a")
    for node in range(100):
        replica.receive(Beat(f"n{node}", {"tea": (1, 1)}, 1), 1.0)
    assert replica.counts() == {"tea": 64}
    replica.tick(12.0)
    assert replica.counts() == {}


def test_ones_own_words_change_nothing() -> None:
    replica = Replica("a")
    replica.watch("tea", 1.0)
    replica.enter("tea", "one", None, 1.0)
    replica.receive(Snapshot("a", "tea", 9, [Held("ghost")]), 1.0)
    replica.receive(Gone("a"), 1.0)
    assert replica.roster("tea").members == (Member("one"),)
