"""The echo server that the cases talk to, one per process, with and without compression."""

from collections.abc import Iterator

import pytest

from tests.chatd.serving import Raw, Server
from tests.compliance.echo import EchoGateway, settings


@pytest.fixture(scope="session", name="echo")
def _echo() -> Iterator[Server]:
    with Server(EchoGateway(), settings(deflate=False)) as server:
        yield server


@pytest.fixture(scope="session", name="deflating")
def _deflating() -> Iterator[Server]:
    with Server(EchoGateway(), settings(deflate=True)) as server:
        yield server


@pytest.fixture(name="peer")
def _peer(echo: Server) -> Iterator[Raw]:
    with Raw(echo.port) as raw:
        raw.open("/", subprotocol=None)
        yield raw
