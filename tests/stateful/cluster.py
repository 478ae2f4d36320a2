"""A cluster in one process, under the test's control: real nodes, a shared log, a bus that is bad.

    nodes       real `chatd.node.Node`s on one log; they can die without a word and come back
    the bus     `LossyNetwork`: loses, repeats, delays and reorders as the test decides
    the log     real, behind a door that can be shut before or after it has kept what it was given
    clients     speak the wire straight into the gateway, break, come back, send again

Whatever happens is written down for `chatd.checker`, which alone decides whether it was legal.
"""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from chatd import checker
from chatd.node import Node
from chatd.settings import Settings
from chatd.wire import ErrorCode
from rooms.catalog_memory import MemoryCatalog
from rooms.events import Posted
from rooms.keystore_memory import MemoryKeyStore
from rooms.log_memory import MemoryLog
from rooms.store_sql import Store
from tests.chatd.desk import ROOM, Frame, Wire
from tests.chatd.doubtful_log import DoubtfulLog
from tests.stateful.lossy_bus import LossyBus, LossyNetwork

RECOVERS = 1_000
TRY_AGAIN = frozenset({ErrorCode.LOG_UNAVAILABLE})
"""The only refusal that bad weather excuses: nobody here is too fast, too many, or in the wrong place."""
TURNS = 2_000
"""Turns of the event loop within which everything that can happen without time passing happens."""


def mark_of(handle: str, text: str) -> str:
    """What the checker knows of a post: a digest, not the words."""
    return hashlib.blake2b(f"{handle}\0{text}".encode(), digest_size=8).hexdigest()


class Client(Wire):
    """A client as `docs/protocol.md` describes it, without a socket."""

    def __init__(self, cluster: "Cluster", name: str) -> None:
        super().__init__()
        self._cluster = cluster
        self.name = name
        self.handle = ""
        self.seat: str | None = None
        self.epoch: str | None = None
        self.seen = 0
        self.joined = False
        self.joining = False
        self.refusals: list[str] = []
        self.roster: set[str] = set()
        self.unanswered: dict[str, tuple[str, int | None]] = {}
        """key -> (text, id of the command under way, None while it waits for a connection)."""
        self._asked: dict[int, str] = {}

    # -- what it does

    def comes(self, node: Node) -> None:
        self.connect(node)
        self.join()

    def join(self) -> None:
        self.joined, self.joining = False, True
        join: dict[str, Any] = {"t": "join", "id": next(self.ids), "room": ROOM}
        if self.seat is not None:
            join |= {"seat": self.seat, "epoch": self.epoch, "after": self.seen}
        self.send(join)

    def lose_connection(self) -> None:
        self.joined = self.joining = False
        self._asked.clear()
        self.unanswered = {key: (text, None) for key, (text, _) in self.unanswered.items()}
        super().lose_connection()

    def post(self, text: str) -> None:
        key = f"{self.name}-{next(self.ids):08d}"
        self._cluster.history.append(checker.Sent(self.name, ROOM, key, mark_of(self.handle, text)))
        self.unanswered[key] = (text, None)
        self.send_unanswered()

    def send_unanswered(self) -> None:
        """Send whatever has no answer yet, with its first key."""
        if not self.joined:
            return
        for key, (text, asked) in list(self.unanswered.items()):
            if asked is None:
                id_ = next(self.ids)
                self.unanswered[key] = (text, id_)
                self._asked[id_] = key
                self.send({"t": "post", "id": id_, "room": ROOM, "key": key, "text": text})

    # -- what it hears

    def heard(self, frame: Frame) -> None:
        kind = frame["t"]
        if kind == "joined":
            self._start(frame)
        elif kind == "ok":
            key = self._asked.pop(frame["id"], None)
            if key is not None:
                del self.unanswered[key]
                assert self.epoch is not None
                self._note(checker.Acked(self.name, ROOM, self.epoch, key, frame["seq"]))
        elif kind == "error":
            self.refusals.append(frame["code"])
            assert frame["code"] in TRY_AGAIN, frame
            key = self._asked.pop(frame["id"], None)
            if key is not None:
                self.unanswered[key] = (self.unanswered[key][0], None)
            else:
                self.joining = False
        elif kind == "presence":
            self.roster |= {person["handle"] for person in frame["joined"]}
            self.roster -= set(frame["left"])
        elif "seq" in frame:
            self._see(frame)

    def _start(self, frame: Frame) -> None:
        self.joined, self.joining = True, False
        if frame["epoch"] != self.epoch:
            self.unanswered = {}
        elif frame["head"] - self.seen <= RECOVERS:
            assert frame["recovered"], "who missed no more than is filled for them goes on where they were"
        self.handle, self.seat, self.epoch = frame["handle"], frame["seat"], frame["epoch"]
        self.roster = {person["handle"] for person in frame["roster"]}
        if not frame["recovered"]:
            first = frame["events"][0]["seq"] if frame["events"] else frame["head"] + 1
            self.seen = first - 1
        self._note(checker.Started(self.name, ROOM, frame["epoch"], self.seen, frame["recovered"]))
        for event in frame["events"]:
            self._see(event)
        assert self.seen == frame["head"], "the events of `joined` end at its head"
        self.send_unanswered()

    def _see(self, event: Frame) -> None:
        assert self.epoch is not None
        mark = mark_of(event["handle"], event["text"]) if event["t"] == "posted" else None
        self._note(checker.Saw(self.name, ROOM, self.epoch, event["seq"], mark))
        self.seen = event["seq"]

    def _note(self, record: checker.Record) -> None:
        self._cluster.history.append(record)


class Cluster:
    """`nodes` by name; a dead one is None. Everything runs inside `run`."""

    def __init__(self, nodes: int, clients: int, data: Path) -> None:
        self._runner = asyncio.Runner()
        self._data = data
        self.now = 1_000.0
        """The nodes' clock. It stands still unless the test moves it, so that a history can be repeated."""
        self.history: list[checker.Record] = []
        self.log = DoubtfulLog(MemoryLog())
        self._catalog = MemoryCatalog()
        self._keys = MemoryKeyStore()
        self.network = LossyNetwork()
        self.nodes: list[Node | None] = [None] * nodes
        self.clients = [Client(self, f"c{n}") for n in range(clients)]
        self.crashes: list[BaseException] = []
        for index in range(nodes):
            self.boot(index)

    def run(self, step: Callable[[], Awaitable[None] | None]) -> None:
        """Do `step`, then let everything happen that happens without time passing."""

        async def settle() -> None:
            waiting = step()
            if waiting is not None:
                await waiting
            for _ in range(TURNS):
                await asyncio.sleep(0)
                if not any(
                    node.gateway.commits.pending or client.joining
                    for node in self.nodes
                    if node is not None
                    for client in self.clients
                ):
                    break
            for _ in range(20):
                await asyncio.sleep(0)

        self._runner.run(settle())
        assert not self.crashes, self.crashes

    def boot(self, index: int) -> None:
        async def start() -> None:
            settings = Settings(
                data=self._data,
                open=True,
                redis="redis://unused",
                post_per_s=0,
                recover_events=RECOVERS,
                secret="A" * 43 + "=",
            )
            node = Node(
                settings,
                name=f"n{index}-{len(self.history)}",
                store=Store(self.log, self._catalog, keys=self._keys),
                bus=self.network.node(),
                clock=lambda: self.now,
                on_crash=self.crashes.append,
            )
            await node.start()
            self.nodes[index] = node

        self.run(start)

    def kill(self, index: int) -> None:
        """The node dies without a word; its clients lose their connections."""
        node = self.nodes[index]
        self.nodes[index] = None
        if node is None:
            return

        async def die() -> None:
            for client in self.clients:
                if client.node is node:
                    client.receiver = None  # a dead node hears of no lost connection
                    client.lose_connection()
            await node.stop()

        self.run(die)

    def cut(self, node: Node) -> None:
        """The bus of one node goes, and the node notices."""
        assert isinstance(node.bus, LossyBus)
        bus = node.bus
        self.run(lambda: self.network.cut(bus))

    def mend(self, node: Node) -> None:
        assert isinstance(node.bus, LossyBus)
        bus = node.bus
        self.run(lambda: self.network.heal(bus))

    def heal(self) -> None:
        """Everything works again: every node learns what it missed, every client comes back and resends."""
        self.log.mends()
        self.run(self._heal_bus)
        for index, node in enumerate(self.nodes):
            if node is None:
                self.boot(index)
        for _ in range(4):
            for node in self.nodes:
                if node is not None:
                    self.run(node.hub.compare_with_log)
            self.run(self._everybody_back)
            self.run(self._deliver_all)

    def _heal_bus(self) -> None:
        for bus in self.network.nodes:
            self.network.heal(bus)

    def _deliver_all(self) -> None:
        self.network.deliver_all()

    def _everybody_back(self) -> None:
        living = [node for node in self.nodes if node is not None]
        for number, client in enumerate(self.clients):
            if client.receiver is None:
                client.comes(living[number % len(living)])
            elif not client.joined and not client.joining:
                client.join()
            client.send_unanswered()

    def verdict(self) -> checker.Verdict:
        """After `heal`: everybody has seen everything, and the log itself is the last witness."""
        history = list(self.history)

        async def read() -> None:
            head = (await self.log.heads([ROOM])).get(ROOM)
            if head is None:
                return
            history.extend(
                checker.Ended(client.name, ROOM, head.epoch, head.head)
                for client in self.clients
                if client.joined
            )
            for event in await self.log.since(ROOM, head.epoch, 0, 100_000):
                mark = mark_of(event.handle, event.text) if isinstance(event, Posted) else None
                history.append(checker.Kept(ROOM, head.epoch, event.seq, mark))

        self._runner.run(read())
        return checker.check(history)

    def close(self) -> None:
        for index in range(len(self.nodes)):
            self.kill(index)
        self._runner.close()
