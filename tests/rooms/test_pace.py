"""The token bucket never gives more than its burst and its rate, whatever the clock does."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rooms.pace import Bucket


def test_a_burst_then_the_rate() -> None:
    bucket = Bucket(burst=3, per_s=2)
    assert [bucket.take(0.0) for _ in range(3)] == [0.0, 0.0, 0.0]
    assert bucket.take(0.0) == pytest.approx(0.5)
    assert bucket.take(0.5) == 0.0
    assert bucket.take(0.5) > 0


def test_no_rate_is_no_limit() -> None:
    bucket = Bucket(burst=1, per_s=0)
    assert all(bucket.take(0.0) == 0.0 for _ in range(1000))


def test_waiting_as_long_as_told_is_enough() -> None:
    bucket = Bucket(burst=1, per_s=3)
    assert bucket.take(10.0) == 0.0
    wait_s = bucket.take(10.1)
    assert wait_s > 0
    assert bucket.take(10.1 + wait_s + 1e-9) == 0.0


@given(st.lists(st.floats(min_value=-5, max_value=5), max_size=200))
def test_never_more_than_burst_and_rate(steps: list[float]) -> None:
    bucket = Bucket(burst=5, per_s=2)
    now, taken = 0.0, 0
    times: list[float] = []
    for step in steps:
        now += step  # a clock that jumps back gives nothing away
        times.append(now)
        taken += bucket.take(now) == 0.0
        assert taken <= 5 + (max(times) - times[0]) * 2 + 1e-6
