"""The client of single sign-on against a provider that lies, breaks or is somebody else.

What a real provider does is in test_sign_in.py; none would do what is tried here.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from joserfc.jwk import ECKey

from chatd.settings import Settings, SettingsError
from chatd.settings_load import load
from chatd.sign_in.cookies import WAY_S, Outcome
from chatd.sign_in.flow import Answered, Arrival, Oidc, SignInFailed
from chatd.sign_in.http import Away, Fetched, fetch, is_usable
from chatd.sign_in.provider import AWAY_S, BELIEVED_S, KEYS_AGAIN_S, WELL_KNOWN, Provider
from chatd.sign_in.settings import client_secret
from chatd.sign_in.tokens import LEEWAY_S
from rooms.log_memory import MemoryLog
from tests.chatd.signing import CHAT, NOW, SECRET, Intranet, part

ISSUER, CLIENT = "https://login.example.org/realms/hospital", "chatd-at-work"
METADATA: dict[str, Any] = {
    "issuer": ISSUER,
    "authorization_endpoint": "https://login.example.org/auth?tenant=7",
    "token_endpoint": "https://login.example.org/token",
    "jwks_uri": "https://keys.example.org/jwks",
}


class Lying:
    """A provider as far as the network shows it: what it answers, and what it was asked."""

    def __init__(self, folder: Path) -> None:
        self.signer = Intranet("ES256", folder)
        self.metadata: dict[str, Any] = dict(METADATA)
        self.published: list[dict[str, Any]] = []
        """Further keys in its JWKS."""
        self.token: str | None = None
        self.status = 200
        self.away = False
        self.asked: list[tuple[str, bytes | None, dict[str, str]]] = []
        self.now = 0.0

    def get(self, url: str, *, form: bytes | None = None, headers: dict[str, str] | None = None) -> Fetched:
        self.asked.append((url, form, headers or {}))
        if self.away:
            raise Away("It does not answer.")
        if url == f"{ISSUER}{WELL_KNOWN}":
            said: object = self.metadata
        elif url == self.metadata["jwks_uri"]:
            said = {
                "keys": [ECKey.import_key(self.signer.public).as_dict() | {"use": "sig"}, *self.published]
            }
        else:
            assert url == self.metadata["token_endpoint"]
            said = {"id_token": self.token, "access_token": "thrown away", "error": "invalid_grant"}
            return Fetched(self.status, json.dumps(said).encode())
        return Fetched(200, json.dumps(said).encode())

    def count(self, of: str) -> int:
        return sum(url == self.metadata[of] for url, _, _ in self.asked)


@pytest.fixture
def lying(tmp_path: Path) -> Lying:
    return Lying(tmp_path)


@pytest.fixture
def oidc(lying: Lying, tmp_path: Path) -> Oidc:
    return client(lying, tmp_path)


def client(lying: Lying, data: Path, **more: Any) -> Oidc:
    usual: dict[str, Any] = {"oidc_issuer": ISSUER, "oidc_client_id": CLIENT, "oidc_client_secret": "s:%/"}
    settings = Settings(data=data, public_url=CHAT, **usual | more)
    provider = Provider(ISSUER, get=lying.get, clock=lambda: lying.now)
    return Oidc(settings, SECRET, MemoryLog(clock=lambda: NOW), provider)


async def begin(oidc: Oidc) -> tuple[dict[str, str], str]:
    """What the provider is asked, and the cookie."""
    address, cookie = await oidc.begin("icu", window=False, now=NOW)
    return {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}, cookie


def claims(nonce: str, /, **others: Any) -> dict[str, Any]:
    """Those of a good ID token, and `others`; None takes one away."""
    now = int(NOW)
    usual = {"iss": ISSUER, "aud": CLIENT, "sub": "s1", "iat": now, "exp": now + 300, "nonce": nonce}
    return {name: value for name, value in {**usual, **others}.items() if value is not None}


def telling(lying: Lying, **others: Any) -> Callable[[str], str]:
    """Makes the token with these claims."""
    return lambda nonce: lying.signer.signs(claims(nonce, **others))


async def finish(oidc: Oidc, lying: Lying, make: Callable[[str], str]) -> Arrival:
    """Sign in, with the token that `make` makes of the nonce."""
    asked, cookie = await begin(oidc)
    lying.token = make(asked["nonce"])
    person, way = await oidc.finish(Answered((asked["state"],), ("code",)), cookie, NOW)
    assert way.room == "icu"
    return person


async def refused(oidc: Oidc, lying: Lying, make: Callable[[str], str]) -> Outcome:
    with pytest.raises(SignInFailed) as caught:
        await finish(oidc, lying, make)
    assert "s1" not in f"{caught.value!r}{caught.value.way!r}"
    return caught.value.outcome


# ---- what is asked -----------------------------------------------------------------------------


async def test_what_the_provider_is_asked(oidc: Oidc, lying: Lying) -> None:
    """A code, with PKCE; what is random is so each time; the secret goes to one address."""
    asked, cookie = await begin(oidc)
    other, _ = await begin(oidc)
    assert (asked["tenant"], asked["response_type"], asked["scope"]) == ("7", "code", "openid")
    assert asked["redirect_uri"] == f"{CHAT}/sign-in/callback"
    assert asked["code_challenge_method"] == "S256"
    for name in ("state", "nonce", "code_challenge"):
        assert len(asked[name]) >= 43
        assert asked[name] != other[name]
    lying.token = lying.signer.signs(claims(asked["nonce"]))
    await oidc.finish(Answered((asked["state"],), ("the code",)), cookie, NOW)
    _, form, headers = next(one for one in lying.asked if one[0] == METADATA["token_endpoint"])
    sent = parse_qs((form or b"").decode())
    assert (sent["code"], sent["grant_type"]) == (["the code"], ["authorization_code"])
    assert "client_secret" not in sent
    assert headers["authorization"] == "Basic Y2hhdGQtYXQtd29yazpzJTNBJTI1JTJG"  # chatd-at-work:s%3A%25%2F


@pytest.mark.parametrize(
    ("claim", "value", "role"),
    [
        ("groups", ["nurses", "leads"], "facilitator"),
        ("groups", "leads", "facilitator"),
        ("groups", ["nurses"], "participant"),
        ("groups", [["leads"], {"leads": 1}, 7], "participant"),
        ("groups", {"leads": True}, "participant"),
        ("realm_access", {"roles": ["leads"]}, "participant"),
    ],
)
async def test_groups_make_facilitators(
    lying: Lying, tmp_path: Path, claim: str, value: object, role: str
) -> None:
    oidc = client(lying, tmp_path, oidc_facilitator_groups=("leads",))
    person = await finish(oidc, lying, telling(lying, **{claim: value}))
    assert person.role == role


async def test_groups_may_lie_deeper_or_under_a_name_with_dots(lying: Lying, tmp_path: Path) -> None:
    for claim, told in (
        ("realm_access.roles", {"realm_access": {"roles": ["leads"]}}),
        ("https://example.org/groups", {"https://example.org/groups": ["leads"]}),
    ):
        oidc = client(lying, tmp_path, oidc_facilitator_groups=("leads",), oidc_groups_claim=claim)
        person = await finish(oidc, lying, telling(lying, **told))
        assert person.role == "facilitator"


# ---- tokens ------------------------------------------------------------------------------------

LIES: list[dict[str, Any]] = [
    {"iss": "https://login.example.org"},
    {"iss": f"{ISSUER}/"},
    {"iss": None},
    {"aud": "another-client"},
    {"aud": None},
    {"aud": []},
    {"aud": [CLIENT, "another-client"]},  # for both, and not said for whom it was made
    {"aud": [CLIENT, "another-client"], "azp": "another-client"},
    {"azp": "another-client"},
    {"nonce": "of another sign-in"},
    {"nonce": None},
    {"exp": int(NOW) - LEEWAY_S},
    {"exp": None},
    {"exp": "soon"},
    {"iat": int(NOW) + LEEWAY_S + 1},
    {"iat": None},
    {"nbf": int(NOW) + LEEWAY_S + 1},
    {"sub": None},
    {"sub": ""},
    {"sub": 7},
    {"sub": "x" * 256},
]


async def test_a_token_whose_claims_are_not_right_proves_nothing(oidc: Oidc, lying: Lying) -> None:
    for lie in LIES:
        outcome = await refused(oidc, lying, telling(lying, **lie))
        assert outcome is Outcome.TOKEN, lie


async def test_clocks_may_differ_a_little(oidc: Oidc, lying: Lying) -> None:
    for truth in ({"exp": int(NOW) - LEEWAY_S + 1}, {"iat": int(NOW) + LEEWAY_S}, {"azp": CLIENT}):
        await finish(oidc, lying, telling(lying, **truth))


async def test_a_token_that_no_key_of_the_provider_has_signed_proves_nothing(
    oidc: Oidc, lying: Lying, tmp_path: Path
) -> None:
    """Foreign keys, no signature, a signature by the public key as a secret, and what is no token at all."""
    stranger = Intranet("ES256", tmp_path, "stranger")
    secret = Intranet("HS256", tmp_path, "confused")
    secret.key = lying.signer.public
    shared = Intranet("HS256", tmp_path, "shared")
    lying.published = [{"kty": "oct", "k": part(shared.key)}]  # a secret, where everybody can read it
    good = lying.signer.signs

    def unsigned(nonce: str) -> str:
        return f"{part({'alg': 'none', 'typ': 'JWT'})}.{part(claims(nonce))}."

    def changed(nonce: str) -> str:
        head, _, signature = good(claims(nonce)).split(".")
        return f"{head}.{part(claims(nonce, groups=['leads']))}.{signature}"

    attempts: list[Callable[[str], str]] = [
        lambda nonce: stranger.signs(claims(nonce)),
        lambda nonce: stranger.signs(claims(nonce), jwk=json.loads("{}")),
        lambda nonce: stranger.signs(claims(nonce), jku="https://evil.example/jwks"),
        lambda nonce: secret.signs(claims(nonce)),
        lambda nonce: shared.signs(claims(nonce)),
        lambda nonce: good(claims(nonce), alg="RS256"),
        lambda nonce: good(claims(nonce), alg="none"),
        lambda nonce: good(claims(nonce), crit=["exp"]),
        unsigned,
        changed,
        lambda nonce: good(claims(nonce)).rpartition(".")[0] + ".",
        lambda _: "",
        lambda _: "a.b.c",
        lambda _: "é" * 40,
        lambda _: "x" * 200_000,
        lambda _: part({"alg": "ES256"}) + "." + part(b"[]") + ".AA",
    ]
    for attempt in attempts:
        lying.now += KEYS_AGAIN_S
        assert await refused(oidc, lying, attempt) is Outcome.TOKEN
    # A key without a name may be any; a provider that names its keys is believed for those names alone.
    await finish(oidc, lying, lambda nonce: good(claims(nonce), kid="another"))


async def test_a_token_endpoint_that_gives_none_signs_nobody_in(oidc: Oidc, lying: Lying) -> None:
    for status, outcome in (
        (400, Outcome.CODE),
        (401, Outcome.CODE),
        (302, Outcome.CODE),
        (502, Outcome.AWAY),
    ):
        lying.status = status
        assert await refused(oidc, lying, telling(lying)) is outcome
    lying.status, lying.token = 200, None
    asked, cookie = await begin(oidc)
    with pytest.raises(SignInFailed, match="token"):
        await oidc.finish(Answered((asked["state"],), ("code",)), cookie, NOW)


async def test_the_way_has_an_end_and_is_this_servers(oidc: Oidc, lying: Lying, tmp_path: Path) -> None:
    asked, cookie = await begin(oidc)
    answered = Answered((asked["state"],), ("code",))
    lying.token = lying.signer.signs(claims(asked["nonce"], exp=int(NOW) + WAY_S))
    stranger = Oidc(
        Settings(data=tmp_path, public_url=CHAT, oidc_issuer=ISSUER, oidc_client_id=CLIENT),
        bytes(32),
        MemoryLog(clock=lambda: NOW),
        oidc.provider,
    )
    for who, shown, now in ((oidc, cookie, NOW + WAY_S), (stranger, cookie, NOW), (oidc, cookie[:-4], NOW)):
        with pytest.raises(SignInFailed, match="state"):
            await who.finish(answered, shown, now)
    await oidc.finish(answered, cookie, NOW + WAY_S - 1)
    # Once, also where a provider takes a code twice.
    with pytest.raises(SignInFailed, match="state"):
        await oidc.finish(answered, cookie, NOW + WAY_S - 1)


# ---- what it says of itself --------------------------------------------------------------------


@pytest.mark.parametrize(
    "lie",
    [
        {"issuer": "https://evil.example"},
        {"issuer": f"{ISSUER}/"},
        {"token_endpoint": "http://login.example.org/token"},
        {"token_endpoint": "http://127.0.0.1/token"},  # not for a provider elsewhere
        {"jwks_uri": "file:///etc/passwd"},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"authorization_endpoint": "https://login.example.org/auth#x"},
        {"response_types_supported": ["id_token"]},
        {"code_challenge_methods_supported": ["plain"]},
        {"jwks_uri": 7},
    ],
)
async def test_a_description_that_is_not_as_it_should_be_is_not_followed(
    oidc: Oidc, lying: Lying, lie: dict[str, Any]
) -> None:
    lying.metadata |= lie
    with pytest.raises(SignInFailed, match="away"):
        await begin(oidc)


async def test_it_is_asked_once_an_hour_and_believed_while_it_is_away(oidc: Oidc, lying: Lying) -> None:
    for _ in range(2):
        await finish(oidc, lying, telling(lying))
    described = [url for url, _, _ in lying.asked if url.endswith(WELL_KNOWN)]
    assert (len(described), lying.count("jwks_uri")) == (1, 1)
    lying.now += BELIEVED_S
    lying.away = True
    assert (await begin(oidc))[0]["state"]


async def test_who_comes_while_it_is_away_does_not_wait_for_it_again(oidc: Oidc, lying: Lying) -> None:
    lying.away = True
    for _ in range(3):
        with pytest.raises(SignInFailed, match="away"):
            await begin(oidc)
    assert len(lying.asked) == 1
    lying.away = False
    lying.now += AWAY_S
    await begin(oidc)


async def test_keys_that_were_renewed_are_found_and_nobody_makes_us_ask_too_often(
    oidc: Oidc, lying: Lying
) -> None:
    def good(nonce: str) -> str:
        return lying.signer.signs(claims(nonce))

    await finish(oidc, lying, good)
    lying.signer.new_key()
    assert await refused(oidc, lying, good) is Outcome.TOKEN
    lying.now += KEYS_AGAIN_S
    await finish(oidc, lying, good)
    for _ in range(3):
        assert await refused(oidc, lying, lambda nonce: good(nonce)[:-8]) is Outcome.TOKEN
    assert lying.count("jwks_uri") == 2


# ---- addresses, secrets, settings --------------------------------------------------------------


def test_secrets_go_where_nobody_listens() -> None:
    good = ("https://login.example.org/x", "http://127.0.0.1:8080", "http://[::1]:1/x", "http://localhost/")
    bad = (
        "http://login.example.org",
        "http://127.0.0.1.evil.example",
        "http://localhost.evil.example",
        "ftp://127.0.0.1",
        "https://user@login.example.org",
        "https://login.example.org/#x",
        "https://",
        "https://login.example.org:x",
        "https://login.example.org/\n",
        "https://" + "x" * 2000,
    )
    assert [is_usable(url) for url in good] == [True] * len(good)
    assert [is_usable(url) for url in bad] == [False] * len(bad)
    with pytest.raises(Away):
        fetch("file:///etc/passwd")
    with pytest.raises(Away, match="does not answer"):
        fetch("http://127.0.0.1:1/")


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"oidc_issuer": "http://login.example.org", "oidc_client_id": "c"}, "oidc_issuer"),
        ({"oidc_issuer": "https://login.example.org?x", "oidc_client_id": "c"}, "oidc_issuer"),
        ({"oidc_issuer": ISSUER}, "oidc_issuer"),
        ({"oidc_client_secret": "s3cr3t"}, "oidc_client_secret"),
        ({"oidc_facilitator_groups": "a,b"}, "oidc_facilitator_groups"),
        (
            {
                "oidc_issuer": ISSUER,
                "oidc_client_id": "c",
                "oidc_client_secret": "s3cr3t",
                "oidc_client_secret_file": "f",
            },
            "oidc_client_secret",
        ),
        ({"oidc_issuer": ISSUER, "oidc_client_id": "c", "oidc_scopes": "email groups"}, "oidc_scopes"),
        (
            {"oidc_issuer": ISSUER, "oidc_client_id": "c", "sign_in_url": "https://intranet.example.org/t"},
            "sign_in_url",
        ),
        (
            {"oidc_issuer": ISSUER, "oidc_client_id": "c", "public_url": "http://chat.example.org"},
            "public_url",
        ),
        ({"sign_in_s": "86400"}, "sign_in_s"),
    ],
)
def test_settings_that_do_not_fit_are_refused_by_name(given: dict[str, str], named: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load(environ={f"CHATD_{name.upper()}": value for name, value in given.items()})
    assert [problem.partition(" ")[0] for problem in caught.value.problems] == [named]
    assert "s3cr3t" not in str(caught.value)


def test_the_secret_may_lie_in_a_file(tmp_path: Path) -> None:
    settings = Settings(
        data=tmp_path, oidc_issuer=ISSUER, oidc_client_id=CLIENT, oidc_client_secret_file="oidc"
    )
    with pytest.raises(SettingsError, match="oidc_client_secret_file"):
        client_secret(settings)
    for raw, good in (
        (b"s3cr3t\n", True),
        (b"", False),
        (b"a\nb", False),
        (b"\xff", False),
        (b"x" * 5000, False),
    ):
        (tmp_path / "oidc").write_bytes(raw)
        if good:
            assert client_secret(settings) == "s3cr3t"
        else:
            with pytest.raises(SettingsError):
                client_secret(settings)
    assert "s3cr3t" not in repr(Settings(data=tmp_path, oidc_client_secret="s3cr3t"))
