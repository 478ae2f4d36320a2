"""The poster of a room: a page to print and hang up, for whoever has no intranet page at hand.

    /room/{room}/poster     the page, from web/poster.html; `chatd poster` makes the same as one file

What the room is called, three plain lines, its address as text and as a QR code. It holds nothing that
opens a room: a ticket on a wall would be everybody's. Reads the catalog and web/; changes nothing.
"""

import html
import re
from functools import lru_cache
from pathlib import Path
from typing import Final

import msgspec
import segno
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

import web
from chatd.node import Node
from chatd.pages import Pages
from chatd.settings import Settings
from rooms.catalog import RoomSpec
from rooms.commands import RoomName
from rooms.log import LogError

PAGE: Final = "poster.html"
QUIET_MODULES: Final = 4
"""The white margin that a QR code needs around it (ISO/IEC 18004, "quiet zone")."""

WHAT: Final = "Colleagues who care for patients talk with each other here."
WHO: Final = "You are there under a handle drawn by chance. Nothing ties it to your name."
OPEN: Final = "Point your phone’s camera at the square, or type the address. No app, no account."
SIGN_IN: Final = "Point your phone’s camera at the square, or type the address. You sign in on the intranet."
TICKET: Final = "This room asks for a ticket: come in through your intranet page."


def poster_routes(pages: Pages, settings: Settings) -> list[Route]:
    """What `app.py` adds to its own."""

    async def poster(request: Request) -> Response:
        spec = await _shown(request, settings)
        return pages.page(request, PAGE, edit=lambda body: filled(body.decode(), spec, settings).encode())

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


def address(spec: RoomSpec, settings: Settings) -> str:
    """Where the room is."""
    return f"{settings.url}/room/{spec.name}"


def filled(template: str, spec: RoomSpec, settings: Settings) -> str:
    """The page: `template` with this room's words in it."""
    where = address(spec, settings)
    how = OPEN if spec.open or settings.open else SIGN_IN if settings.sign_in_url else TICKET
    words = {
        "title": html.escape(spec.title),
        "lines": "".join(f"<li>{html.escape(line)}</li>" for line in (WHAT, WHO, how)),
        "qr": qr(where),
        # People read it without "https://", and type it so.
        "address": html.escape(where.removeprefix("https://")),
    }
    return re.sub(r"\{(title|lines|qr|address)\}", lambda found: words[found[1]], template)


@lru_cache(maxsize=256)
def qr(text: str) -> str:
    """A QR code as an SVG picture, black on white whatever the theme, and with a word for who hears it."""
    code = segno.make(text, error="m", micro=False)
    svg: str = code.svg_inline(
        border=QUIET_MODULES, dark="#000", light="#fff", omitsize=True, svgclass=None, lineclass=None
    )
    return svg.replace("<svg ", '<svg role="img" aria-label="QR code of the address below" ', 1)


def in_one_file(spec: RoomSpec, settings: Settings) -> str:
    """The page with its styles inside and no link to anything: to be mailed, kept and printed."""
    folder = Path(web.__file__).parent

    def styles(found: re.Match[str]) -> str:
        return f"<style>\n{(folder / found[1]).read_text('utf-8')}</style>"

    template = (folder / PAGE).read_text("utf-8")
    template = re.sub(r'<link rel="icon"[^>]*>\s*', "", template)
    template = re.sub(r'<link rel="stylesheet" href="/static/([\w.]+)">', styles, template)
    return filled(template, spec, settings)


def picture(spec: RoomSpec, settings: Settings) -> str:
    """The QR code alone, as an SVG file."""
    return qr(address(spec, settings)).replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1) + "\n"
