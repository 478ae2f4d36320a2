"""Signing in, the whole way with a real provider: who gets in, as whom, for how long, and who does not."""

import base64
import json
import logging
import re
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from structlog.testing import capture_logs

from chatd.doctor.sign_in import check_sign_in
from chatd.settings import Settings
from chatd.sign_in.cookies import COOKIE, KEEP_S, MAX_LIFE_S, Outcome
from chatd.sign_in.routes import WAY_COOKIE
from chatd.tickets import Ticket
from tests.chatd.signing import CHAT
from tests.chatd.test_app import Browser, browsing
from tests.fixtures.servers import run_chatd
from tests.fixtures.sign_in import CLIENT_SECRET, IdProvider

OWN = {"origin": CHAT}
SUBJECT = "nurses@canary-4711"
ROOM = "icu"


def settings(data: Path, provider: IdProvider, client: str = "RS256", **more: Any) -> Settings:
    """Those of a chat that trusts the provider."""
    usual: dict[str, Any] = {"oidc_facilitator_groups": ("facilitators",), **provider.settings(client)}
    return Settings(data=data, public_url=CHAT, **usual | more)


@pytest.fixture
async def chat(tmp_path: Path, id_provider: IdProvider) -> AsyncIterator[Browser]:
    """Somebody's browser, at a chat that trusts the provider."""
    async with browsing(settings(tmp_path, id_provider)) as client:
        client.base_url = httpx.URL(CHAT)
        yield client


async def begin(chat: Browser, **asked: str) -> str:
    """Press "Sign in": where the browser is sent."""
    answer = await chat.get("/sign-in", params=asked)
    assert answer.status_code == 303
    return answer.headers["location"]


async def sign_in(chat: Browser, provider: IdProvider, login: str = SUBJECT, **asked: str) -> str:
    """The whole way: where one ends up."""
    callback = await provider.visit(await begin(chat, **asked), login)
    answer = await chat.get(callback)
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


async def ticket(chat: Browser, room: str = ROOM, **headers: str) -> httpx.Response:
    return await chat.post("/api/ticket", json={"room": room}, headers=OWN | headers)


async def read(chat: Browser, room: str = ROOM) -> Ticket:
    """The ticket that the page gets."""
    answer = await ticket(chat, room)
    assert answer.status_code == 200, answer.text
    return chat.node.tickets.check(answer.json()["ticket"], room, time.time())


def outcome(location: str) -> str:
    """What the page is told that went wrong."""
    parts = urlsplit(location)
    assert parts.path == "/signed-in"
    return parse_qs(parts.fragment)["why"][0]


# ---- who gets in -------------------------------------------------------------------------------


@pytest.mark.parametrize("client", ["RS256", "ES256", "Ed25519", "public"])
async def test_the_whole_way_with_each_kind_of_client(
    tmp_path: Path, id_provider: IdProvider, client: str
) -> None:
    """Three ways to sign, three ways to say who asks: by header, in the form, and not at all."""
    async with browsing(settings(tmp_path, id_provider, client)) as chat:
        chat.base_url = httpx.URL(CHAT)
        assert await sign_in(chat, id_provider, room=ROOM) == f"/room/{ROOM}"
        assert (await chat.get("/api/sign-in")).json() == {"signed_in": True, "role": "participant"}
        found = await read(chat)
        assert (found.role, found.once) == ("participant", True)
        assert found.expires_at <= time.time() + 60
        assert chat.node.metrics.sign_ins[Outcome.SIGNED_IN].value == 1


async def test_a_group_makes_a_facilitator_and_the_lobby_is_where_one_goes(
    chat: Browser, id_provider: IdProvider
) -> None:
    assert await sign_in(chat, id_provider, "facilitators@x") == "/"
    assert (await read(chat)).role == "facilitator"


async def test_a_person_is_one_on_all_devices_and_no_two_are(
    tmp_path: Path, chat: Browser, id_provider: IdProvider
) -> None:
    people = []
    for login in (SUBJECT, SUBJECT, "nurses@another"):
        chat.cookies.clear()
        await sign_in(chat, id_provider, login)
        people.append((await read(chat)).person)
    assert people[0] == people[1] != people[2]
    # Another server, with a secret of its own, calls the same person something else.
    async with browsing(settings(tmp_path / "other", id_provider)) as other:
        other.base_url = httpx.URL(CHAT)
        await sign_in(other, id_provider)
        assert (await read(other)).person != people[0]


async def test_a_room_in_a_frame_is_handed_a_ticket_for_one_entry(
    chat: Browser, id_provider: IdProvider
) -> None:
    """The frame has no cookie: the window that signed in hands it over, in a part of the address that no
    server sees. It stays with the frame that opened it on the whole way."""
    first = await chat.get("/sign-in", params={"room": ROOM, "window": "1"})
    last = await chat.get(await id_provider.visit(first.headers["location"], SUBJECT))
    assert {first.headers["cross-origin-opener-policy"], last.headers["cross-origin-opener-policy"]} == {
        "unsafe-none"
    }
    onward = urlsplit(last.headers["location"])
    assert (onward.path, onward.query) == ("/signed-in", "")
    handed = chat.node.tickets.check(parse_qs(onward.fragment)["ticket"][0], ROOM, time.time())
    assert handed.once
    assert handed.person == (await read(chat)).person


async def test_the_pages_say_where_to_sign_in(chat: Browser) -> None:
    """The lobby and a room here; a frame that a window is opened for it."""
    assert 'data-sign-in="/sign-in?room={room}"' in (await chat.get("/")).text
    assert 'data-sign-in="/sign-in?room={room}"' in (await chat.get(f"/room/{ROOM}")).text
    framed = (await chat.get(f"/embed/{ROOM}/window")).text
    assert 'data-sign-in="/sign-in?room={room}&amp;window=1"' in framed


async def test_without_a_provider_there_is_none_of_this(tmp_path: Path) -> None:
    async with browsing(Settings(data=tmp_path)) as chat:
        for path in ("/sign-in", "/sign-in/callback", "/api/sign-in"):
            assert (await chat.get(path)).status_code == 404
        assert (await chat.post("/api/ticket", json={"room": ROOM})).status_code == 404
        assert "data-sign-in" not in (await chat.get("/")).text


# ---- the cookie --------------------------------------------------------------------------------


async def test_the_cookies_are_for_this_host_alone_and_no_script_reads_them(
    chat: Browser, id_provider: IdProvider
) -> None:
    first = await chat.get("/sign-in")
    last = await chat.get(await id_provider.visit(first.headers["location"], SUBJECT))
    set_cookies = [*first.headers.get_list("set-cookie"), *last.headers.get_list("set-cookie")]
    assert [line.partition("=")[0] for line in set_cookies] == [WAY_COOKIE, COOKIE, WAY_COOKIE]
    for line in set_cookies:
        told = {part.strip().lower() for part in line.split(";")[1:]}
        assert {"path=/", "secure", "httponly", "samesite=lax"} <= told
        assert not any(part.startswith("domain") for part in told)
    assert "max-age" not in set_cookies[1].lower()  # it goes with the browser's window
    assert "max-age=0" in set_cookies[2].lower()


async def test_nobody_reads_in_the_cookie_or_the_ticket_who_it_is(
    chat: Browser, id_provider: IdProvider
) -> None:
    await sign_in(chat, id_provider)
    cookie = chat.cookies[COOKIE]
    raw = base64.urlsafe_b64decode(cookie + "==")
    issued = (await ticket(chat)).json()["ticket"]
    claims = base64.urlsafe_b64decode(issued.split(".")[1] + "==")
    for word in ("canary-4711", "nurses"):
        assert word.encode() not in raw + claims
    chat.cookies.clear()
    await sign_in(chat, id_provider, "n@x")
    assert len(chat.cookies[COOKIE]) == len(cookie)  # nor from how long it is


async def test_a_sign_in_ends_by_itself(chat: Browser, id_provider: IdProvider) -> None:
    now = time.time()
    sign_ins = chat.node.sign_ins
    cookie = await sign_ins.seal("sign-in:x", "participant", now=now, life_s=300)
    assert await sign_ins.read(cookie, now + 299) is not None
    assert await sign_ins.read(cookie, now + 300) is None
    too_long = await sign_ins.seal("sign-in:x", "participant", now=now, life_s=MAX_LIFE_S + 2 * KEEP_S)
    assert await sign_ins.read(too_long, now) is None


async def test_who_signs_out_is_out_also_with_a_copy_of_the_cookie(
    chat: Browser, id_provider: IdProvider
) -> None:
    await sign_in(chat, id_provider)
    copy = chat.cookies[COOKIE]
    assert (await chat.post("/sign-out", headers={"origin": "https://evil.example"})).status_code == 403
    assert (await chat.post("/sign-out")).status_code == 403
    assert (await ticket(chat)).status_code == 200
    assert (await chat.post("/sign-out", headers=OWN)).status_code == 204
    assert COOKIE not in chat.cookies
    answer = await ticket(chat, cookie=f"{COOKIE}={copy}")
    assert (answer.status_code, answer.json()["code"]) == (401, "sign_in_needed")
    assert (await chat.post("/sign-out", headers=OWN)).status_code == 204  # once more does no harm
    await sign_in(chat, id_provider)
    assert (await ticket(chat)).status_code == 200


async def test_everybody_can_be_signed_out_at_once_and_sign_in_again(
    chat: Browser, id_provider: IdProvider
) -> None:
    sign_ins, now = chat.node.sign_ins, time.time()
    before = [
        await sign_ins.seal(f"sign-in:{n}", "participant", now=now - n, life_s=MAX_LIFE_S) for n in (0, 3600)
    ]
    for _ in range(3):
        await sign_ins.end_all(now)
        assert [await sign_ins.read(cookie, now) for cookie in before] == [None, None]
        before.append(await sign_ins.seal("sign-in:x", "participant", now=now, life_s=600))
        assert await sign_ins.read(before.pop(), now) is not None


async def test_the_operator_signs_everybody_out(
    tmp_path: Path, chat: Browser, id_provider: IdProvider
) -> None:
    await sign_in(chat, id_provider)
    code, _, said = await run_chatd("sign-out", "--all", "--data", str(tmp_path), cwd=tmp_path)
    assert code == 0, said
    assert (await ticket(chat)).status_code == 401
    await sign_in(chat, id_provider)
    assert (await ticket(chat)).status_code == 200


async def test_a_cookie_that_was_changed_or_is_another_servers_is_none(
    tmp_path: Path, chat: Browser, id_provider: IdProvider
) -> None:
    await sign_in(chat, id_provider)
    good = chat.cookies[COOKIE]
    raw = bytearray(base64.urlsafe_b64decode(good + "=="))
    raw[40] ^= 1
    changed = base64.urlsafe_b64encode(raw).decode().rstrip("=")
    async with browsing(settings(tmp_path / "other", id_provider)) as other:
        theirs = await other.node.sign_ins.seal("sign-in:x", "facilitator", now=time.time(), life_s=600)
    chat.cookies.clear()
    for cookie in (changed, theirs, good[:-8], "x", "é", "x" * 5000, ""):
        answer = await chat.get("/api/sign-in", headers={b"cookie": f"{COOKIE}={cookie}".encode("latin-1")})
        assert answer.json() == {"signed_in": False, "role": None}, cookie


# ---- who asks ----------------------------------------------------------------------------------


async def test_only_the_servers_own_pages_get_a_ticket_by_cookie(
    tmp_path: Path, id_provider: IdProvider
) -> None:
    """Those of a listed origin may talk to rooms; they are not to act as whoever is signed in here."""
    listed = "https://intranet.example.org"
    async with browsing(settings(tmp_path, id_provider, origins=(listed,))) as chat:
        chat.base_url = httpx.URL(CHAT)
        await sign_in(chat, id_provider)
        assert (await ticket(chat)).status_code == 200
        for origin in (listed, "https://evil.example", "null", "http://chat.example.org"):
            answer = await ticket(chat, origin=origin)
            assert answer.status_code in (401, 403), origin
            assert "access-control-allow-credentials" not in answer.headers
        bare = await chat.post("/api/ticket", json={"room": ROOM})
        assert bare.status_code == 401
        preflight = await chat.options("/api/ticket", headers={"origin": listed})
        assert preflight.status_code == 405
        form = await chat.post("/api/ticket", data={"room": ROOM}, headers=OWN)
        assert form.status_code == 415  # what a form on another page could send


async def test_a_ticket_is_not_made_into_another_one(chat: Browser, id_provider: IdProvider) -> None:
    """Or it would never end. And one that is no good is not made up for by a cookie."""
    await sign_in(chat, id_provider)
    issued = (await ticket(chat)).json()["ticket"]
    for token in (issued, "nonsense"):
        assert (await ticket(chat, authorization=f"Bearer {token}")).status_code == 401


async def test_a_wish_that_is_none_gets_nothing(chat: Browser, id_provider: IdProvider) -> None:
    await sign_in(chat, id_provider)
    headers = OWN | {"content-type": "application/json"}
    for body in (b"", b"{}", b'{"room": "../x"}', b'{"room": "*"}', b'{"room": "a", "role": "facilitator"}'):
        answer = await chat.post("/api/ticket", content=body, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (400, "bad_frame"), body


# ---- the way back ------------------------------------------------------------------------------


async def test_an_answer_counts_once(chat: Browser, id_provider: IdProvider) -> None:
    """Also where the browser still has the cookie of the way."""
    callback = await id_provider.visit(await begin(chat), SUBJECT)
    way = chat.cookies[WAY_COOKIE]
    assert (await chat.get(callback)).headers["location"] == "/"
    chat.cookies.clear()
    again = await chat.get(callback, headers={"cookie": f"{WAY_COOKIE}={way}"})
    assert outcome(again.headers["location"]) == "code"
    assert COOKIE not in chat.cookies


async def test_a_code_that_was_redeemed_is_refused_by_the_provider(
    chat: Browser, id_provider: IdProvider
) -> None:
    """A code of somebody else's sign-in, with one's own state: PKCE binds it to where it began."""
    theirs = await id_provider.visit(await begin(chat), "facilitators@x")
    chat.cookies.clear()
    mine = await id_provider.visit(await begin(chat, room=ROOM), SUBJECT)
    code = parse_qs(urlsplit(theirs).query)["code"][0]
    swapped = re.sub(r"code=[^&]+", f"code={code}", mine)
    location = (await chat.get(swapped)).headers["location"]
    assert outcome(location) == "code"
    assert parse_qs(urlsplit(location).fragment)["room"] == [ROOM]  # from where one tries again
    assert COOKIE not in chat.cookies


async def test_an_answer_belongs_to_the_browser_that_asked(chat: Browser, id_provider: IdProvider) -> None:
    """An attacker's own answer, opened in somebody else's browser, signs nobody in (login CSRF)."""
    theirs = await id_provider.visit(await begin(chat), "attacker@x")
    chat.cookies.clear()
    assert outcome((await chat.get(theirs)).headers["location"]) == "state"
    await begin(chat)
    assert outcome((await chat.get(theirs)).headers["location"]) == "state"
    assert COOKIE not in chat.cookies


async def test_an_answer_that_is_not_this_sign_ins_does_not_stop_it(
    chat: Browser, id_provider: IdProvider
) -> None:
    """One that began in another tab, before; and whatever address somebody else's page leads to."""
    first = await id_provider.visit(await begin(chat), SUBJECT)
    second = await id_provider.visit(await begin(chat, room=ROOM), SUBJECT)
    for stray in (first, "/sign-in/callback?state=made-up&code=x", "/sign-in/callback"):
        assert outcome((await chat.get(stray)).headers["location"]) == "state"
    assert (await chat.get(second)).headers["location"] == f"/room/{ROOM}"
    assert WAY_COOKIE not in chat.cookies


WRONG_ANSWERS = [
    (r"state=[^&]+", "state=%C3%A9", "state"),
    (r"(state=[^&]+)", r"\1&\1", "state"),
    (r"&?state=[^&]+", "", "state"),
    (r"iss=[^&]+", "iss=https%3A%2F%2Fevil.example", "issuer"),
    (r"&?iss=[^&]+", "", "issuer"),
    (r"(iss=[^&]+)", r"\1&\1", "issuer"),
    (r"&?code=[^&]+", "&error=access_denied", "denied"),
    (r"(code=[^&]+)", r"\1&\1", "denied"),
    (r"code=[^&]+", "code=made-up", "code"),
]
"""What is changed in a good answer, and what the page is told then."""


async def test_an_answer_that_is_not_as_it_should_be_signs_nobody_in(
    chat: Browser, id_provider: IdProvider
) -> None:
    for pattern, replacement, why in WRONG_ANSWERS:
        callback = await id_provider.visit(await begin(chat), SUBJECT)
        changed = re.sub(pattern, replacement, callback)
        assert changed != callback
        before = chat.node.metrics.sign_ins[Outcome(why)].value
        answer = await chat.get(changed)
        assert outcome(answer.headers["location"]) == why, replacement
        assert COOKIE not in chat.cookies
        assert chat.node.metrics.sign_ins[Outcome(why)].value == before + 1


async def test_one_is_sent_to_a_room_or_the_lobby_and_nowhere_else(
    chat: Browser, id_provider: IdProvider
) -> None:
    """There is no address to ask for, so none can be somebody else's."""
    for room in ("//evil.example", "https://evil.example", "../..", "icu/../../x", "icu\r\nlocation: x", ""):
        assert (await chat.get("/sign-in", params={"room": room})).status_code == 404, room
    asked = dict.fromkeys(("next", "return_to", "redirect_uri", "url"), "https://evil.example/")
    assert await sign_in(chat, id_provider, **asked) == "/"


async def test_a_provider_may_put_a_long_code_into_the_address(chat: Browser) -> None:
    """Longer than any other address here may be; and it has an end."""
    assert (await chat.get("/sign-in/callback", params={"code": "x" * 5000})).status_code == 303
    assert (await chat.get("/sign-in/callback", params={"code": "x" * 9000})).status_code == 414


async def test_a_provider_that_is_away_is_said_so(tmp_path: Path) -> None:
    gone = Settings(
        data=tmp_path,
        public_url=CHAT,
        oidc_issuer="http://127.0.0.1:1",
        oidc_client_id="RS256",
        oidc_client_secret="x",
    )
    async with browsing(gone) as chat:
        answer = await chat.get("/sign-in", params={"room": ROOM, "window": "1"})
        assert answer.headers["location"] == f"/signed-in#why=away&room={ROOM}&window=1"


def test_the_doctor_says_whether_it_answers(tmp_path: Path, id_provider: IdProvider) -> None:
    assert check_sign_in(Settings(data=tmp_path)).verdict == "ok"
    found = check_sign_in(settings(tmp_path, id_provider))
    assert (found.verdict, f"{CHAT}/sign-in/callback" in found.seen) == ("ok", True)
    for wrong, seen in (
        ({"oidc_issuer": f"{id_provider.issuer}/"}, "if only by a slash"),
        ({"oidc_issuer": f"{id_provider.issuer}/nowhere"}, "answers 404"),
        ({"oidc_issuer": "http://127.0.0.1:1"}, "does not answer"),
        ({"oidc_client_secret": None, "oidc_client_secret_file": "not-there"}, "cannot be read"),
    ):
        found = check_sign_in(settings(tmp_path, id_provider, **wrong))
        assert found.verdict == "failure"
        assert seen in found.seen
        assert CLIENT_SECRET not in f"{found}"


# ---- nobody is named ---------------------------------------------------------------------------


def everything_in(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


async def test_nothing_that_is_said_or_kept_names_anybody(
    tmp_path: Path, id_provider: IdProvider, caplog: pytest.LogCaptureFixture
) -> None:
    """What is handed to the log at all, metrics, answers and files; on the good way and on the bad ones."""
    caplog.set_level(logging.DEBUG)
    chosen = settings(tmp_path, id_provider)
    with capture_logs() as logged:
        async with browsing(chosen) as chat:
            chat.base_url = httpx.URL(CHAT)
            await sign_in(chat, id_provider)
            cookie = chat.cookies[COOKIE]
            issued = (await ticket(chat)).json()["ticket"]
            callback = await id_provider.visit(await begin(chat), SUBJECT)
            code = parse_qs(urlsplit(callback).query)["code"][0]
            made_up = re.sub(r"code=[^&]+", "code=canary-code", callback)
            answers = [await chat.get(made_up), await chat.get(callback)]
            answers.append(await chat.post("/sign-out", headers=OWN))
            answers.append(await chat.get("/metrics"))
            said = repr((chosen, await chat.node.sign_ins.read(cookie, 0), logged))
    said += "".join(answer.text + json.dumps(dict(answer.headers)) for answer in answers)
    ours = [
        record for record in caplog.records if not record.name.startswith("http")
    ]  # the test's own client
    said += "".join(record.getMessage() for record in ours)
    kept = everything_in(tmp_path)
    for secret in (SUBJECT, "canary-4711", cookie, issued, code, "canary-code", CLIENT_SECRET):
        assert secret not in said
        assert secret.encode() not in kept
    assert "sign_in_code_refused" in said
