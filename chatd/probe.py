"""/probe: what a client, or the doctor, asks to find out what the way to this server lets through.

    GET  padding and `open`; after 0.25 s `live`; then `tick` by `tick` for as long as asked; the end
    POST {"bytes": N}: how much of a body came through

A proxy that holds answers back shows by `open` and `live` coming together, or not at all; one that cuts
idle or long connections by the last `tick`. Says nothing about anybody and reads nothing but sizes.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Annotated, Final

import msgspec
from msgspec import Meta
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from chatd import api
from chatd.node import Node
from chatd.posting import Turned, node_of, taking_posts, unreadable, welcoming
from chatd.sse import HEADERS, LIVE_AFTER_S, PADDING

MAX_PROBES: Final = 64
"""Probes at a time and node: they are for finding out, not for staying."""


class Asked(msgspec.Struct, frozen=True):
    """`for_s`: how long to go on after `live`; `every_s`: how long between two ticks. Seconds."""

    for_s: Annotated[float, Meta(ge=0, le=120)] = 0.0
    every_s: Annotated[float, Meta(ge=0.1, le=120)] = 1.0


class Measured(msgspec.Struct, frozen=True):
    """How many bytes of a body arrived."""

    bytes: int


async def probe(request: Request) -> Response:
    """GET and POST /probe."""
    return await (_listen(request) if request.method in ("GET", "HEAD") else _measure(request))


async def _listen(request: Request) -> Response:
    async def answered() -> Response:
        node = node_of(request)
        try:
            asked = msgspec.convert(dict(request.query_params), Asked, strict=False)
        except msgspec.ValidationError:
            raise Turned(
                400, "bad_probe", "for_s goes from 0 to 120, every_s from 0.1 to 120: seconds."
            ) from None
        if node.probes >= MAX_PROBES:
            raise Turned(
                503, "full", "Many are trying just now. Try again in a moment.", {"retry-after": "5"}
            )
        return StreamingResponse(_ticks(node, asked), headers=HEADERS, media_type="text/event-stream")

    return await welcoming(request, answered)


async def _ticks(node: Node, asked: Asked) -> AsyncIterator[bytes]:
    node.probes += 1
    try:
        yield PADDING + b"event: open\ndata: {}\n\n"
        if await _going(node, LIVE_AFTER_S):
            return
        yield b"event: live\ndata: {}\n\n"
        left_s, count = asked.for_s, 0
        while left_s > 0:
            if await _going(node, min(asked.every_s, left_s)):
                return
            left_s -= asked.every_s
            count += 1
            yield b'event: tick\ndata: {"n":%d}\n\n' % count
    finally:
        node.probes -= 1


async def _going(node: Node, wait_s: float) -> bool:
    """Wait, but no longer than the node stays."""
    with suppress(TimeoutError):
        async with asyncio.timeout(wait_s):
            await node.going.wait()
            return True
    return False


async def _count(request: Request, body: bytes) -> Response:
    try:
        msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        raise unreadable("It is not JSON.") from None
    return api.json(Measured(len(body)))


_measure: Final = taking_posts(_count)
