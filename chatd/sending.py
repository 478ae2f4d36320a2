"""POST /send: what a member says who is told things by `sse.py` or `polling.py`.

    {seat, frames: [...]}  ->  {frames: [the answer to each, in order]}

Works on any node, with no connection there: the seat is restored from its token for this one request,
and rules, pace and `key` hold as always. The event itself reaches its author like everybody else. What
concerns the seat itself (away, leave) is passed to the node that holds it.
"""

import asyncio
from collections.abc import Sequence
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta
from starlette.requests import Request
from starlette.responses import Response

from chatd import api, wire
from chatd.answers import RETRY_LOG_S
from chatd.connection import Connection
from chatd.door import Refused
from chatd.formats import ANSWERS
from chatd.node import Node
from chatd.posting import Turned, let_in, node_of, unreadable
from chatd.sink import Format
from chatd.wire import MESSAGES, BadFrame, ErrorCode
from rooms.command import CommandId
from rooms.log import LogError

MAX_FRAMES: Final = 16
"""Frames in one request."""
MAX_SENDS: Final = 2_000
"""Requests being answered at a time, per node."""
ANSWER_S: Final = 20.0
"""How long a request waits for its answers. Then nobody knows, and it says so."""


class Send(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of a send. `seat` is the token of the seat that speaks; all frames are for its room.

    Without it only `draw` is answered.
    """

    frames: Annotated[list[msgspec.Raw], Meta(min_length=1, max_length=MAX_FRAMES)]
    seat: wire.Token | None = None


class Sent(msgspec.Struct, frozen=True):
    """One answer for each frame that has an `id`, in order."""

    frames: list[Any]


_decoder: Final = msgspec.json.Decoder(Send)


class Visit:
    """A connection for the length of one request: a `chatd.sink.Sink` that collects answers."""

    format: Format = ANSWERS

    def __init__(self) -> None:
        self.outbox: list[Any] = []
        self._waiting: list[CommandId | None] = []
        self._answers: list[tuple[CommandId | None, msgspec.Struct]] = []
        self._done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def expect(self, id_: CommandId | None) -> None:
        """Wait for an answer under `id_`; None where the frame's could not be read."""
        self._waiting.append(id_)

    async def answers(self, order: Sequence[CommandId | None]) -> list[msgspec.Struct]:
        """The answers, in the order of their commands. What has none in time may have been done or not."""
        if self._waiting:
            try:
                async with asyncio.timeout(ANSWER_S):
                    await self._done
            except TimeoutError:
                self._answers += [(id_, _unknown(id_)) for id_ in self._waiting]
        found: list[msgspec.Struct] = []
        for id_ in order:
            place = next(index for index, (of, _) in enumerate(self._answers) if of == id_)
            found.append(self._answers.pop(place)[1])
        return found

    # ---- the sink ------------------------------------------------------------------------------

    def write(self, batch: tuple[Any, ...]) -> bool:
        for frame in batch:
            id_: CommandId | None = getattr(frame, "id", None)
            if id_ in self._waiting:
                self._waiting.remove(id_)
            self._answers.append((id_, frame))
        if not self._waiting and not self._done.done():
            self._done.set_result(None)
        return True

    def congested(self) -> bool:
        return False

    def close(self, code: int, reason: str) -> None:
        """There is no connection to close; the answers come in any case."""


def _unknown(id_: CommandId | None) -> wire.Error:
    code = ErrorCode.LOG_UNAVAILABLE
    return wire.Error(id=id_, code=code, message=MESSAGES[code], retry_after_s=RETRY_LOG_S)


def _read(frame: msgspec.Raw) -> wire.AnyCommand | BadFrame:
    if len(bytes(frame)) > wire.MAX_FRAME_BYTES:
        raise Turned(413, "too_large", f"A frame has at most {wire.MAX_FRAME_BYTES:,} bytes.")
    try:
        return wire.decode_json(bytes(frame))
    except BadFrame as error:
        return error


async def send(request: Request, body: bytes) -> Response:
    """POST /send."""
    try:
        asked = _decoder.decode(body)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        raise unreadable(f"A send has 1 to {MAX_FRAMES} frames, and may have seat.") from None
    frames = [_read(frame) for frame in asked.frames]
    node = node_of(request)
    if not node.going.is_set():  # who goes takes in what people are still saying
        let_in(node, connections=0)
    if node.sends >= MAX_SENDS:
        raise Turned(
            503, "busy", "The server is very busy. Send that again in a moment.", {"retry-after": "2"}
        )
    node.sends += 1
    try:
        return api.json(Sent(await _said(node, asked.seat, frames)))
    finally:
        node.sends -= 1


async def _said(
    node: Node, seat: str | None, frames: Sequence[wire.AnyCommand | BadFrame]
) -> list[msgspec.Struct]:
    visit = Visit()
    visitor = node.visitors.come(visit)
    try:
        refused = await _seat(node, visitor, seat, frames)
        order: list[CommandId | None] = []
        for frame in frames:
            if isinstance(frame, wire.Typing):  # the one that is not answered
                node.visitors.say(visitor, frame)
                continue
            id_ = frame.id_ if isinstance(frame, BadFrame) else frame.id
            order.append(id_)
            visit.expect(id_)
            if isinstance(frame, BadFrame):
                node.visitors.refuse(visitor, id_, ErrorCode.BAD_FRAME, f"It says: {frame}.")
            elif refused is not None:
                node.visitors.refuse(visitor, id_, refused)
            else:
                node.visitors.say(visitor, frame)
        return await visit.answers(order)
    finally:
        node.visitors.go(visitor)


async def _seat(
    node: Node, visitor: Connection, token: str | None, frames: Sequence[wire.AnyCommand | BadFrame]
) -> ErrorCode | None:
    """Take the seat that was shown, if any; or why not."""
    room = next((frame.room for frame in frames if not isinstance(frame, BadFrame)), None)
    if token is None or room is None:
        return None
    try:
        await node.visitors.take_seat(visitor, room, token)
    except Refused as refusal:
        return refusal.code
    except LogError:
        return ErrorCode.LOG_UNAVAILABLE
    return None
