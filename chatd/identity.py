"""Who asks over HTTP, where a request has to say it: by a sign-in, or with a ticket.

    Authorization: Bearer TICKET      as the host's intranet or this server signed it (`tickets.py`)
    Cookie: __Host-chatd=...          as this server sealed it after a sign-in (`sign_in/cookies.py`)

One seam for all that must know the person for the length of a request: a ticket for a room, a pass. A ticket
is asked first, and a cookie does not make up for one that is no good. What a browser sends by itself counts
only where a page of this server's own origin asks: others may be listed, and talk to rooms; they are not to
act as whoever happens to be signed in. Reads the request's head and the log's list of what is spent.
"""

import re
import time
from typing import Final

import msgspec
from starlette.requests import Request

from chatd import handshake
from chatd.handshake import DoorSettings
from chatd.sign_in.cookies import COOKIE, SignIns
from chatd.tickets import ANY_ROOM, Role, TicketRefused, Tickets
from rooms.log import Log

SAFE: Final = ("GET", "HEAD")
"""Methods that change nothing (RFC 9110 section 9.2.1), and whose answers no other origin's page can read."""
_BEARER: Final = re.compile(r"[Bb]earer +([A-Za-z0-9._-]+)")


class Person(msgspec.Struct, frozen=True):
    """Somebody whom an issuer has vouched for, for the length of a request. Never kept, never logged."""

    subject: str
    """One for each person of each issuer; the same by cookie and by the tickets that are made from it."""
    role: Role
    rooms: frozenset[str]
    """The rooms that are open to them; empty: all."""
    expires_at: int
    """When this proof of who they are ends, in Unix seconds."""

    def opens(self, room: str) -> bool:
        """Whether what they showed is for `room`. A ticket that plans every session enters none."""
        return not self.rooms or (room in self.rooms and room != ANY_ROOM)

    def __repr__(self) -> str:
        return f"Person(role={self.role!r})"  # in an exception or a log line it is still nobody

    __str__ = __repr__


class Identities:
    """Tells who asks. One per node. `own`: the door as this server's own pages pass it, and no others."""

    def __init__(self, tickets: Tickets, sign_ins: SignIns, log: Log, own: DoorSettings) -> None:
        self._tickets = tickets
        self._sign_ins = sign_ins
        self._log = log
        self._own = own

    async def of(self, request: Request) -> Person | None:
        """Whoever asks; None where the request names nobody who is believed. Spends nothing. `LogError`."""
        if "authorization" in request.headers:
            token = bearer(request)
            return None if token is None else await self._of_ticket(token)
        sealed = request.cookies.get(COOKIE)
        if sealed is None or not (request.method in SAFE or self.is_own(request)):
            return None
        sign_in = await self._sign_ins.read(sealed, time.time())
        if sign_in is None:
            return None
        return Person(sign_in.subject, sign_in.role, frozenset(), sign_in.expires_at)

    def is_own(self, request: Request) -> bool:
        """Whether a page of this server's own origin asks. Who says nothing about it is not believed."""
        origins, hosts = (request.headers.getlist(name) for name in ("origin", "host"))
        return bool(origins) and handshake.refusal(self._own, 0, self._own.path, origins, hosts) is None

    async def _of_ticket(self, token: str) -> Person | None:
        try:
            ticket = self._tickets.read(token, time.time())
        except TicketRefused:
            return None
        if ticket.person is None or (ticket.once and await self._log.spent(ticket.digest)):
            return None
        return Person(ticket.person, ticket.role, frozenset({ticket.room}), ticket.expires_at)


def bearer(request: Request) -> str | None:
    """The one token in `Authorization: Bearer ...` (RFC 6750 section 2.1)."""
    given = request.headers.getlist("authorization")
    found = _BEARER.fullmatch(given[0]) if len(given) == 1 else None
    return None if found is None else found[1]
