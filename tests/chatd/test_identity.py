"""Who asks, by a ticket or by a sign-in, as everything hears it that has to know the person."""

import time

import pytest
from starlette.requests import Request

from chatd.handshake import DoorSettings
from chatd.identity import Identities, Person
from chatd.sign_in.cookies import COOKIE, SignIns
from chatd.tickets import ANY_ROOM, Tickets
from rooms.log_memory import MemoryLog
from tests.chatd.signing import CHAT, SECRET

SUBJECT = "canary-4711"


class Asked:
    """A server's identities, and requests to it."""

    def __init__(self) -> None:
        self.log = MemoryLog()
        self.tickets = Tickets(SECRET)
        self.sign_ins = SignIns(SECRET, self.log)
        own = DoorSettings(origins=frozenset({CHAT}), same_origin=False)
        self.identities = Identities(self.tickets, self.sign_ins, self.log, own)

    async def of(self, method: str = "POST", **headers: str) -> Person | None:
        raw = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
        return await self.identities.of(Request({"type": "http", "method": method, "headers": raw}))

    def ticket(self, room: str = "icu", *, subject: str | None = SUBJECT, once: bool = False) -> str:
        expires_at = int(time.time()) + 60
        return self.tickets.issue(room, "facilitator", expires_at=expires_at, subject=subject, once=once)


@pytest.fixture
def asked() -> Asked:
    return Asked()


async def test_a_ticket_names_a_person_for_its_room(asked: Asked) -> None:
    person = await asked.of(authorization=f"Bearer {asked.ticket()}")
    assert person is not None
    assert (person.subject, person.role) == (SUBJECT, "facilitator")
    assert (person.opens("icu"), person.opens("other")) == (True, False)
    planner = await asked.of(authorization=f"Bearer {asked.ticket(ANY_ROOM)}")
    assert planner is not None
    assert not planner.opens(ANY_ROOM)
    assert SUBJECT not in f"{person}{person!r}"


async def test_a_ticket_that_names_nobody_or_was_used_is_nobody(asked: Asked) -> None:
    assert await asked.of(authorization=f"Bearer {asked.ticket(subject=None)}") is None
    once = asked.ticket(once=True)
    for _ in range(2):  # to be asked who one is does not use it up
        assert await asked.of(authorization=f"Bearer {once}") is not None
    used = asked.tickets.read(once, time.time())
    await asked.log.spend(used.digest, used.expires_at)
    assert await asked.of(authorization=f"Bearer {once}") is None


async def test_a_sign_in_counts_for_this_servers_own_pages(asked: Asked) -> None:
    subject = asked.sign_ins.subject("https://login.example.org", SUBJECT)
    sealed = await asked.sign_ins.seal(subject, "participant", now=time.time(), life_s=60)
    cookie = f"{COOKIE}={sealed}"
    person = await asked.of(cookie=cookie, origin=CHAT)
    assert person is not None
    assert (person.subject, person.role, person.opens("any-room")) == (subject, "participant", True)
    assert await asked.of("GET", cookie=cookie) == person
    assert await asked.of(cookie=cookie) is None
    for origin in ("https://intranet.example.org", "null", ""):
        assert await asked.of(cookie=cookie, origin=origin) is None


async def test_a_cookie_does_not_make_up_for_a_ticket_that_is_no_good(asked: Asked) -> None:
    cookie = f"{COOKIE}={await asked.sign_ins.seal('sign-in:x', 'participant', now=time.time(), life_s=60)}"
    for given in ("Bearer nonsense", "Basic eDp5", "Bearer", ""):
        assert await asked.of(cookie=cookie, origin=CHAT, authorization=given) is None


def test_a_person_of_two_issuers_is_two_and_no_other_pair_of_names_is_the_same() -> None:
    sign_ins = SignIns(SECRET, MemoryLog())
    names = [
        ("https://a", "x"),
        ("https://b", "x"),
        ("https://a", "y"),
        ("https://ax", ""),
        ("", "https://ax"),
    ]
    subjects = {sign_ins.subject(*name) for name in names}
    assert len(subjects) == len(names)
    assert SignIns(bytes(32), MemoryLog()).subject(*names[0]) not in subjects
    assert SUBJECT not in sign_ins.subject("https://a", SUBJECT)
