"""Key files: what is taken for a key, what is refused and in which words, and that they may change."""

import base64
import datetime
import json
import os
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed448, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from chatd.issuers import Algorithm
from chatd.keysets import MAX_FILE_BYTES, MAX_KEYS, KeyFile, KeyProblem, parse
from chatd.settings import SettingsError
from chatd.tickets import TicketRefused, Tickets, Why, open_tickets
from tests.chatd.signing import NOW, ROOM, SECRET, Intranet, claims, part, settings


def pem(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed448.Ed448PrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def jwk(intranet: Intranet, **others: object) -> dict[str, object]:
    """The public key of an intranet that signs with EdDSA."""
    x = part(intranet.key.public_key().public_bytes_raw())
    return {"kty": "OKP", "crv": "Ed25519", "x": x, **others}


def why_not(raw: bytes, algorithm: Algorithm) -> str:
    with pytest.raises(KeyProblem) as caught:
        parse(raw, algorithm)
    return str(caught.value)


@pytest.fixture
def intranet(tmp_path: Path) -> Intranet:
    return Intranet("EdDSA", tmp_path)


# ---- what is a key -----------------------------------------------------------------------------


def test_a_jwk_a_jwks_and_pem_are_keys(intranet: Intranet, tmp_path: Path) -> None:
    other = Intranet("EdDSA", tmp_path, "other")
    one = jwk(intranet, kid="a", use="sig", alg="EdDSA")
    assert [key.kid for key in parse(json.dumps(one).encode(), "EdDSA")] == ["a"]
    two = {"keys": [one, jwk(other, kid="b", alg="Ed25519")]}
    assert [key.kid for key in parse(json.dumps(two).encode(), "EdDSA")] == ["a", "b"]
    assert len(parse(b"\n" + intranet.public + b"a word\n" + other.public, "EdDSA")) == 2


def test_what_else_a_jwks_holds_is_passed_over(intranet: Intranet) -> None:
    """The host's key set is for all that the host does."""
    others = [
        {"kty": "RSA", "n": "AQAB", "e": "AQAB"},
        {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"},
        {"kty": "AKP", "alg": "ML-DSA-44", "pub": "AA"},
        {"kty": "oct", "k": "AA"},
        jwk(intranet, kid="enc", use="enc"),
        jwk(intranet, kid="other", alg="RS256"),
        {"kty": "OKP", "crv": "X25519", "x": "AA"},
        {},
    ]
    raw = json.dumps({"keys": [*others, jwk(intranet, kid="mine")]}).encode()
    assert [key.kid for key in parse(raw, "EdDSA")] == ["mine"]


def test_a_secret_is_text_or_a_jwk() -> None:
    secret = "s" * 32
    for raw in (secret, f"  {secret}\r\n", json.dumps({"kty": "oct", "k": part(secret.encode())})):
        (key,) = parse(raw.encode(), "HS256")
        assert key.raw_value == secret.encode()


# ---- what is none, and what to do --------------------------------------------------------------


@pytest.mark.parametrize("algorithm", ["EdDSA", "ES256", "RS256", "HS256"])
def test_a_private_key_is_not_to_be_here(algorithm: Algorithm, tmp_path: Path) -> None:
    keys = [Intranet("EdDSA", tmp_path).key, ec.generate_private_key(ec.SECP256R1())]
    for key in keys:
        raw = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        assert "openssl pkey" in why_not(raw, algorithm)
    assert "private key" in why_not(b'{"keys":[{"kty":"EC","d":"AA"}]}', algorithm)


@pytest.mark.parametrize("algorithm", ["EdDSA", "ES256", "RS256"])
def test_a_public_key_is_no_secret(algorithm: Algorithm, tmp_path: Path) -> None:
    """Or everybody could sign with what everybody may know."""
    public = Intranet(algorithm, tmp_path).public
    assert "no secret" in why_not(public, "HS256")
    der = base64.b64decode(b"".join(public.splitlines()[1:-1]))
    assert "no secret" in why_not(der, "HS256") or "32" in why_not(der, "HS256")


BAD: dict[str, tuple[bytes, Algorithm, str]] = {
    "nothing": (b"", "EdDSA", "neither JSON"),
    "a line of ssh": (b"AAAAC3NzaC1lZDI1NTE5AAAAI", "EdDSA", "neither JSON"),
    "half of JSON": (b"{", "EdDSA", "not valid JSON"),
    "no UTF-8": ('{"keys": [{"kid": "schlüssel"}]}'.encode("latin-1"), "EdDSA", "not valid JSON"),
    "deep JSON": (b'{"a":' * 3000, "EdDSA", "not valid JSON"),
    "a number for keys": (b'{"keys": 5}', "EdDSA", "not a JWKS"),
    "a number for a key": (b'{"keys": [5]}', "EdDSA", "not a JWKS"),
    "no keys": (b'{"keys": []}', "EdDSA", "no key for EdDSA"),
    "no base64": (b'{"kty":"OKP","crv":"Ed25519","x":"!!"}', "EdDSA", "not whole"),
    "no x": (b'{"kty":"OKP","crv":"Ed25519"}', "EdDSA", "not whole"),
    "a number for x": (b'{"kty":"OKP","crv":"Ed25519","x":5}', "EdDSA", "not whole"),
    "Ed448": (pem(ed448.Ed448PrivateKey.generate()), "EdDSA", "another kind"),
    "P-384": (pem(ec.generate_private_key(ec.SECP384R1())), "ES256", "another kind"),
    "P-256 for RSA": (pem(ec.generate_private_key(ec.SECP256R1())), "RS256", "another kind"),
    "no DER": (
        b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----",
        "ES256",
        "no public key",
    ),
    "half of PEM": (b"-----BEGIN PUBLIC KEY-----\nAAAA", "ES256", "no key for ES256"),
    "a short secret": (b"s" * 31, "HS256", "31 bytes"),
    "a short secret in a JWK": (b'{"kty":"oct","k":"c2hvcnQ"}', "HS256", "5 bytes"),
    "an empty secret": (b'{"kty":"oct","k":""}', "HS256", "0 bytes"),
    "a large file": (b"s" * (MAX_FILE_BYTES + 1), "HS256", "64 KiB"),
}


@pytest.mark.parametrize("what", BAD)
def test_what_is_no_key_is_said_in_plain_words(what: str) -> None:
    raw, algorithm, said = BAD[what]
    assert said in why_not(raw, algorithm)


@pytest.mark.parametrize("bits", [1024, 2047])
def test_a_short_rsa_key_is_refused(bits: int) -> None:
    key = rsa.generate_private_key(65537, bits)
    n = part(key.public_key().public_numbers().n.to_bytes(bits // 8 + 1))
    assert f"{bits} bits" in why_not(pem(key), "RS256")
    assert f"{bits} bits" in why_not(json.dumps({"kty": "RSA", "n": n, "e": "AQAB"}).encode(), "RS256")


def test_a_certificate_is_taken_for_its_key() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "intranet")])
    began, ends = (datetime.datetime(year, 1, 1, tzinfo=datetime.UTC) for year in (2020, 2021))
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), 1, began, ends).sign(key, SHA256())
    ).public_bytes(Encoding.PEM)
    (found,) = parse(certificate, "ES256")
    assert found.as_dict()["x"] == parse(pem(key), "ES256")[0].as_dict()["x"]
    assert "another kind" in why_not(certificate, "RS256")


def test_there_is_a_bound_on_keys(intranet: Intranet) -> None:
    keys = [jwk(intranet, kid=str(number)) for number in range(MAX_KEYS + 1)]
    assert "more than 16" in why_not(json.dumps({"keys": keys}).encode(), "EdDSA")


def test_every_file_that_is_no_good_is_named_at_once(tmp_path: Path) -> None:
    good, empty = Intranet("EdDSA", tmp_path, "good"), Intranet("ES256", tmp_path, "empty")
    empty.file.write_bytes(b"{}")
    issuers = (
        good.issuer(),
        empty.issuer(),
        good.issuer(issuer="b", key="nowhere.jwks"),
        good.issuer(issuer="c", key=str(tmp_path)),
    )
    with pytest.raises(SettingsError) as caught:
        open_tickets(settings(*issuers, data=tmp_path), SECRET)
    second, third, fourth = caught.value.problems
    assert second.startswith(f"ticket_issuers: number 2: the key file {empty.file} holds no key")
    assert third.startswith(f"ticket_issuers: number 3: the key file {tmp_path}/nowhere.jwks cannot be read")
    assert "is not a file" in fourth


# ---- files that change -------------------------------------------------------------------------


def opens(tickets: Tickets, intranet: Intranet) -> bool:
    try:
        tickets.check(intranet.signs(claims()), ROOM, NOW)
    except TicketRefused as refusal:
        return refusal.reason is not Why.SIGNATURE
    return True


def test_a_new_key_is_taken_up_and_the_old_one_is_void(tmp_path: Path) -> None:
    intranet, before = Intranet("ES256", tmp_path), Intranet("ES256", tmp_path, "before")
    tickets = intranet.trusted()
    assert tickets.refresh() == []
    before.key = intranet.key
    intranet.new_key()
    assert not opens(tickets, intranet)
    assert tickets.refresh() == [(1, None)]
    assert opens(tickets, intranet)
    assert not opens(tickets, before)
    assert tickets.refresh() == []


def test_a_file_that_is_replaced_by_another_is_read_although_it_looks_the_same(intranet: Intranet) -> None:
    """Same size, same time: a file that was moved into its place is another one."""
    tickets = intranet.trusted()
    about = intranet.file.stat()
    draft = intranet.file.with_suffix(".draft")
    intranet.file.rename(draft.with_suffix(".old"))
    intranet.new_key()
    intranet.file.rename(draft)
    os.utime(draft, ns=(about.st_atime_ns, about.st_mtime_ns))
    draft.rename(intranet.file)
    assert tickets.refresh() == [(1, None)]
    assert opens(tickets, intranet)


def test_what_is_half_written_leaves_the_old_key_and_is_said_once(intranet: Intranet) -> None:
    tickets, whole = intranet.trusted(), intranet.public
    intranet.file.write_bytes(whole[:40])
    ((number, problem),) = tickets.refresh()
    assert (number, type(problem)) == (1, KeyProblem)
    assert opens(tickets, intranet)
    assert tickets.refresh() == []
    intranet.file.write_bytes(whole)
    assert tickets.refresh() == [(1, None)]


def test_a_file_that_is_gone_takes_its_keys_with_it(intranet: Intranet) -> None:
    tickets, whole = intranet.trusted(), intranet.public
    intranet.file.unlink()
    ((_, problem),) = tickets.refresh()
    assert "cannot be read" in str(problem)
    assert not opens(tickets, intranet)
    assert tickets.refresh() == []
    intranet.file.write_bytes(whole)
    assert tickets.refresh() == [(1, None)]
    assert opens(tickets, intranet)


def test_a_pipe_in_the_files_place_keeps_nobody_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(KeyProblem, match="is not a file"):
        KeyFile(tmp_path / "pipe", "HS256").read()
