"""Tickets of our own: what opens a room, and everything that must not.

Those of an intranet are in `test_tickets_of_issuers.py`.
"""

import base64
import json
from collections.abc import Mapping
from typing import Any

import pytest
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey

from chatd.tickets import LEEWAY_S, SENTENCES, TicketRefused, Tickets

SECRET = bytes(range(32))
ROOM, NOW = "icu", 1_700_000_000.0
KEY = OctKey.import_key(
    HKDF(algorithm=SHA256(), length=32, salt=None, info=b"chatd ticket v1").derive(SECRET)
)

CLAIMS: Mapping[str, Any] = {
    "iss": "chatd",
    "aud": "chatd",
    "room": ROOM,
    "role": "participant",
    "exp": int(NOW) + 60,
    "jti": "0123456789",
}


@pytest.fixture
def tickets() -> Tickets:
    return Tickets(SECRET)


def signed(claims: Mapping[str, Any], header: Mapping[str, Any] | None = None) -> str:
    """A token with our own key, whatever it says: what a bug of ours could have issued."""
    return jwt.encode({"alg": "HS256", **(header or {})}, dict(claims), KEY)


def part(value: Mapping[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def test_a_ticket_opens_its_room_for_its_time(tickets: Tickets) -> None:
    token = tickets.issue(ROOM, "facilitator", expires_at=int(NOW) + 60, subject="me", once=True)
    ticket = tickets.check(token, ROOM, NOW)
    assert (ticket.room, ticket.role, ticket.subject, ticket.once) == (ROOM, "facilitator", "me", True)
    assert ticket.expires_at == int(NOW) + 60
    assert len(ticket.digest) == 16
    with pytest.raises(TicketRefused):
        tickets.check(token, "other", NOW)
    with pytest.raises(TicketRefused):
        tickets.check(token, ROOM, NOW + 60 + LEEWAY_S + 1)
    with pytest.raises(TicketRefused):
        Tickets(bytes(32)).check(token, ROOM, NOW)


def test_every_ticket_is_spent_by_itself(tickets: Tickets) -> None:
    first, second = (tickets.issue(ROOM, "participant", expires_at=int(NOW) + 60) for _ in range(2))
    assert tickets.check(first, ROOM, NOW).digest != tickets.check(second, ROOM, NOW).digest
    assert tickets.check(first, ROOM, NOW).digest == tickets.check(first, ROOM, NOW).digest


def test_the_helper_signs_as_we_do(tickets: Tickets) -> None:
    """Or the refusals below would prove nothing."""
    assert tickets.check(signed(CLAIMS), ROOM, NOW).room == ROOM


def test_who_names_no_role_is_a_participant(tickets: Tickets) -> None:
    plain = {name: value for name, value in CLAIMS.items() if name != "role"}
    assert tickets.check(signed(plain), ROOM, NOW).role == "participant"


@pytest.mark.parametrize("missing", sorted(CLAIMS.keys() - {"role"}))
def test_every_other_claim_is_needed(tickets: Tickets, missing: str) -> None:
    with pytest.raises(TicketRefused):
        tickets.check(signed({name: value for name, value in CLAIMS.items() if name != missing}), ROOM, NOW)


@pytest.mark.parametrize(
    ("claim", "value"),
    [
        ("iss", "somebody"),
        ("aud", "elsewhere"),
        ("room", ["icu"]),
        ("role", "admin"),
        ("role", None),
        ("exp", "soon"),
        ("exp", NOW - 3600),
        ("exp", True),
        ("jti", ""),
        ("jti", 5),
        ("jti", "x" * 200),
        ("sub", 5),
        ("sub", "x" * 600),
        ("once", "yes"),
        ("nbf", int(NOW) + 3600),
    ],
)
def test_claims_that_are_not_right_are_refused(tickets: Tickets, claim: str, value: object) -> None:
    with pytest.raises(TicketRefused):
        tickets.check(signed({**CLAIMS, claim: value}), ROOM, NOW)


def test_the_algorithm_is_ours_to_choose(tickets: Tickets) -> None:
    unsigned = f"{part({'alg': 'none'})}.{part(CLAIMS)}."
    body = signed(CLAIMS).split(".")[1:]
    relabelled = ".".join([part({"alg": "none"}), *body])
    other_hash = jwt.encode({"alg": "HS512"}, dict(CLAIMS), KEY, algorithms=["HS512"])
    other_kind = jwt.encode({"alg": "ES256"}, dict(CLAIMS), ECKey.generate_key("P-256"))
    for token in (unsigned, relabelled, other_hash, other_kind):
        with pytest.raises(TicketRefused):
            tickets.check(token, ROOM, NOW)


def test_an_unknown_critical_header_is_refused(tickets: Tickets) -> None:
    good = signed(CLAIMS).split(".")
    forged = ".".join([part({"alg": "HS256", "crit": ["x"], "x": 1}), *good[1:]])
    with pytest.raises(TicketRefused):
        tickets.check(forged, ROOM, NOW)


@given(
    st.text(max_size=300) | st.text("eyJ.abc0-_", max_size=100) | st.builds("x".__mul__, st.integers(0, 9000))
)
def test_no_text_is_a_ticket_and_none_is_quoted(text: str) -> None:
    with pytest.raises(TicketRefused) as caught:
        Tickets(SECRET).check(text, ROOM, NOW)
    assert caught.value.why in SENTENCES.values()


@pytest.mark.parametrize("body", ["[]", "5", "null", '"x"', "[" * 3000])
def test_claims_that_are_no_object_are_refused(tickets: Tickets, body: str) -> None:
    from joserfc import jws

    with pytest.raises(TicketRefused):
        tickets.check(jws.serialize_compact({"alg": "HS256"}, body.encode(), KEY), ROOM, NOW)


def test_a_ticket_does_not_show_itself(tickets: Tickets) -> None:
    ticket = tickets.check(signed({**CLAIMS, "sub": "nurse@hospital.example"}), ROOM, NOW)
    for text in (repr(ticket), str(ticket)):
        assert "nurse" not in text
        assert ROOM not in text
