"""The gateway: one connection's frames become commands, and every command is answered once.

    received(payload) -> decode -> seated? paced? -> commits.py: the log answers
                                                  -> entering.py: who gets in
                                                  -> here: leave, away, typing, history

What can be answered at once is; what must wait for the log or the door runs in a bounded number
of tasks. The gateway knows connections; `seating.py` knows who sits where. It does not know sockets
(`sink.py`), nor the order of events (`hub.py`), nor what is allowed (`rooms/rules.py`, `door.py`).
"""

from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Final, get_args

from chatd import wire
from chatd.answers import RETRY_LOG_S, Answers
from chatd.commits import Ask, Commits
from chatd.connection import Connection, Pace, Seated
from chatd.door import Door, Refused
from chatd.entering import Entering
from chatd.epochs.moving import Moving
from chatd.epochs.renewals import Renewals
from chatd.hub import EpochGone, Hub
from chatd.live_room import LiveRoom
from chatd.metrics import Metrics
from chatd.own import Own
from chatd.presence_gossip import PresenceGossip
from chatd.seating import Seating
from chatd.seats import Seats
from chatd.sessions.door import SessionDoor
from chatd.sessions.news import SessionNews
from chatd.settings import Settings
from chatd.sink import Sink
from chatd.spawn import Tasks
from chatd.views import Viewer, same_for_all
from chatd.wire import CloseCode, ErrorCode
from rooms import children
from rooms.command import CommandId
from rooms.commands import Post, React, Slow, Withdraw
from rooms.events import AnyEvent
from rooms.log import Log, LogError
from rooms.pace import Bucket
from rooms.rules import FACILITATOR
from rooms.series import SeriesStore
from rooms.session_commands import SessionCommand

MAX_WAITING: Final = 8
"""Joins and reads of history that one connection may have under way."""
BAD_FRAMES: Final = 3
"""Frames in a row that cannot be read before the connection is closed."""


class Gateway:
    """All connections of one node. Implements `chatd.sink.Gateway`."""

    def __init__(
        self,
        settings: Settings,
        *,
        hub: Hub,
        door: Door,
        seats: Seats,
        series: SeriesStore,
        log: Log,
        presence: PresenceGossip,
        renewals: Renewals,
        metrics: Metrics,
        tasks: Tasks,
        clock: Callable[[], float],
        wall: Callable[[], float],
        publish: Callable[[str, str, Sequence[AnyEvent]], None],
    ) -> None:
        self._settings = settings
        self.hub = hub
        self._log = log
        self._presence = presence
        self._metrics = metrics
        self._tasks = tasks
        self._clock = clock
        self._answers = Answers(hub, metrics)
        self._seating = Seating(settings, hub=hub, presence=presence, clock=clock)
        self.commits = Commits(
            log=log,
            hub=hub,
            answers=self._answers,
            metrics=metrics,
            tasks=tasks,
            clock=clock,
            wall=wall,
            publish=publish,
            line=seats.line,
            max_queued=settings.max_queue,
        )
        self._sessions = SessionDoor(hub=hub, commits=self.commits, seats=seats, series=series, wall=wall)
        self.news = SessionNews(
            hub=hub,
            door=self._sessions,
            commits=self.commits,
            seating=self._seating,
            presence=presence,
            tasks=tasks,
            wall=wall,
        )
        self.entering = Entering(
            settings,
            hub=hub,
            door=door,
            seating=self._seating,
            sessions=self._sessions,
            news=self.news,
            presence=presence,
            renewals=renewals,
            metrics=metrics,
        )
        self._moving = Moving(
            hub=hub, door=door, seats=seats, seating=self._seating, renewals=renewals, tasks=tasks
        )
        self._own = Own(log=log, hub=hub, commits=self.commits, door=door, renewals=renewals, wall=wall)
        self._handlers: dict[type, Callable[[Connection, Any], None]] = {
            Post: self._post,
            **dict.fromkeys((React, Withdraw, Slow, *get_args(SessionCommand)), self._small),
            wire.Join: self._join,
            wire.Draw: self._draw,
            wire.Leave: self._leave,
            wire.Away: self._away,
            wire.Older: self._older,
            wire.AskMine: self._mine,
            wire.WithdrawAll: self._withdraw_all,
            wire.Typing: self._typing,
        }

    # ---- connections ---------------------------------------------------------------------------

    @property
    def connections(self) -> dict[Sink, Connection]:
        """Those there are, by their sinks."""
        return self._seating.connections

    def connected(self, sink: Sink) -> Connection:
        return self._seating.connected(self, sink)

    def received(self, connection: Connection, payload: bytes | str) -> None:
        """One message of a client. Answers by `hub.reply`; raises for nothing a client can send."""
        try:
            command = connection.sink.format.decode(payload)
        except wire.BadFrame as error:
            self._malformed(connection, error)
            return
        connection.bad_frames = 0
        self._handlers[type(command)](connection, command)

    def _malformed(self, connection: Connection, error: wire.BadFrame) -> None:
        connection.bad_frames += 1
        self._answers.refuse(connection, error.id_, ErrorCode.BAD_FRAME, more=f"It says: {error}.")
        if connection.bad_frames >= BAD_FRAMES:
            self.hub.flush()
            connection.sink.close(CloseCode.MALFORMED, "three frames in a row could not be read")

    def closed(self, connection: Connection) -> None:
        self._seating.closed(connection)

    def sweep(self) -> None:
        """Cut the connections that joined nothing in time. Call it about once a second."""
        self._seating.sweep()

    def expel(self, room: str, sinks: Sequence[Sink]) -> None:
        """The room's epoch is gone and its seats with it: say so; they may join anew (`epochs/moving.py`).

        What belongs to it is gone with it: its seats were seats of this room.
        """
        found = [self._seating.at(sink, room) for sink in sinks]
        self._moving.expel(room, [each for each in found if each is not None])
        for name in [name for name in self.hub.live if name.startswith(children.prefix(room))]:
            self.hub.begin_anew(name)

    # ---- those who speak in a request of their own (`visitors.py`) -------------------------------

    def handle(self, visitor: Connection, command: wire.AnyCommand) -> None:
        """What `received` does with a command, for one that was read already."""
        self._handlers[type(command)](visitor, command)

    def refuse(self, visitor: Connection, id_: CommandId | None, code: ErrorCode, more: str = "") -> None:
        self._answers.refuse(
            visitor, id_, code, RETRY_LOG_S if code is ErrorCode.LOG_UNAVAILABLE else None, more
        )

    def pace_of(self, room: str, handle: str) -> Pace:
        """The pace of a seat that may have no window here."""
        return self._seating.paces.of(room, handle)

    def paced_seat(self, visitor: Connection, room: str, id_: CommandId) -> Seated | None:
        """The visitor's seat in `room`, where they may do a small thing now; else it was refused."""
        seated = self._seated(visitor, room, id_)
        return seated if seated is not None and self._paced(visitor, seated.pace.small, id_) else None

    def leave(self, sink: Sink, room: str, handle: str) -> bool:
        """Take `handle` out of the room, on this connection, now. False where it is somebody else's."""
        found = self._seating.at(sink, room)
        if found is None or found[1].who.handle != handle:
            return False
        self._go(*found)
        return True

    def _go(self, connection: Connection, seated: Seated) -> None:
        """Somebody leaves for good: a place in a session's group is free where it was their last window."""
        self._seating.unseat(connection, seated, at_once=True)
        live, handle = seated.live, seated.who.handle
        session = live.state.rules.session
        if (
            session is not None
            and handle in session.members
            and not self._presence.is_here(live.name, handle)
        ):
            self._tasks.spawn(self._free_place(live, handle), name="gateway.leave")

    async def _free_place(self, live: LiveRoom, handle: str) -> None:
        try:
            await self._sessions.leave(live, handle)
        except LogError:
            return  # the session's clock notices who is gone

    # ---- commands that the log answers ---------------------------------------------------------

    def _seated(self, connection: Connection, room: str, id_: CommandId) -> Seated | None:
        seated = connection.seats.get(room)
        if seated is None:
            self._answers.refuse(connection, id_, ErrorCode.NOT_JOINED)
        elif seated.parent is not None and (code := self._sessions.refusal(seated)) is not None:
            self._answers.refuse(connection, id_, code)
            return None
        return seated

    def _paced(self, connection: Connection, bucket: Bucket, id_: CommandId) -> bool:
        wait_s = bucket.take(self._clock())
        if wait_s:
            self._answers.refuse(connection, id_, ErrorCode.TOO_FAST, wait_s)
        return not wait_s

    def _post(self, connection: Connection, command: Post) -> None:
        seated = self._seated(connection, command.room, command.id)
        if seated is not None and self._paced(connection, seated.pace.posts, command.id):
            self.commits.submit(Ask(connection, seated, command))

    def _small(self, connection: Connection, command: React | Withdraw | Slow | SessionCommand) -> None:
        seated = self._seated(connection, command.room, command.id)
        if seated is not None and self._paced(connection, seated.pace.small, command.id):
            self.commits.submit(Ask(connection, seated, command))

    # ---- commands that the gateway answers -----------------------------------------------------

    def _leave(self, connection: Connection, command: wire.Leave) -> None:
        seated = self._seated(connection, command.room, command.id)
        if seated is not None:
            self._go(connection, seated)
            self.hub.reply(connection.sink, wire.Ok(id=command.id))

    def _away(self, connection: Connection, command: wire.Away) -> None:
        seated = self._seated(connection, command.room, command.id)
        if seated is not None and self._paced(connection, seated.pace.small, command.id):
            self._presence.set_away(command.room, seated.who.handle, command.away)
            self.hub.reply(connection.sink, wire.Ok(id=command.id))

    def _typing(self, connection: Connection, command: wire.Typing) -> None:
        seated = connection.seats.get(command.room)
        now = self._clock()
        if seated is not None and now >= seated.pace.typing_from:
            seated.pace.typing_from = now + self._settings.typing_every_s
            self._presence.typing(command.room, seated.who.handle)

    def _draw(self, connection: Connection, command: wire.Draw) -> None:
        # Somebody is at the door and reads what is asked of them: that may take its time.
        connection.join_by = max(connection.join_by, connection.patience)
        self._wait_for(connection, command.id, self._draw_now(connection, command))

    async def _draw_now(self, connection: Connection, command: wire.Draw) -> None:
        self.hub.reply(connection.sink, await self.entering.draw(command))

    def _older(self, connection: Connection, command: wire.Older) -> None:
        seated = self._seated(connection, command.room, command.id)
        if seated is not None:
            self._wait_for(connection, command.id, self._older_now(connection, command, seated))

    async def _older_now(self, connection: Connection, command: wire.Older, seated: Seated) -> None:
        live, viewer = seated.live, Viewer(seated.who.handle, seated.who.role == FACILITATOR)
        first = viewer.first(live.state)
        events = await self._log.before(live.name, live.state.epoch, command.before, command.limit)
        more = len(events) == command.limit and events[0].seq > first
        if live.name not in connection.seats:
            raise Refused(ErrorCode.NOT_JOINED)  # put out, or gone, while the log was read
        if not same_for_all(live.state):
            events = viewer.shown([event for event in events if event.seq >= first], live.state)
        answer = wire.History(id=command.id, room=live.name, events=list(events), more=more)
        self.hub.reply(connection.sink, answer)

    def _mine(self, connection: Connection, command: wire.AskMine) -> None:
        seated = self._seated(connection, command.room, command.id)
        if seated is not None:
            self._wait_for(connection, command.id, self._mine_now(connection, command, seated))

    async def _mine_now(self, connection: Connection, command: wire.AskMine, seated: Seated) -> None:
        self.hub.reply(connection.sink, await self._own.mine(command.id, seated))

    def _withdraw_all(self, connection: Connection, command: wire.WithdrawAll) -> None:
        seated = self._seated(connection, command.room, command.id)
        if seated is not None:
            self._wait_for(connection, command.id, self._withdraw_all_now(connection, command, seated))

    async def _withdraw_all_now(
        self, connection: Connection, command: wire.WithdrawAll, seated: Seated
    ) -> None:
        self.hub.reply(connection.sink, await self._own.withdraw_all(command.id, seated))

    def _join(self, connection: Connection, command: wire.Join) -> None:
        self._wait_for(connection, command.id, self._join_now(connection, command))

    async def _join_now(self, connection: Connection, command: wire.Join) -> None:
        self.hub.reply(connection.sink, await self.entering.join(connection, command))

    def _wait_for(self, connection: Connection, id_: CommandId, work: Coroutine[None, None, None]) -> None:
        """Run `work` in a task of its own, one of a few; what it refuses is the answer."""
        if connection.waiting >= MAX_WAITING:
            work.close()
            self._answers.refuse(connection, id_, ErrorCode.TOO_FAST, RETRY_LOG_S)
            return
        if not self._paced(connection, connection.asks, id_):
            work.close()
            return
        connection.waiting += 1
        self._tasks.spawn(self._answer(connection, id_, work), name="gateway.answer")

    async def _answer(
        self, connection: Connection, id_: CommandId, work: Coroutine[None, None, None]
    ) -> None:
        try:
            await work
        except Refused as refusal:
            if refusal.code is ErrorCode.SEAT_REFUSED:
                self._metrics.recoveries["seat_refused"].add()
            self._answers.refuse(connection, id_, refusal.code, refusal.retry_after_s)
        except EpochGone:
            self._answers.refuse(connection, id_, ErrorCode.SEAT_REFUSED)
        except LogError:
            self._answers.refuse(connection, id_, ErrorCode.LOG_UNAVAILABLE, RETRY_LOG_S)
        finally:
            connection.waiting -= 1
