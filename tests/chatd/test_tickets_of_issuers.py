"""Tickets that an intranet signs: what opens a room, and every attack that must not."""

import base64
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from chatd.issuers import Algorithm
from chatd.tickets import LEEWAY_S, MAX_TICKET_CHARS, TicketRefused, Tickets, Why, open_tickets
from tests.chatd.signing import CHAT, NAME, NOW, ROOM, SECRET, Intranet, claims, part, settings

ALGORITHMS: tuple[Algorithm, ...] = ("EdDSA", "ES256", "RS256", "HS256")


def refused(tickets: Tickets, token: str, room: str = ROOM, now: float = NOW) -> Why:
    """Why the token opens nothing."""
    with pytest.raises(TicketRefused) as caught:
        tickets.check(token, room, now)
    return caught.value.reason


@pytest.fixture
def intranet(tmp_path: Path) -> Intranet:
    return Intranet("EdDSA", tmp_path)


@pytest.fixture
def tickets(intranet: Intranet) -> Tickets:
    return intranet.trusted()


@pytest.fixture(params=ALGORITHMS)
def each(request: pytest.FixtureRequest, tmp_path: Path) -> Intranet:
    """One intranet for each algorithm."""
    return Intranet(request.param, tmp_path)


# ---- what opens a room -------------------------------------------------------------------------


def test_a_ticket_of_each_algorithm_opens_its_room(each: Intranet) -> None:
    ticket = each.trusted().check(each.signs(claims(once=True)), ROOM, NOW)
    assert (ticket.room, ticket.role, ticket.once) == (ROOM, "participant", True)
    assert ticket.expires_at == NOW + 300


def test_the_name_that_rfc_9864_gives_to_eddsa_is_good_as_well(intranet: Intranet) -> None:
    intranet.trusted().check(intranet.signs(claims(), alg="Ed25519"), ROOM, NOW)


@pytest.mark.parametrize(
    "header", [{"typ": None}, {"typ": "jwt"}, {"kid": "any"}, {"x5t": "abc", "kid": "A"}]
)
def test_a_header_may_say_what_means_nothing_here(
    tickets: Tickets, intranet: Intranet, header: dict[str, Any]
) -> None:
    """The key in the file has no name, so whatever the token calls it may be it."""
    assert tickets.check(intranet.signs(claims(), **header), ROOM, NOW).room == ROOM


@pytest.mark.parametrize("audience", [CHAT, f"{CHAT}/", [CHAT], ["https://else.example", CHAT]])
def test_the_audience_is_the_public_url(tickets: Tickets, intranet: Intranet, audience: object) -> None:
    assert tickets.check(intranet.signs(claims(aud=audience)), ROOM, NOW).room == ROOM


def test_an_audience_that_was_set_takes_its_place(intranet: Intranet) -> None:
    tickets = intranet.trusted(audience="chat")
    assert tickets.check(intranet.signs(claims(aud="chat")), ROOM, NOW).room == ROOM
    assert refused(tickets, intranet.signs(claims())) is Why.AUDIENCE


def test_our_own_tickets_are_good_beside_them(tickets: Tickets) -> None:
    own = tickets.issue(ROOM, "facilitator", expires_at=int(NOW) + 30 * 24 * 3600, once=True)
    assert tickets.check(own, ROOM, NOW).role == "facilitator"


# ---- algorithms and keys -----------------------------------------------------------------------


def test_none_is_no_algorithm(tickets: Tickets, intranet: Intranet) -> None:
    good = intranet.signs(claims()).split(".")
    for name in ("none", "None", "NONE", ""):
        for signature in ("", good[2]):
            token = f"{part({'alg': name, 'typ': 'JWT'})}.{good[1]}.{signature}"
            assert refused(tickets, token) is Why.ALGORITHM


@pytest.mark.parametrize("algorithm", ["EdDSA", "ES256", "RS256"])
def test_the_public_key_is_no_secret(algorithm: Algorithm, tmp_path: Path) -> None:
    """HS/RS confusion: a token with an HMAC under what everybody knows (RFC 8725 section 2.1)."""
    intranet = Intranet(algorithm, tmp_path)
    tickets = intranet.trusted()
    forger = Intranet("HS256", tmp_path)
    for secret in (intranet.public, intranet.public.strip(), intranet.public.replace(b"\n", b"")):
        forger.key = secret
        assert refused(tickets, forger.signs(claims())) is Why.ALGORITHM
        assert refused(tickets, forger.signs(claims(), alg=algorithm)) is Why.SIGNATURE


def test_no_algorithm_stands_for_another(each: Intranet, tmp_path: Path) -> None:
    others = [Intranet(name, tmp_path, "other") for name in ALGORITHMS if name != each.algorithm]
    tickets = each.trusted()
    for other in others:
        assert refused(tickets, other.signs(claims())) is Why.ALGORITHM
        assert refused(tickets, other.signs(claims(), alg=each.algorithm)) is Why.SIGNATURE
    for name in ("HS384", "RS512", "PS256", "ES384", "ES512", "Ed448", "dir", "RSA-OAEP"):
        assert refused(tickets, each.signs(claims(), alg=name)) is Why.ALGORITHM


def test_only_the_issuers_own_key_signs_for_it(each: Intranet, tmp_path: Path) -> None:
    stranger = Intranet(each.algorithm, tmp_path, "stranger")
    assert refused(each.trusted(), stranger.signs(claims())) is Why.SIGNATURE


def test_one_issuer_cannot_speak_for_another(tmp_path: Path) -> None:
    """Nor for this server, whose name is not to be had."""
    ours, theirs = Intranet("EdDSA", tmp_path, "ours"), Intranet("EdDSA", tmp_path, "theirs")
    tickets = open_tickets(settings(ours.issuer(), theirs.issuer(issuer="https://else.example")), SECRET)
    assert tickets.check(theirs.signs(claims(iss="https://else.example")), ROOM, NOW).room == ROOM
    assert refused(tickets, theirs.signs(claims())) is Why.SIGNATURE
    assert refused(tickets, theirs.signs(claims(iss="chatd", aud="chatd"))) is Why.ALGORITHM
    assert refused(tickets, theirs.signs(claims(iss="https://ELSE.example"))) is Why.ISSUER
    for nobody in ("", "nobody", ["https://else.example"], 5):
        assert refused(tickets, theirs.signs(claims(iss=nobody))) in (Why.ISSUER, Why.MALFORMED)


def test_one_person_of_two_issuers_is_two(tmp_path: Path) -> None:
    """Or an intranet takes the seats of another's people, and uses up their tickets."""
    ours, theirs = Intranet("EdDSA", tmp_path, "ours"), Intranet("ES256", tmp_path, "theirs")
    tickets = open_tickets(settings(ours.issuer(), theirs.issuer(issuer="b")), SECRET)
    one = tickets.check(ours.signs(claims()), ROOM, NOW)
    two = tickets.check(theirs.signs(claims(iss="b")), ROOM, NOW)
    own = tickets.check(tickets.issue(ROOM, "participant", expires_at=int(NOW) + 60, subject="s1"), ROOM, NOW)
    assert len({one.person, two.person, own.person}) == 3
    assert one.digest != two.digest
    assert tickets.check(ours.signs(claims(sub=None)), ROOM, NOW).person is None


@pytest.mark.parametrize(
    "header",
    [
        {"jku": "https://evil.example/keys"},
        {"x5u": "https://evil.example/cert"},
        {"jwk": {"kty": "OKP", "crv": "Ed25519", "x": "AAAA"}},
        {"x5c": ["AAAA"]},
        {"crit": ["exp"], "exp": 1},
        {"crit": ["alg"]},
        {"crit": []},
        {"b64": False, "crit": ["b64"]},
        {"zip": "DEF"},
        {"cty": "JWT"},
        {"enc": "A256GCM"},
        {"typ": "at+jwt"},
        {"typ": "logout+jwt"},
        {"typ": 5},
        {"kid": 5},
        {"kid": ["a"]},
        {"kid": "x" * 300},
        {"alg": None},
        {"alg": ["EdDSA"]},
    ],
    ids=str,
)
def test_a_header_asks_for_nothing(tickets: Tickets, intranet: Intranet, header: dict[str, Any]) -> None:
    """Properly signed, and refused all the same: no key is fetched, taken along or described."""
    assert refused(tickets, intranet.signs(claims(), **header)) is Why.HEADER


def test_a_key_that_the_header_brings_along_is_not_used(tickets: Tickets, tmp_path: Path) -> None:
    forger = Intranet("EdDSA", tmp_path, "forger")
    x = part(forger.key.public_key().public_bytes_raw())
    jwk = {"kty": "OKP", "crv": "Ed25519", "x": x}
    assert refused(tickets, forger.signs(claims(), jwk=jwk)) is Why.HEADER


def test_a_kid_chooses_among_the_issuers_keys_and_opens_no_file(tmp_path: Path) -> None:
    keys = [Intranet("EdDSA", tmp_path, name) for name in ("old", "new")]
    stranger = Intranet("EdDSA", tmp_path, "stranger")
    jwks = [
        {
            "kty": "OKP",
            "crv": "Ed25519",
            "kid": one.file.stem,
            "x": part(one.key.public_key().public_bytes_raw()),
        }
        for one in keys
    ]
    keys[0].file.write_text(json.dumps({"keys": jwks}))
    tickets = keys[0].trusted()
    for one in keys:
        assert tickets.check(one.signs(claims(), kid=one.file.stem), ROOM, NOW).room == ROOM
        assert tickets.check(one.signs(claims()), ROOM, NOW).room == ROOM
    assert refused(tickets, keys[0].signs(claims(), kid="new")) is Why.SIGNATURE
    for kid in (
        str(stranger.file),
        f"../{stranger.file.name}",
        "/dev/null",
        "' OR 1=1 --",
        "https://evil.example/k",
        "",
        "old\0",
    ):
        assert refused(tickets, stranger.signs(claims(), kid=kid)) is Why.SIGNATURE


# ---- claims ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"aud": None}, Why.CLAIMS),
        ({"aud": "https://else.example"}, Why.AUDIENCE),
        ({"aud": "chatd"}, Why.AUDIENCE),
        ({"aud": [f"{CHAT}.evil.example"]}, Why.AUDIENCE),
        ({"aud": {"a": CHAT}}, Why.AUDIENCE),
        ({"exp": None}, Why.CLAIMS),
        ({"exp": int(NOW) - 3600}, Why.EXPIRED),
        ({"exp": int(NOW) - LEEWAY_S}, Why.EXPIRED),
        ({"exp": str(int(NOW) + 60)}, Why.CLAIMS),
        ({"exp": NOW + 60.5}, Why.CLAIMS),
        ({"exp": 10**30}, Why.CLAIMS),
        ({"exp": int(NOW) + 900 + LEEWAY_S + 1}, Why.LIFETIME),
        ({"exp": 2**40}, Why.LIFETIME),
        ({"nbf": int(NOW) + 3600}, Why.EARLY),
        ({"iat": int(NOW) + 3600}, Why.EARLY),
        ({"nbf": "now"}, Why.EARLY),
        ({"jti": None}, Why.CLAIMS),
        ({"jti": "short"}, Why.CLAIMS),
        ({"jti": 12345678}, Why.CLAIMS),
        ({"sub": ""}, Why.CLAIMS),
        ({"sub": 7}, Why.CLAIMS),
        ({"sub": "x" * 513}, Why.CLAIMS),
        ({"room": None}, Why.CLAIMS),
        ({"room": [ROOM]}, Why.CLAIMS),
        ({"room": "*"}, Why.ROOM),
        ({"room": "other"}, Why.ROOM),
        ({"role": "admin"}, Why.CLAIMS),
        ({"role": "facilitator"}, Why.ROLE),
        ({"once": "yes"}, Why.CLAIMS),
    ],
    ids=str,
)
def test_claims_that_are_not_right(
    tickets: Tickets, intranet: Intranet, wrong: Mapping[str, Any], reason: Why
) -> None:
    assert refused(tickets, intranet.signs({**claims(**wrong)})) is reason


def test_the_longest_life_is_a_setting_and_clocks_may_differ(intranet: Intranet) -> None:
    tickets = open_tickets(settings(intranet.issuer(), ticket_max_s=60), SECRET)
    now = int(NOW)
    for good in (
        {"exp": now + 60 + LEEWAY_S},
        {"exp": now - LEEWAY_S + 1},
        {"exp": now + 60, "nbf": now + LEEWAY_S, "iat": now + LEEWAY_S},
    ):
        assert tickets.check(intranet.signs(claims(**good)), ROOM, NOW).expires_at == good["exp"]
    assert refused(tickets, intranet.signs(claims(exp=now + 61 + LEEWAY_S))) is Why.LIFETIME


def test_roles_and_rooms_are_what_the_operator_allows(intranet: Intranet) -> None:
    tickets = intranet.trusted(roles=("facilitator",), rooms=("icu", "tea"))
    assert tickets.check(intranet.signs(claims(role="facilitator")), ROOM, NOW).role == "facilitator"
    assert refused(tickets, intranet.signs(claims())) is Why.ROLE
    elsewhere = intranet.signs(claims(role="facilitator", room="staff"))
    assert refused(tickets, elsewhere, room="staff") is Why.ROOM


# ---- what is no ticket at all ------------------------------------------------------------------


def test_a_token_in_a_token_is_refused(tickets: Tickets, intranet: Intranet) -> None:
    inner = intranet.signs(claims())
    for token in (intranet.signs(inner.encode(), cty="JWT"), intranet.signs(inner.encode())):
        assert refused(tickets, token) in (Why.HEADER, Why.MALFORMED)


def test_an_encrypted_token_is_refused(tickets: Tickets) -> None:
    head = part({"alg": "dir", "enc": "A256GCM"})
    assert refused(tickets, f"{head}..AAAAAAAAAAAAAAAA.AAAA.AAAAAAAAAAAAAAAAAAAAAA") is Why.MALFORMED


def test_a_huge_token_is_refused_before_anything_is_read_of_it(tickets: Tickets, intranet: Intranet) -> None:
    large = intranet.signs(claims(extra="x" * MAX_TICKET_CHARS))
    assert refused(tickets, large) is Why.MALFORMED
    assert refused(tickets, "." * 1_000_000) is Why.MALFORMED


@pytest.mark.parametrize(
    "body",
    [b"[]", b"5", b'"x"', b"null", b"", b"{", b"\xff\xfe", b"[" * 2000, b'{"a":' * 500, b'{"iss":NaN}'],
)
def test_claims_that_are_no_object(tickets: Tickets, intranet: Intranet, body: bytes) -> None:
    assert refused(tickets, intranet.signs(body)) is Why.MALFORMED


def test_base64_that_is_not_as_it_should_be(tickets: Tickets, intranet: Intranet) -> None:
    """One token, one spelling: padding, the other alphabet, line ends and spaces are none of it."""
    head, body, signature = intranet.signs(claims()).split(".")
    padded = base64.urlsafe_b64encode(base64.urlsafe_b64decode(body + "==")).decode()
    for token in (
        f"{head}.{body}.{signature}==",
        f"{head}.{body}.{signature}\n",
        f" {head}.{body}.{signature}",
        f"{head}.{body}!.{signature}",
        f"{head}.{body}.{signature}é",
        f"{head}.{padded}.{signature}" if "=" in padded else f"{head}.{body}=.{signature}",
        f"{head}.{body}",
        f"{head}.{body}.{signature}.",
        f"{head}.{body}.{signature}.{signature}",
        "..",
        "",
    ):
        assert refused(tickets, token) is Why.MALFORMED


def test_a_signature_that_was_changed_or_cut(each: Intranet) -> None:
    tickets = each.trusted()
    head, body, _ = each.signs(claims()).split(".")
    signature = each.signature(f"{head}.{body}".encode())
    for wrong in (b"", signature[:-1], signature + b"\0", signature[::-1], bytes(len(signature))):
        assert refused(tickets, f"{head}.{body}.{part(wrong)}") is Why.SIGNATURE
    other = part({**claims(), "room": "other"})
    assert refused(tickets, f"{head}.{other}.{part(signature)}", room="other") is Why.SIGNATURE


def test_an_ecdsa_signature_of_zeros_is_none(tmp_path: Path) -> None:
    """CVE-2022-21449: r = s = 0 is a signature of everything, where nobody looks."""
    intranet = Intranet("ES256", tmp_path)
    head, body, _ = intranet.signs(claims()).split(".")
    n = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    for r, s in ((0, 0), (n, n), (1, 0)):
        forged = part(r.to_bytes(32) + s.to_bytes(32))
        assert refused(intranet.trusted(), f"{head}.{body}.{forged}") is Why.SIGNATURE


@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_nothing_but_the_whole_token_opens(tickets: Tickets, intranet: Intranet, data: st.DataObject) -> None:
    """Any one character of a good token changed, taken out or put in: refused, and nothing else happens."""
    good = intranet.signs(claims())
    at = data.draw(st.integers(0, len(good) - 1))
    put = data.draw(st.sampled_from(["", "A", "_", ".", "=", "é", "\0"]))
    changed = good[:at] + put + good[at + 1 :]
    if changed.split(".")[:2] == good.split(".")[:2] and part_bytes(changed) == part_bytes(good):
        return  # the last character of base64 holds bits that mean nothing
    refused(tickets, changed)


def part_bytes(token: str) -> bytes | None:
    """The signature in a token, where it can be read."""
    last = token.split(".")[2] if token.count(".") == 2 else "!"
    try:
        return base64.b64decode(last + "=" * (-len(last) % 4), altchars=b"-_", validate=True)
    except ValueError:
        return None


# ---- what is told ------------------------------------------------------------------------------


def test_each_refusal_is_counted_by_its_reason_alone(intranet: Intranet) -> None:
    counted: list[Why] = []
    tickets = open_tickets(settings(intranet.issuer()), SECRET, counted.append)
    attempts: list[tuple[Callable[[], str], Why]] = [
        (lambda: "no ticket", Why.MALFORMED),
        (lambda: intranet.signs(claims(iss="nobody")), Why.ISSUER),
        (lambda: intranet.signs(claims(exp=1)), Why.EXPIRED),
    ]
    for token, why in attempts:
        assert refused(tickets, token()) is why
    tickets.check(intranet.signs(claims()), ROOM, NOW)
    assert counted == [why for _, why in attempts]


def test_a_refusal_quotes_nothing(tickets: Tickets, intranet: Intranet) -> None:
    who = "nurse.jane@hospital.example"
    token = intranet.signs(claims(sub=who, role="admin"))
    with pytest.raises(TicketRefused) as caught:
        tickets.check(token, ROOM, NOW)
    error: BaseException | None = caught.value
    assert error is not None
    assert error.__suppress_context__
    for text in (str(error), repr(error), caught.value.why):
        assert who not in text
        assert NAME not in text
