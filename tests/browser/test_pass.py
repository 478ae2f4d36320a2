"""The whole way of a staff pass in a browser: asked for early, shown late, and never beside who one is."""

import json
import re

import pytest
from playwright.async_api import Request, WebSocket, expect

from tests.browser.test_access import clean
from tests.fixtures.browsers import Person, Visit
from tests.fixtures.servers import Serve, Server, run_chatd

AGREE, TALK = "I agree", "Come in and talk"


async def pass_room(server: Server) -> None:
    words = ("room", "add", "circle", "--door", "pass", "--data", str(server.data))
    assert (await run_chatd(*words, cwd=server.data))[0] == 0


async def link(server: Server, *who: str) -> str:
    """The way to the room from the intranet, for somebody."""
    words = ("ticket", "--room", "circle", *who, "--data", str(server.data))
    code, out, err = await run_chatd(*words, cwd=server.data)
    assert code == 0, err
    return re.sub(r"^\S+?(?=/room/)", "", out.strip())


class Heard:
    """What leaves one page: by HTTP, and by WebSocket."""

    def __init__(self, person: Person) -> None:
        self.requests: list[Request] = []
        self.frames: list[str] = []
        person.page.on("request", lambda request: self.requests.append(request))  # noqa: PLW0108  a builtin cannot be marked, as Playwright does
        person.page.on("websocket", self._opened)

    def _opened(self, socket: WebSocket) -> None:
        socket.on("framesent", lambda frame: self.frames.append(str(frame)))

    def joins(self) -> list[dict[str, object]]:
        return [frame for frame in map(json.loads, self.frames) if frame["t"] == "join"]


async def test_a_pass_opens_the_room_and_nobody_sees_whose(serve: Serve, visit: Visit) -> None:
    server = await serve("--set", "pass_wait_s=4")
    await pass_room(server)
    ticket = await link(server, "--subject", "canary-anna")
    anna = await visit(server)
    heard = Heard(anna)
    await anna.open(ticket)
    await anna.page.get_by_role("button", name=AGREE).click()
    await anna.page.get_by_role("button", name=TALK).click()
    # She comes in by herself, some seconds after the pass came.
    await anna.say("I am here.")
    handle = heard.joins()[0]
    assert str(handle["pass"]).startswith("20")
    asked = [request for request in heard.requests if request.url.endswith("/issuer/pass")]
    assert len(asked) == 1
    assert (await asked[0].all_headers())["authorization"].startswith("Bearer ")
    token = ticket.partition("#ticket=")[2]
    assert not [frame for frame in heard.frames if token in frame or "canary" in frame]
    for request in heard.requests:
        assert request is asked[0] or "authorization" not in await request.all_headers()
    # What ties the two is dropped: the tab keeps the pass alone.
    kept = json.loads(await anna.page.evaluate("sessionStorage.getItem('chatd.pass.circle')"))
    assert kept.keys() == {"period", "n", "prepared", "token", "from"}

    # A reload keeps the seat; who has left comes in again with the pass of the tab, as who they were.
    before = await anna.page.evaluate("sessionStorage.getItem('chatd.seat.circle')")
    await anna.page.reload()
    await anna.sees("I am here.")
    assert before
    await anna.page.evaluate("sessionStorage.removeItem('chatd.seat.circle')")
    await anna.open("/room/circle")
    await anna.page.get_by_role("button", name=AGREE).click()
    await anna.page.get_by_role("button", name=TALK).click()
    await anna.say("And again.")
    assert await anna.page.locator(".post.own").count() == 2
    assert len([request for request in heard.requests if request.url.endswith("/issuer/pass")]) == 1

    # In another browser there is no second one for her.
    tablet = await visit(server)
    await tablet.open(await link(server, "--subject", "canary-anna"))
    await expect(tablet.page.locator("#shut-why")).to_contain_text("was given to another page")
    # And none for whoever does not say who they are.
    nobody = await visit(server)
    await nobody.open("/room/circle")
    await expect(nobody.page.locator("#shut-why")).to_contain_text("for people who work here")
    # Who facilitates comes in with a ticket, and asks for no pass.
    lead = await visit(server)
    told = Heard(lead)
    await lead.open(await link(server, "--role", "facilitator"))
    await lead.page.get_by_role("button", name=AGREE).click()
    await lead.page.get_by_role("button", name=TALK).click()
    await lead.sees("And again.")
    assert ("ticket" in told.joins()[0], "pass" in told.joins()[0]) == (True, False)
    assert not [request for request in told.requests if request.url.endswith("/issuer/pass")]
    for person, status in ((tablet, "409"), (nobody, "401")):
        assert [complaint for complaint in person.complaints if status not in complaint] == []
        person.complaints.clear()


@pytest.mark.parametrize("language", ["en", "ar"])
async def test_the_wait_is_explained_and_nobody_has_to_wait(
    serve: Serve, visit: Visit, language: str
) -> None:
    server = await serve("--set", "pass_wait_s=3600")
    await pass_room(server)
    ben = await visit(server)
    await ben.open((await link(server, "--subject", "ben")).replace("#", f"?lang={language}#"))
    await ben.page.locator("#agree").click()
    await ben.page.locator("#listen").click()
    shown = ben.page.locator("#entry-shut")
    await expect(shown.get_by_role("button")).to_have_count(1)
    await expect(shown).to_contain_text(re.compile(r"([0-9a-f]{4} ){4}[0-9a-f]{4}"))
    await clean(ben, "the wait for a pass")
    await shown.get_by_role("button").click()
    await expect(ben.page.locator("#room")).to_be_visible()
