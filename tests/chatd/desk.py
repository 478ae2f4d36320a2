"""A desk: real nodes in this process, and people who speak the wire to them, in virtual time.

    @story(post_burst=1)
    async def test_who_posts_twice_at_once_is_told_to_wait(desk: Desk) -> None:
        anna = await desk.comes("anna")
        await anna.asks("post", text="one")
        refusal = await anna.refused("post", text="two")
        await desk.passes(refusal["retry_after_s"])

`Wire` is a sink with a person behind it and no socket; `tests/stateful/cluster.py` builds its clients
on it too. At the end of a story no node may have crashed, and every command has had one answer.
"""

import asyncio
import inspect
import itertools
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import wraps
from typing import Any, Concatenate, Final, ParamSpec, TypeAlias

import msgspec

from chatd.formats import JSON_MESSAGES
from chatd.node import Node
from chatd.settings import Settings
from chatd.sink import Format, Receiver
from chatd.tickets import Role, Tickets
from chatd.wire import ErrorCode
from rooms.catalog import RoomSpec
from rooms.catalog_memory import MemoryCatalog
from rooms.events import AnyEvent, Posted
from rooms.keystore_memory import MemoryKeyStore
from rooms.log import Appended, Draft, Log
from rooms.log_memory import MemoryLog
from rooms.reports_memory import MemoryReports
from rooms.series_memory import MemorySeries
from rooms.store_sql import Store
from tests.chatd.doubtful_log import PATIENCE_S, DoubtfulLog
from tests.chatd.virtual_time import VirtualLoop, pass_time
from tests.stateful.lossy_bus import LossyNetwork

Frame: TypeAlias = dict[str, Any]

ROOM: Final = "icu"
SECRET: Final = b"\0" * 32


class Wire:
    """One connection without a socket: implements `chatd.sink.Sink`, and tells `heard` what comes."""

    format: Format = JSON_MESSAGES

    def __init__(self) -> None:
        self.outbox: list[Any] = []
        self.node: Node | None = None
        self.receiver: Receiver | None = None
        self.ids = itertools.count(1)

    def connect(self, node: Node) -> None:
        self.node = node
        self.receiver = node.gateway.connected(self)

    def send(self, command: Frame) -> None:
        if self.receiver is not None:
            self.receiver.received(msgspec.json.encode(command))

    def lose_connection(self) -> None:
        """The network goes: what was on its way is lost, and the server hears of it."""
        receiver, self.receiver = self.receiver, None
        self.outbox = []
        if receiver is not None:
            receiver.closed()

    def heard(self, frame: Frame) -> None:
        """What the server says, frame by frame."""

    # -- the sink

    def write(self, batch: Any) -> bool:
        if self.receiver is None:
            return False
        for message in batch:
            self.heard(msgspec.json.decode(message))
        return True

    def congested(self) -> bool:
        return False

    def close(self, code: int, reason: str) -> None:
        self.lose_connection()


class Person(Wire):
    """Somebody at the desk, and all they have heard. `frames` and `seen` begin with the connection."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name
        self.lags = False
        self.frames: list[Frame] = []
        self.closed_with: int | None = None
        self.joined: Frame = {}
        """The last `joined`, with everything one needs to come back."""
        self._waiting: set[int | str] = set()
        self._answers: dict[int | str, Frame] = {}
        self._read = 0

    # -- the sink

    def congested(self) -> bool:
        return self.lags

    def close(self, code: int, reason: str) -> None:
        assert len(reason.encode()) <= 123
        if self.receiver is not None:
            self.closed_with = code
            self.lose_connection()

    def lose_connection(self) -> None:
        self._waiting.clear()
        super().lose_connection()

    def heard(self, frame: Frame) -> None:
        self.frames.append(frame)
        if (id_ := frame.get("id")) is not None:
            assert id_ in self._waiting, f"{self.name} had an answer to {id_} already, or never asked"
            self._waiting.remove(id_)
            self._answers[id_] = frame
        if frame["t"] == "joined":
            self.joined = frame

    # -- what they do

    def says(self, kind: str, room: str = ROOM, /, **fields: Any) -> int | str:
        """Send a command and do not wait. A post gets a key of its own where none is given."""
        assert self.receiver is not None, f"{self.name} has no connection: {self.closed_with}"
        id_: int | str = fields.pop("id", None) or next(self.ids)
        if kind == "post":
            fields.setdefault("key", f"{self.name}-{id_}")
        self._waiting.add(id_)
        self.send({"t": kind, "id": id_, "room": room, **fields})
        return id_

    async def answer(self, id_: int | str) -> Frame:
        """The one answer to the command `id_`."""
        await until(lambda: id_ in self._answers, f"an answer for {self.name}")
        return self._answers[id_]

    async def asks(self, kind: str, room: str = ROOM, /, **fields: Any) -> Frame:
        """Send a command; its answer, which is no refusal."""
        frame = await self.answer(self.says(kind, room, **fields))
        assert frame["t"] != "error", frame
        return frame

    async def refused(self, kind: str, room: str = ROOM, /, **fields: Any) -> Frame:
        """Send a command; its answer, which is a refusal."""
        frame = await self.answer(self.says(kind, room, **fields))
        assert frame["t"] == "error", frame
        return frame

    async def hears(self, kind: str, /, **fields: Any) -> Frame:
        """The next frame of this kind and with these fields among those not passed over yet."""

        def found() -> bool:
            while self._read < len(self.frames):
                frame = self.frames[self._read]
                self._read += 1
                if frame["t"] == kind and frame.items() >= fields.items():
                    return True
            return False

        await until(found, f"{kind} for {self.name}")
        return self.frames[self._read - 1]

    async def returns(self, node: Node, **fields: Any) -> Frame:
        """Connect anew and join with the seat, from where one was; the answer, whatever it is."""
        self.connect(node)
        last = self.joined
        after = max([last["head"], *self.seqs])
        back = {"seat": last["seat"], "epoch": last["epoch"], "after": after} | fields
        return await self.answer(self.says("join", last["room"], **back))

    # -- what they know

    @property
    def connected(self) -> bool:
        return self.receiver is not None

    def heard_all(self, kind: str) -> list[Frame]:
        return [frame for frame in self.frames if frame["t"] == kind]

    @property
    def seqs(self) -> list[int]:
        """The places of the events heard outside `joined`, as they came."""
        return [frame["seq"] for frame in self.frames if "seq" in frame and "handle" in frame]

    @property
    def unanswered(self) -> set[int | str]:
        return self._waiting


async def until(met: Callable[[], bool], what: str) -> None:
    """Let time pass until `met`; fails after `PATIENCE_S`."""
    deadline = asyncio.get_running_loop().time() + PATIENCE_S
    while not met():
        assert asyncio.get_running_loop().time() < deadline, f"{what}: it did not happen"
        await pass_time(0.001)


class Desk:
    """`node` is the first one; `boot` starts more, which share the log and a bus that loses."""

    def __init__(self, **settings: Any) -> None:
        # Rooms begin anew a minute before a day of the story is over, whatever the real time is.
        just_now = time.strftime("%H:%M", time.gmtime(time.time() - 60))
        usual = {"open": True, "secret": "A" * 43 + "=", "renew_at": just_now, "renew_zone": "UTC"}
        # As one of several machines: it gives no staff passes, and keeps nothing in a folder.
        usual["database"] = "postgresql://unused"
        self.settings = Settings(**_with(settings, **usual))
        self.log_is_behind_s = 0
        """How old what is posted now will be in the log."""
        self.kept: Log = MemoryLog(lambda: time.time() - self.log_is_behind_s)
        self.catalog = MemoryCatalog()
        self.series = MemorySeries()
        self.keys = MemoryKeyStore()
        self.reports = MemoryReports()
        self._wall_ahead = time.time() - asyncio.get_running_loop().time()
        self.network = LossyNetwork()
        self.tickets = Tickets(SECRET)
        self.nodes: list[Node] = []
        self.logs: list[DoubtfulLog] = []
        self.people: list[Person] = []
        self.crashes: list[BaseException] = []

    @property
    def node(self) -> Node:
        return self.nodes[0]

    @property
    def log(self) -> DoubtfulLog:
        """The log as the first node sees it."""
        return self.logs[0]

    def wall(self) -> float:
        """The time of day at the desk, Unix seconds: it began as the real one."""
        return self._wall_ahead + asyncio.get_running_loop().time()

    async def boot(self) -> Node:
        log = DoubtfulLog(self.kept)
        node = Node(
            self.settings,
            name=f"n{len(self.nodes)}",
            store=Store(log, self.catalog, self.series, self.reports, self.keys),
            bus=self.network.node() if self.settings.redis else None,
            clock=asyncio.get_running_loop().time,
            wall=self.wall,
            on_crash=self.crashes.append,
        )
        await node.start()
        self.nodes.append(node)
        self.logs.append(log)
        return node

    async def close(self) -> None:
        """What holds at the end of every story."""
        await settles()
        assert not self.crashes, self.crashes
        for person in self.people:
            assert person.receiver is None or not person.unanswered, f"{person.name} got no answer"
        for node in self.nodes:
            await node.stop()
        await self.kept.close()

    def connects(self, name: str, node: Node | None = None) -> Person:
        person = Person(name)
        self.people.append(person)
        person.connect(node or self.node)
        return person

    async def comes(self, name: str, node: Node | None = None, room: str = ROOM, **join: Any) -> Person:
        """Somebody connects and joins."""
        person = self.connects(name, node)
        await person.asks("join", room, **join)
        return person

    async def adds(self, name: str = ROOM, **fields: Any) -> None:
        await self.catalog.add(RoomSpec(name=name, **_with(fields, title=name, open=True)))

    def ticket(self, role: Role = "participant", room: str = ROOM, **fields: Any) -> str:
        return self.tickets.issue(room, role, **_with(fields, expires_at=int(time.time()) + 600))

    async def keeps(self, *texts: str, room: str = ROOM, handle: str = "far-tern") -> list[AnyEvent]:
        """Somebody on a node that nobody hears of posts this: it is in the log and nowhere else."""
        head = await self.kept.open_room(room)
        drafts = [
            Draft(
                Posted(room=room, handle=handle, text=text),
                head.epoch,
                head.rules_version,
                f"{head.head}-{number}",
            )
            for number, text in enumerate(texts)
        ]
        outcomes = await self.kept.append(drafts)
        return [outcome.event for outcome in outcomes if isinstance(outcome, Appended)]

    @staticmethod
    async def passes(seconds: float) -> None:
        """Time goes by, and everything that is due by then happens."""
        await pass_time(seconds)
        await settles()


def _with(fields: dict[str, Any], **defaults: Any) -> dict[str, Any]:
    return defaults | fields


async def settles() -> None:
    """Everything happens that needs no time to pass, but some turns of the loop."""
    await pass_time(1e-5)


def places(events: Sequence[Frame]) -> list[int]:
    return [event["seq"] for event in events]


NAMED: set[ErrorCode] = set()
"""The codes that a story of the modules imported so far names, and so must hear."""

P = ParamSpec("P")


def story(
    *codes: ErrorCode, nodes: int = 1, **settings: Any
) -> Callable[[Callable[Concatenate[Desk, P], Awaitable[None]]], Callable[P, None]]:
    """A test told at a desk with these settings, in virtual time. Somebody in it hears all `codes`.

    What it takes besides the desk pytest gives: parameters and fixtures.
    """
    NAMED.update(codes)
    if nodes > 1:
        settings["redis"] = "redis://unused"

    async def run(tell: Callable[[Desk], Awaitable[None]]) -> None:
        desk = Desk(**settings)
        for _ in range(nodes):
            await desk.boot()
        await tell(desk)
        await desk.close()
        said = {frame["code"] for person in desk.people for frame in person.heard_all("error")}
        assert said >= set(codes), f"nobody heard {set(codes) - said}"

    def told(tell: Callable[Concatenate[Desk, P], Awaitable[None]]) -> Callable[P, None]:
        @wraps(tell)
        def test(*given: P.args, **named: P.kwargs) -> None:
            with asyncio.Runner(loop_factory=VirtualLoop) as runner:
                runner.run(run(lambda desk: tell(desk, *given, **named)))

        signature = inspect.signature(tell)
        # What pytest is to give: everything but the desk. And it is not to look at what is wrapped.
        shown = signature.replace(parameters=list(signature.parameters.values())[1:])
        vars(test)["__signature__"] = shown
        del vars(test)["__wrapped__"]
        return test

    return told
