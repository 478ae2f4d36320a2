"""`chatd doctor --url`: what it says of a good way, and of ways that are broken on purpose.

Those that need a real intermediary are in tests/proxies/test_doctor.py.
"""

import asyncio
import socket
import sqlite3
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack, closing
from pathlib import Path
from typing import Any

import pytest

from chatd.doctor.findings import Finding, Report, judge, words
from chatd.doctor.http import Reach
from chatd.doctor.seen import Seen
from chatd.doctor.url import Options, measure, try_speed_and_sending
from tests.chatd.bad_paths import Spoiler, answer, certify, ending_tls
from tests.chatd.shared_server import shared_server
from tests.fixtures.servers import Serve, run_chatd

BLOCKED = answer("403 Forbidden", b"<h1>This category is blocked</h1>")


async def looked(url: str, **options: Any) -> tuple[Seen, Report]:
    """What the doctor sees from here, and what it makes of it. Quiet for a second only."""
    seen = await asyncio.to_thread(measure, Reach.to(url), Options(url=url, **{"idle_s": 1} | options))
    return seen, judge(seen)


def outcomes(report: Report) -> dict[str, str]:
    return {finding.check: finding.outcome for finding in report.findings}


def found(report: Report, check: str) -> Finding:
    return next(finding for finding in report.findings if finding.check == check)


def port_of(url: str) -> int:
    return int(url.rpartition(":")[2])


@pytest.fixture(scope="module")
def server_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One server for all tests that need nothing special of it."""
    with shared_server(tmp_path_factory.mktemp("server")) as url:
        yield url


def rows(data: Path) -> dict[str, int]:
    """How much is kept, table by table."""
    with closing(sqlite3.connect(f"file:{data / 'chatd.db'}?mode=ro", uri=True)) as database:
        tables = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {name: database.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0] for name in tables}


def test_the_whole_look_has_an_end() -> None:
    # Whoever takes the connection and says nothing costs each step its bound; together they have one too.
    with socket.create_server(("127.0.0.1", 0)) as silent:
        reach = Reach.to(f"http://127.0.0.1:{silent.getsockname()[1]}")
        begun = time.monotonic()
        latency, sending = try_speed_and_sending(reach.ending(begun + 0.2))
        took = time.monotonic() - begun
    assert (latency.tries, sending.passed_kib, sending.status) == (0, 0, None)
    assert took < words().limits.answer_s


@pytest.mark.parametrize("options", [(), ("--open",)], ids=["closed", "open"])
async def test_a_good_way_and_nobody_was_there(options: tuple[str, ...], serve: Serve) -> None:
    server = await serve(*options)
    before = rows(server.data)
    _, report = await looked(server.url)
    assert report.verdict == "websocket"
    good = {check: f"{check}.ok" for check, _ in words().checks}
    # How quick a loaded machine answers, a test cannot promise.
    assert outcomes(report) == good | {
        "latency": outcomes(report)["latency"],
        "certificate": "certificate.local",
        "frame": "frame.unasked",
        "storage": "storage.unasked",
    }
    assert [finding.check for finding in report.findings] == [check for check, _ in words().checks]
    # With --open every name is a room, and being asked about one is enough for it to begin.
    assert rows(server.data) == before | ({"rooms": before["rooms"] + 1} if options else {})


async def test_the_command_says_what_it_comes_to_first(serve: Serve, tmp_path: Path) -> None:
    server = await serve("--set", "embed_origins=https://intranet.example.org")
    asked = ("doctor", "--url", f"{server.url}/room/night", "--idle", "1", "--framed-by")
    code, out, err = await run_chatd(*asked, "https://intranet.example.org/sites/ward", cwd=tmp_path)
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[1] == words().verdicts["websocket"][1]
    assert "[ok] Inside an intranet page: That intranet page may show a room." in lines
    assert len(lines) == 3 + 2 * len(words().checks)
    for private in ("127.0.0.1", "localhost", "intranet.example.org", "night", str(port_of(server.url))):
        assert private not in out
    _, out, _ = await run_chatd(*asked, "https://other.example.org", cwd=tmp_path)
    assert "[XX] Inside an intranet page: That intranet page may not show a room." in out


async def test_where_nothing_answers_the_exit_code_says_so(tmp_path: Path) -> None:
    code, out, err = await run_chatd("doctor", "--url", "http://127.0.0.1:1", "--idle", "1", cwd=tmp_path)
    assert (code, err) == (1, "")
    assert words().verdicts["none"][1] in out
    assert "[XX] The server: The chat server does not answer." in out


@pytest.mark.parametrize(
    "wrong",
    [
        ("chat.example.org",),
        ("ftp://chat.example.org",),
        ("http://anna:word@chat.example.org",),
        ("http://x:99999",),
    ],
)
async def test_what_is_no_address_is_said_in_a_sentence(wrong: tuple[str], tmp_path: Path) -> None:
    code, out, err = await run_chatd("doctor", "--url", *wrong, cwd=tmp_path)
    assert (code, out) == (2, "")
    assert err.startswith("The doctor cannot look there: ")
    assert "Traceback" not in err


async def test_ways_that_are_closed_one_by_one(server_url: str) -> None:
    """No WebSocket: the stream. No stream: polling. Nothing that takes what one writes: no way in."""
    port = port_of(server_url)
    async with AsyncExitStack() as stack:

        async def spoiled(*paths: str) -> str:
            relay = Spoiler(port, answers=dict.fromkeys(paths, BLOCKED))
            return f"http://127.0.0.1:{(await stack.enter_async_context(relay)).port}"

        urls = [
            await spoiled("/ws"),
            await spoiled("/ws", "/sse"),
            await spoiled("/ws", "/poll", "/sse"),
            await spoiled("/ws", "/probe", "/send"),
        ]
        reports = [report for _, report in await asyncio.gather(*map(looked, urls))]
    assert [report.verdict for report in reports] == ["stream", "polling", "none", "none"]
    assert outcomes(reports[0])["websocket"] == "websocket.origin"
    assert outcomes(reports[1])["stream"] == "stream.origin"
    assert outcomes(reports[2])["polling"] == "polling.origin"
    last = outcomes(reports[3])
    assert (last["stream"], last["sending"], last["idle"]) == (
        "stream.refused",
        "sending.origin",
        "idle.none",
    )


async def test_a_page_in_the_servers_place_is_not_taken_for_it(server_url: str) -> None:
    """A filter that answers everything with a page to sign in, and says that all is well."""
    portal = Spoiler(port_of(server_url), answers={"*": answer("200 OK", b"<h1>Sign in</h1>")})
    async with portal:
        _, report = await looked(f"http://127.0.0.1:{portal.port}")
    assert report.verdict == "none"
    assert outcomes(report) | {
        "server": "server.other",
        "websocket": "websocket.refused",
        "stream": "stream.refused",
        "polling": "polling.refused",
        "sending": "sending.refused",
    } == outcomes(report)


async def test_a_connection_that_is_forgotten(server_url: str) -> None:
    """After a while nothing passes, and neither side is told: as when a firewall drops its entry."""
    async with Spoiler(port_of(server_url), forgets_s=1.5) as forgetful:
        seen, report = await looked(f"http://127.0.0.1:{forgetful.port}", idle_s=3)
    assert outcomes(report)["idle"] == "idle.silent"
    assert seen.idle is not None
    assert [(quiet.held, quiet.cut_s) for quiet in seen.idle] == [(False, None)] * 2
    assert report.verdict == "websocket"


async def test_what_a_proxy_adds_to_frames_and_says_of_itself(serve: Serve) -> None:
    server = await serve("--set", "embed_origins=https://intranet.example.org")
    added = (
        b"X-Frame-Options: DENY\r\nContent-Security-Policy: frame-ancestors 'none'\r\n"
        b"Via: 1.1 w7.example (squid/5.7)\r\n"
    )
    async with Spoiler(port_of(server.url), adds=added) as proxy:
        _, report = await looked(f"http://127.0.0.1:{proxy.port}", framed_by="https://intranet.example.org")
    assert outcomes(report)["frame"] == "frame.added"
    assert found(report, "server").it.endswith("On the way: Squid.")
    assert "w7" not in str(report)


# ---- TLS -----------------------------------------------------------------------------------------


CERTIFICATES: dict[str, tuple[str, dict[str, Any], bool]] = {
    "private": ("Ward", {}, True),
    "public": ("Public", {"logged": True}, True),
    "opened": ("Zscaler Root", {"logged": True}, True),
    "ending": ("Public", {"logged": True, "days": 5}, True),
    "authority": ("Ward", {}, False),
    "expired": ("Public", {"days": -1}, True),
    "name": ("Public", {"name": "other.example.org"}, True),
}
"""By outcome, or by the reason why it is not trusted: who issued it, how, and whether that is known here."""


@pytest.mark.parametrize("case", CERTIFICATES)
async def test_whose_certificate_it_is(
    case: str, server_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    issuer, certified, trusted = CERTIFICATES[case]
    root, own = certify(tmp_path, issuer, **certified)
    if trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(root))
    async with Spoiler(port_of(server_url), trust=ending_tls(own)) as tls:
        _, report = await looked(f"https://localhost:{tls.port}")
    certificate = found(report, "certificate")
    if case in words().reasons:
        assert (certificate.outcome, certificate.it) == ("certificate.untrusted", words().reasons[case])
    else:
        assert certificate.outcome == f"certificate.{case}"
    assert issuer not in certificate.says + certificate.it
    # What is wrong with the certificate hides nothing else: all the rest was looked at through it.
    assert report.verdict == "websocket"
    others = ("stream", "polling", "sending", "idle")
    assert [outcomes(report)[check] for check in others] == [f"{check}.ok" for check in others]
