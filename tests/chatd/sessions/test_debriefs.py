"""What a facilitator writes is theirs alone, and what leaves of it is a month's sum; months are made once."""

from pathlib import Path

import msgspec
import pytest

from chatd.sessions.afterwards import SETTLE_S, Afterwards, begins_at, due_at, month_from, starts_at
from chatd.sessions.debriefs import MAX_KEPT, OWN_KEY, Debriefs, Load, NotNow, TooMany, Week, Written
from chatd.sessions.sealing import Owner, counts_seal
from rooms.events import AnyEvent
from rooms.reports import Reports
from rooms.reports_memory import MemoryReports
from rooms.session import Item, Plan, Session
from rooms.session_events import Admitted, PhaseChanged
from rooms.suppression import HIDDEN, Total
from tests.fixtures.stores import Clock, Stores

SECRET = bytes(range(32))
ANNE, BEN = "https://intranet.example.org\0anne.muster", "https://intranet.example.org\0ben"
DAY_S = 24 * 3600
DECEMBER = begins_at("2026-12")


class Desk:
    """A store of reports, the day, and what works on them."""

    def __init__(self, reports: Reports, secret: bytes = SECRET) -> None:
        self.clock = Clock(DECEMBER + 20 * DAY_S)
        self.reports = reports
        self.afterwards = Afterwards(reports, secret, report_months=13, clock=self.clock)
        self.debriefs = Debriefs(self.afterwards, secret, months=6, clock=self.clock)

    async def keep(self, room: str, occurrence: str, people: int) -> bool:
        start = starts_at(occurrence)
        plan = Plan(title="Night", starts_at=start, agenda=(Item("All", 60),), minimum=3)
        session = Session(plan=plan, occurrence=occurrence)
        events: list[AnyEvent] = [Admitted(room=room, handle=f"h{n}", at=start - 60) for n in range(people)]
        events += [
            PhaseChanged(room=room, handle="", phase="open", at=start),
            PhaseChanged(room=room, handle="", phase="closed", at=start + 3600),
        ]
        return await self.afterwards.keep(room, events, session)


@pytest.fixture
def desk() -> Desk:
    return Desk(MemoryReports())


@pytest.fixture
async def sqlite_desk(sqlite_stores: Stores) -> Desk:
    return Desk((await sqlite_stores.open()).reports)


def written(day: int, heavy: int = 3, room: str = "night", **others: object) -> Written:
    usual = Written(room, f"202612{day:02}T190000Z", heavy)
    return msgspec.structs.replace(usual, **others)


# ---- one's own ---------------------------------------------------------------------------------


async def test_a_debrief_comes_back_to_who_wrote_it_and_to_nobody_else(desk: Desk) -> None:
    first = written(1, 9, next="Ask about the new rota. Grüße · 夜", colleague=True)
    await desk.debriefs.write(ANNE, first)
    await desk.debriefs.write(ANNE, written(8))
    await desk.debriefs.write(BEN, written(1, room="day"))
    assert await desk.debriefs.of(ANNE) == [written(8), first]
    assert await desk.debriefs.of(BEN) == [written(1, room="day")]
    assert await desk.debriefs.of("anne") == []
    again = written(1, 2)
    await desk.debriefs.write(ANNE, again)
    assert await desk.debriefs.of(ANNE) == [written(8), again]
    assert not await desk.debriefs.drop(BEN, "night", first.occurrence)
    assert await desk.debriefs.drop(ANNE, "night", first.occurrence)
    assert await desk.debriefs.of(ANNE) == [written(8)]


async def test_the_files_name_nobody_and_hold_no_words(sqlite_desk: Desk, sqlite_stores: Stores) -> None:
    """Neither who wrote, nor of which session, nor when, nor how much, nor an exact count."""
    words = "the words of a debrief"
    await sqlite_desk.keep("night", "20261201T190000Z", 7)
    await sqlite_desk.debriefs.write(ANNE, written(1, 9, room="evening-series", next=words, colleague=True))
    await sqlite_desk.debriefs.write(ANNE, written(8, 1, room="evening-series"))
    (long, short) = await sqlite_desk.reports.debriefs(Owner(SECRET, ANNE).mark, 9)
    assert len(long.body) == len(short.body)
    assert long.expires_at == short.expires_at == begins_at("2027-06")
    await sqlite_stores.close()
    kept = b"".join(path.read_bytes() for path in Path(sqlite_stores.address).parent.iterdir())
    assert b"20261201T190000Z" in kept  # of the report: the test looks where it should
    for trace in (
        "anne.muster",
        "intranet.example.org",
        words,
        "evening-series",
        "colleague",
        '"participants":7',
    ):
        assert trace.encode() not in kept, trace


async def test_another_secret_and_another_place_open_nothing(desk: Desk) -> None:
    await desk.debriefs.write(ANNE, written(1))
    await desk.debriefs.write(ANNE, written(8))
    elsewhere = Desk(desk.reports, bytes(32))
    assert await elsewhere.debriefs.of(ANNE) == []
    owner = Owner(SECRET, ANNE)
    one, two = await desk.reports.debriefs(owner.mark, 9)
    assert owner.sealed.open(one.body, two.slot) is None
    assert owner.sealed.open(one.body[:20], one.slot) is None
    assert Owner(SECRET, BEN).sealed.open(one.body, one.slot) is None
    assert counts_seal(SECRET).open(one.body, one.slot) is None
    assert Owner(SECRET, ANNE).mark_of("2026-12") != Owner(SECRET, ANNE).mark_of("2027-01")
    assert ANNE not in repr(owner)


@pytest.mark.parametrize(
    "occurrence",
    ["20261222T190000Z", "20260501T190000Z", "20261399T190000Z", "99991201T000000Z", "00010101T000000Z"],
)
async def test_nothing_is_written_of_sessions_to_come_or_long_gone(desk: Desk, occurrence: str) -> None:
    with pytest.raises(NotNow):
        await desk.debriefs.write(ANNE, Written("night", occurrence, 3))
    assert await desk.debriefs.of(ANNE) == []


async def test_there_is_a_bound_and_what_is_there_can_still_be_changed(desk: Desk) -> None:
    for number in range(MAX_KEPT):
        await desk.debriefs.write(ANNE, written(1, room=f"series-{number}"))
    with pytest.raises(TooMany):
        await desk.debriefs.write(ANNE, written(2))
    await desk.debriefs.write(ANNE, written(1, 9, room="series-7"))
    await desk.debriefs.write(BEN, written(2))


async def test_the_load_is_of_ones_own_last_four_weeks(desk: Desk) -> None:
    desk.clock.now = starts_at("20261229T200000Z")
    for day, heavy in ((1, 9), (2, 7), (8, 6), (22, 10), (29, 7)):
        await desk.debriefs.write(ANNE, written(day, heavy))
    await desk.debriefs.write(BEN, written(29, 10))
    weeks = (Week(1, 1), Week(1, 1), Week(0, 0), Week(2, 1))
    assert await desk.debriefs.load(ANNE) == Load(int(desk.clock.now) - 28 * DAY_S, 4, 3, weeks)
    assert (await desk.debriefs.load("nobody")).sessions == 0


# ---- months ------------------------------------------------------------------------------------


async def many_sessions(desk: Desk) -> None:
    for series in ("a", "b", "c"):
        for day in (1, 8, 15, 19):
            assert await desk.keep(series, f"202612{day:02}T190000Z", 7)


async def test_a_month_is_made_when_it_is_over_and_never_again(desk: Desk) -> None:
    """Overlapping windows: the month so far, the month with what came late. None of them can be had."""
    await many_sessions(desk)
    assert await desk.afterwards.month("2026-12") is None
    desk.clock.now = begins_at("2027-01") + SETTLE_S - 1
    assert await desk.afterwards.month("2026-12") is None
    await desk.afterwards.tidy()
    assert list(await desk.reports.months(9)) == []
    desk.clock.now += 1
    made = await desk.afterwards.month("2026-12")
    assert made is not None
    assert (made.sessions, made.held, made.places, made.incomplete) == (12, 12, Total(84, True), False)
    assert await desk.keep("a", "20261231T190000Z", 7)  # a server that was away
    assert await desk.afterwards.month("2026-12") == made
    await desk.afterwards.tidy()
    assert await desk.afterwards.month("2026-12") == made
    assert list(await desk.reports.sealed("2026-12")) == []


async def test_the_session_itself_has_one_report_for_ever(desk: Desk) -> None:
    assert await desk.keep("a", "20261201T190000Z", 12)
    first = await desk.reports.get("a", "20261201T190000Z")
    assert first is not None
    assert first.participants == 12
    assert not await desk.keep("a", "20261201T190000Z", 14)
    assert await desk.reports.get("a", "20261201T190000Z") == first


async def test_a_month_after_a_restore_says_that_something_is_missing(desk: Desk) -> None:
    await many_sessions(desk)
    await desk.debriefs.write(ANNE, written(1, 9))
    restored = Desk(desk.reports, bytes(32))
    await restored.keep("d", "20261220T190000Z", 12)
    restored.clock.now = due_at("2026-12")
    made = await restored.afterwards.month("2026-12")
    assert made is not None
    assert (made.incomplete, made.sessions, made.places) == (True, 1, Total(12, True))


async def test_facilitators_are_counted_once_and_only_where_there_are_enough(desk: Desk) -> None:
    for number in range(12):
        for day in (1, 8, 15):  # thirty-six debriefs, twelve people
            await desk.debriefs.write(f"f{number}", written(day, 9 if day == 8 else 1))
    await desk.debriefs.write("f11", written(8, 2))  # thought again
    await desk.debriefs.write("gone", written(8, 10))
    await desk.debriefs.drop("gone", "night", "20261208T190000Z")
    desk.clock.now = due_at("2026-12")
    await desk.afterwards.tidy()
    made = await desk.afterwards.month("2026-12")
    assert made is not None
    assert (made.facilitators.heavy, made.facilitators.not_heavy) == (11, HIDDEN)
    assert made.facilitators.wrote == Total(11, False)
    await desk.debriefs.write("late", written(8, 10))
    assert await desk.afterwards.month("2026-12") == made
    assert await desk.reports.tally("2026-12") is None


async def test_who_makes_up_ten_of_their_own_learns_nothing_of_the_eleventh(desk: Desk) -> None:
    """A browser's own key costs nothing, so a curious colleague could be ten heavy facilitators."""
    for number in range(10):
        await desk.debriefs.write(f"{OWN_KEY}{number:043}", written(8, 10))
    await desk.debriefs.write(ANNE, written(8, 10))
    desk.clock.now = due_at("2026-12")
    made = await desk.afterwards.month("2026-12")
    assert made is not None
    assert (made.facilitators.heavy, made.facilitators.wrote) == (HIDDEN, Total(0, False))


async def test_one_heavy_month_of_one_facilitator_shows_in_no_sum(desk: Desk) -> None:
    for day in range(1, 20):
        await desk.debriefs.write(ANNE, written(day, 10))
    desk.clock.now = due_at("2026-12")
    made = await desk.afterwards.month("2026-12")
    assert made is not None
    assert (made.facilitators.heavy, made.facilitators.wrote) == (HIDDEN, Total(0, False))


async def test_reports_and_debriefs_go_when_their_time_is_over(desk: Desk) -> None:
    await many_sessions(desk)
    await desk.debriefs.write(ANNE, written(1))
    desk.clock.now = begins_at("2027-06") - 1
    await desk.afterwards.tidy()
    assert len(await desk.debriefs.of(ANNE)) == 1
    desk.clock.now += 1
    assert await desk.debriefs.of(ANNE) == []  # also before anybody has tidied up
    await desk.afterwards.tidy()
    assert list(await desk.reports.debriefs(Owner(SECRET, ANNE).mark, 9)) == []
    desk.clock.now = begins_at("2028-02") - 1
    await desk.afterwards.tidy()
    assert len(await desk.reports.list("a", 9)) == 4
    desk.clock.now += 1
    await desk.afterwards.tidy()
    assert list(await desk.reports.list("a", 9)) == []
    assert await desk.afterwards.month("2026-12") is None


def test_months_are_of_the_calendar() -> None:
    assert month_from(begins_at("2026-12"), 1) == "2027-01"
    assert month_from(begins_at("2026-12") - 1, 0) == "2026-11"
    assert month_from(begins_at("2027-01"), -13) == "2025-12"
    assert due_at("2026-12") == begins_at("2027-01") + 3 * DAY_S
