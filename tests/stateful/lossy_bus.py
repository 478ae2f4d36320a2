"""A bus for several nodes in one process that loses, repeats, delays and reorders, as it is told.

Nothing moves by itself: what is published waits in `pending` until the test, or Hypothesis,
delivers or drops it. No clock, no task, no randomness of its own: the same calls give the same
history.

    network = LossyNetwork()
    here, there = network.node(), network.node()
    here.publish("room", b"1")         # pending: one flight to each node that subscribed
    network.duplicate(1)               # repeats
    network.deliver(1)                 # out of order
    network.drop(0)                    # loses, and nobody is told
    network.cut(there)                 # there.on_health(False); what is on its way to it is lost
    network.heal(there)                # there.on_health(True)

Indices are taken modulo the number of flights, so that any number Hypothesis draws means
something; on an empty list they mean nothing and do nothing.
"""

from collections.abc import Callable
from typing import NamedTuple

from chatd.bus_memory import ignore_health, ignore_message


class Flight(NamedTuple):
    """One message on its way to one node."""

    origin: "LossyBus"
    target: "LossyBus"
    channel: str
    payload: bytes


class LossyNetwork:
    """The wires between the nodes, and everything that can go wrong with them."""

    def __init__(self) -> None:
        self.nodes: list[LossyBus] = []
        self.pending: list[Flight] = []
        self.lost = 0
        """Flights that ended nowhere: dropped, cut off, or meant for a node that is gone."""

    def node(self) -> "LossyBus":
        """Another node's bus, not started."""
        bus = LossyBus(self)
        self.nodes.append(bus)
        return bus

    def deliver(self, index: int = 0) -> Flight | None:
        """Let one flight arrive. It is lost where its target no longer listens."""
        flight = self._take(index)
        if flight is not None:
            self._arrive(flight)
        return flight

    def deliver_all(self) -> int:
        """Let everything arrive in order, also what is published meanwhile; how many flights."""
        count = 0
        while self.pending:
            self.deliver()
            count += 1
        return count

    def drop(self, index: int = 0) -> Flight | None:
        """Lose one flight without a word: nobody's health changes."""
        flight = self._take(index)
        self.lost += flight is not None
        return flight

    def duplicate(self, index: int = 0) -> Flight | None:
        """Let one flight arrive and leave it pending, to arrive again at some other time."""
        if not self.pending:
            return None
        flight = self.pending[index % len(self.pending)]
        self._arrive(flight)
        return flight

    def delay(self, index: int = 0) -> Flight | None:
        """Put one flight behind all others."""
        flight = self._take(index)
        if flight is not None:
            self.pending.append(flight)
        return flight

    def cut(self, node: "LossyBus") -> None:
        """The node loses the bus and notices: nothing reaches it, nothing leaves it. Idempotent."""
        self._forget(node)
        if node.healthy:
            node.healthy = False
            node.on_health(False)

    def heal(self, node: "LossyBus") -> None:
        """The bus is back, every subscription stands, and the node is told. Not after `stop`."""
        if node.running and not node.healthy:
            node.healthy = True
            node.on_health(True)

    def blink(self, node: "LossyBus") -> None:
        """A loss that was over before it was noticed: `on_health(True)` without a False before."""
        self._forget(node)
        if node.healthy:
            node.on_health(True)

    def kill(self, node: "LossyBus") -> None:
        """The node is gone, as by `kill -9`. What it published is still on its way; nothing is called."""
        node.running = node.healthy = False
        self._forget(node)
        if node in self.nodes:
            self.nodes.remove(node)

    def _send(self, origin: "LossyBus", channel: str, payload: bytes) -> None:
        for target in self.nodes:
            if target.healthy and channel in target.channels:
                self.pending.append(Flight(origin, target, channel, payload))

    def _arrive(self, flight: Flight) -> None:
        if flight.target.healthy and flight.channel in flight.target.channels:
            flight.target.on_message(flight.channel, flight.payload)
        else:
            self.lost += 1

    def _take(self, index: int) -> Flight | None:
        return self.pending.pop(index % len(self.pending)) if self.pending else None

    def _forget(self, node: "LossyBus") -> None:
        kept = [flight for flight in self.pending if flight.target is not node]
        self.lost += len(self.pending) - len(kept)
        self.pending[:] = kept


class LossyBus:
    """One node's end of it; see `chatd.bus.Bus`."""

    def __init__(self, network: LossyNetwork) -> None:
        self.healthy = False
        self.running = False
        self.on_message: Callable[[str, bytes], None] = ignore_message
        self.on_health: Callable[[bool], None] = ignore_health
        self.dropped = 0
        self.channels: set[str] = set()
        self._network = network

    async def start(self) -> None:
        self.running = True
        self._network.heal(self)

    async def subscribe(self, channel: str) -> None:
        self.channels.add(channel)

    def unsubscribe(self, channel: str) -> None:
        self.channels.discard(channel)

    def publish(self, channel: str, payload: bytes) -> None:
        if self.healthy:
            self._network._send(self, channel, payload)
        else:
            self.dropped += 1

    async def stop(self) -> None:
        self._network.kill(self)
