"""A node: one process's worth of chatd, put together. The only file that knows all the parts.

transports -> gateway -> log
                 |        |
              presence   hub <- bus <-> other nodes
"""

import asyncio
import random
import secrets
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Final

import msgspec

from chatd import logs, wire
from chatd.bus import Bus
from chatd.bus_memory import MemoryBus, ignore_health, ignore_message
from chatd.door import Door
from chatd.envelopes import NODES_CHANNEL, Heads, Placed, SeatWish, TypingHint, pack, unpack
from chatd.epochs.endings import Endings
from chatd.epochs.keystores import open_kept
from chatd.epochs.local_zone import periods
from chatd.epochs.renewals import Renewals
from chatd.epochs.wiping import Wiping
from chatd.gateway import Gateway
from chatd.handshake import DoorSettings
from chatd.hub import Hub, room_channel
from chatd.identity import Identities
from chatd.links import Links
from chatd.live_room import LiveRoom
from chatd.metrics import Metrics
from chatd.passes.desk import PassDesk
from chatd.presence_gossip import PresenceGossip
from chatd.seats import Seats
from chatd.sessions.afterwards import Afterwards
from chatd.sessions.clockwork import SessionClockwork
from chatd.sessions.debriefs import Debriefs
from chatd.sessions.endings import SessionEndings
from chatd.sessions.presence import SessionPresence
from chatd.settings import Settings, load_secret
from chatd.sign_in.cookies import SignIns
from chatd.sink import Sink
from chatd.sockets import Sockets
from chatd.spawn import Tasks
from chatd.steady import SteadyClock
from chatd.tickets import Why, open_tickets
from chatd.visitors import Visitors
from chatd.wire import CloseCode
from presence.replica import Replica
from rooms.catalog import HISTORY_S, Catalog, RoomSpec
from rooms.events import AnyEvent
from rooms.keystore import KEYS_OVERDUE_S, key_name
from rooms.log import Head, Log, LogError
from rooms.periods import kept_s
from rooms.series import SeriesStore
from rooms.store_sql import Store

if TYPE_CHECKING:
    from chatd.sign_in.flow import Oidc

_log = logs.get("node")

TICK_S: Final = 1.0
COMPARE_S: Final = 2.0
"""How often every live room is held against the log although the bus works: it may lose."""
COMPARE_WITHOUT_BUS_S: Final = 0.25
"""The same while the bus is away and the log is the only way from node to node."""
HEADS_FOR_S: Final = 5.0
"""How long after its last event a room's head travels with the heartbeat."""
MAX_HEADS: Final = 500
"""Rooms in one message of heads."""
EPOCH_KEYS_S: Final = 10.0
"""How often the store of keys hears which ones are in use."""
KEYS_S: Final = 5.0
"""How often the issuers' key files are looked at."""
TRIM_S: Final = 600.0
"""How often what is older than its room keeps is removed from the log."""
TRIM_LATE_S: Final = 3600
"""So long after one time that all rooms were trimmed the next one is late."""
TRIMMED: Final = " what is older than its room keeps"
"""What waits to be erased by then. No room is called so."""
TRIM_ROOMS: Final = 100
"""Rooms asked for at a time while trimming."""
GOODBYE: Final = "the server restarts; come back with your seat"
GOODBYE_S: Final = 0.05
"""How often a drain sends the next goodbyes."""
BREAK_ROOM: Final = RoomSpec(name="break-room", title="The break room", kind="drop-in", open=True)
"""What a new server has, so that the first who comes is not before an empty lobby."""


def door_settings(settings: Settings) -> DoorSettings:
    """The bounds of the WebSocket doors. Where the public address is known, it alone counts as ours:
    the Host header can be anybody's (DNS rebinding)."""
    own = {settings.public_url.rstrip("/").lower()} if settings.public_url else set()
    return DoorSettings(
        origins=frozenset(own | {origin.lower() for origin in settings.origins}),
        same_origin=not own,
        max_buffer_bytes=settings.max_buffer_bytes,
        ping_interval_s=settings.ping_interval_s,
        comment_interval_s=settings.stream_comment_s,
        pong_timeout_s=min(settings.ping_timeout_s, settings.ping_interval_s),
        handshake_timeout_s=settings.handshake_timeout_s,
        max_connections=settings.max_connections,
    )


def own_door(settings: Settings) -> DoorSettings:
    """The same for this server's own pages alone."""
    return door_settings(msgspec.structs.replace(settings, origins=()))


class Health(msgspec.Struct, frozen=True):
    """`ready`: people can be let in. `degraded`: what works worse than it should."""

    ready: bool
    degraded: list[str]


class Node:
    """Everything one process runs. `start`, then connections come through `gateway`, then `drain`, `stop`.

    `name` tells this node from the others on the bus; random, it says nothing about the machine.
    `store` and `bus` are what `settings` name, unless given. `clock` is monotonic; `wall` says Unix seconds,
    for what happens at a time of day: `at` of an event, a session's phases.
    `on_crash` is called when a part died that the node cannot live without.
    `passes_for` are the rooms that staff passes are given for, where the catalog does not say it.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        metrics: Metrics | None = None,
        name: str | None = None,
        store: Store | None = None,
        bus: Bus | None = None,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] | None = None,
        on_crash: Callable[[BaseException], None] | None = None,
        passes_for: Collection[str] | None = None,
    ) -> None:
        self.settings = settings
        self._passes_for = passes_for
        self.metrics = metrics if metrics is not None else Metrics()
        self.name = name or secrets.token_hex(4)
        self._clock = clock
        self.wall: Callable[[], float] = wall or SteadyClock(time.time, clock)
        self._stamp: Callable[[], float] = wall or time.time
        self._crashed: BaseException | None = None
        self._on_crash = on_crash
        self._tasks = Tasks(on_crash=self._crash)
        self._wiping = Wiping()
        self._ready = False
        self._stopping = False
        self._lively: dict[str, float] = {}
        self._compare_soon = asyncio.Event()
        self.going = asyncio.Event()
        """Set when this node begins to say goodbye."""
        self.probes = self.sends = 0
        """Requests of these kinds that are being answered (`probe.py`, `sending.py`)."""
        self.door = door_settings(settings)
        self.sockets = Sockets(self.door, self.metrics)
        self.bus: Bus = bus if bus is not None else self._make_bus(settings.redis)
        self._store = store
        self.bus.on_message = self._heard
        self.bus.on_health = self._bus_health

    def _make_bus(self, redis: str | None) -> Bus:
        if redis is None:
            return MemoryBus()
        # Only here: who runs one process should not wait for a driver to load at every start.
        from chatd.bus_redis import RedisBus

        return RedisBus(redis, on_crash=self._crash)

    def _make_oidc(self, secret: bytes) -> "Oidc | None":
        if self.settings.oidc_issuer is None:
            return None
        # Only here, for the same reason.
        from chatd.sign_in.flow import Oidc

        return Oidc(self.settings, secret, self.log)

    # ---- life ----------------------------------------------------------------------------------

    async def start(self) -> None:
        """Open the store, join the bus, begin. `LogError`, `SettingsError`: with what to do about it."""
        settings = self.settings
        secret = load_secret(settings)
        self.tickets = open_tickets(settings, secret, self._ticket_refused)
        if self._store is None:
            self._store = await open_kept(settings, clock=self._stamp)
        self.keyed = self._store.keyed()
        self.keyed.on_lost = self._key_lost
        self.log: Log = self.keyed
        self.sign_ins = SignIns(secret, self.log)
        self.identities = Identities(self.tickets, self.sign_ins, self.log, own_door(settings))
        self.oidc = self._make_oidc(secret)
        self.catalog: Catalog = self._store.catalog
        self.series: SeriesStore = self._store.series
        self.afterwards = Afterwards(
            self._store.reports, secret, report_months=settings.report_months, clock=self.wall
        )
        self.debriefs = Debriefs(self.afterwards, secret, months=settings.debrief_months, clock=self.wall)
        self.presence = PresenceGossip(
            Replica(self.name), bus=self.bus, metrics=self.metrics, clock=self._clock, tasks=self._tasks
        )
        self.hub = Hub(
            self.log,
            self.bus,
            self.metrics,
            self._tasks,
            clock=self._clock,
            recover_events=settings.recover_events,
            recover_bytes=settings.max_buffer_bytes // 2,
            on_live=self.presence.watch,
            on_idle=self.presence.unwatch,
            on_erased=self._erased,
            on_opened=self._opened,
            on_changed=self._changed,
        )
        self.presence.attach(self.hub)
        self.endings = Endings(log=self.log, announce=self._announce)
        self.renewals = Renewals(
            log=self.log,
            catalog=self.catalog,
            endings=self.endings,
            periods=periods(settings),
            live=lambda: self.hub.live,
            metrics=self.metrics,
            wall=self.wall,
            clock=self._clock,
        )
        seats = Seats(self.keyed.keyring)
        self.passes = PassDesk(
            settings, self.catalog, wall=self.wall, clock=self._clock, rooms=self._passes_for
        )
        entrance = Door(
            settings,
            self.catalog,
            self.log,
            seats,
            self.tickets,
            passes=self.passes.believed,
            tasks=self._tasks,
        )
        self.gateway = Gateway(
            settings,
            hub=self.hub,
            door=entrance,
            seats=seats,
            series=self.series,
            log=self.log,
            presence=self.presence,
            renewals=self.renewals,
            metrics=self.metrics,
            tasks=self._tasks,
            clock=self._clock,
            wall=self.wall,
            publish=self._publish,
        )
        self.links = Links(self.gateway, self.sockets, park_s=settings.poll_park_s)
        self.visitors = Visitors(
            settings,
            gateway=self.gateway,
            hub=self.hub,
            presence=self.presence,
            clock=self._clock,
        )
        self.sessions = SessionClockwork(
            log=self.log,
            series=self._store.series,
            reports=self._store.reports,
            endings=SessionEndings(log=self.log, afterwards=self.afterwards, endings=self.endings),
            presence=SessionPresence(
                self.hub, self.presence, bus_healthy=lambda: self.bus.healthy, clock=self._clock
            ),
            submit=self.gateway.commits.submit_own,
            metrics=self.metrics,
            wall=self.wall,
            clock=self._clock,
        )
        await self.bus.start()
        await self.bus.subscribe(NODES_CHANNEL)
        self._tasks.spawn(self.gateway.commits.run(), name="node.commits")
        self._tasks.spawn(entrance.claims.run(), name="node.claims")
        self._tasks.spawn(self._tick(), name="node.tick")
        self._tasks.spawn(self._wiping.run(), name="node.wiping")
        self._tasks.spawn(self._compare(), name="node.compare")
        self._tasks.spawn(self._keep_trimming(), name="node.trim")
        self._tasks.spawn(self._keep_tidy(), name="node.tidy")
        self._tasks.spawn(self.sessions.run(), name="node.sessions")
        self._tasks.spawn(self.renewals.run(), name="node.renewals")
        self._tasks.spawn(self._keep_epoch_keys(), name="node.epoch_keys")
        self._tasks.spawn(self.passes.run(), name="node.passes")
        if settings.ticket_issuers:
            self._tasks.spawn(self._keep_keys(), name="node.keys")
        self.sockets.start(asyncio.get_running_loop())
        self.metrics.bus_healthy.set(self.bus.healthy)
        self.metrics.log_healthy.set(1)
        self._ready = True

    async def drain(self, within_s: float) -> None:
        """Say goodbye to everybody, spread over `within_s`, and wait until what was sent is on disk.

        Each client is told when to come back, in the same random order in which it is let go, so
        that those who reconnect do not come all at once.
        """
        self._ready = False
        self.going.set()
        sinks = list(self.gateway.connections)
        random.shuffle(sinks)
        begun = self._clock()
        goodbyes = [(within_s * (index + 1) / len(sinks), sink) for index, sink in enumerate(sinks)]
        for after_s, sink in goodbyes:
            self.hub.reply(sink, wire.Going(reconnect_in_s=round(after_s, 2)))
        self.hub.flush()
        self.presence.begin_leaving()
        try:
            for after_s, sink in goodbyes:
                if (wait_s := begun + after_s - self._clock()) > GOODBYE_S:
                    await asyncio.sleep(wait_s)
                sink.close(CloseCode.GOING, GOODBYE)
            await self.gateway.commits.drained()
            for sink in list(self.gateway.connections):
                sink.close(CloseCode.GOING, GOODBYE)
        finally:
            # Also where the log hangs and we are told to stop waiting: or others would see a storm of leaves.
            self.presence.say_gone()

    async def stop(self) -> None:
        """End everything, in the order that loses nothing. Idempotent."""
        if self._stopping:
            return
        self._stopping = True
        self._ready = False
        # What still comes from the bus finds nobody who could act on it.
        self.bus.on_message, self.bus.on_health = ignore_message, ignore_health
        self.hub.stop()
        self.sockets.stop()
        self.presence.stop()
        await self._tasks.close()
        await self.bus.stop()
        if self._store is not None:
            await self._store.close()
        await self.passes.close()
        self.sockets.abort()

    def _crash(self, error: BaseException) -> None:
        self._crashed = error
        self._ready = False
        if self._on_crash is not None:
            self._on_crash(error)

    # ---- what others ask -----------------------------------------------------------------------

    def health(self) -> Health:
        degraded = []
        if not self.bus.healthy:
            degraded.append("bus")
        if not self.metrics.log_healthy.value:
            degraded.append("log")
        if self._ready and self.passes.trouble:
            degraded.append("passes")
        return Health(ready=self._ready, degraded=degraded)

    def counts(self) -> Mapping[str, int]:
        """People per room, over all nodes; for the lobby's bands."""
        return self.presence.counts()

    # ---- the bus -------------------------------------------------------------------------------

    def _publish(self, room: str, epoch: str, events: Sequence[AnyEvent]) -> None:
        if self.settings.redis:
            self._lively[room] = self._clock()
            self.bus.publish(
                room_channel(room), pack(Placed(self.name, room, epoch, time.time(), list(events)))
            )

    def _announce(self, room: str, head: Head) -> None:
        """Tell this node and the others where a room stands that was erased: whoever is in it is let go."""
        self._wiping.soon()
        self.hub.heard_head(room, head.epoch, head.head)
        self.bus.publish(NODES_CHANNEL, pack(Heads(self.name, {room: (head.epoch, head.head)})))

    def _heard(self, channel: str, payload: bytes) -> None:
        envelope = unpack(payload)
        if envelope is None or envelope.node == self.name:
            return
        if isinstance(envelope, Placed):
            self.hub.offer(envelope.room, envelope.epoch, envelope.events)
            self.metrics.bus_lag_seconds.observe(max(0.0, time.time() - envelope.at))
        elif isinstance(envelope, TypingHint):
            self.presence.heard_typing(envelope.room, envelope.handle)
        elif isinstance(envelope, SeatWish):
            self.visitors.heard(envelope.room, envelope.handle, envelope.wish)
        elif isinstance(envelope, Heads):
            for room, (epoch, head) in envelope.heads.items():
                self.hub.heard_head(room, epoch, head)
        else:
            self.presence.heard(envelope)

    def _bus_health(self, healthy: bool) -> None:
        self.metrics.bus_healthy.set(healthy)
        self.presence.bus_health(healthy)
        if self._ready:
            _log.warning("bus_back" if healthy else "bus_away")
        # Either way at once: what was lost on the way down is as good as what was missed until now.
        self._compare_soon.set()

    def _opened(self, live: LiveRoom) -> None:
        self.gateway.news.opened(live)

    def _changed(self, live: LiveRoom, events: Sequence[AnyEvent], moved: bool) -> None:
        self.gateway.news.changed(live, events, moved)

    def _erased(self, room: str, sinks: Sequence[Sink]) -> None:
        self._wiping.soon()
        self.gateway.expel(room, sinks)
        self.visitors.expel(room)

    # ---- time ----------------------------------------------------------------------------------

    async def _tick(self) -> None:
        dropped = 0
        while True:
            await asyncio.sleep(TICK_S)
            self.gateway.sweep()
            self.links.sweep()
            self.hub.close_empty()
            self.metrics.rooms.set(len(self.hub.live))
            self.metrics.members.set(sum(live.members for live in self.hub.live.values()))
            self.metrics.queue.set(len(self.gateway.commits))
            self.metrics.bus_dropped.add(self.bus.dropped - dropped)
            dropped = self.bus.dropped
            self._send_heads()
            if not self.metrics.log_healthy.value:
                await self._try_log()

    async def _try_log(self) -> None:
        """The log failed: see whether it takes something again, before somebody's post has to find out."""
        try:
            await self.log.spend(secrets.token_bytes(16), int(time.time()))
        except LogError:
            return
        self.metrics.log_healthy.set(1)

    def _send_heads(self) -> None:
        if not self.settings.redis or not self._lively:
            return
        since = self._clock() - HEADS_FOR_S
        self._lively = {room: at for room, at in self._lively.items() if at > since}
        heads = {
            room: (live.state.epoch, live.head)
            for room in self._lively
            if (live := self.hub.live.get(room)) is not None
        }
        rooms = list(heads)
        for start in range(0, len(rooms), MAX_HEADS):
            part = {room: heads[room] for room in rooms[start : start + MAX_HEADS]}
            self.bus.publish(NODES_CHANNEL, pack(Heads(self.name, part)))

    async def _compare(self) -> None:
        """What the bus lost, or cannot carry just now, comes from the log. One process needs none of it."""
        while self.settings.redis:
            with suppress(TimeoutError):
                async with asyncio.timeout(COMPARE_S if self.bus.healthy else COMPARE_WITHOUT_BUS_S):
                    await self._compare_soon.wait()
            self._compare_soon.clear()
            await self.hub.compare_with_log()

    def _ticket_refused(self, why: Why) -> None:
        self.metrics.tickets_refused[why].add()

    async def _keep_keys(self) -> None:
        """Read the issuers' key files when they change: keys are renewed without a restart."""
        while True:
            await asyncio.sleep(KEYS_S)
            for issuer, problem in await asyncio.to_thread(self.tickets.refresh):
                if problem is None:
                    _log.info("ticket_keys_read", issuer=issuer)
                else:
                    _log.error("ticket_keys_unusable", issuer=issuer)

    async def _keep_epoch_keys(self) -> None:
        """Say that the epochs live whose keys are in use here; let go of keys that another node destroyed."""
        while True:
            await asyncio.sleep(EPOCH_KEYS_S)
            try:
                await self.keyed.keyring.keep()
            except LogError:
                _log.warning("epoch_keys_away")

    def _key_lost(self) -> None:
        """What was said there is gone with it; whoever was in the room begins anew."""
        self.metrics.keys_lost += 1
        _log.error("epoch_key_lost")

    async def _keep_trimming(self) -> None:
        while True:
            try:
                await self.trim()
            except LogError:
                _log.warning("trim_failed")
            await asyncio.sleep(TRIM_S)

    async def _keep_tidy(self) -> None:
        """Months are made and old reports let go; not at once, so that what was missed is caught up first."""
        while True:
            await asyncio.sleep(TRIM_S)
            try:
                await self.afterwards.tidy()
            except LogError:
                _log.warning("tidy_failed")

    async def trim(self) -> None:
        """Forget what is older than its room keeps, in the catalog or not, and what an erasure left that a
        crash cut short: rows without a key, and keys without an epoch. `LogError`."""
        kept = {spec.name: kept_s(spec) for spec in await self.catalog.list()}
        now, after = int(self.wall()), ""
        failed: LogError | None = None
        while names := await self.log.rooms(after, TRIM_ROOMS):
            for name in names:
                try:
                    await self._trim(name, now - kept.get(name, HISTORY_S["drop-in"]))
                except LogError as error:  # the others are not to wait for one that cannot be read
                    failed = error
            after = names[-1]
        if failed is not None:
            raise failed
        await self.keyed.prune(int(time.time()))
        self.endings.waits(TRIMMED, int(self.wall()) + TRIM_LATE_S)
        keys = await self.keyed.keyring.store.every()
        self.metrics.keys.set(len(keys))
        names_living = {key_name(*epoch) for epoch in await self.keyed.living()}
        late = int(time.time()) - KEYS_OVERDUE_S
        self.metrics.keys_overdue.set(
            sum(each.name not in names_living and each.made_at < late for each in keys)
        )

    async def _trim(self, room: str, before: int) -> None:
        await self.keyed.mend(room)
        await self.log.trim(room, before)
        if (live := self.hub.live.get(room)) is not None:
            live.forget_before(before)
