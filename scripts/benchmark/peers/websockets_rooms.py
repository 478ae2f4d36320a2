"""`websockets`: its documentation's broadcast to the connections of a room. One process, no Redis.

usage: python websockets_rooms.py PORT
"""

import asyncio
import sys

from websockets.asyncio.server import ServerConnection, broadcast, serve

rooms: dict[str, set[ServerConnection]] = {}


async def chat(connection: ServerConnection) -> None:
    assert connection.request is not None
    members = rooms.setdefault(connection.request.path, set())
    members.add(connection)
    try:
        async for message in connection:
            broadcast(members, message)
    finally:
        members.remove(connection)


async def main() -> None:
    async with serve(chat, "127.0.0.1", int(sys.argv[1])) as server:
        await server.serve_forever()


asyncio.run(main())
