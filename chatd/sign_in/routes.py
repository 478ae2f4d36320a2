"""Signing in over HTTP, where the operator has named a provider (`oidc_issuer`); else none of this is here.

    GET  /sign-in[?room=NAME][&window=1]   to the provider; back to that room, or to the lobby
    GET  /sign-in/callback                 from the provider: the cookie, and on
    POST /sign-out                         this sign-in is over, on every node
    GET  /api/sign-in                      {"signed_in", "role"}
    POST /api/ticket {"room": NAME}        a ticket for one entry within a minute, for the page itself

Where people go from here is a room's name, never an address, so there is nothing to redirect them elsewhere
with. In a frame there is no cookie: there the window that signed in hands a ticket for one entry to the room
(`web/signed-in.js`). What the provider calls somebody is forgotten here, but for an HMAC in their own cookie.
"""

import time
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from chatd import api
from chatd.embed import WITH_ITS_OPENER
from chatd.identity import Person
from chatd.issuers import Role
from chatd.node import Node
from chatd.posting import Turned, node_of, taking_posts
from chatd.settings import Settings
from chatd.sign_in.cookies import CALLBACK, COOKIE, SIGN_IN, WAY_S, Outcome, TooManyBatches
from rooms.command import RoomName
from rooms.log import LogError

if TYPE_CHECKING:
    from chatd.sign_in.flow import SignInFailed

SIGNED_IN: Final = "/signed-in"
WAY_COOKIE: Final = "__Host-chatd-way"
TICKET_S: Final = 60
"""How long the page may take from asking to entering."""
HANDED_S: Final = 600
"""The same for a room in a frame, where somebody reads the rules first."""


class SignedIn(msgspec.Struct, frozen=True):
    """What a page may know of a sign-in. `role` is None where there is none."""

    signed_in: bool
    role: Role | None = None


class TicketWish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where somebody who has signed in is about to come in."""

    room: RoomName


class Issued(msgspec.Struct, frozen=True):
    """For one entry, within a minute."""

    ticket: str


def sign_in_routes(settings: Settings) -> list[Route]:
    """What `app.py` adds to its own."""
    if settings.oidc_issuer is None:
        return []
    return [
        Route(SIGN_IN, _begin, methods=["GET"]),
        Route(CALLBACK, _finish, methods=["GET"]),
        Route("/sign-out", _end, methods=["POST"]),
        Route("/api/sign-in", _state, methods=["GET"]),
        Route("/api/ticket", taking_posts(_ticket), methods=["POST"]),
    ]


async def _begin(request: Request) -> Response:
    from chatd.sign_in.flow import SignInFailed

    node, asked = node_of(request), request.query_params
    room = None
    if "room" in asked:
        try:
            room = msgspec.convert(asked["room"], RoomName)
        except msgspec.ValidationError:
            raise HTTPException(404) from None
    assert node.oidc is not None
    try:
        address, way = await node.oidc.begin(room, window="window" in asked, now=time.time())
    except SignInFailed as failed:
        return _failed(node, failed)
    answer = _onward(address)
    answer.set_cookie(WAY_COOKIE, way, max_age=WAY_S, path="/", secure=True, httponly=True, samesite="lax")
    return answer


async def _finish(request: Request) -> Response:
    from chatd.sign_in.flow import Answered, SignInFailed

    node, said, now = node_of(request), request.query_params, time.time()
    assert node.oidc is not None
    answered = Answered(*(said.getlist(name) for name in Answered.__struct_fields__))
    try:
        person, way = await node.oidc.finish(answered, request.cookies.get(WAY_COOKIE, ""), now)
        subject = node.sign_ins.subject(node.oidc.issuer, person.subject)
        cookie = await node.sign_ins.seal(subject, person.role, now=now, life_s=node.settings.sign_in_s)
    except SignInFailed as failed:
        return _failed(node, failed)
    except (LogError, TooManyBatches):
        raise HTTPException(503) from None
    node.metrics.sign_ins[Outcome.SIGNED_IN].add()
    if way.room is not None and way.window:
        ticket = node.tickets.issue(
            way.room, person.role, expires_at=int(now) + HANDED_S, subject=subject, once=True
        )
        answer = _onward(f"{SIGNED_IN}#{urlencode({'ticket': ticket})}")
    else:
        answer = _onward("/" if way.room is None else f"/room/{way.room}")
    # Without Max-Age: on a shared computer it goes with the browser's window, and the server ends it anyhow.
    answer.set_cookie(COOKIE, cookie, path="/", secure=True, httponly=True, samesite="lax")
    _forget(answer, WAY_COOKIE)
    return answer


async def _end(request: Request) -> Response:
    node = node_of(request)
    if not node.identities.is_own(request):
        return Turned(403, "foreign_origin", "Only this server's own pages may sign anybody out.").answer()
    try:
        await node.sign_ins.end(request.cookies.get(COOKIE, ""))
    except LogError:
        return api.json(api.AWAY, status=503)
    answer = Response(status_code=204, headers={"cache-control": "no-store"})
    _forget(answer, COOKIE)
    return answer


async def _state(request: Request) -> Response:
    person = await _signed_in(request)
    return api.json(SignedIn(False) if person is None else SignedIn(True, person.role))


async def _ticket(request: Request, body: bytes) -> Response:
    try:
        wish = msgspec.json.decode(body, type=TicketWish)
    except (msgspec.DecodeError, UnicodeError):
        raise Turned(400, "bad_frame", "This could not be read: name the `room`, and nothing else.") from None
    try:
        person = await _signed_in(request)
    except HTTPException:
        raise Turned(503, api.AWAY.code, api.AWAY.message) from None
    if person is None:
        raise Turned(401, "sign_in_needed", "Nobody is signed in here, or not any more. Sign in, then go on.")
    expires_at = min(int(time.time()) + TICKET_S, person.expires_at)
    ticket = node_of(request).tickets.issue(
        wish.room, person.role, expires_at=expires_at, subject=person.subject, once=True
    )
    return api.json(Issued(ticket))


async def _signed_in(request: Request) -> Person | None:
    """Whoever is signed in by cookie; a ticket is not made into another one, which would never end."""
    if "authorization" in request.headers:
        return None
    try:
        return await node_of(request).identities.of(request)
    except LogError:
        raise HTTPException(503) from None


def _failed(node: Node, failed: "SignInFailed") -> Response:
    """To the page that says so in words, and offers to try again."""
    node.metrics.sign_ins[failed.outcome].add()
    about = {"why": failed.outcome.value}
    if failed.way is not None and failed.way.room is not None:
        about["room"] = failed.way.room
        if failed.way.window:
            about["window"] = "1"
    answer = _onward(f"{SIGNED_IN}#{urlencode(about)}")
    if failed.way is not None:
        _forget(answer, WAY_COOKIE)
    # Else the cookie may be that of a sign-in in another tab; and a foreign page could stop one.
    return answer


def _onward(address: str) -> Response:
    """303: whatever this was, the next is a GET. It stays with the window that opened this one."""
    headers = {"location": address, "cache-control": "no-store", **WITH_ITS_OPENER}
    return Response(status_code=303, headers=headers)


def _forget(answer: Response, cookie: str) -> None:
    answer.delete_cookie(cookie, path="/", secure=True, httponly=True, samesite="lax")
