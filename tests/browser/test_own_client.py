"""A page of somebody else's, built on web/client/: the example in the documents, run as it stands there."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
from playwright.async_api import expect

from tests.browser.middlebox import Middlebox
from tests.fixtures.browsers import Person, Visit
from tests.fixtures.servers import Serve, Server, run_chatd
from tests.tree import ROOT

EXAMPLE = ROOT / "docs/examples/own-client.html"
THEIR_SERVER = "https://chat.example.org"
LINES = 40
MODULES = sorted(path.name for path in (ROOT / "web/client").glob("*.js"))


class Host:
    """Another origin: one page, for whoever asks."""

    def __init__(self) -> None:
        self.page = ""
        self.origin = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        body = self.page.encode()
        head = f"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {len(body)}"
        writer.write(f"{head}\r\nConnection: close\r\n\r\n".encode() + body)
        await writer.drain()
        writer.close()


@pytest.fixture
async def host() -> AsyncIterator[Host]:
    host = Host()
    server = await asyncio.start_server(host.serve, "127.0.0.1", 0)
    async with server:
        host.origin = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        yield host


async def start(serve: Serve, origin: str) -> Server:
    return await serve("--open", environ={"CHATD_ORIGINS": origin})


async def own_page(host: Host, chat: str, visit: Visit) -> Person:
    host.page = EXAMPLE.read_text("utf-8").replace(THEIR_SERVER, chat)
    person = await visit()
    person.base = host.origin
    await person.open("/")
    return person


def forgive(person: Person, chat: str) -> None:
    """It is the point that this page speaks with another origin; and a browser asks any for its icon."""
    known = (f"request to {chat}", "WebSocket")
    person.complaints[:] = [said for said in person.complaints if not any(word in said for word in known)]


@pytest.mark.parametrize("sockets", ["open", "refused"])
async def test_the_example_is_a_client(serve: Serve, host: Host, visit: Visit, sockets: str) -> None:
    server = await start(serve, host.origin)
    async with Middlebox(server.url) as box:
        box.sockets = "open" if sockets == "open" else "refused"
        own, ben = await own_page(host, box.url, visit), await visit(server)
        await own.page.get_by_role("button", name="Come in").click()
        await own.page.get_by_label("Your message").fill("From a page of our own")
        await own.page.get_by_role("button", name="Send").click()
        await ben.enter("night")
        await ben.sees("From a page of our own")
        await ben.say("Welcome")
        said = own.page.locator("#said li")
        await expect(said).to_have_count(2)
        await expect(said.first).to_contain_text(": From a page of our own")
        await expect(own.page.locator("#who")).to_contain_text("2 are here")
        assert box.open_now("/ws") == (1 if sockets == "open" else 0)
        forgive(own, box.url)
        await own.page.close()


async def test_a_ticket_stands_beside_the_seat_of_the_tab(serve: Serve, host: Host, visit: Visit) -> None:
    """A reload is the same person; after `stop` nothing wakes the seat any more."""
    server = await serve(environ={"CHATD_ORIGINS": host.origin})
    added = await run_chatd("room", "add", "night", "--data", str(server.data), cwd=server.data)
    assert added[0] == 0, added[2]
    args = ("--room", "night", "--data", str(server.data), "--many")
    code, out, err = await run_chatd("ticket", *args, cwd=server.data)
    assert code == 0, err
    jwt = out.strip().partition("#ticket=")[2]
    host.page = EXAMPLE.read_text("utf-8").replace(THEIR_SERVER, server.url)
    host.page = host.page.replace(
        "changed: show });", f"changed: show, ticket: '{jwt}' }}); window.seat = seat;"
    )
    own = await visit()
    own.base = host.origin
    await own.open("/")
    await own.page.get_by_role("button", name="Come in").click()
    who = own.page.locator("#who")
    await expect(who).to_contain_text("are here")
    said = await who.inner_text()
    await own.page.reload()
    await expect(who).to_have_text(said)
    await own.page.evaluate("window.seat.stop()")
    assert await own.page.evaluate("window.seat.connection.state") == "idle"
    await own.page.evaluate("dispatchEvent(new Event('online')); dispatchEvent(new Event('offline'))")
    assert await own.page.evaluate("window.seat.connection.state") == "idle"
    forgive(own, server.url)
    await own.page.close()


async def test_a_page_that_is_not_listed_gets_nothing(serve: Serve, host: Host, visit: Visit) -> None:
    server = await start(serve, "https://intranet.example.org")
    own = await own_page(host, server.url, visit)
    await expect(own.page.locator("#who")).to_have_text("One moment …")
    assert any("blocked by CORS policy" in complaint for complaint in own.complaints)
    own.complaints.clear()


async def test_modules_name_exactly_the_origin_that_asks(serve: Serve) -> None:
    listed = "https://intranet.example.org"
    server = await start(serve, listed)
    async with httpx.AsyncClient(base_url=server.url) as client:
        for name in MODULES:
            for origin, answered in ((listed, listed), ("https://elsewhere.example.org", None), (None, None)):
                headers = {} if origin is None else {"origin": origin}
                answer = await client.get(f"/static/client/{name}", headers=headers)
                assert answer.status_code == 200
                assert answer.headers.get("access-control-allow-origin") == answered
                assert "origin" in answer.headers["vary"]
                assert "access-control-allow-credentials" not in answer.headers
        answer = await client.get("/static/room/app.js", headers={"origin": listed})
        assert "access-control-allow-origin" not in answer.headers


def test_the_example_is_short() -> None:
    assert len(EXAMPLE.read_text("utf-8").splitlines()) <= LINES
