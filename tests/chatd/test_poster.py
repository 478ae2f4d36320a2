"""The poster: a page that can be printed, whose square leads to the room, and that opens nothing."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import zxingcpp

from chatd.poster import in_one_file, picture
from chatd.settings import Settings
from rooms.catalog import RoomSpec
from tests.chatd.test_app import Browser, browsing
from tests.fixtures.servers import run_chatd

CHAT = "https://chat.example.org"
SCALE = 4
"""Pixels to a module of the QR code."""


def decoded(svg: str) -> str:
    """What a scanner that knows nothing of us reads in the picture: the path is drawn, then looked at."""
    (size,) = map(int, re.findall(r'viewBox="0 0 (\d+) \1"', svg))
    (path,) = re.findall(r'<path stroke="#000" d="([^"]+)"', svg)
    rows = [bytearray(b"\xff" * size) for _ in range(size)]
    x, y = 0, 0.0
    for command, *numbers in re.findall(r"([Mmh])(-?[\d.]+)(?: (-?[\d.]+))?", path):
        dx = int(numbers[0])
        if command == "h":
            rows[int(y)][x : x + dx] = bytes(dx)
            x += dx
        else:
            dy = float(numbers[1])
            x, y = (dx, dy) if command == "M" else (x + dx, y + dy)
    # Some scanners need the white margin (ISO/IEC 18004, "quiet zone"), though this one does not.
    margin = [*rows[:4], *rows[-4:], *(row[:4] + row[-4:] for row in rows)]
    assert not any(0 in part for part in margin)
    wide = [bytes(value for value in row for _ in range(SCALE)) for row in rows]
    pixels = b"".join(row for row in wide for _ in range(SCALE))
    image = memoryview(pixels).cast("B", (size * SCALE, size * SCALE))
    (found,) = zxingcpp.read_barcodes(image)
    return str(found.text)


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[Browser]:
    async with browsing(Settings(data=tmp_path, public_url=CHAT)) as client:
        yield client


@pytest.mark.parametrize("name", ["a", "icu-debrief", "x" * 64])
def test_the_square_leads_to_the_room_and_nowhere_else(name: str) -> None:
    spec, settings = RoomSpec(name=name, title="Tea"), Settings(public_url=CHAT)
    assert decoded(picture(spec, settings)) == f"{CHAT}/room/{name}"
    assert decoded(in_one_file(spec, settings)) == f"{CHAT}/room/{name}"


async def test_the_page_says_what_where_and_how(client: Browser) -> None:
    await client.node.catalog.add(RoomSpec(name="tea", title="Tea & <i>talk</i> {qr}", open=True))
    answer = await client.get("/room/tea/poster")
    assert answer.status_code == 200
    assert '<h1 dir="auto">Tea &amp; &lt;i&gt;talk&lt;/i&gt; {qr}</h1>' in answer.text
    assert decoded(answer.text) == f"{CHAT}/room/tea"
    assert '<p class="address" dir="ltr">chat.example.org/room/tea</p>' in answer.text
    assert len(re.findall(r"<li>", answer.text)) == 3
    assert "No app, no account" in answer.text
    assert "<script" not in answer.text
    assert "style=" not in answer.text  # the policy would drop it


async def test_a_room_that_asks_for_a_ticket_says_so_and_gives_none(client: Browser, tmp_path: Path) -> None:
    await client.node.catalog.add(RoomSpec(name="circle", title="Circle"))
    answer = await client.get("/room/circle/poster")
    assert "asks for a ticket" in answer.text
    assert decoded(answer.text) == f"{CHAT}/room/circle"
    assert "#" not in decoded(answer.text)
    spec = RoomSpec(name="circle", title="Circle")
    signing_in = Settings(public_url=CHAT, sign_in_url="https://intranet.example.org/ticket")
    assert "You sign in on the intranet." in in_one_file(spec, signing_in)


async def test_an_unlisted_room_keeps_its_title_to_itself(client: Browser) -> None:
    await client.node.catalog.add(RoomSpec(name="quiet", title="After the incident", listed=False))
    page = (await client.get("/room/quiet/poster")).text
    assert "After the incident" not in page
    assert '<h1 dir="auto">quiet</h1>' in page


@pytest.mark.parametrize("path", ["/room/nowhere/poster", "/room/No%20Room/poster", "/room/tea/poster/x"])
async def test_there_is_none_of_a_room_that_is_not_there(client: Browser, path: str) -> None:
    assert (await client.get(path)).status_code == 404


async def test_with_open_every_room_has_one(tmp_path: Path) -> None:
    async with browsing(Settings(data=tmp_path, open=True, port=8123)) as client:
        page = (await client.get("/room/anything/poster")).text
        assert decoded(page) == "http://127.0.0.1:8123/room/anything"


async def test_the_command_prints_one_file_that_needs_no_other(tmp_path: Path) -> None:
    await run_chatd("room", "add", "tea", "--title", "Tea", "--open", cwd=tmp_path)
    code, page, _ = await run_chatd("poster", "tea", "--public-url", CHAT, cwd=tmp_path)
    assert code == 0
    assert decoded(page) == f"{CHAT}/room/tea"
    assert not re.search(r"(?:href|src)=", page)
    assert "--ink:" in page
    code, svg, _ = await run_chatd("poster", "tea", "--format", "svg", "--public-url", CHAT, cwd=tmp_path)
    assert svg.startswith('<svg xmlns="http://www.w3.org/2000/svg" ')
    assert decoded(svg) == f"{CHAT}/room/tea"
    code, _, err = await run_chatd("poster", "nowhere", cwd=tmp_path)
    assert (code, "There is no room nowhere." in err) == (2, True)
