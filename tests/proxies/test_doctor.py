"""The doctor in the terminal, behind real intermediaries: it finds what the other tests here know of them.

What it calls the way in has to be what works: the row's transports, as test_transports.py holds them.
"""

import asyncio
from contextlib import AsyncExitStack

import pytest

from chatd.doctor.findings import Report, judge, words
from chatd.doctor.http import Reach
from chatd.doctor.url import Options, measure
from tests.fixtures.servers import Serve
from tests.proxies.programs import Port
from tests.proxies.rows import BY_SLUG, Way, standing

GOOD = {check: f"{check}.ok" for check, _ in words().checks if check != "latency"} | {
    "certificate": "certificate.local",
    "frame": "frame.unasked",
    "storage": "storage.unasked",
}
"""What is said of a way on which everything works, at this machine; how quick it is, no test can promise."""

STRANGER = {
    "server": "server.old",
    "websocket": "websocket.upgrade",
    "stream": "stream.origin",
    "polling": "polling.origin",
    "sending": "sending.origin",
}
HELD_BACK = {"websocket": "websocket.upgrade", "stream": "stream.late"}

REVERSE = {
    "nginx-good": ("websocket", {}),
    "nginx-bare": ("none", STRANGER),
    "nginx-buffering": ("stream", {"websocket": "websocket.upgrade"}),
    "nginx-compressing": ("polling", HELD_BACK | {"buffering": "buffering.whole"}),
    "nginx-bodies": ("websocket", {"sending": "sending.short"}),
    "haproxy-good": ("websocket", {}),
    "haproxy-short": ("websocket", {"idle": "idle.cut"}),
    "haproxy-strips": ("stream", {"websocket": "websocket.upgrade"}),
    "blocks": ("polling", HELD_BACK | {"buffering": "buffering.small"}),
    "whole": ("polling", HELD_BACK | {"buffering": "buffering.whole"}),
    "cutter": ("websocket", {"idle": "idle.cut"}),
}
"""The way in, and what is not as in `GOOD`. The server does not know the name that nginx-bare gives it."""

FORWARD = {
    "squid-tunnel": ("websocket", {"certificate": "certificate.ending"}),
    "squid-plain": ("stream", {"certificate": "certificate.plain", "websocket": "websocket.failed"}),
    "squid-inspecting": (
        "stream",
        {"certificate": "certificate.ending", "websocket": "websocket.upgrade"},
    ),
}
"""These tests' certificates are good for an hour, and so end soon."""


async def looked(way: Way, idle_s: int) -> Report:
    reach = Reach.to(way.url)
    if way.trust is not None:
        reach = reach.trusting(way.trust)
    return judge(await asyncio.to_thread(measure, reach, Options(url=way.url, idle_s=idle_s)))


def outcomes(report: Report) -> dict[str, str]:
    return {finding.check: finding.outcome for finding in report.findings if finding.check != "latency"}


async def test_before_the_server(direct: Way) -> None:
    port = int(direct.url.rpartition(":")[2])
    async with AsyncExitStack() as stack:
        ways = [await stack.enter_async_context(standing(BY_SLUG[slug], port)) for slug in REVERSE]
        reports = await asyncio.gather(*(looked(way, 4) for way in ways))
    seen = {slug: (one.verdict, outcomes(one)) for slug, one in zip(REVERSE, reports, strict=True)}
    assert seen == {slug: (verdict, GOOD | other) for slug, (verdict, other) in REVERSE.items()}
    # Where the product names itself, the line for IT names its setting.
    bare = next(one for one in reports[list(REVERSE).index("nginx-bare")].findings if one.check == "server")
    assert bare.it.endswith("On the way: nginx. nginx: proxy_http_version 1.1;")


@pytest.mark.parametrize("slug", FORWARD)
async def test_behind_a_forward_proxy(slug: str, serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    verdict, other = FORWARD[slug]
    for name in ("no_proxy", "NO_PROXY", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    async with AsyncExitStack() as stack:
        port = Port()
        stack.callback(port.close)
        way = await stack.enter_async_context(standing(BY_SLUG[slug], port.number))
        await serve("--open", "--port", str(port.number), "--public-url", way.url)
        assert way.proxy is not None
        monkeypatch.setenv("http_proxy", way.proxy)
        monkeypatch.setenv("https_proxy", way.proxy)
        report = await looked(way, 1)
    assert (report.verdict, outcomes(report)) == (verdict, GOOD | other)
