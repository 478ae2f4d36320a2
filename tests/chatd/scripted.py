"""A real WebSocket server that plays a part: one dialogue per connection, in order.

    async def first(peer):
        await peer.seat()
        await peer.drop()

    async with scripted(first, second) as url: ...

What goes wrong in a dialogue fails the test when the block ends. Everything waits for frames,
nothing for time; the whole is bounded by `WITHIN_S`.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any, Final, TypeAlias

import msgpack  # type: ignore[import-untyped]  # it ships no types
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

Frame: TypeAlias = dict[str, Any]
WITHIN_S: Final = 10.0
EPOCH: Final = "e1"


def posted(seq: int, text: str = "hello", handle: str = "calm-heron", **more: Any) -> Frame:
    return {"t": "posted", "room": "icu", "seq": seq, "at": 60, "handle": handle, "text": text, **more}


def joined(join: Frame, *, events: list[Frame] | None = None, head: int | None = None, **more: Any) -> Frame:
    events = events or []
    head = head if head is not None else (events[-1]["seq"] if events else 0)
    frame: Frame = {
        "t": "joined", "id": join["id"], "room": join["room"], "epoch": EPOCH, "head": head,
        "handle": "calm-heron", "seat": "seat-1", "recovered": False, "events": events,
        "roster": [{"handle": "calm-heron"}], "count": 1, "title": "Night shift", "kind": "drop-in",
    }  # fmt: skip
    return frame | more


class Peer:
    """The server's side of one connection."""

    def __init__(self, websocket: ServerConnection) -> None:
        self._websocket = websocket
        self._is_json = websocket.subprotocol != "chatd.v1.msgpack"

    async def hear(self) -> Frame:
        message = await self._websocket.recv()
        frame: Frame = json.loads(message) if self._is_json else msgpack.unpackb(message)
        return frame

    async def expect(self, kind: str) -> Frame:
        frame = await self.hear()
        assert frame["t"] == kind, frame
        return frame

    async def say(self, *frames: Frame) -> None:
        for frame in frames:
            await self._websocket.send(json.dumps(frame) if self._is_json else msgpack.packb(frame))

    async def say_raw(self, message: str | bytes) -> None:
        await self._websocket.send(message)

    async def seat(self, **more: Any) -> Frame:
        """Hear a `join`, answer it; the join."""
        join = await self.expect("join")
        await self.say(joined(join, **more))
        return join

    async def ok(self, command: Frame, **more: Any) -> None:
        await self.say({"t": "ok", "id": command["id"], **more})

    async def refuse(self, command: Frame, code: str, **more: Any) -> None:
        await self.say({"t": "error", "id": command["id"], "code": code, "message": "No.", **more})

    async def close(self, code: int) -> None:
        await self._websocket.close(code)

    async def drop(self) -> None:
        """As a network does it: no close frame."""
        self._websocket.transport.abort()
        await self._websocket.wait_closed()

    async def until_gone(self) -> None:
        """The client closes; whatever it still says is not heard."""
        await self._websocket.wait_closed()


Dialogue: TypeAlias = Callable[[Peer], Awaitable[None]]


@asynccontextmanager
async def scripted(*dialogues: Dialogue | int, speaks: bool = True) -> AsyncIterator[str]:
    """The ws URL of a server that plays `dialogues`, one per connection; further ones are closed (4100).

    A number is an HTTP status to refuse one handshake with.
    """
    faults: list[Exception] = []
    waiting = list(dialogues)
    running: set[asyncio.Task[Any]] = set()

    async def play(websocket: ServerConnection) -> None:
        task = asyncio.current_task()
        assert task is not None
        running.add(task)
        peer = Peer(websocket)
        try:
            if waiting:
                dialogue = waiting.pop(0)
                assert not isinstance(dialogue, int)
                await dialogue(peer)
                await peer.until_gone()
            else:
                await peer.close(4100)
        except ConnectionClosed:
            faults.append(AssertionError("the client went in the middle of a dialogue"))
        except Exception as error:  # noqa: BLE001 - raised in the test, below
            faults.append(error)
            await peer.close(4100)
        finally:
            running.discard(task)

    def refuse(websocket: ServerConnection, request: Request) -> Response | None:
        status = waiting[0] if waiting else None
        if not isinstance(status, int):
            return None
        waiting.pop(0)
        response = websocket.respond(HTTPStatus(status), "No.\n")
        response.headers["Retry-After"] = "1"
        return response

    subprotocols = [Subprotocol("chatd.v1.json"), Subprotocol("chatd.v1.msgpack")] if speaks else None
    serving = serve(play, "127.0.0.1", 0, subprotocols=subprotocols, process_request=refuse)
    async with asyncio.timeout(WITHIN_S), serving as server:
        port = next(iter(server.sockets)).getsockname()[1]
        yield f"ws://127.0.0.1:{port}/ws"
        if running:
            await asyncio.wait(running)
    if faults:
        raise faults[0]
    assert not waiting, "a dialogue was never played"
