"""The doctor's page: what it says of good and of broken ways, to whom, how fast, and what it lets out."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Literal

import pytest
from playwright.async_api import Browser, Request, WebSocket, expect

from chatd.doctor.findings import words
from tests.browser.embedding import guest, place
from tests.browser.test_access import clean
from tests.chatd.bad_paths import Spoiler, answer
from tests.fixtures.browsers import DESK, PHONE, Person, Visit
from tests.fixtures.hosts import Hosting
from tests.fixtures.servers import Serve, Server, until

BLOCKED = answer("403 Forbidden", b"<h1>This category is blocked</h1>")
QUICK = "/doctor?idle_s=1"
GOOD = {check: "ok" for check, _ in words().checks if check != "latency"} | {"frame": "unknown"}
"""How quick a loaded machine answers, a test cannot promise."""


async def done(person: Person) -> dict[str, str]:
    """Wait until it has looked at everything; the state of each check, as its shape shows it."""
    await expect(person.page.locator("#doctor[aria-busy=false]")).to_be_visible(timeout=45_000)
    found: dict[str, str] = await person.page.evaluate(
        """() => Object.fromEntries([...document.querySelectorAll(".finding")].map(
            (one) => [one.dataset.check, one.className.replace("finding", "").trim()]))"""
    )
    assert found.pop("latency") in words().states
    return found


async def says(person: Person, check: str, *texts: str) -> None:
    for text in texts:
        await expect(person.page.locator(f'[data-check="{check}"]')).to_contain_text(text)


async def verdict(person: Person, name: str) -> None:
    await expect(person.page.locator("#sentence")).to_have_text(words().verdicts[name][1])


@asynccontextmanager
async def behind(visit: Visit, server: Server, *closed: str, **context: Any) -> AsyncIterator[Person]:
    """Somebody on whose way these paths are closed. That Chromium says so in its console is no complaint."""
    relay = Spoiler(int(server.url.rpartition(":")[2]), answers=dict.fromkeys(closed, BLOCKED))
    async with relay:
        person = await visit(server, **context)
        person.base = f"http://127.0.0.1:{relay.port}"
        yield person
        assert [one for one in person.complaints if "403" not in one and "WebSocket" not in one] == []
        person.complaints.clear()
        await person.page.goto("about:blank")


async def test_the_whole_look_ends_within_its_time(visit: Visit) -> None:
    """By the page's own clock, and the verdict stands there long before."""
    anna = await visit()
    await anna.open("/doctor")
    await verdict(anna, "websocket")
    assert await anna.page.locator("#doctor[aria-busy=true]").count() == 1
    assert await done(anna) == GOOD
    await verdict(anna, "websocket")
    limits = words().limits
    await says(anna, "idle", f"Still open after {limits.idle_s} s")
    took_ms = float(await anna.page.locator("#doctor").get_attribute("data-took-ms") or "inf")
    assert limits.idle_s * 1000 <= took_ms < limits.budget_s * 1000


@pytest.mark.parametrize(
    ("viewport", "scheme"), [(PHONE, "dark"), (DESK, "light")], ids=["phone by night", "desk by day"]
)
async def test_axe_finds_nothing_and_nothing_sticks_out(
    visit: Visit, server: Server, scheme: Literal["light", "dark"], viewport: dict[str, int]
) -> None:
    look = {"viewport": viewport, "color_scheme": scheme, "reduced_motion": "reduce"}
    async with behind(visit, server, "/ws", "/probe", "/send", **look) as anna:
        await anna.open(QUICK)
        await expect(anna.page.locator(".finding")).to_have_count(len(words().checks))
        await clean(anna, "looking")
        await done(anna)
        await verdict(anna, "none")
        await expect(anna.page.get_by_role("link", name="Show the rooms")).to_be_hidden()
        await anna.page.get_by_text("The text for IT").first.click()
        await clean(anna, "blocked")
        assert await anna.page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
        for one in await anna.page.locator("button:visible, a:visible, input:visible, summary").all():
            box = await one.bounding_box()
            assert box is not None
            assert min(box["height"], box["width"]) >= 44, await one.inner_text()


async def test_states_are_told_by_words_and_by_shapes(visit: Visit, server: Server) -> None:
    async with behind(visit, server, "/ws") as anna:
        await anna.open(QUICK)
        found = await done(anna)
        assert found == GOOD | {"websocket": "blocked"}
        await verdict(anna, "stream")
        states = words().states
        for check, state in found.items():
            await says(
                anna, check, states["ok" if state == "ok" else "blocked" if state == "blocked" else "unknown"]
            )
        signs = await anna.page.evaluate(
            """() => Object.fromEntries([...document.querySelectorAll(".finding")].map((one) => [
                one.classList[1], getComputedStyle(one.querySelector(".shape"), "::before").content
                    + getComputedStyle(one.querySelector(".shape")).borderRadius]))"""
        )
        assert len(set(signs.values())) == len(signs) >= 3


async def test_without_websocket_and_without_storage(visit: Visit) -> None:
    anna = await visit()
    await anna.context.add_init_script(
        """delete window.WebSocket;
        const forbidden = { get() { throw new DOMException("no", "SecurityError"); } };
        Object.defineProperty(window, "sessionStorage", forbidden);"""
    )
    await anna.open(QUICK)
    assert await done(anna) == GOOD | {"websocket": "blocked", "storage": "slow"}
    await verdict(anna, "stream")
    await says(anna, "websocket", "This browser does not know the fastest way in.")
    await says(anna, "storage", "a reload makes you somebody new")


async def test_where_only_the_page_comes_through(visit: Visit, server: Server) -> None:
    closed = ("/ws", "/sse", "/poll", "/send", "/probe", "/doctor/seen")
    async with behind(visit, server, *closed) as anna:
        await anna.open(QUICK)
        await done(anna)
        await verdict(anna, "none")
        await says(anna, "server", "Something else answers in the chat server’s place.")


async def test_who_cannot_connect_although_the_server_is_there_is_led_to_it(
    visit: Visit, server: Server
) -> None:
    async with behind(visit, server, "/ws", "/sse", "/poll", "/send", "/probe") as anna:
        await anna.page.clock.install()
        await anna.open("/room/night?lang=de")
        line = anna.page.locator("#entry-line")
        link = line.get_by_role("link", name="Nachsehen, was im Weg ist")
        await anna.page.clock.fast_forward(7_000)
        await expect(line).to_contain_text("Der Server antwortet gerade nicht.")
        assert await link.count() == 0
        await anna.page.clock.fast_forward(15_000)
        async with anna.context.expect_page() as opened:
            await link.click()
        doctor = await opened.value
        await expect(doctor).to_have_url(f"{anna.base}/doctor?lang=de")
        await doctor.close()


async def test_by_keyboard_alone_from_the_verdict_to_the_text(visit: Visit) -> None:
    anna = await visit()
    page = anna.page
    await page.add_init_script("Object.defineProperty(navigator, 'clipboard', { value: undefined });")
    await anna.open(f"{QUICK}&room=night")
    await done(anna)

    async def tab_to(name: str) -> None:
        for _ in range(20):
            await page.keyboard.press("Tab")
            focused = page.locator(":focus")
            if await focused.count() and name in (
                await focused.inner_text() or await focused.get_attribute("id") or ""
            ):
                return
        raise AssertionError(f"Tab does not reach {name}")

    await tab_to("Copy as text for IT")
    await page.keyboard.press("Enter")
    await expect(page.locator("#copied")).to_have_text("Copied. Paste it into a message to IT.")
    await expect(page.locator("#text")).to_be_focused()
    text = await page.locator("#text").input_value()
    lines = text.splitlines()
    assert lines[0].startswith("chatd doctor, 20")
    assert lines[0].endswith(", Chrome or Chromium")
    assert lines[1] == words().verdicts["websocket"][1]
    assert len(lines) == 3 + 2 * len(words().checks)
    for private in ("127.0.0.1", "localhost", "night", "Mozilla", "Linux", anna.base.rpartition(":")[2]):
        assert private not in text
    await tab_to("address")
    await page.keyboard.type("intranet.example.org")
    await page.keyboard.press("Enter")
    await expect(page.locator("#host-said")).to_contain_text("That is no address.")
    await tab_to("Look")


async def test_who_may_show_a_room(serve: Serve, visit: Visit) -> None:
    anna = await visit(await serve("--open", "--set", "embed_origins=https://intranet.example.org"))
    await anna.open(QUICK)
    await done(anna)

    async def ask(address: str) -> None:
        await anna.page.get_by_label("Address of the intranet page").fill(address)
        await anna.page.get_by_role("button", name="Look", exact=True).click()

    await ask("https://other.example.org/page")
    await expect(anna.page.locator("#host-said")).to_contain_text("That intranet page may not show a room.")
    await says(anna, "frame", "Blocked")
    await ask("https://intranet.example.org/sites/ward?x=1")
    await expect(anna.page.locator("#host-said")).to_contain_text("That intranet page may show a room.")
    await says(anna, "frame", "Works")
    assert "intranet.example.org" not in await anna.page.locator("#text").input_value()
    await anna.page.get_by_role("button", name="Look again").click()
    await done(anna)
    await says(anna, "frame", "Works")


async def test_a_screen_reader_hears_the_verdict_and_not_every_check(visit: Visit) -> None:
    anna = await visit()
    await anna.context.add_init_script(
        """window.heard = [];
        document.addEventListener("DOMContentLoaded", () => {
            for (const live of document.querySelectorAll("[role=status]"))
                new MutationObserver(() => heard.push(live.textContent)).observe(live, { childList: true });
        });"""
    )
    await anna.open(QUICK)
    await done(anna)
    heard = await anna.page.evaluate("heard")
    assert heard == [words().verdicts["looking"][1], words().verdicts["websocket"][1]]
    assert (
        await anna.page.locator(
            "#findings[aria-live], #findings [aria-live], #findings [role=status]"
        ).count()
        == 0
    )
    assert await anna.page.locator(".shape:not([aria-hidden=true])").count() == 0


async def test_hide_covers_it_at_once_and_ends_the_look(visit: Visit) -> None:
    anna = await visit()
    sockets: list[WebSocket] = []
    under_way: set[Request] = set()

    def begun(request: Request) -> None:
        under_way.add(request)

    def ended(request: Request) -> None:
        under_way.discard(request)

    def dialled(socket: WebSocket) -> None:
        sockets.append(socket)

    anna.page.on("websocket", dialled)
    anna.page.on("request", begun)
    anna.page.on("requestfinished", ended)
    anna.page.on("requestfailed", ended)
    await anna.open("/doctor?idle_s=30")
    await expect(anna.page.locator(".finding")).to_have_count(len(words().checks))
    for _ in range(3):
        await anna.page.keyboard.press("Shift")
    await expect(anna.page.get_by_role("heading", name="Notes")).to_be_visible()
    await until(lambda: anna.page.url.endswith("/#notes"), "the address of the notes")
    await until(lambda: not under_way, "the end of every request")
    await until(lambda: all(one.is_closed() for one in sockets), "the end of every connection")
    assert sockets


async def test_in_a_frame_the_notes_stand_where_a_reload_finds_them(
    serve: Serve, hosting: Hosting, browser: Browser
) -> None:
    server, host = await place(serve, hosting)
    anna = await guest(browser, server, host)
    await anna.visit(f'<iframe src="{server.url}{QUICK}" title="Doctor" width="600" height="700"></iframe>')
    await anna.frame.get_by_role("button", name="Hide").click()
    await expect(anna.frame.get_by_role("heading", name="Notes")).to_be_visible()
    assert anna.page.frames[1].url == f"{server.url}/doctor#notes"
    await anna.page.frames[1].evaluate("location.reload()")
    await expect(anna.frame.get_by_role("heading", name="Notes")).to_be_visible()
    await expect(anna.frame.locator("#doctor")).to_have_count(0)
