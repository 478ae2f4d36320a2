"""What programs and the lobby ask over HTTP: rooms, health, metrics, descriptions. JSON, read only.

Numbers of people leave only as bands. Reads the node in the request's state; changes nothing.
"""

from typing import Any, Final, Literal

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from chatd import metrics
from chatd.node import Node
from chatd.settings import Settings
from presence.roster import band
from rooms.catalog import Door, Kind, RoomSpec
from rooms.command import RoomName
from rooms.log import LogError
from rooms.periods import DAY_S, kept_s


class RoomInfo(msgspec.Struct, frozen=True):
    """A room as the lobby shows it. `band` says how alive it is, never how many are in it.

    Of a room that the lobby does not list, who guesses its name is told that it is there and how it
    works: its `title` is the name, its `band` empty.
    """

    name: str
    title: str
    kind: Kind
    band: str
    open: bool
    door: Door = "ticket"
    """What one shows where it is not open."""
    kept_days: int = 1
    """For how many days at most what is said is kept."""


class RoomList(msgspec.Struct, frozen=True):
    rooms: list[RoomInfo]


class Health(msgspec.Struct, frozen=True):
    """`degraded` names the parts that are away while everything goes on, for example "bus"."""

    status: Literal["alive", "ok", "degraded", "not_ready"]
    degraded: list[str] = []


class Problem(msgspec.Struct, frozen=True):
    """What went wrong and what to do. Quotes nothing of the request."""

    code: str
    message: str


UNKNOWN_ROOM: Final = Problem("unknown_room", "There is no room with this name. The lobby lists the rooms.")
AWAY: Final = Problem("log_unavailable", "The server cannot read its rooms just now. Try again in a moment.")


def json(value: Any, *, status: int = 200, cache: str = "no-store") -> Response:
    """`value` as JSON; by default no cache keeps it."""
    return Response(
        msgspec.json.encode(value),
        status_code=status,
        media_type="application/json",
        headers={"cache-control": cache},
    )


def _node(request: Request) -> Node:
    node: Node = request.state.node
    return node


async def rooms(request: Request) -> Response:
    """GET /api/rooms: the rooms the lobby lists, by name."""
    node = _node(request)
    try:
        specs = await node.catalog.list()
    except LogError:
        return json(AWAY, status=503)
    counts = node.counts()
    settings: Settings = request.state.settings
    return json(RoomList([_info(spec, counts.get(spec.name, 0), settings) for spec in specs if spec.listed]))


async def room(request: Request) -> Response:
    """GET /api/rooms/{room}: one room; of one that is not listed, no more than its page needs."""
    node = _node(request)
    try:
        name = msgspec.convert(request.path_params["room"], RoomName)
    except msgspec.ValidationError:
        return json(UNKNOWN_ROOM, status=404)  # no store is asked: PostgreSQL has no text with a NUL
    try:
        spec = await node.catalog.get(name)
    except LogError:
        return json(AWAY, status=503)
    settings: Settings = request.state.settings
    if spec is None and settings.open:
        # With --open every valid name is a room.
        spec = RoomSpec(name=name, title=name, capacity=settings.capacity, open=True)
    if spec is None:
        return json(UNKNOWN_ROOM, status=404)
    if not spec.listed:
        return json(_info(spec, 0, settings, shown=False))
    return json(_info(spec, node.counts().get(name, 0), settings))


def _info(spec: RoomSpec, count: int, settings: Settings, *, shown: bool = True) -> RoomInfo:
    # `open` says whether one gets in without a ticket: with --open that holds for every room.
    return RoomInfo(
        spec.name,
        spec.title if shown else spec.name,
        spec.kind,
        band(count) if shown else "",
        spec.open or settings.open,
        spec.door,
        kept_s(spec) // DAY_S,
    )


async def live(request: Request) -> Response:
    """GET /health/live: the process answers."""
    return json(Health("alive"))


async def ready(request: Request) -> Response:
    """GET /health/ready: 200 while people can be served, also when something is degraded; else 503."""
    health = _node(request).health()
    if not health.ready:
        return json(Health("not_ready", list(health.degraded)), status=503)
    return json(Health("degraded" if health.degraded else "ok", list(health.degraded)))


async def prometheus(request: Request) -> Response:
    """GET /metrics: the numbers of all workers."""
    body = _node(request).metrics.render()
    return Response(body, headers={"content-type": metrics.CONTENT_TYPE, "cache-control": "no-store"})
