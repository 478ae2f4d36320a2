"""The keys of one issuer of tickets, from its file, and again whenever the file changes.

    JWKS or JWK   {"keys": [...]} (RFC 7517); those that are for something else are passed over
    PEM           one public key, or several one after the other
    plain text    for HS256: the shared secret, at least 32 bytes, without the space around it

A key is believed for the one algorithm that the operator named, whatever a token says. Private keys
are refused: whoever has one can sign, and that is the intranet's business alone. Touches the file.
"""

import base64
import os
import re
import stat
from pathlib import Path
from typing import Any, Final, TypeAlias

import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from cryptography.x509 import load_pem_x509_certificate
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, JWKRegistry, OctKey, OKPKey, RSAKey

from chatd.called import chatd
from chatd.issuers import Algorithm

Key: TypeAlias = OctKey | RSAKey | ECKey | OKPKey

MAX_FILE_BYTES: Final = 64 * 1024
MAX_KEYS: Final = 16
"""Keys of one issuer. A ticket without a `kid` is held against each of them."""
MIN_SECRET_BYTES: Final = 32
"""RFC 7518 section 3.2: at least as long as the hash."""
MIN_RSA_BITS: Final = 2048
"""RFC 7518 section 3.3."""

KINDS: Final[dict[Algorithm, tuple[str, str | None]]] = {
    "EdDSA": ("OKP", "Ed25519"),
    "ES256": ("EC", "P-256"),
    "RS256": ("RSA", None),
    "HS256": ("oct", None),
}
"""The kind of key (`kty`) and curve (`crv`) that an algorithm takes."""
NAMES: Final[dict[Algorithm, tuple[str, ...]]] = {
    "EdDSA": ("EdDSA", "Ed25519"),  # RFC 9864 section 2.2 calls the second what was the first
    "ES256": ("ES256",),
    "RS256": ("RS256",),
    "HS256": ("HS256",),
}
"""What a token, or a JWK, may call an algorithm."""

KEY_PARTS: Final = ("kty", "crv", "x", "y", "n", "e", "k")
"""The members of a JWK that make the key (RFC 7518 section 6)."""

_PEM: Final = re.compile(rb"-----BEGIN ([A-Z0-9 ]+)-----.+?-----END \1-----", re.DOTALL)


class KeyProblem(Exception):
    """The file cannot be used. The text says why and what to do, and quotes nothing of it."""


class KeyFile:
    """The keys in `path`, for `algorithm`. `read` before the first use; `KeyProblem`."""

    def __init__(self, path: Path, algorithm: Algorithm) -> None:
        self.path = path
        self.algorithm = algorithm
        self.keys: tuple[Key, ...] = ()
        self._seen: tuple[int, ...] = ()

    def for_kid(self, kid: str | None) -> tuple[Key, ...]:
        """Those that may have signed a token with this `kid`. A key without one may be any."""
        if kid is None:
            return self.keys
        return tuple(key for key in self.keys if key.kid is None or key.kid == kid)

    def read(self) -> None:
        """Take the keys that the file holds now. Where it holds none to use, those from before stay."""
        self._seen = self._look()
        try:
            with self.path.open("rb") as file:
                raw = file.read(MAX_FILE_BYTES + 1)
        except OSError as error:
            raise self._unreadable(error) from None
        try:
            self.keys = parse(raw, self.algorithm)
        except KeyProblem as problem:
            raise KeyProblem(f"the key file {self.path} {problem}") from None

    def refresh(self) -> bool:
        """Read it again where it has changed; whether it had. A file that is gone takes its keys with it."""
        try:
            if self._look() == self._seen:
                return False
        except KeyProblem:
            if self._seen == ():
                return False  # said already
            self.keys, self._seen = (), ()
            raise
        self.read()
        return True

    def _look(self) -> tuple[int, ...]:
        """What changes when the file does."""
        try:
            about = self.path.stat()
        except OSError as error:
            raise self._unreadable(error) from None
        if not stat.S_ISREG(about.st_mode):
            raise KeyProblem(f"the key file {self.path} is not a file.")
        return about.st_dev, about.st_ino, about.st_size, about.st_mtime_ns, about.st_ctime_ns

    def _unreadable(self, error: OSError) -> KeyProblem:
        return KeyProblem(
            f"the key file {self.path} cannot be read: {os.strerror(error.errno or 0)}. "
            f"`{chatd()} issuer-key` makes one."
        )


def parse(raw: bytes, algorithm: Algorithm) -> tuple[Key, ...]:
    """The keys in a file's content that are for `algorithm`: 1 to `MAX_KEYS`. `KeyProblem`."""
    if len(raw) > MAX_FILE_BYTES:
        raise KeyProblem(f"is larger than {MAX_FILE_BYTES // 1024} KiB: that is no key.")
    text = raw.strip()
    if text.startswith(b"{"):
        keys = _from_json(text, algorithm)
    elif b"-----BEGIN " in text:
        keys = _from_pem(text, algorithm)
    elif algorithm == "HS256":
        keys = [_secret(text)]
    else:
        raise KeyProblem("is neither JSON (a JWKS) nor PEM (-----BEGIN PUBLIC KEY-----).")
    if not keys:
        raise KeyProblem(f"holds no key for {algorithm}: {_wanted(algorithm)}")
    if len(keys) > MAX_KEYS:
        raise KeyProblem(f"holds more than {MAX_KEYS} keys. Take out those that are no longer used.")
    return tuple(keys)


def _wanted(algorithm: Algorithm) -> str:
    kind, curve = KINDS[algorithm]
    if algorithm == "HS256":
        return f"it takes a secret of at least {MIN_SECRET_BYTES} bytes, as text or as a JWK."
    return f"it takes a public key of the kind {' '.join(filter(None, (kind, curve)))}, as a JWKS or PEM."


# ---- JSON --------------------------------------------------------------------------------------


def _from_json(text: bytes, algorithm: Algorithm) -> list[Key]:
    try:
        whole = msgspec.json.decode(text, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        raise KeyProblem("is not valid JSON.") from None
    entries = whole.get("keys", [whole])
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise KeyProblem('is not a JWKS: {"keys": [...]} with one object for each key.')
    if any("d" in entry for entry in entries):
        raise _private()
    return [_from_jwk(entry, algorithm) for entry in entries if _is_for(entry, algorithm)]


def _is_for(entry: dict[str, Any], algorithm: Algorithm) -> bool:
    """Whether a JWK is meant for `algorithm`. One that is not may be for what else the host does."""
    kind, curve = KINDS[algorithm]
    return (
        entry.get("kty") == kind
        and (curve is None or entry.get("crv") == curve)
        and entry.get("use", "sig") == "sig"
        and entry.get("alg", algorithm) in NAMES[algorithm]
    )


def _from_jwk(entry: dict[str, Any], algorithm: Algorithm) -> Key:
    # Only what makes the key, and its name: no x5u, no key_ops that joserfc would act on.
    parts: dict[str, str | list[str]] = {name: entry[name] for name in KEY_PARTS if name in entry}
    if isinstance(entry.get("kid"), str):
        parts["kid"] = entry["kid"]
    try:
        # Before joserfc looks at it, which only warns of what is too short.
        if algorithm == "HS256":
            _long_enough(len(_decoded(entry["k"])))
        elif algorithm == "RS256":
            _large_enough(int.from_bytes(_decoded(entry["n"])).bit_length())
        return JWKRegistry.import_key(parts)
    except (JoseError, ValueError, TypeError, KeyError):
        raise KeyProblem(f"holds a key that is not whole: {_wanted(algorithm)}") from None


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "==")


# ---- PEM and text ------------------------------------------------------------------------------


def _from_pem(text: bytes, algorithm: Algorithm) -> list[Key]:
    blocks = list(_PEM.finditer(text))
    if any(b"PRIVATE" in block[1] for block in blocks):
        raise _private()
    if algorithm == "HS256":
        # Whoever has the public key, and that is everybody, could sign with it (RFC 8725 section 2.1).
        raise KeyProblem(f"holds a public key, which is no secret: {_wanted(algorithm)}")
    try:
        return [_from_block(block, algorithm) for block in blocks]
    except (ValueError, UnsupportedAlgorithm):
        raise KeyProblem(f"holds what is no public key: {_wanted(algorithm)}") from None


def _from_block(block: re.Match[bytes], algorithm: Algorithm) -> Key:
    key: object
    if block[1] == b"CERTIFICATE":
        key = load_pem_x509_certificate(block[0]).public_key()  # for the key in it; nobody asks who vouched
    else:
        key = load_pem_public_key(block[0])
    if algorithm == "EdDSA" and isinstance(key, Ed25519PublicKey):
        return OKPKey.import_key(key)
    if algorithm == "ES256" and isinstance(key, EllipticCurvePublicKey) and isinstance(key.curve, SECP256R1):
        return ECKey.import_key(key)
    if algorithm == "RS256" and isinstance(key, RSAPublicKey):
        _large_enough(key.key_size)
        return RSAKey.import_key(key)
    raise KeyProblem(f"holds a key of another kind: {_wanted(algorithm)}")


def _secret(text: bytes) -> Key:
    _long_enough(len(text))
    try:
        return OctKey.import_key(text)
    except ValueError:  # it is a public key after all, in DER for example
        raise KeyProblem(f"holds no secret: {_wanted('HS256')}") from None


# ---- what all have in common -------------------------------------------------------------------


def _long_enough(count: int) -> None:
    if count < MIN_SECRET_BYTES:
        raise KeyProblem(f"holds a secret of {count} bytes; it takes {MIN_SECRET_BYTES} or more.")


def _large_enough(bits: int) -> None:
    if bits < MIN_RSA_BITS:
        raise KeyProblem(f"holds an RSA key of {bits} bits; make one of {MIN_RSA_BITS} or more.")


def _private() -> KeyProblem:
    return KeyProblem(
        "holds a private key, which only the intranet should have. Put the public part here: "
        "`openssl pkey -in PRIVATE.pem -pubout` prints it. And make a new pair, if this one has travelled."
    )
