"""What is tried: each intermediary, how it is started, and over which transports chatd works through it.

async with standing(row, server_port) as way: ... way.url, way.proxy, way.trust, await way.restart()
"""

import os
import ssl
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, Protocol, TypeAlias
from urllib.parse import urlsplit

from tests.proxies.certificates import Authority
from tests.proxies.programs import Program, Template
from tests.proxies.relays import Cutter, Holder, Loser, Relay

Transport: TypeAlias = Literal["ws", "sse", "poll"]
TRANSPORTS: Final[tuple[Transport, ...]] = ("ws", "sse", "poll")

HOST: Final = "chat.test"
"""Where the chat is for those behind a forward proxy. Only that proxy knows the name."""
SILENCE_S: Final = 2
"""After this, HAProxy with short timeouts cuts what is silent. Real ones: 30 to 60 s."""
LIFE_S: Final = 3.0
"""After this, the cutter cuts. Real ones: 30 s and more."""
SMALL_BODY_BYTES: Final = 4096
"""What the proxy that limits bodies takes. Real ones: 1 MiB and less."""


INSPECTS: Final = "ssl_bump bump all"
LETS_WEBSOCKET_THROUGH: Final = f"""\
{INSPECTS}
http_upgrade_request_protocols websocket allow all"""
SPARES_THE_CHAT: Final = f"""\
acl chat ssl::server_name @host
acl hello at_step SslBump1
ssl_bump peek hello
ssl_bump splice chat
{INSPECTS}"""
"""What Squid that opens TLS may be told: @rules in its configuration."""


class Restarting(Protocol):
    """What stands in between can be killed and come back."""

    async def restart(self) -> None: ...


class Nothing:
    """What stands before a server that one is with directly."""

    async def restart(self) -> None:
        raise AssertionError("there is nothing here to restart")


@dataclass(frozen=True)
class Way:
    """A way to the server through an intermediary."""

    url: str
    """What people would open."""
    between: Restarting
    proxy: str | None = None
    """The forward proxy of this network."""
    trust: ssl.SSLContext | None = None
    """Whom a client here trusts, where there is TLS."""

    async def restart(self) -> None:
        """Kill what stands between, and start it again: everything through it is cut."""
        await self.between.restart()


def port_of(way: Way) -> int:
    """The port in its URL."""
    port = urlsplit(way.url).port
    assert port is not None
    return port


Start: TypeAlias = Callable[[AsyncExitStack, Path, int], Awaitable[Way]]
"""(what ends with it, a folder of its own, the server's port) -> the way there"""


@dataclass(frozen=True)
class Row:
    """One intermediary, and which transports do not work through it."""

    slug: str
    name: str
    start: Start
    fails: frozenset[Transport] = frozenset()

    def works(self) -> list[Transport]:
        return [transport for transport in TRANSPORTS if transport not in self.fails]


@asynccontextmanager
async def standing(row: Row, upstream_port: int) -> AsyncIterator[Way]:
    """The intermediary of this row, running before the server on that port of 127.0.0.1."""
    with tempfile.TemporaryDirectory(prefix="chatd-") as name:
        os.chmod(name, 0o711)  # some of them change to a user of their own
        async with AsyncExitStack() as stack:
            yield await row.start(stack, Path(name), upstream_port)


def _reverse(config: str, **values: object) -> Start:
    """A program that stands before the server."""

    async def start(stack: AsyncExitStack, folder: Path, upstream_port: int) -> Way:
        upstream = f"127.0.0.1:{upstream_port}"
        program = await stack.enter_async_context(Program(config, folder, upstream=upstream, **values))
        return Way(f"http://127.0.0.1:{program.port}", program)

    return start


def _relay(make: Callable[[int], Relay]) -> Start:
    """One of our own that stands before the server."""

    async def start(stack: AsyncExitStack, folder: Path, upstream_port: int) -> Way:
        relay = await stack.enter_async_context(make(upstream_port))
        return Way(f"http://127.0.0.1:{relay.port}", relay)

    return start


def _forward(config: str, *, tls: bool = True, rules: str = "") -> Start:
    """Squid, as the only way out of a network; the chat, behind nginx, is somewhere beyond it."""

    async def start(stack: AsyncExitStack, folder: Path, upstream_port: int) -> Way:
        public, inspecting = Authority(folder, "public"), Authority(folder, "hospital")
        opened = rules in (INSPECTS, LETS_WEBSOCKET_THROUGH)
        certificate, hosts = public.certificate(HOST), folder / "hosts"
        hosts.write_text(f"127.0.0.1 {HOST}\n", "utf-8")
        hosts.chmod(0o644)
        public.file.chmod(0o644)
        upstream = f"127.0.0.1:{upstream_port}"
        nginx = await stack.enter_async_context(
            Program("nginx-tls.conf", folder, upstream=upstream, certificate=certificate)
            if tls
            else Program("nginx-good.conf", folder, upstream=upstream)
        )
        squid = await stack.enter_async_context(
            Program(
                config,
                folder,
                hosts=hosts,
                tls_port=nginx.port if tls else 443,
                authority=inspecting.file,
                server_authority=public.file,
                rules=Template(rules).substitute(host=HOST),
            )
        )
        return Way(
            f"{'https' if tls else 'http'}://{HOST}:{nginx.port}",
            squid,
            proxy=f"http://127.0.0.1:{squid.port}",
            # Whose certificate the client sees tells who can read what it says.
            trust=(inspecting if opened else public).trust() if tls else None,
        )

    return start


async def _direct(stack: AsyncExitStack, folder: Path, upstream_port: int) -> Way:
    return Way(f"http://127.0.0.1:{upstream_port}", Nothing())


DIRECT: Final = Row("direct", "nothing", _direct)
"""To compare with."""

ROWS: Final = (
    Row("nginx-good", "nginx, set up as below", _reverse("nginx-good.conf")),
    Row("nginx-bare", "nginx, only `proxy_pass`", _reverse("nginx-bare.conf"), frozenset({"ws"})),
    Row(
        "nginx-buffering",
        "nginx that buffers 4 KiB, whatever it is told",
        _reverse("nginx-buffering.conf"),
        frozenset({"ws"}),
    ),
    Row(
        "nginx-compressing",
        "nginx that buffers and compresses whatever passes",
        _reverse("nginx-compressing.conf"),
        frozenset({"ws", "sse"}),
    ),
    Row("nginx-bodies", "nginx that takes bodies up to 4 KiB", _reverse("nginx-small-bodies.conf")),
    Row("haproxy-good", "HAProxy, set up as below", _reverse("haproxy-good.conf")),
    Row(
        "haproxy-short",
        f"HAProxy, every timeout {SILENCE_S} s",
        _reverse("haproxy-short.conf", timeout=f"{SILENCE_S}s"),
    ),
    Row(
        "haproxy-strips",
        "HAProxy that takes `Upgrade` away",
        _reverse("haproxy-strips.conf"),
        frozenset({"ws"}),
    ),
    Row("apache-good", "Apache, set up as below", _reverse("apache-good.conf")),
    Row("apache-bare", "Apache, only `ProxyPass`", _reverse("apache-bare.conf"), frozenset({"ws"})),
    Row("squid-tunnel", "Squid, forward proxy, TLS through `CONNECT`", _forward("squid-forward.conf")),
    Row(
        "squid-plain",
        "Squid, forward proxy, without TLS",
        _forward("squid-forward.conf", tls=False),
        frozenset({"ws"}),
    ),
    Row(
        "squid-inspecting",
        "Squid that opens TLS",
        _forward("squid-inspecting.conf", rules=INSPECTS),
        frozenset({"ws"}),
    ),
    Row(
        "squid-upgrades",
        "Squid that opens TLS and lets WebSocket through",
        _forward("squid-inspecting.conf", rules=LETS_WEBSOCKET_THROUGH),
    ),
    Row(
        "squid-spares",
        "Squid that opens TLS, but not the chat's",
        _forward("squid-inspecting.conf", rules=SPARES_THE_CHAT),
    ),
    Row(
        "blocks",
        "a scanner that holds answers back by 4 KiB",
        _relay(lambda port: Holder(port, block_bytes=4096)),
        frozenset({"ws", "sse"}),
    ),
    Row(
        "whole",
        "a scanner that holds answers back to their end",
        _relay(lambda port: Holder(port, block_bytes=None)),
        frozenset({"ws", "sse"}),
    ),
    Row(
        "loser",
        "a gateway that loses every second answer",
        _relay(Loser),
        frozenset({"ws"}),
    ),
    Row(
        "cutter",
        f"a firewall that cuts every connection after {LIFE_S:g} s",
        _relay(lambda port: Cutter(port, after_s=LIFE_S)),
    ),
)

BY_SLUG: Final = {row.slug: row for row in ROWS}
