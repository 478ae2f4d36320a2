"""A whole chatd in the test's own event loop, and people who speak to it over plain HTTP.

async with whole(tmp_path) as chat:                     the real server, node and routes, on a free port
    async with chat.stream(join()) as stream: await stream.until("joined")
    polled = await chat.poll(join())
    await chat.send(frame, seat=polled.seat)
"""

import asyncio
import itertools
import json
import socket
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeAlias

import httpx

from chatd.app import create_app
from chatd.node import Node
from chatd.serve import prepare_rooms
from chatd.server import Server
from chatd.settings import Settings

Frame: TypeAlias = dict[str, Any]
ROOM: Final = "icu"
PATIENCE_S: Final = 20.0
_ids: Final = itertools.count(1)


def command(t: str, /, room: str = ROOM, **fields: Any) -> Frame:
    return {"t": t, "id": next(_ids), "room": room, **fields}


def join(room: str = ROOM, **fields: Any) -> Frame:
    return command("join", room, **fields)


def post(text: str, room: str = ROOM, **fields: Any) -> Frame:
    return command("post", room, key=f"key-{next(_ids)}", text=text) | fields


def proof(joined: Frame) -> Frame:
    """What to join with to have this seat again, from where it was."""
    return {"seat": joined["seat"], "epoch": joined["epoch"], "after": joined["head"]}


class Stream:
    """An event stream as it comes. `events` is everything so far: (kind, data, loop time)."""

    def __init__(self, answer: httpx.Response) -> None:
        self.answer = answer
        self.events: list[tuple[str, Frame, float]] = []
        self.comments = 0
        self.ended = False
        self._lines: AsyncGenerator[str, None] = answer.aiter_lines()  # type: ignore[assignment]  # it is a generator

    async def event(self) -> tuple[str, Frame]:
        """The next event. `EOFError` at the end of the stream."""
        kind = "message"
        async with asyncio.timeout(PATIENCE_S):
            async for line in self._lines:
                if line.startswith(":"):
                    self.comments += 1
                elif line.startswith("event: "):
                    kind = line.removeprefix("event: ")
                elif line.startswith("data: "):
                    data: Frame = json.loads(line.removeprefix("data: "))
                    self.events.append((kind, data, asyncio.get_running_loop().time()))
                    return kind, data
        self.ended = True
        raise EOFError

    async def until(self, kind: str) -> Frame:
        """The next frame of this kind, past all others."""
        while True:
            event, frame = await self.event()
            if (event == "message" and frame["t"] == kind) or event == kind:
                return frame

    async def rest(self) -> list[tuple[str, Frame]]:
        """Everything up to the end."""
        start = len(self.events)
        while True:
            try:
                await self.event()
            except EOFError:
                return [(kind, frame) for kind, frame, _ in self.events[start:]]

    async def close(self) -> None:
        await self._lines.aclose()


@dataclass(frozen=True)
class Polled:
    """One answer to a poll."""

    link: str
    n: int
    frames: list[Frame]
    close: Frame | None

    @property
    def joined(self) -> Frame:
        """The `joined` that it begins with."""
        assert self.frames[0]["t"] == "joined", self.frames
        return self.frames[0]

    def texts(self) -> list[str]:
        return [frame["text"] for frame in self.frames if frame["t"] == "posted"]


class Whole:
    """One running server. `node` is its inside."""

    def __init__(self, url: str, server: Server, node: Node, http: httpx.AsyncClient) -> None:
        self.url = url
        self.server = server
        self.node = node
        self.http = http

    async def ask(self, path: str, body: object, **headers: str) -> httpx.Response:
        return await self.http.post(path, json=body, headers=headers)

    async def send(self, *frames: Frame, seat: str | None = None) -> list[Frame]:
        body: Frame = {"frames": list(frames)} | ({"seat": seat} if seat is not None else {})
        answer = await self.ask("/send", body)
        assert answer.status_code == 200, answer.text
        answers: list[Frame] = answer.json()["frames"]
        return answers

    async def poll(self, join: Frame, **fields: object) -> Polled:
        answer = await self.ask("/poll", {"join": join, **fields})
        assert answer.status_code == 200, answer.text
        told = answer.json()
        return Polled(told["link"], told["n"], told["frames"], told.get("close"))

    @asynccontextmanager
    async def stream(self, join: Frame) -> AsyncIterator[Stream]:
        async with self.http.stream("POST", "/sse", json=join) as answer:
            assert answer.status_code == 200, await answer.aread()
            stream = Stream(answer)
            async with aclosing(stream._lines):
                yield stream

    def connected_by(self, transport: str) -> float:
        return self.node.metrics.connected_by[transport].value


@asynccontextmanager
async def whole(data: Path, **settings: Any) -> AsyncIterator[Whole]:
    """A server on `data`, open to all, until the end of the block. It drains in no time unless told else."""
    chosen = Settings(data=data, port=0, **{"open": True, "drain_s": 0.0, **settings})
    await prepare_rooms(chosen)
    app = create_app(chosen)
    listener = socket.create_server(("127.0.0.1", 0))
    started = asyncio.Event()
    server = Server(app, chosen, started.set)
    running = asyncio.create_task(server.serve(sockets=[listener]))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    try:
        async with asyncio.timeout(PATIENCE_S):
            await started.wait()
        async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=PATIENCE_S) as http:
            yield Whole(url, server, app.state.node, http)
    finally:
        server.should_exit = True
        await running
        listener.close()
