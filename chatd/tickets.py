"""Tickets: the signed right to enter one room in one role, for a short while.

A ticket is a JWT (RFC 7519), signed with HS256 under a key derived from the server's secret.
The algorithm is pinned on our side, never read from the token: `none` and key confusion have
nowhere to begin. A one-time ticket is spent by the caller (`log.spend(ticket.digest, ...)`).

Pure but for the randomness in `issue`; time is an argument.
"""

import hashlib
import secrets
from typing import Annotated, Final, Literal, TypeAlias

import msgspec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey
from msgspec import Meta

from rooms.commands import RoomName

ISSUER: Final = "chatd"
AUDIENCE: Final = "chatd"
ALGORITHM: Final = "HS256"
MAX_TICKET_CHARS: Final = 4096
LEEWAY_S: Final = 30
"""How far the clocks of two machines may differ."""

Role: TypeAlias = Literal["participant", "facilitator"]


class Ticket(msgspec.Struct, frozen=True, kw_only=True):
    """The claims of a ticket that was found good.

    `subject` is who the issuer says it is: it becomes a pseudonym at the door and goes no further.
    """

    room: RoomName
    role: Role
    expires_at: Annotated[int, Meta(ge=0)] = msgspec.field(name="exp")
    id: Annotated[str, Meta(min_length=8, max_length=128)] = msgspec.field(name="jti")
    subject: Annotated[str, Meta(min_length=1, max_length=512)] | None = msgspec.field(
        name="sub", default=None
    )
    once: bool = False

    @property
    def digest(self) -> bytes:
        """16 bytes that stand for this ticket in the list of spent ones."""
        return hashlib.sha256(b"chatd ticket\0" + self.id.encode()).digest()[:16]

    def __repr__(self) -> str:
        return f"Ticket(role={self.role!r}, once={self.once})"

    __str__ = __repr__


class TicketRefused(Exception):
    """The ticket does not open this room now. `why` is for a person who tests; it quotes nothing."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class Tickets:
    def __init__(self, secret: bytes) -> None:
        key = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"chatd ticket v1").derive(secret)
        self._key = OctKey.import_key(key)
        self._claims = jwt.JWTClaimsRegistry  # named once; built per check, because time is an argument

    def issue(
        self,
        room: str,
        role: Role,
        *,
        expires_at: int,
        subject: str | None = None,
        once: bool = False,
    ) -> str:
        """A ticket for `room` that is good until `expires_at` (Unix seconds)."""
        claims: dict[str, object] = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "room": room,
            "role": role,
            "exp": expires_at,
            "jti": secrets.token_urlsafe(16),
        }
        if subject is not None:
            claims["sub"] = subject
        if once:
            claims["once"] = True
        return jwt.encode({"alg": ALGORITHM, "typ": "JWT"}, claims, self._key, algorithms=[ALGORITHM])

    def check(self, token: str, room: str, now: float) -> Ticket:
        """The ticket in `token`, where it opens `room` at `now`; otherwise `TicketRefused`."""
        if len(token) > MAX_TICKET_CHARS:
            raise TicketRefused("it is too long")
        try:
            claims = jwt.decode(token, self._key, algorithms=[ALGORITHM]).claims
            self._claims(
                now=int(now),
                leeway=LEEWAY_S,
                iss={"essential": True, "value": ISSUER},
                aud={"essential": True, "value": AUDIENCE},
                exp={"essential": True},
            ).validate(claims)
            ticket = msgspec.convert(claims, Ticket)
        except (JoseError, ValueError, TypeError, KeyError, RecursionError):
            # ValueError covers msgspec.ValidationError and whatever base64 and JSON say.
            raise TicketRefused("it is not valid or too old") from None
        if ticket.room != room:
            raise TicketRefused("it is for another room")
        return ticket
