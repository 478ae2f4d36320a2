"""Whatever the network lets through, people get in, stay in, and notice nothing of the way there."""

from collections.abc import AsyncIterator
from typing import Literal

import pytest
from playwright.async_api import expect

from tests.browser.middlebox import Middlebox, Sockets
from tests.fixtures.browsers import Person, Visit
from tests.fixtures.servers import Serve, Server, until

FALLBACK_S = 5.0
Way = Literal["ws", "sse", "poll"]
PATHS: dict[Way, str] = {"ws": "/ws", "sse": "/sse", "poll": "/poll"}


@pytest.fixture
async def server(serve: Serve) -> Server:
    """One that takes a member who polls for gone before a test grows old."""
    return await serve("--open", environ={"CHATD_POLL_PARK_S": "2"})


@pytest.fixture
async def box(server: Server) -> AsyncIterator[Middlebox]:
    async with Middlebox(server.url) as box:
        yield box


async def behind(box: Middlebox, visit: Visit) -> Person:
    """Somebody who reaches the server through `box`."""
    person = await visit()
    person.base = box.url
    person.may_lose_network = True
    return person


def only(way: Way, box: Middlebox) -> None:
    """Have the box let nothing better through."""
    box.sockets = "open" if way == "ws" else "refused"
    box.holds_streams = way == "poll"


async def carried(box: Middlebox, way: Way) -> None:
    """It is this way that goes on. Between two polls there is a moment without any."""
    await until(lambda: box.open_now(PATHS[way]) == 1, f"one {way}")


def forgive(person: Person) -> None:
    """Chromium writes to the console what became of a connection; that is what these tests are about."""
    known = ("WebSocket", "Failed to load resource: net::ERR_")
    person.complaints[:] = [said for said in person.complaints if not any(word in said for word in known)]


@pytest.mark.parametrize(
    ("sockets", "holds_streams"), [("refused", False), ("hung", True), ("mute", False), ("dying", True)]
)
async def test_without_a_websocket_one_is_in_within_five_seconds(
    box: Middlebox, visit: Visit, sockets: Sockets, holds_streams: bool
) -> None:
    box.sockets, box.holds_streams = sockets, holds_streams
    anna, ben = await behind(box, visit), await visit()
    await ben.enter("night")
    await anna.enter("night")
    # A handle is drawn by whatever way stands: the page has one from then on. Where the machine has much
    # else to do, all takes longer, by about what the page itself took to load.
    slowness = box.first("/ws") - box.first("/room/night")
    assert box.first("/send") - box.first("/ws") < FALLBACK_S + slowness
    await carried(box, "poll" if holds_streams else "sse")
    assert box.count("/sse" if holds_streams else "/poll") == 0

    await anna.say("I am here.")
    await ben.say("So am I.")
    await anna.sees("So am I.")
    await expect(anna.page.locator("#side")).to_contain_text("2 people here")
    assert await anna.texts() == await ben.texts() == ["I am here.", "So am I."]
    await expect(anna.page.locator("#status")).to_be_hidden()
    forgive(anna)


@pytest.mark.parametrize("way", ["ws", "sse", "poll"])
async def test_a_radio_gap_loses_nothing_and_doubles_nothing(box: Middlebox, visit: Visit, way: Way) -> None:
    only(way, box)
    anna, ben = await behind(box, visit), await visit()
    await ben.enter("night")
    anna_is = await anna.enter("night")
    await anna.say("before")
    await ben.sees("before")

    # Long enough to be taken for gone.
    box.down = True
    await box.cut()
    await anna.send("during, first")
    await ben.say("while anna was away")
    await anna.send("during, second")
    await expect(anna.post("during, second")).to_contain_text("Kept until you are back")
    await expect(ben.page.locator("#side")).not_to_contain_text("2 people here")
    await ben.say("still away")

    box.down = False
    await anna.delivered("during, second")
    await ben.sees("during, second")
    said = ["before", "while anna was away", "still away", "during, first", "during, second"]
    assert await ben.texts() == await anna.texts() == said
    await expect(anna.page.locator("#side")).to_contain_text("2 people here")
    await expect(anna.page.locator("#side")).to_contain_text(anna_is)
    await expect(anna.page.locator("#status")).to_be_hidden()
    await carried(box, way)
    forgive(anna)


async def test_answers_that_are_lost_on_the_way_are_said_once(box: Middlebox, visit: Visit) -> None:
    """Cut again and again in the middle of requests: long polling and what is said come through whole."""
    only("poll", box)
    anna, ben = await behind(box, visit), await visit()
    await ben.enter("night")
    await anna.enter("night")
    said = [f"line {number}" for number in range(8)]
    for number, text in enumerate(said):
        await (anna if number % 2 else ben).send(text)
        await until(lambda: box.open_now("/poll") > 0, "a poll")
        await box.cut()
        await anna.sees(text)
        await ben.sees(text)
    await anna.delivered(said[-1])
    assert await ben.texts() == await anna.texts() == said
    forgive(anna)


@pytest.mark.parametrize("way", ["sse", "poll"])
async def test_it_moves_up_when_it_can_and_keeps_the_seat(box: Middlebox, visit: Visit, way: Way) -> None:
    only(way, box)
    anna, ben = await behind(box, visit), await visit()
    await ben.enter("night")
    anna_is = await anna.enter("night")
    await anna.say("by the back door")

    # What was shut is open, and the device says that its network is another one.
    only("ws", box)
    await anna.page.evaluate("dispatchEvent(new Event('online'))")
    await until(lambda: box.open_now("/ws") == 1 and box.open_now(PATHS[way]) == 0, "the WebSocket alone")
    await ben.say("I hear you")
    await anna.sees("I hear you")
    await anna.say("and now by the front")
    await expect(anna.page.locator("#side")).to_contain_text(anna_is)
    await expect(anna.page.locator("#side")).to_contain_text("2 people here")
    assert await ben.texts() == await anna.texts()
    assert await anna.page.evaluate("localStorage.getItem('chatd.way')") is None
    forgive(anna)


async def test_it_begins_with_what_worked_last(box: Middlebox, visit: Visit) -> None:
    only("sse", box)
    anna = await behind(box, visit)
    await anna.enter("night")
    await anna.say("hello")
    assert await anna.page.evaluate("JSON.stringify(localStorage)") == '{"chatd.way":"\\"sse\\""}'
    tried = box.count("/ws")
    await anna.page.reload()
    await expect(anna.page.locator("#room")).to_be_visible()
    await anna.sees("hello")
    assert box.count("/ws") == tried
    forgive(anna)


async def test_leaving_is_told_at_once_whatever_the_way(box: Middlebox, visit: Visit) -> None:
    ben = await visit()
    await ben.enter("night")
    for way in ("sse", "poll"):
        only(way, box)
        anna = await behind(box, visit)
        await anna.enter("night")
        await expect(ben.page.locator("#side")).to_contain_text("2 people here")
        await anna.page.locator("#room [data-hide]").first.click()
        await expect(ben.page.locator("#side")).not_to_contain_text("2 people here")
        forgive(anna)
