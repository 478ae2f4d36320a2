"""Planning over HTTP, and what everybody may know of it: which sessions are on, and when the next ones are.

    GET  /api/sessions                            the listed series    anybody
    GET, POST /api/series                         what one may plan    a facilitator's ticket, for it or all
    GET, PUT, DELETE /api/series/NAME             one of them
    POST /api/series/NAME/exceptions              cancel, move or restore one date
    POST /api/series/NAME/links                   a link to hand on
    GET  /api/templates                           what to start from

What a planner does is decided in `planning.py`. Only pages of this server's own origin can ask the second
half: a browser asks first before it sends a ticket from elsewhere, and hears no.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final, TypeAlias

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from chatd import api
from chatd.node import Node
from chatd.posting import node_of, taking_posts
from chatd.sessions.planners import for_planners, planner_of
from chatd.sessions.planning import HERE, CannotPlan, DateChange, Planning
from chatd.sessions.series_answers import (
    Link,
    LinkWish,
    SeriesLine,
    SeriesList,
    SessionInfo,
    SessionList,
    TemplateList,
    Time,
    shown,
)
from chatd.sessions.series_links import link_for, next_session
from chatd.sessions.templates import templates_of
from chatd.settings import Settings
from chatd.tickets import ANY_ROOM
from rooms.catalog import Door
from rooms.command import RoomName
from rooms.log import LogError
from rooms.series import Occurrence, Series
from rooms.series_rules import in_words
from rooms.session import RUNNING, Phase

NEXT: Final = 3
"""Dates of each series in a list."""
STATUS: Final = {"unknown_series": 404, "not_yours": 403, "bad_series": 400, "no_date": 400, "too_many": 400}
"""What `planning.CannotPlan` means in HTTP; everything else is 409, a conflict with what is there."""


Answer: TypeAlias = Callable[[Request, Planning], Awaitable[Response]]
TakesBody: TypeAlias = Callable[[Request, bytes, Planning], Awaitable[Response]]


def series_routes() -> list[Route]:
    """What `app.py` adds to its own."""
    one = "/api/series/{name}"
    return [
        Route("/api/sessions", sessions, methods=["GET"]),
        Route("/api/templates", _asked(_templates), methods=["GET"]),
        Route("/api/series", _asked(_list), methods=["GET"]),
        Route("/api/series", _given(_add), methods=["POST"]),
        Route(f"{one}/exceptions", _given(_except), methods=["POST"]),
        Route(f"{one}/links", _given(_link), methods=["POST"]),
        Route(one, _asked(_get), methods=["GET"]),
        Route(one, _given(_put), methods=["PUT"]),
        Route(one, _asked(_delete), methods=["DELETE"]),
    ]


# ---- what anybody may know -----------------------------------------------------------------------


async def sessions(request: Request) -> Response:
    """GET /api/sessions: the listed series, those that are on first, then by their next date."""
    node = node_of(request)
    settings: Settings = request.state.settings
    now = int(node.wall())
    try:
        listed = [series for series in await node.series.list() if series.listed]
        heads = await node.log.heads([series.name for series in listed])
        doors = {spec.name: spec.door for spec in await node.catalog.list()}
        running: dict[str, Phase] = {}
        for name, head in heads.items():
            session = head.rules.session
            if session is not None and session.phase in HERE:
                running[name] = session.phase
        dates = await asyncio.to_thread(_dates, listed, now)
        for series in listed:
            if series.name not in running and await _ended(node, series, dates[series.name], now):
                del dates[series.name][0]
    except LogError:
        return api.json(api.AWAY, status=503)
    return api.json(SessionList(_told(listed, running, doors, dates, settings), now))


def _dates(listed: Sequence[Series], now: int) -> dict[str, list[Occurrence]]:
    """By series, what is to come. In a thread: those of hundreds take a while the first time."""
    from rooms.series_dates_ical import upcoming

    return {
        series.name: [each for each in upcoming(series, now, NEXT + 2) if each.starts_at > now]
        for series in listed
    }


async def _ended(node: Node, series: Series, dates: Sequence[Occurrence], now: int) -> bool:
    """Whether the first of `dates` is over though it is to come: its lobby was open, and it was called off or
    closed there. The report that is left tells. `LogError`."""
    if not dates or dates[0].starts_at - 60 * series.lobby_minutes > now:
        return False
    return await node.afterwards.reports.get(series.name, dates[0].occurrence) is not None


def _told(
    listed: Sequence[Series],
    running: Mapping[str, Phase],
    doors: Mapping[str, Door],
    dates: Mapping[str, Sequence[Occurrence]],
    settings: Settings,
) -> list[SessionInfo]:
    found = []
    for series in listed:
        phase = running.get(series.name)
        found.append(
            SessionInfo(
                room=series.name,
                title=series.title,
                about=series.about,
                when=in_words(series),
                timezone=series.timezone,
                phase=phase,
                live=phase in RUNNING,
                open=series.open or settings.open,
                door=doors.get(series.name, "ticket"),
                next=[Time(each.starts_at, each.ends_at) for each in dates[series.name][:NEXT]],
            )
        )
    found.sort(key=lambda one: (one.phase is None, one.next[0].starts_at if one.next else 2**53, one.room))
    return found


# ---- what planners ask ---------------------------------------------------------------------------


async def _list(request: Request, planning: Planning) -> Response:
    ticket = planner_of(request, None)
    node = node_of(request)
    now = int(node.wall())
    own = [each for each in await node.series.list() if ticket.room in (ANY_ROOM, each.name)]
    lines = await asyncio.to_thread(lambda: [_line(series, now) for series in own])
    return api.json(SeriesList(lines, now))


def _line(series: Series, now: int) -> SeriesLine:
    from rooms.series_dates_ical import upcoming

    return SeriesLine(
        name=series.name,
        title=series.title,
        when=in_words(series),
        timezone=series.timezone,
        listed=series.listed,
        open=series.open,
        next=upcoming(series, now, NEXT),
    )


async def _add(request: Request, body: bytes, planning: Planning) -> Response:
    planner_of(request, None)  # before anything is read of what they send
    fields = _fields(body)
    name = fields.get("name")
    ticket = planner_of(request, name if isinstance(name, str) else "")
    series = await planning.add(fields, entry=ticket.room == ANY_ROOM)
    node_of(request).sessions.plans_changed()
    answer = _shown(request, series, status=201)
    answer.headers["location"] = f"/api/series/{series.name}"
    return answer


async def _get(request: Request, planning: Planning) -> Response:
    return _shown(request, await planning.get(_name(request)))


async def _put(request: Request, body: bytes, planning: Planning) -> Response:
    name = _name(request)
    fields = _fields(body)
    if fields.pop("name", name) != name:
        raise CannotPlan("bad_series", "A series keeps its name: links and calendars know it by that.")
    revision = fields.pop("revision", None)
    if not (revision is None or isinstance(revision, int)):
        raise CannotPlan("bad_series", "The revision is the number that came with the series.")
    entry = planner_of(request, name).room == ANY_ROOM
    return _changed(request, await planning.change(name, fields, revision, entry=entry))


async def _delete(request: Request, planning: Planning) -> Response:
    await planning.remove(_name(request))
    node_of(request).sessions.plans_changed()
    return Response(status_code=204, headers={"cache-control": "no-store"})


async def _except(request: Request, body: bytes, planning: Planning) -> Response:
    name = _name(request)
    wish = _decoded(
        body,
        DateChange,
        "Name the date as `occurrence`, like 20261201T190000Z, and one of cancelled, restored, and moved_to "
        "like 2026-12-08T18:00.",
    )
    return _changed(request, await planning.change_date(name, wish))


async def _link(request: Request, body: bytes, planning: Planning) -> Response:
    name = _name(request)
    wish = _decoded(body, LinkWish, "Say whom it is `for`: facilitator, co_facilitator or participant.")
    series = await planning.get(name)
    node = node_of(request)
    settings: Settings = request.state.settings
    now = int(node.wall())
    coming = await next_session(series, node.log, node.afterwards.reports, now)
    by = planner_of(request, name)
    url, expires_at = link_for(node.tickets, settings, series, wish.who, now, coming, by=by)
    return api.json(Link(url, expires_at))


async def _templates(request: Request, planning: Planning) -> Response:
    planner_of(request, None)
    found, problems = await asyncio.to_thread(templates_of, request.state.settings)
    return api.json(TemplateList(found, problems))


# ---- the parts -----------------------------------------------------------------------------------


def _asked(answer: Answer) -> Callable[[Request], Awaitable[Response]]:
    """The endpoint of a request without a body."""
    return for_planners(lambda request: _kindly(lambda: answer(request, _planning(request))))


def _given(answer: TakesBody) -> Callable[[Request], Awaitable[Response]]:
    """The endpoint of a request with one, which is JSON and has a bound."""
    return taking_posts(
        lambda request, body: _kindly(lambda: answer(request, body, _planning(request))),
    )


async def _kindly(answered: Callable[[], Awaitable[Response]]) -> Response:
    try:
        return await answered()
    except CannotPlan as problem:
        return api.json(api.Problem(problem.code, problem.message), status=STATUS.get(problem.code, 409))
    except LogError:
        return api.json(api.AWAY, status=503)


def _planning(request: Request) -> Planning:
    node = node_of(request)
    return Planning(node.series, node.catalog, node.log, node.afterwards.reports, node.wall)


def _name(request: Request) -> str:
    """The series in the address, where who asks may plan it."""
    try:
        name = msgspec.convert(request.path_params["name"], RoomName)
    except msgspec.ValidationError:
        planner_of(request, None)
        raise CannotPlan("unknown_series", "There is no series with this name.") from None
    planner_of(request, name)
    return name


def _fields(body: bytes) -> dict[str, Any]:
    fields: dict[str, Any] = _decoded(body, dict[str, Any], "Send the series as one JSON object.")
    return fields


def _decoded(body: bytes, kind: Any, otherwise: str) -> Any:
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise CannotPlan("bad_series", otherwise) from None


def _changed(request: Request, series: Series) -> Response:
    node_of(request).sessions.plans_changed()  # or a session moved to the next minute would be noticed late
    return _shown(request, series)


def _shown(request: Request, series: Series, *, status: int = 200) -> Response:
    settings: Settings = request.state.settings
    return api.json(shown(series, settings.url, int(node_of(request).wall())), status=status)
