"""Staff passes over HTTP: what a room asks for, the issuer's keys, and the issuer's one act.

    GET  /api/rooms/ROOM/pass             which pass opens the room just now, and under which key     room
    GET  /.well-known/chatd-pass-keys     the public keys, the same for everybody                     issuer
    POST /issuer/pass                     {room, period, blinded} -> {blind_signature}                issuer

The first two know nothing of who asks and need no identity. The third must know (`identity.py`) and is told
nothing else: no handle, no seat, no pass. Nothing of a request is logged or repeated.
"""

import base64
import binascii
import time
from typing import Annotated, Final

import msgspec
from msgspec import Meta
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from chatd import api
from chatd.node import Node
from chatd.passes.issuer import NotIssued, Why
from chatd.passes.keys import PATH, PassKey, fingerprint, write
from chatd.posting import Turned, node_of, taking_posts, unreadable
from chatd.sessions.series_links import next_session
from chatd.settings import Settings
from rooms.command import RoomName
from rooms.log import LogError
from rooms.phases import FINAL

MAX_BODY_BYTES: Final = 4096
ASK: Final = "/issuer/pass"
SOON: Final = {"retry-after": "5"}
PREFLIGHT: Final = "authorization, content-type"
"""What a page of the room's origin may send to an issuer of another."""


class PassInfo(msgspec.Struct, frozen=True):
    """The pass that a room asks for: `key` is what it believes, `issuer` where it is given ("": here)."""

    room: str
    period: str
    begins_at: int
    ends_at: int
    issuer: str
    key: PassKey
    fingerprint: str
    """Of the key, for two people to compare."""
    wait_s: int
    """The longest to wait before it is shown."""


class Ask(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A number to be signed: base64url, as long as the key."""

    room: RoomName
    period: Annotated[str, Meta(max_length=32)]
    blinded: Annotated[str, Meta(min_length=1, max_length=800, pattern=r"\A[A-Za-z0-9_-]+\Z")]


class Signed(msgspec.Struct, frozen=True):
    blind_signature: str


_ask: Final = msgspec.json.Decoder(Ask)

REFUSED: Final[dict[Why, tuple[int, str]]] = {
    Why.NO_KEY: (404, "There are no such passes just now. Reload the page, and it asks for the right one."),
    Why.BAD: (400, "This is no number that the issuer's key signs. Nothing was counted."),
    Why.TAKEN: (
        409,
        "Your pass for this room and this time was given already: the page that asked has it. Go back there.",
    ),
    Why.BUSY: (503, "Many ask for passes just now. Nothing was counted; ask again in a moment."),
    Why.AWAY: (503, "The issuer cannot count just now. Nothing is lost; ask again in a moment."),
}
NO_PASSES: Final = "This room asks for no pass. Nothing is needed from here."
NOT_READY: Final = "There are no passes yet. Ask again in a moment."
NO_ISSUER: Final = "No passes are given here."


def room_pass_routes() -> list[Route]:
    """What a room server adds to its routes."""
    return [Route("/api/rooms/{room}/pass", _info), *issuer_routes()]


def issuer_routes() -> list[Route]:
    """What an issuer answers, here or in a process of its own."""
    asking = taking_posts(_issue, max_bytes=MAX_BODY_BYTES, allowed=PREFLIGHT)
    return [Route(PATH, _keys), Route(ASK, asking, methods=["POST", "OPTIONS"])]


async def _info(request: Request) -> Response:
    """GET /api/rooms/{room}/pass."""
    node: Node = request.state.node
    settings: Settings = request.state.settings
    try:
        key = await _key(node, request.path_params["room"])
    except Turned as turned:
        return turned.answer()
    except LogError:
        return api.json(api.AWAY, status=503)
    issuer = (settings.pass_issuer or "").rstrip("/")
    return api.json(
        PassInfo(
            room=key.room,
            period=key.period,
            begins_at=key.begins_at,
            ends_at=key.ends_at,
            issuer=issuer,
            key=key,
            fingerprint=fingerprint(key),
            wait_s=settings.pass_wait_s,
        )
    )


async def _key(node: Node, name: str) -> PassKey:
    """The key of the passes that open the room now or, between two sessions, at the next one. `Turned`."""
    try:
        spec = await node.catalog.get(msgspec.convert(name, RoomName))
    except msgspec.ValidationError:
        raise Turned(404, Why.NO_KEY, NO_PASSES) from None
    if spec is None or spec.door != "pass":
        raise Turned(404, Why.NO_KEY, NO_PASSES)
    at = None
    if spec.kind == "session":
        head = (await node.log.heads([spec.name])).get(spec.name)
        session = None if head is None else head.rules.session
        if session is not None and session.phase not in FINAL:
            at = session.plan.starts_at
        elif (series := await node.series.get(spec.name)) is not None:
            coming = await next_session(series, node.log, node.afterwards.reports, int(node.wall()))
            at = None if coming is None else coming.starts_at
    if (key := node.passes.believed.key(spec.name, at)) is None:
        await node.passes.look()  # the room was made, or changed, just now
        key = node.passes.believed.key(spec.name, at)
    if key is None and at is not None and at > node.wall():
        # Not to be had yet. Until then the session cannot be entered either.
        raise Turned(
            404,
            "pass_early",
            "Passes for the next session are given from the day before it on. Come back then.",
        )
    if key is None:
        raise Turned(503, "pass_not_ready", NOT_READY, SOON)
    return key


async def _keys(request: Request) -> Response:
    """GET /.well-known/chatd-pass-keys: one text for everybody, which caches and other people may compare."""
    issuer = node_of(request).passes.issuer
    if issuer is None:
        return api.json(api.Problem(Why.NO_KEY, NO_ISSUER), status=404)
    if not (keys := issuer.published()):
        return Turned(503, "pass_not_ready", NOT_READY, SOON).answer()
    return Response(
        write(keys),
        media_type="application/json",
        headers={"cache-control": "public, max-age=60", "access-control-allow-origin": "*"},
    )


async def _issue(request: Request, body: bytes) -> Response:
    """POST /issuer/pass."""
    node = node_of(request)
    try:
        ask = _ask.decode(body)
        blinded = base64.b64decode(ask.blinded + "=" * (-len(ask.blinded) % 4), altchars=b"-_", validate=True)
    except (msgspec.DecodeError, UnicodeError, RecursionError, binascii.Error):
        raise unreadable("It is {room, period, blinded}.") from None
    try:
        person = await node.identities.of(request)
    except LogError:
        raise Turned(503, Why.AWAY, REFUSED[Why.AWAY][1], SOON) from None
    if person is None or person.expires_at <= time.time():
        raise Turned(
            401,
            "identity_needed",
            "A pass is for people who work here. Sign in, or open the room from your intranet page.",
            {"www-authenticate": "Bearer"},
        )
    if not person.opens(ask.room):
        raise Turned(403, "ticket_refused", "This ticket is for another room. Ask for one for this room.")
    if node.passes.issuer is None or not node.passes.issuer.gives(ask.room, ask.period):
        await node.passes.look()  # another process may have made it just now
    if (issuer := node.passes.issuer) is None:
        raise Turned(404, Why.NO_KEY, NO_ISSUER)
    try:
        signed = await issuer.issue(ask.room, ask.period, person.subject, blinded)
    except NotIssued as refusal:
        status, sentence = REFUSED[refusal.why]
        raise Turned(status, refusal.why, sentence, SOON if status == 503 else None) from None
    return api.json(Signed(base64.urlsafe_b64encode(signed).rstrip(b"=").decode()))
