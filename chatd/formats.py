"""The formats: what one frame of the wire becomes on each kind of transport. There is one of each.

    JSON_WS, MSGPACK_WS               bytes of a whole WebSocket frame; a turn's frames are joined
                                      into one write (the lean protocol, `fanout.py`)
    JSON_MESSAGES, MSGPACK_MESSAGES   payloads, sent as one ASGI message each (`asgi_door.py`)

Frames from the server are never masked (RFC 6455 section 5.1) and never compressed, so the same
bytes serve every member. Pure: touches nothing.
"""

from typing import Final

import msgspec
from websockets.frames import Frame, Opcode

from chatd import wire
from chatd.sink import Format


def _text_frame(frame: msgspec.Struct) -> bytes:
    return Frame(Opcode.TEXT, wire.encode_json(frame)).serialize(mask=False)


def _binary_frame(frame: msgspec.Struct) -> bytes:
    return Frame(Opcode.BINARY, wire.encode_msgpack(frame)).serialize(mask=False)


def _text_message(frame: msgspec.Struct) -> str:
    return wire.encode_json(frame).decode()


JSON_WS: Final = Format(
    "json-ws", encode=wire.encode_json, frame=_text_frame, join=b"".join, decode=wire.decode_json
)
MSGPACK_WS: Final = Format(
    "msgpack-ws", encode=wire.encode_msgpack, frame=_binary_frame, join=b"".join, decode=wire.decode_msgpack
)
JSON_MESSAGES: Final = Format(
    "json-messages", encode=wire.encode_json, frame=_text_message, join=tuple, decode=wire.decode_json
)
MSGPACK_MESSAGES: Final = Format(
    "msgpack-messages",
    encode=wire.encode_msgpack,
    frame=wire.encode_msgpack,
    join=tuple,
    decode=wire.decode_msgpack,
)
