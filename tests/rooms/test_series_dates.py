"""The dates of a series: right on both sides of a clock change, and the same in three calendars."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st
from icalendar import Calendar

from rooms.recurrence import read_rule
from rooms.series import Change, Series, occurrence_id, planned_at
from rooms.series_dates_ical import (
    MAX_WINDOW_S,
    clash,
    due_between,
    is_planned,
    next_after,
    occurrences,
    upcoming,
)
from rooms.series_dates_ical import planned as planned_in
from rooms.series_feed_ical import feed
from rooms.series_ical import NotASeries, from_ical, to_ical
from rooms.text import normalise
from rooms.zones_ical import vtimezone
from tests.rooms.planning import by_javascript, by_python, planned, published, reckoned, starts, unix

UNTIL = unix("2028-06-01T00:00Z")

# ---- clock changes -------------------------------------------------------------------------------

CHANGES = [
    # zone, first date, then what a clock on the wall says and the same in UTC, around both changes of a year
    (
        "Europe/London",
        "2027-03-23T19:00",
        ["2027-03-23T19:00Z", "2027-03-30T18:00Z", "2027-10-26T18:00Z", "2027-11-02T19:00Z"],
    ),
    (
        "America/New_York",
        "2027-03-09T19:00",
        ["2027-03-10T00:00Z", "2027-03-16T23:00Z", "2027-11-02T23:00Z", "2027-11-10T00:00Z"],
    ),
    (
        "Australia/Sydney",
        "2027-03-30T19:00",
        ["2027-03-30T08:00Z", "2027-04-06T09:00Z", "2027-09-28T09:00Z", "2027-10-05T08:00Z"],
    ),
]


@pytest.mark.parametrize(("zone", "first", "instants"), CHANGES)
def test_a_session_keeps_its_hour_on_the_wall(zone: str, first: str, instants: list[str]) -> None:
    series = planned(timezone=zone, starts=first)
    found = starts(occurrences(series, unix(instants[0]), unix(instants[-1]) + 1))
    assert set(map(unix, instants)) <= set(found)
    assert {datetime.fromtimestamp(at, ZoneInfo(zone)).strftime("%a %H:%M") for at in found} == {"Tue 19:00"}
    assert len(found) == len(set(found)) == 1 + (found[-1] - found[0]) // (7 * 86_400 - 3_600)


@pytest.mark.parametrize(("zone", "first", "instants"), CHANGES)
def test_calendars_have_the_same_instants_with_a_moved_date_and_one_left_out(
    zone: str, first: str, instants: list[str]
) -> None:
    """One date is moved over the clock change, one is cancelled right after it, in spring and in autumn."""
    ids = [occurrence_id(unix(each)) for each in instants]
    before, after = date.fromisoformat(first[:10]), datetime.fromtimestamp(unix(instants[2]), ZoneInfo(zone))
    series = planned(
        timezone=zone,
        starts=first,
        rrule="FREQ=WEEKLY;INTERVAL=1;BYDAY=TU".replace("INTERVAL=1;", ""),
        skip_months=(8,),
        extra=(f"{before + timedelta(days=4)}T11:00",),
        exceptions=(
            Change(ids[0], moved_to=f"{before + timedelta(days=6)}T09:30"),
            Change(ids[1], cancelled=True),
            Change(ids[2], moved_to=f"{after.date() + timedelta(days=6)}T20:15"),
            Change(ids[3], cancelled=True),
        ),
    )
    ics = published(series)
    begin = unix("2027-01-01T00:00Z")
    ours = [each.starts_at for each in occurrences(series, begin, UNTIL) if not each.cancelled]
    (theirs,) = by_javascript([(ics, UNTIL)])
    assert by_python(ics, UNTIL) == theirs == ours
    assert unix(instants[1]) not in ours
    assert unix(instants[3]) not in ours
    text = ics.decode()
    assert "BYMONTH=1" not in text.partition("BEGIN:VEVENT")[2]  # which Outlook does not read
    assert text.count("RECURRENCE-ID") == 2


def test_a_time_that_spring_leaves_out_is_as_if_the_clocks_had_stayed() -> None:
    series = planned(starts="2027-03-21T01:30", rrule="FREQ=WEEKLY;BYDAY=SU")
    found = starts(upcoming(series, 0, 3))
    assert found == [unix(f"2027-03-{day}T01:30Z") for day in (21, 28)] + [unix("2027-04-04T00:30Z")]
    moved = msgspec.structs.replace(
        series, exceptions=(Change(occurrence_id(found[1]), moved_to="2027-03-29T01:30"),)
    )
    assert from_ical(to_ical(moved)) == moved
    cancelled = msgspec.structs.replace(series, exceptions=(Change(occurrence_id(found[1]), cancelled=True),))
    end = unix("2027-04-01T00:00Z")
    feeds = [(published(each), end) for each in (moved, cancelled)]
    assert by_javascript(feeds) == [[found[0], unix("2027-03-29T00:30Z")], [found[0]]]
    assert [by_python(*each) for each in feeds] == by_javascript(feeds)
    with pytest.raises(ValueError, match="put forward"):
        planned(starts="2027-03-28T01:30", rrule=None)


def test_of_an_hour_that_comes_twice_it_is_the_first() -> None:
    series = planned(starts="2027-10-31T01:30", rrule=None)
    assert starts(upcoming(series, 0, 3)) == [unix("2027-10-31T00:30Z")]


# ---- any series ----------------------------------------------------------------------------------

ZONES = ("Europe/London", "America/New_York", "Australia/Sydney", "Asia/Kolkata", "UTC", "Africa/Casablanca")
FIRST = date(2026, 1, 1)


@st.composite
def series_of(draw: st.DrawFn) -> Series:
    """A series with a rule, perhaps with an end, months left out, dates moved and cancelled."""
    day = FIRST + timedelta(days=draw(st.integers(0, 500)))
    frequency = draw(st.sampled_from(["DAILY", "WEEKLY", "MONTHLY"]))
    rule = f"FREQ={frequency};INTERVAL={draw(st.integers(1, 6))}"
    weekday = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")[day.weekday()]
    if frequency == "WEEKLY" and draw(st.booleans()):
        rule += f";BYDAY={','.join({weekday, *draw(st.sets(st.sampled_from(['MO', 'WE', 'SU'])))})}"
    if frequency == "MONTHLY":
        day = day.replace(day=min(day.day, 28))
        weekday = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")[day.weekday()]
        nth = f";BYDAY={(day.day - 1) // 7 + 1}{weekday}"
        rule += draw(st.sampled_from(["", nth, f";BYMONTHDAY={day.day}"]))
    until: str | None = None
    if draw(st.booleans()):
        rule += f";COUNT={draw(st.integers(1, 40))}"
    elif draw(st.booleans()):
        until = (day + timedelta(days=draw(st.integers(0, 600)))).isoformat()
    months = draw(st.sets(st.integers(1, 12), max_size=3)) - {day.month}
    hour = draw(st.sampled_from(["00:00", "04:30", "12:00", "19:15", "23:45"]))
    series = planned(
        timezone=draw(st.sampled_from(ZONES)),
        starts=f"{day}T{hour}",
        rrule=str(read_rule(rule)),
        until=until,
        skip_months=tuple(sorted(months)),
    )
    begin = int(series.at(series.starts).timestamp())
    dates = planned_in(series, begin, begin + 200 * 86_400)
    changes = []
    for at in sorted(draw(st.sets(st.sampled_from(dates), max_size=4))):
        if draw(st.booleans()):
            changes.append(Change(occurrence_id(at), cancelled=True))
        else:
            moved = datetime.fromtimestamp(at, UTC) + timedelta(hours=draw(st.integers(5, 40)))
            local = moved.astimezone(series.zone).replace(tzinfo=None, fold=0)
            if (
                local.replace(tzinfo=series.zone).timestamp() == moved.timestamp()
            ):  # neither left out nor twice
                changes.append(Change(occurrence_id(at), moved_to=local.isoformat(timespec="minutes")))
    return msgspec.structs.replace(series, exceptions=tuple(changes))


@settings(max_examples=120, deadline=None)
@given(series_of())
def test_the_library_and_plain_arithmetic_agree(series: Series) -> None:
    begin = unix("2025-12-01T00:00Z")
    end = begin + MAX_WINDOW_S
    last = datetime.fromtimestamp(end, UTC).date()
    expected = [at for at in reckoned(series, last + timedelta(days=2)) if at < end]
    assert planned_in(series, begin, end) == expected
    assert all(is_planned(series, occurrence_id(at)) for at in expected[:5])
    assert not is_planned(series, occurrence_id(expected[0] + 60))


@settings(max_examples=120, deadline=None)
@given(
    series_of(),
    st.text(st.characters(codec="utf-8"), max_size=30) | st.text('\\nN,;:"ru', max_size=12),
    st.integers(0, 10**6),
)
@example(planned(), r"C:\Notes \\N \n", 1)  # what ends a line in iCalendar, as somebody's words
def test_what_is_kept_comes_back(series: Series, words: str, revision: int) -> None:
    agenda = tuple(msgspec.structs.replace(item, prompt=words) for item in series.agenda)
    series = msgspec.structs.replace(
        series,
        title=f"x{' '.join(normalise(words).split())}x",
        about=normalise(words),
        agenda=agenda,
        support=((words[:20] or "x", words[:20] or "x", "2026-11-01"),),
        revision=revision,
        changed_at=1_790_000_000,
    )
    assert from_ical(to_ical(series)) == series


@settings(max_examples=1, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
@given(st.lists(series_of(), min_size=40, max_size=40))
def test_three_calendars_agree(many: list[Series]) -> None:
    """What a calendar that subscribes shows is what the clock of the server opens. Many at a time, and not
    made smaller: each look starts a Node."""
    feeds = [(published(series), UNTIL) for series in many]
    theirs = by_javascript(feeds)
    begin = unix("2026-05-01T00:00Z")
    for series, (ics, _), javascript in zip(many, feeds, theirs, strict=True):
        ours = [each.starts_at for each in occurrences(series, begin, UNTIL) if not each.cancelled]
        assert [at for at in by_python(ics, UNTIL) if at >= begin] == ours
        assert [at for at in javascript if at >= begin] == ours


@settings(max_examples=60, deadline=None)
@given(series_of(), st.integers(0, 600), st.integers(1, 200))
def test_a_stretch_of_time_can_be_cut_anywhere(series: Series, day: int, days: int) -> None:
    begin = unix("2026-01-01T00:00Z")
    cut, end = begin + day * 86_400 + 7, begin + (day + days) * 86_400
    whole = occurrences(series, begin, end)
    assert whole == sorted(whole, key=lambda each: each.starts_at)
    assert occurrences(series, begin, cut) + occurrences(series, cut, end) == whole
    assert len({each.occurrence for each in whole}) == len(whole)


# ---- what the clock asks -------------------------------------------------------------------------


def test_a_moved_date_keeps_its_name_and_a_cancelled_one_is_said() -> None:
    series = planned(
        exceptions=(
            Change("20261208T190000Z", cancelled=True),
            Change("20261215T190000Z", moved_to="2026-12-16T18:00"),
        )
    )
    first, cancelled, moved, after = occurrences(series, unix("2026-12-01T00:00Z"), unix("2026-12-23T00:00Z"))
    assert (first.occurrence, first.ends_at - first.starts_at) == ("20261201T190000Z", 3600)
    assert (cancelled.occurrence, cancelled.cancelled) == ("20261208T190000Z", True)
    assert (moved.occurrence, moved.starts_at) == ("20261215T190000Z", unix("2026-12-16T18:00Z"))
    assert moved.moved_from == planned_at("20261215T190000Z")
    assert after.moved_from is None


def test_what_is_due_has_its_plan_and_the_next_date() -> None:
    series = planned(exceptions=(Change("20261208T190000Z", cancelled=True),))
    at = unix("2026-12-01T19:00Z")
    [(occurrence, plan)] = due_between(series, at - 600, at - 600)
    assert (occurrence, plan.starts_at, plan.next_at) == ("20261201T190000Z", at, at + 14 * 86_400)
    assert due_between(series, at - 601, at - 601) == []
    assert [name for name, _ in due_between(series, at + 3600 + 300 + 900, at + 3600 + 300 + 900)] == [
        occurrence
    ]
    assert due_between(series, at + 7 * 86_400, at + 7 * 86_400) == []  # cancelled
    once = planned(rrule=None)
    [(_, plan)] = due_between(once, at, at)
    assert plan.next_at is None
    assert next_after(once, at) is None


def test_asking_each_minute_expands_nothing_anew() -> None:
    from rooms import series_dates_ical

    series = planned(name="asked-often")
    at = unix("2026-12-01T19:00Z")
    due_between(series, at, at)
    before = series_dates_ical._block.cache_info().misses
    other_agenda = msgspec.structs.replace(series, title="Another", capacity=5)
    for minute in range(120):
        due_between(other_agenda, at + 60 * minute, at + 60 * minute)
    assert series_dates_ical._block.cache_info().misses == before


def test_what_is_looked_at_has_a_bound() -> None:
    with pytest.raises(ValueError, match="longer"):
        occurrences(planned(), 0, MAX_WINDOW_S + 1)
    assert occurrences(planned(), unix("2150-01-01T00:00Z"), unix("2150-02-01T00:00Z")) == []
    assert len(upcoming(planned(rrule="FREQ=DAILY"), 0, 12)) == 12
    far = planned(starts="2090-01-03T19:00")
    assert starts(upcoming(far, unix("2026-01-01T00:00Z"), 1)) == [unix("2090-01-03T19:00Z")]


def test_two_dates_at_one_time_are_noticed() -> None:
    assert clash(planned()) is None
    moved = planned(exceptions=(Change("20261201T190000Z", moved_to="2026-12-08T20:00"),))
    assert "overlap" in (clash(moved) or "")
    enough = planned(exceptions=(Change("20261201T190000Z", moved_to="2026-12-08T20:15"),))
    assert clash(enough) is None  # 60 minutes, 5 after it, 10 of lobby before the next
    assert "overlap" in (clash(planned(extra=("2026-12-08T18:00",))) or "")


# ---- the feed ------------------------------------------------------------------------------------


def test_a_feed_is_the_same_bytes_and_folded_and_says_how_often_to_look() -> None:
    series = planned(title="Träume " * 15 + "x", about="a" * 500, changed_at=1_790_000_000, revision=3)
    ics = published(series)
    assert ics == published(series)
    assert max(map(len, ics.split(b"\r\n"))) <= 75
    assert b"\n" not in ics.replace(b"\r\n", b"")
    calendar = Calendar.from_ical(ics)
    assert calendar["CALSCALE"] == "GREGORIAN"
    assert b"\r\nREFRESH-INTERVAL;VALUE=DURATION:PT1H\r\n" in ics
    assert b"\r\nX-PUBLISHED-TTL:PT1H\r\n" in ics
    [event] = calendar.walk("VEVENT")
    assert (event["UID"], event["SEQUENCE"]) == ("tea@chat.example.org", 3)
    assert int(event.DTSTAMP.timestamp()) == 1_790_000_000
    assert event["URL"] == "https://chat.example.org/room/tea"
    assert event["SUMMARY"] == series.title
    assert event["CLASS"] == "PRIVATE"  # whoever shares a calendar does not share this
    assert "VALARM" not in ics.decode()  # a lock screen would show it


def test_months_left_out_end_at_the_horizon_or_with_the_last_of_so_many() -> None:
    forever = published(planned(starts="2026-07-07T19:00", skip_months=(8,))).decode()
    assert "RRULE:FREQ=WEEKLY;UNTIL=20291225T190000Z" in forever
    many = planned(starts="2026-07-07T19:00", skip_months=(8,), rrule="FREQ=WEEKLY;BYDAY=TU;COUNT=6")
    assert "UNTIL=20260908T180000Z" in published(many).decode()
    assert len(by_python(published(many), UNTIL)) == 6
    assert "UNTIL" not in published(planned()).decode()


def test_nobody_is_named_and_what_may_be_long_is_bounded() -> None:
    assert feed([], "Sessions", 2029).count(b"VEVENT") == 0
    with pytest.raises(NotASeries):
        from_ical("BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n")
    for text in ("", "x", to_ical(planned()).replace("X-CHATD-SERIES", "X-OTHER")):
        with pytest.raises(NotASeries):
            from_ical(text)


@pytest.mark.parametrize("zone", ["Europe/London", "America/New_York", "Australia/Sydney", "Europe/Dublin"])
def test_a_zone_is_told_by_two_yearly_rules(zone: str) -> None:
    """All that Outlook reads; each names one weekday of a month."""
    text = vtimezone(zone, 2026).to_ical().decode()
    assert text.count("RRULE:FREQ=YEARLY;BYDAY=") == 2
    assert text.count("BEGIN:DAYLIGHT") == text.count("BEGIN:STANDARD") == 1
    assert "RDATE" not in text


@pytest.mark.parametrize("zone", ["Africa/Casablanca", "Asia/Jerusalem", "America/Santiago", "Asia/Tokyo"])
def test_a_zone_without_such_rules_is_told_date_by_date(zone: str) -> None:
    series = planned(timezone=zone, starts="2027-01-05T12:00", rrule="FREQ=DAILY")
    ics = published(series)
    begin = unix("2027-01-01T00:00Z")
    assert by_javascript([(ics, UNTIL)]) == [starts(occurrences(series, begin, UNTIL))]


def test_the_burnout_measure_is_asked_in_the_first_session_of_a_month_that_takes_place() -> None:
    weekly = planned(measure=True)
    gone = Change("20261201T190000Z", cancelled=True)
    between = unix("2026-11-30T00:00Z"), unix("2027-01-31T00:00Z")
    for exceptions, first in (((), "20261201T190000Z"), ((gone,), "20261208T190000Z")):
        plans = due_between(msgspec.structs.replace(weekly, exceptions=exceptions), *between)
        assert [occurrence for occurrence, plan in plans if plan.measure] == [first, "20270105T190000Z"]
    never = due_between(planned(measure=True, check_in=False), *between)
    assert not any(plan.measure or plan.check_in for _, plan in never)
