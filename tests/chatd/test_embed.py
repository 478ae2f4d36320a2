"""The frame's side of HTTP: who may show a room, what the page is told, what another origin may load."""

import re
from pathlib import Path
from typing import Final

import pytest

from chatd.pages import FOREVER
from chatd.settings import Settings
from rooms.catalog import RoomSpec
from tests.chatd.test_app import browsing
from tests.fixtures.servers import run_chatd
from tests.tree import ROOT

INTRANET: Final = "https://intranet.example.org"
WARD: Final = "https://ward.example.org"


def ancestors(policy: str) -> list[str]:
    [found] = [part for part in policy.split("; ") if part.startswith("frame-ancestors ")]
    return found.split(" ")[1:]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(
        data=tmp_path, embed_origins=(INTRANET,), sign_in_url='https://intranet.example.org/s?a="&r={room}'
    )


async def test_only_listed_pages_may_show_a_room(settings: Settings) -> None:
    async with browsing(settings) as client:
        for name, embed in (("a", None), ("b", (WARD,)), ("c", ())):
            await client.node.catalog.add(RoomSpec(name=name, title=name, embed=embed))
        for path, expected in {
            "/embed/a": ["'self'", INTRANET],
            "/embed/b": ["'self'", WARD],
            "/embed/c": ["'self'"],
            "/embed/not-there": ["'self'", INTRANET],
            "/embed/a/window": ["'self'"],
            "/room/a": ["'self'"],
            "/signed-in": ["'self'"],
            "/": ["'self'"],
        }.items():
            answer = await client.get(path)
            assert answer.status_code == 200
            [policy] = answer.headers.get_list("content-security-policy")
            assert ancestors(policy) == expected, path
            assert "default-src 'none'; script-src 'self'" in policy
            assert "unsafe" not in policy
            assert "x-frame-options" not in answer.headers


async def test_the_frame_is_the_rooms_page_with_a_few_words_on_its_root(settings: Settings) -> None:
    async with browsing(settings) as client:
        await client.node.catalog.add(RoomSpec(name="a", title="a", embed=(INTRANET, WARD)))
        page = (await client.get("/embed/a?theme=dark&lang=fy&ticket=nothing-of-a-query-is-repeated")).text
        room = (await client.get("/room/a")).text
    assert (
        '<html class="embedded" data-hosts="https://intranet.example.org https://ward.example.org" ' in page
    )
    assert 'data-theme="dark" ' in page
    assert ' lang="en" dir="ltr">' in page
    assert 'data-sign-in="https://intranet.example.org/s?a=&quot;&amp;r={room}"' in page
    assert "nothing-of-a-query" not in page
    assert "The room cannot start inside this frame." in page
    # Else it is the same page.
    root = re.compile(r"<html[^>]*>")
    cut_off = re.compile(r'<p class="cut-off">.*</p>\s*<main hidden ')
    page = cut_off.sub("<main ", root.sub("", page)).replace("/in/frame/room/app.js", "/in/room/room/app.js")
    assert page == root.sub("", room)


async def test_the_room_says_where_to_sign_in_wherever_it_is_shown(
    settings: Settings, tmp_path: Path
) -> None:
    paths = ("/room/a", "/embed/a", "/embed/a/window")
    async with browsing(settings) as client:
        for path in paths:
            page = (await client.get(path)).text
            assert page.count('data-sign-in="https://intranet.example.org/s?a=&quot;&amp;r={room}"') == 1, (
                path
            )
            assert page.count("<html") == 1
    async with browsing(Settings(data=tmp_path / "other")) as client:
        for path in paths:
            assert "data-sign-in" not in (await client.get(path)).text, path


@pytest.mark.parametrize("theme", ["auto", "", "red", '"><script>'])
async def test_a_theme_that_is_none_is_the_devices(settings: Settings, theme: str) -> None:
    async with browsing(settings) as client:
        page = (await client.get("/embed/a", params={"theme": theme})).text
    assert "data-theme" not in page
    assert re.findall(r'<script (?:async )?type="([\w/]+)', page) == ["application/json", "module", "module"]
    assert page.count("<script") == 3


async def test_names_that_no_room_has_are_not_there(settings: Settings) -> None:
    async with browsing(settings) as client:
        for path in ("/embed/NOT-VALID", "/embed/NOT-VALID/window", "/embed/", "/embed/a/b"):
            assert (await client.get(path)).status_code == 404, path


async def test_where_the_list_cannot_be_read_nobody_frames(settings: Settings) -> None:
    async with browsing(settings) as client:
        await client.node.log.close()
        answer = await client.get("/embed/a")
    assert answer.status_code == 503
    assert ancestors(answer.headers["content-security-policy"]) == ["'self'"]


async def test_the_script_and_its_modules_and_nothing_else_load_on_other_pages(settings: Settings) -> None:
    async with browsing(settings) as client:
        script = await client.get("/embed.js")
        imports = re.findall(r'"\./([^"]+)"', script.text)
        assert imports
        for path in ("embed.js", *imports, "static/embed/messages.js"):
            answer = await client.get(f"/{path}")
            assert answer.status_code == 200, path
            assert answer.headers["content-type"].startswith("text/javascript")
            assert answer.headers.get_list("access-control-allow-origin") == ["*"]
            assert answer.headers.get_list("cross-origin-resource-policy") == ["cross-origin"]
            assert "access-control-allow-credentials" not in answer.headers
        for path in imports:
            assert (await client.get(f"/{path}")).headers["cache-control"] == FOREVER
        for path in (
            "/static/room/app.js",
            "/static/tokens.css",
            "/embed/a",
            "/room/a",
            "/api/rooms",
            "/signed-in",
        ):
            answer = await client.get(path, headers={"origin": "https://elsewhere.example"})
            assert "access-control-allow-origin" not in answer.headers, path
            assert answer.headers["cross-origin-resource-policy"] == "same-origin", path


async def test_only_windows_that_speak_with_their_opener_keep_it(settings: Settings) -> None:
    async with browsing(settings) as client:
        for path, policy in {
            "/signed-in": "unsafe-none",
            "/embed/a/window": "unsafe-none",
            "/embed/a": "same-origin",
            "/room/a": "same-origin",
        }.items():
            assert (await client.get(path)).headers.get_list("cross-origin-opener-policy") == [policy], path


def test_a_ticket_never_stands_where_a_server_reads_it() -> None:
    """Neither in a query nor in a path: the scripts that could put it there do not."""
    for file in (ROOT / "web").rglob("*.js"):
        assert not re.search(r"[?&](ticket|token|seat)=", file.read_text("utf-8")), file


def test_nothing_ever_stands_on_a_lock_screen() -> None:
    """No script of ours asks for what could put something there."""
    shown = re.compile(r"\bNotification\b|serviceWorker|pushManager|setAppBadge|mediaSession")
    for file in (ROOT / "web").rglob("*.js"):
        assert not shown.search(file.read_text("utf-8")), file


# ---- the command line ------------------------------------------------------------------------------


async def test_a_rooms_list_is_set_on_the_command_line(tmp_path: Path) -> None:
    async def listed() -> tuple[str, ...] | None:
        async with browsing(Settings(data=tmp_path / "data")) as client:
            spec = await client.node.catalog.get("icu")
        assert spec is not None
        return spec.embed

    assert (await run_chatd("room", "add", "icu", "--embed", f"{INTRANET}/", cwd=tmp_path))[0] == 0
    assert await listed() == (INTRANET,)
    for words, expected in (
        (["--embed", INTRANET, "--embed", WARD, "--embed", WARD], (INTRANET, WARD)),
        (["--embed", "none"], ()),
        (["--embed", "default"], None),
    ):
        code, out, _ = await run_chatd("room", "edit", "icu", *words, cwd=tmp_path)
        assert (code, out) == (0, "http://127.0.0.1:8000/room/icu\n")
        assert await listed() == expected


@pytest.mark.parametrize(
    ("args", "sentence"),
    [
        (
            ("icu", "--embed", "https://*.example.org"),
            "--embed takes origins like https://intranet.example.org",
        ),
        (("icu", "--embed", "default", "--embed", WARD), "--embed takes origins"),
        (("icu", "--title", " "), "A room's title has 1 to 120 characters."),
        (("icu", "--capacity", "0"), "A room holds 1 to 100000 people."),
        (("icu",), "Say what to change"),
        (("none", "--title", "x"), "There is no room none."),
    ],
)
async def test_what_cannot_be_changed_is_said(tmp_path: Path, args: tuple[str, ...], sentence: str) -> None:
    await run_chatd("room", "add", "icu", cwd=tmp_path)
    code, out, err = await run_chatd("room", "edit", *args, cwd=tmp_path)
    assert (code, out) == (2, "")
    assert err.startswith(sentence)
