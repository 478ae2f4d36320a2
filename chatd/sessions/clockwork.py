"""The clockwork of facilitated sessions: what happens by itself, on every node, about once a second.

    plans    which occurrence is due        -> a new epoch, and the lobby opens
    log      how the running ones stand     -> what the pure clock says is due (`rooms/session_clock.py`)
    the end  closed, and its grace is over  -> the report is kept, then it is erased (`endings.py`)

Every node does all of it, and nobody is in charge. What is to be done is read from the log each time, and
done by drafts that name the epoch and the version they were decided under, with keys made of these: so what
several nodes do at once is done once, and what no node did, because none was there, the first that comes
does. Touches the log, the plans and, through the commits, the rooms.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Final

from chatd import logs
from chatd.epochs.endings import readable_heads
from chatd.metrics import Metrics
from chatd.sessions.endings import SessionEndings
from chatd.sessions.presence import SessionPresence
from chatd.steady import SteadyClock
from rooms.children import belongs
from rooms.events import Rules
from rooms.log import Appended, Draft, Duplicate, Head, Log, LogError, Outcome
from rooms.phases import FINAL
from rooms.reports import Reports
from rooms.series import SeriesStore
from rooms.session import Plan
from rooms.session_apply import draft
from rooms.session_clock import begin, due
from rooms.session_events import PhaseChanged, SessionEvent, WordEnded
from rooms.state import RoomState

_log = logs.get("sessions")

LOOK_S: Final = 1.0
PLANS_S: Final = 5.0
"""How often the plans are read."""
AHEAD_S: Final = 120
"""How far ahead, so that no beginning falls between two readings, however slow the store is."""
SCAN_S: Final = 60.0
"""How often the whole log is looked through for sessions, and for what is left of them: a series may have
been removed, and another server may have restored a backup."""
SCAN_ROOMS: Final = 500
"""Rooms asked for at a time."""
AWAY_S: Final = 5
"""Who has not looked for so long was away: what was due meanwhile is late."""
MAX_STEPS: Final = 50
"""Things that happen in one room at one look. More wait for the next."""


class SessionClockwork:
    """`submit(draft)` puts it into the log and before everybody. `wall` says Unix seconds, `clock` is
    monotonic; a jump that a steady `wall` doubts is said in the server's log."""

    def __init__(
        self,
        *,
        log: Log,
        series: SeriesStore,
        reports: Reports,
        endings: SessionEndings,
        presence: SessionPresence,
        submit: Callable[[Draft], Awaitable[Outcome]],
        metrics: Metrics,
        wall: Callable[[], float],
        clock: Callable[[], float],
    ) -> None:
        self._log = log
        self._series = series
        self._reports = reports
        self._endings = endings
        self._presence = presence
        self._submit = submit
        self._metrics = metrics
        self._wall = wall
        self._clock = clock
        self.look_s = LOOK_S
        """Between two looks. A rehearsal, whose hour takes a minute, looks more often."""
        self._planned: list[tuple[str, str, Plan]] = []
        """(room, occurrence, plan) of what is due soon, or was due a while ago."""
        self._seen: set[tuple[str, str]] = set()
        """Those that have begun, or are over: nothing is to begin."""
        self._rooms: set[str] = set()
        """Rooms that have a session, whatever its phase."""
        self._read_at = self._scanned_at = float("-inf")
        self._looked_at = float("-inf")
        self._watched_since = 0
        self._failing = self._failing_now = False
        self._jumped = False

    async def run(self) -> None:
        """Look, until cancelled. One task for the life of the node."""
        while True:
            await self.look()
            await asyncio.sleep(self.look_s)

    async def look(self) -> None:
        """Do everything that is due. Where the store is away, the rest is done at the next look."""
        now = self._now()
        began_at, self._failing_now = self._clock(), False
        if began_at - self._looked_at > AWAY_S:
            self._watched_since = now
        await self._trying(self._look_up())
        for room, occurrence, plan in self._planned:
            if plan.lobby_at <= now and (room, occurrence) not in self._seen:
                await self._trying(self._begin(room, occurrence, plan, now))
        await self._trying(self._go_on_everywhere(now))
        if not self._failing_now:
            self._looked_at = began_at
        if self._failing_now != self._failing:
            self._failing = self._failing_now
            _log.warning("sessions_wait_for_the_log" if self._failing else "sessions_go_on")

    def _now(self) -> int:
        now = int(self._wall())
        jump_s = self._wall.doubted_s if isinstance(self._wall, SteadyClock) else 0.0
        if bool(jump_s) != self._jumped:
            self._jumped = bool(jump_s)
            if self._jumped:
                _log.warning("clock_jumped", seconds=round(jump_s))
        return now

    async def _trying(self, work: Awaitable[None]) -> None:
        """One room that cannot be read must not keep the others waiting."""
        try:
            await work
        except LogError:
            self._failing_now = True

    def plans_changed(self) -> None:
        """Read the plans at the next look, and not only in a few seconds."""
        self._read_at = float("-inf")

    # ---- what there is ---------------------------------------------------------------------------

    async def _look_up(self) -> None:
        """The plans, and the rooms with sessions; each as often as it is worth. `LogError`."""
        clock = self._clock()
        if clock - self._read_at >= PLANS_S:
            await self._read_plans()
            self._read_at = clock
        if clock - self._scanned_at >= SCAN_S:
            await self._scan()
            self._scanned_at = clock

    async def _read_plans(self) -> None:
        every = await self._series.list()
        if not every:
            self._planned = []
            return
        # Only where something is planned: the calendar's library takes a while to load.
        from rooms.series_dates_ical import due_between

        now = int(self._wall())
        planned: list[tuple[str, str, Plan]] = []
        for series in every:
            planned += [(series.name, *each) for each in due_between(series, now, now + AHEAD_S)]
            await asyncio.sleep(0)  # some milliseconds each, the first time: others have their turn between
        self._planned = planned
        self._planned.sort(key=lambda each: each[2].starts_at)
        self._seen &= {(room, occurrence) for room, occurrence, _ in self._planned}

    async def _scan(self) -> None:
        after = ""
        belonging: list[str] = []
        while names := await self._log.rooms(after, SCAN_ROOMS):
            heads = await self._heads(names)
            self._rooms |= {room for room, head in heads.items() if head.rules.session is not None}
            belonging += filter(belongs, names)
            after = names[-1]
        for room in belonging:
            if room.partition("~")[0] not in self._rooms:
                await self._endings.let_go(room)

    async def _heads(self, rooms: Collection[str]) -> Mapping[str, Head]:
        """The heads of these rooms. One that cannot be read is left out, and looked at again. `LogError`."""
        heads, complete = await readable_heads(self._log, sorted(rooms))
        self._failing_now |= not complete
        return heads

    # ---- what is to be done ----------------------------------------------------------------------

    async def _begin(self, room: str, occurrence: str, plan: Plan, now: int) -> None:
        """Open the lobby, in an epoch of its own, unless this occurrence has begun. `LogError`."""
        head = await self._log.open_room(room)
        before = head.rules.session
        if before is not None and before.occurrence == occurrence:
            self._has_begun(room, occurrence)
            return
        if await self._reports.get(room, occurrence) is not None:
            self._seen.add((room, occurrence))  # it was held, and is erased
            return
        if before is not None and before.phase not in FINAL:
            self._rooms.add(room)  # the one before is still on; it has a hard close
            return
        planned_at = await self._planned_at(room, occurrence, plan)
        if planned_at is None:
            self.plans_changed()
            return
        if before is not None:
            head = await self._endings.end(room, head, before)
        elif head.head:
            head = await self._endings.erase(room, head)
        # What was planned when its time had come already is not late, however short a time we have watched.
        since = self._watched_since if planned_at <= plan.lobby_at else 0
        event, session = begin(room, plan, occurrence, now, since)
        rules = Rules(slow_mode_s=plan.slow_mode_s, session=session)
        outcome = await self._submit(
            Draft(event, head.epoch, head.rules_version, f"clock:{occurrence}", rules=rules)
        )
        if isinstance(outcome, Appended | Duplicate):
            self._has_begun(room, occurrence)
        self._note(outcome, event)

    def _has_begun(self, room: str, occurrence: str) -> None:
        self._rooms.add(room)
        self._seen.add((room, occurrence))

    async def _planned_at(self, room: str, occurrence: str, plan: Plan) -> int | None:
        """When it was planned so; None where it is no longer what it was when the plans were read."""
        from rooms.series_dates_ical import due_between

        series = await self._series.get(room)
        now = int(self._wall())
        if series is None or (occurrence, plan) not in due_between(series, now, now + AHEAD_S):
            return None
        return series.changed_at

    async def _go_on_everywhere(self, now: int) -> None:
        """Whatever is due in every room that has a session. `LogError`."""
        heads = await self._heads(self._rooms)
        running = {
            room
            for room, head in heads.items()
            if head.rules.session is not None and head.rules.session.phase not in FINAL
        }
        self._metrics.sessions_running.set(len(running))
        await self._presence.watch(running)
        for room, head in heads.items():
            await self._trying(self._go_on(room, head, now))

    async def _go_on(self, room: str, head: Head, now: int) -> None:
        """Whatever is due in a room that has a session, one thing after the other. `LogError`."""
        for line in self._presence.deserted(room):
            ended = WordEnded(room=line.name, handle="")
            await self._submit(draft(line.state, ended, _key(line.state.version, ended)))
        for _ in range(MAX_STEPS):
            state = RoomState(head)
            session = state.rules.session
            if session is None:
                self._rooms.discard(room)
                return
            if session.phase in FINAL:
                await self._endings.go_on(room, head, session, now)
                return
            event = due(room, session, now, self._presence.of(room, session, now, self._watched_since))
            if event is None:
                return
            outcome = await self._submit(draft(state, event, _key(state.version, event)))
            self._note(outcome, event)
            if not isinstance(outcome, Appended):
                return  # somebody was faster, or the rules moved on: the next look sees how it stands
            head = (await self._log.heads([room]))[room]

    def _note(self, outcome: Outcome, event: SessionEvent) -> None:
        if isinstance(outcome, Appended) and isinstance(event, PhaseChanged) and event.late_s:
            self._metrics.sessions_late += 1
            _log.warning("session_late", seconds=event.late_s, state=event.phase)


def _key(version: int, event: SessionEvent) -> str:
    """The same on every node that decides the same under the same rules. Of one kind of event there may be
    several: whom it is about makes it another."""
    return f"clock:{version}:{event.__struct_config__.tag}:{event.handle}"
