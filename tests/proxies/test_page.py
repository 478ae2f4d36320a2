"""The page itself, in Chromium, behind what it cannot see: people get into the room all the same.

`-rP` shows how fast, and over what.
"""

import os
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import TypeAlias

import pytest
from playwright.async_api import Browser, ProxySettings, expect

from tests.fixtures.browsers import WATCH, Person
from tests.fixtures.servers import Serve
from tests.proxies.programs import Port
from tests.proxies.rows import BY_SLUG, Row, Way, standing

IN_THE_ROOM_S = 8.0
"""From the page to the room, both taps and the search for a transport included."""

Through: TypeAlias = Callable[[Row], Awaitable[tuple[Person, Way]]]


@pytest.fixture
async def through(serve: Serve, browser: Browser) -> AsyncIterator[Through]:
    """Somebody at a browser behind this intermediary, and the way they have; the server behind it, too."""
    async with AsyncExitStack() as stack:

        async def come(row: Row) -> tuple[Person, Way]:
            port = Port()
            stack.callback(port.close)
            way = await stack.enter_async_context(standing(row, port.number))
            await serve("--open", "--port", str(port.number), "--public-url", way.url)
            context = await browser.new_context(
                locale="en-GB",
                # On a managed PC the authority of the proxy is installed; here nobody installs it.
                ignore_https_errors=way.trust is not None,
                proxy=ProxySettings(server=way.proxy, bypass="<-loopback>") if way.proxy else None,
            )
            stack.push_async_callback(context.close)
            await context.add_init_script(WATCH)
            return Person(await context.new_page(), way.url), way

        yield come


def in_time_s() -> float:
    """The bound; a machine with more to do than it has cores gets more time."""
    return IN_THE_ROOM_S * max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


@pytest.mark.parametrize(
    "slug",
    ["nginx-bare", "squid-tunnel", "squid-inspecting", "nginx-compressing", "whole", "loser", "cutter"],
)
async def test_the_page_gets_into_the_room(slug: str, through: Through) -> None:
    row = BY_SLUG[slug]
    anna, way = await through(row)
    await anna.open("/room/night")
    within_s, began = in_time_s(), time.monotonic()
    await anna.page.get_by_role("button", name="I agree").click()
    await anna.page.get_by_role("button", name="Come in and talk").click()
    await expect(anna.page.locator("#room")).to_be_visible(timeout=1000 * within_s)
    took = time.monotonic() - began
    found = await anna.page.evaluate("JSON.parse(sessionStorage.getItem('chatd.way'))")
    assert took < within_s
    assert found == row.works()[0]
    sys.stdout.write(f"{row.name}: in the room after {took:.1f} s, over {found}\n")

    # What it found also carries a talk over a break: said while there is no way, kept, and sent once.
    await anna.say("through all of it")
    anna.may_lose_network = True
    await way.restart()
    await anna.say("and again")
    assert await anna.texts() == ["through all of it", "and again"]
