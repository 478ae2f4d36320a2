"""The door: who gets in, and as whom. Identity ends here.

    join  ->  room known?  ->  seat shown? else pass? else ticket? else open?  ->  handle claimed  ->  Seat

A verified subject becomes a pseudonym under the epoch's key and is dropped. A staff pass has no subject:
what stands for the pass becomes the pseudonym, so one pass is one person, on however many devices. What comes
out is a `Seat`: a handle, a role and a pseudonym, good in this epoch of this room and nowhere else.
"""

import asyncio
import hashlib
import secrets
import time
from collections.abc import Sequence
from typing import Final

import msgspec

from chatd.once import Once
from chatd.passes.keys import Passes, PassesUnknown
from chatd.passes.tokens import PassRefused
from chatd.seats import Seat, Seats
from chatd.settings import Settings
from chatd.spawn import Tasks
from chatd.tickets import Role, Ticket, TicketRefused, Tickets
from chatd.wire import ErrorCode, Join
from presence.handles import candidates
from rooms.catalog import Catalog, RoomSpec
from rooms.children import belongs
from rooms.group_commit import GroupCommit
from rooms.log import Claim, Log, LogError, LogUnavailable
from rooms.rules import FACILITATOR

HANDLES_TRIED: Final = (2, 8, 8, 8)
"""Candidates in one claim after the other. With over 100,000 word pairs the first is nearly always
free; after the last one the room's words are used up, or the store misbehaves."""
KEEP_SPENT_S: Final = 60
"""How much longer than a ticket's life its use is remembered: clocks differ."""
SAME_ENTRY_S: Final = 60
"""For so long whoever shows a one-time ticket with the same offer again is the one who used it: their answer
was lost on the way, in a stream that something held back for instance."""
KNOWN_S: Final = 1.0
"""How long what the catalog says of a room is believed before it is asked again: when a thousand come
at once it is asked once."""
MAX_KNOWN: Final = 10_000
PASSES_S: Final = 5.0
"""When to come back where the keys of passes are not there yet: the server has just begun."""


class Refused(Exception):
    """The door stays closed, for the reason `code`; after `retry_after_s` it may be another."""

    def __init__(self, code: ErrorCode, retry_after_s: float | None = None) -> None:
        super().__init__(code.value)
        self.code = code
        self.retry_after_s = retry_after_s


class Admission(msgspec.Struct, frozen=True):
    """The right to take a seat. `seat` is theirs already; `pseudonym` else gets a handle claimed."""

    role: Role
    pseudonym: bytes
    handle: str | None = None
    wish: str | None = None
    once: Ticket | None = None
    """A ticket that is good for one entry, to be used up (`Door.spend`) when nothing else can fail."""
    entry: bytes | None = None
    """What that ticket and the offer shown with it are known by, together."""


class Door:
    """Checks tickets, seats and offers, and claims handles. One per node."""

    def __init__(
        self,
        settings: Settings,
        catalog: Catalog,
        log: Log,
        seats: Seats,
        tickets: Tickets,
        *,
        passes: Passes,
        tasks: Tasks,
    ) -> None:
        self._settings = settings
        self._catalog = catalog
        self._log = log
        self._seats = seats
        self._tickets = tickets
        self._passes = passes
        self._specs = Once(
            self._find,
            tasks=tasks,
            name="door.room",
            failures=(LogError, Refused),
            keep_s=KNOWN_S,
            most=MAX_KNOWN,
        )
        self.claims: GroupCommit[Claim, asyncio.Future[str | None], str | None] = GroupCommit(
            log.claim,
            settled=_tell,
            failed=_tell_failure,
            failure=LogError,
            max_queued=settings.max_queue,
        )

    async def room(self, name: str) -> RoomSpec:
        """The room's specification. `Refused` where there is no such room; `LogError`."""
        return await self._specs.ask(name)

    async def _find(self, name: str) -> RoomSpec:
        if belongs(name):
            raise Refused(ErrorCode.UNKNOWN_ROOM)  # it is entered by the seat in the room it belongs to
        spec = await self._catalog.get(name)
        if spec is not None:
            return spec
        if self._settings.open:
            return RoomSpec(name=name, title=name, capacity=self._settings.capacity, open=True, listed=False)
        raise Refused(ErrorCode.UNKNOWN_ROOM)

    def admit(self, join: Join, spec: RoomSpec, epoch: str, *, began_at: float | None = None) -> Admission:
        """Judge what was shown; changes nothing. `Refused`.

        `began_at`: when the session was planned to begin, whose passes are those of that time. None: of now.
        """
        now = time.time()
        if join.seat is not None:
            seat = self._seats.restore(join.seat, spec.name, epoch, now)
            if seat is None or self._is_anothers(seat, join.ticket, now):
                raise Refused(ErrorCode.SEAT_REFUSED)
            return Admission(seat.role, seat.pseudonym, handle=seat.handle)
        subject: str | None = None
        role: Role = "participant"
        once: Ticket | None = None
        if join.ticket is not None:
            ticket = self._ticket(join.ticket, spec, now)
            subject, role = ticket.person, ticket.role
            once = ticket if ticket.once else None
        elif self._asks_for_pass(spec):
            subject = self._pass(join.pass_, spec.name, began_at)
        elif not (spec.open or self._settings.open):
            raise Refused(ErrorCode.TICKET_NEEDED)
        wish, entry = None, None
        if join.offer is not None:
            offered = self._seats.offered(join.offer, spec.name, epoch, now)
            wish = offered[0] if offered is not None else None
            if once is not None and offered is not None:
                # What was drawn is in no store, so nobody finds the entry again from the ticket.
                entry = hashlib.sha256(b"entry\0" + once.digest + offered[1]).digest()[: len(once.digest)]
                subject = f"once\0{entry.hex()}" if subject is None else subject
        pseudonym = self._seats.pseudonym(spec.name, epoch, subject)
        return Admission(role, pseudonym, wish=wish, once=once, entry=entry)

    def _ticket(self, token: str, spec: RoomSpec, now: float) -> Ticket:
        try:
            ticket = self._tickets.check(token, spec.name, now)
        except TicketRefused:
            raise Refused(ErrorCode.TICKET_REFUSED) from None
        if ticket.role != FACILITATOR and self._asks_for_pass(spec):
            raise Refused(ErrorCode.PASS_NEEDED)  # who they are is not wanted here
        return ticket

    def _asks_for_pass(self, spec: RoomSpec) -> bool:
        return spec.door == "pass" and not self._settings.open

    def _pass(self, token: str | None, room: str, began_at: float | None) -> str:
        """What stands for whoever has the pass. The list of handles keeps it, under the epoch's key, as it
        does every owner: once per epoch, whatever node it is shown to, and gone with the epoch."""
        if token is None:
            raise Refused(ErrorCode.PASS_NEEDED)
        try:
            return f"pass\0{self._passes.check(token, room, began_at)}"
        except PassRefused:
            raise Refused(ErrorCode.PASS_REFUSED) from None
        except PassesUnknown:
            raise Refused(ErrorCode.BUSY, PASSES_S) from None

    def _is_anothers(self, seat: Seat, token: str | None, now: float) -> bool:
        """Whether a ticket that is shown beside a seat names somebody else: a page where another person has
        signed in since. A ticket that names nobody, or is too old, says nothing about the seat."""
        if token is None:
            return False
        try:
            person = self._tickets.check(token, seat.room, now).person
        except TicketRefused:
            return False
        return person is not None and self._seats.pseudonym(seat.room, seat.epoch, person) != seat.pseudonym

    async def look(self, token: str, spec: RoomSpec) -> None:
        """Refuse a ticket that `admit` and `spend` would refuse just now. Changes nothing. `Refused`."""
        ticket = self._ticket(token, spec, time.time())
        if ticket.once and await self._log.spent(ticket.digest):
            raise Refused(ErrorCode.TICKET_SPENT)

    async def spend(self, admission: Admission) -> None:
        """Use a one-time ticket up: the last step of entering. `Refused` where it was used before, but by the
        same entry, a moment ago. An admission without such a ticket is let through."""
        ticket, entry = admission.once, admission.entry
        if ticket is None:
            return
        if not await self._log.spend(ticket.digest, ticket.expires_at + KEEP_SPENT_S):
            await self.check_unspent(admission)
        elif entry is not None:
            await self._log.spend(entry, int(time.time()) + SAME_ENTRY_S)

    async def check_unspent(self, admission: Admission) -> None:
        """Refuse whom `spend` would refuse just now. Changes nothing. `Refused`."""
        ticket, entry = admission.once, admission.entry
        if ticket is None or not await self._log.spent(ticket.digest):
            return
        if entry is None or not await self._log.spent(entry):
            raise Refused(ErrorCode.TICKET_SPENT)

    async def seat(self, admission: Admission, spec: RoomSpec, epoch: str) -> Seat:
        """The seat of the one admitted, with a handle that is theirs alone in this epoch.

        The same subject gets the same handle again, on whatever device. `Refused`, `LogError`.
        """
        handle = admission.handle or await self._claim(admission, spec.name, epoch)
        return Seat(
            room=spec.name,
            epoch=epoch,
            handle=handle,
            pseudonym=admission.pseudonym,
            role=admission.role,
            expires_at=int(time.time()) + self._settings.seat_s,
        )

    async def _claim(self, admission: Admission, room: str, epoch: str) -> str:
        owner = self._seats.owner(room, epoch, admission.pseudonym)
        for attempt, many in enumerate(HANDLES_TRIED):
            wanted = candidates(admission.pseudonym, many, nth_draw=attempt)
            if attempt == len(HANDLES_TRIED) - 1:
                # So many have been here that word pairs run out. Nobody stays outside for want of a word.
                wanted = tuple(f"{handle}-{secrets.randbelow(9998) + 2}" for handle in wanted)
            if admission.wish is not None:
                wanted = (admission.wish, *wanted)
            answer: asyncio.Future[str | None] = asyncio.get_running_loop().create_future()
            if not self.claims.submit(Claim(room, epoch, owner, wanted), answer):
                raise Refused(ErrorCode.BUSY)
            handle = await answer
            if handle is not None:
                return handle
        raise Refused(ErrorCode.ROOM_FULL)

    def token(self, seat: Seat) -> str:
        """What its holder shows to come back."""
        return self._seats.issue(seat)

    def mark(self, seat: Seat) -> bytes:
        """As `Seats.mark`."""
        return self._seats.mark(seat.room, seat.epoch, seat.pseudonym)

    async def ready(self, room: str, epoch: str) -> bool:
        """As `Seats.ready`."""
        return await self._seats.ready(room, epoch)

    def draw(self, room: str, epoch: str) -> tuple[str, str]:
        """A handle to look at before joining, and the offer that says we drew it. Keeps nothing."""
        pseudonym = self._seats.pseudonym(room, epoch, None)
        handle = candidates(pseudonym, 1)[0]
        return handle, self._seats.offer(room, epoch, handle, pseudonym)


def _tell(batch: Sequence[tuple[Claim, asyncio.Future[str | None]]], handles: Sequence[str | None]) -> None:
    for (_, answer), handle in zip(batch, handles, strict=True):
        if not answer.done():
            answer.set_result(handle)


def _tell_failure(batch: Sequence[tuple[Claim, asyncio.Future[str | None]]], error: Exception) -> None:
    for _, answer in batch:
        if not answer.done():
            answer.set_exception(LogUnavailable(str(error)))
