"""The bounds on a request head, through real uvicorn."""

from collections.abc import Iterator

import pytest

from chatd.handshake import DoorSettings
from tests.chatd.serving import Raw, RecordingGateway, Server, masked

HELLO = b"GET /hello HTTP/1.1\r\nhost: a\r\n"


@pytest.fixture(scope="module", name="server")
def _server() -> Iterator[Server]:
    with Server(RecordingGateway(), DoorSettings(handshake_timeout_s=0.3, max_head_bytes=1000)) as server:
        yield server


def test_a_page_is_served_and_the_connection_kept(server: Server) -> None:
    with Raw(server.port) as raw:
        for _ in range(2):
            raw.send(HELLO + b"\r\n")
            assert raw.response()[::2] == (200, b"hello")


@pytest.mark.parametrize("begun", [b"G", b"GET /hel", HELLO, HELLO + b"x-slow: "])
def test_a_head_that_dawdles_is_cut(server: Server, begun: bytes) -> None:
    with Raw(server.port) as raw:
        raw.send(begun)
        status, fields, _ = raw.response()
        assert (status, fields["connection"]) == (408, "close")
        assert raw.ended()


def test_a_handshake_that_dawdles_is_cut(server: Server) -> None:
    with Raw(server.port) as raw:
        raw.send(b"GET /ws HTTP/1.1\r\nupgrade: websocket\r\nconnection: upgrade\r\n")
        assert raw.response()[0] == 408


def test_a_connection_that_says_nothing_is_closed_without_a_word(server: Server) -> None:
    with Raw(server.port) as raw:
        assert raw.ended()


def test_the_second_head_has_its_time_too(server: Server) -> None:
    with Raw(server.port) as raw:
        raw.send(HELLO + b"\r\n")
        assert raw.response()[0] == 200
        raw.send(b"GET /hel")
        assert raw.response()[0] == 408


@pytest.mark.parametrize(
    "head",
    [
        pytest.param(b"GET /hello HTTP/1.1\r\nx: " + b"y" * 5000, id="not whole"),
        pytest.param(b"GET /" + b"y" * 5000, id="URL"),
        pytest.param(HELLO + b"x: y\r\n" * 300 + b"\r\n", id="many"),
        pytest.param(HELLO + b"x: " + b"y" * 1000 + b"\r\n\r\n", id="whole"),
    ],
)
def test_a_large_head_is_refused(server: Server, head: bytes) -> None:
    with Raw(server.port) as raw:
        raw.send(head)
        assert raw.response()[0] == 431
        assert raw.ended()


def test_a_large_handshake_is_refused(server: Server) -> None:
    with Raw(server.port) as raw:
        raw.request(x_much="y" * 1000)
        assert raw.response()[0] == 431
        assert raw.ended()
    assert server.node.sockets.open == 0


def test_an_upgrade_behind_an_unanswered_request_is_refused(server: Server) -> None:
    with Raw(server.port) as raw:
        raw.send(
            HELLO + b"\r\nGET /ws HTTP/1.1\r\nhost: a\r\nupgrade: websocket\r\nconnection: upgrade\r\n"
            b"sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-version: 13\r\n"
            b"sec-websocket-protocol: chatd.v1.json\r\n\r\n"
        )
        assert raw.response()[0] == 400


def test_no_timer_outlives_the_handshake(server: Server) -> None:
    """A WebSocket that is silent for longer than a handshake may take is left alone."""
    with Raw(server.port) as raw, Raw(server.port) as other:
        raw.open()
        assert other.ended()  # it came later and was cut: the time is over
        raw.send(masked(9, b"?"))
        assert raw.frame() == (0x8A, b"?")
