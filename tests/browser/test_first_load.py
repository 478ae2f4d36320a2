"""What the first load costs: every byte that crosses the network, as the server packs it."""

from urllib.parse import urlsplit

import httpx
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


async def test_every_module_the_room_needs_is_preloaded(visit: Visit) -> None:
    """No waterfall: what the page imports is named in its head."""
    anna = await visit()
    asked: list[str] = []
    anna.page.on("request", lambda request: asked.append(urlsplit(request.url).path))
    await anna.page.goto(anna.base + "/room/night", wait_until="networkidle")
    async with httpx.AsyncClient() as client:
        page = (await client.get(anna.base + "/room/night")).text
    modules = [path for path in asked if path.endswith(".js")]
    assert modules
    assert [path for path in modules if path not in page] == []
    assert len(modules) == len(set(modules))
