"""The poster in a real browser: under the policy, read by a scanner off the screen, on one sheet of paper."""

import re
import struct
import zlib

import zxingcpp
from playwright.async_api import expect

from tests.browser.test_access import clean
from tests.fixtures.browsers import LOOKS, Visit
from tests.fixtures.servers import Serve, run_chatd

LONG = (
    "After nights on the intensive care unit: for nurses, registrars and everybody else who was there, " * 2
)


def scanned(png: bytes) -> list[str]:
    """What a scanner that knows nothing of us reads in a screenshot."""
    width, height, pixels = _pixels(png)
    return [found.text for found in zxingcpp.read_barcodes(memoryview(pixels).cast("B", (height, width, 3)))]


def _pixels(png: bytes) -> tuple[int, int, bytes]:
    """The RGB values of a PNG as Chromium writes it: 8 bits, no interlace (PNG, sections 9 and 11)."""
    width, height, depth, kind = struct.unpack(">IIBB", png[16:26])
    assert (depth, kind, png[28]) == (8, 2, 0)
    data = b"".join(
        png[at + 8 : at + 8 + int.from_bytes(png[at : at + 4])]
        for at in (match.start() - 4 for match in re.finditer(b"IDAT", png))
    )
    raw, above, rows = zlib.decompress(data), bytes(3 * width), []
    for row in range(height):
        start = row * (3 * width + 1)
        line = bytearray(raw[start + 1 : start + 1 + 3 * width])
        for at in range(3 * width):
            a, b = (line[at - 3] if at > 2 else 0), above[at]
            c = above[at - 3] if at > 2 else 0
            near = min((abs(b - c), 0, a), (abs(a - c), 1, b), (abs(a + b - 2 * c), 2, c))[2]
            line[at] = (line[at] + (0, a, b, (a + b) // 2, near)[raw[start]]) % 256
        rows.append(above := bytes(line))
    return width, height, b"".join(rows)


async def test_the_poster_is_read_off_the_screen(serve: Serve, visit: Visit) -> None:
    server = await serve()
    for look in LOOKS:
        anna = await visit(server, **look)
        await anna.open("/room/break-room/poster")
        await expect(anna.page.get_by_role("heading")).to_have_text("The break room")
        await expect(anna.page.get_by_role("img", name="QR code")).to_be_visible()
        assert await anna.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        await clean(anna, f"poster, {look}")
        png = await anna.page.get_by_role("img", name="QR code").screenshot()
        assert scanned(png) == [f"{server.url}/room/break-room"]


async def test_the_poster_is_one_sheet_even_of_a_long_title(serve: Serve, visit: Visit) -> None:
    server = await serve()
    adding = ("room", "add", "x" * 64, "--title", LONG[:120], "--data", str(server.data))
    assert (await run_chatd(*adding, cwd=server.data))[0] == 0
    anna = await visit(server)
    await anna.open(f"/room/{'x' * 64}/poster")
    for paper in ("A4", "Letter"):
        pdf = await anna.page.pdf(format=paper)
        assert len(re.findall(rb"/Type\s*/Page\b", pdf)) == 1, paper
