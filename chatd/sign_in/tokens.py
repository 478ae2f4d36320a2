"""ID tokens: what the provider has signed about whoever comes back, and all that has to be right about it.

    signed by its key, asymmetric  ->  iss, aud, azp, exp, iat, nonce  ->  who, and in which groups

The rules of the claims (OpenID Connect Core 1.0, section 3.1.3.7) are authlib's; the signature is judged as
those of tickets are. No I/O; time is an argument.
"""

import base64
from collections.abc import Mapping
from typing import Annotated, Any, Final, cast

import msgspec
from authlib.oidc.core import CodeIDToken
from joserfc.errors import JoseError
from msgspec import Meta

from chatd.issuers import Algorithm
from chatd.keysets import NAMES
from chatd.sign_in.provider import ALGORITHMS

MAX_TOKEN_CHARS: Final = 128 * 1024
MAX_SUBJECT_CHARS: Final = 255
"""Core, section 2."""
LEEWAY_S: Final = 60
"""How far the clocks of two machines may differ."""


class NotProven(Exception):
    """The token proves nothing here."""


class Header(msgspec.Struct, frozen=True):
    """What a token says of its key. Chooses a key of the provider's, and proves nothing."""

    alg: str
    kid: Annotated[str, Meta(max_length=256)] | None = None


class Vouched(msgspec.Struct, frozen=True):
    """Whom the provider has vouched for, and the names of the groups it says they are in."""

    subject: str
    groups: frozenset[str]

    def __repr__(self) -> str:
        return "Vouched(...)"

    __str__ = __repr__


def header_of(token: str) -> tuple[Algorithm, str | None]:
    """The algorithm, one of ours, and the name of the key. `NotProven`."""
    head, dots, _ = token.partition(".")
    if len(token) > MAX_TOKEN_CHARS or not token.isascii() or not dots:
        raise NotProven
    try:
        raw = base64.b64decode(head + "=" * (-len(head) % 4), altchars=b"-_", validate=True)
        header = msgspec.json.decode(raw, type=Header)
    except (ValueError, RecursionError):
        raise NotProven from None
    for algorithm in ALGORITHMS:
        if header.alg in NAMES[algorithm]:
            return algorithm, header.kid
    raise NotProven


def vouched(
    claims: Mapping[str, Any], *, issuer: str, client_id: str, nonce: str, groups_claim: str, now: float
) -> Vouched:
    """Who the signed `claims` are about, if they were made for this client and this sign-in. `NotProven`."""
    token = CodeIDToken(
        dict(claims),
        {},
        {"iss": {"essential": True, "value": issuer}, "aud": {"essential": True, "value": client_id}},
        {"client_id": client_id, "nonce": nonce},
    )
    try:
        token.validate(now=int(now), leeway=LEEWAY_S)
    except (JoseError, ValueError, TypeError):
        raise NotProven from None
    subject = claims["sub"]
    if not isinstance(subject, str) or not 0 < len(subject) <= MAX_SUBJECT_CHARS:
        raise NotProven
    return Vouched(subject, _groups(claims, groups_claim))


def _groups(claims: Mapping[str, Any], name: str) -> frozenset[str]:
    """A text or a list of them, under this name or on this path (`realm_access.roles`); else nothing."""
    found: Any = claims.get(name)
    if found is None:
        found = claims
        for part in name.split("."):
            found = cast("dict[str, Any]", found).get(part) if isinstance(found, dict) else None
    listed = found if isinstance(found, list) else [found]
    return frozenset(each for each in listed if isinstance(each, str))
