"""A rehearsal: a whole facilitated hour at many times its pace, on a server of its own, over the real wire.

    async with stage(template, speed=60) as on:       server, series, people; the lobby is about to open
        report = await on.play(stop_at={"open"}, on_stop=look)

`scripts/rehearse` runs it. The server is the real one, with a clock that runs faster; the people are in
`people.py`. Where it stops, the session's clock stands still, and pages may be opened to look
at it: `Stage.facilitator_url`, `Stage.participant_url`. Touches the network on loopback, and a temporary
folder that goes with it.
"""

import asyncio
import socket
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import msgspec

from chatd.app import create_app
from chatd.checker import Checker, Kept, Verdict
from chatd.client import Event
from chatd.node import Node
from chatd.rehearsal.people import LINES, Facilitator, Participant
from chatd.rehearsal.player import Player, mark_of
from chatd.serve import prepare_rooms
from chatd.server import Server
from chatd.sessions.planning import Planning
from chatd.sessions.templates import NO_FIELDS, templates_of
from chatd.settings import Settings, load_secret
from chatd.tickets import Tickets

ROOM: Final = "rehearsal"
PEOPLE: Final = 8
GUESTS: Final = 4
"""Places for those who look at it through a page."""
START_S: Final = 60.0
PAGE: Final = 200
LOOKS: Final = 2.0
"""Seconds of the session between two looks of the server's clockwork."""
TICKET_S: Final = 12 * 3600


class FastClock:
    """Unix seconds that pass `speed` times as fast as others, from `go_on` until `hold`, and not beyond
    `limit`."""

    def __init__(self, starts_at: float, speed: float) -> None:
        self.speed = speed
        self.limit = float("inf")
        self._base = starts_at
        self._since: float | None = None
        self._going = asyncio.Event()

    def __call__(self) -> float:
        passed = 0.0 if self._since is None else (time.monotonic() - self._since) * self.speed
        return min(self._base + passed, self.limit)

    def hold(self) -> None:
        self._base, self._since = self(), None
        self._going.clear()

    def go_on(self) -> None:
        if self._since is None:
            self._since = time.monotonic()
            self._going.set()

    async def sleep(self, seconds: float) -> None:
        """For so many of its own seconds."""
        until = self() + seconds
        while (left := until - self()) > 0:
            await self._going.wait()
            await asyncio.sleep(min(0.5, max(0.001, left / self.speed)))


@dataclass(frozen=True, slots=True)
class RehearsalReport:
    """`phases`: (phase, part of the agenda, minutes from the planned start), as the facilitator was shown
    them. `refused`: codes with which people were refused, and how often; it belongs to the play. `faults` do
    not."""

    ok: bool
    phases: tuple[tuple[str, str, float], ...]
    verdict: Verdict
    refused: dict[str, int]
    erased: bool
    faults: tuple[str, ...]


OnPhase = Callable[[str, str, float], None]
"""Told (phase, title of the part, minutes from the planned start) when it begins."""
OnStop = Callable[[str], Awaitable[None]]


class Stage:
    """One rehearsal, from the opening of the lobby to the erasure. Made by `stage`."""

    def __init__(self, url: str, node: Node, clock: FastClock, starts_at: int, tickets: Tickets) -> None:
        self.url = url
        self.node = node
        self.clock = clock
        self.starts_at = starts_at
        self.room = ROOM
        self.checker = Checker()
        self.refused: dict[str, int] = {}
        self.faults: list[str] = []
        self.lines: Sequence[str] = LINES
        self._tickets = tickets
        self._seen: dict[tuple[str, int], tuple[str, str]] = {}

    def same(self, epoch: str, event: Event) -> None:
        """Everybody sees the same at one place, but for what only facilitators see."""
        what = (event.kind if event.kind != "restricted" else "moderated", event.handle)
        if self._seen.setdefault((epoch, event.seq), what) != what:
            self.faults.append(f"place {event.seq} is a {what[0]} for one, and not for another")

    def ticket(self) -> str:
        """Another facilitator's."""
        return self._tickets.issue(
            self.room, "facilitator", expires_at=int(max(time.time(), self.clock())) + TICKET_S
        )

    @property
    def facilitator_url(self) -> str:
        """The console, for a page; one more each time."""
        return f"{self.url}/facilitate#ticket={self.ticket()}"

    @property
    def participant_url(self) -> str:
        return f"{self.url}/room/{self.room}"

    async def play(
        self,
        *,
        people: int = PEOPLE,
        stop_at: Collection[str] = (),
        on_stop: OnStop | None = None,
        on_phase: OnPhase = lambda phase, title, minutes: None,
    ) -> RehearsalReport:
        """The whole hour. Stops once in each of `stop_at`, until `on_stop(name)` returns: in mid-phase, and
        at "round", "turn", "poll", "breakouts", "word"."""
        facilitator = Facilitator(self, "facilitator")
        cast: list[Player] = [facilitator, *(Participant(self, f"p{n}", n) for n in range(people))]
        phases: list[tuple[str, str, float]] = []

        def note(phase: str, title: str) -> None:
            minutes = round((self.clock() - self.starts_at) / 60, 1)
            phases.append((phase, title, minutes))
            on_phase(phase, title, minutes)

        facilitator.on_phase = note
        self.clock.go_on()
        async with asyncio.TaskGroup() as group:
            playing = [group.create_task(player.play()) for player in cast]
            stops = group.create_task(self._stops(facilitator, set(stop_at), on_stop))
            await facilitator.closed.wait()
            self.clock.hold()  # and with it the erasure, until all that was said is compared
            stops.cancel()
            if on_stop is not None and "closed" in stop_at:
                await on_stop("closed")
            for player in cast:
                await player.saw_all(facilitator.head)
            await self._read_log(facilitator)
            self.clock.limit = float("inf")
            self.clock.go_on()
            erased = await facilitator.sees_it_erased()
            for task in playing:
                task.cancel()
        verdict = self.checker.verdict()
        ok = verdict.ok and erased and not self.faults
        return RehearsalReport(ok, tuple(phases), verdict, self.refused, erased, tuple(self.faults))

    async def _stops(self, facilitator: Facilitator, stop_at: set[str], on_stop: OnStop | None) -> None:
        while stop_at and on_stop is not None:
            await asyncio.sleep(0.02)
            for name in sorted(stop_at & facilitator.moments(self.clock())):
                stop_at.discard(name)
                self.clock.hold()
                await on_stop(name)
                self.clock.go_on()

    async def _read_log(self, facilitator: Facilitator) -> None:
        """What the log has at the end, through the same door as everybody."""
        room = facilitator.room
        before, more = room.head + 1, True
        while more and before > 1:
            page = await room.older(before, PAGE)
            for event in page.events:
                self.checker.see(Kept(self.room, room.epoch or "", event.seq, mark_of(event)))
            before, more = (page.events[0].seq, page.more) if page.events else (0, False)


@asynccontextmanager
async def stage(
    template: str = "check_in_round", *, speed: float = 60.0, port: int = 0, lines: Sequence[str] = LINES
) -> AsyncIterator[Stage]:
    """A server on loopback, and one session of `template` whose lobby opens as soon as it is played.
    ValueError where there is no such template."""
    if not speed > 0:
        raise ValueError("the speed is a number above 0")
    with tempfile.TemporaryDirectory(prefix="chatd-", ignore_cleanup_errors=True) as folder:
        settings = Settings(
            data=Path(folder), port=0, open=True, drain_s=0.0, post_per_s=0, react_per_s=0, ask_per_s=0
        )
        fields = _fields(template, settings)
        starts_at = (int(time.time()) // 60 + 1) * 60
        clock = FastClock(starts_at - 60 * fields["lobby_minutes"] - 5, speed)
        await prepare_rooms(settings)
        app = create_app(settings, wall=clock)
        listener = socket.create_server(("127.0.0.1", port))
        ready = asyncio.Event()
        server = Server(app, settings, ready.set)
        running = asyncio.create_task(server.serve(sockets=[listener]))
        # Where it ends by itself, by a signal or a fault, nobody is left to play with.
        player = asyncio.current_task()
        assert player is not None

        def stop(_: asyncio.Task[None]) -> None:
            player.cancel()

        running.add_done_callback(stop)
        try:
            async with asyncio.timeout(START_S):
                await ready.wait()
            node: Node = app.state.node
            node.sessions.look_s = max(0.01, LOOKS / speed)
            local = datetime.fromtimestamp(starts_at, UTC).strftime("%Y-%m-%dT%H:%M")
            planning = Planning(node.series, node.catalog, node.log, node.afterwards.reports, clock)
            await planning.add({**fields, "name": ROOM, "starts": local, "timezone": "Etc/UTC"})
            node.sessions.plans_changed()
            url = f"http://127.0.0.1:{listener.getsockname()[1]}"
            on = Stage(url, node, clock, starts_at, Tickets(load_secret(settings)))
            on.lines = lines
            yield on
        except ExceptionGroup:
            if server.should_exit:  # whoever played lost the server: that is no fault of theirs
                raise asyncio.CancelledError from None
            raise
        finally:
            if not running.done():
                running.remove_done_callback(stop)
                server.should_exit = True
            await running
            listener.close()


def _fields(template: str, settings: Settings) -> dict[str, Any]:
    found = {each.name: each for each in templates_of(settings)[0]}
    if template not in found:
        raise ValueError(f"there is no such template; there are {', '.join(sorted(found))}")
    fields: dict[str, Any] = msgspec.to_builtins(found[template])
    return {
        **{name: value for name, value in fields.items() if name not in NO_FIELDS},
        "capacity": min(15, PEOPLE + GUESTS),
        "lobby_minutes": 10,
        "open": True,
        "poll_k": 5,
    }
