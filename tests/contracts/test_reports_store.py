"""What every store of reports promises, over memory, SQLite and PostgreSQL alike."""

import asyncio

import msgspec

from rooms.report import Facilitators, Programme, Report
from rooms.reports import Debrief
from rooms.suppression import HIDDEN, Total
from tests.fixtures.stores import Stores

REPORT = Report(
    occurrence="20261201T190000Z",
    title="Stille Stunde · ☕",
    planned_start=1_796_151_600,
    planned_end=1_796_155_200,
    opened=True,
    opened_with_minimum=True,
    participants=HIDDEN,
    messages=Total(31, False),
    windows_from=1_796_151_000,
    windows=(0, HIDDEN, 31),
    hands=12,
    turns=HIDDEN,
    rounds=HIDDEN,
    polls=0,
)
DECEMBER = Programme(
    month="2026-12",
    sessions=1,
    held=1,
    places=Total(0, False),
    facilitators=Facilitators(HIDDEN, HIDDEN, Total(0, False)),
)
OWNER, OTHER = b"o" * 16, b"p" * 16


def on(day: int, title: str = "Night") -> Report:
    return msgspec.structs.replace(REPORT, occurrence=f"202612{day:02}T190000Z", title=title)


async def test_a_report_is_there_as_it_was_kept(stores: Stores) -> None:
    one, two = (await stores.open()).reports, (await stores.open()).reports
    assert await one.get("night", REPORT.occurrence) is None
    assert await one.add("night", REPORT, "2026-12", b"sealed")
    assert await two.get("night", REPORT.occurrence) == REPORT
    assert await two.get("day", REPORT.occurrence) is None
    assert list(await two.sealed("2026-12")) == [("night", b"sealed")]
    assert list(await two.sealed("2026-11")) == []


async def test_the_first_report_stands(stores: Stores) -> None:
    """Two nodes at once, or one that tries again: a second version would tell the difference."""
    one, two = (await stores.open()).reports, (await stores.open()).reports
    added = await asyncio.gather(
        *(
            each.add("night", on(1, str(n)), "2026-12", b"%d" % n)
            for n, each in enumerate((one, two, one, two))
        )
    )
    assert sorted(added) == [False, False, False, True]
    winner = added.index(True)
    assert await one.get("night", REPORT.occurrence) == on(1, str(winner))
    assert list(await two.sealed("2026-12")) == [("night", b"%d" % winner)]


async def test_reports_are_listed_last_first(stores: Stores) -> None:
    reports = (await stores.open()).reports
    for day in (8, 1, 29):
        await reports.add("night", on(day), "2026-12", b"s")
    await reports.add("day", on(30), "2026-12", b"s")
    assert list(await reports.list("night", 2)) == [on(29), on(8)]


async def test_a_month_is_made_once_and_its_exact_figures_go(stores: Stores) -> None:
    one, two = (await stores.open()).reports, (await stores.open()).reports
    await one.add("night", on(1), "2026-12", b"exact")
    assert await one.swap_tally("2026-12", None, b"tally")
    await one.add("night", msgspec.structs.replace(REPORT, occurrence="20270105T190000Z"), "2027-01", b"x")
    assert list(await two.open_months()) == ["2026-12", "2027-01"]
    assert await one.make_month(DECEMBER) == DECEMBER
    other = msgspec.structs.replace(DECEMBER, held=9)
    assert await two.make_month(other) == DECEMBER
    assert await two.month("2026-12") == DECEMBER
    assert list(await two.sealed("2026-12")) == []
    assert await two.tally("2026-12") is None
    assert list(await two.open_months()) == ["2027-01"]
    assert list(await two.months(9)) == ["2026-12"]


async def test_what_comes_after_a_month_was_made_is_not_added_to_it(stores: Stores) -> None:
    reports = (await stores.open()).reports
    await reports.make_month(DECEMBER)
    assert await reports.add("night", on(31), "2026-12", b"late")
    assert list(await reports.sealed("2026-12")) == []
    assert not await reports.swap_tally("2026-12", None, b"late")
    assert await reports.tally("2026-12") is None
    assert list(await reports.open_months()) == []


async def test_two_who_add_to_a_tally_lose_nothing(stores: Stores) -> None:
    one, two = (await stores.open()).reports, (await stores.open()).reports
    assert sorted(await asyncio.gather(*(each.swap_tally("2026-12", None, b"1") for each in (one, two)))) == [
        False,
        True,
    ]
    assert not await two.swap_tally("2026-12", b"0", b"2")
    assert await two.swap_tally("2026-12", b"1", b"2")
    assert await one.tally("2026-12") == b"2"


async def test_debriefs_are_their_owners(stores: Stores) -> None:
    reports = (await stores.open()).reports
    first = Debrief(OWNER, b"1" * 16, 100, b"one")
    await reports.put_debrief(first)
    await reports.put_debrief(Debrief(OWNER, b"2" * 16, 100, b"two"))
    await reports.put_debrief(Debrief(OTHER, b"3" * 16, 100, b"three"))
    again = first._replace(body=b"one, again", expires_at=200)
    await reports.put_debrief(again)
    assert set(await reports.debriefs(OWNER, 9)) == {again, Debrief(OWNER, b"2" * 16, 100, b"two")}
    assert not await reports.drop_debrief(OTHER, b"1" * 16)
    assert await reports.drop_debrief(OWNER, b"1" * 16)
    assert not await reports.drop_debrief(OWNER, b"1" * 16)
    assert len(await reports.debriefs(OWNER, 9)) == 1
    assert len(await reports.debriefs(OTHER, 9)) == 1


async def test_what_is_old_is_forgotten(stores: Stores) -> None:
    reports = (await stores.open()).reports
    await reports.add("night", on(1), "2026-12", b"s")
    await reports.add(
        "night", msgspec.structs.replace(REPORT, occurrence="20270105T190000Z"), "2027-01", b"s"
    )
    await reports.make_month(DECEMBER)
    await reports.put_debrief(Debrief(OWNER, b"1" * 16, 100, b"one"))
    await reports.put_debrief(Debrief(OWNER, b"2" * 16, 101, b"two"))
    assert await reports.forget(100, "2026-12") == 1
    assert [each.body for each in await reports.debriefs(OWNER, 9)] == [b"two"]
    assert await reports.forget(0, "2027-01") == 2
    assert await reports.get("night", on(1).occurrence) is None
    assert await reports.month("2026-12") is None
    assert len(await reports.list("night", 9)) == 1
    assert len(await reports.sealed("2027-01")) == 1
