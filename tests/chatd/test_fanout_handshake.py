"""The opening handshake through real uvicorn: who is let in, and what the others are told."""

import logging
import time
from collections.abc import Iterator
from typing import Any

import pytest
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from chatd.handshake import DoorSettings
from tests.chatd.serving import TIMEOUT_S, Raw, RecordingGateway, Server, connected

ELSEWHERE = "https://elsewhere.example"


@pytest.fixture(scope="module", name="server")
def _server() -> Iterator[Server]:
    with Server(RecordingGateway(), DoorSettings(origins=frozenset({"https://intranet.example"}))) as server:
        yield server


def answer(server: Server, path: str = "/ws", **request: Any) -> tuple[int, dict[str, str], str]:
    with Raw(server.port) as raw:
        raw.request(path, **request)
        status, fields, body = raw.response()
        if status != 101:
            assert raw.ended()
        return status, fields, body.decode()


@pytest.mark.parametrize("name", ["chatd.v1.json", "chatd.v1.msgpack"])
def test_each_subprotocol_is_spoken(server: Server, name: str) -> None:
    status, fields, _ = answer(server, subprotocol=name)
    assert (status, fields["sec-websocket-protocol"]) == (101, name)


def test_the_first_we_know_is_taken_from_a_list(server: Server) -> None:
    _, fields, _ = answer(server, subprotocol="soap, chatd.v1.msgpack, chatd.v1.json")
    assert fields["sec-websocket-protocol"] == "chatd.v1.json"


@pytest.mark.parametrize("offered", [None, "chatd.v2.json", "soap, wamp"])
def test_without_a_subprotocol_in_common_it_says_which_exist(server: Server, offered: str | None) -> None:
    status, _, body = answer(server, subprotocol=offered)
    assert status == 400
    assert "chatd.v1.json or chatd.v1.msgpack" in body


@pytest.mark.parametrize("path", ["/", "/ws/", "/WS", "/ws2", "/%77s"])
def test_another_path_is_not_found(server: Server, path: str) -> None:
    assert answer(server, path)[0] == 404


def test_a_query_is_no_part_of_the_path(server: Server) -> None:
    assert answer(server, "/ws?x=1")[0] == 101


@pytest.mark.parametrize(
    "origin",
    [
        ELSEWHERE,
        "null",
        "",
        "https://intranet.example.evil.example",
        "https://intranet.example:444",
        "http://intranet.example",
        "http://127.0.0.1",
        "file://",
        "https://intranet.example, https://elsewhere.example",
    ],
)
def test_a_foreign_origin_is_forbidden(server: Server, origin: str) -> None:
    assert answer(server, origin=origin)[0] == 403


def test_the_listed_origin_the_own_host_and_no_origin_are_let_in(server: Server) -> None:
    for fields in (
        {"origin": "https://intranet.example"},
        {"origin": f"http://127.0.0.1:{server.port}"},
        {"origin": "https://chat.example", "host": "chat.example"},
        {"origin": "https://CHAT.example", "host": "Chat.Example"},
        {},
    ):
        assert answer(server, **fields)[0] == 101, fields


def test_two_origins_or_hosts_are_one_too_many(server: Server) -> None:
    own = f"http://127.0.0.1:{server.port}"
    assert answer(server, origin=f"{own}\r\norigin: {own}")[0] == 403
    assert answer(server, origin="http://a.example", host="a.example\r\nhost: a.example")[0] == 403


def test_where_the_own_host_does_not_count_only_the_list_does() -> None:
    listed = DoorSettings(origins=frozenset({"https://chat.example"}), same_origin=False)
    with Server(RecordingGateway(), listed) as server:
        assert answer(server, origin="http://rebound.example", host="rebound.example")[0] == 403
        assert answer(server, origin="https://chat.example", host="rebound.example")[0] == 101


def test_a_full_node_says_when_to_come_back_and_takes_the_next_when_one_goes() -> None:
    gateway = RecordingGateway()
    with Server(gateway, DoorSettings(max_connections=1)) as server:
        with connected(server, gateway):
            status, fields, _ = answer(server)
            assert status == 503
            assert 5 <= int(fields["retry-after"]) <= 30
        gateway.wait_for(lambda: gateway.receivers[0].closes)
        assert server.node.sockets.open == 0
        assert answer(server)[0] == 101


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        ({"sec_websocket_version": "12"}, 400),
        ({"without": ("sec-websocket-version",)}, 400),
        ({"without": ("sec-websocket-key",)}, 400),
        ({"sec_websocket_key": "not base64!"}, 400),
        ({"sec_websocket_key": "c2hvcnQ="}, 400),
        (
            {"sec_websocket_key": "dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ=="},
            400,
        ),
        ({"subprotocol": "chatd.v1.json;,"}, 400),
    ],
)
def test_an_incomplete_handshake_is_refused(server: Server, request_: dict[str, Any], status: int) -> None:
    got, fields, body = answer(server, **request_)
    assert got == status
    assert fields["sec-websocket-version"] == "13"
    assert body == "This is not a WebSocket handshake of version 13.\n"


def test_a_refusal_quotes_nothing_of_the_request(server: Server) -> None:
    for request in (
        {"origin": "https://secret-token.example"},
        {"path": "/secret-token"},
        {"subprotocol": "secret-token"},
        {"sec_websocket_key": "secret-token"},
        {"sec_websocket_version": "secret-token"},
        {"subprotocol": "secret-token;,"},
    ):
        status, fields, body = answer(server, **request)
        assert status >= 400
        assert "secret-token" not in body + repr(fields)


def test_neither_connections_nor_refusals_are_logged(
    caplog: pytest.LogCaptureFixture, server: Server
) -> None:
    with caplog.at_level(logging.DEBUG):
        assert answer(server, "/ws?secret-token")[0] == 101
        assert answer(server, "/secret-token")[0] == 404
        assert answer(server, origin=ELSEWHERE)[0] == 403
    assert [record for record in caplog.records if record.name != "asyncio"] == []


def test_a_client_from_a_library_gets_in_and_out() -> None:
    gateway = RecordingGateway()
    with Server(gateway) as server:
        with connect(
            f"ws://127.0.0.1:{server.port}/ws", subprotocols=[Subprotocol("chatd.v1.msgpack")]
        ) as client:
            client.send(b"\x80")
            gateway.wait_for(lambda: gateway.receivers[0].messages)
            client.close(1000)
            assert client.close_code == 1000
        gateway.wait_for(lambda: gateway.receivers[0].closes)
        assert gateway.receivers[0].messages == [b"\x80"]


def test_uvicorn_stops_at_once_while_sockets_are_open() -> None:
    """The drain is the node's: uvicorn neither closes a WebSocket nor waits for one."""
    gateway = RecordingGateway()
    server = Server(gateway, timeout_graceful_shutdown=int(TIMEOUT_S))
    with server, connected(server, gateway), connected(server, gateway):
        assert server.state.connections == set()
        begun = time.monotonic()
        server.stop()
        assert time.monotonic() - begun < TIMEOUT_S / 2
