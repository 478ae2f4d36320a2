"""python-socketio: an `AsyncServer` with rooms and the Redis manager, as its server pages set it up.

Run by uvicorn; REDIS_URL names the server.
"""

import os

import socketio

sio = socketio.AsyncServer(
    async_mode="asgi", client_manager=socketio.AsyncRedisManager(os.environ["REDIS_URL"])
)
app = socketio.ASGIApp(sio)


@sio.event
async def join(sid: str, room: str) -> None:
    await sio.enter_room(sid, room)


@sio.event
async def message(sid: str, room: str, text: str) -> None:
    await sio.emit("message", text, room=room)
