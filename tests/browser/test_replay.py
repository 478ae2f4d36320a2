"""A real conversation in a room, as people at a desk and on a phone see it while it happens.

The screenshots go to build/screenshots, to be looked at; README shows one of them.
"""

from pathlib import Path

import pytest
from playwright.async_api import expect

from chatd.replay.run import replay
from chatd.replay.transcripts import read
from tests.fixtures.browsers import DESK, PHONE, Visit
from tests.fixtures.servers import Serve
from tests.tree import ROOT

REAL = ROOT.parent / "shared" / "data" / "real-chat" / "meeting-1.txt"
OWN = ROOT / "tests" / "chatd" / "replay" / "transcripts" / "meeting.txt"
SCREENSHOTS = ROOT / "build" / "screenshots"
ROOM = "break-room"
MOST_SHOWN = 600
"""A page keeps this many messages; what is older it fetches when somebody scrolls there."""
UNPACED = {"CHATD_POST_PER_S": "0", "CHATD_REACT_PER_S": "0"}


@pytest.mark.parametrize(
    "path",
    [
        pytest.param(OWN, id="own"),
        pytest.param(
            REAL,
            id="meeting-1",
            marks=pytest.mark.skipif(not REAL.exists(), reason="the real conversations are not here"),
        ),
    ],
)
async def test_a_replayed_conversation_is_shown_whole(path: Path, visit: Visit, serve: Serve) -> None:
    server = await serve(environ=UNPACED)
    desk = await visit(server, viewport=DESK, color_scheme="light", device_scale_factor=1)
    phone = await visit(server, viewport=PHONE, color_scheme="dark", device_scale_factor=2, has_touch=True)
    for person in (desk, phone):
        await person.enter(ROOM, listen=True)

    report = await replay(path, url=server.url, room=ROOM, speed=float("inf"))
    assert report.ok, report.verdict.problems

    said = sum(step.action == "say" for step in read(path).steps)
    shown = min(said, MOST_SHOWN)
    for person in (desk, phone):
        await expect(person.posts).to_have_count(shown)
    # Which of two lines said at once came first is the log's to say: it is the same for both.
    assert await desk.texts() == await phone.texts()
    await expect(desk.page.locator("#side")).to_contain_text("2 people here")

    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    await desk.page.screenshot(path=SCREENSHOTS / f"{path.stem}-1280-light.png")
    await phone.page.screenshot(path=SCREENSHOTS / f"{path.stem}-390-dark.png")
