"""The plain opening handshake: whatever it takes, `websockets` takes too, and with the same words."""

from http import HTTPStatus
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.datastructures import Headers
from websockets.http11 import Request
from websockets.server import ServerProtocol
from websockets.typing import Subprotocol as Name

from chatd.formats import JSON_MESSAGES, JSON_WS
from chatd.handshake import JSON, MSGPACK, DoorSettings, Subprotocol
from chatd.opening import plain

SETTINGS: Final = DoorSettings()
KEY: Final = "dGhlIHNhbXBsZSBub25jZQ=="
ACCEPT: Final = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
"""Both from RFC 6455, section 1.3."""
PLAIN: Final = {
    "connection": "Upgrade",
    "upgrade": "websocket",
    "sec-websocket-key": KEY,
    "sec-websocket-version": "13",
    "sec-websocket-protocol": "chatd.v1.json",
}


def asked(**changed: str) -> list[tuple[str, str]]:
    fields = PLAIN | {name.replace("_", "-"): value for name, value in changed.items()}
    return list(fields.items())


@pytest.mark.parametrize(
    ("changed", "subprotocol"),
    [
        ({}, JSON),
        ({"connection": "keep-alive, Upgrade"}, JSON),
        ({"upgrade": "WebSocket"}, JSON),
        ({"sec_websocket_protocol": "chatd.v1.msgpack, chatd.v1.json"}, JSON),
        ({"sec_websocket_protocol": "chatd.v1.msgpack"}, MSGPACK),
        ({"sec_websocket_extensions": "permessage-deflate"}, JSON),
        ({"origin": "https://chat.example", "host": "chat.example"}, JSON),
    ],
)
def test_what_browsers_send_is_answered(changed: dict[str, str], subprotocol: Subprotocol) -> None:
    answered = plain("GET", asked(**changed), SETTINGS)
    assert answered is not None
    head, chosen = answered
    assert chosen is subprotocol
    lines = head.decode("ascii").split("\r\n")
    assert lines[0] == "HTTP/1.1 101 Switching Protocols"
    assert f"Sec-WebSocket-Accept: {ACCEPT}" in lines
    assert f"Sec-WebSocket-Protocol: {subprotocol.name}" in lines
    assert lines[-2:] == ["", ""]


def test_a_server_without_names_for_its_subprotocol_says_none() -> None:
    echo = DoorSettings(subprotocols=(Subprotocol("", JSON_WS, JSON_MESSAGES, text=None),))
    fields = [field for field in asked() if field[0] != "sec-websocket-protocol"]
    answered = plain("GET", fields, echo)
    assert answered is not None
    assert b"Protocol:" not in answered[0]
    assert plain("GET", fields, SETTINGS) is None


@pytest.mark.parametrize(
    ("changed", "settings"),
    [
        ({"sec_websocket_version": "12"}, SETTINGS),
        ({"upgrade": "h2c"}, SETTINGS),
        ({"connection": "close"}, SETTINGS),
        ({"sec_websocket_key": "c2hvcnQ="}, SETTINGS),
        ({"sec_websocket_key": KEY + "\n"}, SETTINGS),
        ({"sec_websocket_protocol": "chatd.v1.json;,"}, SETTINGS),
        ({"sec_websocket_protocol": "other, chatd.v1.json"}, SETTINGS),
        ({"sec_websocket_extensions": "permessage-deflate"}, DoorSettings(deflate=True)),
    ],
)
def test_whatever_is_unusual_is_left_to_websockets(changed: dict[str, str], settings: DoorSettings) -> None:
    assert plain("GET", asked(**changed), settings) is None


def test_no_other_method_and_no_field_twice() -> None:
    assert plain("POST", asked(), SETTINGS) is None
    assert plain("GET", [*asked(), ("sec-websocket-key", KEY)], SETTINGS) is None


words = st.sampled_from(
    ["upgrade", "keep-alive", "Upgrade", "websocket", "h2c", "13", "8", "", " ", ";", "close"]
)
names = st.sampled_from(["chatd.v1.json", "chatd.v1.msgpack", "other", "", " ", ";", "chatd.v1"])
keys = st.one_of(st.just(KEY), st.binary(max_size=20).map(str), st.text("AQgw=+/9 ", max_size=26))


@given(
    method=st.sampled_from(["GET", "POST"]),
    connection=st.lists(words, max_size=3).map(", ".join),
    upgrade=words,
    version=words,
    key=keys,
    protocols=st.lists(names, max_size=3).map(", ".join),
    left_out=st.sets(st.sampled_from(sorted(PLAIN)), max_size=1),
)
def test_nothing_is_taken_that_websockets_would_not_take(
    *, method: str, connection: str, upgrade: str, version: str, key: str, protocols: str, left_out: set[str]
) -> None:
    values = (connection, upgrade, key, version, protocols)
    fields = [field for field in zip(PLAIN, values, strict=True) if field[0] not in left_out]
    answered = plain(method, fields, SETTINGS)
    if answered is None:
        return
    judge = ServerProtocol(subprotocols=[Name(each.name) for each in SETTINGS.subprotocols])
    response = judge.accept(Request("/ws", Headers(fields), method))
    assert response.status_code == HTTPStatus.SWITCHING_PROTOCOLS
    head, subprotocol = answered
    assert judge.subprotocol == subprotocol.name
    assert f"Sec-WebSocket-Accept: {response.headers['Sec-WebSocket-Accept']}\r\n".encode() in head
