"""What the doctor's page asks of the server: how a request arrived, and nothing of who sent it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from chatd.pages import ASK_AGAIN
from chatd.settings import Settings
from tests.chatd.test_app import PRIVATE, Browser, browsing


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[Browser]:
    async with browsing(Settings(data=tmp_path, embed_origins=("https://intranet.example.org",))) as client:
        yield client


async def test_the_page_may_be_shown_where_rooms_may(client: Browser) -> None:
    answer = await client.get("/doctor")
    assert (answer.status_code, answer.headers["cache-control"]) == (200, ASK_AGAIN)
    policy = answer.headers["content-security-policy"]
    assert "frame-ancestors 'self' https://intranet.example.org;" in policy
    assert "require-trusted-types-for 'script'" in policy


@pytest.mark.parametrize(
    ("fields", "forwarded", "via"),
    [
        ({}, "", False),
        ({"x-forwarded-proto": "https"}, "https", False),
        ({"x-forwarded-proto": "HTTPS, http"}, "https", False),
        ({"x-forwarded-proto": PRIVATE}, "", False),
        ({"forwarded": f'for="[2001:db8::1]";proto=https;host={PRIVATE}'}, "https", False),
        ({"forwarded": 'for=192.0.2.1;Proto="HTTP"', "via": f"1.1 {PRIVATE}"}, "http", True),
        ({"forwarded": "for=192.0.2.1;proto=httpsx"}, "", False),
    ],
)
async def test_how_a_request_arrived(
    fields: dict[str, str], forwarded: str, via: bool, client: Browser
) -> None:
    answer = await client.get("/doctor/seen", headers=fields)
    assert answer.json() == {
        "chatd": 1, "http": "1.1", "scheme": "http", "forwarded": forwarded, "via": via,
    }  # fmt: skip
    assert answer.headers["cache-control"] == "no-store"
    for private in (PRIVATE, "192.0.2.1", "2001:db8", "127.0.0.1"):
        assert private not in answer.text
