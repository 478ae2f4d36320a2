"""Tickets: the signed right to enter one room in one role, for a short while.

A ticket is a JWT (RFC 7519). This server signs its own with HS256 under a key derived from its
secret; the host's intranet signs others, with keys that the operator named (`issuers.py`). What
opens a room, in this order, and each refusal counted by its reason:

    small and of three parts -> a header that asks for nothing -> a known issuer -> its algorithm
    -> its key -> its audience, its time -> a life that is short -> its roles and rooms -> this room

Algorithm and key are pinned on our side, never read from the token: `none`, key confusion and keys
that a header brings along have nowhere to begin (RFC 8725). A one-time ticket is spent by the caller
(`log.spend(ticket.digest, ...)`). Time is an argument; `refresh` reads key files, and nothing else does.
"""

import base64
import hashlib
import secrets
from collections.abc import Callable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from joserfc import jwt
from joserfc.errors import ExpiredTokenError, InvalidClaimError, JoseError
from joserfc.jwk import OctKey
from msgspec import Meta

from chatd.issuers import OWN, Algorithm, Role
from chatd.keysets import NAMES, KeyFile, KeyProblem
from chatd.settings import Settings, SettingsError
from chatd.signatures import signed_claims

__all__ = ["Role"]  # besides what is defined here

AUDIENCE: Final = "chatd"
"""The `aud` of our own tickets."""
ALGORITHM: Final[Algorithm] = "HS256"
MAX_TICKET_CHARS: Final = 4096
ANY_ROOM: Final = "*"
"""The `room` of a ticket that plans every session. It enters none."""
LEEWAY_S: Final = 30
"""How far the clocks of two machines may differ."""


class Why(StrEnum):
    """Why a ticket was refused: the label of a metric, and the sentence for who tests (`SENTENCES`)."""

    MALFORMED = "malformed"
    HEADER = "header"
    ISSUER = "issuer"
    ALGORITHM = "algorithm"
    SIGNATURE = "signature"
    CLAIMS = "claims"
    AUDIENCE = "audience"
    EXPIRED = "expired"
    EARLY = "early"
    LIFETIME = "lifetime"
    ROLE = "role"
    ROOM = "room"
    ONCE = "once"


SENTENCES: Final[dict[Why, str]] = {
    Why.MALFORMED: f"It is no JWT of three parts, or longer than {MAX_TICKET_CHARS} characters.",
    Why.HEADER: "Its header has more than alg, typ (JWT) and kid, or one of them is not as it should be.",
    Why.ISSUER: "Its `iss` is none of the ticket_issuers.",
    Why.ALGORITHM: "Its `alg` is not the algorithm of its issuer.",
    Why.SIGNATURE: "No key of its issuer has signed it.",
    Why.CLAIMS: "It needs `room`, `exp` (whole seconds) and `jti` (8 to 128 characters); one is not right.",
    Why.AUDIENCE: "Its `aud` is not this server's public_url, nor what `audience` says.",
    Why.EXPIRED: "It is too old: `exp` is past. Sign one for each page, and look at both clocks.",
    Why.EARLY: "It is not valid yet: `nbf` or `iat` is still to come. Look at both clocks.",
    Why.LIFETIME: "It lives for longer than ticket_max_s. Sign a new one for each page instead.",
    Why.ROLE: "Its `role` is not among the `roles` that its issuer may give.",
    Why.ROOM: "It is for another room, or for one that its issuer may not open.",
    Why.ONCE: "It is good for one entry, and planning takes several steps: ask for one without `once`.",
}


class Ticket(msgspec.Struct, frozen=True, kw_only=True):
    """The claims of a ticket that was found good.

    `subject` is who the issuer says it is: `person` becomes a pseudonym at the door and goes no further.
    """

    issuer: str = msgspec.field(name="iss")
    room: Annotated[str, Meta(pattern=r"\A(\*|[a-z0-9][a-z0-9._-]{0,63})\Z")]
    role: Role = "participant"
    expires_at: Annotated[int, Meta(ge=0, le=2**53 - 1)] = msgspec.field(name="exp")
    id: Annotated[str, Meta(min_length=8, max_length=128)] = msgspec.field(name="jti")
    subject: Annotated[str, Meta(min_length=1, max_length=512)] | None = msgspec.field(
        name="sub", default=None
    )
    once: bool = False

    @property
    def digest(self) -> bytes:
        """16 bytes that stand for this ticket in the list of spent ones."""
        return hashlib.sha256(b"chatd ticket\0" + self._ours(self.id).encode()).digest()[:16]

    @property
    def person(self) -> str | None:
        """Whom it stands for. Two issuers may mean two people by one word."""
        return None if self.subject is None else self._ours(self.subject)

    def _ours(self, word: str) -> str:
        return word if self.issuer == OWN else f"{self.issuer}\0{word}"

    def __repr__(self) -> str:
        return f"Ticket(role={self.role!r}, once={self.once})"

    __str__ = __repr__


class TicketRefused(Exception):
    """The ticket does not open this room now. `why` is for a person who tests; it quotes nothing."""

    def __init__(self, reason: Why) -> None:
        super().__init__(reason.value)
        self.reason = reason
        self.why = SENTENCES[reason]


class _Header(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All that a header may hold. A key, the address of one (jwk, jku, x5u), a condition (crit), an
    encoding (zip, b64) or something inside (cty) is no business of a ticket's."""

    alg: str
    typ: str = "JWT"
    kid: Annotated[str, Meta(max_length=256)] | None = None
    x5t: str | None = None  # thumbprints, which .NET adds by itself; nobody asks them
    x5t_s256: str | None = msgspec.field(name="x5t#S256", default=None)


class _Claimed(msgspec.Struct, frozen=True):
    """Who a token says has signed it: chooses whose keys it is held against, and proves nothing."""

    issuer: str = msgspec.field(name="iss")


class Signer(msgspec.Struct, frozen=True):
    """One who signs tickets: with which keys, and how far they are believed."""

    name: str
    keys: KeyFile
    audiences: tuple[str, ...]
    roles: tuple[Role, ...] = ("participant", "facilitator")
    rooms: frozenset[str] = frozenset()
    """Empty: all."""
    max_life_s: int | None = None
    plans: bool = False
    """Whether a ticket for `ANY_ROOM` is believed."""


def open_tickets(
    settings: Settings, secret: bytes, refused: Callable[[Why], None] = lambda reason: None
) -> "Tickets":
    """Tickets as `settings` want them, with every key file read. `SettingsError` names each that is no good.

    `refused` is told the reason of each refusal.
    """
    signers: list[Signer] = []
    problems: list[str] = []
    for number, one in enumerate(settings.ticket_issuers, 1):
        keys = KeyFile(settings.data / one.key, one.algorithm)
        try:
            keys.read()
        except KeyProblem as problem:
            problems.append(f"ticket_issuers: number {number}: {problem}")
        # A slash at the end of an address is the slip that everybody makes.
        audiences = (one.audience,) if one.audience else (settings.url, f"{settings.url}/")
        rooms = frozenset(one.rooms)
        signers.append(
            Signer(one.issuer, keys, audiences, one.roles, rooms, settings.ticket_max_s, one.plans)
        )
    if problems:
        raise SettingsError(problems)
    return Tickets(secret, signers, refused)


class Tickets:
    """Signs tickets of our own, and checks everybody's."""

    def __init__(
        self,
        secret: bytes,
        signers: Sequence[Signer] = (),
        refused: Callable[[Why], None] = lambda reason: None,
    ) -> None:
        key = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"chatd ticket v1").derive(secret)
        self._key = OctKey.import_key(key)
        self._claims = jwt.JWTClaimsRegistry  # named once; built per check, because time is an argument
        self._refused = refused
        self._files = [signer.keys for signer in signers]
        own = KeyFile(Path(), ALGORITHM)  # of no file: the key is derived
        own.keys = (self._key,)
        self._signers = {
            (signer.name, called): signer
            for signer in (Signer(OWN, own, (AUDIENCE,), plans=True), *signers)
            for called in NAMES[signer.keys.algorithm]
        }
        self._names = frozenset(name for name, _ in self._signers)

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
            "iss": OWN,
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
        try:
            ticket = self._check(token, now)
            if ticket.room != room or room == ANY_ROOM:
                raise TicketRefused(Why.ROOM)
        except TicketRefused as refusal:
            self._refused(refusal.reason)
            raise
        return ticket

    def read(self, token: str, now: float) -> Ticket:
        """The ticket in `token`, whatever room it is for, where it is good at `now`; else `TicketRefused`."""
        try:
            return self._check(token, now)
        except TicketRefused as refusal:
            self._refused(refusal.reason)
            raise

    def planner(self, token: str, room: str | None, now: float) -> Ticket:
        """The ticket in `token`, where who has it may plan the sessions of `room` at `now`: a facilitator's,
        for that room or for all (`ANY_ROOM`). None: of whatever room the ticket is for. `TicketRefused`."""
        try:
            ticket = self._check(token, now)
            if ticket.role != "facilitator":
                raise TicketRefused(Why.ROLE)
            if ticket.room not in (ANY_ROOM, ticket.room if room is None else room):
                raise TicketRefused(Why.ROOM)
            if ticket.once:
                raise TicketRefused(Why.ONCE)
        except TicketRefused as refusal:
            self._refused(refusal.reason)
            raise
        return ticket

    def refresh(self) -> list[tuple[int, KeyProblem | None]]:
        """Read the key files that have changed: (number of the issuer, what is wrong with its new file)."""
        news: list[tuple[int, KeyProblem | None]] = []
        for number, file in enumerate(self._files, 1):
            try:
                if file.refresh():
                    news.append((number, None))
            except KeyProblem as problem:
                news.append((number, problem))
        return news

    def _check(self, token: str, now: float) -> Ticket:
        header, signer = self._whose(token)
        claims = _verified(token, header, signer)
        try:
            self._claims(
                now=int(now),
                leeway=LEEWAY_S,
                aud={"essential": True, "values": list(signer.audiences)},
                exp={"essential": True},
            ).validate(claims)
            ticket = msgspec.convert(claims, Ticket)
        except ExpiredTokenError:
            raise TicketRefused(Why.EXPIRED) from None
        except InvalidClaimError as error:
            raise TicketRefused(_OF_CLAIM.get(error.claim, Why.CLAIMS)) from None
        except (JoseError, ValueError, TypeError):  # ValueError covers msgspec.ValidationError
            raise TicketRefused(Why.CLAIMS) from None
        if signer.max_life_s is not None and ticket.expires_at > now + signer.max_life_s + LEEWAY_S:
            raise TicketRefused(Why.LIFETIME)
        if ticket.role not in signer.roles:
            raise TicketRefused(Why.ROLE)
        allowed = signer.plans if ticket.room == ANY_ROOM else not signer.rooms or ticket.room in signer.rooms
        if not allowed:
            raise TicketRefused(Why.ROOM)
        return ticket

    def _whose(self, token: str) -> tuple[_Header, Signer]:
        """Who is to have signed `token`, which is not believed yet."""
        if len(token) > MAX_TICKET_CHARS:
            raise TicketRefused(Why.MALFORMED)
        try:
            head, body, _ = (_decoded(part) for part in token.split("."))
            claimed = msgspec.json.decode(body, type=_Claimed)
        except (ValueError, RecursionError):
            raise TicketRefused(Why.MALFORMED) from None
        try:
            header = msgspec.json.decode(head, type=_Header)
        except (ValueError, RecursionError):
            raise TicketRefused(Why.HEADER) from None
        if header.typ.upper() != "JWT":  # another sort of token by the same issuer (RFC 8725 section 3.11)
            raise TicketRefused(Why.HEADER)
        signer = self._signers.get((claimed.issuer, header.alg))
        if signer is None:
            raise TicketRefused(Why.ALGORITHM if claimed.issuer in self._names else Why.ISSUER)
        return header, signer


_OF_CLAIM: Final = {"aud": Why.AUDIENCE, "nbf": Why.EARLY, "iat": Why.EARLY}


def _decoded(part: str) -> bytes:
    """A part of a JWT: base64url without padding, and nothing else (RFC 7515 section 2)."""
    if not part.isascii() or set(part) & _NOT_BASE64URL:
        raise ValueError
    return base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True)


_NOT_BASE64URL: Final = frozenset("+/=")


def _verified(token: str, header: _Header, signer: Signer) -> dict[str, Any]:
    """The claims that a key of `signer` has signed."""
    claims = signed_claims(token, header.alg, signer.keys.for_kid(header.kid))
    if claims is None:
        raise TicketRefused(Why.SIGNATURE)
    return claims
