"""What the log keeps of a key. What it decides by keys is in `tests/contracts/test_log.py`."""

import pytest

from rooms.events import Event, Posted, Reacted
from rooms.log import Draft
from rooms.placing import digest_of

UUID7 = "0190163d-8694-739b-aea5-966c26f8ad91"


def kept(event: Event, key: str, epoch: str = "one") -> bytes:
    assert isinstance(event, Posted | Reacted)
    return digest_of(Draft(event, epoch, 0, key))


POSTED = Posted(room="a", handle="quiet-otter", text="text")
REACTED = Reacted(room="a", handle="quiet-otter", target=1, kind="heard")


def test_a_posts_key_is_known_again_and_only_in_its_epoch() -> None:
    assert kept(POSTED, f"p:{UUID7}") == kept(POSTED, f"p:{UUID7}")
    assert kept(POSTED, f"p:{UUID7}") != kept(POSTED, f"p:{UUID7}", "two")
    assert kept(POSTED, f"p:{UUID7}") != kept(POSTED, f"p:{UUID7[:-1]}2")


def test_a_posts_key_tells_the_minute_and_no_more() -> None:
    """Eight hexadecimal digits of a UUIDv7 count steps of 2^16 ms; later keys still come later."""
    assert kept(POSTED, f"p:{UUID7}")[:-12] == b"p:0190163d"
    assert kept(POSTED, f"p:{UUID7}") < kept(POSTED, "p:0190163e-0000-7000-8000-000000000000")


@pytest.mark.parametrize(
    "key",
    [
        "Dr. Osei said",
        "q7Xb-0001",
        "20261122-icu-night",
        "0190163d-8694-439b-aea5-966c26f8ad91",  # random (version 4), or made of something
        "0190163d-8694-739b-cea5-966c26f8ad91",  # not of RFC 9562's variant
        "0190163D-8694-739B-AEA5-966C26F8AD91",
        f"{UUID7} Dr. Osei",
        f"{UUID7}\n",
        f" {UUID7}",
        "0190163d-8694-7",
    ],
)
def test_of_any_other_key_there_is_only_a_digest(key: str) -> None:
    assert len(kept(POSTED, f"p:{key}")) == 12
    assert kept(POSTED, f"p:{key}") == kept(POSTED, f"p:{key}")
    assert kept(POSTED, f"p:{key}") != kept(POSTED, f"p:{key}", "two")
    assert kept(POSTED, f"p:{key}") != kept(POSTED, f"p:{key}2")


def test_a_reactions_key_tells_nothing() -> None:
    assert len(kept(REACTED, "r:1:heard")) == 12
    assert b"hea" not in kept(REACTED, "r:1:heard")
