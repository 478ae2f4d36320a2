"""Every door there is, found by walking the application's routes: no answer without its headers, and nothing
changes for a page of another origin, whoever adds a route."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from starlette.routing import Route

from chatd.app import create_app
from chatd.settings import Settings
from tests.chatd.test_app import Browser, browsing, guarded_document

OWN_POLICY = frozenset({"/embed/{room}", "/embed.js", "/static/{path:path}"})
"""Whose answers others may load or show, where the operator lists them (`chatd/embed.py`)."""
SPEAKS = frozenset({"/embed/{room}/window", "/signed-in"})
"""Windows that keep their opener, to tell it that they are done."""
HERE, THERE = "https://chat.example.org", "https://elsewhere.example"
FILLED = {"room": "break-room", "name": "tea", "path": "base.css", "occurrence": "20261201T190000Z"}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data=tmp_path, public_url=HERE, open=True)


@pytest.fixture
async def client(settings: Settings) -> AsyncIterator[Browser]:
    async with browsing(settings) as client:
        yield client


def doors(settings: Settings) -> list[tuple[str, str, str]]:
    """(method, path as it is written in the route, a path that leads there)."""
    found = []
    for route in create_app(settings).routes:
        assert isinstance(route, Route), "what is no route is not looked at here"
        path = "/".join(
            FILLED.get(part[1:-1].partition(":")[0], "x") if part.startswith("{") else part
            for part in route.path.replace("{name}.ics", "tea.ics").split("/")
        )
        found += [(method, route.path, path) for method in sorted(route.methods or ()) if method != "HEAD"]
    return found


def judged(method: str, route: str, answer: httpx.Response) -> None:
    headers = answer.headers
    where = f"{method} {route} answered {answer.status_code}"
    assert headers["x-content-type-options"] == "nosniff", where
    assert headers["strict-transport-security"].startswith("max-age="), where
    assert "text/csv" not in headers.get("content-type", ""), where
    if route in OWN_POLICY:
        return
    assert headers["referrer-policy"] == "no-referrer", where
    assert headers["cross-origin-resource-policy"] == "same-origin", where
    assert headers.get("access-control-allow-origin", HERE) != "*", where
    assert "access-control-allow-credentials" not in headers, where
    if headers.get("content-type", "").startswith("text/html"):
        if headers["cross-origin-opener-policy"] == "unsafe-none":
            assert route in SPEAKS, where
            headers = httpx.Headers({**headers, "cross-origin-opener-policy": "same-origin"})
        guarded_document(headers)
    else:
        assert "default-src 'none'" in headers["content-security-policy"], where


async def test_every_answer_of_every_route_has_its_headers(client: Browser, settings: Settings) -> None:
    seen = doors(settings)
    assert len(seen) > 30
    for method, route, path in seen:
        judged(method, route, await client.request(method, path))


async def test_nothing_is_done_for_a_page_of_another_origin(client: Browser, settings: Settings) -> None:
    """Also without CORS: a form or `fetch` in mode no-cors is sent by every browser, with its Origin."""
    changing = [door for door in doors(settings) if door[0] in {"POST", "PUT", "DELETE", "PATCH"}]
    assert len(changing) > 8
    for method, route, path in changing:
        for origin in (THERE, "null", HERE + ".example"):
            answer = await client.request(method, path, headers={"origin": origin}, json={})
            assert answer.status_code == 403, f"{method} {route} answered {answer.status_code} to {origin}"
            assert "access-control-allow-origin" not in answer.headers, route
