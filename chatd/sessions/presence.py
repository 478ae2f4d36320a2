"""Who is in the rooms of the sessions that run, on any node: what the clockwork tells the pure clock.

    facts = present.of(room, session, now)      people here, and since when somebody is missing
    for line in present.deserted(room)          private words whose facilitator is gone

A node knows by name who is in a room only while that room is live there, so it keeps those rooms live. What
it has just begun to watch, and what it saw before the bus went away, it does not take for somebody's
absence. Touches the hub and presence; keeps for how long somebody has been missing, and nothing else.
"""

from collections.abc import Callable, Iterable

from chatd.hub import Hub
from chatd.live_room import LiveRoom
from chatd.presence_gossip import PresenceGossip
from presence.roster import FACILITATOR
from rooms.children import prefix
from rooms.log import LogCorrupt
from rooms.session import Session
from rooms.session_clock import UNATTENDED_S, Facts


class _Watch:
    """One room. Times are of the monotonic clock: a person is not missing for longer because it was set."""

    __slots__ = ("alone_since", "deserted", "missing")

    def __init__(self) -> None:
        self.alone_since: float | None = None
        """Since when no facilitator is here."""
        self.missing: dict[str, float] = {}
        """Members who are not here, and since when."""
        self.deserted: dict[str, float] = {}
        """Lines in which somebody is alone in a private word, and since when."""


class SessionPresence:
    """`bus_healthy()` says whether what is known of other nodes is news. `clock` is monotonic, in seconds."""

    def __init__(
        self,
        hub: Hub,
        presence: PresenceGossip,
        *,
        bus_healthy: Callable[[], bool],
        clock: Callable[[], float],
    ) -> None:
        self._hub = hub
        self._presence = presence
        self._bus_healthy = bus_healthy
        self._clock = clock
        self._watches: dict[str, _Watch] = {}
        self._blind: set[str] = set()
        """Those among them that cannot be read, and so are not live here."""

    async def watch(self, rooms: Iterable[str]) -> None:
        """Watch these rooms from now on, and no others. `LogError`."""
        wanted = set(rooms)
        for room in self._watches.keys() - wanted:
            del self._watches[room]
        for room in sorted(wanted - self._watches.keys()):
            self._watches[room] = _Watch()
        self._blind.clear()
        for room in sorted(wanted):
            try:
                await self._hub.open(room)  # said again every second, it stays live
            except LogCorrupt:
                self._blind.add(room)  # its clock goes on all the same, and so do the others

    def of(self, room: str, session: Session, now: int, watched_since: int) -> Facts:
        """What there is to know of a room that is watched. Call it about once a second."""
        watch, clock = self._watches[room], self._clock()
        people = self._presence.people(room)
        facilitators = frozenset(each.handle for each in people if each.role == FACILITATOR)
        present = frozenset(each.handle for each in people) - facilitators
        if not self._bus_healthy() or room in self._blind:
            # Who comes on another node is not heard of: nobody is absent just because of that.
            watch.alone_since, watch.missing = None, {}
        else:
            if facilitators:
                watch.alone_since = None
            elif watch.alone_since is None:
                watch.alone_since = clock
            missing = [handle for handle in session.members if handle not in present]
            watch.missing = {handle: watch.missing.get(handle, clock) for handle in missing}
        alone_since = watch.alone_since
        return Facts(
            present=present,
            facilitators=facilitators,
            facilitator_gone_at=None if alone_since is None else now - int(clock - alone_since),
            gone={handle: now - int(clock - since) for handle, since in watch.missing.items()},
            watched_since=watched_since,
        )

    def deserted(self, room: str) -> list[LiveRoom]:
        """The lines, live here, in which a private word goes on though its facilitator has been gone from the
        session for a minute: nobody else could come to whoever is alone there. Call it as `of`."""
        watch, clock = self._watches.get(room), self._clock()
        if watch is None:
            return []
        here = {each.handle for each in self._presence.people(room) if each.role == FACILITATOR}
        lines = [live for name, live in self._hub.live.items() if name.startswith(prefix(room))]
        alone: dict[str, float] = {}
        for live in lines if self._bus_healthy() and room not in self._blind else ():
            word = live.state.rules.word
            if word is not None and word.accepted and word.by not in here:
                alone[live.name] = watch.deserted.get(live.name, clock)
        watch.deserted = alone
        return [live for live in lines if clock - alone.get(live.name, clock) >= UNATTENDED_S]
