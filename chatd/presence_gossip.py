"""The shell around `presence.replica`: gives it a clock, carries its messages, shows its changes.

The replica decides who is here; this file sends what it wants sent over the bus, turns what it
wants shown into `presence` frames through the hub, and wakes it when it asked to be woken.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from chatd import wire
from chatd.bus import Bus
from chatd.envelopes import NODES_CHANNEL, PresenceMessage, SeatWish, TypingHint, Wish, pack
from chatd.hub import Hub, room_channel
from chatd.metrics import Metrics
from chatd.sink import Format
from chatd.spawn import Tasks
from presence.messages import Beat, Gone
from presence.replica import Effect, Replica, Send
from presence.roster import Member, Roster

SLACK_S: Final = 0.005
"""A timer this close to the wanted moment is not set anew."""
MAX_ROSTERS: Final = 1_000
"""Encoded rosters kept for those who come at the same time."""


class PresenceGossip:
    """Who is in which room, as this node knows it. `clock` is monotonic, in seconds."""

    def __init__(
        self, replica: Replica, *, bus: Bus, metrics: Metrics, tasks: Tasks, clock: Callable[[], float]
    ) -> None:
        self._replica = replica
        self._bus = bus
        self._metrics = metrics
        self._clock = clock
        self._guarded_tick = tasks.guard(self._tick)
        self._hub: Hub | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = 0.0
        """Loop time. Kept here: what uvloop gives for a moment that has come already has no `when()`."""
        self._rosters: dict[tuple[str, Format], tuple[Roster, msgspec.Raw]] = {}
        self._leaving = False

    def attach(self, hub: Hub) -> None:
        """Where changes are shown. The hub needs `watch` and `unwatch` of this, so it comes second."""
        self._hub = hub

    # ---- what happens on this node -------------------------------------------------------------

    def enter(self, room: str, handle: str, role: str | None) -> None:
        self._replica.enter(room, handle, role, self._clock())
        self._wake()

    def leave(self, room: str, handle: str, *, at_once: bool) -> None:
        if self._leaving:
            return  # the node goes, not the person: `say_gone` speaks for all of them
        self._replica.leave(room, handle, self._clock(), at_once=at_once)
        self._wake()

    def set_away(self, room: str, handle: str, away: bool) -> None:
        self._replica.set_away(room, handle, away, self._clock())
        self._wake()

    def pass_on(self, room: str, handle: str, wish: Wish) -> None:
        """Tell the other nodes what `handle` asked of their seat: one of them may hold it."""
        self._bus.publish(room_channel(room), pack(SeatWish(self._replica.node, room, handle, wish)))

    def typing(self, room: str, handle: str) -> None:
        """`handle` is writing: shown here at once, elsewhere through the bus, kept nowhere."""
        self.heard_typing(room, handle)
        self._bus.publish(room_channel(room), pack(TypingHint(self._replica.node, room, handle)))

    def heard_typing(self, room: str, handle: str) -> None:
        if self._hub is not None:
            self._hub.hint(room, wire.TypingBy(room=room, handle=handle))
            self._metrics.typing_frames += 1

    def watch(self, room: str) -> None:
        self._replica.watch(room, self._clock())
        self._wake()

    def unwatch(self, room: str) -> None:
        self._replica.unwatch(room)
        self._rosters = {key: kept for key, kept in self._rosters.items() if key[0] != room}

    # ---- what other nodes say ------------------------------------------------------------------

    def heard(self, message: PresenceMessage) -> None:
        self._replica.receive(message, self._clock())
        self._wake()

    def bus_health(self, healthy: bool) -> None:
        self._replica.bus_health(healthy, self._clock())
        self._wake()

    def begin_leaving(self) -> None:
        """The node drains: from now on a closed connection is somebody on their way to another node."""
        self._leaving = True

    def say_gone(self) -> None:
        """This node stops in good order: others give its people time to come back without a leave."""
        for effect in self._replica.close():
            self._act(effect)

    # ---- what it looks like --------------------------------------------------------------------

    def roster(self, room: str, handle: str, format_: Format) -> tuple[msgspec.Raw, int]:
        """The roster for `handle`, who has just come in, encoded, and the number of people."""
        roster = self._replica.roster(room, handle)
        kept = self._rosters.get((room, format_))
        if kept is None or kept[0] is not roster:
            if len(self._rosters) >= MAX_ROSTERS:
                self._rosters.clear()
            raw = msgspec.Raw(format_.encode(roster.members))
            kept = self._rosters[room, format_] = (roster, raw)
        return kept[1], roster.count

    def has_place(self, room: str, handle: str, capacity: int) -> bool:
        """Whether `handle` may be in the room with at most `capacity` people in it. As this node knows
        it: within one moment, several nodes may each let the last one in."""
        return self._replica.count(room) < capacity or self._replica.holds(room, handle)

    def people(self, room: str) -> tuple[Member, ...]:
        """Who is in the room, over all nodes; nobody where it is not live here, or a crowd."""
        return self._replica.roster(room).members

    def is_here(self, room: str, handle: str) -> bool:
        """Whether `handle` is in the room, on any node, those who may yet come back included."""
        return self._replica.holds(room, handle)

    def counts(self) -> Mapping[str, int]:
        """People per room, over all nodes."""
        return self._replica.counts()

    # ---- time ----------------------------------------------------------------------------------

    def stop(self) -> None:
        """Nothing happens by itself any more."""
        self._leaving = True
        self._cancel()

    def _cancel(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _wake(self) -> None:
        """Have `_tick` called when the replica has something to do."""
        wait_s = self._replica.next_tick_in(self._clock())
        if wait_s is None:
            self._cancel()
            return
        loop = asyncio.get_running_loop()
        at = loop.time() + wait_s
        if self._timer is None or self._timer_at > at + SLACK_S:
            self._cancel()
            self._timer = loop.call_at(at, self._guarded_tick)
            self._timer_at = at

    def _tick(self) -> None:
        self._timer = None
        for effect in self._replica.tick(self._clock()):
            self._act(effect)
        self._wake()

    def _act(self, effect: Effect) -> None:
        if isinstance(effect, Send):
            message = effect.message
            channel = NODES_CHANNEL if isinstance(message, Beat | Gone) else room_channel(message.room)
            self._bus.publish(channel, pack(message))
        elif self._hub is not None:
            self._hub.hint(
                effect.room,
                wire.Presence(
                    room=effect.room,
                    joined=list(effect.joined),
                    left=list(effect.left),
                    away=list(effect.away),
                    back=list(effect.back),
                    count=effect.count,
                ),
            )
            self._metrics.presence_frames += 1
