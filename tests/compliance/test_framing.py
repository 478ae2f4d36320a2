"""RFC 6455 section 5, the ground of the Autobahn cases 1-5: frames, pings, reserved bits, fragments.

Every case ends with a close that the server answers, or with the code it fails with; `says` reads
what came back, in order.
"""

import itertools
from collections.abc import Sequence
from typing import TypeAlias

import pytest

from tests.chatd.serving import Raw, masked

TEXT, BINARY, CONT, CLOSE, PING, PONG = 1, 2, 0, 8, 9, 10
Said: TypeAlias = "tuple[int, bytes]"

SIZES = (0, 1, 125, 126, 127, 128, 65535, 65536)


def text(payload: bytes) -> Said:
    return 0x81, payload


def binary(payload: bytes) -> Said:
    return 0x82, payload


def pong(payload: bytes = b"") -> Said:
    return 0x8A, payload


def says(peer: Raw, frames: Sequence[bytes], expected: Sequence[Said], code: int, *, chop: int = 0) -> None:
    """Send `frames` at once, or in pieces of `chop` bytes; expect these frames and then this close code."""
    data = b"".join(frames)
    if code == 1000:
        data += masked(CLOSE, b"\x03\xe8")
    if chop:
        for start in range(0, len(data), chop):
            peer.send(data[start : start + chop])
    else:
        peer.send(data)
    for frame in expected:
        assert peer.frame() == frame
    assert peer.close_code() == code


# ---- 1: messages of all sizes ------------------------------------------------------------------


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(("opcode", "fill"), [(TEXT, b"*"), (BINARY, b"\xfe")])
def test_a_message_of_any_size_comes_back(peer: Raw, opcode: int, fill: bytes, size: int) -> None:
    says(peer, [masked(opcode, fill * size)], [(0x80 | opcode, fill * size)], 1000)


@pytest.mark.parametrize("chop", [1, 7, 997])
@pytest.mark.parametrize(("opcode", "fill"), [(TEXT, b"*"), (BINARY, b"\xfe")])
def test_however_it_is_chopped(peer: Raw, opcode: int, fill: bytes, chop: int) -> None:
    size = 300 if chop < 997 else 65536
    says(peer, [masked(opcode, fill * size)], [(0x80 | opcode, fill * size)], 1000, chop=chop)


@pytest.mark.parametrize("mask", [b"\0\0\0\0", b"\xff\xff\xff\xff", b"\1\2\3\4"])
def test_whatever_the_mask(peer: Raw, mask: bytes) -> None:
    says(peer, [masked(TEXT, b"hello", mask=mask)], [text(b"hello")], 1000)


def test_a_frame_without_a_mask_fails(peer: Raw) -> None:
    says(peer, [b"\x81\x05hello"], [], 1002)


@pytest.mark.parametrize("length", [b"\xfe\0\x05", b"\xff\0\0\0\0\0\0\0\x05"])
def test_a_length_that_is_not_the_shortest_is_read_nonetheless(peer: Raw, length: bytes) -> None:
    """Not strict: RFC 6455 section 5.2 asks for the minimal form; `websockets` reads the others as well."""
    says(peer, [b"\x81" + length + b"\0\0\0\0hello"], [text(b"hello")], 1000)


# ---- 2: pings and pongs ------------------------------------------------------------------------


@pytest.mark.parametrize("payload", [b"", b"hello", b"\x00\xff\xfe\xfd\xfc\xfb\x00\xff", b"\xfe" * 125])
@pytest.mark.parametrize("chop", [0, 1])
def test_a_ping_is_answered_with_its_payload(peer: Raw, payload: bytes, chop: int) -> None:
    says(peer, [masked(PING, payload)], [pong(payload)], 1000, chop=chop)


@pytest.mark.parametrize("opcode", [PING, PONG, CLOSE])
def test_a_control_frame_holds_125_bytes(peer: Raw, opcode: int) -> None:
    says(peer, [masked(opcode, b"\x03\xe8" + b"a" * 124)], [], 1002)


@pytest.mark.parametrize("opcode", [PING, PONG])
def test_a_control_frame_is_not_fragmented(peer: Raw, opcode: int) -> None:
    says(peer, [masked(opcode, b"a", fin=False), masked(CONT, b"b")], [], 1002)


def test_a_pong_that_nobody_asked_for_is_ignored(peer: Raw) -> None:
    says(peer, [masked(PONG), masked(PONG, b"x"), masked(PING, b"y")], [pong(b"y")], 1000)


@pytest.mark.parametrize("chop", [0, 1])
def test_ten_pings_have_ten_pongs_in_order(peer: Raw, chop: int) -> None:
    payloads = [b"payload-%d" % n for n in range(10)]
    says(peer, [masked(PING, p) for p in payloads], [pong(p) for p in payloads], 1000, chop=chop)


def test_messages_and_pongs_come_in_the_order_of_what_was_sent(peer: Raw) -> None:
    frames = [masked(TEXT, b"1"), masked(PING, b"2"), masked(BINARY, b"3"), masked(PING, b"4")]
    says(peer, frames, [text(b"1"), pong(b"2"), binary(b"3"), pong(b"4")], 1000)


# ---- 3: reserved bits --------------------------------------------------------------------------


@pytest.mark.parametrize("rsv", range(1, 8))
@pytest.mark.parametrize("opcode", [TEXT, BINARY, PING, PONG, CLOSE])
def test_a_reserved_bit_fails_and_what_came_before_does_not(peer: Raw, opcode: int, rsv: int) -> None:
    says(peer, [masked(TEXT, b"a"), masked(opcode, b"b", rsv=rsv), masked(PING)], [text(b"a")], 1002)


# ---- 4: reserved opcodes -----------------------------------------------------------------------


@pytest.mark.parametrize("opcode", [3, 4, 5, 6, 7, 11, 12, 13, 14, 15])
@pytest.mark.parametrize("payload", [b"", b"reserved"])
def test_a_reserved_opcode_fails(peer: Raw, opcode: int, payload: bytes) -> None:
    says(peer, [masked(TEXT, b"a"), masked(opcode, payload), masked(PING)], [text(b"a")], 1002)


# ---- 5: fragments ------------------------------------------------------------------------------


@pytest.mark.parametrize("chop", [0, 1])
@pytest.mark.parametrize("opcode", [TEXT, BINARY])
def test_fragments_make_one_message(peer: Raw, opcode: int, chop: int) -> None:
    frames = [masked(opcode, b"one", fin=False), masked(CONT, b"two", fin=False), masked(CONT, b"three")]
    says(peer, frames, [(0x80 | opcode, b"onetwothree")], 1000, chop=chop)


def test_fragments_may_be_empty(peer: Raw) -> None:
    frames = [masked(TEXT, fin=False), masked(CONT, b"mid", fin=False), masked(CONT)]
    says(peer, frames, [text(b"mid")], 1000)


def test_an_empty_message_of_many_empty_fragments(peer: Raw) -> None:
    says(
        peer, [masked(BINARY, fin=False), *[masked(CONT, fin=False)] * 500, masked(CONT)], [binary(b"")], 1000
    )


@pytest.mark.parametrize("chop", [0, 1])
def test_a_ping_between_fragments_is_answered_first(peer: Raw, chop: int) -> None:
    frames = [
        masked(TEXT, b"a", fin=False),
        masked(PING, b"1"),
        masked(CONT, b"b", fin=False),
        masked(PING, b"2"),
        masked(PONG, b"unasked"),
        masked(CONT, b"c"),
    ]
    says(peer, frames, [pong(b"1"), pong(b"2"), text(b"abc")], 1000, chop=chop)


@pytest.mark.parametrize("fin", [True, False])
def test_a_continuation_of_nothing_fails(peer: Raw, fin: bool) -> None:
    says(peer, [masked(CONT, b"of nothing", fin=fin), masked(TEXT, b"a")], [], 1002)


def test_a_continuation_behind_a_whole_message_fails(peer: Raw) -> None:
    says(peer, [masked(TEXT, b"a"), masked(CONT, b"b")], [text(b"a")], 1002)


@pytest.mark.parametrize(("first", "second"), list(itertools.product([TEXT, BINARY], repeat=2)))
@pytest.mark.parametrize("fin", [True, False])
def test_a_new_message_within_one_fails(peer: Raw, first: int, second: int, fin: bool) -> None:
    says(peer, [masked(first, b"a", fin=False), masked(second, b"b", fin=fin)], [], 1002)


def test_a_close_between_fragments_fails(peer: Raw) -> None:
    says(peer, [masked(TEXT, b"a", fin=False), masked(CLOSE, b"\x03\xe8"), masked(CONT, b"b")], [], 1002)
