"""The HTTP side of one process: the pages, the API, and the node's life inside the server's.

    /  /room/{room}  /static/...      web/, from memory (`pages.py`)
    /room/{room}/poster               a page to print (`poster.py`)
    /facilitate                       planning and running sessions: web/facilitate.html, with a ticket
    /embed.js  /embed/{room} ...      the same room in other people's pages (`embed.py`)
    /calendar.ics  /calendar/{name}.ics  what calendars subscribe to (`sessions/calendar_feed.py`)
    /issuer/pass                      staff passes, where they are given here (`passes/api.py`)
    /api/...  /health/...  /metrics   JSON and numbers (`api.py`, and in sessions/ `*_api.py`)
    /sign-in  /sign-out  ...          single sign-on, where there is a provider (`sign_in/routes.py`)
    /sse  /poll  /send  /probe        the same conversation where no WebSocket gets through
    /ws                               a WebSocket, taken by the server's own class before it gets here

`create_app` is an ordinary ASGI application: its lifespan starts the node and stops it. The
sockets need the class in `fanout.py` under uvicorn (`serve.py`).
"""

import html
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final, TypeAlias

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

import web
from chatd import api
from chatd.doctor.page import doctor_routes
from chatd.embed import ANYBODYS, MODULES, embed_routes, room_page, sign_in, told_to_sign_in
from chatd.headers import guard
from chatd.languages import ENGLISH, Language
from chatd.metrics import Metrics
from chatd.node import Node
from chatd.openapi import asyncapi, openapi
from chatd.pages import Pages
from chatd.passes.api import room_pass_routes
from chatd.polling import poll
from chatd.poster import poster_routes
from chatd.posting import taking_posts
from chatd.probe import probe
from chatd.sending import send
from chatd.sessions.calendar_feed import calendar_routes
from chatd.sessions.report_api import report_routes
from chatd.sessions.series_api import series_routes
from chatd.settings import Settings
from chatd.sign_in.routes import sign_in_routes
from chatd.sse import stream

WEB: Final = Path(web.__file__).parent
LOBBY_PAGE: Final = "lobby.html"
STYLEGUIDE_PAGE: Final = "styleguide.html"
FACILITATE_PAGE: Final = "facilitate.html"
NOT_FOUND_PAGE: Final = "404.html"
POSTED: Final = ("POST", "OPTIONS")
CLIENT: Final = "client/"
"""Where in web/ the modules are that pages of listed origins may build on."""

SAID: Final = (404, 405, 500, 503)
"""For which there are sentences of their own in web/words/*/pages.json."""

Endpoint: TypeAlias = Callable[[Request], Awaitable[Response]]


def create_app(
    settings: Settings,
    *,
    metrics: Metrics | None = None,
    on_crash: Callable[[BaseException], None] | None = None,
    wall: Callable[[], float] | None = None,
) -> Starlette:
    """The application of one process.

    `metrics` are this worker's cells; `on_crash` is told when the node cannot go on; `wall` is another time
    of day than the system's (Unix seconds), for rehearsals and tests. While the
    lifespan runs, `app.state.node` and `request.state.node` are the node; where it did not
    start, `app.state.start_error` says why.
    """
    pages = Pages(WEB)
    shown = room_page(pages, settings)
    # On the intranet one signs in for a room; here for all of them.
    signing = told_to_sign_in(sign_in(settings)) if settings.oidc_issuer is not None else None
    described = {"openapi": msgspec.json.encode(openapi()), "asyncapi": msgspec.json.encode(asyncapi())}

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[Mapping[str, Any]]:
        node = Node(settings, metrics=metrics, on_crash=on_crash, wall=wall)
        try:
            await node.start()
        except Exception as error:
            app.state.start_error = error
            raise
        app.state.node = node
        try:
            yield {"node": node, "settings": settings}
        finally:
            await node.stop()

    async def lobby(request: Request) -> Response:
        return pages.page(request, LOBBY_PAGE, edit=signing)

    async def room(request: Request) -> Response:
        """The same page for every name that a room may have: whether there is one, the join tells."""
        return await shown(request)

    async def facilitate(request: Request) -> Response:
        """The same page for everybody: what one may see in it, the ticket in the address's fragment says."""
        return pages.page(request, FACILITATE_PAGE)

    async def styleguide(request: Request) -> Response:
        """Every component in every state, for who works on the page: only on a server that is open to all."""
        if not settings.open:
            raise HTTPException(404)
        return pages.page(request, STYLEGUIDE_PAGE)

    async def static(request: Request) -> Response:
        answer = pages.static(request, request.path_params["path"])
        if answer is None:
            raise HTTPException(404)
        name = pages.path(request.path_params["path"])
        if name.startswith(MODULES):
            answer.headers.update(ANYBODYS)
        elif name.startswith(CLIENT):
            answer.headers.update(_for_listed(request, settings))
        return answer

    def description(of: str) -> Endpoint:
        async def endpoint(request: Request) -> Response:
            headers = {"cache-control": "max-age=300"}
            return Response(described[of], media_type="application/json", headers=headers)

        return endpoint

    async def problem(request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 500
        allow = error.headers if isinstance(error, HTTPException) else None
        if status == 404 and NOT_FOUND_PAGE in pages and not _for_programs(request):
            return pages.page(request, NOT_FOUND_PAGE, status=404)
        return _problem(request, pages, status, allow)

    app = Starlette(
        routes=[
            Route("/", lobby),
            Route("/room/{room}", room),
            Route("/facilitate", facilitate),
            Route("/styleguide", styleguide),
            *poster_routes(pages, settings),
            *embed_routes(pages, settings),
            *doctor_routes(pages, settings),
            Route("/static/{path:path}", static),
            Route("/ws", needs_upgrade),
            Route("/sse", taking_posts(stream), methods=POSTED),
            Route("/poll", taking_posts(poll), methods=POSTED),
            Route("/send", taking_posts(send), methods=POSTED),
            Route("/probe", probe, methods=["GET", *POSTED]),
            Route("/api/rooms", api.rooms),
            Route("/api/rooms/{room}", api.room),
            *room_pass_routes(),
            *report_routes(),
            *series_routes(),
            *calendar_routes(),
            *sign_in_routes(settings),
            Route("/api/openapi.json", description("openapi")),
            Route("/api/asyncapi.json", description("asyncapi")),
            Route("/health/live", api.live),
            Route("/health/ready", api.ready),
            Route("/metrics", api.prometheus),
        ],
        lifespan=lifespan,
        exception_handlers={HTTPException: problem, Exception: problem},
    )
    guard(app, settings)
    return app


async def needs_upgrade(request: Request) -> Response:
    """GET /ws without a WebSocket handshake (RFC 9110 section 15.5.22)."""
    return Response(
        "This address speaks WebSocket. Open the lobby in a browser, or connect with `chatd join`.\n",
        status_code=426,
        headers={"upgrade": "websocket", "connection": "upgrade", "cache-control": "no-store"},
        media_type="text/plain",
    )


def _for_listed(request: Request, settings: Settings) -> dict[str, str]:
    """What lets the pages of listed origins import a module (Fetch, "CORS protocol"); nobody else's."""
    vary = {"vary": "accept-encoding, origin"}
    origins = request.headers.getlist("origin")
    if len(origins) == 1 and origins[0].lower() in {origin.lower() for origin in settings.origins}:
        return {**vary, "access-control-allow-origin": origins[0]}
    return vary


def _for_programs(request: Request) -> bool:
    return request.url.path.startswith(
        ("/api/", "/health/", "/metrics", "/sse", "/poll", "/send", "/probe", "/issuer/", "/.well-known/")
    )


def _problem(request: Request, pages: Pages, status: int, headers: Mapping[str, str] | None) -> Response:
    """A kind page or, in English, a JSON object; neither repeats anything of the request."""
    key = f"pages.problem_{status if status in SAID else 'other'}"
    programs = _for_programs(request)
    language = ENGLISH if programs else pages.languages.of(request)
    title, sentence = pages.languages.say(language, f"{key}_title"), pages.languages.say(language, key)
    if programs:
        answer = api.json(api.Problem(f"http_{status}", f"{title}. {sentence}"), status=status)
    else:
        lobby = pages.languages.say(language, "pages.to_lobby")
        about = pages.languages.all[language]
        answer = Response(_page(about, title, sentence, lobby), status_code=status, media_type="text/html")
        answer.headers["cache-control"] = "no-store"
        answer.headers["content-language"] = language
    answer.headers.update(headers or {})
    return answer


def _page(language: Language, title: str, sentence: str, lobby: str) -> str:
    title, sentence = html.escape(title), html.escape(sentence)
    return (
        f'<!doctype html><html lang="{language.code}" dir="{language.dir}"><meta charset="utf-8"><title>'
        f'{title}</title><meta name="viewport" content="width=device-width">'
        f'<meta name="color-scheme" content="light dark"><main><h1>{title}</h1><p>{sentence}</p>'
        f'<p><a href="/">{html.escape(lobby)}</a></p></main></html>'
    )
