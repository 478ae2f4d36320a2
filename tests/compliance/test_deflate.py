"""RFC 7692, the ground of the Autobahn cases 12 and 13 in a small form: compression, without state.

The server agrees to `permessage-deflate` without context takeover on either side and answers
uncompressed, which the extension allows message by message (section 6).
"""

import zlib

import pytest
from websockets.sync.client import connect

from tests.chatd.serving import Raw, Server, masked

TEXT, BINARY, CONT, PING = 1, 2, 0, 9
COMPRESSED = 4

OFFERS = [
    "permessage-deflate",
    "permessage-deflate; client_max_window_bits",
    "permessage-deflate; client_max_window_bits=9",
    "permessage-deflate; server_max_window_bits=9",
    "permessage-deflate; server_max_window_bits=15; client_max_window_bits=15",
    "permessage-deflate; server_no_context_takeover; client_no_context_takeover",
    "x-unknown, permessage-deflate; unknown=1, permessage-deflate",
]


def squeezed(data: bytes, *, bits: int = 15, level: int = 6) -> bytes:
    """One message, RFC 7692 section 7.2.1."""
    encoder = zlib.compressobj(level, wbits=-bits)
    return (encoder.compress(data) + encoder.flush(zlib.Z_SYNC_FLUSH)).removesuffix(b"\0\0\xff\xff")


def opened(deflating: Server, offer: str = OFFERS[0]) -> Raw:
    raw = Raw(deflating.port)
    agreed = raw.open("/", subprotocol=None, sec_websocket_extensions=offer)["sec-websocket-extensions"]
    assert "server_no_context_takeover" in agreed
    assert "client_no_context_takeover" in agreed
    return raw


@pytest.mark.parametrize("offer", OFFERS)
def test_an_offer_is_taken(deflating: Server, offer: str) -> None:
    with opened(deflating, offer) as raw:
        raw.send(masked(TEXT, squeezed(b"hello", bits=9), rsv=COMPRESSED))
        assert raw.frame() == (0x81, b"hello")


@pytest.mark.parametrize(
    "offer", ["permessage-deflate; server_max_window_bits=8", "permessage-deflate; nonsense"]
)
def test_an_offer_that_cannot_be_taken_is_left(deflating: Server, offer: str) -> None:
    with Raw(deflating.port) as raw:
        assert "sec-websocket-extensions" not in raw.open(
            "/", subprotocol=None, sec_websocket_extensions=offer
        )
        raw.send(masked(TEXT, squeezed(b"hello"), rsv=COMPRESSED))
        assert raw.close_code() == 1002


@pytest.mark.parametrize("size", [0, 1, 16, 2048, 4096, 65536, 1 << 20])
def test_compressed_messages_of_any_size(deflating: Server, size: int) -> None:
    data = bytes(range(256)) * (size // 256) + b"*" * (size % 256)
    with opened(deflating) as raw:
        for level in (0, 1, 9):
            raw.send(masked(BINARY, squeezed(data, level=level), rsv=COMPRESSED))
            assert raw.frame() == (0x82, data)


def test_compressed_and_plain_messages_in_turn(deflating: Server) -> None:
    with opened(deflating) as raw:
        for n in range(20):
            data = b"message %d " % n * 50
            raw.send(masked(TEXT, squeezed(data), rsv=COMPRESSED) if n % 2 else masked(TEXT, data))
            assert raw.frame() == (0x81, data)


def test_a_compressed_message_in_fragments(deflating: Server) -> None:
    data = b"fragments of a whole " * 100
    whole = squeezed(data)
    with opened(deflating) as raw:
        raw.send(masked(TEXT, whole[:10], fin=False, rsv=COMPRESSED), masked(PING, b"?"))
        raw.send(masked(CONT, whole[10:11], fin=False), masked(CONT, fin=False), masked(CONT, whole[11:]))
        assert raw.frame() == (0x8A, b"?")
        assert raw.frame() == (0x81, data)


@pytest.mark.parametrize(
    ("frames", "code"),
    [
        ([masked(TEXT, b"\xff\xff\xff\xff", rsv=COMPRESSED)], 1002),
        ([masked(TEXT, squeezed(b"\xff"), rsv=COMPRESSED)], 1007),
        ([masked(PING, b"x", rsv=COMPRESSED)], 1002),
        ([masked(TEXT, squeezed(b"x" * 99)[:3], fin=False, rsv=4), masked(CONT, b"", rsv=4)], 1002),
        ([masked(TEXT, squeezed(bytes(1 << 26)), rsv=COMPRESSED)], 1009),
    ],
    ids=["no deflate data", "no UTF-8 inside", "control frame", "bit on a continuation", "bomb"],
)
def test_what_is_wrong_fails(deflating: Server, frames: list[bytes], code: int) -> None:
    with opened(deflating) as raw:
        raw.send(*frames)
        assert raw.close_code() == code


def test_a_client_from_a_library_agrees(deflating: Server) -> None:
    with connect(f"ws://127.0.0.1:{deflating.port}/", compression="deflate") as client:
        for data in ("hello" * 1000, b"\0" * 100_000, ""):
            client.send(data)
            assert client.recv() == data
