"""One server for all tests here that do it no harm, and a way to it without anything in between."""

from collections.abc import Iterator

import pytest

from tests.chatd.shared_server import shared_server
from tests.proxies.rows import Nothing, Way


@pytest.fixture(scope="session")
def direct(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Way]:
    """Use a room of your own in each test."""
    with shared_server(tmp_path_factory.mktemp("server")) as url:
        yield Way(url, Nothing())
