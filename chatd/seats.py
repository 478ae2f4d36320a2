"""Seats: who somebody is inside one room, and nowhere else.

Identity ends at the door. A verified subject becomes a pseudonym (an HMAC under the epoch's
key) and is forgotten; the client holds a signed seat token and shows it to come back, on any
node, so the server stores nothing about a person.

    epoch key (random, `rooms/keystore.py`) --HMAC("seat" | "offer" | ...)--> a key per purpose

Everything hangs on the epoch's key, which nothing else can make again: where it is destroyed, tokens are
void and pseudonyms tie to nobody. A token is base64url(msgpack body + 16 bytes of HMAC-SHA256); room and
epoch are not inside, they choose the key. No I/O; time is an argument.
"""

import base64
import binascii
import hmac
import secrets
from typing import Final, NamedTuple, TypeVar

import msgspec

from chatd.tickets import Role
from rooms.children import MARK_CHARS, line_room
from rooms.keyring import Keyring

PSEUDONYM_BYTES: Final = 16
TAG_BYTES: Final = 16
_NAME: Final = "seats"
MAX_TOKEN_CHARS: Final = 4096


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
    line: Mac
    mark: Mac
    marked: Mac


class Seats:
    """Issues and restores seats. Cheap: some microseconds a call, so thousands may join in a second."""

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring
        self._encode = msgspec.msgpack.Encoder().encode
        self._seat_decoder = msgspec.msgpack.Decoder(_SeatBody)
        self._offer_decoder = msgspec.msgpack.Decoder(_OfferBody)

    async def ready(self, room: str, epoch: str) -> bool:
        """Have the epoch's key at hand, before anything else is asked about it; False where it is gone, and
        the epoch with it. `LogError`."""
        return await self._keyring.open(room, epoch) is not None

    def pseudonym(self, room: str, epoch: str, subject: str | None) -> bytes:
        """16 bytes: one for each subject and epoch, unlinkable to any other; random for None."""
        if subject is None:
            return secrets.token_bytes(PSEUDONYM_BYTES)
        return self._epoch(room, epoch).pseudonym(subject.encode("utf-8", "surrogatepass"))

    def owner(self, room: str, epoch: str, pseudonym: bytes) -> bytes:
        """16 bytes that stand for `pseudonym` in the log's list of handles (`rooms.log.Claim.owner`)."""
        return self._epoch(room, epoch).owner(pseudonym)

    def line(self, room: str, epoch: str, handle: str) -> str:
        """The name of the line of `handle` (`rooms/children.py`): the same on every node."""
        mark = self._epoch(room, epoch).line(handle.encode())
        return line_room(room, base64.urlsafe_b64encode(mark).decode()[:MARK_CHARS])

    def mark(self, room: str, epoch: str, pseudonym: bytes) -> bytes:
        """16 bytes with which a seat goes on in the next epoch (`epochs/moving.py`). For memory alone."""
        return self._epoch(room, epoch).mark(pseudonym)

    def marked(self, room: str, epoch: str, mark: bytes) -> bytes:
        """The pseudonym, in this epoch, of the seat that had `mark` in the one before."""
        return self._epoch(room, epoch).marked(mark)

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
        entry = self._keyring.entry(room, epoch)
        keys: _Keys | None = entry.made.get(_NAME)
        if keys is None:
            keys = entry.made[_NAME] = _Keys(
                *(
                    Mac(hmac.digest(entry.key, b"chatd " + purpose.encode(), "sha256"))
                    for purpose in _Keys._fields
                )
            )
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
