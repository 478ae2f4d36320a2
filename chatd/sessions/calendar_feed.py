"""The sessions as calendars to subscribe to, in Outlook, Google, Apple. They remind; we keep no names.

    /calendar.ics          every listed series
    /calendar/{name}.ics   one series

Anybody may read them, as anybody may read the lobby: they hold what that shows, and the room's address, which
opens nothing without a ticket where one is asked for. Of a series that the lobby does not list there is its
name and its times, and neither title nor purpose. Reads the store; changes nothing.
"""

import asyncio
import hashlib
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final
from urllib.parse import urlsplit

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from chatd.posting import node_of
from chatd.settings import Settings
from rooms.command import RoomName
from rooms.log import LogError
from rooms.series import Series

ALL: Final = "Sessions"
"""What a calendar calls the feed of all."""
CACHE: Final = "max-age=300"


def calendar_routes() -> list[Route]:
    """What `app.py` adds to its own."""
    return [Route("/calendar.ics", every), Route("/calendar/{name}.ics", one)]


async def every(request: Request) -> Response:
    """GET /calendar.ics: all that the lobby lists."""
    try:
        listed = [series for series in await node_of(request).series.list() if series.listed]
    except LogError:
        raise HTTPException(503) from None
    return await _answer(request, listed, ALL)


async def one(request: Request) -> Response:
    """GET /calendar/{name}.ics."""
    try:
        name = msgspec.convert(request.path_params["name"], RoomName)
        series = await node_of(request).series.get(name)
    except msgspec.ValidationError:
        raise HTTPException(404) from None
    except LogError:
        raise HTTPException(503) from None
    if series is None:
        raise HTTPException(404)
    if not series.listed:
        series = msgspec.structs.replace(series, title=series.name, about="")
    return await _answer(request, [series], series.title)


async def _answer(request: Request, series: list[Series], called: str) -> Response:
    settings: Settings = request.state.settings
    year = datetime.fromtimestamp(node_of(request).wall(), UTC).year
    body = await asyncio.to_thread(calendar, tuple(series), called, settings.url, year)
    etag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
    headers = {"etag": etag, "cache-control": CACHE}
    if etag in (each.strip() for each in request.headers.get("if-none-match", "").split(",")):
        return Response(status_code=304, headers=headers)
    return Response(body, media_type="text/calendar", headers=headers)


@lru_cache(maxsize=64)
def calendar(series: tuple[Series, ...], called: str, url: str, year: int) -> bytes:
    """The feed of `series` on the server at `url`, in `year`. The same bytes while nothing changes."""
    from rooms.series_feed_ical import HORIZON_YEARS, Shown, feed

    host = urlsplit(url).hostname or "localhost"
    return feed(
        [Shown(each, f"{each.name}@{host}", f"{url}/room/{each.name}") for each in series],
        called,
        year + HORIZON_YEARS,
    )
