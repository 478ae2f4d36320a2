"""The poster of a room: a page to print and hang up, for whoever has no intranet page at hand.

    /room/{room}/poster     the page, from web/poster.html; `chatd poster` makes the same as one file

What the room is called, when a series meets there, three plain lines, its address as text and as a QR code.
It holds nothing that opens a room: a ticket on a wall would be everybody's. Reads the store and web/; changes
nothing.
"""

import html
import re
from datetime import datetime
from functools import cache, lru_cache
from pathlib import Path
from typing import Final

import msgspec
import segno
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

import web
from chatd.languages import ENGLISH, Languages
from chatd.node import Node
from chatd.pages import Pages
from chatd.settings import Settings
from rooms.catalog import RoomSpec
from rooms.command import RoomName
from rooms.log import LogError
from rooms.series import Series
from rooms.series_rules import in_words

PAGE: Final = "poster.html"
QUIET_MODULES: Final = 4
"""The white margin that a QR code needs around it (ISO/IEC 18004, "quiet zone")."""
POSTED_DATES: Final = 3


@cache
def languages() -> Languages:
    """The catalogues, for whoever prints a poster without a server."""
    return Languages(Path(web.__file__).parent)


def poster_routes(pages: Pages, settings: Settings) -> list[Route]:
    """What `app.py` adds to its own."""

    async def poster(request: Request) -> Response:
        spec = await _shown(request, settings)
        language = pages.languages.of(request)
        meets = await _meets(request, spec, language)

        def edit(body: bytes) -> bytes:
            return filled(body.decode(), spec, settings, language, meets).encode()

        return pages.page(request, PAGE, edit=edit)

    return [Route("/room/{room}/poster", poster)]


async def _shown(request: Request, settings: Settings) -> RoomSpec:
    """The room as anybody may see it: of one that the lobby does not list, no title but its name."""
    node: Node = request.state.node
    try:
        name = msgspec.convert(request.path_params["room"], RoomName)
        spec = await node.catalog.get(name)
    except msgspec.ValidationError:
        raise HTTPException(404) from None
    except LogError:
        raise HTTPException(503) from None
    if spec is None and settings.open:
        return RoomSpec(name=name, title=name, open=True)
    if spec is None:
        raise HTTPException(404)
    return spec if spec.listed else msgspec.structs.replace(spec, title=spec.name)


async def _meets(request: Request, spec: RoomSpec, language: str) -> str | None:
    node: Node = request.state.node
    try:
        series = await node.series.get(spec.name) if spec.kind == "session" else None
    except LogError:
        raise HTTPException(503) from None
    return None if series is None else meets_at(series, language, int(node.wall()))


def meets_at(series: Series, language: str, now: int) -> str | None:
    """When a series meets, for its poster: in words where we have them, else the next dates as figures."""
    from rooms.series_dates_ical import upcoming

    coming = upcoming(series, now, POSTED_DATES)
    if not coming:
        return None
    if language == ENGLISH and series.recurrence is not None:
        return f"{in_words(series)} ({series.timezone})"
    dates = (f"{datetime.fromtimestamp(each.starts_at, series.zone):%Y-%m-%d %H:%M}" for each in coming)
    return f"{' · '.join(dates)} ({series.timezone})"


def address(spec: RoomSpec, settings: Settings) -> str:
    """Where the room is."""
    return f"{settings.url}/room/{spec.name}"


def filled(template: str, spec: RoomSpec, settings: Settings, language: str, meets: str | None = None) -> str:
    """The page: `template`, which is in `language` already, with this room's words in it. `meets`: when."""
    where = address(spec, settings)
    signs_in = settings.sign_in_url or settings.oidc_issuer
    how = "open" if spec.open or settings.open else "sign_in" if signs_in else "ticket"
    said = [languages().say(language, f"pages.poster_{line}") for line in ("what", "who", how)]
    if meets is not None:
        said.insert(0, meets)
    words = {
        "title": html.escape(spec.title),
        "lines": "".join(f"<li>{html.escape(line)}</li>" for line in said),
        "qr": qr(where, languages().say(language, "pages.poster_qr")),
        # People read it without "https://", and type it so.
        "address": html.escape(where.removeprefix("https://")),
    }
    return re.sub(r"\{(title|lines|qr|address)\}", lambda found: words[found[1]], template)


@lru_cache(maxsize=256)
def qr(text: str, label: str) -> str:
    """A QR code as an SVG picture, black on white whatever the theme, and with `label` for who hears it."""
    code = segno.make(text, error="m", micro=False)
    svg: str = code.svg_inline(
        border=QUIET_MODULES, dark="#000", light="#fff", omitsize=True, svgclass=None, lineclass=None
    )
    return svg.replace("<svg ", f'<svg role="img" aria-label="{html.escape(label)}" ', 1)


def in_one_file(spec: RoomSpec, settings: Settings, language: str = ENGLISH, meets: str | None = None) -> str:
    """The page with its styles inside and no link to anything: to be mailed, kept and printed."""
    folder = Path(web.__file__).parent

    def styles(found: re.Match[str]) -> str:
        return f"<style>\n{(folder / found[1]).read_text('utf-8')}</style>"

    template = languages().filled((folder / PAGE).read_text("utf-8"), language)
    template = re.sub(r'<link rel="icon"[^>]*>\s*', "", template)
    template = re.sub(r'<link rel="stylesheet" href="/static/([\w.]+)">', styles, template)
    return filled(template, spec, settings, language, meets)


def picture(spec: RoomSpec, settings: Settings) -> str:
    """The QR code alone, as an SVG file."""
    drawn = qr(address(spec, settings), languages().say(ENGLISH, "pages.poster_qr"))
    return drawn.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1) + "\n"
