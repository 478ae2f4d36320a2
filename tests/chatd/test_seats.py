"""Seats: what a token proves, where it stops to, and that subjects do not come through."""

import base64
import time
from collections.abc import Callable
from typing import cast

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatd.seats import MAX_CACHED_EPOCHS, Keyring, Seat, Seats

ROOM, EPOCH, NOW = "icu", "e1", 1_700_000_000.0


@pytest.fixture
def seats() -> Seats:
    return Seats(Keyring(bytes(range(32))))


def seat(**changes: object) -> Seat:
    return msgspec.structs.replace(
        Seat(
            room=ROOM,
            epoch=EPOCH,
            handle="Quiet Heron",
            pseudonym=bytes(16),
            role="participant",
            expires_at=int(NOW) + 60,
        ),
        **changes,
    )


def test_a_seat_comes_back_on_any_node(seats: Seats) -> None:
    token = seats.issue(seat(role="facilitator"))
    elsewhere = Seats(Keyring(bytes(range(32))))
    assert elsewhere.restore(token, ROOM, EPOCH, NOW) == seat(role="facilitator")


def test_a_seat_ends_with_its_room_its_epoch_its_time_and_its_secret(seats: Seats) -> None:
    token = seats.issue(seat())
    assert seats.restore(token, "other", EPOCH, NOW) is None
    assert seats.restore(token, ROOM, "e2", NOW) is None
    assert seats.restore(token, ROOM, EPOCH, NOW + 60) is None
    assert Seats(Keyring(bytes(32))).restore(token, ROOM, EPOCH, NOW) is None


def test_names_of_room_and_epoch_do_not_run_together() -> None:
    keyring = Keyring(bytes(32))
    assert keyring.epoch_key("ab", "c") != keyring.epoch_key("a", "bc")


def test_every_changed_bit_voids_the_token(seats: Seats) -> None:
    token = seats.issue(seat())
    raw = bytearray(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    for place in range(len(raw) * 8):
        raw[place // 8] ^= 1 << place % 8
        forged = base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
        assert seats.restore(forged, ROOM, EPOCH, NOW) is None
        raw[place // 8] ^= 1 << place % 8
    assert seats.restore(token, ROOM, EPOCH, NOW) is not None


@given(st.text(max_size=200) | st.text("ABCab01-_=+/", max_size=120))
def test_no_text_is_a_token(text: str) -> None:
    seats = Seats(Keyring(bytes(32)))
    assert seats.restore(text, ROOM, EPOCH, NOW) is None
    assert seats.offered(text, ROOM, EPOCH, NOW) is None


def test_a_token_too_long_is_not_even_read(seats: Seats) -> None:
    assert seats.restore("A" * 100_000, ROOM, EPOCH, NOW) is None


def test_an_offer_is_not_a_seat_and_a_seat_not_an_offer(seats: Seats) -> None:
    offer = seats.offer(ROOM, EPOCH, "Quiet Heron", bytes(16))
    assert seats.offered(offer, ROOM, EPOCH, NOW) == ("Quiet Heron", bytes(16))
    assert seats.offered(offer, ROOM, "e2", NOW) is None
    assert seats.restore(offer, ROOM, EPOCH, NOW) is None
    assert seats.offered(seats.issue(seat()), ROOM, EPOCH, NOW) is None


def test_what_another_version_signed_is_no_seat_and_no_offer(seats: Seats) -> None:
    """We signed it, and this version cannot read it: whoever shows it gets in by a ticket, and no error."""
    for unknown in ({"role": "observer"}, {"handle": 7}, {"pseudonym": None}, {"expires_at": "late"}):
        assert seats.restore(seats.issue(seat(**unknown)), ROOM, EPOCH, NOW) is None
    for handle in (7, None, ["Quiet Heron"]):
        offer = seats.offer(ROOM, EPOCH, cast(str, handle), bytes(16))
        assert seats.offered(offer, ROOM, EPOCH, NOW) is None


def test_an_offer_may_end(seats: Seats) -> None:
    offer = seats.offer(ROOM, EPOCH, "Quiet Heron", bytes(16), expires_at=int(NOW) + 10)
    assert seats.offered(offer, ROOM, EPOCH, NOW + 9) is not None
    assert seats.offered(offer, ROOM, EPOCH, NOW + 10) is None


def test_one_subject_is_one_pseudonym_in_an_epoch_and_another_in_the_next(seats: Seats) -> None:
    mine = seats.pseudonym(ROOM, EPOCH, "nurse@hospital.example")
    assert len(mine) == 16
    assert seats.pseudonym(ROOM, EPOCH, "nurse@hospital.example") == mine
    assert seats.pseudonym(ROOM, "e2", "nurse@hospital.example") != mine
    assert seats.pseudonym("other", EPOCH, "nurse@hospital.example") != mine
    assert seats.pseudonym(ROOM, EPOCH, "doctor@hospital.example") != mine
    assert seats.pseudonym(ROOM, EPOCH, None) != seats.pseudonym(ROOM, EPOCH, None)


def test_who_owns_a_handle_is_not_the_pseudonym(seats: Seats) -> None:
    owner = seats.owner(ROOM, EPOCH, bytes(16))
    assert len(owner) == 16
    assert owner != bytes(16)
    assert seats.owner(ROOM, EPOCH, bytes(16)) == owner
    assert seats.owner(ROOM, "e2", bytes(16)) != owner


def test_a_seat_does_not_show_itself() -> None:
    assert "Heron" not in repr(seat())
    assert "Heron" not in f"{seat()}"


def test_derived_keys_are_kept_at_hand_and_bounded() -> None:
    asked: list[str] = []

    class Watched(Keyring):
        def epoch_key(self, room: str, epoch: str) -> bytes:
            asked.append(epoch)
            return super().epoch_key(room, epoch)

    seats = Seats(Watched(bytes(32)))
    seats.issue(seat())
    seats.issue(seat())
    assert asked == [EPOCH]
    for number in range(MAX_CACHED_EPOCHS):
        seats.pseudonym(ROOM, str(number), "x")
    asked.clear()
    seats.issue(seat())
    assert asked == [EPOCH]


def test_a_short_secret_is_no_secret() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        Keyring(b"short")


def test_thousands_may_join_in_a_second(seats: Seats) -> None:
    """Some microseconds each; the bound is ten times that, so that a busy machine does not fail it."""
    token = seats.issue(seat())
    assert best_s(lambda: seats.issue(seat())) < 150e-6
    assert best_s(lambda: seats.restore(token, ROOM, EPOCH, NOW)) < 150e-6


def best_s(what: Callable[[], object]) -> float:
    """Seconds for one call, at best: the best of many is what the code costs, the rest is the machine."""
    best = 1.0
    for _ in range(300):
        begun = time.perf_counter()
        what()
        best = min(best, time.perf_counter() - begun)
    return best
