"""Who besides this server signs tickets for its rooms: the host's intranet, as the operator has named it.

    [[ticket_issuers]]                        # chatd.toml
    issuer = "https://intranet.example.org"   # the `iss` of its tickets
    algorithm = "EdDSA"
    key = "ticket-keys/intranet.jwks"

The vocabulary, and how it is read from a setting. The key files are read in `keysets.py`.
"""

import re
from collections.abc import Sequence
from typing import Annotated, Any, Final, Literal, TypeAlias

import msgspec
from msgspec import Meta

from rooms.command import RoomName

Role: TypeAlias = Literal["participant", "facilitator"]
Algorithm: TypeAlias = Literal["EdDSA", "ES256", "RS256", "HS256"]

OWN: Final = "chatd"
"""The `iss` of tickets that this server signs itself; nobody else gets it."""
MAX_ISSUERS: Final = 32
EXAMPLE: Final = "issuer, algorithm and key"

Word: TypeAlias = Annotated[str, Meta(min_length=1, max_length=256, pattern=r"\A[!-~]+\Z")]
"""Printable ASCII without a space: a StringOrURI of RFC 7519 section 2 as people write them."""


class TicketIssuer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whose tickets are believed, and how far."""

    issuer: Word
    """The `iss` of its tickets."""
    algorithm: Algorithm
    """How its tickets are signed. What a ticket says of itself is never asked."""
    key: Annotated[str, Meta(min_length=1, max_length=4096)]
    """The file with its public keys (JWKS, JWK or PEM) or, for HS256, the shared secret. A path that
    does not begin with / is one in the data folder."""
    audience: Word | None = None
    """The `aud` of its tickets. None: this server's public URL."""
    roles: tuple[Role, ...] = ("participant",)
    """What its tickets may make of somebody."""
    rooms: Annotated[tuple[RoomName, ...], Meta(max_length=1000)] = ()
    """The rooms that its tickets may open. None named: all of them."""
    plans: bool = False
    """A facilitator's ticket of it for the room `*` plans every session (docs/facilitator.md)."""


class NotIssuers(ValueError):
    """What was set is no list of issuers. The text is a sentence about it that quotes no value."""


def read_issuers(raw: Any) -> tuple[TicketIssuer, ...]:
    """The setting, from TOML tables or from one text with a JSON list. `NotIssuers`."""
    if isinstance(raw, str):
        try:
            raw = msgspec.json.decode(raw) if raw.strip() else []
        except msgspec.DecodeError:
            raise NotIssuers(f"as one text it must be a JSON list, with {EXAMPLE} in each.") from None
    if not isinstance(raw, Sequence) or len(raw) > MAX_ISSUERS:
        raise NotIssuers(f"must be at most {MAX_ISSUERS} tables, with {EXAMPLE} in each.")
    issuers = tuple(_read_one(number, table) for number, table in enumerate(raw, 1))
    names = [(one.issuer, one.algorithm) for one in issuers]
    for number, name in enumerate(names, 1):
        if name[0] == OWN:
            raise NotIssuers(f"number {number}: {OWN} signs its own tickets; give the intranet another name.")
        if name in names[: number - 1]:
            raise NotIssuers(
                f"number {number} is there already, with this algorithm: put all its keys into one file."
            )
    return issuers


def _read_one(number: int, table: Any) -> TicketIssuer:
    try:
        return msgspec.convert(table, TicketIssuer)
    except msgspec.ValidationError as error:
        raise NotIssuers(f"number {number}: {_what(str(error))}") from None


_WANTED: Final = {
    "issuer": "`issuer` must be the `iss` of its tickets: up to 256 characters without a space.",
    "algorithm": "`algorithm` must be EdDSA, ES256, RS256 or HS256.",
    "key": "`key` must be the path of a file.",
    "audience": "`audience` must be the `aud` of its tickets: up to 256 characters without a space.",
    "roles": '`roles` must be a list of "participant" and "facilitator".',
    "rooms": "`rooms` must be a list of names of rooms.",
    "plans": "`plans` must be true or false.",
}


def _what(problem: str) -> str:
    """What is wrong with a table, in plain words. From the place alone: a reason could quote a value."""
    for name, wanted in _WANTED.items():
        if re.search(rf"\$\.{name}\b|missing required field `{name}`", problem):
            return wanted
    return f"it has {', '.join(TicketIssuer.__struct_fields__)}, and nothing else."
