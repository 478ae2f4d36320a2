"""What the first load costs: every byte that crosses the network, as the server packs it."""

from urllib.parse import urlsplit

import pytest
from playwright.async_api import Request, expect

from tests.fixtures.browsers import PHONE, Visit

MOST_BYTES = 80_000
"""With headers. The promise is 100 KB; this leaves room for what is still to come."""


async def size(request: Request) -> int:
    """Bytes of the answer, headers and packed body."""
    sizes = await request.sizes()
    return sizes["responseHeadersSize"] + sizes["responseBodySize"]


@pytest.mark.parametrize("path", ["/", "/room/night"])
async def test_the_first_load_is_under_100_kb(visit: Visit, path: str) -> None:
    anna = await visit(viewport=PHONE)
    loaded: list[Request] = []

    def note(request: Request) -> None:
        loaded.append(request)

    anna.page.on("requestfinished", note)
    await anna.page.goto(anna.base + path, wait_until="networkidle")
    await expect(anna.page.locator("main:visible").first).to_be_visible()
    sizes = {urlsplit(request.url).path: await size(request) for request in loaded}
    assert sizes
    assert sum(sizes.values()) < MOST_BYTES, sorted(sizes.items(), key=lambda one: -one[1])


async def test_a_room_is_one_script_and_one_sheet(visit: Visit) -> None:
    """No waterfall, and no thirty requests that wait for each other: what a page imports comes as one file,
    beside the small one that connects meanwhile."""
    anna = await visit()
    asked: list[str] = []
    anna.page.on("request", lambda request: asked.append(urlsplit(request.url).path))
    await anna.enter("night")
    parts = [path.split("/", 3)[3] for path in asked if path.startswith("/static/")]
    assert sorted(parts) == ["icon.svg", "in/room/room/app.js", "in/room/styles.css", "room/ahead.js"]
