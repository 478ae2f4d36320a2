"""Somebody who plays in a rehearsal: a connection, a seat, and what they are shown.

They act on the `session` frame and nothing else; what they send and see goes to the checker. Refusals that
belong to the play (who speaks out of turn is told so) are counted; any other is a fault. What they do of
themselves is in `people.py`. Touches the network through `chatd.client`.
"""

import asyncio
import hashlib
import random
import secrets
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol

from chatd.checker import Acked, Checker, Ended, Saw, Sent, Started
from chatd.checker import Refused as RefusedForGood
from chatd.client import (
    CleanStart,
    Client,
    Event,
    Recovered,
    Refused,
    Room,
    SessionNow,
    connect,
)

IN_PLAY: Final = frozenset(
    {
        "not_your_turn",
        "paused",
        "wrong_phase",
        "not_open",
        "already_voted",
        "slow_mode",
        "too_fast",
        "busy",
        "not_accepted",
        "muted",
        "not_joined",
        "too_few",
        "not_found",
        "not_a_member",
        "no_session",
        "limit_reached",
    }
)
"""What one may be refused with while the session moves on under one's hands."""
PATIENCE_S: Final = 20.0
OVER: Final = frozenset({"closed", "cancelled"})


class Clock(Protocol):
    speed: float
    """Seconds of the session in one of ours."""
    limit: float
    """Where it stops, whatever happens."""

    def __call__(self) -> float: ...
    async def sleep(self, seconds: float) -> None: ...


class Around(Protocol):
    """What a player needs of the stage."""

    url: str
    room: str
    checker: Checker
    refused: dict[str, int]
    faults: list[str]
    lines: Sequence[str]

    @property
    def clock(self) -> Clock: ...
    def ticket(self) -> str: ...
    def same(self, epoch: str, event: Event) -> None: ...


class Player(ABC):
    """Somebody with a connection and a seat in the session's room."""

    def __init__(self, around: Around, name: str) -> None:
        self.around = around
        self.name = name
        self.closed = asyncio.Event()
        self.on_phase: Callable[[str, str], None] = lambda phase, title: None
        self.head = 0
        self._client: Client | None = None
        self._room: Room | None = None
        self._seen = 0
        self._epoch = ""
        self._part: tuple[str, str] | None = None
        self._changed = asyncio.Event()
        self._random = random.Random(name)
        self._lines = self._random.sample(list(around.lines), len(around.lines))

    @property
    def room(self) -> Room:
        assert self._room is not None
        return self._room

    @property
    def now(self) -> dict[str, Any]:
        """The session as it is shown to us; nothing where there is none yet."""
        return (self._room.session if self._room is not None else None) or {}

    # ---- being there ---------------------------------------------------------------------------

    async def play(self) -> None:
        """From the lobby to the end; then stays, until cancelled."""
        async with connect(self.around.url) as client:
            self._client = client
            self._room = await self._enter(client)
            async with asyncio.TaskGroup() as group:
                group.create_task(self._listen())
                acting = group.create_task(self.act())
                await self.closed.wait()
                acting.cancel()

    async def _enter(self, client: Client) -> Room:
        """Before the lobby opens people are told to come back: so they do."""
        while True:
            try:
                return await client.join(self.around.room, ticket=self.ticket())
            except Refused as no:
                if no.code != "not_open":
                    raise
            await asyncio.sleep(0.05)

    def ticket(self) -> str | None:
        """What gets one in; anybody comes in as a participant."""
        return None

    @abstractmethod
    async def act(self) -> None:
        """What they do, of themselves."""

    async def _listen(self) -> None:
        see = self.around.checker.see
        try:
            async for item in self.room:
                match item:
                    case Event(seq=seq):
                        see(Saw(self.name, self.around.room, self._epoch, seq, mark_of(item)))
                        self.around.same(self._epoch, item)
                        self._seen = self.head = seq
                        self.heard(item)
                    case CleanStart(epoch, first, _) if not self.closed.is_set():
                        self._epoch, self._seen = epoch, first - 1
                        see(Started(self.name, self.around.room, epoch, first - 1, recovered=False))
                    case Recovered(after, _):
                        see(Started(self.name, self.around.room, self._epoch, after, recovered=True))
                    case SessionNow(now):
                        self._look(now)
                    case CleanStart():
                        pass
                    case _:
                        continue
                self._look(self.now)
        except Refused as no:
            if not self.closed.is_set():
                self.fault(f"put out of the room ({no.code})")

    def heard(self, event: Event) -> None:  # noqa: B027  whoever plays may want to know, and need not
        """An event, as it comes."""

    def _look(self, now: dict[str, Any]) -> None:
        self._changed.set()
        if not now:
            return
        part = (now["phase"], now.get("item", {}).get("title", ""))
        if part != self._part:
            self._part = part
            self.on_phase(*part)
        if now["phase"] in OVER:
            self.closed.set()

    async def saw_all(self, head: int) -> None:
        """Waits until everything up to `head` was seen."""
        try:
            async with asyncio.timeout(PATIENCE_S):
                while self._seen < head:
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            pass  # the checker says what is missing
        self.around.checker.see(Ended(self.name, self.around.room, self._epoch, head))

    # ---- doing ---------------------------------------------------------------------------------

    async def until(self, met: Callable[[], object], seconds: float = 3600.0) -> bool:
        """Waits for what is shown to be so, for so many seconds of the session; whether it is."""
        deadline = self.around.clock() + seconds
        while not met():
            if self.around.clock() >= deadline:
                return False
            self._changed.clear()
            await self.around.clock.sleep(min(2.0, seconds))
        return True

    async def do(self, command: str, room: Room | None = None, /, **fields: object) -> bool:
        """A command; whether it was done."""
        try:
            await (room or self.room).do(command, **fields)
        except Refused as no:
            self._was_refused(no)
            return False
        return True

    async def say(self, text: str, room: Room | None = None) -> bool:
        """A line in the session's room, or in one that belongs to it; whether it was taken."""
        if room is not None:
            try:
                await room.post(text)
            except Refused as no:
                self._was_refused(no)
                return False
            return True
        around, key = self.around, secrets.token_hex(8)
        around.checker.see(Sent(self.name, around.room, key, _mark(self.room.handle, text)))
        try:
            ok = await self.room.post(text, key=key)
        except Refused as no:
            around.checker.see(RefusedForGood(self.name, around.room, key))
            self._was_refused(no)
            return False
        if ok.seq is not None:
            around.checker.see(Acked(self.name, around.room, self.room.epoch or "", key, ok.seq))
        return True

    async def belonging(self, name: str) -> Room | None:
        """A seat in a room that belongs to the session's."""
        assert self._client is not None
        try:
            return await self._client.join(name, seat=self.room.seat)
        except Refused as no:
            self._was_refused(no)
            return None

    def line_of(self) -> str:
        line = self._lines.pop()
        self._lines.insert(0, line)
        return line

    def _was_refused(self, no: Refused) -> None:
        self.around.refused[no.code] = self.around.refused.get(no.code, 0) + 1
        if no.code not in IN_PLAY:
            self.fault(f"was refused: {no.code}")

    def fault(self, words: str) -> None:
        if len(self.around.faults) < 50:
            self.around.faults.append(f"{self.name} {words}")


def _mark(handle: str, text: str) -> str:
    return hashlib.blake2b(f"{handle}\0{text}".encode(), digest_size=12).hexdigest()


def mark_of(event: Event) -> str | None:
    """What stands for a post; None for everything else, and where the text is not for all."""
    return _mark(event.handle, event.text) if event.kind == "posted" and event.text else None
