"""Whatever bytes come after the handshake: no exception leaves the protocol, it is alive or it closes.

The protocol runs on a transport that only remembers, so that thousands of conversations fit into a
test; the same is then done through a real server with bytes that no frame was made of.
"""

import asyncio
import random
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatd.fanout import Fanout
from chatd.handshake import DoorSettings
from chatd.sockets import STATE_KEY
from tests.chatd.serving import ACCEPT, KEY, Raw, RecordingGateway, Server, StandIn, masked


class Memory(asyncio.Transport):
    """The end of a connection that keeps what is written, as a transport does while nobody reads it."""

    def __init__(self) -> None:
        super().__init__()
        self.written = bytearray()
        self.eof = self.closed = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        assert not self.eof, "nothing is written behind the end"
        self.written += data

    def get_write_buffer_size(self) -> int:
        return len(self.written)

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        assert not self.eof
        self.eof = True

    def close(self) -> None:
        self.closed = True

    def abort(self) -> None:
        self.closed = True


REQUEST = (
    "GET /ws HTTP/1.1\r\nhost: a\r\nupgrade: websocket\r\nconnection: Upgrade\r\n"
    f"sec-websocket-version: 13\r\nsec-websocket-key: {KEY}\r\nsec-websocket-protocol: chatd.v1.json\r\n"
    "sec-websocket-extensions: permessage-deflate\r\n\r\n"
).encode()

FRAMES = st.builds(
    masked,
    st.integers(0, 15),
    st.one_of(st.binary(max_size=200), st.text(max_size=50).map(str.encode)),
    fin=st.booleans(),
    rsv=st.sampled_from([0, 0, 0, 4, 2]),
    mask=st.binary(min_size=4, max_size=4),
)
BYTES = st.lists(st.one_of(FRAMES, FRAMES, st.binary(max_size=64)), max_size=12).map(b"".join)
CUTS = st.lists(st.integers(1, 300), max_size=20)


@settings(max_examples=500, deadline=None)
@given(
    data=BYTES, cuts=CUTS, deflate=st.booleans(), ending=st.sampled_from(["eof", "lost", "close", "silent"])
)
def test_no_bytes_upset_the_protocol(data: bytes, cuts: list[int], deflate: bool, ending: str) -> None:
    asyncio.run(_converse(data, cuts, deflate, ending))


async def _converse(data: bytes, cuts: list[int], deflate: bool, ending: str) -> None:
    gateway = RecordingGateway()
    bounds = DoorSettings(deflate=deflate, max_message_bytes=300, max_fragments=4, max_buffer_bytes=2000)
    node = StandIn(gateway, bounds)
    transport = Memory()
    fanout = Fanout(config=None, server_state=None, app_state={STATE_KEY: node})
    fanout.connection_made(transport)
    fanout.data_received(REQUEST)
    assert ACCEPT.encode() in transport.written
    receiver = gateway.receivers[0]
    for piece in _cut(data, cuts):
        if transport.closed:
            break
        fanout.data_received(piece)
        assert receiver.closes == 0
    alive = fanout.write(b"")
    assert alive == (not fanout.congested())
    assert alive or transport.eof or transport.closed or _goodbye_said(transport)
    assert all(len(message) <= 300 for message in receiver.messages)
    if ending == "eof":
        fanout.eof_received()
    elif ending == "close":
        fanout.close(4000, "restart")
    elif ending == "silent":
        fanout.silent()
    fanout.connection_lost(None)
    assert receiver.closes == 1
    assert node.sockets.open == 0
    assert len(node.sockets.keepalive) == 0


def _goodbye_said(transport: Memory) -> bool:
    """A close frame went out and the peer has not answered it yet; a timer will end it."""
    return b"\x88" in transport.written


def _cut(data: bytes, cuts: list[int]) -> Iterator[bytes]:
    start = 0
    for size in [*cuts, len(data)]:
        if start < len(data):
            yield data[start : start + size]
        start += size


@settings(max_examples=300, deadline=None)
@given(head=st.binary(min_size=1, max_size=2000))
def test_no_head_upsets_the_protocol(head: bytes) -> None:
    async def converse() -> None:
        gateway = RecordingGateway()
        transport = Memory()
        fanout = Fanout(
            config=None, server_state=None, app_state={STATE_KEY: StandIn(gateway, DoorSettings())}
        )
        fanout.connection_made(transport)
        fanout.data_received(head)
        fanout.data_received(b"\r\n\r\n")
        fanout.data_received(b"more")
        fanout.connection_lost(None)
        assert gateway.receivers == []

    asyncio.run(converse())


@pytest.mark.parametrize("seed", range(3))
def test_a_real_server_closes_on_noise_and_serves_on(seed: int) -> None:
    noise = random.Random(seed)
    gateway = RecordingGateway()
    with Server(gateway) as server:
        for _ in range(20):
            with Raw(server.port) as raw:
                raw.open()
                raw.send(bytes([0xFF]) + noise.randbytes(noise.randrange(1, 500)))
                assert raw.close_code() == 1002
        gateway.wait_for(lambda: all(receiver.closes for receiver in gateway.receivers))
        assert server.node.sockets.open == 0
