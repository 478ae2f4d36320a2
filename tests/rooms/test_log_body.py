"""The body of an event at rest: read back as it was, and no longer for being withdrawn."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rooms.body_sql import Row, decode_event, encode_body, kind_of
from rooms.events import AnyEvent, Posted, Reacted, Slowed, Withdrawn
from rooms.log import LogCorrupt
from rooms.placing import blanked

HEAD = {"room": st.just("a"), "seq": st.integers(1, 2**53), "at": st.integers(0, 2**40), "handle": st.text()}
WORDS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)
POSTED = st.builds(
    Posted,
    **HEAD,
    text=WORDS,
    reply_to=st.none() | st.integers(1, 2**53),
    role=st.none() | st.just("facilitator"),
    withdrawn=st.just(False),
)
REACTED = st.builds(
    Reacted, **HEAD, target=st.integers(1, 2**53), kind=st.just("heard"), withdrawn=st.just(False)
)
OTHERS = st.builds(Withdrawn, **HEAD, target=st.integers(1, 2**53)) | st.builds(
    Slowed, **HEAD, seconds=st.integers(0, 60)
)


def row(event: AnyEvent) -> Row:
    return (event.room, event.seq, event.at, kind_of(event), event.handle, encode_body(event))


@given(POSTED | REACTED | OTHERS)
def test_an_event_is_read_back_as_it_was(event: AnyEvent) -> None:
    assert decode_event(row(event)) == event


@given(POSTED | REACTED)
def test_a_withdrawn_event_fits_where_it_stood(event: Posted | Reacted) -> None:
    """SQLite then overwrites it in place; a longer row could push its neighbours to another page."""
    assert len(encode_body(blanked(event))) <= len(encode_body(event))
    assert decode_event(row(blanked(event))) == blanked(event)


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("posted", b"\xc1"),
        ("posted", b"\x80"),
        ("posted", b"\x81\xa4text\x07"),
        ("posted", b"\x81\xa4text\xa2\xff\xfe"),
        ("posted", b"\x81\xa2\xff\xfe\x07"),
        ("posted", b"\x81\xa4text" + b"\x91" * 100_000),
        ("unheard-of", b"\x80"),
    ],
    ids=["no map", "no text", "a number", "no UTF-8", "a name in no UTF-8", "too deep", "an unknown kind"],
)
def test_what_is_not_ours_is_corrupt(kind: str, body: bytes) -> None:
    with pytest.raises(LogCorrupt, match="number 3 of its room"):
        decode_event(("a", 3, 0, kind, "quiet-otter", body))
