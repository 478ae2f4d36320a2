"""What remains of sessions, over HTTP: reports, months, a facilitator's own debriefs. JSON, and one picture.

    GET  /api/series/NAME/reports                 the reports of a series       a ticket for it
    GET  /api/series/NAME/reports/OCC[.svg]       one, as JSON or as a picture
    GET  /api/months  /api/months/2026-12         months over all series        a ticket for all ("*")
    GET, POST /api/debriefs                       one's own                     any facilitator's ticket
    DELETE /api/debriefs/NAME/OCC
    GET  /api/load                                one's own last four weeks

Whose debriefs they are, the ticket's subject says; it is used for the length of a request and goes nowhere.
Where a ticket has none (a link from the command line), the browser sends a key of its own making instead,
`Debrief-Key`, and the debriefs are that key's: whoever loses it loses them, which the page says.
"""

import re
from typing import Final

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from chatd import api
from chatd.posting import Answerer, Turned, node_of, taking_posts
from chatd.sessions.debriefs import OWN_KEY, Heaviness, NotNow, Occurrence, TooMany, Written
from chatd.sessions.planners import Endpoint, for_planners, planner_of
from chatd.sessions.report_svg import STYLE_HASH, picture
from chatd.tickets import ANY_ROOM, Ticket
from rooms.command import RoomName
from rooms.log import LogError
from rooms.report import Report
from rooms.session import Words
from rooms.suppression import MONTH

KEY_HEADER: Final = "debrief-key"
KEY: Final = re.compile(r"\A[A-Za-z0-9_-]{43}\Z")
"""32 random bytes in URL-safe base 64."""
LISTED: Final = 200
"""Reports of a series, and months, in one answer; more than are kept of a weekly one."""
MAX_DEBRIEF_BYTES: Final = 16 * 1024

PICTURE_POLICY: Final = f"default-src 'none'; style-src '{STYLE_HASH}'; frame-ancestors 'none'"


class ReportList(msgspec.Struct, frozen=True):
    reports: list[Report]
    """The last session first."""


class MonthList(msgspec.Struct, frozen=True):
    months: list[str]
    """"2026-12"; the last one first."""


class DebriefList(msgspec.Struct, frozen=True):
    debriefs: list[Written]
    """The last session first."""


class NewDebrief(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """As `Written`; `room` may be left out where the ticket is for one."""

    occurrence: Occurrence
    heavy: Heaviness
    next: Words = ""
    colleague: bool = False
    room: RoomName | None = None


NO_REPORT: Final = (
    404,
    "no_report",
    "There is no report of this session: it is not over, or so long ago that its report was let go.",
)
NO_MONTH: Final = (
    404,
    "no_month",
    (
        "There is no report of this month. It is made once, three days after the month has ended, so that "
        "nothing that comes late can be told from the difference."
    ),
)
NO_SUBJECT: Final = (
    403,
    "no_subject",
    (
        "This link does not say who you are, so a debrief could not be kept for you alone. Nothing was kept. "
        "Come through your intranet, or let this browser make a key for its own debriefs."
    ),
)


def report_routes() -> list[Route]:
    """The picture's route stands first: its address is also one of a report with a strange name."""
    return [
        Route("/api/series/{room}/reports", _read(_reports)),
        Route("/api/series/{room}/reports/{occurrence}.svg", _read(_picture)),
        Route("/api/series/{room}/reports/{occurrence}", _read(_report)),
        Route("/api/months", _read(_months)),
        Route("/api/months/{month}", _read(_month)),
        Route("/api/debriefs", _read(_debriefs)),
        Route(
            "/api/debriefs",
            taking_posts(_kept_or_away(_write), max_bytes=MAX_DEBRIEF_BYTES),
            methods=["POST", "OPTIONS"],
        ),
        Route("/api/debriefs/{room}/{occurrence}", _read(_drop), methods=["DELETE"]),
        Route("/api/load", _read(_load)),
    ]


def _read(answer: Endpoint) -> Endpoint:
    async def answered(request: Request) -> Response:
        try:
            return await answer(request)
        except LogError:
            return api.json(api.AWAY, status=503)

    return for_planners(answered)


def _kept_or_away(answer: Answerer) -> Answerer:
    async def answered(request: Request, body: bytes) -> Response:
        try:
            return await answer(request, body)
        except LogError:
            return api.json(api.AWAY, status=503)

    return answered


# ---- reports -----------------------------------------------------------------------------------


def _series(request: Request) -> str:
    """The series in the address, where the ticket is for it."""
    try:
        name = msgspec.convert(request.path_params["room"], RoomName)
    except msgspec.ValidationError:
        raise HTTPException(404) from None
    planner_of(request, name)
    return name


async def _reports(request: Request) -> Response:
    found = await node_of(request).afterwards.reports.list(_series(request), LISTED)
    return api.json(ReportList(list(found)))


async def _one(request: Request) -> Report:
    name = _series(request)
    try:
        occurrence = msgspec.convert(request.path_params["occurrence"], Occurrence)
    except msgspec.ValidationError:
        raise Turned(*NO_REPORT) from None
    report = await node_of(request).afterwards.reports.get(name, occurrence)
    if report is None:
        raise Turned(*NO_REPORT)
    return report


async def _report(request: Request) -> Response:
    return api.json(await _one(request))


async def _picture(request: Request) -> Response:
    headers = {"cache-control": "no-store", "content-security-policy": PICTURE_POLICY}
    return Response(picture(await _one(request)), media_type="image/svg+xml", headers=headers)


def _for_all(request: Request) -> None:
    if planner_of(request, None).room != ANY_ROOM:
        raise Turned(
            403,
            "not_allowed",
            "This link is for one series. Figures over all of them need one that is for all.",
        )


async def _months(request: Request) -> Response:
    _for_all(request)
    return api.json(MonthList(list(await node_of(request).afterwards.reports.months(LISTED))))


async def _month(request: Request) -> Response:
    _for_all(request)
    month = request.path_params["month"]
    made = await node_of(request).afterwards.month(month) if MONTH.match(month) else None
    if made is None:
        raise Turned(*NO_MONTH)
    return api.json(made)


# ---- one's own ---------------------------------------------------------------------------------


def _person(request: Request, ticket: Ticket) -> str:
    """Whose debriefs these are."""
    if ticket.person is not None:
        return ticket.person
    key = request.headers.get(KEY_HEADER, "")
    if KEY.match(key) is None:
        raise Turned(*NO_SUBJECT)
    return f"{OWN_KEY}{key}"


async def _debriefs(request: Request) -> Response:
    person = _person(request, planner_of(request, None))
    return api.json(DebriefList(await node_of(request).debriefs.of(person)))


async def _write(request: Request, body: bytes) -> Response:
    ticket = planner_of(request, None)
    person = _person(request, ticket)
    try:
        new = msgspec.json.decode(body, type=NewDebrief)
    except (msgspec.DecodeError, UnicodeError):
        raise Turned(
            400,
            "bad_debrief",
            "This could not be read: `occurrence`, `heavy` (0 to 10), and if you like `next` (2,000 "
            "characters) and `colleague`. Nothing was kept.",
        ) from None
    room = new.room or ticket.room
    if room == ANY_ROOM or ticket.room not in (ANY_ROOM, room):
        raise Turned(403, "not_allowed", "Say which series it was; your link must be for it.")
    written = Written(room, new.occurrence, new.heavy, new.next, new.colleague)
    try:
        await node_of(request).debriefs.write(person, written)
    except NotNow:
        raise Turned(
            409,
            "not_now",
            "This session has not begun, or was so long ago that nothing is kept about it. Nothing was kept.",
        ) from None
    except TooMany:
        raise Turned(
            409, "limit_reached", "There are as many of yours as are kept. Remove one, then send this again."
        ) from None
    return api.json(written)


async def _drop(request: Request) -> Response:
    person = _person(request, planner_of(request, None))
    of = request.path_params
    try:
        name, occurrence = (
            msgspec.convert(of["room"], RoomName),
            msgspec.convert(of["occurrence"], Occurrence),
        )
    except msgspec.ValidationError:
        raise HTTPException(404) from None
    if not await node_of(request).debriefs.drop(person, name, occurrence):
        raise HTTPException(404)
    return Response(status_code=204, headers={"cache-control": "no-store"})


async def _load(request: Request) -> Response:
    person = _person(request, planner_of(request, None))
    return api.json(await node_of(request).debriefs.load(person))
