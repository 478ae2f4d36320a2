"""The people of a replay: one per nickname, each with a connection of their own, and what they share.

A person does their steps in order, each line after the one before it was acked, and tells the
checker everything they sent, were acked and saw. The `Stage` is what all of them share: the
checker, the counters, and when each post was sent. Touches the network through `chatd.client`.
"""

import asyncio
import hashlib
import math
import secrets
import time
from array import array
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final, TypeAlias

from chatd.checker import Acked, Checker, Ended, Killed, Saw, Sent, Started
from chatd.checker import Refused as RefusedForGood
from chatd.client import (
    Backoff,
    ChatError,
    CleanStart,
    Client,
    Codec,
    Event,
    Lost,
    Recovered,
    Refused,
    Room,
    Transport,
    Unreachable,
    connect,
)
from chatd.client.items import PASSING
from chatd.replay.transcripts import Step
from rooms.text import MAX_CHARACTERS, normalise

ANSWER_S: Final = 60.0
"""How long a post may wait for its ack, over breaks and rate limits, before it is given up."""
SETTLE_S: Final = 20.0
"""How long, at the end, everybody has to see the room's last place."""
BACKOFF: Final = Backoff(base_s=0.2, cap_s=5.0, attempts=24)
"""Comes back quickly, as an impatient crowd would; about a minute without a server and they go."""
OPENING: Final = 32
"""Connections being opened at the same time."""
MAX_AHEAD: Final = 256
"""Steps that may wait for one person; then the clock waits for them."""
MAX_FAULTS: Final = 20

OnProgress: TypeAlias = Callable[[int, int, int], None]
"""(steps done, steps in all, deliveries so far)"""


class Stage:
    """What the people of one replay share, and what became known. `speed` inf is no pace at all."""

    def __init__(
        self,
        *,
        url: str,
        room: str,
        speed: float,
        codec: Codec,
        transports: Sequence[Transport] = ("ws",),
        steps: int,
        on_progress: OnProgress,
    ) -> None:
        self.url = url
        self.room = room
        self.codec = codec
        self.transports = transports
        self.checker = Checker()
        self.opening = asyncio.Semaphore(OPENING)
        self.base = 0
        """The room's head before anybody of ours spoke. What stands there is not ours to judge."""
        self.head = 0
        """The highest place that was acked."""
        self.quiet = asyncio.Event()
        """Everybody has said all."""
        self.over = asyncio.Event()
        """Everybody who is left may go, once they have seen the last place."""
        self.latencies = array("d")
        """Seconds from the last try of sending a post to its arrival, for each other client."""
        self.opened = self.delivered = self.empty = 0
        self.waits = self.breaks = self.live_gaps = self.live_repeats = self.unanswered = 0
        self.behind_s = 0.0
        self.faults: list[str] = []
        self._paced = not math.isinf(speed)
        self._steps = steps
        self._done = 0
        self._on_progress = on_progress
        # The script's own clock counts as one who talks, until it has told everybody everything.
        self._talking = 1
        self._sent_at: dict[int, tuple[int, float]] = {}
        # A post may reach others before its author hears the ack: what came early waits for it.
        self._early: dict[int, list[tuple[int, float]]] = {}

    def one_more_talks(self) -> None:
        self._talking += 1

    def one_has_said_all(self) -> None:
        self._talking -= 1
        if not self._talking:
            self.quiet.set()

    def begun(self, due: float) -> None:
        """A step that was due then is begun now."""
        if self._paced:
            self.behind_s = max(self.behind_s, time.perf_counter() - due)

    def finished_step(self) -> None:
        self._done += 1
        self._on_progress(self._done, self._steps, self.delivered)

    def acked(self, seq: int, who: int, sent_at: float) -> None:
        self.head = max(self.head, seq)
        self._sent_at[seq] = (who, sent_at)
        self.latencies.extend(at - sent_at for other, at in self._early.pop(seq, ()) if other != who)

    def arrived(self, seq: int, who: int) -> None:
        """A post of this replay, or one that will turn out to be, reached `who` just now."""
        now = time.perf_counter()
        sent = self._sent_at.get(seq)
        if sent is None:
            self._early.setdefault(seq, []).append((who, now))
        elif sent[0] != who:
            self.latencies.append(now - sent[1])

    def fault(self, words: str) -> None:
        if len(self.faults) < MAX_FAULTS:
            self.faults.append(words)


class Person:
    """One nickname of the log: its steps in order, over as many visits as it makes."""

    def __init__(self, stage: Stage, who: int) -> None:
        self.steps: asyncio.Queue[tuple[float, Step] | None] = asyncio.Queue(MAX_AHEAD)
        self._stage = stage
        self._who = who
        self._visit = 0
        self._epoch = ""
        self._seen = 0
        self._live_from = 0
        self._moved = asyncio.Event()
        self._talks = True

    @property
    def _name(self) -> str:
        return f"{self._who}/{self._visit}"

    async def live(self) -> None:
        """Until the script has no more for them, and then until the room's last place was seen."""
        try:
            while (next_step := await self.steps.get()) is not None:
                self._stage.finished_step()
                if next_step[1].action == "enter" and not await self._stay():
                    return
        except ChatError as error:
            self._stage.fault(
                f"a person had to stop: {type(error).__name__} {getattr(error, 'code', '')}".strip()
            )
            if self._talks:
                while await self.steps.get() is not None:
                    self._stage.finished_step()
        finally:
            self._has_said_all()

    def _has_said_all(self) -> None:
        if self._talks:
            self._talks = False
            self._stage.one_has_said_all()

    async def _stay(self) -> bool:
        """One visit, from entering to leaving. False where the script ended while they were there."""
        stage = self._stage
        self._visit += 1
        self._epoch, self._seen, self._live_from = "", 0, 0
        async with self._connection() as client:
            room = await client.join(stage.room, patience_s=ANSWER_S)
            stage.opened += 1
            listener = asyncio.create_task(self._listen(room))
            try:
                left = await self._follow_script(room)
                if left:
                    await room.leave()
                    # They may have gone before the last lines reached them: nothing is claimed.
                    stage.checker.see(Killed(self._name, stage.room))
                else:
                    await self._see_the_end(room)
            finally:
                listener.cancel()
                await asyncio.wait([listener])
                stage.live_gaps += room.gaps
                stage.live_repeats += room.repeats
                stage.breaks += client.reconnects
            if not listener.cancelled():
                listener.result()  # what the room ended with, or what is wrong with this very program
        return left

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Client]:
        """Connect, and go on trying for a while: a server may be restarted in mid-stage."""
        until = time.perf_counter() + ANSWER_S
        async with AsyncExitStack() as stack:
            client: Client | None = None
            while client is None:
                try:
                    async with self._stage.opening:
                        fresh = self._client()
                        client = await stack.enter_async_context(fresh)
                except Unreachable:
                    if time.perf_counter() > until:
                        raise
                    await asyncio.sleep(0.5)
            yield client

    def _client(self) -> Client:
        stage = self._stage
        transport = stage.transports[self._who % len(stage.transports)]
        codec = stage.codec if transport == "ws" else "json"
        return connect(stage.url, codec=codec, transport=transport, backoff=BACKOFF)

    async def _follow_script(self, room: Room) -> bool:
        """True where they leave, False where the script ends."""
        while (next_step := await self.steps.get()) is not None:
            due, step = next_step
            self._stage.begun(due)
            if step.action == "say":
                await self._say(room, step.text)
            self._stage.finished_step()
            if step.action == "leave":
                return True
        self._has_said_all()
        return False

    async def _say(self, room: Room, line: str) -> None:
        text = normalise(line)
        if not text:
            self._stage.empty += 1
        for start in range(0, len(text), MAX_CHARACTERS):
            if part := normalise(text[start : start + MAX_CHARACTERS]):
                await self._post(room, part)

    async def _post(self, room: Room, text: str) -> None:
        stage, name, key = self._stage, self._name, secrets.token_hex(8)
        stage.checker.see(Sent(name, stage.room, key, _mark(room.handle, text)))
        until = time.perf_counter() + ANSWER_S
        while (sent_at := time.perf_counter()) < until:
            try:
                async with asyncio.timeout(until - sent_at):
                    ok = await room.post(text, key=key)
            except TimeoutError:
                break
            except Refused as no:
                if no.code not in PASSING:
                    stage.checker.see(RefusedForGood(name, stage.room, key))
                    stage.fault(f"a line was refused: {no.code}")
                    return
                stage.waits += 1
                await asyncio.sleep(max(0.01, 0.5 if no.retry_after_s is None else no.retry_after_s))
            else:
                assert ok.seq is not None
                stage.checker.see(Acked(name, stage.room, room.epoch or "", key, ok.seq))
                stage.acked(ok.seq, self._who, sent_at)
                return
        stage.unanswered += 1

    async def _listen(self, room: Room) -> None:
        stage = self._stage
        async for item in room:
            match item:
                case Event(seq=seq):
                    mark = mark_of(item) if seq > stage.base else None
                    stage.checker.see(Saw(self._name, stage.room, self._epoch, seq, mark))
                    stage.delivered += 1
                    if seq > self._live_from:
                        stage.arrived(seq, self._who)
                    self._seen = seq
                case CleanStart(epoch, first, head):
                    if self._epoch:
                        stage.fault("a person had to start clean: what they missed is not known")
                    stage.checker.see(Started(self._name, stage.room, epoch, first - 1, recovered=False))
                    # What was said before they came is history, and no measure of speed.
                    self._epoch, self._seen, self._live_from = epoch, first - 1, head
                case Recovered(after, _):
                    stage.checker.see(Started(self._name, stage.room, self._epoch, after, recovered=True))
                case Lost():
                    pass  # counted by the client
                case _:
                    continue
            self._moved.set()

    async def _see_the_end(self, room: Room) -> None:
        """Wait until everybody has said all, and then for the last place of it."""
        stage = self._stage
        await stage.over.wait()
        try:
            async with asyncio.timeout(SETTLE_S):
                while self._seen < stage.head:
                    self._moved.clear()
                    await self._moved.wait()
        except TimeoutError:
            pass  # the checker will say what is missing
        stage.checker.see(Ended(self._name, stage.room, self._epoch, stage.head))


def _mark(handle: str, text: str) -> str:
    return hashlib.blake2b(f"{handle}\0{normalise(text)}".encode(), digest_size=12).hexdigest()


def mark_of(event: Event) -> str | None:
    """What stands for an event; None where its content is gone."""
    if event.gone:
        return None
    return _mark(event.handle, event.text) if event.kind == "posted" else f"{event.kind}:{event.handle}"
