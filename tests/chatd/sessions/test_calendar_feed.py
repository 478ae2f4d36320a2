"""The calendars over HTTP: who may read them, what is in them, and that asking again costs little."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from icalendar import Calendar

from rooms.series import Change
from tests.chatd.sessions.test_series_api import CHAT, Desk, desk_in
from tests.chatd.test_app import Browser
from tests.rooms.planning import by_javascript, planned, unix

UNTIL = unix("2027-07-01T00:00Z")


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with desk_in(tmp_path) as desk:
        yield desk


@pytest.fixture
def client(desk: Desk) -> Browser:
    return desk.browser


async def test_a_calendar_subscribes_to_all_that_is_listed(client: Browser) -> None:
    series = client.node.series
    await series.add(planned(exceptions=(Change("20261208T190000Z", moved_to="2026-12-09T18:00"),)))
    await series.add(planned(name="ny", timezone="America/New_York", starts="2026-12-02T12:00", rrule=None))
    await series.add(planned(name="quiet", title="After the incident", listed=False))
    answer = await client.get("/calendar.ics")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/calendar; charset=utf-8")
    calendar = Calendar.from_ical(answer.content)
    events = calendar.walk("VEVENT")
    assert [str(each["UID"]) for each in events] == ["ny@chat.example.org", *["tea@chat.example.org"] * 2]
    assert {str(each["TZID"]) for each in calendar.walk("VTIMEZONE")} == {"Europe/London", "America/New_York"}
    assert "After the incident" not in answer.text
    assert f"{CHAT}/room/tea" in answer.text
    assert "ORGANIZER" not in answer.text
    assert "ATTENDEE" not in answer.text
    [theirs] = by_javascript([(answer.content, unix("2026-12-16T00:00Z"))])
    assert theirs == [
        unix("2026-12-01T19:00Z"),
        unix("2026-12-02T17:00Z"),
        unix("2026-12-09T18:00Z"),
        unix("2026-12-15T19:00Z"),
    ]


async def test_what_did_not_change_is_not_sent_again(client: Browser) -> None:
    await client.node.series.add(planned())
    first = await client.get("/calendar/tea.ics")
    etag = first.headers["etag"]
    assert first.headers["cache-control"] == "max-age=300"
    again = await client.get("/calendar/tea.ics", headers={"if-none-match": etag})
    assert (again.status_code, again.content) == (304, b"")
    assert (await client.head("/calendar/tea.ics")).headers["etag"] == etag
    await client.node.series.change(planned(title="Coffee", revision=1))
    changed = await client.get("/calendar/tea.ics", headers={"if-none-match": etag})
    assert changed.status_code == 200
    assert Calendar.from_ical(changed.content).walk("VEVENT")[0]["SEQUENCE"] == 1


async def test_of_an_unlisted_series_there_are_its_name_and_its_times(client: Browser) -> None:
    await client.node.series.add(
        planned(name="quiet", title="After the incident", about="In ward 7", listed=False)
    )
    answer = await client.get("/calendar/quiet.ics")
    assert answer.status_code == 200
    assert "incident" not in answer.text
    assert "ward" not in answer.text
    assert "SUMMARY:quiet" in answer.text


@pytest.mark.parametrize("path", ["/calendar/nowhere.ics", "/calendar/No%20Room.ics", "/calendar/%00.ics"])
async def test_there_is_none_of_what_is_not_planned(client: Browser, path: str) -> None:
    assert (await client.get(path)).status_code == 404


async def test_with_nothing_planned_the_feed_is_empty_and_valid(client: Browser) -> None:
    answer = await client.get("/calendar.ics")
    assert answer.status_code == 200
    assert Calendar.from_ical(answer.content).walk("VEVENT") == []
