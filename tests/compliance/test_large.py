"""The ground of the Autobahn cases 9 and 10: large messages, many fragments, small reads, many messages."""

import pytest

from tests.chatd.serving import Raw, masked

TEXT, BINARY, CONT = 1, 2, 0


@pytest.mark.parametrize("size", [1 << 18, 1 << 20, 1 << 22, 1 << 24])
@pytest.mark.parametrize("opcode", [TEXT, BINARY])
def test_a_large_message_comes_back(peer: Raw, opcode: int, size: int) -> None:
    payload = b"*" * size
    peer.send(masked(opcode, payload))
    assert peer.frame() == (0x80 | opcode, payload)


def test_a_message_over_the_limit_fails_before_it_is_read(peer: Raw) -> None:
    peer.send(b"\x82\xff" + ((1 << 24) + 1).to_bytes(8, "big") + b"\0\0\0\0")
    assert peer.close_code() == 1009


@pytest.mark.parametrize("fragment", [64, 1024, 1 << 16])
@pytest.mark.parametrize("opcode", [TEXT, BINARY])
def test_a_megabyte_in_fragments(peer: Raw, opcode: int, fragment: int) -> None:
    count = (1 << 20) // fragment
    piece = b"*" * fragment
    peer.send(
        masked(opcode, piece, fin=False),
        *[masked(CONT, piece, fin=False, mask=b"abcd")] * (count - 2),
        masked(CONT, piece),
    )
    assert peer.frame() == (0x80 | opcode, b"*" * (1 << 20))


@pytest.mark.parametrize("chop", [64, 1024])
def test_a_quarter_of_a_megabyte_in_small_writes(peer: Raw, chop: int) -> None:
    data = masked(TEXT, b"*" * (1 << 18))
    for start in range(0, len(data), chop):
        peer.send(data[start : start + chop])
    assert peer.frame() == (0x81, b"*" * (1 << 18))


@pytest.mark.parametrize("size", [0, 16, 256, 4096])
def test_a_thousand_messages_one_behind_the_other(peer: Raw, size: int) -> None:
    for start in range(0, 1000, 100):  # in parts, so that neither side has to buffer all
        peer.send(*[masked(BINARY, bytes(size), mask=b"\0\0\0\0")] * 100)
        for _ in range(100):
            assert peer.frame() == (0x82, bytes(size)), start


def test_fragments_of_one_byte_and_a_ping_in_each_gap(peer: Raw) -> None:
    """10.1.1 and more: what is assembled does not depend on what stands between."""
    text = b"0123456789" * 20
    frames = [masked(TEXT, text[:1], fin=False)]
    for index in range(1, len(text)):
        frames += [
            masked(9, b"%d" % index),
            masked(CONT, text[index : index + 1], fin=index == len(text) - 1),
        ]
    peer.send(*frames)
    for index in range(1, len(text)):
        assert peer.frame() == (0x8A, b"%d" % index)
    assert peer.frame() == (0x81, text)
