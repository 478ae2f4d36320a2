"""RFC 6455 section 8.1, the ground of the Autobahn cases 6: text is UTF-8, in whatever pieces it comes.

A wrong octet fails the connection at the end of the frame it stands in, not earlier: within a
frame that has not come whole nothing is judged (Autobahn calls that "non-strict").
"""

import pytest

from tests.chatd.serving import Raw, masked

TEXT, CONT, CLOSE, PING = 1, 0, 8, 9

VALID = [
    b"",
    b"\x00\x7f",
    "Hello-\u00b5@\u00df\u00f6\u00e4\u00fc\u00e0\u00e1-UTF-8!!".encode(),
    "\u03ba\u1f79\u03c3\u03bc\u03b5".encode(),
    b"\xc2\x80\xdf\xbf",
    b"\xe0\xa0\x80\xef\xbf\xbf",
    b"\xf0\x90\x80\x80\xf4\x8f\xbf\xbf",
    b"\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbd",
    b"\xef\xb7\x90\xef\xbf\xbe\xf0\x9f\xbf\xbe",  # noncharacters are characters here
    b"\xef\xbb\xbf",
]
INVALID = [
    b"\x80",
    b"\xbf",
    b"\x80\xbf\x80\xbf",
    b"\xc0 \xc1 ",
    b"\xc0\xaf",
    b"\xe0\x80\xaf",
    b"\xf0\x80\x80\xaf",
    b"\xf8\x80\x80\x80\xaf",
    b"\xfc\x80\x80\x80\x80\xaf",
    b"\xc1\xbf\xe0\x9f\xbf",
    b"\xed\xa0\x80",
    b"\xed\xbf\xbf",
    b"\xed\xa0\x80\xed\xb0\x80",
    b"\xf4\x90\x80\x80",
    b"\xf7\xbf\xbf\xbf",
    b"\xfe",
    b"\xff",
    b"\xce",
    b"\xe0\xa0",
    b"\xf0\x90\x80",
    b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xed\xa0\x80edited",
]


@pytest.mark.parametrize("payload", VALID, ids=repr)
@pytest.mark.parametrize("octets", [0, 1, 2])
def test_text_comes_back(peer: Raw, payload: bytes, octets: int) -> None:
    """Whole, and in fragments that cut characters in two."""
    peer.send(*_pieces(payload, octets), masked(CLOSE, b"\x03\xe8"))
    assert peer.frame() == (0x81, payload)
    assert peer.close_code() == 1000


@pytest.mark.parametrize("payload", INVALID, ids=repr)
@pytest.mark.parametrize("octets", [0, 1])
def test_what_is_no_utf8_fails(peer: Raw, payload: bytes, octets: int) -> None:
    peer.send(*_pieces(b"good " + payload, octets))
    assert peer.close_code() == 1007


@pytest.mark.parametrize("payload", INVALID[:-4], ids=repr)
def test_a_wrong_fragment_fails_before_the_message_ends(peer: Raw, payload: bytes) -> None:
    peer.send(masked(TEXT, b"good", fin=False), masked(CONT, payload + b" ", fin=False), masked(PING))
    assert peer.close_code() == 1007


def test_a_control_frame_may_stand_within_a_character(peer: Raw) -> None:
    snowman = "\N{SNOWMAN}".encode()
    peer.send(masked(TEXT, snowman[:1], fin=False), masked(PING, b"?"), masked(CONT, snowman[1:]))
    assert peer.frame() == (0x8A, b"?")
    assert peer.frame() == (0x81, snowman)


def test_binary_may_hold_anything(peer: Raw) -> None:
    peer.send(*(masked(2, payload) for payload in INVALID))
    assert [peer.frame() for _ in INVALID] == [(0x82, payload) for payload in INVALID]


def _pieces(payload: bytes, octets: int) -> list[bytes]:
    """One frame, or fragments of so many octets."""
    if not octets or not payload:
        return [masked(TEXT, payload)]
    starts = range(0, len(payload), octets)
    return [
        masked(CONT if start else TEXT, payload[start : start + octets], fin=start == starts[-1])
        for start in starts
    ]
