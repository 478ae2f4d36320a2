"""The door of the routes that carry a conversation without a WebSocket: who may ask, and how much.

    origin -> sort of body -> size -> time          else a JSON object {"code", "message"}

The origin rule is the WebSocket's (`handshake.py`): no Origin is no browser and is let through. Pages
of a listed origin get CORS answers with exactly their origin, never `*`, never with credentials. Reads
the request's body; nothing of it is ever repeated.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from typing import Final, TypeAlias

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from chatd import api, handshake
from chatd.handshake import COME_BACK_S
from chatd.node import Node
from chatd.sockets import STATE_KEY

MAX_POST_BYTES: Final = 64 * 1024
"""The largest body of a request that takes one."""
READ_ON_BYTES: Final = 1 << 20
"""What of a body that is too large is read, and dropped: who is still sending when the connection ends may
never see the answer (RFC 9112 section 9.6)."""
PREFLIGHT_S: Final = 600
"""How long a browser may remember that a listed origin may ask."""


class Turned(Exception):
    """The request is not taken: a status, and what to tell whoever sent it."""

    def __init__(
        self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.message = message
        self.headers = dict(headers or {})

    def answer(self) -> Response:
        answer = api.json(api.Problem(self.code, self.message), status=self.status)
        # The connection ends: what is left of a body is not read, and a full node is not asked again by it.
        answer.headers["connection"] = "close"
        answer.headers.update(self.headers)
        return answer


Answerer: TypeAlias = Callable[[Request, bytes], Awaitable[Response]]
Endpoint: TypeAlias = Callable[[Request], Awaitable[Response]]


def taking_posts(
    answer: Answerer, *, max_bytes: int = MAX_POST_BYTES, allowed: str = "content-type"
) -> Endpoint:
    """The endpoint that gives `answer` the bodies of those who may ask. For POST and OPTIONS.

    `allowed`: the header fields that a page of another listed origin may send.
    """

    async def endpoint(request: Request) -> Response:
        async def answered() -> Response:
            if request.method == "OPTIONS":
                return _preflight(allowed)
            return await answer(request, await _body(request, max_bytes))

        return await welcoming(request, answered)

    return endpoint


async def welcoming(request: Request, answered: Callable[[], Awaitable[Response]]) -> Response:
    """What `answered` gives, for origins that may ask, with what their browsers need to hand it on."""
    origins = request.headers.getlist("origin")
    settings = node_of(request).sockets.settings
    hosts = request.headers.getlist("host")
    refused = handshake.refusal(settings, 0, settings.path, origins, hosts)
    try:
        if refused is not None:
            raise Turned(403, "foreign_origin", "Pages of this origin may not talk to this server.")
        answer = await answered()
    except Turned as turned:
        answer = turned.answer()
    if origins:
        answer.headers.append("vary", "Origin")
        if refused is None:
            answer.headers["access-control-allow-origin"] = origins[0]
            answer.headers["access-control-expose-headers"] = "Retry-After"
    return answer


def node_of(request: Request) -> Node:
    node: Node = getattr(request.state, STATE_KEY)
    return node


def let_in(node: Node, *, connections: int | None = None) -> None:
    """Room for one more? `Turned` with a time to come back, where the node is full or about to go.

    `connections`: of how many there are already, where that is not the number of members.
    """
    wait = {"retry-after": str(random.randint(*COME_BACK_S))}
    if not node.health().ready:
        raise Turned(503, "going", "This server is about to restart. Come back in a moment.", wait)
    here = node.sockets.open if connections is None else connections
    if here >= node.sockets.settings.max_connections:
        raise Turned(503, "full", "This server holds as many people as it can. Come back in a moment.", wait)


def unreadable(why: str) -> Turned:
    """For a body that cannot be read. `why` quotes none of it."""
    return Turned(400, "bad_frame", f"That request could not be read. Check it against the protocol. {why}")


def _preflight(allowed: str) -> Response:
    """What a browser asks before it sends JSON from another origin (Fetch, section 4.8)."""
    headers = {
        "access-control-allow-methods": "POST",
        "access-control-allow-headers": allowed,
        "access-control-max-age": str(PREFLIGHT_S),
    }
    return Response(status_code=204, headers=headers)


async def _body(request: Request, max_bytes: int) -> bytes:
    too_large = Turned(413, "too_large", f"Send at most {max_bytes:,} bytes at once.")
    declared = request.headers.get(
        "content-length", "0"
    )  # the HTTP parser has seen to it that it is a number
    if not declared.isdecimal() or int(declared[:12]) > READ_ON_BYTES:
        raise too_large
    body, size = bytearray(), 0
    try:
        async with asyncio.timeout(node_of(request).sockets.settings.handshake_timeout_s):
            async for part in request.stream():
                size += len(part)
                if size <= max_bytes:
                    body += part
                elif size > READ_ON_BYTES:
                    break
    except TimeoutError:
        raise Turned(408, "slow_body", "The request did not arrive in time. Send it again.") from None
    except ClientDisconnect:
        raise unreadable("It broke off.") from None
    if size > max_bytes:
        raise too_large
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise Turned(415, "not_json", "Send JSON, with the header Content-Type: application/json.")
    return bytes(body)
