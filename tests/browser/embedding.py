"""Somebody on a page of the intranet that shows a room in a frame, and what the tests of that share."""

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Browser, FrameLocator, Page, Request, async_playwright, expect

from tests.fixtures.browsers import CHROMIUM, DESK, FLAGS, WATCH, Person
from tests.fixtures.hosts import Host, Hosting
from tests.fixtures.hosts import Page as HostPage
from tests.fixtures.servers import Serve, Server

HEARD = """
<script>
  window.heard = [];
  for (const name of ["ready", "joined", "left", "quick-exit", "unread", "error"]) {
    addEventListener("peer-chat-" + name, (event) => heard.push([name, event.detail]));
  }
</script>
"""
"""Notes every event of the element."""


def snippet(server: Server, attributes: str = 'room="night"', inside: str = "") -> str:
    """What a webmaster pastes."""
    return (
        f'{HEARD}<h1>Ward 3</h1><script type="module" src="{server.url}/embed.js"></script>'
        f"<peer-chat {attributes}>{inside}</peer-chat>"
    )


async def place(serve: Serve, hosting: Hosting, *args: str) -> tuple[Server, Host]:
    """An intranet, and a chat that it may show."""
    host = await hosting()
    return await serve("--open", "--set", f"embed_origins={host.origin}", *args), host


class Guest(Person):
    """A person whose page is the intranet's, with the room in a frame on it."""

    def __init__(self, page: Page, base: str, host: Host) -> None:
        self.host = host
        super().__init__(page, base)

    @property
    def frame(self) -> FrameLocator:
        return self.page.frame_locator("iframe")

    async def visit(self, html: str, headers: dict[str, str] | None = None) -> None:
        self.host.pages["/"] = HostPage(html, headers or {})
        await self.page.goto(self.host.origin + "/")

    async def come_in(self) -> str:
        """Into the room in the frame; the handle as the page says it."""
        await self.frame.get_by_role("button", name="I agree").click()
        drawn = self.frame.locator("#drawn-handle")
        await expect(drawn).not_to_be_empty()
        handle = await drawn.inner_text()
        await self.frame.get_by_role("button", name="Come in and talk").click()
        await expect(self.frame.locator("#room")).to_be_visible()
        return handle

    async def say_in_frame(self, text: str) -> None:
        await self.frame.get_by_label("Your message").fill(text)
        await self.frame.locator("#send").click()
        await expect(self.frame.locator(".post", has_text=text).get_by_text("Delivered")).to_be_attached()

    async def heard(self, name: str) -> list[Any]:
        """The details of the element's events of this name, so far."""
        events: list[tuple[str, Any]] = await self.page.evaluate("window.heard")
        return [detail for event, detail in events if event == name]

    async def hears(self, name: str) -> None:
        """Wait for an event of the element."""
        await self.page.wait_for_function("(name) => window.heard.some((one) => one[0] === name)", arg=name)

    async def check(self) -> None:
        for frame in self.page.frames[1:]:
            found = await frame.evaluate("window.violations ?? []")
            self.complaints += [f"policy of the frame: {violation}" for violation in found]
        await super().check()

    def _request(self, request: Request) -> None:
        url = urlsplit(request.url)
        if f"{url.scheme}://{url.netloc}" != self.host.origin:
            super()._request(request)


async def guest(browser: Browser, server: Server, host: Host, **context: Any) -> Guest:
    made = await browser.new_context(**({"viewport": DESK, "locale": "en-GB"} | context))
    await made.add_init_script(WATCH)
    return Guest(await made.new_page(), server.url, host)


class Keeping(Protocol):
    """The factory: a guest whose browser keeps things for frames, apart for each site that shows them."""

    async def __call__(self, server: Server, host: Host, *flags: str) -> Guest: ...


@pytest.fixture
async def keeping(tmp_path: Path) -> AsyncIterator[Keeping]:
    """Playwright's own profiles are private windows, and those deny frames of other sites all storage."""
    async with AsyncExitStack() as stack:

        async def come(server: Server, host: Host, *flags: str) -> Guest:
            profile = tmp_path / "profile" / "Default"
            profile.mkdir(parents=True)
            allow = {"profile": {"cookie_controls_mode": 0, "block_third_party_cookies": False}}
            (profile / "Preferences").write_text(json.dumps(allow))
            playwright = await stack.enter_async_context(async_playwright())
            context = await playwright.chromium.launch_persistent_context(
                profile.parent,
                executable_path=CHROMIUM,
                args=[*FLAGS, *flags],
                viewport={"width": 1280, "height": 800},
                locale="en-GB",
            )
            stack.push_async_callback(context.close)
            await context.add_init_script(WATCH)
            return Guest(context.pages[0], server.url, host)

        yield come
