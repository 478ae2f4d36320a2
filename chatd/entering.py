"""Coming in: from a `join` to a seat that is taken, and to the frame that says how things stand.

    a room              door.py judges, presence knows whether there is a place
    a session's room    and the log gives a place in the group, or in the waiting line (sessions/door.py)
    one belonging to it the seat in the session's room counts, and no other; nothing is claimed or issued

Whoever speaks without a connection (`visitors.py`) gets their seat back here too, by the same rules.
"""

from typing import Final

from chatd import wire
from chatd.connection import Connection, Seated
from chatd.door import Admission, Door, Refused
from chatd.epochs.moving import goes_on
from chatd.epochs.renewals import Renewals
from chatd.hub import Hub
from chatd.live_room import LiveRoom
from chatd.metrics import Metrics
from chatd.presence_gossip import PresenceGossip
from chatd.seating import Seating
from chatd.seats import Seat
from chatd.sessions.door import SessionDoor
from chatd.sessions.news import SessionNews
from chatd.settings import Settings
from chatd.views import Viewer
from chatd.wire import ErrorCode
from rooms import children
from rooms.catalog import RoomSpec
from rooms.rules import FACILITATOR, Who

RETRY_WAITING_S: Final = 5
"""How often somebody in the waiting line asks again."""
NO_ID: Final = 0
"""The `id` of the join that restores a visitor's seat; it is never answered."""


class Entering:
    """The way in of one node."""

    def __init__(
        self,
        settings: Settings,
        *,
        hub: Hub,
        door: Door,
        seating: Seating,
        sessions: SessionDoor,
        news: SessionNews,
        presence: PresenceGossip,
        renewals: Renewals,
        metrics: Metrics,
    ) -> None:
        self._settings = settings
        self._hub = hub
        self._renewals = renewals
        self._door = door
        self._seating = seating
        self._sessions = sessions
        self._news = news
        self._presence = presence
        self._metrics = metrics

    async def draw(self, command: wire.Draw) -> wire.Drawn:
        """A handle to look at. `Refused`, `LogError`."""
        spec = await self._door.room(command.room)
        if command.ticket is not None:
            await self._door.look(command.ticket, spec)
        live = await self._open(spec)
        handle, offer = self._door.draw(spec.name, live.state.epoch)
        return wire.Drawn(id=command.id, room=spec.name, handle=handle, offer=offer)

    async def join(self, connection: Connection, command: wire.Join) -> wire.Joined | wire.Waiting:
        """Seat the connection, and say how things stand. `Refused`, `EpochGone`, `LogError`."""
        if children.belongs(command.room):
            return await self._join_belonging(connection, command)
        spec = await self._door.room(command.room)
        live = await self._open(spec)
        epoch = live.state.epoch
        if command.pass_ is not None:  # a participant's: before the session they have no pass that counts
            await self._sessions.check_open(spec, live, facilitates=False)
        session = live.state.rules.session
        began_at = None if session is None else session.plan.starts_at
        admission = self._door.admit(command, spec, epoch, began_at=began_at)
        await self._sessions.check_open(spec, live, facilitates=admission.role == FACILITATOR)
        seat = await self._door.seat(admission, spec, epoch)
        who = _who(seat)
        self._check(connection, live, seat, spec, command)
        place = await self._place(live, who, admission)
        if admission.once is not None:
            try:
                await self._door.spend(admission)
            except Refused:
                # Used at this moment, perhaps by the same person in another window: they keep the place.
                if not self._presence.is_here(live.name, who.handle):
                    await self._sessions.leave(live, who.handle)
                raise
        self._check(connection, live, seat, spec, command)
        if place is not None:
            self._seating.waits(connection)
            return wire.Waiting(
                id=command.id,
                room=spec.name,
                place=place,
                retry_s=RETRY_WAITING_S,
                seat=self._door.token(seat),
                handle=seat.handle,
            )
        seated = self._seating.take(connection, live, who)
        if live.state.rules.session is None and goes_on(spec, who):
            seated.mark = self._door.mark(seat)
        return await self._enter(connection, command, seated, spec, self._door.token(seat))

    async def _join_belonging(self, connection: Connection, command: wire.Join) -> wire.Joined:
        spec, parent, seat = await self._seat(command.room, command.seat)
        live, whose = await self._sessions.belonging(command.room, parent, _who(seat))
        self._seating.check_windows(connection, live.name, seat.handle)
        seated = self._seating.take(connection, live, _who(seat), parent, whose)
        return await self._enter(connection, command, seated, spec, command.seat or "")

    async def _place(self, live: LiveRoom, who: Who, admission: Admission) -> int | None:
        """In a session's room, `who`'s place in the waiting line, from 1; None where they may come in.

        A ticket for one entry that was used already takes nobody's place.
        """
        if who.role == FACILITATOR or (live.state.rules.session is None and not live.state.doubtful):
            return None
        await self._door.check_unspent(admission)
        return await self._sessions.admit(live, who)

    async def _open(self, spec: RoomSpec) -> LiveRoom:
        """The live room, in an epoch that is not over, with its key at hand. `Refused`, `LogError`."""
        name = spec.name
        live = await self._hub.open(name)
        if self._renewals.is_over(spec, live.state):
            # Nobody was there when its period ended, or the clockwork is not through with all rooms.
            await self._renewals.renew(name, live.state.epoch)
            await self._hub.catch_up(live)
            live = await self._hub.open(name)
        if not await self._door.ready(name, live.state.epoch):
            await self._hub.catch_up(live)  # erased by another process, which we have not heard of
            raise Refused(ErrorCode.SEAT_REFUSED)
        return live

    def _check(
        self, connection: Connection, live: LiveRoom, seat: Seat, spec: RoomSpec, command: wire.Join
    ) -> None:
        self._seating.check_windows(connection, live.name, seat.handle)
        if live.state.rules.session is None:
            self._seating.check_place(seat, spec.capacity, returns=command.seat is not None)

    async def _enter(
        self, connection: Connection, command: wire.Join, seated: Seated, spec: RoomSpec, token: str
    ) -> wire.Joined:
        live, who = seated.live, seated.who
        try:
            await self._hub.settle(live)
            entry = await self._hub.enter(
                live,
                connection.sink,
                epoch=command.epoch,
                after=command.after,
                history=self._settings.history_events,
                viewer=Viewer(who.handle, who.role == FACILITATOR),
            )
        except BaseException:
            self._seating.unseat(connection, seated, at_once=True)
            raise
        if connection.seats.get(live.name) is not seated:
            # Gone, or joined once more, while the log was read. Whoever came later has the place.
            if live.name not in connection.seats:
                self._hub.leave(live, connection.sink)
            raise Refused(ErrorCode.NOT_JOINED)
        if (code := self._sessions.refusal(seated)) is not None:
            self._seating.unseat(connection, seated, at_once=True)
            raise Refused(code)
        if command.seat is not None:
            self._metrics.recoveries["recovered" if entry.recovered else "clean_start"].add()
        roster, count = self._presence.roster(live.name, who.handle, connection.sink.format)
        session = self._news.of(live, who)
        belonging = children.read(live.name)
        return wire.Joined(
            id=command.id,
            room=live.name,
            epoch=live.state.epoch,
            head=entry.head,
            handle=who.handle,
            seat=token,
            recovered=entry.recovered,
            events=entry.events,
            roster=roster,
            count=count,
            title=spec.title,
            kind=spec.kind if belonging is None else belonging.sort,
            role=who.role,
            slow_mode_s=seated.paced.rules.slow_mode_s,
            session=session,
            line=session.you.line if session is not None else None,
            staff=session.staff.room if session is not None and session.staff is not None else None,
            anew_in_s=self._renewals.anew_in_s(spec, live.state) if belonging is None else None,
        )

    # ---- those who speak in a request of their own (`visitors.py`) -------------------------------

    async def restore(self, visitor: Connection, room: str, token: str) -> Seated:
        """Give a visitor the seat in `room` that `token` is good for. `Refused`, `LogError`."""
        _, parent, seat = await self._seat(room, token)
        who, pace = _who(seat), self._seating.paces.of(room, seat.handle)
        if children.belongs(room):
            live, whose = await self._sessions.belonging(room, parent, who)
            seated = Seated(live, who, pace, parent, whose)
        else:
            seated = Seated(parent, who, pace)
            if (code := self._sessions.refusal(seated)) is not None:
                raise Refused(code)
        visitor.seats[room] = seated
        return seated

    async def _seat(self, room: str, token: str | None) -> tuple[RoomSpec, LiveRoom, Seat]:
        """The seat that is shown for `room`, or for the room it belongs to: its room, live, and the seat."""
        belonging = children.read(room)
        if belonging is None and children.belongs(room):
            raise Refused(ErrorCode.UNKNOWN_ROOM)
        spec = await self._door.room(room if belonging is None else belonging.parent)
        if token is None:
            raise Refused(ErrorCode.NOT_JOINED)
        live = await self._open(spec)
        await self._hub.settle(live)
        epoch = live.state.epoch
        admission = self._door.admit(wire.Join(id=NO_ID, room=spec.name, seat=token), spec, epoch)
        return spec, live, await self._door.seat(admission, spec, epoch)


def _who(seat: Seat) -> Who:
    """A participant's role is the common one and is not said."""
    return Who(seat.handle, FACILITATOR if seat.role == FACILITATOR else None)
