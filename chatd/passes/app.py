"""The issuer of staff passes as a process of its own: the hospital's side, with nothing of the rooms in it.

    POST /issuer/pass   GET /.well-known/chatd-pass-keys   GET /health/...  /metrics

A node like any other, with a folder, a secret and a log of its own, and without a single room: it knows who
works here and has signed a number for them. What the rooms know is in another process, another folder and,
best, on another machine under another name, so that no cookie and no line of a log is in both.
"""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from chatd import api
from chatd.headers import guard
from chatd.metrics import Metrics
from chatd.node import Node
from chatd.passes.api import issuer_routes
from chatd.settings import Settings


def create_issuer(
    settings: Settings,
    *,
    metrics: Metrics | None = None,
    on_crash: Callable[[BaseException], None] | None = None,
    wall: Callable[[], float] | None = None,
) -> Starlette:
    """As `app.create_app`, of an issuer that gives passes for `settings.pass_rooms`."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[Mapping[str, Any]]:
        node = Node(settings, metrics=metrics, on_crash=on_crash, wall=wall, passes_for=settings.pass_rooms)
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

    async def problem(request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 500
        sentence = "There is nothing at this address." if status == 404 else "That did not work just now."
        answer = api.json(api.Problem(f"http_{status}", sentence), status=status)
        answer.headers.update((isinstance(error, HTTPException) and error.headers) or {})
        return answer

    app = Starlette(
        routes=[
            *issuer_routes(),
            Route("/health/live", api.live),
            Route("/health/ready", api.ready),
            Route("/metrics", api.prometheus),
        ],
        lifespan=lifespan,
        exception_handlers={HTTPException: problem, Exception: problem},
    )
    guard(app, settings)
    return app
