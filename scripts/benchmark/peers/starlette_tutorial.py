"""The tutorial's chat: a `ConnectionManager` that loops over its sockets, and Redis between the processes.

The loop is the one of the WebSocket chapters of Starlette's and FastAPI's tutorials; publishing and
listening is that of redis-py's asyncio page. Run by uvicorn; REDIS_URL names the server.
"""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import redis.asyncio as redis
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect


class ConnectionManager:
    def __init__(self) -> None:
        self.active_connections: dict[str, list[WebSocket]] = {}

    async def connect(self, room: str, websocket: WebSocket) -> None:
        await websocket.accept()
        self.active_connections.setdefault(room, []).append(websocket)

    def disconnect(self, room: str, websocket: WebSocket) -> None:
        self.active_connections[room].remove(websocket)

    async def broadcast(self, room: str, message: str) -> None:
        for connection in list(self.active_connections.get(room, ())):
            try:
                await connection.send_text(message)
            except (RuntimeError, WebSocketDisconnect):  # it has gone; its own handler takes it off the list
                continue


manager = ConnectionManager()
client = redis.from_url(os.environ["REDIS_URL"], max_connections=10_000)
"""With the usual 100 connections, more publishers than that at once lose their WebSockets to an exception."""


async def listen() -> None:
    async with client.pubsub() as pubsub:
        await pubsub.psubscribe("room:*")
        async for message in pubsub.listen():
            if message["type"] == "pmessage":
                await manager.broadcast(message["channel"].decode()[5:], message["data"].decode())


async def chat(websocket: WebSocket) -> None:
    room = websocket.path_params["room"]
    await manager.connect(room, websocket)
    try:
        while True:
            text = await websocket.receive_text()
            await client.publish(f"room:{room}", text)
    except WebSocketDisconnect:
        manager.disconnect(room, websocket)


@asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[None]:
    listener = asyncio.create_task(listen())
    yield
    listener.cancel()


app = Starlette(routes=[WebSocketRoute("/ws/{room}", chat)], lifespan=lifespan)
