"""Blind signatures: RSABSSA-SHA384-PSS-Randomized (RFC 9474), the mathematics of the staff pass.

    person   prepare(msg) -> blind(public, prepared) -> blinded, inverse
    issuer   BlindSigner(key).sign(blinded)          -> signs, and learns nothing of what
    person   finalize(public, prepared, blind_signature, inverse) -> signature: nobody can tie the two
    room     verify(public, prepared, signature)

The private operation runs in GMP's side-channel-silent exponentiation (`gmpy2.powmod_sec`), on a base that is
masked anew each time, and what comes out is checked before it is let go (section 4.3: a fault in it would
give the key away). Nothing here keeps or logs anything; all integers are of the key's length, big-endian.
"""

import secrets
from hashlib import sha384
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA384
from gmpy2 import context, gcd, invert, powmod, powmod_sec  # type: ignore[import-untyped]  # it ships no types

PREFIX_BYTES: Final = 32
"""Random bytes before the message: what is signed has entropy, whatever the person signs (section 4.1)."""
SALT_BYTES: Final = 48
HASH_BYTES: Final = 48
KEY_BITS: Final = (2048, 3072, 4096)
"""Lengths of keys that are taken."""


class BlindFailed(ValueError):
    """A step cannot be done with what it was given. Says which, and quotes none of it."""


def prepare(msg: bytes) -> bytes:
    """PrepareRandomize (section 4.1): `msg` behind 32 random bytes. To be kept: it is what is verified."""
    return secrets.token_bytes(PREFIX_BYTES) + msg


def blind(public: RSAPublicKey, prepared: bytes, *, salt: bytes | None = None) -> tuple[bytes, int]:
    """Blind (section 4.2): what the issuer is sent, and the inverse that the person keeps to themselves.

    `salt` is random unless a test vector gives it.
    """
    return _blinded(public, prepared, secrets.token_bytes(SALT_BYTES) if salt is None else salt, None)


def _blinded(public: RSAPublicKey, prepared: bytes, salt: bytes, inverse: int | None) -> tuple[bytes, int]:
    n, e = _numbers(public)
    m = int.from_bytes(_encoded(prepared, n.bit_length() - 1, salt))
    if gcd(m, n) != 1:
        raise BlindFailed("this message cannot be blinded under this key")  # a factor of n was found
    while inverse is None:
        mask = secrets.randbelow(n - 1) + 1
        if gcd(mask, n) == 1:
            inverse = int(invert(mask, n))
    mask = int(invert(inverse, n))
    return (m * int(powmod(mask, e, n)) % n).to_bytes(_length(n)), inverse


class BlindSigner:
    """The issuer's side: the one place that holds a private key of this kind."""

    def __init__(self, key: RSAPrivateKey) -> None:
        self.public: Final = key.public_key()
        self._n, self._e = _numbers(self.public)
        self._d = key.private_numbers().d

    def takes(self, blinded: bytes) -> bool:
        """Whether `blinded` can be signed under this key."""
        m = int.from_bytes(blinded)
        return len(blinded) == _length(self._n) and 0 < m < self._n and bool(gcd(m, self._n) == 1)

    def sign(self, blinded: bytes) -> bytes:
        """BlindSign (section 4.3). `BlindFailed` where `blinded` is no number of this key."""
        n = self._n
        m = int.from_bytes(blinded)
        if not self.takes(blinded):
            raise BlindFailed("a blinded message is a number below the modulus, as long as the key")
        # Masked anew each time: how long it takes tells nothing about numbers that somebody chose.
        while gcd(mask := secrets.randbelow(n - 1) + 1, n) != 1:
            pass
        masked = m * int(powmod(mask, self._e, n)) % n
        with context(allow_release_gil=True):  # else the whole process would wait, whatever the thread
            power = int(powmod_sec(masked, self._d, n))
        s = power * int(invert(mask, n)) % n
        if int(powmod(s, self._e, n)) != m:
            raise BlindFailed(
                "the signature came out wrong and was thrown away: look at this machine's memory"
            )
        return s.to_bytes(_length(n))


def finalize(public: RSAPublicKey, prepared: bytes, blind_signature: bytes, inverse: int) -> bytes:
    """Finalize (section 4.4): the signature of `prepared`. `BlindFailed` where the issuer's is none."""
    n, _ = _numbers(public)
    if len(blind_signature) != _length(n):
        raise BlindFailed("the issuer's answer has another length than its key")
    signature = (int.from_bytes(blind_signature) * inverse % n).to_bytes(_length(n))
    if not verify(public, prepared, signature):
        raise BlindFailed("the issuer's answer is no signature of what was sent")
    return signature


def verify(public: RSAPublicKey, prepared: bytes, signature: bytes) -> bool:
    """Whether `signature` is one of `prepared` (RSASSA-PSS with SHA-384, RFC 8017 section 8.1.2)."""
    try:
        public.verify(signature, prepared, PSS(MGF1(SHA384()), SALT_BYTES), SHA384())
    except InvalidSignature:
        return False
    return len(prepared) >= PREFIX_BYTES


def _numbers(public: RSAPublicKey) -> tuple[int, int]:
    if public.key_size not in KEY_BITS:
        raise BlindFailed("an issuer's key has 2048, 3072 or 4096 bits")
    numbers = public.public_numbers()
    return numbers.n, numbers.e


def _length(n: int) -> int:
    return (n.bit_length() + 7) // 8


def _encoded(message: bytes, bits: int, salt: bytes) -> bytes:
    """EMSA-PSS-ENCODE (RFC 8017 section 9.1.1) with SHA-384. No library gives it by itself."""
    length = (bits + 7) // 8
    digest = sha384(bytes(8) + sha384(message).digest() + salt).digest()
    block = bytes(length - len(salt) - HASH_BYTES - 2) + b"\x01" + salt
    mask = _mgf1(digest, len(block))
    masked = bytearray(one ^ other for one, other in zip(block, mask, strict=True))
    masked[0] &= 0xFF >> (8 * length - bits)
    return bytes(masked) + digest + b"\xbc"


def _mgf1(seed: bytes, length: int) -> bytes:
    """RFC 8017, appendix B.2.1, with SHA-384."""
    blocks = -(-length // HASH_BYTES)
    return b"".join(sha384(seed + count.to_bytes(4)).digest() for count in range(blocks))[:length]
