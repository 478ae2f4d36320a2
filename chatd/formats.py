"""The formats: what one frame of the wire becomes on each kind of transport. There is one of each.

    JSON_WS, MSGPACK_WS               bytes of a whole WebSocket frame; a turn's frames are joined
                                      into one write (the lean protocol, `fanout.py`)
    JSON_MESSAGES, MSGPACK_MESSAGES   payloads, sent as one ASGI message each (`asgi_door.py`)
    JSON_EVENTS                       bytes of server-sent events, a turn's as one chunk (`sse.py`)
    JSON_POLLED                       payloads, kept until the member asks for them (`polling.py`)
    ANSWERS                           the frames themselves: answers to one request (`sending.py`)

Frames from the server are never masked (RFC 6455 section 5.1) and never compressed, so the same
bytes serve every member. Pure: touches nothing.
"""

from collections.abc import Callable
from typing import Final

import msgspec
from websockets.frames import Frame, Opcode

from chatd import wire
from chatd.plain import FIN, SHORT
from chatd.sink import Format


def _framed(opcode: Opcode) -> Callable[[bytes], bytes]:
    """Puts the head of a final, unmasked frame before a payload (RFC 6455 section 5.2).

    As `Frame.serialize` does, at a quarter of its cost; that is left with what is longer than 64 KiB.
    """
    first = FIN | opcode
    short = [bytes((first, size)) for size in range(SHORT)]
    medium = bytes((first, SHORT))

    def framed(payload: bytes) -> bytes:
        size = len(payload)
        if size < SHORT:
            return short[size] + payload
        if size < 1 << 16:
            return medium + size.to_bytes(2, "big") + payload
        return Frame(opcode, payload).serialize(mask=False)

    return framed


_text: Final = _framed(Opcode.TEXT)
_binary: Final = _framed(Opcode.BINARY)


def _text_frame(frame: msgspec.Struct) -> bytes:
    return _text(wire.encode_json(frame))


def _binary_frame(frame: msgspec.Struct) -> bytes:
    return _binary(wire.encode_msgpack(frame))


def _event(frame: msgspec.Struct) -> bytes:
    # JSON as we write it has no line end inside, so one `data` line holds it (WHATWG HTML, section 9.2.6).
    return b"data: " + wire.encode_json(frame) + b"\n\n"


def chunk(events: list[bytes]) -> bytes:
    """Whole events as one chunk of an HTTP body (RFC 9112 section 7.1).

    An HTTP/1.0 peer that takes the framing for a part of the body is not harmed: to a reader of events
    the size is a line with a field that it does not know, and the line end after it one more empty line.
    """
    body = b"".join(events)
    return b"%x\r\n%b\r\n" % (len(body), body)


def _itself(frame: msgspec.Struct) -> msgspec.Struct:
    return frame


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
JSON_EVENTS: Final = Format(
    "json-events", encode=wire.encode_json, frame=_event, join=chunk, decode=wire.decode_json
)
JSON_POLLED: Final = Format(
    "json-polled", encode=wire.encode_json, frame=wire.encode_json, join=tuple, decode=wire.decode_json
)
ANSWERS: Final = Format(
    "answers", encode=wire.encode_json, frame=_itself, join=tuple, decode=wire.decode_json
)
BY_HTTP: Final = (JSON_EVENTS, JSON_POLLED)
"""Of members who are told things by HTTP, and say things by /send."""
