"""Single sign-on: OpenID Connect's Authorization Code flow with PKCE, from the first step to the last.

    begin    where to send the browser, and a sealed cookie for the way: state, nonce, verifier
    finish   state -> iss (RFC 9207) -> code for an ID token -> its signature and claims -> once -> a person

Nothing is kept in between: what has to match comes back in the cookie of the browser that began, and a state
that was used stands in the log's list of what is spent. The access token is thrown away; nothing but the ID
token is asked for. What is of the protocol is authlib's (its request, its claims, PKCE); what is ours is that
no session and no client library keeps anything. Touches the network, and the list of what is spent.
"""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Sequence
from typing import Final
from urllib.parse import quote

import msgspec
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri, prepare_token_request
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from chatd import logs
from chatd.issuers import Role
from chatd.sessions.sealing import Sealed
from chatd.settings import Settings
from chatd.sign_in.cookies import CALLBACK, KEEP_S, WAY_S, Outcome
from chatd.sign_in.http import Away
from chatd.sign_in.provider import Metadata, Provider
from chatd.sign_in.settings import client_secret
from chatd.sign_in.tokens import NotProven, header_of, vouched
from chatd.signatures import signed_claims
from rooms.log import Log

MAX_CODE_CHARS: Final = 6000
CLIENT_ERRORS: Final = ("invalid_client", "invalid_grant", "invalid_request", "unauthorized_client")
"""What a token endpoint says (RFC 6749 section 5.2) and the operator's log repeats; no other word of it."""
_PLACE: Final = b"sign-in way"

_log = logs.get("sign_in")


class Way(msgspec.Struct, frozen=True):
    """A sign-in that has begun, sealed into the browser's cookie. `room`: where to go then; `window`: whether
    a room in a frame waits for the ticket. `expires_at` in Unix seconds."""

    state: str
    nonce: str
    verifier: str
    expires_at: int
    room: str | None = None
    window: bool = False

    def __repr__(self) -> str:
        return "Way(...)"

    __str__ = __repr__


class SignInFailed(Exception):
    """Nobody is signed in; `way` is how they came, where that is known."""

    def __init__(self, outcome: Outcome, way: Way | None = None) -> None:
        super().__init__(outcome.value)
        self.outcome = outcome
        self.way = way


class Answered(msgspec.Struct, frozen=True):
    """What the provider's redirect brought: all values of each parameter, because one said twice is none."""

    state: Sequence[str] = ()
    code: Sequence[str] = ()
    error: Sequence[str] = ()
    iss: Sequence[str] = ()

    def __repr__(self) -> str:
        return "Answered(...)"

    __str__ = __repr__


class Arrival(msgspec.Struct, frozen=True):
    """Who has come back: what the provider calls them, to be forgotten at once, and what they may be."""

    subject: str
    role: Role

    def __repr__(self) -> str:
        return f"Arrival(role={self.role!r})"

    __str__ = __repr__


class Oidc:
    """The client of one provider. `settings.oidc_issuer` and `oidc_client_id` are set. `SettingsError`."""

    def __init__(self, settings: Settings, secret: bytes, log: Log, provider: Provider | None = None) -> None:
        assert settings.oidc_issuer is not None
        assert settings.oidc_client_id is not None
        self._settings = settings
        self._client_id = settings.oidc_client_id
        self._client_secret = client_secret(settings)
        self._redirect_uri = f"{settings.url}{CALLBACK}"
        self._log = log
        key = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"chatd sign-in way v1").derive(secret)
        self._sealed = Sealed(key)
        self.issuer = settings.oidc_issuer
        self.provider = Provider(self.issuer) if provider is None else provider

    async def begin(self, room: str | None, *, window: bool, now: float) -> tuple[str, str]:
        """The provider's address to send the browser to, and the cookie for the way. `SignInFailed`."""
        way = Way(
            state=secrets.token_urlsafe(32),
            nonce=secrets.token_urlsafe(32),
            verifier=secrets.token_urlsafe(48),
            expires_at=int(now) + WAY_S,
            room=room,
            window=window,
        )
        metadata = await self._metadata(way)
        address = prepare_grant_uri(
            metadata.authorization_endpoint,
            client_id=self._client_id,
            response_type="code",
            redirect_uri=self._redirect_uri,
            scope=" ".join(("openid", *self._settings.oidc_scopes)),
            state=way.state,
            nonce=way.nonce,
            code_challenge=create_s256_code_challenge(way.verifier),  # type: ignore[no-untyped-call]  # its stubs lack it
            code_challenge_method="S256",
        )
        sealed = self._sealed.seal(msgspec.json.encode(way), _PLACE)
        return address, base64.urlsafe_b64encode(sealed).decode().rstrip("=")

    async def finish(self, answered: Answered, cookie: str, now: float) -> tuple[Arrival, Way]:
        """Who has come back. `SignInFailed`, `LogError`."""
        way = self._opened(cookie)
        if way is None or not now < way.expires_at:
            raise SignInFailed(Outcome.STATE)
        if len(answered.state) != 1 or not hmac.compare_digest(_ascii(answered.state[0]), way.state.encode()):
            raise SignInFailed(Outcome.STATE)  # of another browser, or another time: nothing of it is ours
        metadata = await self._metadata(way)
        required = metadata.authorization_response_iss_parameter_supported
        if (answered.iss or required) and list(answered.iss) != [self.issuer]:
            raise SignInFailed(Outcome.ISSUER, way)
        if answered.error or len(answered.code) != 1 or not 0 < len(answered.code[0]) <= MAX_CODE_CHARS:
            raise SignInFailed(Outcome.DENIED, way)
        token = await self._redeem(answered.code[0], way, metadata)
        arrival = await self._arrival(token, way, now)
        # Last: so that nobody makes this server write who has no account there.
        if not await self._log.spend(_mark(way.state), way.expires_at + KEEP_S):
            raise SignInFailed(Outcome.STATE, way)
        return arrival, way

    async def _metadata(self, way: Way) -> Metadata:
        try:
            return await self.provider.metadata()
        except Away:
            _log.warning("sign_in_provider_away")
            raise SignInFailed(Outcome.AWAY, way) from None

    async def _redeem(self, code: str, way: Way, metadata: Metadata) -> str:
        """The ID token for this code (Core, section 3.1.3)."""
        asked = {"redirect_uri": self._redirect_uri, "code": code, "code_verifier": way.verifier}
        headers: dict[str, str] = {}
        if self._client_secret is None:
            asked["client_id"] = self._client_id
        elif "client_secret_basic" in metadata.token_endpoint_auth_methods_supported:
            pair = f"{quote(self._client_id, safe='')}:{quote(self._client_secret, safe='')}"
            headers["authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"  # RFC 6749, 2.3.1
        else:
            asked |= {"client_id": self._client_id, "client_secret": self._client_secret}
        form = prepare_token_request("authorization_code", **asked).encode()
        try:
            answer = await self.provider.fetch(metadata.token_endpoint, form=form, headers=headers)
        except Away:
            _log.warning("sign_in_provider_away")
            raise SignInFailed(Outcome.AWAY, way) from None
        said = _json(answer.body)
        if answer.status != 200:
            error = said.get("error")
            _log.warning("sign_in_code_refused", code=error if error in CLIENT_ERRORS else "other")
            raise SignInFailed(Outcome.AWAY if answer.status >= 500 else Outcome.CODE, way)
        token = said.get("id_token")
        if not isinstance(token, str):
            raise SignInFailed(Outcome.TOKEN, way)
        return token

    async def _arrival(self, token: str, way: Way, now: float) -> Arrival:
        try:
            algorithm, kid = header_of(token)
            claims = signed_claims(token, algorithm, await self.provider.keys(algorithm, kid))
            if claims is None:  # its keys may be others by now
                keys = await self.provider.keys(algorithm, kid, again=True)
                claims = signed_claims(token, algorithm, keys)
            if claims is None:
                raise NotProven
            found = vouched(
                claims,
                issuer=self.issuer,
                client_id=self._client_id,
                nonce=way.nonce,
                groups_claim=self._settings.oidc_groups_claim,
                now=now,
            )
        except NotProven:
            _log.warning("sign_in_token_refused")
            raise SignInFailed(Outcome.TOKEN, way) from None
        except Away:
            _log.warning("sign_in_provider_away")
            raise SignInFailed(Outcome.AWAY, way) from None
        facilitates = not found.groups.isdisjoint(self._settings.oidc_facilitator_groups)
        return Arrival(found.subject, "facilitator" if facilitates else "participant")

    def _opened(self, cookie: str) -> Way | None:
        try:
            raw = base64.b64decode(cookie + "=" * (-len(cookie) % 4), altchars=b"-_", validate=True)
            words = self._sealed.open(raw, _PLACE)
            return None if words is None else msgspec.json.decode(words, type=Way)
        except (ValueError, RecursionError):
            return None


def _json(body: bytes) -> dict[str, object]:
    try:
        return msgspec.json.decode(body, type=dict[str, object])
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return {}


def _mark(state: str) -> bytes:
    """16 bytes that stand for a state, in the list of what is spent."""
    return hashlib.sha256(b"chatd sign-in state\0" + state.encode()).digest()[:16]


def _ascii(text: str) -> bytes:
    """`compare_digest` takes no other text; what is not ASCII is no state of ours."""
    return text.encode("ascii", "replace")
