"""The replica: one node's knowledge of who is in which room, over all nodes.

Presence is soft state. Every node is the only writer of the people connected to it and holds
copies of the others', for the rooms that have members here; nothing is stored anywhere.

    enter / leave         a person counts from the first connection; who drops may come back
                          within linger_s, and nobody notices
    Diff, Snapshot, Ask   a node tells what changed, from version to version. Who misses one
                          sees the gap, or sees the version in the next beat, and asks
    Beat                  once a second: renews the node's lease, carries counts and versions
    Show                  for the members here: what changed since they were last shown
                          something, joined together and never more often than `pace.py` says

A node whose lease runs out is gone with all it held, in one `Show`; who came back elsewhere
meanwhile is not in it. While the bus is unhealthy no lease runs out. How the parts fail:

    lost diff             the next one, or a beat within 1 s, shows it; asked again every second
    lost snapshot, ask    asked again
    repeated, late        has a version that is known: ignored
    lost word of the last a room that a node has not named for `UNHEARD_S` is empty there
      person's leave

The core returns, the shell acts. The shell's duties: give every run of a process a new `node`
name; subscribe to a room's channel before `watch`, and stay subscribed a little longer than the
last member (`linger_s`); hand in what arrives with `receive`; call `tick` when `next_tick_in` is
over (or every 50 ms, it costs nothing when nothing is due) and send what it returns: `Diff`,
`Snapshot` and `Ask` on their room's channel, `Beat` and `Gone` on the nodes' channel. `now` is
monotonic seconds, the same clock in every call. Nothing here raises for what a bus can bring.
"""

from collections import OrderedDict
from collections.abc import Mapping
from typing import Final, TypeAlias

import msgspec

from presence.messages import ROOMS_PER_BEAT, AnyMessage, Ask, Beat, Gone, Snapshot
from presence.neighbours import BEAT_S, Neighbours
from presence.pace import Pace, interval
from presence.peers import MAX_ROOMS
from presence.roster import CROWD, Roster, Show
from presence.seats import Seats
from presence.view import View
from presence.wakes import Wakes

__all__ = ["CROWD", "Effect", "Replica", "Send", "Show"]

NEWS_BEATS: Final = 3
"""How many beats name a changed room ahead of the others."""

MAX_SENDS_PER_TICK: Final = 256
PACED_S: Final = 0.05
"""What is over `MAX_SENDS_PER_TICK` waits this long."""

_SHORTEST_SENDS: Final = 1 / 3
"""Between two words to other nodes about one room: this part of `settle_s`, wider in big rooms."""


class Send(msgspec.Struct, frozen=True):
    """To the other nodes, on the channel that the message's kind says."""

    message: AnyMessage


Effect: TypeAlias = Send | Show


class Replica:
    def __init__(
        self,
        node: str,
        *,
        linger_s: float = 1.5,
        settle_s: float = 0.3,
        lease_s: float = 10.0,
        crowd: int = CROWD,
    ) -> None:
        """`node`: 1 to 64 characters, new for every run of a process. `crowd` is for tests."""
        self.node = node
        self._linger_s = linger_s
        self._settle_s = settle_s
        self._crowd = crowd
        self._seats: dict[str, Seats] = {}
        self._views: dict[str, View] = {}
        """Of the rooms that are watched or have seats."""
        self._watched: set[str] = set()
        self._news: OrderedDict[str, int] = OrderedDict()
        """Changed rooms, with the number of beats that are still to name them first."""
        self._turns: OrderedDict[str, None] = OrderedDict()
        """All rooms with seats, the one next to be named in a beat first."""
        self._version = 0
        """No room without seats was ever spoken of at a later version."""
        self._healthy = True
        self._closed = False
        self._wakes = Wakes()
        self._wakes.at(("beat",), float("-inf"))
        self._others = Neighbours(
            node,
            lease_s=lease_s,
            views=self._views,
            watched=self._watched,
            wakes=self._wakes,
            show_later=self._show_later,
        )

    # ---- what the hub reports ------------------------------------------------------------------

    def enter(self, room: str, handle: str, role: str | None, now: float) -> None:
        """One more connection of `handle` is in `room`. Ask for `roster(room, handle)` after it."""
        view = self._view(room)
        seats = self._seats.get(room)
        if seats is None:
            seats = self._seats[room] = Seats(room, self._version)
            self._turns[room] = None
        nobody_to_tell = seats.connected == 0
        held = seats.enter(handle, role, view.best(handle))
        if held is None:
            return
        view.put(self.node, held)
        if nobody_to_tell:
            view.show()
        self._changed(seats, view, now)

    def leave(self, room: str, handle: str, now: float, *, at_once: bool) -> None:
        """One connection of `handle` less. Where it was the last one the person is gone: now
        where they said so (`at_once`), or if they are not back within `linger_s`."""
        seats = self._seats.get(room)
        if seats is None:
            return
        if seats.leave(handle, now + self._linger_s, at_once=at_once):
            view = self._view(room)
            view.drop(self.node, handle)
            self._changed(seats, view, now)
        else:
            self._wake_lingering(seats)

    def set_away(self, room: str, handle: str, away: bool, now: float) -> None:
        """`handle` was called away, or is back; on any of their connections, for all of them."""
        seats, view = self._seats.get(room), self._views.get(room)
        if seats is None or view is None:
            return
        best = view.best(handle)
        held = seats.set_away(handle, away, best) if best is not None else None
        if held is not None:
            view.put(self.node, held)
            self._changed(seats, view, now)

    def watch(self, room: str, now: float) -> None:
        """This node begins to have members in `room`, and hears its channel from now on."""
        if room in self._watched:
            return
        self._watched.add(room)
        self._view(room)
        self._wakes.at(("call", room), now)
        self._others.watch(room, now)

    def unwatch(self, room: str) -> None:
        """No members here any more. Copies of the room are dropped; counts go on."""
        if room not in self._watched:
            return
        self._watched.discard(room)
        self._wakes.drop(("call", room))
        self._others.unwatch(room)
        self._tidy(room)

    # ---- what the bus brings -------------------------------------------------------------------

    def receive(self, message: AnyMessage, now: float) -> None:
        """What another node sent. One's own messages, which a bus brings too, say nothing new."""
        if message.node == self.node:
            return
        if isinstance(message, Ask):
            self._on_ask(message, now)
        else:
            self._others.receive(message, now)

    def bus_health(self, healthy: bool, now: float) -> None:
        """The bus works, or not. True also where it may have lost something without being seen
        to be down. After it every node has a full lease, and what no beat confirms is asked for."""
        self._healthy = healthy
        if not healthy:
            return
        self._wakes.at(("beat",), now)
        self._others.heal(now)
        for room, seats in self._seats.items():
            if seats.pending():
                self._wakes.at(("tell", room), now)

    # ---- what is to be done --------------------------------------------------------------------

    def next_tick_in(self, now: float) -> float | None:
        """Seconds until `tick` has something to do; None: nothing until somebody calls in. Any
        other call may bring it forward."""
        due = self._wakes.due()
        return None if due is None else max(0.0, due - now)

    def tick(self, now: float) -> list[Effect]:
        """Everything that is due by `now`, in the order in which it is to be done."""
        effects: list[Effect] = []
        sends = 0
        waiting: list[tuple[str, ...]] = []
        while (key := self._wakes.pop(now)) is not None:
            if sends >= MAX_SENDS_PER_TICK and key[0] in ("tell", "ask", "call", "deny"):
                waiting.append(key)
                continue
            effect = self._act(key, now)
            if effect is not None:
                effects.append(effect)
                sends += isinstance(effect, Send)
        for key in waiting:
            self._wakes.at(key, now + PACED_S)
        return effects

    def close(self) -> list[Effect]:
        """This node stops in good order, and says nothing more. From the begin of a drain on, do
        not report its closed connections as leaves: their people are on the way to another node."""
        if self._closed:
            return []
        self._closed = True
        return [Send(Gone(self.node))]

    # ---- what is known -------------------------------------------------------------------------

    def roster(self, room: str, handle: str | None = None) -> Roster:
        """Who is in `room`, as its members here have been shown it: what comes after is in the
        next `Show`. With `handle`, which has just entered, they are in it in any case.

        Cached between changes. For a room that is not watched here it names nobody.
        """
        view = self._views.get(room)
        return view.roster(handle) if view is not None else Roster((), self.count(room), 0)

    def count(self, room: str) -> int:
        """People in `room` over all nodes, as known now: distinct handles where this node has
        copies, the sum of what the nodes report otherwise."""
        view = self._views.get(room)
        return (view.count if view is not None else 0) + self._others.reported(room)

    def holds(self, room: str, handle: str) -> bool:
        """Whether `handle` is in `room` already, on any node, those who may yet come back included."""
        view = self._views.get(room)
        return view is not None and view.best(handle) is not None

    def counts(self) -> Mapping[str, int]:
        """`count` of every room that has anybody. For the lobby's bands: a few times a second at most."""
        counts = {room: view.count for room, view in self._views.items()}
        self._others.add_reported(counts)
        return {room: count for room, count in counts.items() if count > 0}

    # ---- one thing that is due -----------------------------------------------------------------

    def _act(self, key: tuple[str, ...], now: float) -> Effect | None:
        match key:
            case ("show", room):
                return self._show(room, now)
            case ("linger", room):
                self._expire(room, now)
            case ("lease", node) if self._healthy:
                self._others.lease_over(node, now)
            case _ if self._healthy and not self._closed:
                return self._say(key, now)
        return None

    def _say(self, key: tuple[str, ...], now: float) -> Send | None:
        """What goes to other nodes; while the bus is away nothing does, and `bus_health` makes up."""
        message: AnyMessage | None = None
        match key:
            case ("beat",):
                message = self._beat()
                self._wakes.at(key, now + BEAT_S)
            case ("tell", room) if room in self._seats:
                message = self._seats[room].publish(self.node, now)
                if message is not None:
                    self._news[room] = NEWS_BEATS
                elif len(self._seats[room]) == 0 and room not in self._news:
                    self._retire(self._seats[room])
            case ("call", room):
                message = Ask(self.node, room)
            case ("ask", node, room):
                message = self._others.ask(node, room, now)
            case ("deny", room) if room not in self._seats:
                message = Snapshot(self.node, room, self._version)
        return Send(message) if message is not None else None

    def _show(self, room: str, now: float) -> Show | None:
        view = self._views.get(room)
        show = view.show() if view is not None else None
        if view is None or show is None:
            return None
        seats = self._seats.get(room)
        if seats is None or seats.connected == 0:
            return None  # nobody here to show it to; who comes next gets it with the roster
        view.pace.said(now)
        return show

    def _expire(self, room: str, now: float) -> None:
        seats = self._seats.get(room)
        if seats is None:
            return
        gone = seats.expire(now)
        self._wake_lingering(seats)
        if gone:
            view = self._view(room)
            for handle in gone:
                view.drop(self.node, handle)
            self._changed(seats, view, now)

    def _beat(self) -> Beat:
        rooms: dict[str, tuple[int, int]] = {}
        for _ in range(min(len(self._news), ROOMS_PER_BEAT // 2)):
            room, beats = self._news.popitem(last=False)
            seats = self._seats.get(room)
            if seats is None:
                continue
            rooms[room] = (len(seats), seats.version)
            if beats > 1:
                self._news[room] = beats - 1
            elif len(seats) == 0 and not seats.pending():
                self._retire(seats)
        for _ in range(min(len(self._turns), ROOMS_PER_BEAT - len(rooms))):
            room, _none = self._turns.popitem(last=False)
            self._turns[room] = None
            seats = self._seats[room]
            rooms[room] = (len(seats), seats.version)
        return Beat(self.node, rooms, len(self._seats))

    def _on_ask(self, ask: Ask, now: float) -> None:
        if ask.of is not None and ask.of != self.node:
            return
        seats = self._seats.get(ask.room)
        if seats is not None:
            seats.asked = True
            self._tell_soon(seats, now)
        elif ask.of is not None and ask.room in self._watched:
            self._wakes.at(("deny", ask.room), now)

    # ---- what follows from a change ------------------------------------------------------------

    def _changed(self, seats: Seats, view: View, now: float) -> None:
        """Somebody here came, went or was called away: tell the members here and the other nodes."""
        self._wake_lingering(seats)
        self._show_later(view, now)
        if len(seats) == 0 and not self._healthy and len(self._seats) > MAX_ROOMS:
            self._retire(seats)  # the others find out by its silence
        else:
            self._tell_soon(seats, now)

    def _show_later(self, view: View, now: float) -> None:
        if view.pending:
            self._wakes.at(("show", view.room), view.pace.due(now, view.count))

    def _tell_soon(self, seats: Seats, now: float) -> None:
        gap = interval(self._settle_s * _SHORTEST_SENDS, len(seats))
        self._wakes.at(("tell", seats.room), max(now, seats.told_at + gap))

    def _wake_lingering(self, seats: Seats) -> None:
        until = seats.lingers_until()
        if until is not None:
            self._wakes.at(("linger", seats.room), until)

    def _view(self, room: str) -> View:
        view = self._views.get(room)
        if view is None:
            view = self._views[room] = View(room, Pace(self._settle_s), self._crowd)
        return view

    def _retire(self, seats: Seats) -> None:
        """A room that was left by all, and of which the other nodes know."""
        del self._seats[seats.room]
        self._turns.pop(seats.room, None)
        self._version = max(self._version, seats.version)
        self._tidy(seats.room)

    def _tidy(self, room: str) -> None:
        if room not in self._seats and room not in self._watched:
            self._views.pop(room, None)
            self._wakes.drop(("show", room))
