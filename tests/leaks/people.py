"""People who come in by every door, as a stranger's client would, with everything about them that may leak.

    person = Person("ws msgpack", scene.url, headers)
    await person.comes(ROOM, ticket=...)          join, and hear everything from then on
    await person.asks("post", key="k", text="...")

`WAYS` are the transports and formats; a new one is a line there. Written against docs/protocol.md.
"""

import asyncio
import itertools
import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final, TypeAlias

import httpx
import msgpack  # type: ignore[import-untyped]  # it ships no types
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from tests.fixtures.servers import until

Frame: TypeAlias = dict[str, Any]
ANSWER_S: Final = 20.0


class Person:
    """One client in one room, and in those that belong to it. `heard` is every byte it was told."""

    def __init__(self, url: str, headers: Mapping[str, str]) -> None:
        self.url = url
        self.headers = dict(headers)
        self.heard: list[bytes] = []
        self.joined: Frame = {}
        self.seats: list[str] = []
        self._frames: list[Frame] = []
        self._ids = itertools.count(1)
        self._listening: list[asyncio.Task[None]] = []

    @property
    def handle(self) -> str:
        return str(self.joined["handle"])

    @property
    def seat(self) -> str:
        return str(self.joined["seat"])

    async def comes(self, room: str, **proof: Any) -> Frame:
        """Join. The answer, of which the first is kept as `joined`."""
        answer = await self._join({"t": "join", "id": next(self._ids), "room": room, **proof})
        if answer["t"] == "joined":
            self.joined = self.joined or answer
            self.seats.append(answer["seat"])
        return answer

    async def asks(self, kind: str, room: str, /, **fields: Any) -> Frame:
        """A command, and its answer, also where that is an error."""
        return await self._ask({"t": kind, "id": next(self._ids), "room": room, **fields})

    async def does(self, kind: str, room: str, /, **fields: Any) -> int:
        """A command that has to succeed; the place of its event, 0 where it has none."""
        answer = await self.asks(kind, room, **fields)
        assert answer["t"] == "ok", answer
        return int(answer.get("seq", 0))

    async def hears(self, kind: str, **fields: Any) -> Frame:
        """The first frame of this kind, as soon as it has come."""

        def found() -> Frame | None:
            return next(
                (each for each in self._frames if fields.items() <= each.items() and each["t"] == kind), None
            )

        await until(lambda: found() is not None, f"{kind} is heard", within_s=ANSWER_S)
        frame = found()
        assert frame is not None
        return frame

    async def close(self) -> None:
        for task in self._listening:
            task.cancel()
        await asyncio.gather(*self._listening, return_exceptions=True)

    def _take(self, raw: bytes, frame: Frame) -> None:
        self.heard.append(raw)
        self._frames.append(frame)

    async def _answer(self, id_: int) -> Frame:
        def found() -> Frame | None:
            return next((each for each in self._frames if each.get("id") == id_), None)

        await until(lambda: found() is not None, "an answer", within_s=ANSWER_S)
        frame = found()
        assert frame is not None
        return frame

    async def _join(self, frame: Frame) -> Frame:
        raise NotImplementedError

    async def _ask(self, frame: Frame) -> Frame:
        raise NotImplementedError


class BySocket(Person):
    """One WebSocket."""

    format = "json"

    def __init__(self, url: str, headers: Mapping[str, str]) -> None:
        super().__init__(url, headers)
        self.socket: ClientConnection | None = None

    async def send(self, raw: str | bytes) -> None:
        """Anything at all."""
        if self.socket is None:
            self.socket = await connect(
                self.url.replace("http", "ws", 1) + "/ws",
                subprotocols=[Subprotocol(f"chatd.v1.{self.format}")],
                additional_headers={
                    name: value for name, value in self.headers.items() if name != "user-agent"
                },
                user_agent_header=self.headers.get("user-agent"),
                proxy=None,
            )
            self._listening.append(asyncio.create_task(self._listen(self.socket)))
        with suppress(ConnectionClosed):
            await self.socket.send(raw)

    async def _listen(self, socket: ClientConnection) -> None:
        with suppress(ConnectionClosed):
            async for message in socket:
                raw = message.encode() if isinstance(message, str) else message
                self._take(raw, json.loads(raw) if self.format == "json" else msgpack.unpackb(raw))

    async def _ask(self, frame: Frame) -> Frame:
        await self.send(json.dumps(frame) if self.format == "json" else msgpack.packb(frame))
        return await self._answer(frame["id"])

    _join = _ask

    async def close(self) -> None:
        if self.socket is not None:
            await self.socket.close()
        await super().close()


class ByPacked(BySocket):
    """The same in MessagePack."""

    format = "msgpack"


class ByHttp(Person):
    """What is common to the two ways without a WebSocket: speaking goes by /send, with the seat."""

    def __init__(self, url: str, headers: Mapping[str, str]) -> None:
        super().__init__(url, headers)
        self.http = httpx.AsyncClient(
            base_url=url, headers=self.headers, trust_env=False, timeout=ANSWER_S + 10
        )

    async def _ask(self, frame: Frame) -> Frame:
        answer = await self.http.post("/send", json={"seat": self.seat, "frames": [frame]})
        assert answer.status_code == 200, answer.text
        self.heard.append(answer.content)
        return dict(answer.json()["frames"][0])

    async def close(self) -> None:
        await super().close()
        await self.http.aclose()


class ByStream(ByHttp):
    """Server-sent events."""

    async def _join(self, frame: Frame) -> Frame:
        self._listening.append(asyncio.create_task(self._listen(frame)))
        return await self._answer(frame["id"])

    async def _listen(self, frame: Frame) -> None:
        with suppress(httpx.HTTPError):
            async with self.http.stream("POST", "/sse", json=frame) as answer:
                async for line in answer.aiter_lines():
                    said = line.removeprefix("data: ")
                    if said != line and '"t"' in said:
                        self._take(said.encode(), json.loads(said))


class ByPolls(ByHttp):
    """Answer by answer."""

    async def _join(self, frame: Frame) -> Frame:
        self._listening.append(asyncio.create_task(self._listen(frame)))
        return await self._answer(frame["id"])

    async def _listen(self, join: Frame) -> None:
        told: Frame = {}
        with suppress(httpx.HTTPError):
            while "close" not in told:
                asked = {name: told[what] for name, what in (("link", "link"), ("got", "n")) if what in told}
                answer = await self.http.post("/poll", json={"join": join, **asked})
                if answer.status_code != 200:
                    return
                self.heard.append(answer.content)
                told = answer.json()
                self._frames.extend(told["frames"])
                for frame in told["frames"]:
                    if frame["t"] == "joined":
                        again = {"seat": frame["seat"], "epoch": frame["epoch"], "after": frame["head"]}
                        join = {"t": "join", "id": frame["id"], "room": frame["room"], **again}


WAYS: Final[dict[str, type[Person]]] = {
    "ws json": BySocket,
    "ws msgpack": ByPacked,
    "sse": ByStream,
    "poll": ByPolls,
}
