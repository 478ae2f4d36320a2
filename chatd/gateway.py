"""The gateway: one connection's frames become commands, and every command is answered once.

    received(payload) -> decode -> seated? paced? -> commits.py: the log answers
                                                  -> door.py: who gets in
                                                  -> here: leave, away, typing, history

What can be answered at once is; what must wait for the log or the door runs in a bounded number
of tasks. The gateway knows connections and seats. It does not know sockets (`sink.py`), nor the
order of events (`hub.py`), nor what is allowed (`rooms/rules.py`, `door.py`).
"""

from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Final

from chatd import wire
from chatd.answers import RETRY_LOG_S, Answers
from chatd.commits import Ask, Commits
from chatd.connection import Connection, Pace, Seated
from chatd.door import Door, Refused
from chatd.hub import EpochGone, Hub
from chatd.live_room import LiveRoom
from chatd.metrics import Metrics
from chatd.presence_gossip import PresenceGossip
from chatd.seats import Seat
from chatd.settings import Settings
from chatd.sink import Sink
from chatd.spawn import Tasks
from chatd.wire import CloseCode, ErrorCode
from rooms.commands import CommandId, Post, React, Slow, Withdraw
from rooms.events import AnyEvent
from rooms.log import Log, LogError
from rooms.pace import Bucket
from rooms.rules import FACILITATOR

MAX_WAITING: Final = 8
"""Joins and reads of history that one connection may have under way."""
BAD_FRAMES: Final = 3
"""Frames in a row that cannot be read before the connection is closed."""
KEEP_PACE_S: Final = 60.0
"""How long a seat's pace outlives its last connection, so that a reload does not refill it."""
RETURNING: Final = 2
"""How many times its capacity a room may hold of those who had a seat in it already."""


class Gateway:
    """All connections of one node. Implements `chatd.sink.Gateway`."""

    def __init__(
        self,
        settings: Settings,
        *,
        hub: Hub,
        door: Door,
        log: Log,
        presence: PresenceGossip,
        metrics: Metrics,
        tasks: Tasks,
        clock: Callable[[], float],
        publish: Callable[[str, str, Sequence[AnyEvent]], None],
    ) -> None:
        self._settings = settings
        self.hub = hub
        self._door = door
        self._log = log
        self._presence = presence
        self._metrics = metrics
        self._tasks = tasks
        self._clock = clock
        self.connections: dict[Sink, Connection] = {}
        self._outside: dict[Connection, None] = {}
        """Those that sit nowhere: the few that `sweep` has to look at."""
        self._answers = Answers(hub, metrics)
        self.commits = Commits(
            log=log,
            hub=hub,
            answers=self._answers,
            metrics=metrics,
            tasks=tasks,
            clock=clock,
            publish=publish,
            max_queued=settings.max_queue,
        )
        self._paces: dict[tuple[str, str], Pace] = {}
        self._idle_paces: dict[tuple[str, str], float] = {}
        self._handlers: dict[type, Callable[[Connection, Any], None]] = {
            Post: self._post,
            React: self._small,
            Withdraw: self._small,
            Slow: self._small,
            wire.Join: self._join,
            wire.Draw: self._draw,
            wire.Leave: self._leave,
            wire.Away: self._away,
            wire.Older: self._older,
            wire.Typing: self._typing,
        }

    # ---- connections ---------------------------------------------------------------------------

    def connected(self, sink: Sink) -> Connection:
        connection = Connection(self, sink, self._settings, self._clock())
        self.connections[sink] = connection
        self._outside[connection] = None
        return connection

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
        """The connection is gone; its seats linger a moment, it may be a reload."""
        self.connections.pop(connection.sink, None)
        for seated in list(connection.seats.values()):
            self._unseat(connection, seated, at_once=False)
        self._outside.pop(connection, None)

    def sweep(self) -> None:
        """Cut the connections that joined nothing in time. Call it about once a second."""
        now = self._clock()
        self._forget_paces(now)
        for connection in [outside for outside in self._outside if outside.join_by < now]:
            del self._outside[connection]
            connection.sink.close(CloseCode.NOTHING_JOINED, "no room was joined in time")

    def expel(self, room: str, sinks: Sequence[Sink]) -> None:
        """The room's epoch is gone and with it its seats: say so, and let them join anew."""
        for sink in sinks:
            connection = self.connections.get(sink)
            seated = connection.seats.get(room) if connection is not None else None
            if connection is not None and seated is not None:
                self._unseat(connection, seated, at_once=True)
                self.hub.reply(sink, wire.Erased(room=room))

    # ---- those who speak in a request of their own (`visitors.py`) -------------------------------

    def handle(self, visitor: Connection, command: wire.AnyCommand) -> None:
        """What `received` does with a command, for one that was read already."""
        self._handlers[type(command)](visitor, command)

    def refuse(self, visitor: Connection, id_: CommandId | None, code: ErrorCode, more: str = "") -> None:
        self._answers.refuse(
            visitor, id_, code, RETRY_LOG_S if code is ErrorCode.LOG_UNAVAILABLE else None, more
        )

    def pace_of(self, room: str, handle: str) -> Pace:
        """The pace of a seat that may have no window here. It is kept for a while, as after the last one."""
        pace = self._take_pace(room, handle)
        pace.windows -= 1
        if not pace.windows:
            self._idle_paces[room, handle] = self._clock()
        return pace

    def paced_seat(self, visitor: Connection, room: str, id_: CommandId) -> Seated | None:
        """The visitor's seat in `room`, where they may do a small thing now; else it was refused."""
        seated = self._seated(visitor, room, id_)
        return seated if seated is not None and self._paced(visitor, seated.pace.small, id_) else None

    def leave(self, sink: Sink, room: str, handle: str) -> bool:
        """Take `handle` out of the room, on this connection, now. False where it is somebody else's."""
        connection = self.connections.get(sink)
        seated = connection.seats.get(room) if connection is not None else None
        if connection is None or seated is None or seated.who.handle != handle:
            return False
        self._unseat(connection, seated, at_once=True)
        return True

    # ---- commands that the log answers ---------------------------------------------------------

    def _seated(self, connection: Connection, room: str, id_: CommandId) -> Seated | None:
        seated = connection.seats.get(room)
        if seated is None:
            self._answers.refuse(connection, id_, ErrorCode.NOT_JOINED)
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

    def _small(self, connection: Connection, command: React | Withdraw | Slow) -> None:
        seated = self._seated(connection, command.room, command.id)
        if seated is not None and self._paced(connection, seated.pace.small, command.id):
            self.commits.submit(Ask(connection, seated, command))

    # ---- commands that the gateway answers -----------------------------------------------------

    def _leave(self, connection: Connection, command: wire.Leave) -> None:
        seated = self._seated(connection, command.room, command.id)
        if seated is not None:
            self._unseat(connection, seated, at_once=True)
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
        spec = await self._door.room(command.room)
        if command.ticket is not None:
            await self._door.look(command.ticket, spec)
        live = await self.hub.open(spec.name)
        handle, offer = self._door.draw(spec.name, live.state.epoch)
        self.hub.reply(connection.sink, wire.Drawn(id=command.id, room=spec.name, handle=handle, offer=offer))

    def _older(self, connection: Connection, command: wire.Older) -> None:
        seated = self._seated(connection, command.room, command.id)
        if seated is not None:
            self._wait_for(connection, command.id, self._older_now(connection, command, seated.live))

    async def _older_now(self, connection: Connection, command: wire.Older, live: LiveRoom) -> None:
        events = await self._log.before(live.name, live.state.epoch, command.before, command.limit)
        more = len(events) == command.limit and events[0].seq > 1
        answer = wire.History(id=command.id, room=live.name, events=list(events), more=more)
        self.hub.reply(connection.sink, answer)

    def _join(self, connection: Connection, command: wire.Join) -> None:
        self._wait_for(connection, command.id, self._join_now(connection, command))

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
            self._answers.refuse(connection, id_, refusal.code)
        except EpochGone:
            self._answers.refuse(connection, id_, ErrorCode.SEAT_REFUSED)
        except LogError:
            self._answers.refuse(connection, id_, ErrorCode.LOG_UNAVAILABLE, RETRY_LOG_S)
        finally:
            connection.waiting -= 1

    async def _join_now(self, connection: Connection, command: wire.Join) -> None:
        spec = await self._door.room(command.room)
        live = await self.hub.open(spec.name)
        epoch = live.state.epoch
        admission = self._door.admit(command, spec, epoch)
        seat = await self._door.seat(admission, spec, epoch)
        # A gap in the radio must not cost somebody their place: who has a seat may come back to a full room.
        capacity = spec.capacity * (RETURNING if command.seat is not None else 1)
        self._check_places(connection, spec.name, seat, capacity)
        if admission.once is not None:
            await self._door.spend(admission.once)
            self._check_places(connection, spec.name, seat, capacity)

        if (before := connection.seats.get(spec.name)) is not None:
            # The client lost its place in the stream and asks again: the same person, no leave.
            self._unseat(connection, before, at_once=False)
        self._outside.pop(connection, None)
        seated = connection.seat(live, seat, self._take_pace(spec.name, seat.handle))
        self._presence.enter(spec.name, seat.handle, seated.who.role)
        try:
            entry = await self.hub.enter(
                live,
                connection.sink,
                epoch=command.epoch,
                after=command.after,
                history=self._settings.history_events,
            )
        except BaseException:
            self._unseat(connection, seated, at_once=True)
            raise
        if connection.seats.get(spec.name) is not seated:
            # Gone, or joined once more, while the log was read. Whoever came later has the place.
            if spec.name not in connection.seats:
                self.hub.leave(live, connection.sink)
            raise Refused(ErrorCode.NOT_JOINED)
        if command.seat is not None:
            self._metrics.recoveries["recovered" if entry.recovered else "clean_start"].add()
        roster, count = self._presence.roster(spec.name, seat.handle, connection.sink.format)
        self.hub.reply(
            connection.sink,
            wire.Joined(
                id=command.id,
                room=spec.name,
                epoch=epoch,
                head=entry.head,
                handle=seat.handle,
                seat=self._door.token(seat),
                recovered=entry.recovered,
                events=entry.events,
                roster=roster,
                count=count,
                title=spec.title,
                kind=spec.kind,
                role=seated.who.role,
                slow_mode_s=live.state.rules.slow_mode_s,
            ),
        )

    def _check_places(self, connection: Connection, room: str, seat: Seat, capacity: int) -> None:
        """Is there a place in the room, and on this node for one more window of this seat?"""
        if connection.sink not in self.connections:
            raise Refused(ErrorCode.NOT_JOINED)
        before = connection.seats.get(room)
        if before is None and len(connection.seats) >= self._settings.max_rooms_per_connection:
            raise Refused(ErrorCode.TOO_MANY_ROOMS)
        if before is None or before.who.handle != seat.handle:
            pace = self._paces.get((room, seat.handle))
            if pace is not None and pace.windows >= self._settings.max_connections_per_seat:
                raise Refused(ErrorCode.TOO_MANY_CONNECTIONS)
        if seat.role != FACILITATOR and not self._presence.has_place(room, seat.handle, capacity):
            raise Refused(ErrorCode.ROOM_FULL)

    def _unseat(self, connection: Connection, seated: Seated, *, at_once: bool) -> None:
        """Give the seat up, once: whoever comes second finds it gone, or taken by a later join."""
        room, handle = seated.live.name, seated.who.handle
        if connection.seats.get(room) is not seated:
            return
        del connection.seats[room]
        if not connection.seats:
            connection.join_by = self._clock() + self._settings.join_timeout_s
            if connection.sink in self.connections:
                self._outside[connection] = None
        self.hub.leave(seated.live, connection.sink)
        self._presence.leave(room, handle, at_once=at_once)
        seated.pace.windows -= 1
        if not seated.pace.windows:
            self._idle_paces[room, handle] = self._clock()

    def _take_pace(self, room: str, handle: str) -> Pace:
        """The pace of a seat, shared by all its windows, and kept for a while after the last one."""
        pace = self._paces.get((room, handle))
        if pace is None:
            pace = self._paces[room, handle] = Pace(self._settings)
        self._idle_paces.pop((room, handle), None)
        pace.windows += 1
        return pace

    def _forget_paces(self, now: float) -> None:
        for seat in [seat for seat, since in self._idle_paces.items() if since < now - KEEP_PACE_S]:
            del self._idle_paces[seat], self._paces[seat]
