"""The bus over one Redis or Valkey server: PUBLISH and SUBSCRIBE, and a dead-man that is our own.

Touches the network and the event loop, by three tasks. `Publisher.run` sends what is queued on one
connection. `_receive` keeps the other: connect, subscribe to everything wanted, read; and from the
start again when it breaks. `_watch` publishes a pulse five times a second, which comes back through
the subscription: that, and nothing less, proves both connections.

**Silence.** A server that is frozen or half open shows no error, only silence: no pulse for
`SILENCE_S`. But a node whose own event loop was busy has not listened, and must not take that for
silence; hence `AttentiveClock`. A node at its limit notices a dead server later for it. One that
takes a live server for dead, and makes everybody read the log, would do more harm.

Nothing is retried: what a broken connection held is counted in `dropped`, and the log repairs.
"""

import asyncio
import secrets
import time
from collections.abc import Callable
from typing import Final

from chatd import logs
from chatd.bus_memory import MAX_QUEUED, ignore_health, ignore_message
from chatd.link_redis import Link, LinkLost, Refused, Server, command
from chatd.publisher_redis import Publisher, pause_s
from chatd.redis_keys import NAMESPACE, bus_channel, pulse_channel
from chatd.spawn import Tasks

PULSE_EVERY_S: Final = 0.2
SILENCE_S: Final = 0.5
TICK_S: Final = 0.05
FLUSH_S: Final = 0.5
"""How long `stop` waits for what is still queued."""
FIRST_TRY_S: Final = 1.0
"""How long `start` waits for the first attempt to end, well or badly."""
_PULSES_KEPT: Final = 16

_log = logs.get("bus")


class AttentiveClock:
    """Seconds in which the event loop was there to listen.

    Advanced by a task that wakes every `TICK_S`. A tick that came on time counts in full; one that
    took `n` times as long counts for a `n`-th of a tick, because nothing was read meanwhile. So a
    second of blocked loop counts 2.5 ms, and a loop that is late all the time runs a slow clock.
    """

    def __init__(self) -> None:
        self.now_s = 0.0

    def ticked(self, elapsed_s: float) -> None:
        self.now_s += TICK_S if elapsed_s <= TICK_S else TICK_S * TICK_S / elapsed_s


class RedisBus:
    """See `chatd.bus.Bus`. One life: after `stop` make a new one.

    `lag_s` is how long the last pulse took there and back; `trouble` is the class of the last
    failure, empty while healthy; `dropped` counts messages published here that were not sent.
    """

    def __init__(
        self,
        url: str,
        *,
        on_crash: Callable[[BaseException], None],
        namespace: str = NAMESPACE,
        max_queued: int = MAX_QUEUED,
    ) -> None:
        """`ValueError` for a URL that cannot work. `on_crash`: see `chatd.spawn.Tasks`."""
        self.healthy = False
        self.on_message: Callable[[str, bytes], None] = ignore_message
        self.on_health: Callable[[bool], None] = ignore_health
        self.lag_s = 0.0
        self.trouble = "NotStarted"
        self._server = Server(url)
        self._namespace = namespace
        self._on_crash = on_crash
        self._tasks = Tasks(on_crash=self._crashed)
        self._clock = AttentiveClock()
        self._publisher = Publisher(self._server, clock=lambda: self._clock.now_s, max_queued=max_queued)
        self._running = False
        self._tried = asyncio.Event()

        self._link: Link | None = None
        self._failures = 0
        """Attempts since the bus was last healthy."""
        self._wanted: dict[bytes, str] = {}
        """Redis channel -> our channel."""
        self._unanswered: dict[bytes, int] = {}
        """Redis channel -> how many SUBSCRIBE and UNSUBSCRIBE are under way."""
        self._standing: dict[bytes, asyncio.Event] = {}
        """What those wait for who wait in `subscribe`."""

        self._pulse_channel = pulse_channel(secrets.token_hex(8), namespace=namespace).encode()
        self._pulses_sent = 0
        self._pulses: dict[bytes, float] = {}
        """Payload -> when it was sent, of those not heard yet."""
        self._heard_s = 0.0
        """When a pulse was last heard, or the connection made; by `_clock`."""
        self._pulse_heard = False
        """On this connection."""

    @property
    def dropped(self) -> int:
        return self._publisher.dropped

    async def start(self) -> None:
        self._running = True
        self._tasks.spawn(self._publisher.run(), name="bus.publish")
        self._tasks.spawn(self._receive(), name="bus.receive")
        self._tasks.spawn(self._watch(), name="bus.watch")
        await _within(FIRST_TRY_S, self._tried)

    async def subscribe(self, channel: str) -> None:
        name = bus_channel(channel, namespace=self._namespace).encode()
        if name not in self._wanted:
            self._wanted[name] = channel
            self._ask("SUBSCRIBE", [name])
        if self.healthy and name in self._unanswered:
            await self._standing.setdefault(name, asyncio.Event()).wait()

    def unsubscribe(self, channel: str) -> None:
        name = bus_channel(channel, namespace=self._namespace).encode()
        if self._wanted.pop(name, None) is not None:
            self._ask("UNSUBSCRIBE", [name])

    def publish(self, channel: str, payload: bytes) -> None:
        if self._running:
            self._publisher.publish(bus_channel(channel, namespace=self._namespace).encode(), payload)
        else:
            self._publisher.dropped += 1

    async def stop(self) -> None:
        """Sends what is queued if the server is there, ends everything, then calls nothing more."""
        if self.healthy:
            await _within(FLUSH_S, self._publisher.empty)
        self._running = self.healthy = False
        self.trouble = "Stopped"
        await self._tasks.close()
        self._release()

    # ---- the subscription connection ----------------------------------------------------------

    async def _receive(self) -> None:
        while True:
            try:
                self._link = await self._server.connect("chatd-bus-sub")
                self._begin()
                await self._read(self._link)
            except (LinkLost, Refused) as error:
                self._down(str(error))
            finally:
                if self._link is not None:
                    self._link.cut()
                    self._link = None
            await asyncio.sleep(pause_s(self._failures))
            self._failures += 1

    def _begin(self) -> None:
        """A new connection stands: ask for everything again, the pulse first."""
        self._heard_s = self._clock.now_s
        self._pulse_heard = False
        self._pulses.clear()
        self._unanswered.clear()
        self._ask("SUBSCRIBE", [self._pulse_channel, *self._wanted])
        self._publisher.hurry()

    async def _read(self, link: Link) -> None:
        while True:
            reply = await link.read()
            if not isinstance(reply, list) or len(reply) != 3:
                raise LinkLost("UnexpectedReply")
            kind, name, payload = reply
            if kind == b"message":
                channel = self._wanted.get(name)
                if channel is not None:
                    self.on_message(channel, payload)
                elif name == self._pulse_channel:
                    self._pulse_back(payload)
            elif kind in (b"subscribe", b"unsubscribe"):
                self._answered(name)

    def _ask(self, verb: str, names: list[bytes]) -> None:
        """Change subscriptions. The answers are counted, because a channel may be left and wanted
        again while answers are on their way: it stands with the last of them, not with the first.
        """
        if self._link is None:
            return
        for name in names:
            self._unanswered[name] = self._unanswered.get(name, 0) + 1
        self._link.write(command(verb, *names))

    def _answered(self, name: bytes) -> None:
        left = self._unanswered.pop(name, 0) - 1
        if left > 0:
            self._unanswered[name] = left
            return
        if (waiting := self._standing.pop(name, None)) is not None:
            waiting.set()
        if name == self._pulse_channel:
            self._pulse()
        self._up_if_all_stands()

    # ---- health -------------------------------------------------------------------------------

    async def _watch(self) -> None:
        before = pulsed_at = time.monotonic()
        while True:
            await asyncio.sleep(TICK_S)
            now = time.monotonic()
            self._clock.ticked(now - before)
            before = now
            if now - pulsed_at >= PULSE_EVERY_S - TICK_S / 2:
                pulsed_at = now
                self._pulse()
            self._publisher.look()
            if self._link is not None and self._clock.now_s - self._heard_s >= SILENCE_S:
                self._down("Silent")
                self._link.cut("Silent")

    def _pulse(self) -> None:
        self._pulses_sent += 1
        payload = b"%d" % self._pulses_sent
        self._pulses[payload] = time.monotonic()
        if len(self._pulses) > _PULSES_KEPT:
            del self._pulses[next(iter(self._pulses))]
        self._publisher.publish_first(self._pulse_channel, payload)

    def _pulse_back(self, payload: bytes) -> None:
        sent_at = self._pulses.pop(payload, None)
        if sent_at is None:
            return  # From an earlier connection, or not ours.
        self.lag_s = time.monotonic() - sent_at
        self._heard_s = self._clock.now_s
        self._pulse_heard = True
        self._up_if_all_stands()

    def _up_if_all_stands(self) -> None:
        if self.healthy or self._unanswered or not self._pulse_heard:
            return
        self.healthy = True
        self.trouble = ""
        self._failures = 0
        self._tried.set()
        self.on_health(True)

    def _down(self, trouble: str) -> None:
        self._tried.set()
        if self.healthy or self.trouble == "NotStarted":
            _log.warning("bus_link_lost", error=trouble)
        self.trouble = trouble
        self._release()
        if self.healthy:
            self.healthy = False
            self.on_health(False)

    def _release(self) -> None:
        """Who waits in `subscribe` goes on: the channel will stand before `on_health(True)`."""
        for waiting in self._standing.values():
            waiting.set()
        self._standing.clear()

    def _crashed(self, error: BaseException) -> None:
        self._running = False
        self._down("Crashed")
        self._on_crash(error)


async def _within(seconds: float, event: asyncio.Event) -> None:
    """Wait for `event`, but not longer than that; either is fine."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        pass
