"""The rules of staff passes, without a server: periods, how a pass is written, which keys are believed."""

import base64

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from hypothesis import given
from hypothesis import strategies as st

from chatd.passes.blind_rsa import BlindSigner
from chatd.passes.keys import (
    EARLY_S,
    MAX_DOCUMENT_BYTES,
    NoKeys,
    Passes,
    PassesUnknown,
    fingerprint,
    parse,
    published,
    write,
)
from chatd.passes.periods import GRACE_S, period_at, periods_for
from chatd.passes.tokens import Pass, PassRefused, read
from rooms.series import planned_at
from tests.chatd.passes.asking import Json, key_of, signed_by

ROOM = "night"
DAY = 24 * 3600
NOW = 1_795_350_000
PERIOD = period_at(NOW, DAY)

times = st.integers(0, 4_000_000_000)
lengths = st.integers(3600, 31 * DAY)


@pytest.fixture(scope="module")
def signer() -> BlindSigner:
    return BlindSigner(generate_private_key(public_exponent=65537, key_size=2048))


@pytest.fixture
def passes(signer: BlindSigner) -> Passes:
    passes = Passes(lambda: NOW)
    key = published(signer.public, ROOM, PERIOD.label, PERIOD.begins_at, PERIOD.ends_at)
    assert passes.learn([key]) == 0
    return passes


# ---- periods ---------------------------------------------------------------------------------------


@given(times, lengths)
def test_periods_follow_each_other_without_a_hole(at: int, length_s: int) -> None:
    period = period_at(at, length_s)
    following = period_at(period.ends_at, length_s)
    assert period.has(at)
    assert not following.has(at)
    assert following.begins_at == period.ends_at == period.begins_at + length_s
    assert planned_at(period.label) == period.begins_at


@given(times, lengths)
def test_keys_are_there_a_whole_period_before_anybody_comes_in_with_them(now: int, length_s: int) -> None:
    periods = periods_for(now, length_s)
    assert [period.label for period in periods] == sorted({period.label for period in periods})
    assert period_at(now, length_s) in periods
    assert periods[-1].begins_at > now
    assert periods[-1] in periods_for(periods[-1].begins_at - length_s, length_s)
    assert all(now < period.ends_at + min(GRACE_S, length_s) for period in periods)


# ---- how it is written -----------------------------------------------------------------------------


def test_a_pass_is_what_was_written(signer: BlindSigner) -> None:
    shown = signed_by(signer, ROOM, PERIOD.label)
    assert read(shown.token) == shown
    assert shown.token not in repr(shown)
    assert shown.nullifier != signed_by(signer, ROOM, PERIOD.label).nullifier


def test_what_is_written_otherwise_is_no_pass(passes: Passes, signer: BlindSigner) -> None:
    token = signed_by(signer, ROOM, PERIOD.label).token
    period, _, body = token.partition(".")
    spelled = token[:-1] + chr(ord(token[-1]) + 1)  # the last character has bits that mean nothing
    assert base64.urlsafe_b64decode(spelled[17:] + "=") == base64.urlsafe_b64decode(body + "=")
    for spoiled in (
        "",
        body,
        token + "A",
        token + "=",
        token + "\n",
        token[:-300],
        spelled,
        f"{period}..{body}",
        f"x{token}",
        f"{period}.+{body[1:]}",
        f"{period}.{'A' * 5000}",
    ):
        with pytest.raises(PassRefused):
            passes.check(spoiled, ROOM)


# ---- what is believed ------------------------------------------------------------------------------


def test_a_pass_opens_its_room_in_its_period(passes: Passes, signer: BlindSigner) -> None:
    shown = signed_by(signer, ROOM, PERIOD.label)
    assert passes.check(shown.token, ROOM) == shown.nullifier
    assert passes.check(shown.token, ROOM, PERIOD.begins_at) == shown.nullifier
    for at in (PERIOD.begins_at - 3600, PERIOD.ends_at):
        with pytest.raises(PassesUnknown):
            passes.check(shown.token, ROOM, at)


def test_a_pass_of_another_period_opens_nothing(passes: Passes, signer: BlindSigner) -> None:
    after = period_at(PERIOD.ends_at, DAY)
    passes.learn([published(signer.public, ROOM, after.label, after.begins_at, after.ends_at)])
    with pytest.raises(PassRefused):
        passes.check(signed_by(signer, ROOM, after.label).token, ROOM)
    with pytest.raises(PassRefused):
        passes.check(signed_by(signer, ROOM, PERIOD.label).token, ROOM, after.begins_at)
    other = signed_by(signer, ROOM, after.label)
    renamed = Pass(PERIOD.label, other.prefix, other.nonce, other.signature)
    with pytest.raises(PassRefused):
        passes.check(renamed.token, ROOM)  # also where one key were used for two of them


def test_at_a_turn_passes_of_both_periods_count_for_a_moment_and_for_a_session_never(
    signer: BlindSigner,
) -> None:
    """Clocks of nodes differ. When a session was planned for does not: nobody is to be two people in it."""
    clock = [float(PERIOD.ends_at - EARLY_S)]
    passes = Passes(lambda: clock[0])
    periods = (PERIOD, period_at(PERIOD.ends_at, DAY))
    passes.learn(
        [published(signer.public, ROOM, each.label, each.begins_at, each.ends_at) for each in periods]
    )
    old, new = (signed_by(signer, ROOM, each.label).token for each in periods)
    passes.check(old, ROOM)
    passes.check(new, ROOM)
    passes.check(old, ROOM, PERIOD.ends_at - 60)
    with pytest.raises(PassRefused):
        passes.check(new, ROOM, PERIOD.ends_at - 60)
    clock[0] -= 1
    with pytest.raises(PassRefused):
        passes.check(new, ROOM)


def test_where_periods_have_another_length_since_one_of_two_keys_counts_on_every_node(
    signer: BlindSigner,
) -> None:
    """Else a person with a pass of each would be two people."""
    hours = period_at(NOW, 3600)
    keys = [
        published(signer.public, ROOM, each.label, each.begins_at, each.ends_at) for each in (PERIOD, hours)
    ]
    assert keys[0].begins_at < keys[1].begins_at
    for learned in (keys, keys[::-1]):
        passes = Passes(lambda: NOW)
        passes.learn(learned)
        assert passes.key(ROOM) == keys[0]
        passes.check(signed_by(signer, ROOM, PERIOD.label).token, ROOM)
        with pytest.raises(PassRefused):
            passes.check(signed_by(signer, ROOM, hours.label).token, ROOM)


def test_a_pass_of_another_room_opens_nothing(passes: Passes, signer: BlindSigner) -> None:
    passes.learn([published(signer.public, "tea", PERIOD.label, PERIOD.begins_at, PERIOD.ends_at)])
    with pytest.raises(PassRefused):
        passes.check(signed_by(signer, "tea", PERIOD.label).token, ROOM)


def test_a_forged_pass_opens_nothing(passes: Passes, signer: BlindSigner) -> None:
    shown = signed_by(signer, ROOM, PERIOD.label)
    flipped = bytes([shown.nonce[0] ^ 1]) + shown.nonce[1:]
    foreign = BlindSigner(generate_private_key(public_exponent=65537, key_size=2048))
    for forged in (
        Pass(shown.period, shown.prefix, flipped, shown.signature),
        Pass(shown.period, flipped, shown.nonce, shown.signature),
        Pass(shown.period, shown.prefix, shown.nonce, bytes(256)),
        Pass(shown.period, shown.prefix, shown.nonce, shown.signature + b"\0"),
        signed_by(foreign, ROOM, PERIOD.label),
    ):
        with pytest.raises(PassRefused):
            passes.check(forged.token, ROOM)


def test_the_first_key_of_a_period_counts_and_another_is_told_of(passes: Passes, signer: BlindSigner) -> None:
    """An issuer that has one key for somebody in particular would know their pass again."""
    other = BlindSigner(generate_private_key(public_exponent=65537, key_size=2048))
    key = published(other.public, ROOM, PERIOD.label, PERIOD.begins_at, PERIOD.ends_at)
    assert passes.learn([key]) == 1
    with pytest.raises(PassRefused):
        passes.check(signed_by(other, ROOM, PERIOD.label).token, ROOM)
    passes.check(signed_by(signer, ROOM, PERIOD.label).token, ROOM)


def test_what_is_over_is_forgotten(signer: BlindSigner) -> None:
    clock = [float(NOW)]
    passes = Passes(lambda: clock[0])
    passes.learn([published(signer.public, ROOM, PERIOD.label, PERIOD.begins_at, PERIOD.ends_at)])
    clock[0] = PERIOD.ends_at + 2 * GRACE_S
    passes.learn([])
    assert passes.key(ROOM, PERIOD.begins_at) is None


# ---- the published list ----------------------------------------------------------------------------


def document(signer: BlindSigner, **changed: object) -> Json:
    key = published(signer.public, ROOM, PERIOD.label, PERIOD.begins_at, PERIOD.ends_at)
    return {"keys": [{**msgspec.to_builtins(key), **changed}]}


def test_what_is_published_is_read_again(signer: BlindSigner) -> None:
    key = key_of(document(signer, x5c="what others may add"))
    assert key.public().public_numbers() == signer.public.public_numbers()
    assert parse(write([key])) == [key]
    assert fingerprint(key) == fingerprint(key_of(document(signer, kid="another")))
    assert len(fingerprint(key)) == 24


@pytest.mark.parametrize(
    "changed",
    [
        {"n": "AQAB"},
        {"n": "A" * 342},
        {"n": "_" * 341 + "+"},
        {"e": "Aw"},
        {"kty": "EC"},
        {"alg": "RS256"},
        {"room": "../night"},
        {"period": "today"},
        {"ends_at": 0},
        {"ends_at": 2**40},
    ],
)
def test_a_list_with_anything_else_in_it_is_not_believed(signer: BlindSigner, changed: Json) -> None:
    with pytest.raises(NoKeys):
        key_of(document(signer, **changed))


@pytest.mark.parametrize(
    "raw", [b"", b"[]", b'{"keys": 1}', b"\xff", b"[" * 5000, b" " * (MAX_DOCUMENT_BYTES + 1)]
)
def test_what_is_no_list_is_not_believed(raw: bytes) -> None:
    with pytest.raises(NoKeys):
        parse(raw)
