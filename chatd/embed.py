"""Rooms in other people's pages: the script, the frame, its window, and the way back from signing in.

    /embed.js                the custom element's script; anybody's page may load it, it holds nothing
    /embed/{room}            the room for a frame: only pages of listed origins may show it
    /embed/{room}/window     the same room in a window of its own, handed over by the frame that opened it
    /signed-in#ticket=...    where the intranet's sign-in page sends people: hands the ticket on and closes

The room is the one page there is, with a few words on its root element: that it is framed, by whom it may
be, how it looks. Reads the catalog; changes nothing. No answer depends on who asks.
"""

import html
from collections.abc import Awaitable, Callable, Mapping, Sequence
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
from chatd.sign_in.cookies import SIGN_IN
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
ENTRY: Final = b'<main id="entry"'
SHOWN_LATER: Final = b'<main hidden id="entry"'
"""Until the page's module knows whether somebody is in the room already."""
CUT_OFF: Final = "pages.cut_off"
"""A sandbox without the chat's own origin loads neither styles nor modules from it: this is what is seen
then. A style hides it."""
ABROAD: Final = ("room/elsewhere.js", "room/look.js", "room/host.js")
"""What a room needs in a frame or in a window of its own, and not on its own page, where it is not loaded."""
THEMES: Final = ("light", "dark")
ASKS_FOR_PASS: Final[Mapping[str, str]] = {"data-door": "pass"}

ANYBODYS: Final[Mapping[str, str]] = {
    "access-control-allow-origin": "*",
    "cross-origin-resource-policy": "cross-origin",
}
"""For a script that says nothing about anybody. Modules are fetched with CORS (HTML, "fetch a module
script graph"), and a page that is not on any list has to load it too, to be told so."""

A_WHILE: Final = "public, max-age=600, stale-while-revalidate=86400"
"""For the script whose address never changes: who comes back to a page does not wait for it (RFC 5861).
An older one does as well: the files it names are there, whatever version they are asked for by."""

WITH_ITS_OPENER: Final[Mapping[str, str]] = {"cross-origin-opener-policy": "unsafe-none"}
"""For a window that a frame opens and speaks with. It listens to its own origin alone."""


def embed_routes(pages: Pages, settings: Settings) -> list[Route]:
    """What `app.py` adds to its own."""
    with_its_scripts = pages.with_more("frame", ROOM_PAGE, ABROAD)
    # What it loads later lies below /embed.js here, and is kept for a year like all of /static/VERSION/.
    element = pages.alone(SCRIPT).replace(b'"./', f'"./static/{pages.version}/'.encode())

    def abroad(body: bytes, about: Mapping[str, str], first: bytes = b"") -> bytes:
        """The room's page, told where it is shown."""
        return with_its_scripts(body.replace(ROOT, _root(about), 1).replace(ENTRY, first + SHOWN_LATER, 1))

    async def script(request: Request) -> Response:
        answer = pages.page(request, SCRIPT, edit=lambda _: element)
        answer.headers.update(ANYBODYS)
        answer.headers["cache-control"] = A_WHILE
        return answer

    async def frame(request: Request) -> Response:
        spec = await _spec(request)
        hosts = framed_by(spec, settings)
        about = {
            "class": "embedded",
            "data-hosts": " ".join(hosts),
            "data-theme": _one_of(THEMES, request.query_params.get("theme")),
            **sign_in(settings, window=True),
            **door(spec),
        }
        cut_off = f'<p class="cut-off">{html.escape(pages.say(request, CUT_OFF))}</p>\n    '.encode()
        answer = pages.page(request, ROOM_PAGE, edit=lambda body: abroad(body, about, cut_off))
        answer.headers["content-security-policy"] = content_policy(settings, framed_by=hosts)
        return answer

    async def window(request: Request) -> Response:
        about = {"class": "windowed", **sign_in(settings, window=True), **door(await _spec(request))}
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


def room_page(pages: Pages, settings: Settings) -> Callable[[Request], Awaitable[Response]]:
    """The room on its own page: as it is, and told where to sign in if there is such a place."""
    told = told_to_sign_in(sign_in(settings))
    told_of_pass = told_to_sign_in({**sign_in(settings), **ASKS_FOR_PASS})

    async def page(request: Request) -> Response:
        asks = door(await _spec(request))
        return pages.page(request, ROOM_PAGE, edit=told_of_pass if asks else told)

    return page


def door(spec: RoomSpec | None) -> Mapping[str, str]:
    """What the page has to know before anything else: where a pass is asked for, no ticket is shown."""
    return ASKS_FOR_PASS if spec is not None and spec.door == "pass" else {}


def sign_in(settings: Settings, *, window: bool = False) -> Mapping[str, str]:
    """Where people sign in: on the intranet, from where a ticket comes back, or here. `window`: for a room
    that opens a window for it, because a frame has no cookie."""
    if settings.oidc_issuer is not None:
        return {"data-sign-in": f"{SIGN_IN}?room={{room}}{'&window=1' if window else ''}"}
    return {"data-sign-in": settings.sign_in_url or ""}


def told_to_sign_in(about: Mapping[str, str]) -> Callable[[bytes], bytes] | None:
    """What makes a page say it on its root element; None where there is nothing to say."""
    return (lambda body: body.replace(ROOT, _root(about), 1)) if any(about.values()) else None


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
        # Whether this page may be framed, and whether a ticket may be shown in it, is not known.
        raise HTTPException(503) from None


def _one_of(known: Sequence[str], wanted: str | None) -> str:
    return wanted if wanted is not None and wanted in known else ""


def _root(about: Mapping[str, str]) -> bytes:
    """How the root element's start tag begins; what is empty is left out."""
    said = "".join(f'{name}="{html.escape(value)}" ' for name, value in about.items() if value)
    return ROOT + said.encode()
