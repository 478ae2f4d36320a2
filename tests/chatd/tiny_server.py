"""A chatd in sixty lines, in memory, that can be told to misbehave in one way. JSON only, one room.

The checker and the replay are tested with it: a judge who has only seen the innocent proves little.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final, Literal, TypeAlias

from websockets.asyncio.server import ServerConnection, broadcast, serve
from websockets.typing import Subprotocol

Harm: TypeAlias = Literal["none", "twice", "forget", "garble", "swallow", "refuse", "silence"]
HISTORY: Final = 50


class TinyServer:
    """`harm` is done to the third post: kept twice, acked and forgotten, changed, not delivered ..."""

    def __init__(self, harm: Harm) -> None:
        self.harm = harm
        self.log: list[dict[str, Any]] = []
        self.keys: dict[str, int] = {}
        self.posts = 0
        self.members: dict[ServerConnection, str] = {}

    async def talk(self, websocket: ServerConnection) -> None:
        try:
            async for message in websocket:
                frame = json.loads(message)
                answer = self.answer(websocket, frame)
                if answer is not None:
                    await websocket.send(json.dumps({"id": frame["id"], **answer}))
        finally:
            self.members.pop(websocket, None)

    def answer(self, websocket: ServerConnection, frame: dict[str, Any]) -> dict[str, Any] | None:
        match frame["t"]:
            case "join":
                handle = self.members.setdefault(
                    websocket, frame.get("seat") or f"handle-{len(self.members)}-{id(websocket)}"
                )
                recovered = "after" in frame
                events = self.log[frame["after"] :] if recovered else self.log[-HISTORY:]
                return {
                    "t": "joined", "room": frame["room"], "epoch": "e", "head": len(self.log),
                    "handle": handle, "seat": handle, "recovered": recovered,
                    "events": events, "roster": [], "count": 1,
                }  # fmt: skip
            case "older":
                events = self.log[max(0, frame["before"] - 1 - frame["limit"]) : frame["before"] - 1]
                more = bool(events) and events[0]["seq"] > 1
                return {"t": "history", "room": frame["room"], "events": events, "more": more}
            case "post":
                return self.post(websocket, frame)
            case _:
                return {"t": "ok"}

    def post(self, websocket: ServerConnection, frame: dict[str, Any]) -> dict[str, Any] | None:
        self.posts += 1
        harm = self.harm if self.posts == 3 else "none"
        if harm == "silence":
            return None
        if harm == "refuse":
            return {"t": "error", "code": "text_too_long", "message": "No."}
        text = "something else" if harm == "garble" else frame["text"]
        if harm != "forget":
            for _ in range(2 if harm == "twice" else 1):
                self.keep(websocket, frame["room"], text, deliver=harm != "swallow")
        return {"t": "ok", "seq": len(self.log) + (harm == "forget")}

    def keep(self, websocket: ServerConnection, room: str, text: str, *, deliver: bool) -> None:
        handle = self.members[websocket]
        event = {
            "t": "posted",
            "room": room,
            "seq": len(self.log) + 1,
            "at": 60,
            "handle": handle,
            "text": text,
        }
        self.log.append(event)
        if deliver:
            broadcast(self.members, json.dumps(event))


@asynccontextmanager
async def tiny_server(harm: Harm = "none") -> AsyncIterator[str]:
    tiny = TinyServer(harm)
    subprotocols = [Subprotocol("chatd.v1.json")]
    async with serve(tiny.talk, "127.0.0.1", 0, subprotocols=subprotocols) as server, asyncio.timeout(60):
        yield f"ws://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}/ws"
