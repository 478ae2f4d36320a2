"""The lean protocol through real uvicorn: messages in, batches out, and every way to end."""

import contextlib
import gc
import logging
import socket
import sys
import types
import zlib
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from websockets.frames import Frame, Opcode

from chatd import wire
from chatd.fanout import Fanout
from chatd.formats import JSON_WS, MSGPACK_WS
from chatd.handshake import DoorSettings
from chatd.http_door import HttpDoor
from chatd.sockets import Sockets
from tests.chatd.serving import TIMEOUT_S, Raw, RecordingGateway, Server, connected, masked

TEXT, BINARY, CONT, CLOSE, PING, PONG = 1, 2, 0, 8, 9, 10


@pytest.fixture(scope="module", name="gateway")
def _gateway() -> RecordingGateway:
    return RecordingGateway()


@pytest.fixture(scope="module", name="server")
def _server(gateway: RecordingGateway) -> Iterator[Server]:
    settings = DoorSettings(max_message_bytes=1000, max_fragments=5, close_timeout_s=0.3)
    with Server(gateway, settings) as server:
        yield server


# ---- formats -----------------------------------------------------------------------------------


def test_a_format_builds_whole_unmasked_frames_that_join() -> None:
    ok = wire.Ok(id=1, seq=2)
    assert JSON_WS.frame(ok) == b"\x81" + bytes([len(msgspec.json.encode(ok))]) + msgspec.json.encode(ok)
    assert MSGPACK_WS.frame(ok)[0] == 0x82
    assert JSON_WS.join([JSON_WS.frame(ok), JSON_WS.frame(ok)]) == JSON_WS.frame(ok) * 2


# ---- in ----------------------------------------------------------------------------------------


def test_messages_arrive_whole_and_in_order(server: Server, gateway: RecordingGateway) -> None:
    with connected(server, gateway) as (raw, receiver):
        raw.send(
            masked(TEXT, b"one"),
            masked(TEXT, b"tw", fin=False) + masked(PING, b"?") + masked(CONT, b"o"),
            masked(TEXT),
            masked(TEXT, "drei \N{SNOWMAN}".encode()),
        )
        gateway.wait_for(lambda: len(receiver.messages) == 4)
        assert receiver.messages == ["one", "two", "", "drei \N{SNOWMAN}"]
        assert raw.frame() == (0x8A, b"?")


def test_binary_messages_stay_bytes(server: Server, gateway: RecordingGateway) -> None:
    with connected(server, gateway, subprotocol="chatd.v1.msgpack") as (raw, receiver):
        raw.send(masked(BINARY, b"\xff\xfe"), masked(BINARY, b"a", fin=False), masked(CONT, b"\xff"))
        gateway.wait_for(lambda: len(receiver.messages) == 2)
        assert receiver.messages == [b"\xff\xfe", b"a\xff"]
        assert isinstance(receiver.sink, Fanout)
        assert receiver.sink.format is MSGPACK_WS


@pytest.mark.parametrize(
    ("frames", "code"),
    [
        pytest.param([masked(BINARY, b"{}")], 1003, id="binary on json"),
        pytest.param([masked(BINARY, b"{}", fin=False)], 1003, id="first binary fragment on json"),
        pytest.param([masked(TEXT, b"\xff")], 1007, id="no UTF-8"),
        pytest.param([masked(TEXT, b"\xff", fin=False)], 1007, id="no UTF-8 in the first fragment"),
        pytest.param([masked(TEXT, b"\xe2", fin=False), masked(CONT)], 1007, id="UTF-8 that ends early"),
        pytest.param([masked(TEXT, b"x" * 1001)], 1009, id="too large"),
        pytest.param(
            [masked(TEXT, b"x" * 600, fin=False), masked(CONT, b"x" * 401)], 1009, id="in sum too large"
        ),
        pytest.param([masked(TEXT, b"x", fin=False)] + [masked(CONT, fin=False)] * 4, 1009, id="fragments"),
        pytest.param([masked(3)], 1002, id="reserved opcode"),
        pytest.param([masked(TEXT, b"x", rsv=4)], 1002, id="compressed without consent"),
        pytest.param([b"\x81\x01x"], 1002, id="not masked"),
    ],
)
def test_what_cannot_be_taken_is_closed_with_its_code(
    server: Server, gateway: RecordingGateway, frames: list[bytes], code: int
) -> None:
    with connected(server, gateway) as (raw, receiver):
        raw.send(masked(TEXT, b"before"), *frames, masked(PONG))
        assert raw.close_code() == code
        gateway.wait_for(lambda: receiver.closes)
        assert (receiver.messages, receiver.closes) == (["before"], 1)


def test_the_largest_message_and_the_most_fragments_are_taken(
    server: Server, gateway: RecordingGateway
) -> None:
    with connected(server, gateway) as (raw, receiver):
        raw.send(masked(TEXT, b"x" * 1000))
        raw.send(masked(TEXT, fin=False), masked(CONT, fin=False) * 3, masked(CONT, b"y" * 1000))
        gateway.wait_for(lambda: len(receiver.messages) == 2)
        assert receiver.messages == ["x" * 1000, "y" * 1000]


# ---- out ---------------------------------------------------------------------------------------


def test_a_batch_goes_out_as_it_is(server: Server, gateway: RecordingGateway) -> None:
    with connected(server, gateway) as (raw, receiver):
        frames = [JSON_WS.frame(wire.Ok(id=n)) for n in range(3)]
        assert server.call(receiver.sink.write, JSON_WS.join(frames))
        assert not server.call(receiver.sink.congested)
        assert [msgspec.json.decode(raw.frame()[1])["id"] for _ in frames] == [0, 1, 2]


def _fill(sink: Any, limit: int) -> int:
    """Write until the sink refuses; how many bytes it took."""
    batch, taken = b"\x82\x7e\xff\xff" + bytes(65535), 0
    while sink.write(batch):
        taken += len(batch)
        assert taken < limit
    return taken


def test_a_peer_that_does_not_read_is_cut_within_the_bound() -> None:
    gateway = RecordingGateway()
    with Server(gateway, DoorSettings(max_buffer_bytes=1 << 18, congested_bytes=1 << 17)) as server:
        with connected(server, gateway) as (raw, receiver):
            sink = receiver.sink
            server.call(_fill, sink, 1 << 26)  # the kernel's buffers are part of it
            assert not server.call(sink.write, b"x")
            assert server.call(sink.congested)
            assert receiver.closes == 0  # never from within `write`
            gateway.wait_for(lambda: receiver.closes)  # although the peer reads nothing
            assert raw.sock.fileno() > 0
        metrics = server.node.sockets.metrics
        assert metrics.slow_readers_cut.value == 1
        assert metrics.closes["4001"].value == 1
        assert metrics.connections.value == 0


def test_a_slow_reader_that_reads_on_is_told_why() -> None:
    gateway = RecordingGateway()
    with (
        Server(gateway, DoorSettings(max_buffer_bytes=1 << 16)) as server,
        connected(server, gateway) as (raw, receiver),
    ):
        batch_count = server.call(_fill, receiver.sink, 1 << 26) // 65539
        for _ in range(batch_count):
            assert raw.frame()[0] == 0x82
        assert raw.close_code() == wire.CloseCode.TOO_SLOW


def test_lagging_comes_before_cutting() -> None:
    gateway = RecordingGateway()
    with (
        Server(gateway, DoorSettings(congested_bytes=1 << 14)) as server,
        connected(server, gateway) as (_, receiver),
    ):
        sink = receiver.sink

        def lag() -> bool:
            while not sink.congested():
                assert sink.write(b"\x82\x7e\xff\xff" + bytes(65535))
            return sink.write(b"\x82\x00")

        assert server.call(lag)


def test_a_flood_of_pings_by_a_peer_that_does_not_read_is_cut() -> None:
    gateway = RecordingGateway()
    with (
        Server(gateway, DoorSettings(max_buffer_bytes=1 << 14)) as server,
        connected(server, gateway) as (raw, receiver),
    ):
        flood = masked(PING, b"x" * 125) * 5000
        raw.sock.settimeout(TIMEOUT_S)
        with contextlib.suppress(ConnectionError):
            while not receiver.closes:
                raw.send(flood)
        assert server.node.sockets.metrics.slow_readers_cut.value == 1


# ---- the ends ----------------------------------------------------------------------------------


def test_the_peer_says_goodbye(server: Server, gateway: RecordingGateway) -> None:
    with connected(server, gateway) as (raw, receiver):
        raw.send(masked(TEXT, b"last words"), masked(CLOSE, b"\x03\xe8bye"))
        assert raw.frame() == (0x88, b"\x03\xe8bye")
        assert raw.ended()
        raw.sock.close()
        gateway.wait_for(lambda: receiver.closes)
        assert receiver.messages == ["last words"]


def test_we_say_goodbye_and_the_peer_answers(server: Server, gateway: RecordingGateway) -> None:
    with connected(server, gateway) as (raw, receiver):
        server.call(receiver.sink.close, 4000, "restart")
        assert raw.frame() == (0x88, b"\x0f\xa0restart")
        raw.send(masked(TEXT, b"too late"), masked(CLOSE, b"\x0f\xa0"))
        assert raw.ended()
        raw.sock.close()
        gateway.wait_for(lambda: receiver.closes)
        assert receiver.messages == []
        assert not server.call(receiver.sink.write, b"x")


def test_a_peer_that_does_not_answer_our_goodbye_is_aborted(
    server: Server, gateway: RecordingGateway
) -> None:
    with connected(server, gateway) as (raw, receiver):
        server.call(receiver.sink.close, 4000, "restart")
        assert raw.frame()[0] == 0x88
        gateway.wait_for(lambda: receiver.closes)


@pytest.mark.parametrize("again", ["close", "silent", "ping", "write"])
def test_after_a_goodbye_nothing_more_is_said(server: Server, gateway: RecordingGateway, again: str) -> None:
    def twice(sink: Any) -> None:
        sink.close(4000, "x" * 200)  # longer than a close frame holds
        {
            "close": lambda: sink.close(4001, ""),
            "silent": sink.silent,
            "ping": sink.ping,
            "write": lambda: sink.write(b"x"),
        }[again]()

    with connected(server, gateway) as (raw, receiver):
        server.call(twice, receiver.sink)
        assert raw.frame() == (0x88, b"\x0f\xa0" + b"x" * 123)
        assert raw.ended()
        gateway.wait_for(lambda: receiver.closes)


@pytest.mark.parametrize("how", ["reset", "end"])
def test_a_peer_that_just_goes(server: Server, gateway: RecordingGateway, how: str) -> None:
    with connected(server, gateway) as (raw, receiver):
        if how == "reset":
            raw.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        raw._in.close()
        raw.sock.close()
        gateway.wait_for(lambda: receiver.closes)
        assert not server.call(receiver.sink.write, b"x")
        assert server.call(receiver.sink.congested)
        server.call(receiver.sink.close, 4000, "")


def test_a_peer_that_ends_its_half_and_does_not_read_is_aborted() -> None:
    gateway = RecordingGateway()
    with (
        Server(gateway, DoorSettings(close_timeout_s=0.3, max_buffer_bytes=1 << 30)) as server,
        connected(server, gateway) as (raw, receiver),
    ):
        server.call(lambda: receiver.sink.write(bytes(1 << 24)))
        raw.sock.shutdown(socket.SHUT_WR)
        gateway.wait_for(lambda: receiver.closes)


def test_closing_from_within_a_message_drops_the_ones_behind_it() -> None:
    class Closing(RecordingGateway):
        def connected(self, sink: Any) -> Any:
            receiver = super().connected(sink)
            seen = receiver.received

            def received(payload: bytes | str) -> None:
                seen(payload)
                sink.close(4100, "enough")

            receiver.received = received  # type: ignore[method-assign]  # the one behaviour this test adds
            return receiver

    gateway = Closing()
    with Server(gateway) as server, connected(server, gateway) as (raw, receiver):
        raw.send(masked(TEXT, b"a"), masked(PING), masked(TEXT, b"b"), masked(CLOSE, b"\x03\xe8"))
        assert raw.close_code() == 4100
        gateway.wait_for(lambda: receiver.closes)
        assert receiver.messages == ["a"]


# ---- what is kept ------------------------------------------------------------------------------


@pytest.mark.parametrize("http", [HttpDoor, "httptools"])
def test_an_open_connection_keeps_nothing_of_its_request(http: Any) -> None:
    marker = "q7f3k-marker-in-the-request"
    gateway = RecordingGateway()
    gc.collect()
    gc.disable()
    try:
        with (
            Server(gateway, http=http) as server,
            connected(server, gateway, path=f"/ws?{marker}", x_marker=marker) as (_, receiver),
        ):

            def held() -> list[object]:
                return [
                    thing
                    for thing in _reachable(receiver.sink)
                    if isinstance(thing, str | bytes | bytearray) and marker in str(thing)
                ]

            def doors() -> int:
                return sum(isinstance(thing, HttpDoor) for thing in gc.get_objects())

            assert server.call(held) == []
            assert server.call(doors) == 0  # gone without the cycle collector
    finally:
        gc.enable()


SHARED = (
    type,
    types.ModuleType,
    types.FunctionType,
    types.CodeType,
    Sockets,
    RecordingGateway,
    logging.Logger,
)


def _reachable(start: object) -> list[object]:
    """Everything this connection alone keeps alive; what all share is not followed."""
    seen: dict[int, object] = {}
    todo = [start]
    while todo:
        thing = todo.pop()
        if id(thing) in seen or isinstance(thing, SHARED) or type(thing).__name__ in ("Loop", "Condition"):
            continue
        seen[id(thing)] = thing
        todo.extend(gc.get_referents(thing))
        assert len(seen) < 2000, "that is more than one connection"
    return list(seen.values())


def test_a_connection_that_is_gone_lets_go_of_everything(server: Server, gateway: RecordingGateway) -> None:
    with connected(server, gateway) as (raw, receiver):
        raw.send(masked(TEXT, b"half", fin=False))
    gateway.wait_for(lambda: receiver.closes)
    sink: Any = receiver.sink
    for name in ("_ws", "_transport"):
        assert not hasattr(sink, name)
    assert sink._partial is sink._node is sink._receiver is sink._timer is None
    assert sys.getrefcount(sink) < 10
    assert server.call(lambda: sink in server.node.sockets.keepalive._slots[sink.slot]) is False


# ---- compression -------------------------------------------------------------------------------

DEFLATE = "permessage-deflate; client_max_window_bits"


def _compressed(data: bytes) -> bytes:
    encoder = zlib.compressobj(wbits=-15)
    return (encoder.compress(data) + encoder.flush(zlib.Z_SYNC_FLUSH))[:-4]


def test_compression_is_off_unless_it_is_asked_for(server: Server, gateway: RecordingGateway) -> None:
    with Raw(server.port) as raw:
        assert "sec-websocket-extensions" not in raw.open(sec_websocket_extensions=DEFLATE)


def test_compression_is_stateless_and_a_bomb_is_bounded() -> None:
    gateway = RecordingGateway()
    with Server(gateway, DoorSettings(deflate=True, max_message_bytes=10_000)) as server:
        with Raw(server.port) as raw:
            agreed = raw.open(sec_websocket_extensions=DEFLATE)["sec-websocket-extensions"]
            assert "server_no_context_takeover" in agreed
            assert "client_no_context_takeover" in agreed
            raw.send(masked(TEXT, _compressed(b"hello " * 100), rsv=4))
            gateway.wait_for(lambda: gateway.receivers and gateway.receivers[0].messages)
            assert gateway.receivers[0].messages == ["hello " * 100]
            assert server.call(gateway.receivers[0].sink.write, JSON_WS.frame(wire.Ok(id=1)))
            assert raw.frame() == (0x81, b'{"t":"ok","id":1}')
            raw.send(masked(TEXT, _compressed(bytes(8_000_000)), rsv=4))  # 8 kB that would be 8 MB
            assert raw.close_code() == 1009
        with Raw(server.port) as raw:
            raw.open(sec_websocket_extensions=DEFLATE)
            whole = _compressed(b"a" * 9_999 + bytes(1_000_000))
            raw.send(masked(TEXT, whole[:20], fin=False, rsv=4), masked(CONT, whole[20:]))
            assert raw.close_code() == 1009


def test_opcodes_are_those_of_the_rfc() -> None:
    """The tests write numbers; the library names them."""
    assert [Opcode.CONT, Opcode.TEXT, Opcode.BINARY, Opcode.CLOSE, Opcode.PING, Opcode.PONG] == [
        0,
        1,
        2,
        8,
        9,
        10,
    ]
    assert Frame(Opcode.PING, b"").serialize(mask=False) == b"\x89\x00"
