"""The public keys of an issuer: how they are published, and which of them a room believes.

    {"keys": [{"kty": "RSA", "alg": "RSABSSA-SHA384-PSS-Randomized", "n": ..., "e": ..., "kid": ...,
               "room": "night", "period": "20261122T030000Z", "begins_at": ..., "ends_at": ...}]}

One key per room and period, the same for everybody: an issuer with a key of its own for one person would know
their pass again. So a room believes the first key that it hears of for a period and never another, the page
asks with the key that the room believes, and shows its fingerprint, which two people can compare (RFC 9576,
section 6.2).
"""

import base64
from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256
from typing import Annotated, Final, Literal

import msgspec
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey, RSAPublicNumbers
from msgspec import Meta

from chatd.passes.blind_rsa import KEY_BITS
from chatd.passes.periods import GRACE_S
from chatd.passes.tokens import PassRefused, read
from rooms.command import RoomName

PATH: Final = "/.well-known/chatd-pass-keys"
MAX_DOCUMENT_BYTES: Final = 256 * 1024
MAX_KEYS: Final = 400
MAX_PERIOD_S: Final = 31 * 24 * 3600
EXPONENT: Final = 65537
EARLY_S: Final = 60
"""By how much this clock may be behind that of the node that told the page of the period, when that turns."""


class PassesUnknown(Exception):
    """No key is known just now under which the room's passes would be: it says nothing about this one."""


class NoKeys(ValueError):
    """This is no list of an issuer's keys. The text is a sentence that quotes nothing of it."""


class PassKey(msgspec.Struct, frozen=True, kw_only=True):
    """One key as it is published: a JWK (RFC 7517) with the room and the period that it is for."""

    n: Annotated[str, Meta(pattern=r"\A[A-Za-z0-9_-]{342,683}\Z")]
    room: RoomName
    period: Annotated[str, Meta(pattern=r"\A[0-9]{8}T[0-9]{6}Z\Z")]
    begins_at: Annotated[int, Meta(ge=0, le=2**40)]
    ends_at: Annotated[int, Meta(ge=0, le=2**40)]
    kid: Annotated[str, Meta(max_length=64)] = ""
    """Its thumbprint (RFC 7638)."""
    kty: Literal["RSA"] = "RSA"
    e: Literal["AQAB"] = "AQAB"
    alg: Literal["RSABSSA-SHA384-PSS-Randomized"] = "RSABSSA-SHA384-PSS-Randomized"
    use: Literal["sig"] = "sig"

    def __post_init__(self) -> None:
        if not 0 < self.ends_at - self.begins_at <= MAX_PERIOD_S:
            raise ValueError("a period ends after it begins, and within a month")

    def public(self) -> RSAPublicKey:
        """`NoKeys` where it is none that signs passes."""
        modulus = int.from_bytes(base64.urlsafe_b64decode(self.n + "=" * (-len(self.n) % 4)))
        if modulus.bit_length() not in KEY_BITS or not modulus & 1:
            raise NoKeys("One of the issuer's keys is no RSA key of 2048, 3072 or 4096 bits.")
        return RSAPublicNumbers(EXPONENT, modulus).public_key()


class Document(msgspec.Struct, frozen=True):
    keys: Annotated[list[PassKey], Meta(max_length=MAX_KEYS)]


def published(public: RSAPublicKey, room: str, period: str, begins_at: int, ends_at: int) -> PassKey:
    """`public`, as others are to see it."""
    modulus = public.public_numbers().n
    n = base64.urlsafe_b64encode(modulus.to_bytes((modulus.bit_length() + 7) // 8)).rstrip(b"=").decode()
    return PassKey(n=n, room=room, period=period, begins_at=begins_at, ends_at=ends_at, kid=thumbprint(n))


def thumbprint(n: str) -> str:
    """RFC 7638, section 3, of an RSA key with this modulus."""
    digest = sha256(f'{{"e":"AQAB","kty":"RSA","n":"{n}"}}'.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def fingerprint(key: PassKey) -> str:
    """What two people can read to each other: 80 bits of the thumbprint, in five groups of four."""
    digest = base64.urlsafe_b64decode(thumbprint(key.n) + "=")[:10].hex()
    return " ".join(digest[at : at + 4] for at in range(0, len(digest), 4))


def write(keys: Iterable[PassKey]) -> bytes:
    return msgspec.json.encode(Document(list(keys)))


def parse(raw: bytes) -> list[PassKey]:
    """`NoKeys`."""
    if len(raw) > MAX_DOCUMENT_BYTES:
        raise NoKeys("The list of the issuer's keys is too long.")
    try:
        keys = msgspec.json.decode(raw, type=Document).keys
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        raise NoKeys("This is no list of an issuer's keys, as `chatd issuer` publishes it.") from None
    for key in keys:
        key.public()
    return keys


class Passes:
    """The passes that one node believes. Cheap to ask: a check is 0.1 ms, and waits for nothing.

    `wall` gives Unix seconds. Where a session is asked about, `at` is when it was planned to begin.
    """

    def __init__(self, wall: Callable[[], float]) -> None:
        self._wall = wall
        self._keys: dict[tuple[str, str], tuple[PassKey, RSAPublicKey]] = {}

    def learn(self, keys: Sequence[PassKey]) -> int:
        """Believe what is new; how many of `keys` are others than those that are believed already. What is
        over is forgotten."""
        now = self._wall()
        over = [name for name, (key, _) in self._keys.items() if key.ends_at + 2 * GRACE_S <= now]
        for name in over:
            del self._keys[name]
        others = 0
        for key in keys[:MAX_KEYS]:
            name = (key.room, key.period)
            if name in self._keys:
                others += self._keys[name][0].n != key.n
            elif key.ends_at + 2 * GRACE_S > now and len(self._keys) < MAX_KEYS:
                self._keys[name] = (key, key.public())
        return others

    def key(self, room: str, at: float | None = None) -> PassKey | None:
        """The one key of the passes that open `room` now, or at `at`; None where none is known."""
        at = self._wall() if at is None else at
        found = [
            key for key, _ in self._keys.values() if key.room == room and key.begins_at <= at < key.ends_at
        ]
        # Two only where the issuer's periods have another length since: every node takes the same.
        return min(found, key=lambda key: (key.begins_at, key.ends_at), default=None)

    def check(self, token: str, room: str, at: float | None = None) -> str:
        """The nullifier of the pass in `token`, where it opens `room` now, or at `at`. `PassRefused`,
        `PassesUnknown`."""
        shown = read(token)
        present = self.key(room, at)
        if present is None:
            raise PassesUnknown
        # Of two periods at once only at their turn: else somebody with a pass of each would be two people.
        coming = self.key(room, self._wall() + EARLY_S) if at is None else None
        if shown.period not in {key.period for key in (present, coming) if key is not None}:
            raise PassRefused
        _, public = self._keys[room, shown.period]
        if not shown.is_good(room, public):
            raise PassRefused
        return shown.nullifier
