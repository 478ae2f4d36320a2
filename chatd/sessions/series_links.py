"""Links to a session that a planner hands on: a ticket for its room, in the part of an address no log sees.

    facilitator, co_facilitator   the console, for 12 hours, as often as needed; one that was made with a link
                                  is good no longer than that link
    participant                   the room, once, until the next session that is not closed yet is over

Nothing of a link is kept. It cannot be taken back, so none lives long: a planner makes a new one.
"""

from typing import Final, Literal, TypeAlias

from chatd.issuers import OWN
from chatd.settings import Settings
from chatd.tickets import Ticket, Tickets
from rooms.log import Log
from rooms.phases import FINAL
from rooms.reports import Reports
from rooms.series import Occurrence, Series

For: TypeAlias = Literal["facilitator", "co_facilitator", "participant"]

FACILITATORS_S: Final = 12 * 3600
PARTICIPANTS_S: Final = 36 * 24 * 3600
"""The longest life of an invitation: a series that meets once a month has five weeks between two dates."""
AFTER_S: Final = 3600
"""How long after the session's planned end an invitation still opens its room."""
LOOKED_AT: Final = 4
"""Dates that may be closed already though their time is not over: two of a series never overlap."""


async def next_session(series: Series, log: Log, reports: Reports, now: int) -> Occurrence | None:
    """The date that whoever is invited at `now` comes to: the one that goes on, or else the next.

    One that was closed or called off in its room is over, whatever its plan says; the room tells, and when it
    has forgotten, the report that is left. Reads both. `LogError`.
    """
    from rooms.series_dates_ical import upcoming

    head = (await log.heads([series.name])).get(series.name)
    session = None if head is None else head.rules.session
    over = session.occurrence if session is not None and session.phase in FINAL else None
    for each in upcoming(series, now, LOOKED_AT):
        if each.occurrence != over and await reports.get(series.name, each.occurrence) is None:
            return each
    return None


def link_for(
    tickets: Tickets,
    settings: Settings,
    series: Series,
    who: For,
    now: int,
    coming: Occurrence | None,
    *,
    life_s: int | None = None,
    by: Ticket | None = None,
) -> tuple[str, int]:
    """(the link, until when it is good in Unix seconds). `coming`: its `next_session`. `life_s`: instead of
    the usual life. `by`: the ticket of whoever asks for it."""
    if who != "participant":
        expires_at = now + (FACILITATORS_S if life_s is None else life_s)
        if by is not None and by.issuer == OWN:
            # A link that got into wrong hands ends for good when its time is over.
            expires_at = min(expires_at, by.expires_at)
        return console_link(tickets, settings, series.name, expires_at), expires_at
    expires_at = _invited_until(coming, now) if life_s is None else now + life_s
    token = tickets.issue(series.name, "participant", expires_at=expires_at, once=True)
    return f"{settings.url}/room/{series.name}#ticket={token}", expires_at


def console_link(tickets: Tickets, settings: Settings, room: str, expires_at: int) -> str:
    """To the facilitators' console; `room` may be `tickets.ANY_ROOM`, to plan every series."""
    token = tickets.issue(room, "facilitator", expires_at=expires_at)
    return f"{settings.url}/facilitate#ticket={token}"


def _invited_until(coming: Occurrence | None, now: int) -> int:
    ends_at = now + FACILITATORS_S if coming is None else coming.ends_at + AFTER_S
    return max(now + AFTER_S, min(ends_at, now + PARTICIPANTS_S))
