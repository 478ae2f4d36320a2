"""Plain frames: read as `websockets` reads them, however the bytes are cut; nothing else is taken for one."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Frame, Opcode
from websockets.protocol import Protocol, Side

from chatd.plain import first_byte, masked_size, plain_frame
from tests.chatd.serving import masked

MAX = 1000
TEXT_FIRST = first_byte(Opcode.TEXT)
SIZES = st.one_of(
    st.integers(0, 300), st.sampled_from([125, 126, 127, MAX - 1, MAX, MAX + 1, 65_535, 65_536])
)


@st.composite
def frames(draw: st.DrawFn) -> bytes:
    """One frame of any kind, most of them plain."""
    opcode = draw(st.sampled_from([Opcode.TEXT] * 4 + list(Opcode)))
    return masked(
        opcode, draw(st.binary(min_size=size, max_size=size)) if (size := draw(SIZES)) < 400 else b"x" * size
    )


def read_by_websockets(data: bytes) -> list[Any]:
    protocol = Protocol(Side.SERVER, max_size=None)
    protocol.receive_data(data)
    return protocol.events_received()


@given(st.binary(max_size=40), frames())
def test_what_is_taken_is_what_websockets_reads(before: bytes, frame: bytes) -> None:
    plain = plain_frame(before + frame, len(before), TEXT_FIRST, MAX)
    if plain is None:
        return
    payload, end = plain
    assert end == len(before) + len(frame)
    [read] = read_by_websockets(frame)
    assert (read.opcode, read.fin, bytes(read.data)) == (Opcode.TEXT, True, payload)


@given(st.binary(min_size=0, max_size=60))
def test_any_bytes_are_a_whole_text_frame_or_not_taken(data: bytes) -> None:
    plain = plain_frame(data, 0, TEXT_FIRST, MAX)
    if plain is not None:
        payload, end = plain
        [read] = read_by_websockets(data[:end])
        assert (read.opcode, read.fin, bytes(read.data)) == (Opcode.TEXT, True, payload)


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, MAX])
def test_every_plain_frame_is_taken(size: int) -> None:
    frame = masked(Opcode.TEXT, b"x" * size)
    assert plain_frame(frame, 0, TEXT_FIRST, MAX) == (b"x" * size, len(frame))
    assert masked_size(size) == len(frame)


@pytest.mark.parametrize(
    "other",
    [
        masked(Opcode.TEXT, b"x" * (MAX + 1)),
        masked(Opcode.TEXT, b"x", fin=False),
        masked(Opcode.BINARY, b"x"),
        masked(Opcode.PING, b"x"),
        bytes([0xC1]) + masked(Opcode.TEXT, b"x")[1:],  # a reserved bit
        Frame(Opcode.TEXT, b"x" * 10).serialize(mask=False),
        bytes([0x81, 0xFE, 0, 5]) + b"abcd" + b"x" * 5,  # not the shortest length
        bytes([0x81, 0xFF]) + (200).to_bytes(8, "big") + b"abcd" + b"x" * 200,
    ],
    ids=["large", "fragment", "binary", "ping", "reserved", "unmasked", "overlong 16", "overlong 64"],
)
def test_what_is_not_plain_is_left_to_websockets(other: bytes) -> None:
    assert plain_frame(other, 0, TEXT_FIRST, MAX) is None


@pytest.mark.parametrize("size", [0, 5, 200])
def test_a_frame_in_pieces_is_not_taken(size: int) -> None:
    frame = masked(Opcode.TEXT, b"x" * size)
    assert all(plain_frame(frame[:end], 0, TEXT_FIRST, MAX) is None for end in range(len(frame)))


@pytest.mark.parametrize("size", [0, 125, 126, 65_535, 65_536, 100_000])
def test_the_size_of_a_masked_frame(size: int) -> None:
    assert masked_size(size) == len(Frame(Opcode.TEXT, b"x" * size).serialize(mask=True))
