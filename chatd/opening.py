"""The plain opening handshake: what every browser sends (RFC 6455 section 4), answered directly.

    fields --> plain --> the bytes of "101 Switching Protocols", and the subprotocol to speak
                     --> None: unusual or wrong, and `websockets` says what it is

Nothing is accepted here that `websockets` would not accept; there it costs 150 µs a connection, which is
what counts when thousands come back at once. Pure.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Final

from websockets.utils import accept_key

from chatd.handshake import DoorSettings, Subprotocol, choose

_KEY: Final = re.compile(r"[A-Za-z0-9+/]{21}[AQgw]==")
"""16 bytes in base 64, in their only regular form."""
_CONNECTION: Final = ("upgrade", "keep-alive, upgrade")
_HEAD: Final = (
    "HTTP/1.1 101 Switching Protocols\r\n"
    "Upgrade: websocket\r\n"
    "Connection: Upgrade\r\n"
    "Sec-WebSocket-Accept: {accept}\r\n"
)


def plain(
    method: str, fields: Sequence[tuple[str, str]], settings: DoorSettings
) -> tuple[bytes, Subprotocol] | None:
    """`fields` are the header fields as the HTTP parser gave them, names in lower case.

    Only where no extension can come of it: a server that takes `deflate` negotiates elsewhere.
    """
    named = dict(fields)
    if (
        method != "GET"
        or len(named) != len(fields)
        or named.get("sec-websocket-version") != "13"
        or named.get("upgrade", "").lower() != "websocket"
        or named.get("connection", "").lower() not in _CONNECTION
        or (settings.deflate and "sec-websocket-extensions" in named)
    ):
        return None
    key = named.get("sec-websocket-key", "")
    subprotocol = _chosen(named, settings)
    if subprotocol is None or not _KEY.fullmatch(key):
        return None
    head = _HEAD.format(accept=accept_key(key))
    if subprotocol.name:
        head += f"Sec-WebSocket-Protocol: {subprotocol.name}\r\n"
    return f"{head}\r\n".encode("ascii"), subprotocol


def _chosen(named: Mapping[str, str], settings: DoorSettings) -> Subprotocol | None:
    """None also where something is offered that we do not know: is it a name at all?"""
    offered = [name.strip() for name in named.get("sec-websocket-protocol", "").split(",")]
    known = {subprotocol.name for subprotocol in settings.subprotocols}
    return choose(settings, offered) if known.issuperset(offered) else None
