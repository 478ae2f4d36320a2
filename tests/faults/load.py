"""People who talk all the time, and a judge: what a fault test breaks something under.

    async with talking(server.url, rooms=("icu", "er"), people=6) as load:
        await load.goes_on(5)              # everybody was acked five more posts
        ...                                # break something
        await load.goes_on(5)
        await load.ends_well()             # all say their last; then the checker decides

Everybody is a `chatd.client` with a connection of their own. What they send, are acked and see goes into
the checker's records; what they are shown of each other's coming and going is kept beside it.
Touches the network only.
"""

import asyncio
import itertools
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Final, TypeAlias

from chatd.checker import Acked, Checker, Ended, Kept, Saw, Sent, Started, Verdict
from chatd.client import (
    Backoff,
    CleanStart,
    Client,
    Codec,
    Event,
    Lost,
    Presence,
    Recovered,
    Room,
    Transport,
    connect,
)
from chatd.replay.people import mark_of
from tests.faults.guests import peers
from tests.faults.promises import PATIENCE_S
from tests.fixtures.servers import Server, until

PAUSE_S: Final = 0.1
"""Between a talker's ack and their next post."""
Way: TypeAlias = tuple[Codec, Transport]
SOCKETS: Final[Sequence[Way]] = (("json", "ws"), ("msgpack", "ws"))
ALL_WAYS: Final[Sequence[Way]] = (*SOCKETS, ("json", "sse"), ("json", "poll"))
"""How people are connected, dealt out in turn."""
BACKOFF: Final = Backoff(base_s=0.1, cap_s=1.0)


class Talker:
    """One person in one room. `left`, `joined`: whom they were shown to come and to go, in order."""

    def __init__(self, load: "Load", name: str, room: str, way: Way, *, speaks: bool) -> None:
        self.name = name
        self.room_name = room
        self.speaks = speaks
        self.acked = 0
        self.handles: list[str] = []
        """As given with each seat; always the same one, where all is well."""
        self.broke: list[int] = []
        """The close code of each connection that broke."""
        self.back_at: list[float] = []
        """When each break was mended (loop time)."""
        self.presence_frames = 0
        self.joined: list[str] = []
        self.left: list[str] = []
        self.clean_starts = 0
        self.seen = 0
        self.said_all = False
        self.client: Client
        self.room: Room
        self._load = load
        self.codec, self.transport = way
        self._epoch = ""
        self._live_from = 0

    @property
    def handle(self) -> str:
        return self.room.handle

    async def live(self, seated: asyncio.Event) -> None:
        """Come in, talk until all is quiet, stay until the load is over."""
        load = self._load
        async with (
            asyncio.TaskGroup() as group,
            connect(load.url, codec=self.codec, transport=self.transport, backoff=BACKOFF) as self.client,
        ):
            self.room = await self.client.join(self.room_name, patience_s=PATIENCE_S)
            group.create_task(self._listen())
            seated.set()
            number = 0
            while self.speaks and not load.quiet.is_set():
                number += 1
                await self.post(f"{self.name} says line {number} {load.padding}")
                await load.pause()
            self.said_all = True
            await load.over.wait()

    async def post(self, text: str, key: str | None = None, *, patience_s: float = PATIENCE_S) -> int:
        """Say it, over breaks and (for that long) refusals that pass, until it is acked; its place."""
        load, room = self._load, self.room
        key = key or self.client.new_key()
        mark = mark_of(Event("posted", 0, 0, room.handle, text))
        load.checker.see(Sent(self.name, room.name, key, mark or ""))
        async with asyncio.timeout(PATIENCE_S):
            ok = await room.post(text, key=key, patience_s=patience_s)
        assert ok.seq is not None
        load.checker.see(Acked(self.name, room.name, room.epoch or "", key, ok.seq))
        self.acked += 1
        load.note_ack(room.name, ok.seq)
        return ok.seq

    def ends(self, through: int) -> None:
        self._load.checker.see(Ended(self.name, self.room_name, self._epoch, through))

    async def _listen(self) -> None:
        load, name, room = self._load, self.name, self.room_name
        async for item in self.room:
            match item:
                case Event(seq=seq):
                    load.checker.see(Saw(name, room, self._epoch, seq, mark_of(item)))
                    self.seen = seq
                    if seq > self._live_from:
                        load.note_arrival(room, seq)
                case CleanStart(epoch, first, head):
                    load.checker.see(Started(name, room, epoch, first - 1, recovered=False))
                    self._epoch, self._live_from = epoch, head
                    self.clean_starts += 1
                    self.handles.append(self.room.handle)
                case Recovered(after, head):
                    load.checker.see(Started(name, room, self._epoch, after, recovered=True))
                    self._live_from = head
                    self.handles.append(self.room.handle)
                    self.back_at.append(asyncio.get_running_loop().time())
                case Presence(joined=joined, left=left):
                    self.presence_frames += 1
                    self.joined += [person.handle for person in joined]
                    self.left += left
                case Lost(code):
                    self.broke.append(code)


class Load:
    """Everybody, and what became known. Made by `talking`."""

    def __init__(
        self, url: str, *, rooms: Sequence[str], pause_s: float, padding: str, ways: Sequence[Way]
    ) -> None:
        self.url = url
        self.checker = Checker()
        self.quiet = asyncio.Event()
        """Set: nobody begins another post."""
        self.over = asyncio.Event()
        self.talkers: list[Talker] = []
        self.acked_at: dict[tuple[str, int], float] = {}
        self.delays: deque[tuple[float, float]] = deque()
        """(when it was acked, seconds from there until it reached somebody), once for each who saw it."""
        self._next_room = itertools.cycle(rooms)
        self._ways = itertools.cycle(ways)
        self.padding = padding
        self._pause_s = pause_s
        self._group: asyncio.TaskGroup
        self._early: Counter[tuple[str, int]] = Counter()

    async def come(self, people: int, *, room: str | None = None, speak: bool = True) -> None:
        """So many more people, spread over the rooms; returns when all have a seat."""
        seated = [asyncio.Event() for _ in range(people)]
        for event in seated:
            name, way = f"person-{len(self.talkers)}", next(self._ways)
            talker = Talker(self, name, room or next(self._next_room), way, speaks=speak)
            self.talkers.append(talker)
            self._group.create_task(talker.live(event))
        await until(lambda: all(event.is_set() for event in seated), "seats", within_s=PATIENCE_S)

    async def spread_over(self, server: Server, at_least: int = 2, *, speak: bool = True) -> None:
        """More people, until every worker serves that many. Which one takes a connection is chance."""
        pids = server.worker_pids()
        for _ in range(20):
            if all(len(peers(server, pid)) >= at_least for pid in pids):
                return
            await self.come(2, speak=speak)
        raise AssertionError("some worker takes no connections")

    async def goes_on(self, posts: int = 3) -> None:
        """Return when everybody who speaks was acked so many more posts than now."""
        wanted = {talker: talker.acked + posts for talker in self.talkers if talker.speaks}
        await until(
            lambda: all(talker.acked >= enough for talker, enough in wanted.items()),
            f"{posts} more acks for everybody",
            within_s=PATIENCE_S,
        )

    async def know_each_other(self) -> None:
        """Return when everybody's roster names all who talk in the room. Who came before is forgotten."""
        here = {
            room: {talker.handle for talker in self.in_room(room)}
            for room in {talker.room_name for talker in self.talkers}
        }
        await until(
            lambda: all(here[talker.room_name] <= talker.room.roster.keys() for talker in self.talkers),
            "full rosters",
            within_s=PATIENCE_S,
        )
        await self.read_on()
        for talker in self.talkers:
            talker.joined.clear()
            talker.left.clear()

    async def read_on(self) -> None:
        """Let everybody read what has reached them: a roster changes a turn before its item is read."""
        for _ in range(3):
            await asyncio.sleep(0)

    async def pause(self) -> None:
        await within(self._pause_s, self.quiet)

    def in_room(self, room: str) -> list[Talker]:
        return [talker for talker in self.talkers if talker.room_name == room]

    def note_ack(self, room: str, seq: int) -> None:
        now = asyncio.get_running_loop().time()
        self.acked_at[room, seq] = now
        self.delays.extend((now, 0.0) for _ in range(self._early.pop((room, seq), 0)))

    def note_arrival(self, room: str, seq: int) -> None:
        acked_at = self.acked_at.get((room, seq))
        if acked_at is None:
            self._early[room, seq] += 1
        else:
            self.delays.append((acked_at, asyncio.get_running_loop().time() - acked_at))

    async def all_seen(self) -> None:
        """Return when everybody has seen everything that was acked until now."""
        heads = self._heads()
        await until(
            lambda: all(talker.seen >= heads.get(talker.room_name, 0) for talker in self.talkers),
            "everybody sees everything",
            within_s=PATIENCE_S,
        )

    def slowest_s(self, since: float) -> float:
        """The longest way from an ack after `since` (loop time) to the eyes of another. See `all_seen`."""
        return max(delay for acked_at, delay in self.delays if acked_at >= since)

    async def fall_silent(self) -> None:
        """All say their last by themselves, and everybody sees it. The connections stay."""
        self.quiet.set()
        await until(lambda: all(talker.said_all for talker in self.talkers), "acks", within_s=PATIENCE_S)
        await self.all_seen()

    async def finish(self) -> Verdict:
        """All say their last, wait for the last place, and the log is read: the checker's verdict."""
        await self.fall_silent()
        heads = self._heads()
        for talker in self.talkers:
            talker.ends(heads.get(talker.room_name, 0))
        for talker in {talker.room_name: talker for talker in self.talkers}.values():
            await self._read_log(talker.room)
        self.over.set()
        return self.checker.verdict()

    async def ends_well(self) -> Verdict:
        """Nothing lost, doubled or missed; everything acked; everybody in the seat they had."""
        verdict = await self.finish()
        assert verdict.ok, verdict
        assert verdict.sent == verdict.acked > 0
        for talker in self.talkers:
            assert talker.clean_starts == 1
            assert len(set(talker.handles)) == 1
            # Not even mended by the client: each stream of the server is in order and whole.
            assert (talker.room.gaps, talker.room.repeats) == (0, 0)
        return verdict

    def _heads(self) -> dict[str, int]:
        heads: dict[str, int] = {}
        for room, seq in self.acked_at:
            heads[room] = max(heads.get(room, 0), seq)
        return heads

    async def _read_log(self, room: Room) -> None:
        before, more = room.head + 1, True
        while more and before > 1:
            page = await room.older(before, 200)
            for event in page.events:
                self.checker.see(Kept(room.name, room.epoch or "", event.seq, mark_of(event)))
            before, more = page.events[0].seq, page.more


@asynccontextmanager
async def talking(
    url: str,
    *,
    rooms: Sequence[str] = ("icu", "er"),
    people: int = 6,
    pause_s: float = PAUSE_S,
    padding: str = "",
    ways: Sequence[Way] = SOCKETS,
) -> AsyncIterator[Load]:
    """People who talk, from now until the end of the block. A talker's error is the block's."""
    load = Load(url, rooms=rooms, pause_s=pause_s, padding=padding, ways=ways)
    async with asyncio.TaskGroup() as load._group:
        await load.come(people)
        yield load
        load.quiet.set()
        load.over.set()


async def within(seconds: float, event: asyncio.Event) -> bool:
    """Wait for `event`, not longer than that. True where it came."""
    try:
        async with asyncio.timeout(seconds):
            return await event.wait()
    except TimeoutError:
        return False


async def until_s(condition: Callable[[], bool], what: str) -> float:
    """The seconds until `condition` holds."""
    loop = asyncio.get_running_loop()
    begun = loop.time()
    await until(condition, what, within_s=PATIENCE_S)
    return loop.time() - begun
