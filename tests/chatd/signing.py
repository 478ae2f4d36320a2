"""An intranet for tests of tickets: keys of every kind, and tokens put together by hand.

intranet = Intranet("EdDSA", tmp_path)        # a key pair; the public part in a file
token = intranet.signs(claims(room="icu"))    # a good ticket, or whatever else one can sign
"""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from chatd.issuers import Algorithm, TicketIssuer
from chatd.settings import Settings
from chatd.tickets import Tickets, open_tickets

NAME, CHAT, ROOM = "https://intranet.example.org", "https://chat.example.org", "icu"
NOW = 1_700_000_000.0
SECRET = bytes(range(32))


def claims(**others: Any) -> dict[str, Any]:
    """Those of a good ticket, and `others`; None takes one away."""
    usual = {"iss": NAME, "aud": CHAT, "room": ROOM, "exp": int(NOW) + 300, "jti": "0123456789", "sub": "s1"}
    return {name: value for name, value in {**usual, **others}.items() if value is not None}


def part(value: Mapping[str, Any] | bytes) -> str:
    """A part of a token: JSON, or the bytes as they are."""
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _fresh(algorithm: Algorithm) -> Any:
    if algorithm == "EdDSA":
        return ed25519.Ed25519PrivateKey.generate()
    if algorithm == "ES256":
        return ec.generate_private_key(ec.SECP256R1())
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


class Intranet:
    """One who signs. The signatures are made here from the standards, not by the library under test."""

    def __init__(self, algorithm: Algorithm, folder: Path, name: str = "key") -> None:
        self.algorithm = algorithm
        self.file = folder / f"{name}.{algorithm.lower()}"
        self.new_key()

    def new_key(self) -> None:
        """Another key, and its public part in the file."""
        self.key: Any
        if self.algorithm == "HS256":
            self.key = base64.b64encode(hashlib.sha256(str(time.monotonic_ns()).encode()).digest())
            self.public = self.key
        else:
            self.key = _fresh(self.algorithm)
            self.public = self.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        self.file.write_bytes(self.public)

    def signature(self, text: bytes) -> bytes:
        """Of `text`, as RFC 7518 section 3 and RFC 8037 section 3.1 have it."""
        if self.algorithm == "HS256":
            return hmac.digest(self.key, text, "sha256")
        if self.algorithm == "EdDSA":
            return bytes(self.key.sign(text))
        if self.algorithm == "ES256":
            r, s = decode_dss_signature(self.key.sign(text, ec.ECDSA(hashes.SHA256())))
            return r.to_bytes(32) + s.to_bytes(32)
        return bytes(self.key.sign(text, padding.PKCS1v15(), hashes.SHA256()))

    def signs(self, what: Mapping[str, Any] | bytes, **header: Any) -> str:
        """A token over `what`; `header` adds to alg and typ, or takes their place (None: takes one away)."""
        head = {"alg": self.algorithm, "typ": "JWT", **header}
        text = f"{part({name: value for name, value in head.items() if value is not None})}.{part(what)}"
        return f"{text}.{part(self.signature(text.encode()))}"

    def issuer(self, **others: Any) -> TicketIssuer:
        """What the operator sets for it."""
        usual: dict[str, Any] = {"issuer": NAME, "algorithm": self.algorithm, "key": str(self.file)}
        return TicketIssuer(**{**usual, **others})

    def trusted(self, **others: Any) -> Tickets:
        """The tickets of a server that believes this intranet, and nobody else."""
        return open_tickets(settings(self.issuer(**others)), SECRET)


def settings(*issuers: TicketIssuer, **others: Any) -> Settings:
    return Settings(public_url=CHAT, ticket_issuers=issuers, **others)
