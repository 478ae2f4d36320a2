"""RFC 9474: the RFC's own vector, the way of a pass, and everything that must not be signed or verified."""

import json
import os
import subprocess
from pathlib import Path
from typing import Final

import gmpy2  # type: ignore[import-untyped]  # it ships no types
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from chatd.passes import blind_rsa
from chatd.passes.blind_rsa import BlindFailed, BlindSigner, blind, finalize, prepare, verify
from tests.test_page_units import node_options

ROOT: Final = Path(__file__).parents[3]
VECTOR: Final[dict[str, str]] = json.loads((ROOT / "tests" / "vectors" / "rfc9474.json").read_text())


def number(name: str) -> int:
    return int(VECTOR[name], 16)


@pytest.fixture(scope="module")
def theirs() -> rsa.RSAPrivateKey:
    """The key of the RFC's vector."""
    p, q, d = number("p"), number("q"), number("d")
    public = rsa.RSAPublicNumbers(number("e"), number("n"))
    return rsa.RSAPrivateNumbers(
        p, q, d, rsa.rsa_crt_dmp1(d, p), rsa.rsa_crt_dmq1(d, q), rsa.rsa_crt_iqmp(p, q), public
    ).private_key()


@pytest.fixture(scope="module")
def signer() -> BlindSigner:
    return BlindSigner(rsa.generate_private_key(public_exponent=65537, key_size=2048))


def test_the_vector_of_the_rfc(theirs: rsa.RSAPrivateKey) -> None:
    public = theirs.public_key()
    prepared = bytes.fromhex(VECTOR["msg_prefix"] + VECTOR["msg"])
    blinded, inverse = blind_rsa._blinded(public, prepared, bytes.fromhex(VECTOR["salt"]), number("inv"))
    assert blinded.hex() == VECTOR["blinded_msg"]
    blind_signature = BlindSigner(theirs).sign(blinded)
    assert blind_signature.hex() == VECTOR["blind_sig"]
    assert finalize(public, prepared, blind_signature, inverse).hex() == VECTOR["sig"]


def test_while_one_signs_in_a_thread_the_others_go_on(
    signer: BlindSigner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A thread alone does not do it: GMP keeps the interpreter's lock unless it is told to let go of it."""
    lets_go = []

    def seen(base: int, exponent: int, modulus: int) -> object:
        lets_go.append(gmpy2.get_context().allow_release_gil)
        return power(base, exponent, modulus)

    power = gmpy2.powmod_sec
    monkeypatch.setattr(blind_rsa, "powmod_sec", seen)
    signer.sign(blind(signer.public, prepare(b"a pass for tonight"))[0])
    assert lets_go == [True]
    assert not gmpy2.get_context().allow_release_gil, "and all else is as it was"


def test_what_is_signed_blind_is_good_and_cannot_be_tied(signer: BlindSigner) -> None:
    prepared = prepare(b"a pass for tonight")
    blinded, inverse = blind(signer.public, prepared)
    blind_signature = signer.sign(blinded)
    signature = finalize(signer.public, prepared, blind_signature, inverse)
    assert verify(signer.public, prepared, signature)
    assert signature != blind_signature
    # The same message again, and signed again: the issuer has seen two numbers that share nothing.
    again, _ = blind(signer.public, prepared)
    assert again != blinded


@pytest.mark.parametrize("spoilt", ["message", "signature", "short", "long", "key"])
def test_what_was_not_signed_is_not_good(signer: BlindSigner, theirs: rsa.RSAPrivateKey, spoilt: str) -> None:
    prepared = prepare(b"a pass")
    blinded, inverse = blind(signer.public, prepared)
    signature = finalize(signer.public, prepared, signer.sign(blinded), inverse)
    public = theirs.public_key() if spoilt == "key" else signer.public
    changed = {
        "message": (prepared + b"!", signature),
        "signature": (prepared, bytes([*signature[:-1], signature[-1] ^ 1])),
        "short": (prepared, signature[1:]),
        "long": (prepared, b"\0" + signature),
        "key": (prepared, signature),
    }[spoilt]
    assert not verify(public, *changed)


def test_a_message_without_its_random_part_is_none(signer: BlindSigner) -> None:
    blinded, inverse = blind(signer.public, b"short")
    with pytest.raises(BlindFailed, match="no signature"):
        finalize(signer.public, b"short", signer.sign(blinded), inverse)


def test_an_answer_of_somebody_else_is_noticed(signer: BlindSigner) -> None:
    prepared = prepare(b"a pass")
    _, inverse = blind(signer.public, prepared)
    other, _ = blind(signer.public, prepare(b"another"))
    with pytest.raises(BlindFailed, match="no signature"):
        finalize(signer.public, prepared, signer.sign(other), inverse)


@pytest.mark.parametrize("what", ["zero", "modulus", "above", "short", "long", "empty", "factor"])
def test_what_is_no_number_of_the_key_is_not_signed(theirs: rsa.RSAPrivateKey, what: str) -> None:
    n, length = number("n"), 512
    sent = {
        "zero": bytes(length),
        "modulus": n.to_bytes(length),
        "above": (n + 1).to_bytes(length),
        "short": (4711).to_bytes(length - 1),
        "long": (4711).to_bytes(length + 1),
        "empty": b"",
        "factor": number("p").to_bytes(length),
    }[what]
    with pytest.raises(BlindFailed, match="number below the modulus"):
        BlindSigner(theirs).sign(sent)


def test_a_signature_that_came_out_wrong_is_thrown_away(
    signer: BlindSigner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fault in the exponentiation gives the key away to whoever sees the result."""
    blinded, _ = blind(signer.public, prepare(b"a pass"))
    monkeypatch.setattr(blind_rsa, "powmod_sec", lambda base, d, n: pow(base, d ^ 2, n))
    with pytest.raises(BlindFailed, match="thrown away"):
        signer.sign(blinded)


def test_keys_of_other_lengths_are_not_taken() -> None:
    small = rsa.generate_private_key(public_exponent=65537, key_size=1024)
    with pytest.raises(BlindFailed, match="2048"):
        BlindSigner(small)


def test_the_browser_and_the_server_understand_each_other(signer: BlindSigner) -> None:
    """`web/client/blind.js` blinds, this server signs, that finalizes, this server verifies."""
    spki = signer.public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    with subprocess.Popen(
        ["node", str(ROOT / "tests" / "web" / "blind_talk.js"), spki.hex()],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"NODE_OPTIONS": node_options()},
    ) as browser:
        assert browser.stdin is not None
        assert browser.stdout is not None
        blinded = bytes.fromhex(browser.stdout.readline())
        browser.stdin.write(signer.sign(blinded).hex() + "\n")
        browser.stdin.flush()
        prepared, signature = (bytes.fromhex(part) for part in browser.stdout.readline().split())
    assert browser.returncode == 0
    assert verify(signer.public, prepared, signature)
