"""Seats: who somebody is inside one room, and nowhere else.

Identity ends at the door. A verified subject becomes a pseudonym (an HMAC under the epoch's
key) and is forgotten; the client holds a signed seat token and shows it to come back, on any
node, so the server stores nothing about a person.

    secret --HKDF(room, epoch)--> epoch key --HMAC("seat" | "offer" | ...)--> one key per purpose

Everything hangs on `Keyring.epoch_key`: where that key is gone, tokens are void and pseudonyms
tie to nobody. A token is base64url(msgpack body + 16 bytes of HMAC-SHA256); room and epoch are
not inside, they choose the key. No I/O; time is an argument.
"""

import binascii
import hmac
import secrets
from collections import OrderedDict
from typing import Final, NamedTuple, TypeVar

import msgspec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from chatd.tickets import Role

PSEUDONYM_BYTES: Final = 16
TAG_BYTES: Final = 16
MAX_TOKEN_CHARS: Final = 4096
MAX_CACHED_EPOCHS: Final = 2048
"""Epochs whose derived keys are kept at hand, 3 KiB each; the least recently used goes first."""


class Seat(msgspec.Struct, frozen=True, kw_only=True):
    """A place in one epoch of one room. `expires_at` in Unix seconds."""

    room: str
    epoch: str
    handle: str
    pseudonym: bytes
    role: Role
    expires_at: int

    def __repr__(self) -> str:
        return "Seat(...)"  # a seat in an exception or a log line ties a handle to a room

    __str__ = __repr__


class _SeatBody(msgspec.Struct, frozen=True, array_like=True):
    handle: str
    pseudonym: bytes
    role: Role
    expires_at: int


class _OfferBody(msgspec.Struct, frozen=True, array_like=True):
    handle: str
    pseudonym: bytes
    expires_at: int  # 0: as long as the epoch


Body = TypeVar("Body", _SeatBody, _OfferBody)


class Mac:
    """HMAC-SHA256 under one key. To set up a key costs OpenSSL five times what a short message does."""

    __slots__ = ("_keyed",)

    def __init__(self, key: bytes) -> None:
        self._keyed = hmac.new(key, digestmod="sha256")

    def __call__(self, message: bytes) -> bytes:
        """The first 16 bytes of it."""
        mac = self._keyed.copy()
        mac.update(message)
        return mac.digest()[:TAG_BYTES]


class _Keys(NamedTuple):
    seat: Mac
    offer: Mac
    pseudonym: Mac
    owner: Mac


class Keyring:
    """Where an epoch's key comes from. The one place to change when keys become destroyable."""

    def __init__(self, secret: bytes) -> None:
        if len(secret) < 32:
            raise ValueError("a secret has at least 32 bytes")
        self._secret = secret

    def epoch_key(self, room: str, epoch: str) -> bytes:
        """32 bytes for this epoch of this room (HKDF, RFC 5869); the same in every process."""
        # Lengths go first, so that no other pair of names makes the same bytes.
        named = b"".join(len(part).to_bytes(4, "big") + part for part in (room.encode(), epoch.encode()))
        return HKDF(algorithm=SHA256(), length=32, salt=None, info=b"chatd epoch v1\0" + named).derive(
            self._secret
        )


class Seats:
    """Issues and restores seats. Cheap: some microseconds a call, so thousands may join in a second."""

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring
        self._keys: OrderedDict[tuple[str, str], _Keys] = OrderedDict()
        self._encode = msgspec.msgpack.Encoder().encode
        self._seat_decoder = msgspec.msgpack.Decoder(_SeatBody)
        self._offer_decoder = msgspec.msgpack.Decoder(_OfferBody)

    def pseudonym(self, room: str, epoch: str, subject: str | None) -> bytes:
        """16 bytes: one for each subject and epoch, unlinkable to any other; random for None."""
        if subject is None:
            return secrets.token_bytes(PSEUDONYM_BYTES)
        return self._epoch(room, epoch).pseudonym(subject.encode("utf-8", "surrogatepass"))

    def owner(self, room: str, epoch: str, pseudonym: bytes) -> bytes:
        """16 bytes that stand for `pseudonym` in the log's list of handles (`rooms.log.Claim.owner`)."""
        return self._epoch(room, epoch).owner(pseudonym)

    def issue(self, seat: Seat) -> str:
        """The token with which its holder takes the seat again."""
        body = self._encode(_SeatBody(seat.handle, seat.pseudonym, seat.role, seat.expires_at))
        return _seal(self._epoch(seat.room, seat.epoch).seat, body)

    def restore(self, token: str, room: str, epoch: str, now: float) -> Seat | None:
        """The seat in `token`; None where it is forged, expired, or from another room or epoch."""
        body = _unseal(self._epoch(room, epoch).seat, token)
        if body is None:
            return None
        inside = _read(self._seat_decoder, body)
        if inside is None or inside.expires_at <= now:
            return None
        return Seat(
            room=room,
            epoch=epoch,
            handle=inside.handle,
            pseudonym=inside.pseudonym,
            role=inside.role,
            expires_at=inside.expires_at,
        )

    def offer(self, room: str, epoch: str, handle: str, pseudonym: bytes, *, expires_at: int = 0) -> str:
        """A drawn handle to come back with. Nothing is kept; `expires_at` 0 is as long as the epoch."""
        return _seal(self._epoch(room, epoch).offer, self._encode(_OfferBody(handle, pseudonym, expires_at)))

    def offered(self, token: str, room: str, epoch: str, now: float) -> tuple[str, bytes] | None:
        """(handle, pseudonym) of an offer that this room made in this epoch; otherwise None."""
        body = _unseal(self._epoch(room, epoch).offer, token)
        if body is None:
            return None
        inside = _read(self._offer_decoder, body)
        if inside is None or (inside.expires_at and inside.expires_at <= now):
            return None
        return inside.handle, inside.pseudonym

    def _epoch(self, room: str, epoch: str) -> _Keys:
        name = (room, epoch)
        keys = self._keys.get(name)
        if keys is not None:
            self._keys.move_to_end(name)
            return keys
        root = self._keyring.epoch_key(room, epoch)
        keys = _Keys(
            *(Mac(hmac.digest(root, b"chatd " + purpose.encode(), "sha256")) for purpose in _Keys._fields)
        )
        self._keys[name] = keys
        if len(self._keys) > MAX_CACHED_EPOCHS:
            self._keys.popitem(last=False)
        return keys


def _read(decoder: msgspec.msgpack.Decoder[Body], body: bytes) -> Body | None:
    """What a body that we signed says; None where another version of chatd signed what this one lacks."""
    try:
        return decoder.decode(body)
    except (msgspec.DecodeError, UnicodeError):
        return None


def _seal(key: Mac, body: bytes) -> str:
    sealed = body + key(body)
    return binascii.b2a_base64(sealed, newline=False).translate(_TO_URL).rstrip(b"=").decode("ascii")


def _unseal(key: Mac, token: str) -> bytes | None:
    if len(token) > MAX_TOKEN_CHARS:
        return None
    try:
        raw = token.encode("ascii")
        sealed = binascii.a2b_base64(raw.translate(_FROM_URL) + b"=" * (-len(raw) % 4), strict_mode=True)
    except (UnicodeEncodeError, binascii.Error):
        return None
    body, tag = sealed[:-TAG_BYTES], sealed[-TAG_BYTES:]
    if not hmac.compare_digest(tag, key(body)):
        return None
    return body


_TO_URL: Final = bytes.maketrans(b"+/", b"-_")
_FROM_URL: Final = bytes.maketrans(b"-_", b"+/")
