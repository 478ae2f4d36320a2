"""A staff pass: what is signed, how it is written, and what a room sees of it.

    message  = nonce (32) | room | 0 | period             what the person makes and nobody else sees
    prepared = random prefix (32) | message               what is signed, blind (RFC 9474, section 4.1)
    pass     = period "." base64url(prefix | nonce | signature)

"Works here" is that the issuer's key for this room and this period has signed it. Whom it was signed for,
nobody can tell: neither the number that the issuer saw nor its answer is in the pass. The nonce stands for
the pass: who shows it twice is one person. Pure.
"""

import base64
import binascii
import re
from hashlib import sha256
from typing import Final

import msgspec
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from chatd.passes.blind_rsa import PREFIX_BYTES, verify

NONCE_BYTES: Final = 32
NULLIFIER_BYTES: Final = 16
_TOKEN: Final = re.compile(r"([0-9]{8}T[0-9]{6}Z)\.([A-Za-z0-9_-]{300,1400})")


class PassRefused(Exception):
    """This is no pass for this room and this time. Which of it is wrong helps nobody but a forger."""


class Pass(msgspec.Struct, frozen=True):
    """As it was shown; nothing of it is believed yet."""

    period: str
    prefix: bytes
    nonce: bytes
    signature: bytes

    def __repr__(self) -> str:
        return "Pass(...)"  # one in an exception or a log line opens a room

    __str__ = __repr__

    @property
    def nullifier(self) -> str:
        """What stands for the pass where it is redeemed. Only whoever has the pass can make it."""
        return sha256(b"chatd pass\0" + self.nonce).digest()[:NULLIFIER_BYTES].hex()

    @property
    def token(self) -> str:
        raw = self.prefix + self.nonce + self.signature
        return f"{self.period}.{base64.urlsafe_b64encode(raw).rstrip(b'=').decode()}"

    def is_good(self, room: str, public: RSAPublicKey) -> bool:
        """Whether the holder of `public` has signed it for `room` and its period."""
        prepared = self.prefix + message(self.nonce, room, self.period)
        return verify(public, prepared, self.signature)


def message(nonce: bytes, room: str, period: str) -> bytes:
    """What a person has signed, behind a prefix of its own."""
    return nonce + room.encode() + b"\0" + period.encode()


def read(token: str) -> Pass:
    """`PassRefused` where `token` is written otherwise."""
    found = _TOKEN.fullmatch(token)
    if found is None:
        raise PassRefused
    try:
        raw = base64.b64decode(found[2] + "=" * (-len(found[2]) % 4), altchars=b"-_", validate=True)
    except binascii.Error:
        raise PassRefused from None
    if base64.urlsafe_b64encode(raw).rstrip(b"=").decode() != found[2]:
        raise PassRefused  # one pass is written in one way
    nonce_at, signature_at = PREFIX_BYTES, PREFIX_BYTES + NONCE_BYTES
    return Pass(found[1], raw[:nonce_at], raw[nonce_at:signature_at], raw[signature_at:])
