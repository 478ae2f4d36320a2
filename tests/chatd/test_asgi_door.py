"""The ASGI door, behind uvicorn's own WebSocket class, and called as a bare ASGI application."""

import asyncio
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from starlette.types import Message

from chatd import wire
from chatd.asgi_door import route
from chatd.formats import JSON_MESSAGES, MSGPACK_MESSAGES
from chatd.handshake import DoorSettings
from chatd.sink import Gateway
from chatd.sockets import STATE_KEY
from tests.chatd.serving import Raw, RecordingGateway, Server, StandIn, application, connected, masked


def serving(gateway: Gateway, settings: DoorSettings) -> Server:
    return Server(
        gateway,
        settings,
        app=lambda node: application(node, route()),
        ws="websockets-sansio",
        http="httptools",
    )


@pytest.fixture(scope="module", name="gateway")
def _gateway() -> RecordingGateway:
    return RecordingGateway()


@pytest.fixture(scope="module", name="server")
def _server(gateway: RecordingGateway) -> Iterator[Server]:
    settings = DoorSettings(max_message_bytes=1000, max_buffer_bytes=1 << 17, congested_bytes=1000)
    with serving(gateway, settings) as server:
        yield server


def test_messages_go_in_and_batches_out(server: Server, gateway: RecordingGateway) -> None:
    with connected(server, gateway) as (raw, receiver):
        raw.send(masked(1, b"one"), masked(1, b"two"))
        gateway.wait_for(lambda: len(receiver.messages) == 2)
        assert receiver.messages == ["one", "two"]
        sink: Any = receiver.sink
        assert sink.format is JSON_MESSAGES
        frames = [sink.format.frame(wire.Ok(id=n)) for n in range(3)]
        assert server.call(sink.write, sink.format.join(frames))
        assert [msgspec.json.decode(raw.frame()[1])["id"] for _ in range(3)] == [0, 1, 2]
        assert server.node.sockets.open == 1
        raw.send(masked(8, b"\x03\xe8"))
        assert raw.close_code() == 1000
    gateway.wait_for(lambda: receiver.closes)
    assert receiver.closes == 1
    assert server.node.sockets.open == 0
    assert not server.call(sink.write, ("late",))
    assert server.call(sink.congested)


def test_msgpack_is_spoken_in_bytes(server: Server, gateway: RecordingGateway) -> None:
    with connected(server, gateway, subprotocol="chatd.v1.msgpack") as (raw, receiver):
        raw.send(masked(2, b"\x80"))
        gateway.wait_for(lambda: receiver.messages)
        assert receiver.messages == [b"\x80"]
        assert receiver.sink.format is MSGPACK_MESSAGES
        server.call(receiver.sink.write, (MSGPACK_MESSAGES.frame(wire.Ok(id=1)),))
        first, payload = raw.frame()
        assert (first, msgspec.msgpack.decode(payload)) == (0x82, {"t": "ok", "id": 1})


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        ({"subprotocol": None}, 400),
        ({"subprotocol": "soap"}, 400),
        ({"origin": "https://elsewhere.example"}, 403),
    ],
)
def test_who_may_not_come_in_is_told(server: Server, request_: dict[str, Any], status: int) -> None:
    with Raw(server.port) as raw:
        raw.request(**request_)
        assert raw.response()[0] == status


def test_a_full_node_is_full_here_too(gateway: RecordingGateway) -> None:
    with serving(gateway, DoorSettings(max_connections=0)) as server, Raw(server.port) as raw:
        raw.request()
        status, fields, _ = raw.response()
        assert status == 503
        assert int(fields["retry-after"]) >= 5


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        (masked(2, b"{}"), 1003),
        (masked(1, b"x" * 1001), 1009),
        (masked(1, "\N{SNOWMAN}".encode() * 400), 1009),
    ],
)
def test_what_cannot_be_taken_is_closed_with_its_code(
    server: Server, gateway: RecordingGateway, frame: bytes, code: int
) -> None:
    with connected(server, gateway) as (raw, receiver):
        raw.send(masked(1, b"y" * 1000), frame)
        first, payload = raw.frame()
        assert (first, int.from_bytes(payload[:2], "big")) == (0x88, code)
        raw.sock.close()
        gateway.wait_for(lambda: receiver.closes)
        assert receiver.messages == ["y" * 1000]


def test_we_say_goodbye_after_what_was_written(server: Server, gateway: RecordingGateway) -> None:
    with connected(server, gateway) as (raw, receiver):
        sink = receiver.sink

        def leave() -> tuple[bool, bool]:
            first = sink.write(("a", "b"))
            sink.close(4000, "restart")
            sink.close(4001, "again")
            return first, sink.write(("c",))

        assert server.call(leave) == (True, False)
        assert [raw.frame() for _ in range(3)] == [(0x81, b"a"), (0x81, b"b"), (0x88, b"\x0f\xa0restart")]


def test_a_peer_that_does_not_read_is_let_go_of(server: Server, gateway: RecordingGateway) -> None:
    with connected(server, gateway) as (_, receiver):
        sink = receiver.sink
        while server.call(sink.write, ("x" * 50_000,) * 5):
            pass
        assert receiver.closes == 0  # never from within `write`
        gateway.wait_for(lambda: receiver.closes)
        assert server.node.sockets.metrics.slow_readers_cut.value == 1
        assert server.node.sockets.metrics.closes["4001"].value == 1


async def converse(gateway: Gateway, *incoming: Message, **scope: Any) -> list[Message]:
    """Call the route as an ASGI server would that knows no extension; what it sent."""
    inbox: asyncio.Queue[Message] = asyncio.Queue()
    for message in ({"type": "websocket.connect"}, *incoming):
        inbox.put_nowait(message)
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    whole = {
        "type": "websocket",
        "path": "/ws",
        "headers": [],
        "subprotocols": ["chatd.v1.json"],
        "state": {STATE_KEY: StandIn(gateway, DoorSettings())},
        **scope,
    }
    async with asyncio.timeout(10):
        await route()(whole, inbox.get, send)
    return sent


async def test_a_server_without_denial_responses_closes_instead() -> None:
    sent = await converse(RecordingGateway(), subprotocols=[])
    assert [message["type"] for message in sent] == ["websocket.close"]


async def test_the_peer_may_go_at_any_time() -> None:
    gateway = RecordingGateway()
    text = {"type": "websocket.receive", "text": "hello", "bytes": None}
    sent = await converse(gateway, text, {"type": "websocket.disconnect", "code": 1006})
    assert sent == [{"type": "websocket.accept", "subprotocol": "chatd.v1.json", "headers": []}]
    assert (gateway.receivers[0].messages, gateway.receivers[0].closes) == (["hello"], 1)


async def test_a_goodbye_from_within_connected_is_kept() -> None:
    class Full(RecordingGateway):
        def connected(self, sink: Any) -> Any:
            sink.close(4003, "full")
            return super().connected(sink)

    gateway = Full()
    sent = await converse(gateway)
    assert sent[-1] == {"type": "websocket.close", "code": 4003, "reason": "full"}
    assert gateway.receivers[0].closes == 1
