"""`chatd issuer-key`: a fresh pair of keys, so that an intranet can sign tickets for rooms here.

The public part goes into the data folder, beside the keys that are there already, and a running
server takes it up by itself. The private part goes into a file that only its owner can read, to be
carried to the intranet; it is never shown unless asked for. With HS256 both sides have the same secret.
"""

import json
import os
import re
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from chatd.issuers import Algorithm, TicketIssuer
from chatd.keysets import MAX_FILE_BYTES, MAX_KEYS, KeyProblem, parse

FOLDER: Final = "ticket-keys"
"""Where the key files are, in the data folder."""
RSA_BITS: Final = 3072

_PrivateKey = ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


class CannotMake(Exception):
    """The keys cannot be made or kept here; the sentence says why and what to do."""


class Made(msgspec.Struct, frozen=True):
    """What was made. `private` is the private part, as text that ends with a newline."""

    public_file: Path
    private_file: Path | None
    private: str
    settings: str
    keys: int
    """How many keys the public file holds now."""

    def __repr__(self) -> str:
        return "Made(...)"  # it holds a private key

    __str__ = __repr__


def make(data: Path, issuer: str, algorithm: Algorithm, *, alone: bool = False, to_file: bool = True) -> Made:
    """A new key of `issuer`, added to its public file, or there `alone`. `CannotMake`.

    The private part is written beside it, unless not `to_file`.
    """
    try:
        one = msgspec.convert({"issuer": issuer, "algorithm": algorithm, "key": "_"}, TicketIssuer)
    except msgspec.ValidationError:
        raise CannotMake(
            "An issuer is the `iss` of its tickets: up to 256 characters without a space, "
            "such as https://intranet.example.org"
        ) from None
    name = _file_name(one)
    public_file, private_file = data / FOLDER / f"{name}.jwks", data / FOLDER / f"{name}.private"
    others = [] if alone else _others(public_file, algorithm)
    if len(others) >= MAX_KEYS:
        raise CannotMake(
            f"{public_file} has {MAX_KEYS} keys already. Take out those that are no longer used."
        )
    jwk, private = _pair(algorithm)
    try:
        public_file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if to_file:
            _write_new(private_file, private)
        try:
            _replace(public_file, json.dumps({"keys": [*others, jwk]}, indent=2) + "\n")
        except OSError:
            if to_file:
                private_file.unlink()  # nobody would believe it
            raise
    except FileExistsError:
        raise CannotMake(
            f"{private_file} is there already. Carry it to the intranet and delete it here; "
            "then make the next one."
        ) from None
    except OSError as error:
        raise CannotMake(f"{public_file.parent} cannot be written: {error.strerror}.") from None
    return Made(
        public_file,
        private_file if to_file else None,
        private,
        _settings(one, f"{FOLDER}/{public_file.name}"),
        len(others) + 1,
    )


def _file_name(one: TicketIssuer) -> str:
    """A name of letters, digits, dots and dashes: no path can be made of it."""
    words = re.sub(r"[^a-z0-9.]+", "-", one.issuer.lower().partition("://")[2] or one.issuer.lower())
    return f"{words.strip('.-')[:80] or 'issuer'}.{one.algorithm.lower()}"


def _settings(one: TicketIssuer, key: str) -> str:
    """What to paste into chatd.toml. Words of JSON are words of TOML, as far as these go."""
    return (
        "[[ticket_issuers]]\n"
        f"issuer = {json.dumps(one.issuer)}\n"
        f"algorithm = {json.dumps(one.algorithm)}\n"
        f"key = {json.dumps(key)}\n"
        'roles = ["participant"]   # and "facilitator", if the intranet says who is one\n'
    )


def _others(file: Path, algorithm: Algorithm) -> list[object]:
    """The keys that the public file has now, as they stand there."""
    try:
        raw = file.read_bytes()[: MAX_FILE_BYTES + 1]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise CannotMake(f"{file} cannot be read: {error.strerror}.") from None
    try:
        parse(raw, algorithm)
        keys: list[object] = msgspec.json.decode(raw)["keys"]
    except (KeyProblem, msgspec.DecodeError, UnicodeError, KeyError):
        raise CannotMake(f"{file} is not as this command left it. Move it away and try again.") from None
    return keys


# ---- keys --------------------------------------------------------------------------------------


def _pair(algorithm: Algorithm) -> tuple[dict[str, object], str]:
    """What the server believes, as a JWK, and what the intranet signs with, as text."""
    named = {"kid": secrets.token_hex(8), "use": "sig", "alg": algorithm}
    if algorithm == "HS256":
        # The text of the file is the secret, so that nobody has to know of an encoding.
        secret = secrets.token_urlsafe(32)
        jwk: dict[str, object] = {**OctKey.import_key(secret).as_dict(), **named}
        return jwk, f"{secret}\n"
    private, public = _MAKE[algorithm]()
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    return {**public, **named}, pem


def _ed25519() -> tuple[_PrivateKey, dict[str, object]]:
    key = ed25519.Ed25519PrivateKey.generate()
    return key, {**OKPKey(key, key).as_dict(private=False)}


def _p256() -> tuple[_PrivateKey, dict[str, object]]:
    key = ec.generate_private_key(ec.SECP256R1())
    return key, {**ECKey(key, key).as_dict(private=False)}


def _rsa() -> tuple[_PrivateKey, dict[str, object]]:
    key = rsa.generate_private_key(public_exponent=65537, key_size=RSA_BITS)
    return key, {**RSAKey(key, key).as_dict(private=False)}


_MAKE: Final[dict[Algorithm, Callable[[], tuple[_PrivateKey, dict[str, object]]]]] = {
    "EdDSA": _ed25519,
    "ES256": _p256,
    "RS256": _rsa,
}


# ---- files -------------------------------------------------------------------------------------


def _write_new(path: Path, text: str) -> None:
    """A file that was not there, for its owner's eyes only."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(text)


def _replace(path: Path, text: str) -> None:
    """The whole file at once: a server that reads it meanwhile sees the old one or the new one."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        _write_new(draft, text)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
