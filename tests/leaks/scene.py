"""A session in which everything is said that can be said, by every door, with errors and a crash on the way.

    async with Scene.begun(server, redis_url) as scene:
        await scene.plays()         from the lobby to the last word
        await scene.breaks()        what does not work, and what nobody should send
        await scene.closes()        the facilitator ends it; returns when it is erased

`people` are the canaries that may be nowhere at any time: who somebody is, and from where. `said` may be
readable nowhere but in frames to those who are in the room. `made` (handles, seats, what is kept sealed) is
to be gone after the erasure, and in no log.
"""

import itertools
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any, Final, Self, TypeAlias

import httpx

from chatd.epochs.keystores import open_kept
from chatd.settings import Settings, load_secret
from chatd.tickets import Role, Tickets
from rooms.keystore import key_name
from rooms.log import Head
from tests.chatd.hour import ROOM, planned, room_of
from tests.fixtures.servers import Server, until
from tests.leaks.canaries import WHO, Canaries
from tests.leaks.mischief import mischief
from tests.leaks.people import WAYS, BySocket, Person
from tests.leaks.places import sealed_rows

WITHIN_S: Final = 40.0
ADDRESS: Final = "198.51.100.{}"
SIXTH: Final = "2001:db8:77::{}"


async def by_ticket(scene: "Scene", who: str) -> dict[str, Any]:
    """Whom the intranet names."""
    return {"ticket": scene.ticket(subject=who)}


async def by_link(scene: "Scene", who: str) -> dict[str, Any]:
    """A link that is good for one entry, as it stands in an address's fragment."""
    return {"ticket": scene.ticket(subject=who, once=True)}


async def by_draw(scene: "Scene", who: str) -> dict[str, Any]:
    """Whoever looked at handles first, with a ticket that names nobody."""
    token = scene.ticket()
    person = BySocket(scene.server.url, scene.headers())
    drawn = await person.asks("draw", ROOM, ticket=token)
    await person.close()
    return {"ticket": token, "offer": drawn["offer"]}


Identity: TypeAlias = Callable[["Scene", str], Awaitable[dict[str, Any]]]

IDENTITIES: Final[dict[str, Identity]] = {"ticket": by_ticket, "link": by_link, "draw": by_draw}
"""How somebody shows who they are: what goes into `join`. One who comes another way is a line here."""


class Scene:
    def __init__(self, server: Server) -> None:
        self.server = server
        self.people = Canaries(WHO)
        self.said = Canaries()
        self.made = Canaries()
        for address in (ADDRESS, SIXTH):
            self.people.add("an address", address.format(""))
        self.everybody: list[Person] = []
        self.answers: list[tuple[str, bytes]] = []
        """(of what, head and body) of every answer over HTTP."""
        self.head: Head | None = None
        self._settings = Settings(data=server.data)
        self._tickets = Tickets(load_secret(self._settings))
        self._numbers = itertools.count(70)

    @classmethod
    @asynccontextmanager
    async def begun(cls, server: Server) -> AsyncIterator[Self]:
        """A session whose lobby is open, for as long as the block lasts."""
        scene = cls(server)
        store = await open_kept(scene._settings)
        try:
            series = planned((time.time() // 60 + 3) * 60, changed_at=int(time.time()), open=False, poll_k=3)
            await store.series.add(series)
            await store.catalog.add(room_of(series))
            await until(scene._in_session, "the lobby opens", within_s=WITHIN_S)
            yield scene
        finally:
            await store.close()
            for person in scene.everybody:
                await person.close()

    # ---- who comes ---------------------------------------------------------------------------------

    def headers(self) -> dict[str, str]:
        """What a proxy and a browser say about somebody, another one each time."""
        n = next(self._numbers)
        addresses = ADDRESS.format(n), SIXTH.format(n)
        return {
            "x-forwarded-for": ", ".join(addresses),
            "x-real-ip": addresses[0],
            "forwarded": f'for="[{addresses[1]}]";proto=https',
            "user-agent": self.people.name("browser"),
            "referer": f"https://intranet.example.org/{self.people.name('referrer')}",
            "cookie": f"ward={self.people.name('cookie')}",
        }

    def ticket(self, role: Role = "participant", *, subject: str | None = None, once: bool = False) -> str:
        token = self._tickets.issue(ROOM, role, expires_at=int(time.time()) + 600, subject=subject, once=once)
        self.people.add("a ticket", token.rpartition(".")[2])
        return token

    async def comes(self, way: str, proof: dict[str, Any]) -> Person:
        person = WAYS[way](self.server.url, self.headers())
        self.everybody.append(person)
        answer = await person.comes(ROOM, **proof)
        assert answer["t"] == "joined", answer
        self.made.add("a handle", person.handle)
        self.made.add("a seat", person.seat[-40:])
        return person

    # ---- what is said ------------------------------------------------------------------------------

    async def plays(self) -> None:
        leads = await self.comes(
            "ws json", {"ticket": self.ticket("facilitator", subject=self.people.name("lead"))}
        )
        others: list[Person] = []
        identities = itertools.cycle(IDENTITIES.values())
        for way, identity in zip(WAYS, identities, strict=False):
            proof = await identity(self, self.people.name(f"nurse by {way}"))
            others.append(await self.comes(way, proof))
            await others[-1].does("accept", ROOM)
        await leads.does("move", ROOM, phase="opening")
        await leads.does("move", ROOM, item=1)
        keys = (f"key-{n}" for n in itertools.count())
        posts = []
        for way, person in zip(WAYS, others, strict=True):
            posts.append(
                await person.does("post", ROOM, key=next(keys), text=self.said.word(f"said by {way}"))
            )
            await person.does("react", ROOM, seq=posts[0], kind="with_you")
            await person.does("raise_hand", ROOM)
        first, _, third, fourth = others
        await leads.does("give_floor", ROOM, key=next(keys))
        taken_back = await first.does("post", ROOM, key=next(keys), text=self.said.word("taken back"))
        await first.does("withdraw", ROOM, seq=taken_back)
        await leads.does(
            "hide", ROOM, seq=posts[1], rule="kindness", reason=self.said.word("why it is hidden")
        )
        await leads.does("announce", ROOM, key=next(keys), text=self.said.word("announced"))
        poll = await leads.does(
            "open_poll",
            ROOM,
            key=next(keys),
            question=self.said.word("asked"),
            options=[self.said.word("this"), self.said.word("that")],
        )
        for person in others:
            await person.does("vote", ROOM, poll=poll, choice=0)
        await leads.does("close_poll", ROOM, poll=poll)
        await self._private(leads, first, keys)
        await self._held(leads, third, keys)
        await leads.does("split", ROOM, key=next(keys), size=2)
        group = (await fourth.hears("session"))["you"].get("group") or await self._group(fourth)
        assert (await fourth.comes(group, seat=fourth.seat))["t"] == "joined"
        await fourth.does("post", group, key=next(keys), text=self.said.word("said in a group"))
        await leads.does("recall", ROOM)
        await leads.does("start_round", ROOM, key=next(keys), prompt=self.said.word("asked of everybody"))
        await fourth.asks("older", ROOM, before=20)
        self.head = await self._head()
        for what, kept in sealed_rows(self.server.data):
            self.made.add(what, kept)
        self.made.add("the name of a key", key_name(ROOM, self.head.epoch))

    async def _private(self, leads: Person, asks: Person, keys: Iterator[str]) -> None:
        """A private word in a line, and what the facilitators say among themselves."""
        line = asks.joined["line"]
        assert (await asks.comes(line, seat=asks.seat))["t"] == "joined"
        assert (await leads.comes(line, seat=leads.seat))["t"] == "joined"
        await asks.does("ask_word", ROOM, key=next(keys))
        await leads.does("offer_word", line, key=next(keys))
        await asks.does("answer_word", line, yes=True)
        await asks.does("post", line, key=next(keys), text=self.said.word("whispered"))
        await leads.does("post", line, key=next(keys), text=self.said.word("whispered back"))
        await asks.does("end_word", line)
        staff = leads.joined["staff"]
        assert (await leads.comes(staff, seat=leads.seat))["t"] == "joined"
        await leads.does("post", staff, key=next(keys), text=self.said.word("said among facilitators"))

    async def _held(self, leads: Person, whose: Person, keys: Iterator[str]) -> None:
        """Somebody whose posts wait, why, and what they say to that."""
        await leads.does(
            "restrict", ROOM, whose=whose.handle, limit="hold", reason=self.said.word("why it waits")
        )
        await whose.does("post", ROOM, key=next(keys), text=self.said.word("said and held"))
        held = await leads.hears("held")
        await leads.does("decide", leads.joined["staff"], seq=held["seq"], yes=True)

    async def _group(self, person: Person) -> str:
        found: list[str] = []

        async def shown() -> bool:
            answer = await person.comes(ROOM, seat=person.seat)
            found[:] = [answer["session"]["you"].get("group") or ""]
            return bool(found[0])

        await until(shown, "a group is shown", within_s=WITHIN_S)
        return found[0]

    # ---- what does not work --------------------------------------------------------------------------

    async def breaks(self) -> None:
        """What nobody should send; nothing of it comes back, and nothing of it is noted."""
        stranger = self._stranger()
        for raw in ("{ not json ", '{"t":"join","id":1,"room":"', '{"t":"post","id":2,"room":"x","who":"'):
            await stranger.send(raw + self.said.word("malformed"))
        for room, proof in ((ROOM, "seat"), ("not-there", "ticket")):
            answer = await self._stranger().comes(room, **{proof: self.people.name("forged")})
            assert answer["t"] == "error"
        leads = self.ticket("facilitator", subject=self.people.name("writer"))
        async with httpx.AsyncClient(base_url=self.server.url, trust_env=False) as client:
            for each in mischief(ROOM, self.said.word, self.people.name, leads):
                headers = {**self.headers(), **each.headers}
                answered = await client.request(each.method, each.path, headers=headers, json=each.body)
                head = "\n".join(f"{name}: {value}" for name, value in answered.headers.items())
                what = f"{each.method} {each.path[:9]} answered {answered.status_code}"
                self.answers.append((what, head.encode() + answered.content))

    def _stranger(self) -> BySocket:
        person = BySocket(self.server.url, self.headers())
        self.everybody.append(person)
        return person

    # ---- the end ---------------------------------------------------------------------------------------

    async def closes(self) -> None:
        leads = BySocket(self.server.url, self.headers())  # the one they had may have broken
        assert (await leads.comes(ROOM, seat=self.everybody[0].seat))["t"] == "joined"
        await leads.does("move", ROOM, phase="closed")
        before = self.head
        assert before is not None

        async def erased() -> bool:
            head = await self._head()
            return head.epoch != before.epoch and head.rules.session is None

        await until(erased, "the session is erased", within_s=WITHIN_S)
        for person in (leads, *self.everybody):
            await person.close()

    async def _head(self) -> Head:
        store = await open_kept(self._settings)
        try:
            return (await store.log.heads([ROOM]))[ROOM]
        finally:
            await store.close()

    async def _in_session(self) -> bool:
        store = await open_kept(self._settings)
        try:
            head = (await store.log.heads([ROOM])).get(ROOM)
        finally:
            await store.close()
        return head is not None and head.rules.session is not None
