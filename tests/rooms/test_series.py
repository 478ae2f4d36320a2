"""What may be planned, what follows from it, and how it is said: pure rules, each with its sentence."""

from datetime import date
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rooms.recurrence import MAX_COUNT, NoRule, read_rule
from rooms.series import MAX_EXCEPTIONS, Change, Series
from rooms.series_dates_ical import upcoming
from rooms.series_rules import (
    NoSeries,
    carried,
    ended,
    excepted,
    fitting,
    in_words,
    plan_of,
    read_series,
    revised,
    warnings,
)
from rooms.session import Item, Plan
from tests.rooms.planning import AGENDA, planned, unix

# ---- rules ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("FREQ=WEEKLY", "FREQ=WEEKLY"),
        ("byday=tu,mo;freq=weekly;interval=2", "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,TU"),
        ("RRULE:FREQ=WEEKLY;INTERVAL=1;WKST=MO;BYDAY=TU,TU", "FREQ=WEEKLY;BYDAY=TU"),
        ("FREQ=MONTHLY;BYDAY=-1FR;COUNT=12", "FREQ=MONTHLY;BYDAY=-1FR;COUNT=12"),
        ("FREQ=MONTHLY;BYMONTHDAY=-1;INTERVAL=3", "FREQ=MONTHLY;INTERVAL=3;BYMONTHDAY=-1"),
        ("FREQ=DAILY;INTERVAL=30;COUNT=520", "FREQ=DAILY;INTERVAL=30;COUNT=520"),
    ],
)
def test_a_rule_is_kept_in_one_way(text: str, kept: str) -> None:
    assert str(read_rule(text)) == kept
    assert str(read_rule(kept)) == kept


@pytest.mark.parametrize(
    "text",
    [
        "",
        "WEEKLY",
        "FREQ=SECONDLY",
        "FREQ=MINUTELY;INTERVAL=1",
        "FREQ=HOURLY",
        "FREQ=YEARLY",
        "FREQ=WEEKLY;FREQ=WEEKLY",
        "FREQ=WEEKLY;INTERVAL=0",
        "FREQ=WEEKLY;INTERVAL=27",
        "FREQ=WEEKLY;INTERVAL=-1",
        "FREQ=WEEKLY;INTERVAL=1e9",
        "FREQ=DAILY;COUNT=521",
        "FREQ=DAILY;COUNT=99999999999999999999",
        "FREQ=DAILY;BYDAY=MO",
        "FREQ=WEEKLY;BYDAY=2TU",
        "FREQ=WEEKLY;BYDAY=",
        "FREQ=WEEKLY;BYDAY=XX",
        "FREQ=WEEKLY;UNTIL=20270101T000000Z",
        "FREQ=WEEKLY;BYMONTH=8",
        "FREQ=WEEKLY;WKST=SU",
        "FREQ=MONTHLY;BYDAY=TU",
        "FREQ=MONTHLY;BYDAY=5TU",
        "FREQ=MONTHLY;BYDAY=1TU,2TU",
        "FREQ=MONTHLY;BYMONTHDAY=31",
        "FREQ=MONTHLY;BYMONTHDAY=1,2",
        "FREQ=MONTHLY;BYMONTHDAY=-2",
        "FREQ=MONTHLY;BYMONTHDAY=13;BYDAY=1FR",
        "FREQ=MONTHLY;BYSETPOS=1;BYDAY=TU",
        "FREQ=WEEKLY;BYHOUR=1,2,3",
        "FREQ=WEEKLY;BYSECOND=0,1,2,3",
        "FREQ=WEEKLY\nEXDATE:20270101T000000Z",
        "FREQ=DAILY;" * 100,
    ],
)
def test_a_rule_that_calendars_read_differently_or_that_is_hostile_is_refused(text: str) -> None:
    with pytest.raises(NoRule) as refused:
        read_rule(text)
    assert str(refused.value).endswith(".")
    with pytest.raises(NoSeries):
        read_series({**FIELDS, "rrule": text or ";"})


@given(st.text(max_size=60))
def test_any_text_is_a_rule_or_a_sentence(text: str) -> None:
    try:
        rule = read_rule(text)
    except NoRule:
        return
    assert read_rule(str(rule)) == rule
    assert rule.count is None or rule.count <= MAX_COUNT


@pytest.mark.parametrize(
    ("rule", "day", "begins"),
    [
        ("FREQ=WEEKLY;BYDAY=TU,TH", date(2026, 12, 1), True),
        ("FREQ=WEEKLY;BYDAY=TU,TH", date(2026, 12, 2), False),
        ("FREQ=MONTHLY;BYDAY=1TU", date(2026, 12, 1), True),
        ("FREQ=MONTHLY;BYDAY=2TU", date(2026, 12, 1), False),
        ("FREQ=MONTHLY;BYDAY=-1TU", date(2026, 12, 29), True),
        ("FREQ=MONTHLY;BYDAY=-1TU", date(2026, 12, 22), False),
        ("FREQ=MONTHLY;BYDAY=4TU", date(2026, 12, 22), True),
        ("FREQ=MONTHLY;BYMONTHDAY=-1", date(2028, 2, 29), True),
        ("FREQ=MONTHLY;BYMONTHDAY=-1", date(2028, 2, 28), False),
        ("FREQ=MONTHLY;BYMONTHDAY=28", date(2027, 2, 28), True),
        ("FREQ=MONTHLY", date(2026, 12, 28), True),
        ("FREQ=MONTHLY", date(2026, 12, 29), False),
        ("FREQ=DAILY", date(2026, 12, 31), True),
    ],
)
def test_the_first_date_is_one_of_the_rule(rule: str, day: date, begins: bool) -> None:
    assert read_rule(rule).begins_on(day) is begins


# ---- what makes a series -------------------------------------------------------------------------

FIELDS: dict[str, Any] = {
    "name": "tea",
    "title": "Tea",
    "timezone": "Europe/London",
    "starts": "2026-12-01T19:00",
    "rrule": "FREQ=WEEKLY;BYDAY=TU",
    "agenda": [{"title": "All", "minutes": 60}],
}


def test_what_people_send_is_made_tidy() -> None:
    series = read_series(
        {
            **FIELDS,
            "title": "  Tea\x00 and\n\ttalk ",
            "about": "One\r\n\r\n\r\n\r\ntwo ",
            "rrule": "byday=tu;freq=weekly",
            "skip_months": [8, 7, 8],
            "extra": ["2027-01-02T10:00", "2026-12-20T10:00"],
            "exceptions": [
                {"occurrence": "20261215T190000Z", "moved_to": "2026-12-16T18:00"},
                {"occurrence": "20261208T190000Z", "cancelled": True},
            ],
        }
    )
    assert (series.title, series.about) == ("Tea and talk", "One\n\ntwo")
    assert (series.rrule, series.skip_months) == ("FREQ=WEEKLY;BYDAY=TU", (7, 8))
    assert series.extra == ("2026-12-20T10:00", "2027-01-02T10:00")
    assert [each.occurrence for each in series.exceptions] == ["20261208T190000Z", "20261215T190000Z"]
    assert read_series({**FIELDS, "rrule": ""}).rrule is None
    words = read_series(
        {
            **FIELDS,
            "agenda": [{"title": " All\x00\nof\u202e it", "minutes": 60, "prompt": "One\u202e\r\ntwo "}],
            "resources": [["Sl\u2066eep", "https://example.org"]],
            "support": [("Li\nne", " 0800 1111", "2026-11-01")],
        }
    )
    assert words.agenda == (Item("All of it", 60, prompt="One\ntwo"),)
    assert words.resources == (("Sleep", "https://example.org"),)
    assert words.support == (("Li ne", "0800 1111", "2026-11-01"),)


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"name": "Tea"}, "a-z"),
        ({"title": " \n "}, "1 to 120"),
        ({"title": "x" * 121}, "1 to 120"),
        ({"title": 5}, "1 to 120"),
        ({"timezone": "Mars/Phobos"}, "no such time zone"),
        ({"timezone": "../../etc/passwd"}, "Europe/London"),
        ({"timezone": "Europe"}, "no such time zone"),
        ({"timezone": ""}, "Europe/London"),
        ({"timezone": "right/Europe/London"}, "no such time zone"),  # counts leap seconds
        ({"timezone": "posix/Europe/London"}, "no such time zone"),
        ({"title": "Tea \ud800"}, "no text"),
        ({"agenda": [{"title": "All", "minutes": 60, "prompt": "\udcff"}]}, "no text"),
        ({"starts": "2026-12-01"}, "2026-12-01T19:00"),
        ({"starts": "2026-13-41T99:99"}, "no such day"),
        ({"starts": "1970-01-01T00:00"}, "years 2000 to 2100"),
        ({"starts": "2027-03-28T01:30", "rrule": None}, "put forward"),
        ({"starts": "2026-12-02T19:00"}, "not a day of its rule"),
        ({"skip_months": [12]}, "month that it skips"),
        ({"skip_months": [13]}, "1 to 12"),
        ({"skip_months": list(range(1, 13))}, "1 to 12"),
        ({"skip_months": ["8", 8]}, "1 to 12"),
        ({"rrule": None, "skip_months": [8]}, "meets once"),
        ({"rrule": None, "until": "2027-01-01"}, "meets once"),
        ({"rrule": 7}, "FREQ=WEEKLY"),
        ({"until": "2026-11-30"}, "before its first"),
        ({"until": "2027-02-30"}, "no such last day"),
        ({"until": "2200-01-01"}, "after 2100"),
        ({"until": "2027-06-30", "rrule": "FREQ=WEEKLY;COUNT=3"}, "not both"),
        ({"extra": ["2027-03-28T01:30"]}, "put forward"),
        ({"extra": ["2026-12-01T19:00"]}, "once"),
        ({"extra": ["soon"]}, "2026-12-01T19:00"),
        ({"exceptions": [{"occurrence": "20261208T190000Z"}]}, "either"),
        ({"exceptions": [{"occurrence": "next", "cancelled": True}]}, "either"),
        ({"exceptions": [{"occurrence": "20269908T190000Z", "cancelled": True}]}, "planned start"),
        ({"exceptions": [{"occurrence": "20261208T190000Z", "cancelled": True}] * 2}, "one exception"),
        (
            {
                "exceptions": [
                    {"occurrence": f"2026{i // 28 + 1:02}{i % 28 + 1:02}T190000Z", "cancelled": True}
                    for i in range(MAX_EXCEPTIONS + 1)
                ]
            },
            "at most 200",
        ),
        ({"agenda": []}, "1 to 20 parts"),
        ({"agenda": [{"title": "All", "minutes": 91}]}, "1 to 90 minutes"),
        ({"agenda": [{"title": "All", "minutes": 60, "phase": "paused"}]}, "phase of opening"),
        ({"agenda": [{"title": "All", "minutes": 81}] * 3}, "at most 240"),
        ({"capacity": 16}, "2 to 15"),
        ({"minimum": 9}, "more people to open"),
        ({"lobby_minutes": 61}, "0 to 60"),
        ({"poll_k": 2}, "3 to 15"),
        ({"erase": "never"}, "at_close"),
        ({"resources": [["Sleep", "http://example.org"]]}, "https://"),
        ({"resources": [["Sleep", "javascript:alert(1)"]]}, "https://"),
        ({"resources": [["Sleep", "https://example.org/ x"]]}, "https://"),
        ({"resources": ["https://example.org"]}, "pairs"),
        ({"support": [["Line", "0800 1111", "lately"]]}, "2026-11-01"),
        ({"support": [["Line", "0800 1111", "2026-02-30"]]}, "2026-11-01"),
        ({"embed": ["https://intranet.example.org/path"]}, "https://intranet.example.org"),
        ({"about": "x" * 2001}, "2,000"),
        ({"agenda": [{"title": "All", "minutes": 10, "prompt": "x" * 1900}] * 18}, "32,000"),
        ({"facilitators": ["Dr Example"]}, "does not have"),
        ({"open": "yes"}, "wrong kind"),
    ],
)
def test_what_is_no_series_is_said_in_a_sentence_that_quotes_nothing(
    fields: dict[str, Any], says: str
) -> None:
    with pytest.raises(NoSeries) as refused:
        read_series({**FIELDS, **fields})
    assert says in str(refused.value)
    assert str(refused.value).endswith(".")
    assert "$" not in str(refused.value)
    assert "Example" not in str(refused.value)


@pytest.mark.parametrize("missing", ["name", "title", "timezone", "starts", "agenda"])
def test_what_is_missing_is_named(missing: str) -> None:
    with pytest.raises(NoSeries, match=r"\.$"):
        read_series({name: value for name, value in FIELDS.items() if name != missing})


def test_the_plan_of_a_session_is_the_series_as_it_was_planned() -> None:
    series = planned(
        capacity=10, by_hand=True, erase="after_24h", resources=(("Sleep", "https://example.org"),), poll_k=6
    )
    [occurrence] = upcoming(series, unix("2026-12-01T00:00Z"), 1)
    plan = plan_of(series, occurrence, 7)
    shared = set(Plan.__struct_fields__) & set(Series.__struct_fields__)
    assert {name: getattr(plan, name) for name in shared} == {name: getattr(series, name) for name in shared}
    assert set(Plan.__struct_fields__) - shared == {"starts_at", "next_at"}
    assert (plan.starts_at, plan.ends_at, plan.next_at) == (occurrence.starts_at, occurrence.ends_at, 7)


# ---- what to think about -------------------------------------------------------------------------

SUPPORTED = {"support": (("Line", "0800 1111", "2026-11-01"),)}


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"capacity": 9}, ["second facilitator"]),
        ({"capacity": 10}, ["8 is a good size", "second facilitator"]),
        ({"capacity": 12}, ["8 is a good size", "second facilitator"]),
        ({"capacity": 13}, ["smaller groups", "second facilitator"]),
        ({"minimum": 2}, ["who said what"]),
        ({"capacity": 4, "minimum": 3}, ["no results"]),
        ({"support": ()}, ["support lines"]),
        ({"agenda": (*AGENDA, Item("Long", 31, "closing_round"))}, ["91 minutes"]),
        ({"agenda": AGENDA[:1] + AGENDA[2:]}, ["15 minutes"]),
        ({"agenda": (AGENDA[2], AGENDA[1], AGENDA[0])}, ["goes back"]),
        ({"agenda": (*AGENDA[1:], Item("Out", 5, "closing_round"))}, ["no opening"]),
        ({"agenda": AGENDA[:2]}, ["no closing round"]),
    ],
)
def test_planners_are_told_what_to_think_about(fields: dict[str, Any], says: list[str]) -> None:
    found = warnings(planned(**{**SUPPORTED, **fields}))
    assert len(found) == len(says), found
    assert all(word in sentence for word, sentence in zip(says, found, strict=True))


def test_a_good_plan_has_no_warnings() -> None:
    assert warnings(planned(**SUPPORTED)) == []
    assert (
        warnings(planned(**SUPPORTED, agenda=(Item("O", 45, "opening"), Item("C", 45, "closing_round"))))
        == []
    )


# ---- changes -------------------------------------------------------------------------------------


def test_an_exception_takes_the_place_of_the_one_before() -> None:
    series = excepted(planned(), Change("20261215T190000Z", cancelled=True), "20261215T190000Z")
    series = excepted(series, Change("20261208T190000Z", moved_to="2026-12-09T19:00"), "20261208T190000Z")
    assert [each.occurrence for each in series.exceptions] == ["20261208T190000Z", "20261215T190000Z"]
    series = excepted(series, Change("20261208T190000Z", cancelled=True), "20261208T190000Z")
    assert [each.cancelled for each in series.exceptions] == [True, True]
    assert excepted(series, None, "20261208T190000Z").exceptions == series.exceptions[1:]
    with pytest.raises(NoSeries, match="put forward"):
        excepted(series, Change("20261208T190000Z", moved_to="2027-03-28T01:30"), "20261208T190000Z")
    kept = fitting(series, ["20261208T190000Z"])
    assert [each.occurrence for each in kept.exceptions] == ["20261208T190000Z"]


def test_a_change_is_the_next_revision() -> None:
    first = revised(planned(revision=7), None, 5)
    assert (first.revision, first.changed_at) == (0, 5)
    assert revised(planned(revision=99), first, 6).revision == 1


def test_at_another_time_of_the_day_single_dates_stay_what_they_are() -> None:
    """A session that was called off for a holiday must not come back because the others begin earlier."""
    was = planned(
        extra=("2026-12-20T11:00",),
        exceptions=(
            Change("20261208T190000Z", moved_to="2026-12-09T19:00"),
            Change("20261220T110000Z", cancelled=True),
            Change("20261229T190000Z", cancelled=True),
        ),
    )
    other = Change("20270105T183000Z", cancelled=True)  # named just now, by its new time
    wanted = msgspec.structs.replace(was, starts="2026-12-01T18:30", exceptions=(*was.exceptions, other))
    assert carried(wanted, was).exceptions == (
        Change("20261208T183000Z", moved_to="2026-12-09T19:00"),
        Change("20261220T110000Z", cancelled=True),
        Change("20261229T183000Z", cancelled=True),
        other,
    )
    there = carried(msgspec.structs.replace(was, timezone="America/New_York"), was)
    assert [each.occurrence for each in there.exceptions] == [
        "20261209T000000Z",
        "20261220T160000Z",
        "20261230T000000Z",
    ]
    assert carried(was, was) is was


def test_a_series_that_ends_keeps_its_past() -> None:
    series = planned(
        extra=("2026-12-10T10:00", "2027-01-10T10:00"),
        exceptions=(
            Change("20261208T190000Z", moved_to="2027-01-07T19:00"),
            Change("20270202T190000Z", cancelled=True),
        ),
    )
    now = unix("2026-12-15T19:30Z")  # one of its dates goes on
    done = ended(series, now)
    assert done.until == "2026-12-15"
    assert done.extra == ("2026-12-10T10:00",)
    assert done.exceptions == (Change("20261208T190000Z", cancelled=True),)
    assert [each.starts_at for each in upcoming(done, now, 5)] == [unix("2026-12-15T19:00Z")]
    assert upcoming(ended(series, unix("2026-12-15T18:59Z")), unix("2026-12-15T18:59Z"), 5) == []
    counted = ended(planned(rrule="FREQ=WEEKLY;COUNT=9"), now)
    assert (counted.rrule, counted.until) == ("FREQ=WEEKLY", "2026-12-15")
    over = planned(rrule="FREQ=WEEKLY;COUNT=2", extra=("2027-01-10T10:00",))
    gone = ended(over, now, ruled=False)  # its rule has none left: no date is made up after its second
    assert (gone.rrule, gone.until, gone.extra) == ("FREQ=WEEKLY;COUNT=2", None, ())
    assert ended(planned(until="2026-12-03"), now).until == "2026-12-03"
    with pytest.raises(NoSeries, match="Delete"):
        ended(series, unix("2026-12-01T18:00Z"))


# ---- words ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, "Every Tuesday, 19:00 to 20:00"),
        (
            {"rrule": "FREQ=WEEKLY;INTERVAL=2;BYDAY=TU,TH", "skip_months": (7, 8)},
            "Every second Tuesday and Thursday, 19:00 to 20:00, not in July and August",
        ),
        ({"rrule": None}, "1 December 2026, 19:00 to 20:00"),
        ({"rrule": "FREQ=WEEKLY;INTERVAL=4"}, "Every 4th Tuesday, 19:00 to 20:00"),
        ({"rrule": "FREQ=DAILY;COUNT=5"}, "Every day, 19:00 to 20:00, 5 times"),
        ({"rrule": "FREQ=MONTHLY;BYDAY=1TU"}, "The first Tuesday of the month, 19:00 to 20:00"),
        (
            {"rrule": "FREQ=MONTHLY;INTERVAL=2", "until": "2027-06-30"},
            "Day 1 of every second month, 19:00 to 20:00, until 2027-06-30",
        ),
        (
            {"rrule": "FREQ=MONTHLY;BYMONTHDAY=-1", "starts": "2026-12-31T23:30"},
            "The last day of the month, 23:30 to 00:30",
        ),
    ],
)
def test_when_it_meets_is_said_in_one_line(fields: dict[str, Any], words: str) -> None:
    assert in_words(planned(**fields)) == words


def test_a_series_is_a_value() -> None:
    assert hash(planned()) == hash(planned())
    assert msgspec.structs.replace(planned(), title="Other") != planned()
