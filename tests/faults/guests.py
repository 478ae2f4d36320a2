"""Around the load: bare connections that do nothing by themselves, and what a server says of itself.

Touches the network, and /proc to find out which worker serves whom.
"""

import asyncio
import json
import socket
from typing import Any

import httpx
import psutil  # type: ignore[import-untyped]  # it ships no types
from websockets.asyncio.client import ClientConnection
from websockets.asyncio.client import connect as open_websocket
from websockets.typing import Subprotocol

from chatd.wire import JSON_SUBPROTOCOL
from tests.faults.promises import PATIENCE_S
from tests.fixtures.servers import Server

# ---- somebody without a client that comes back by itself ---------------------------------------


class Guest:
    """A bare connection with one seat: does nothing by itself, reads when it is told to."""

    def __init__(self, websocket: ClientConnection, joined: dict[str, Any]) -> None:
        self.websocket = websocket
        self.joined = joined
        self.handle: str = joined["handle"]

    @property
    def port(self) -> int:
        port: int = self.websocket.local_address[1]
        return port

    @property
    def proof(self) -> dict[str, Any]:
        """What to join with to get this seat again."""
        return {"seat": self.joined["seat"], "epoch": self.joined["epoch"], "after": self.joined["head"]}

    async def frame(self) -> dict[str, Any]:
        """The next frame. Raises `ConnectionClosed` at the end."""
        async with asyncio.timeout(PATIENCE_S):
            frame: dict[str, Any] = json.loads(await self.websocket.recv())
            return frame

    async def ask(self, kind: str, **fields: object) -> dict[str, Any]:
        """A command's answer, past what else happens in the room."""
        await self.websocket.send(json.dumps({"t": kind, "id": 3, "room": self.joined["room"], **fields}))
        while (frame := await self.frame()).get("id") != 3:
            pass
        return frame

    async def leave(self) -> None:
        await self.websocket.send(json.dumps({"t": "leave", "id": 2, "room": self.joined["room"]}))

    def drop(self) -> None:
        """Gone without a word."""
        self.websocket.transport.abort()


async def guest(
    server: Server, room: str, *, receive_buffer_bytes: int | None = None, **proof: object
) -> Guest:
    """A new connection with a seat in `room`."""
    bare = socket.socket()
    if receive_buffer_bytes is not None:
        bare.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer_bytes)
    bare.setblocking(False)
    async with asyncio.timeout(PATIENCE_S):
        await asyncio.get_running_loop().sock_connect(bare, ("127.0.0.1", port_of(server)))
        websocket = await open_websocket(
            server.ws_url,
            sock=bare,
            subprotocols=[Subprotocol(JSON_SUBPROTOCOL)],
            proxy=None,
            compression=None,
            max_size=None,
            open_timeout=PATIENCE_S,
            ping_interval=None,
            close_timeout=2,
        )
        await websocket.send(json.dumps({"t": "join", "id": 1, "room": room, **proof}))
        joined = json.loads(await websocket.recv())
    assert joined["t"] == "joined", joined
    return Guest(websocket, joined)


# ---- who serves whom, and what the server says of itself ---------------------------------------


def port_of(server: Server) -> int:
    return int(server.url.rpartition(":")[2])


def peers(server: Server, pid: int) -> set[int]:
    """The clients' ports of the connections that the process `pid` serves."""
    return {
        connection.raddr.port
        for connection in psutil.Process(pid).net_connections("tcp")
        if connection.raddr
        and connection.laddr.port == port_of(server)
        and connection.status == psutil.CONN_ESTABLISHED
    }


async def get(server: Server, path: str) -> httpx.Response:
    """On a connection of its own, so that any worker may answer."""
    async with httpx.AsyncClient(base_url=server.url, trust_env=False, timeout=PATIENCE_S) as client:
        return await client.get(path)


async def ready(server: Server) -> tuple[str, list[str]]:
    """What /health/ready says: the status, and what is degraded."""
    answer = (await get(server, "/health/ready")).json()
    return answer["status"], answer["degraded"]


async def metric(server: Server, name: str) -> list[float]:
    """One metric's values, one for each worker (and label), whoever is asked."""
    lines = (await get(server, "/metrics")).text.splitlines()
    return [float(line.rpartition(" ")[2]) for line in lines if line.split("{")[0] == name]
