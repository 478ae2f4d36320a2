"""The calendar of ordinary rooms: periods that lie behind each other without a hole, in every zone."""

from datetime import datetime
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rooms.catalog import RoomSpec
from rooms.periods import CLOCKS_S, DAY_S, Periods, days_of, kept_s

ZONES = sorted(zone for zone in available_timezones() if "/" in zone or zone == "UTC")
BERLIN = Periods(at=5 * 60, zone="Europe/Berlin")
MOMENTS = st.integers(0, 4_000_000_000)

some_periods = st.builds(Periods, at=st.integers(0, 24 * 60 - 1), zone=st.sampled_from(ZONES))


def at(text: str, zone: str = "Europe/Berlin") -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp())


@given(some_periods, st.integers(1, 366), MOMENTS)
# A day that Samoa skipped; a midnight over which the clocks of Newfoundland went back.
@example(Periods(at=300, zone="Pacific/Apia"), 1, at("2011-12-31T00:30", "Pacific/Apia"))
@example(Periods(at=300, zone="Pacific/Apia"), 1, at("2011-12-31T05:00", "Pacific/Apia"))
@example(Periods(at=0, zone="America/St_Johns"), 1, at("2009-10-31T23:30", "America/St_Johns") + 3600)
def test_every_moment_is_in_one_period_and_the_next_begins_where_it_ends(
    periods: Periods, days: int, now: int
) -> None:
    begins, ends = periods.begins_at(days, now), periods.ends_at(days, now)
    assert begins <= now < ends
    assert periods.begins_at(days, ends) == ends, "the end is the beginning of the next"
    assert periods.begins_at(days, ends - 1) == begins, "and nothing lies between"
    assert periods.label(days, begins) == periods.label(days, now) == periods.label(days, ends - 1)
    assert periods.label(days, ends) != periods.label(days, now)
    assert (days - 2) * DAY_S < ends - begins < (days + 2) * DAY_S


@given(some_periods, st.integers(1, 30), st.integers(1, 4_000_000_000), st.integers(0, 40 * DAY_S))
def test_what_began_in_an_earlier_period_is_over_and_nothing_else(
    periods: Periods, days: int, began_at: int, later_s: int
) -> None:
    now = began_at + later_s
    due_at = periods.due_at(days, began_at, now)
    assert periods.is_over(days, began_at, now) == (due_at <= now)
    assert not periods.is_over(days, began_at, due_at - 1)
    assert periods.is_over(days, began_at, due_at)


def test_a_day_on_which_the_clocks_change_is_shorter_or_longer() -> None:
    assert BERLIN.ends_at(1, at("2026-03-28T12:00")) == at("2026-03-29T05:00")
    lengths = [
        BERLIN.ends_at(1, at(noon)) - BERLIN.begins_at(1, at(noon))
        for noon in ("2026-03-28T12:00", "2026-10-24T12:00", "2026-11-22T12:00")
    ]
    assert lengths == [23 * 3600, 25 * 3600, DAY_S]


def test_a_time_that_a_day_does_not_have_comes_all_the_same() -> None:
    """At two the clocks go to three: half past two is half an hour after that."""
    periods = Periods(at=2 * 60 + 30, zone="Europe/Berlin")
    assert periods.begins_at(1, at("2026-03-29T12:00")) == at("2026-03-29T03:30")


def test_a_week_ends_on_the_same_day_for_all_rooms() -> None:
    ends = {BERLIN.ends_at(7, at(f"2026-11-{day}T12:00")) for day in (16, 17, 18, 21)}
    assert len(ends) == 1
    assert BERLIN.label(7, at("2026-11-18T12:00")) == "2026-11-15"


def test_of_an_epoch_that_began_in_the_future_nobody_knows_when_it_began() -> None:
    now = at("2026-11-22T12:00")
    assert not BERLIN.is_over(1, now + CLOCKS_S, now), "clocks differ by a little"
    assert BERLIN.is_over(1, now + CLOCKS_S + 1, now)
    assert BERLIN.is_over(1, 0, now), "kept by a version that did not say"
    assert BERLIN.due_at(1, now + DAY_S, now) == BERLIN.due_at(1, 0, now) == at("2026-11-22T05:00")


def test_a_room_that_never_begins_anew_is_never_over() -> None:
    assert not BERLIN.is_over(0, 0, at("2026-11-22T12:00"))
    assert BERLIN.label(0, at("2026-11-22T12:00")) == ""


@pytest.mark.parametrize(
    ("spec", "days", "kept_days"),
    [
        (RoomSpec(name="a", title="a"), 1, 1),
        (RoomSpec(name="a", title="a", renew_days=7), 7, 7),
        (RoomSpec(name="a", title="a", renew_days=0), 0, 1),
        (RoomSpec(name="a", title="a", kind="knowledge"), 0, 30),
        (RoomSpec(name="a", title="a", kind="knowledge", renew_days=90), 90, 90),
        (RoomSpec(name="a", title="a", kind="session", renew_days=3), 0, 1),
    ],
)
def test_the_period_is_the_rooms_own_or_that_of_its_kind(spec: RoomSpec, days: int, kept_days: int) -> None:
    assert (days_of(spec), kept_s(spec)) == (days, kept_days * DAY_S)
