"""Rooms in other people's pages: the script, the frame, its window, and the way back from signing in.

    /embed.js                the custom element's script; anybody's page may load it, it holds nothing
    /embed/{room}            the room for a frame: only pages of listed origins may show it
    /embed/{room}/window     the same room in a window of its own, handed over by the frame that opened it
    /signed-in#ticket=...    where the intranet's sign-in page sends people: hands the ticket on and closes

The room is the one page there is, with a few words on its root element: that it is framed, by whom it may
be, how it looks. Reads the catalog; changes nothing. No answer depends on who asks.
"""

import html
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from chatd.headers import content_policy
from chatd.node import Node
from chatd.pages import Pages
from chatd.settings import Settings
from rooms.catalog import RoomSpec
from rooms.command import RoomName
from rooms.log import LogError

SCRIPT: Final = "embed.js"
ROOM_PAGE: Final = "room.html"
SIGNED_IN_PAGE: Final = "signed-in.html"
MODULES: Final = "embed/"
"""Where in web/ the modules are that a page of another origin loads."""

ROOT: Final = b"<html "
"""How the room's page begins; what is said about a frame goes here, before its language."""
PRELOAD: Final = b'<link rel="modulepreload"'
ENTRY: Final = b'<main id="entry"'
SHOWN_LATER: Final = b'<main hidden id="entry"'
"""Until the page's module knows whether somebody is in the room already."""
CUT_OFF: Final = "pages.cut_off"
"""A sandbox without the chat's own origin loads neither styles nor modules from it: this is what is seen
then. A style hides it."""
ABROAD: Final = (
    "room/elsewhere.js",
    "room/window.js",
    "room/look.js",
    "room/host.js",
    "client/handover.js",
    "embed/messages.js",
)
"""What a room needs in a frame or in a window of its own, and not on its own page."""
THEMES: Final = ("light", "dark")

ANYBODYS: Final[Mapping[str, str]] = {
    "access-control-allow-origin": "*",
    "cross-origin-resource-policy": "cross-origin",
}
"""For a script that says nothing about anybody. Modules are fetched with CORS (HTML, "fetch a module
script graph"), and a page that is not on any list has to load it too, to be told so."""

WITH_ITS_OPENER: Final[Mapping[str, str]] = {"cross-origin-opener-policy": "unsafe-none"}
"""For a window that a frame opens and speaks with. It listens to its own origin alone."""


def embed_routes(pages: Pages, settings: Settings) -> list[Route]:
    """What `app.py` adds to its own."""
    preloads = "".join(
        f'<link rel="modulepreload" href="/static/{pages.version}/{name}">\n    ' for name in ABROAD
    ).encode()

    def abroad(body: bytes, about: Mapping[str, str], first: bytes = b"") -> bytes:
        """The room's page, told where it is shown."""
        body = body.replace(ROOT, _root(about), 1).replace(ENTRY, first + SHOWN_LATER, 1)
        return body.replace(PRELOAD, preloads + PRELOAD, 1)

    async def script(request: Request) -> Response:
        # Its imports are relative to /embed.js here, and are kept for a year like all of /static/VERSION/.
        here = f'"./static/{pages.version}/'.encode()
        answer = pages.page(request, SCRIPT, edit=lambda body: body.replace(b'"./', here))
        answer.headers.update(ANYBODYS)
        return answer

    async def frame(request: Request) -> Response:
        hosts = framed_by(await _spec(request), settings)
        about = {
            "class": "embedded",
            "data-hosts": " ".join(hosts),
            "data-theme": _one_of(THEMES, request.query_params.get("theme")),
            **sign_in(settings),
        }
        cut_off = f'<p class="cut-off">{html.escape(pages.say(request, CUT_OFF))}</p>\n    '.encode()
        answer = pages.page(request, ROOM_PAGE, edit=lambda body: abroad(body, about, cut_off))
        answer.headers["content-security-policy"] = content_policy(settings, framed_by=hosts)
        return answer

    async def window(request: Request) -> Response:
        _name(request)
        about = {"class": "windowed", **sign_in(settings)}
        answer = pages.page(request, ROOM_PAGE, edit=lambda body: abroad(body, about))
        answer.headers.update(WITH_ITS_OPENER)
        return answer

    async def signed_in(request: Request) -> Response:
        answer = pages.page(request, SIGNED_IN_PAGE)
        answer.headers.update(WITH_ITS_OPENER)
        return answer

    return [
        Route("/embed.js", script),
        Route("/embed/{room}", frame),
        Route("/embed/{room}/window", window),
        Route("/signed-in", signed_in),
    ]


def room_page(pages: Pages, settings: Settings) -> Callable[[Request], Response]:
    """The room on its own page: as it is, and told where to sign in if there is such a place."""
    about = sign_in(settings)
    told = (lambda body: body.replace(ROOT, _root(about), 1)) if settings.sign_in_url else None
    return lambda request: pages.page(request, ROOM_PAGE, edit=told)


def sign_in(settings: Settings) -> Mapping[str, str]:
    """Where the intranet lets people sign in; a ticket comes back from there."""
    return {"data-sign-in": settings.sign_in_url or ""}


def framed_by(spec: RoomSpec | None, settings: Settings) -> Sequence[str]:
    """The origins whose pages may show this room; of a room that is not there, the deployment's."""
    return settings.embed_origins if spec is None or spec.embed is None else spec.embed


def _name(request: Request) -> str:
    try:
        return msgspec.convert(request.path_params["room"], RoomName)
    except msgspec.ValidationError:
        raise HTTPException(404) from None


async def _spec(request: Request) -> RoomSpec | None:
    node: Node = request.state.node
    try:
        return await node.catalog.get(_name(request))
    except LogError:
        # Whether this page may be framed is not known, so nobody frames it.
        raise HTTPException(503) from None


def _one_of(known: Sequence[str], wanted: str | None) -> str:
    return wanted if wanted is not None and wanted in known else ""


def _root(about: Mapping[str, str]) -> bytes:
    """How the root element's start tag begins; what is empty is left out."""
    said = "".join(f'{name}="{html.escape(value)}" ' for name, value in about.items() if value)
    return ROOT + said.encode()
