"""An hour at the desk: a series that is planned, its people, and what the log says of it.

    hour = Hour(desk)
    await hour.plan(in_minutes=12)
    facilitator, people = await hour.gather(3)
    await hour.until("open")

Its agenda is short: five minutes of welcome, ten of talk, five of winding down, five of closing round; a
lobby of ten, and five to stay with the facilitator.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, Final

from chatd.node import Node
from rooms.catalog import RoomSpec
from rooms.events import AnyEvent
from rooms.log import Head
from rooms.series import Series
from rooms.session import Item, Phase, Session
from rooms.session_events import PhaseChanged
from tests.chatd.desk import Desk, Person
from tests.chatd.virtual_time import pass_time

ROOM: Final = "quiet-hour"
MINUTE_S: Final = 60
AGENDA: Final = (
    Item(title="Welcome", minutes=5, phase="opening"),
    Item(title="What is on your mind", minutes=10, prompt="What stays with you?"),
    Item(title="Slowly to an end", minutes=5, phase="winding_down"),
    Item(title="One word each", minutes=5, phase="closing_round"),
)
GRACE_S: Final = 5 * MINUTE_S
LASTS_S: Final = 25 * MINUTE_S
LOBBY_S: Final = 10 * MINUTE_S


def planned(starts_at: float, name: str = ROOM, changed_at: int = 0, **fields: Any) -> Series:
    """A series that meets once, at the whole minute `starts_at`; planned at `changed_at` (Unix seconds)."""
    local = datetime.fromtimestamp(starts_at, UTC).strftime("%Y-%m-%dT%H:%M")
    return Series(
        **{
            "name": name,
            "title": "The quiet hour",
            "timezone": "Etc/UTC",
            "starts": local,
            "agenda": AGENDA,
            "open": True,
            "minimum": 2,
            "changed_at": changed_at,
            **fields,
        }
    )


def room_of(series: Series) -> RoomSpec:
    return RoomSpec(
        name=series.name, title=series.title, kind="session", capacity=series.capacity, open=series.open
    )


class Hour:
    """One session of the series `ROOM`."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.starts_at = 0
        self.facilitators = 0

    async def plan(self, in_minutes: int, **fields: Any) -> Series:
        """Plan it for the first whole minute that is so far ahead."""
        self.starts_at = (int(self.desk.wall()) // MINUTE_S + 1 + in_minutes) * MINUTE_S
        series = planned(self.starts_at, changed_at=int(self.desk.wall()), **fields)
        await self.desk.series.add(series)
        await self.desk.catalog.add(room_of(series))
        return series

    async def reach(self, at: float) -> None:
        """Let time pass until `at` (Unix seconds), and what is due then happen."""
        await self.desk.passes(max(0.0, at - self.desk.wall()) + 1.1)

    async def facilitator(self, node: Node | None = None) -> Person:
        self.facilitators += 1
        ticket = self.desk.ticket("facilitator", ROOM)
        return await self.desk.comes(f"facilitator {self.facilitators}", node, ROOM, ticket=ticket)

    async def participant(self, name: str, node: Node | None = None) -> Person:
        """Somebody who has a place and has accepted the rules."""
        person = await self.desk.comes(name, node, ROOM)
        await person.asks("accept", ROOM)
        return person

    async def gather(self, people: int = 3, node: Node | None = None) -> tuple[Person, list[Person]]:
        """The lobby opens, and they all come."""
        await self.reach(self.starts_at - LOBBY_S)
        return await self.facilitator(node), [await self.participant(f"p{n}", node) for n in range(people)]

    # ---- what the log says

    async def head(self, room: str = ROOM) -> Head:
        return (await self.desk.kept.heads([room]))[room]

    async def session(self) -> Session:
        session = (await self.head()).rules.session
        assert session is not None, "there is no session"
        return session

    async def phase(self) -> Phase | None:
        session = (await self.head()).rules.session
        return None if session is None else session.phase

    async def events(self, room: str = ROOM) -> list[AnyEvent]:
        return await self.desk.kept.since(room, (await self.head(room)).epoch, 0, 10_000)

    async def phases(self) -> list[tuple[Phase, int]]:
        """(phase, seconds after the planned start) as they came."""
        return [
            (event.phase, event.since - self.starts_at)
            for event in await self.events()
            if isinstance(event, PhaseChanged)
        ]

    async def count(self, kind: type[AnyEvent], **fields: Any) -> int:
        wanted: Mapping[str, Any] = fields
        return sum(
            isinstance(event, kind) and all(getattr(event, name) == is_ for name, is_ in wanted.items())
            for event in await self.events()
        )


@asynccontextmanager
async def carried(desk: Desk) -> AsyncIterator[None]:
    """A bus that works, until the end of the block."""

    async def carry() -> None:
        while True:
            desk.network.deliver_all()
            await pass_time(0.1)

    carrier = asyncio.create_task(carry())
    try:
        yield
    finally:
        carrier.cancel()
        await asyncio.wait([carrier])
