"""Who cannot come in is told so at once: the kind sentence, and one way on."""

import re

from playwright.async_api import expect

from chatd.wire import MESSAGES, ErrorCode
from tests.browser.test_access import clean
from tests.fixtures.browsers import LOOKS, Person, Visit
from tests.fixtures.servers import Serve, Server, run_chatd


async def ticket_room(server: Server) -> str:
    """A room that asks for a ticket, on a server that runs; the room and a link that opens it once."""
    data = ("--data", str(server.data))
    assert (await run_chatd("room", "add", "circle", "--title", "Circle", *data, cwd=server.data))[0] == 0
    code, out, _ = await run_chatd("ticket", "--room", "circle", *data, cwd=server.data)
    assert code == 0
    return re.sub(r"^\S+?(?=/room/)", "", out.strip())


async def shut(person: Person, code: ErrorCode) -> None:
    """The page shows why, one button, and (as everywhere) Hide; no rules and no handle."""
    page = person.page
    await expect(page.get_by_role("heading")).to_have_text([MESSAGES[code]])
    await expect(page.locator("#shut-why")).to_be_focused()
    await expect(page.locator("main a:visible, main button:visible")).to_have_text(["Hide", "Show the rooms"])
    await expect(page.locator("main p:visible").filter(has_text=re.compile(r"\S"))).to_have_count(0)
    await page.get_by_role("link", name="Show the rooms").click()
    await expect(page.locator("#lobby")).to_be_visible()


async def test_a_room_that_is_not_there(serve: Serve, visit: Visit) -> None:
    server = await serve()
    for look in LOOKS:
        anna = await visit(server, **look)
        await anna.open("/room/nowhere")
        await expect(anna.page.locator("#shut-why")).to_be_visible()
        await clean(anna, f"shut, {look}")
        await shut(anna, ErrorCode.UNKNOWN_ROOM)
        # Chromium writes each 404 to the console; this one is the answer to whether there is such a room.
        assert [complaint for complaint in anna.complaints if "404" not in complaint] == []
        anna.complaints.clear()


async def test_a_room_that_asks_for_a_ticket(serve: Serve, visit: Visit) -> None:
    server = await serve()
    link = await ticket_room(server)
    anna, ben = await visit(server), await visit(server)
    await anna.open("/room/circle")
    await shut(anna, ErrorCode.TICKET_NEEDED)

    # With the link one comes in, and a reload keeps the seat without it.
    await ben.open(link)
    await ben.page.get_by_role("button", name="I agree").click()
    await ben.page.get_by_role("button", name="Come in and talk").click()
    await ben.say("I am here.")
    await ben.page.reload()
    await ben.sees("I am here.")

    # It works once: whoever opens it again is told before the rules.
    cleo = await visit(server)
    await cleo.open(link)
    await shut(cleo, ErrorCode.TICKET_SPENT)


async def test_with_open_no_room_asks_for_a_ticket(serve: Serve, visit: Visit) -> None:
    server = await serve("--open")
    await ticket_room(server)
    anna = await visit(server)
    await anna.enter("circle")
    await anna.say("No ticket was asked for.")
