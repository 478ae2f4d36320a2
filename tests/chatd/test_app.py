"""The HTTP side: pages, API, health, and that every answer is guarded and repeats nothing."""

import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from starlette.types import Receive, Scope, Send

from chatd.app import WEB, create_app
from chatd.headers import MAX_BODY_BYTES, MAX_URL_BYTES
from chatd.node import BREAK_ROOM, Node
from chatd.pages import ASK_AGAIN, FOREVER, Pages
from chatd.settings import Settings, SettingsError
from rooms.catalog import RoomSpec
from rooms.store_sql import migrate
from tests.fixtures.stores import Stores

PRIVATE = "quiet-heron-private"


class Browser(httpx.AsyncClient):
    """Asks one application, whose lifespan runs. `node` is the one inside."""

    node: Node


@asynccontextmanager
async def browsing(settings: Settings) -> AsyncIterator[Browser]:
    await migrate(settings.store)  # as `chatd serve` leaves it before the first worker starts
    app = create_app(settings)
    async with app.router.lifespan_context(app) as state:

        async def with_state(scope: Scope, receive: Receive, send: Send) -> None:
            await app({**scope, "state": dict(state or {})}, receive, send)

        transport = httpx.ASGITransport(with_state, raise_app_exceptions=False)
        async with Browser(transport=transport, base_url="http://127.0.0.1:8000") as client:
            client.node = app.state.node
            yield client


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data=tmp_path)


@pytest.fixture
async def client(settings: Settings) -> AsyncIterator[Browser]:
    async with browsing(settings) as client:
        yield client


# ---- pages -------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/", "/room/break-room", "/room/not-there-yet"])
async def test_pages_are_html_and_ask_again(client: Browser, path: str) -> None:
    answer = await client.get(path)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["cache-control"] == ASK_AGAIN
    assert (await client.get(path, headers={"if-none-match": answer.headers["etag"]})).status_code == 304


async def test_what_a_page_refers_to_is_there_and_may_be_kept(client: Browser) -> None:
    for page in ("/", "/room/break-room"):
        referred = set(re.findall(r'(?:href|src)="(/static/[^"]+)"', (await client.get(page)).text))
        assert referred
        for path in referred:
            answer = await client.get(path)
            assert answer.status_code == 200, path
            assert answer.headers["cache-control"] == FOREVER
            # The same without the version is there too, but asks again.
            plain = await client.get(re.sub(r"/static/[0-9a-f]{16}/", "/static/", path))
            assert (plain.content, plain.headers["cache-control"]) == (answer.content, ASK_AGAIN)


def test_modules_name_each_other_relatively() -> None:
    """An absolute path would load a module twice: once with the version, once without."""
    for path in WEB.rglob("*.js"):
        assert not re.search(r"""(?:from|import)\s*\(?\s*["']/""", path.read_text("utf-8")), path


async def test_an_old_version_is_answered_with_the_present_one_that_asks_again(client: Browser) -> None:
    answer = await client.get("/static/0123456789abcdef/base.css")
    assert (answer.status_code, answer.headers["cache-control"]) == (200, ASK_AGAIN)
    # Whatever its page has: what comes on demand brings everything along.
    later = await client.get("/static/0123456789abcdef/in/room/session/door.js")
    assert (later.status_code, later.headers["cache-control"]) == (200, ASK_AGAIN)
    assert '"room/dom.js"in $M' in later.text


@pytest.mark.parametrize(
    "path",
    [
        "/static/",
        "/static/room.html",
        "/static/__init__.py",
        "/static/..%2fchatd/app.py",
        "/static/%2e%2e/pyproject.toml",
        "/static//etc/passwd",
        "/static/client",
        "/static/client/",
        "/static/base.css%00",
    ],
)
async def test_nothing_else_is_served(client: Browser, path: str) -> None:
    assert (await client.get(path)).status_code == 404


async def test_what_pays_is_gzipped_for_those_who_take_it(client: Browser) -> None:
    packed = await client.get("/static/base.css", headers={"accept-encoding": "br, gzip;q=0.5"})
    plain = await client.get("/static/base.css", headers={"accept-encoding": "gzip;q=0, identity"})
    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert packed.content == plain.content
    assert int(packed.headers["content-length"]) < int(plain.headers["content-length"])
    assert packed.headers["etag"] != plain.headers["etag"]
    assert packed.headers["vary"] == "accept-encoding"


def test_the_version_changes_with_any_file(tmp_path: Path) -> None:
    (tmp_path / "a.css").write_text("a")
    (tmp_path / ".hidden.css").write_text("x")
    (tmp_path / "notes.md").write_text("x")
    before = Pages(tmp_path)
    assert "a.css" in before
    assert ".hidden.css" not in before
    assert "notes.md" not in before
    assert Pages(tmp_path).version == before.version
    (tmp_path / "b.css").write_text("")
    assert Pages(tmp_path).version != before.version


# ---- errors ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["BAD", "a b", "-x", "x" * 65, "%00", "a%2fb"])
async def test_no_page_for_what_can_be_no_room(client: Browser, name: str) -> None:
    answer = await client.get(f"/room/{name}")
    assert answer.status_code == 404
    assert "text/html" in answer.headers["content-type"]


@pytest.mark.parametrize(
    "path", ["/{}", "/room/{}X", "/static/{}.js", "/api/{}", "/api/rooms/{}", "/health/{}"]
)
async def test_errors_are_kind_and_quote_nothing(client: Browser, path: str) -> None:
    answer = await client.get(
        path.format(PRIVATE) + "?" + PRIVATE, headers={"referer": PRIVATE, "user-agent": PRIVATE}
    )
    assert answer.status_code == 404
    assert PRIVATE not in answer.text + str(answer.headers)
    if path.startswith(("/api", "/health")):
        assert answer.json().keys() == {"code", "message"}
    else:
        assert "<h1>" in answer.text


async def test_only_reading_is_possible(client: Browser) -> None:
    answer = await client.post("/api/rooms", content=b"{}")
    assert (answer.status_code, answer.json()["code"]) == (405, "http_405")
    assert "GET" in answer.headers["allow"]


async def chunks() -> AsyncIterator[bytes]:
    yield b"x"


async def test_a_long_address_and_a_body_are_turned_away(client: Browser) -> None:
    assert (await client.get("/?" + "q" * MAX_URL_BYTES)).status_code == 414
    assert (await client.post("/api/rooms", content=b"x" * (MAX_BODY_BYTES + 1))).status_code == 413
    assert (await client.post("/api/rooms", content=chunks())).status_code == 413


async def test_a_crash_says_sorry_and_nothing_else(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with browsing(settings) as client:

        def broken() -> None:
            raise RuntimeError(PRIVATE)

        monkeypatch.setattr(client.node, "counts", broken)
        answer = await client.get("/api/rooms")
        assert (answer.status_code, answer.json()["code"]) == (500, "http_500")
        assert PRIVATE not in answer.text
        assert "content-security-policy" in answer.headers


async def test_the_socket_without_a_handshake(client: Browser) -> None:
    answer = await client.get("/ws")
    assert answer.status_code == 426
    assert answer.headers["upgrade"] == "websocket"
    assert "WebSocket" in answer.text


# ---- headers -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/room/x",
        "/static/base.css",
        "/api/rooms",
        "/nope",
        "/api/nope",
        "/ws",
        "/metrics",
        "/?" + "q" * 3000,
    ],
)
async def test_every_answer_is_guarded(client: Browser, path: str) -> None:
    headers = (await client.get(path)).headers
    if path.endswith(".css"):
        # A part of a page is no document: what documents may do is not said thirty times over.
        assert not {"content-security-policy", "permissions-policy"} & set(headers)
    else:
        guarded_document(headers)
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert "server" not in headers
    assert "set-cookie" not in headers
    assert "strict-transport-security" not in headers


def guarded_document(headers: httpx.Headers) -> None:
    policy = dict(part.split(" ", 1) for part in headers["content-security-policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == "'self'"
    assert policy["require-trusted-types-for"] == "'script'"
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert "geolocation=()" in headers["permissions-policy"]


async def test_behind_a_proxy_with_tls_the_socket_is_named(tmp_path: Path) -> None:
    async with browsing(Settings(data=tmp_path, public_url="https://chat.example.org/")) as client:
        headers = (await client.get("/")).headers
    assert "connect-src 'self' wss://chat.example.org;" in headers["content-security-policy"]
    assert headers["strict-transport-security"].startswith("max-age=")


# ---- the API -----------------------------------------------------------------------------------


async def test_rooms_are_listed_with_bands(client: Browser) -> None:
    await client.node.catalog.add(BREAK_ROOM)
    await client.node.catalog.add(RoomSpec(name="hidden", title="Hidden", listed=False))
    assert (await client.get("/api/rooms")).json() == {
        "rooms": [
            {
                "name": "break-room",
                "title": "The break room",
                "kind": "drop-in",
                "band": "nobody yet",
                "open": True,
                "door": "ticket",
                "kept_days": 1,
            }
        ]
    }
    assert (await client.get("/api/rooms")).headers["cache-control"] == "no-store"
    assert (await client.get("/api/rooms/break-room")).json()["title"] == "The break room"
    assert (await client.get("/api/rooms/none")).json()["code"] == "unknown_room"


async def test_who_guesses_a_room_that_is_not_listed_learns_little(
    client: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    await client.node.catalog.add(
        RoomSpec(name="hidden", title="After the fire", kind="knowledge", listed=False)
    )
    monkeypatch.setattr(client.node, "counts", lambda: {"hidden": 7})
    assert (await client.get("/api/rooms/hidden")).json() == {
        "name": "hidden",
        "title": "hidden",
        "kind": "knowledge",
        "band": "",
        "open": False,
        "door": "ticket",
        "kept_days": 30,
    }


@pytest.mark.parametrize("name", ["a%00b", "NOT-VALID", "a%0A", "%F0%9F%8C%99", "a" * 65])
async def test_what_is_no_rooms_name_is_asked_of_no_store(
    postgres_stores: Stores, tmp_path: Path, name: str
) -> None:
    """PostgreSQL refuses a text with a NUL, and that is not the store's trouble but the asker's."""
    async with browsing(Settings(data=tmp_path, database=postgres_stores.address)) as client:
        answer = await client.get(f"/api/rooms/{name}")
        assert (answer.status_code, answer.json()["code"]) == (404, "unknown_room")


@pytest.mark.parametrize(("count", "band"), [(0, "nobody yet"), (1, "a few"), (4, "a few"), (5, "5 or more")])
async def test_numbers_of_people_do_not_leave(
    client: Browser, monkeypatch: pytest.MonkeyPatch, count: int, band: str
) -> None:
    await client.node.catalog.add(BREAK_ROOM)
    monkeypatch.setattr(client.node, "counts", lambda: {"break-room": count})
    assert (await client.get("/api/rooms/break-room")).json()["band"] == band
    assert (await client.get("/api/rooms")).json()["rooms"][0]["band"] == band


async def test_with_open_every_valid_name_is_a_room(tmp_path: Path) -> None:
    async with browsing(Settings(data=tmp_path, open=True)) as client:
        assert (await client.get("/api/rooms/anything")).json()["open"] is True
        assert (await client.get("/api/rooms/NOT-VALID")).status_code == 404
        assert (await client.get("/api/rooms")).json() == {"rooms": []}


async def test_the_descriptions_describe(client: Browser) -> None:
    http = (await client.get("/api/openapi.json")).json()
    assert http["openapi"].startswith("3.1")
    for path in ("/api/rooms", "/api/rooms/{room}", "/health/live", "/health/ready", "/metrics"):
        assert path in http["paths"]
    wire = (await client.get("/api/asyncapi.json")).json()
    assert wire["asyncapi"].startswith("3.")
    names = {message["name"] for message in wire["components"]["messages"].values()}
    assert {"join", "post", "joined", "ok", "error", "posted", "going"} <= names
    assert wire["x-close-codes"]["4000"]["comes_back"] is True
    for described in (http, wire):
        text = json.dumps(described)
        for reference in re.findall(r'"\$ref": "#/([^"]+)"', text):
            at = described
            for part in reference.split("/"):
                at = at[part]


# ---- health and numbers ------------------------------------------------------------------------


async def test_health_of_a_server_that_is_well(client: Browser) -> None:
    assert (await client.get("/health/live")).json()["status"] == "alive"
    ready = await client.get("/health/ready")
    assert (ready.status_code, ready.json()) == (200, {"status": "ok", "degraded": []})


async def test_a_server_without_its_bus_serves_on_and_says_so(tmp_path: Path) -> None:
    async with browsing(Settings(data=tmp_path, redis="redis://127.0.0.1:1")) as client:
        ready = await client.get("/health/ready")
        assert (ready.status_code, ready.json()) == (200, {"status": "degraded", "degraded": ["bus"]})


async def test_a_server_that_goes_is_not_ready(client: Browser) -> None:
    await client.node.drain(0.0)
    ready = await client.get("/health/ready")
    assert (ready.status_code, ready.json()["status"]) == (503, "not_ready")
    assert (await client.get("/health/live")).status_code == 200


async def test_numbers_for_prometheus(client: Browser) -> None:
    answer = await client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert 'chatd_connections{worker="0"} 0.0' in answer.text


async def test_what_keeps_the_node_from_starting_is_kept(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("damaged")
    app = create_app(Settings(data=tmp_path))
    with pytest.raises(SettingsError, match="32 bytes"):
        async with app.router.lifespan_context(app):
            pass
    assert "32 bytes" in str(app.state.start_error)


async def test_head_is_get_without_the_body(client: Browser) -> None:
    answer = await client.head("/")
    assert (answer.status_code, answer.content) == (200, b"")
