"""RFC 6455 section 7, the ground of the Autobahn cases 7: the closing handshake and its codes."""

import struct

import pytest

from tests.chatd.serving import Raw, masked

TEXT, CONT, CLOSE, PING = 1, 0, 8, 9
NO_CODE = 1005

ALLOWED = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999]
FORBIDDEN = [0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535]


def code(number: int, reason: bytes = b"") -> bytes:
    return masked(CLOSE, struct.pack("!H", number) + reason)


def test_a_message_then_a_close(peer: Raw) -> None:
    peer.send(masked(TEXT, b"hello"), code(1000))
    assert peer.frame() == (0x81, b"hello")
    assert peer.close_code() == 1000


def test_a_second_close_is_not_answered(peer: Raw) -> None:
    peer.send(code(1000), code(1000))
    assert peer.close_code() == 1000


@pytest.mark.parametrize(
    "after", [masked(PING), masked(TEXT, b"x"), masked(15), masked(TEXT, b"x" * 200_000)]
)
def test_what_follows_a_close_is_not_read(peer: Raw, after: bytes) -> None:
    peer.send(code(1000), after)
    assert peer.close_code() == 1000


def test_a_close_while_a_large_message_is_under_way_fails_nothing(peer: Raw) -> None:
    """The frame has to come whole first; then its echo, then the close."""
    peer.send(masked(TEXT, b"x" * 262_144), code(1000), masked(PING))
    assert peer.frame() == (0x81, b"x" * 262_144)
    assert peer.close_code() == 1000


def test_without_a_code(peer: Raw) -> None:
    peer.send(masked(CLOSE))
    assert peer.close_code() == NO_CODE


def test_a_code_of_one_byte_fails(peer: Raw) -> None:
    peer.send(masked(CLOSE, b"\x03"))
    assert peer.close_code() == 1002


@pytest.mark.parametrize("reason", [b"", b"bye", "auf \N{SNOWMAN}".encode(), b"*" * 123])
def test_a_reason_comes_back(peer: Raw, reason: bytes) -> None:
    peer.send(code(1000, reason))
    assert peer.frame() == (0x88, b"\x03\xe8" + reason)


def test_a_reason_that_is_too_long_fails(peer: Raw) -> None:
    peer.send(code(1000, b"*" * 124))
    assert peer.close_code() == 1002


def test_a_reason_that_is_no_utf8_fails(peer: Raw) -> None:
    peer.send(code(1000, b"\xce\xba\xe1\xbd\xb9\xed\xa0\x80"))
    assert peer.close_code() == 1007


@pytest.mark.parametrize("number", ALLOWED)
def test_a_code_that_may_be_sent_is_echoed(peer: Raw, number: int) -> None:
    peer.send(code(number))
    assert peer.close_code() == number


@pytest.mark.parametrize("number", FORBIDDEN)
@pytest.mark.parametrize("reason", [b"", b"why"])
def test_a_code_that_may_not_be_sent_fails(peer: Raw, number: int, reason: bytes) -> None:
    peer.send(code(number, reason))
    assert peer.close_code() == 1002


def test_a_peer_that_goes_on_talking_after_a_failure_still_reads_why(peer: Raw) -> None:
    """The server closes its half only: a reset would wipe out the close frame on its way."""
    peer.send(masked(TEXT, b"\xff"))
    for _ in range(50):
        peer.send(masked(TEXT, b"x" * 60_000))  # would raise where the connection was reset
    assert peer.close_code() == 1007
