"""The single sign-on provider as it describes itself: its addresses, and the keys it signs with.

    <issuer>/.well-known/openid-configuration      OpenID Connect Discovery 1.0, section 4
    its jwks_uri                                   again when a token names a key that is not known here

What it said is believed for an hour, and for longer where it is away meanwhile. Asked once for all who ask at
the same time. Touches the network, through `http.py`.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from chatd.issuers import Algorithm
from chatd.keysets import Key, KeyProblem, parse
from chatd.sign_in.http import Away, Fetched, fetch, is_usable

WELL_KNOWN: Final = "/.well-known/openid-configuration"
BELIEVED_S: Final = 3600.0
KEYS_AGAIN_S: Final = 30.0
"""A key that is not known is looked for so often at most: anybody can name one."""
AWAY_S: Final = 5.0
"""How long it is not asked again where it did not answer: people would wait one after the other."""
MAX_UNDER_WAY: Final = 4
"""Requests to the provider at once, each in a thread. Who comes then waits for one to end;"""
MAX_WAITING: Final = 200
"""but no more than so many."""
ALGORITHMS: Final[tuple[Algorithm, ...]] = ("EdDSA", "ES256", "RS256")
"""How ID tokens may be signed. Never by a secret: the client's may be shared, or weak."""

Address = Annotated[str, Meta(max_length=2000)]


class Metadata(msgspec.Struct, frozen=True):
    """What of the provider's description is used (section 3)."""

    issuer: str
    authorization_endpoint: Address
    token_endpoint: Address
    jwks_uri: Address
    response_types_supported: tuple[str, ...] = ("code",)
    code_challenge_methods_supported: tuple[str, ...] | None = None
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)
    authorization_response_iss_parameter_supported: bool = False


class Provider:
    """Asks the provider, and remembers. `Away` wherever it cannot be used just now."""

    def __init__(
        self,
        issuer: str,
        *,
        get: Callable[..., Fetched] = fetch,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.issuer = issuer
        self._get = get
        self._clock = clock
        self._threads = asyncio.Semaphore(MAX_UNDER_WAY)
        self._asking = asyncio.Lock()
        self._metadata: Metadata | None = None
        self._metadata_at = 0.0
        self._away_until = 0.0
        self._waiting = 0
        self._jwks = b""
        self._jwks_at = 0.0
        self._keys: dict[Algorithm, tuple[Key, ...]] = {}

    async def metadata(self) -> Metadata:
        async with self._asking:
            known = self._metadata
            if known is not None and self._clock() - self._metadata_at < BELIEVED_S:
                return known
            if known is None and self._clock() < self._away_until:
                raise Away("It did not answer a moment ago.")
            try:
                self._metadata = described(
                    await self.fetch(f"{self.issuer.rstrip('/')}{WELL_KNOWN}"), self.issuer
                )
            except Away:
                if known is None:
                    self._away_until = self._clock() + AWAY_S
                    raise
            self._metadata_at = self._clock()
            assert self._metadata is not None
            return self._metadata

    async def keys(self, algorithm: Algorithm, kid: str | None, *, again: bool = False) -> tuple[Key, ...]:
        """Those that may have signed a token with this `kid`; none where the provider has no such key.

        `again`: those that are known have not signed it.
        """
        metadata = await self.metadata()
        async with self._asking:
            age_s = self._clock() - self._jwks_at
            found = self._known(algorithm, kid)
            if not self._jwks or age_s >= BELIEVED_S or ((again or not found) and age_s >= KEYS_AGAIN_S):
                try:
                    answer = await self.fetch(metadata.jwks_uri)
                    if answer.status != 200 or not answer.body.lstrip().startswith(b"{"):
                        raise Away("It has no JWKS where its keys should be.")
                    self._jwks, self._keys = answer.body, {}
                except Away:
                    if not found:
                        raise
                self._jwks_at = self._clock()
                found = self._known(algorithm, kid)
            return found

    async def fetch(
        self, url: str, *, form: bytes | None = None, headers: dict[str, str] | None = None
    ) -> Fetched:
        """One request. `Away`."""
        if self._waiting >= MAX_WAITING:
            raise Away("So many ask it at once that it could not be asked.")
        self._waiting += 1
        try:
            async with self._threads:
                return await asyncio.to_thread(self._get, url, form=form, headers=headers)
        finally:
            self._waiting -= 1

    def _known(self, algorithm: Algorithm, kid: str | None) -> tuple[Key, ...]:
        if not self._jwks:
            return ()
        if algorithm not in self._keys:
            try:
                self._keys[algorithm] = parse(self._jwks, algorithm)
            except KeyProblem:
                self._keys[algorithm] = ()
        keys = self._keys[algorithm]
        return keys if kid is None else tuple(key for key in keys if key.kid is None or key.kid == kid)


def described(answer: Fetched, issuer: str) -> Metadata:
    """What the provider says of itself, where it is one to sign in with. `Away`, with what is wrong."""
    if answer.status != 200:
        raise Away(f"It answers {answer.status} at {WELL_KNOWN}.")
    try:
        metadata = msgspec.json.decode(answer.body, type=Metadata)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        raise Away(f"What it says at {WELL_KNOWN} is no description of a provider.") from None
    if metadata.issuer != issuer:  # section 4.3: exactly, or it speaks for somebody else
        raise Away("It calls itself by another `issuer` than `oidc_issuer`, if only by a slash.")
    loopback = issuer.startswith("http://")
    addresses = (metadata.authorization_endpoint, metadata.token_endpoint, metadata.jwks_uri)
    if not all(is_usable(address, loopback=loopback) for address in addresses):
        raise Away("It names an address that is not https.")
    if "code" not in metadata.response_types_supported:
        raise Away("It has no Authorization Code flow (`response_types_supported`).")
    methods = metadata.code_challenge_methods_supported
    if methods is not None and "S256" not in methods:
        raise Away("It has no PKCE with S256 (`code_challenge_methods_supported`).")
    return metadata
