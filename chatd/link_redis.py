"""One connection to a Redis server, as the bus needs it: write without waiting, end at once.

redis-py connects (address, TLS, login) and parses (hiredis); its pool, its retries and its
`PubSub` stay aside, because they wait, repeat and reconnect where the bus has to know. Measured:
a message through `PubSub.get_message` costs 32 us, through `Connection.read_response` 5 us.

    server = Server("rediss://user:secret@host:6380")     ValueError where the URL is no good
    link = await server.connect("bus-sub")                LinkLost where it cannot be had
    link.write(command("SUBSCRIBE", "room"))
    reply = await link.read()                             LinkLost where it breaks
    link.cut()
"""

import asyncio
import math
from collections.abc import Callable
from typing import Any, Final, cast

import hiredis
from redis.asyncio.connection import AbstractConnection, Connection, parse_url
from redis.exceptions import RedisError, ResponseError

CONNECT_TIMEOUT_S: Final = 0.5
"""For the TCP and TLS handshake, and again for each step of the login."""

_pack: Final[Callable[[tuple[str | bytes, ...]], bytes]] = cast(Any, hiredis.pack_command)
"""Its own annotation allows tuples of one word only."""

URL_FORMS: Final = "redis://host:port, rediss://host:port or unix:///path/to/socket"


class LinkLost(Exception):
    """No connection, or none any more. `str()` is the class of what happened, never an address."""


class Refused(Exception):
    """The server answered with an error. `str()` is its class, such as NoPermissionError."""


def command(*words: str | bytes) -> bytes:
    """One command in the Redis protocol, ready to write."""
    return _pack(words)


class Link:
    """A connection that stands. Not shared: one reader at a time."""

    def __init__(self, connection: AbstractConnection, transport: asyncio.WriteTransport) -> None:
        self._connection: Any = connection  # redis-py leaves half of it without types
        self._transport = transport
        self._cut_for = ""

    def write(self, data: bytes) -> None:
        """Hand `data` to the socket; never waits. The caller bounds what is unanswered."""
        if not self._transport.is_closing():
            self._transport.write(data)

    async def read(self) -> Any:
        """The next reply, for as long as it takes. `Refused` where it is an error, else `LinkLost`."""
        try:
            return await self._connection.read_response(timeout=math.inf, disconnect_on_error=False)
        except ResponseError as error:
            raise Refused(type(error).__name__) from None
        except (RedisError, OSError) as error:
            raise LinkLost(self._cut_for or type(error).__name__) from None

    def cut(self, why: str = "") -> None:
        """End it now, whatever is unsent: a frozen peer must not keep a socket. Idempotent.

        Who waits in `read` gets `LinkLost(why)`.
        """
        self._cut_for = self._cut_for or why
        if not self._transport.is_closing():  # asyncio before 3.11.4 cannot abort a TLS transport twice
            self._transport.abort()
        self._connection._close()  # forgets the transport; the public disconnect() would wait


class Server:
    """Where the server is and how to log in. `repr` tells neither."""

    def __init__(self, url: str) -> None:
        """`ValueError` for a URL that cannot work; its text and its context quote nothing of it."""
        options: dict[str, Any] = {}
        try:
            options.update(parse_url(url))
            self._connection_class: type[AbstractConnection] = options.pop("connection_class", Connection)
            # RESP2: on RESP3 every message would go through redis-py's push handlers, twice the cost.
            # No driver_info: one round trip less at every connect.
            self._options = options | {
                "protocol": 2,
                "socket_timeout": CONNECT_TIMEOUT_S,
                "socket_connect_timeout": CONNECT_TIMEOUT_S,
                "driver_info": None,
                "retry": None,
                "retry_on_timeout": False,
                "health_check_interval": 0,
                "decode_responses": False,
            }
            self._connection_class(**self._options)
            usable = bool(options.get("host") or options.get("path"))
        except (ValueError, TypeError, RedisError, OSError):
            usable = False
        if not usable:
            raise ValueError(f"the Redis URL cannot be used: expected {URL_FORMS}") from None

    async def connect(self, name: str) -> Link:
        """A new connection, which the server's CLIENT LIST shows as `name`. `LinkLost` otherwise."""
        connection: Any = self._connection_class(**(self._options | {"client_name": name}))
        try:
            await connection.connect()
        except (RedisError, OSError) as error:
            raise LinkLost(type(error).__name__) from None
        writer = connection._writer  # redis-py has no other way to its transport, hence to abort()
        if writer is None:
            raise LinkLost("ConnectionError")
        return Link(connection, writer.transport)
