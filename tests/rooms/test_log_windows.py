"""Any history of appends, trims and reads, against a list: `since` and `before` are windows on it."""

import itertools

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rooms.events import Posted
from rooms.log import Draft
from tests.fixtures.stores import Stores

STEP = st.one_of(
    st.tuples(st.just("append"), st.integers(1, 5), st.integers(0, 2)),  # how many, minutes later
    st.tuples(st.just("trim"), st.integers(0, 6), st.just(0)),  # minutes ago
    st.tuples(st.just("since"), st.integers(0, 25), st.integers(1, 9)),
    st.tuples(st.just("before"), st.integers(1, 25), st.integers(1, 9)),
)

numbers = itertools.count()


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(STEP, max_size=15))
async def test_reads_are_windows_on_what_is_kept(stores: Stores, steps: list[tuple[str, int, int]]) -> None:
    log = (await stores.open()).log
    room = f"room-{next(numbers)}"
    epoch = (await log.open_room(room)).epoch
    kept: list[tuple[int, int]] = []  # (seq, at), ascending
    head = 0
    for step, number, more in steps:
        if step == "append":
            stores.clock.now += more * 60
            at = int(stores.clock.now) // 60 * 60
            drafts = [
                Draft(Posted(room=room, handle="h", text="t"), epoch, 0, str(head + i)) for i in range(number)
            ]
            await log.append(drafts)
            kept += [(head + i + 1, at) for i in range(number)]
            head += number
        elif step == "trim":
            before_at = int(stores.clock.now) - number * 60
            assert await log.trim(room, before_at) == sum(at < before_at for _, at in kept)
            kept = [(seq, at) for seq, at in kept if at >= before_at]
        elif step == "since":
            events = await log.since(room, epoch, number, more)
            assert [(e.seq, e.at) for e in events] == [each for each in kept if each[0] > number][:more]
        else:
            events = await log.before(room, epoch, number, more)
            assert [(e.seq, e.at) for e in events] == [each for each in kept if each[0] < number][-more:]
    standing = (await log.heads([room]))[room]
    assert (standing.head, standing.tail) == (head, kept[0][0] if kept else head + 1)
