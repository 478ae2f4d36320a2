"""An echo server through the product's own WebSocket protocol, for conformance suites from outside.

    python -m tests.compliance.echo --port 9001 [--deflate]

Answers every message with itself, as text or binary as it came, asks for no subprotocol and takes
messages of up to 16 MiB, as the Autobahn suite wants it.
"""

import argparse
from typing import Any, Final

import uvicorn
from websockets.frames import Frame, Opcode

from chatd.fanout import Fanout
from chatd.handshake import DoorSettings, Subprotocol
from chatd.http_door import HttpDoor
from chatd.sink import Format, Receiver, Sink
from tests.chatd.serving import StandIn, application


def _same(value: Any) -> Any:
    return value


RAW: Final = Format("raw", encode=_same, frame=_same, join=b"".join, decode=_same)
ANYTHING: Final = Subprotocol("", RAW, RAW, text=None)


class Echo:
    """A receiver that sends everything back."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink

    def received(self, payload: bytes | str) -> None:
        if isinstance(payload, str):
            frame = Frame(Opcode.TEXT, payload.encode())
        else:
            frame = Frame(Opcode.BINARY, payload)
        self._sink.write(frame.serialize(mask=False))

    def closed(self) -> None:
        pass


class EchoGateway:
    def connected(self, sink: Sink) -> Receiver:
        return Echo(sink)


def settings(*, deflate: bool, path: str = "/") -> DoorSettings:
    return DoorSettings(
        path=path,
        subprotocols=(ANYTHING,),
        max_message_bytes=16 << 20,
        max_fragments=1 << 20,
        max_buffer_bytes=64 << 20,
        deflate=deflate,
        # A case says what comes back, and a ping of ours is not part of it, however slow the machine is.
        ping_interval_s=3600.0,
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.compliance.echo")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--deflate", action="store_true")
    given = parser.parse_args()
    app = application(StandIn(EchoGateway(), settings(deflate=given.deflate)))
    uvicorn.run(
        app,
        host=given.host,
        port=given.port,
        ws=Fanout,
        http=HttpDoor,
        loop="uvloop",
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=1,
    )


if __name__ == "__main__":
    main()
