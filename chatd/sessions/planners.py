"""Who may plan: the door of the planners' HTTP.

A ticket of a facilitator, in `Authorization: Bearer ...` (RFC 6750 section 2.1) and nowhere else: not in a
URL, which logs keep, and not in a cookie, which a browser would send by itself. It is looked at each time and
not spent. Reads the request's headers; changes nothing.
"""

import time
from collections.abc import Awaitable, Callable
from typing import Final, TypeAlias

from starlette.requests import Request
from starlette.responses import Response

from chatd.identity import bearer
from chatd.posting import Turned, node_of, welcoming
from chatd.tickets import Ticket, TicketRefused, Why

Endpoint: TypeAlias = Callable[[Request], Awaitable[Response]]


def planner_of(request: Request, room: str | None) -> Ticket:
    """The ticket of whoever asks, where they may plan `room`'s sessions (None: some room's). `Turned`."""
    token = bearer(request)
    if token is None:
        raise Turned(
            401,
            "ticket_needed",
            "Planning asks for a facilitator's link. Open the one that you were given, or ask for a new one.",
            {"www-authenticate": "Bearer"},
        )
    try:
        return node_of(request).tickets.planner(token, room, time.time())
    except TicketRefused as refusal:
        if refusal.reason in _NOT_YOURS:
            raise Turned(
                403,
                "not_yours",
                "This link does not plan these sessions. Nothing was changed. Use their facilitator's link.",
            ) from None
        raise Turned(
            401,
            "ticket_refused",
            "This link is no longer good, or never was one of this server's. Nothing was changed. Ask for a "
            "new one, and go on where you were.",
            {"www-authenticate": 'Bearer error="invalid_token"'},
        ) from None


_NOT_YOURS: Final = frozenset({Why.ROLE, Why.ROOM, Why.ONCE})


def for_planners(answer: Endpoint) -> Endpoint:
    """The endpoint, for pages of origins that may ask; what it turns away is answered as JSON."""

    async def endpoint(request: Request) -> Response:
        return await welcoming(request, lambda: answer(request))

    return endpoint
