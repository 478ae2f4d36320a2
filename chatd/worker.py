"""One of several processes that share the port: `python -m chatd.worker`, started by `workers.py`.

    stdin   one line: `Start` as JSON; then nothing until the parent is gone, which shows as its end
    stdout  one line: "ready"

Settings come by stdin because the command line and the environment can be read by others.
"""

import asyncio
import os
import socket
import sys
from typing import Final

import msgspec

from chatd.settings import Settings, decode, encode

READY: Final = b"ready\n"
STDIN: Final = 0


class Start(msgspec.Struct, frozen=True):
    """What a worker is told. `listen_fd` and `metrics_fd` are inherited from the parent."""

    worker: int
    workers: int
    listen_fd: int
    metrics_fd: int
    settings: msgspec.Raw

    @classmethod
    def line(cls, settings: Settings, *, worker: int, workers: int, listen_fd: int, metrics_fd: int) -> bytes:
        start = cls(worker, workers, listen_fd, metrics_fd, msgspec.Raw(encode(settings)))
        return msgspec.json.encode(start) + b"\n"


def main() -> int:
    start = msgspec.json.decode(sys.stdin.buffer.readline(), type=Start)

    # Only now: these imports take the longest, and the parent does not wait for the line above.
    from chatd.metrics import Metrics
    from chatd.server import Server, run

    def leave_with_parent(server: Server) -> None:
        """Without the parent nobody would stop or restart us: its death is ours, in good order."""
        loop = asyncio.get_running_loop()

        def readable() -> None:
            if not os.read(STDIN, 1024):
                loop.remove_reader(STDIN)
                server.hurry()

        loop.add_reader(STDIN, readable)

    def ready() -> None:
        sys.stdout.buffer.write(READY)
        sys.stdout.buffer.flush()

    return run(
        decode(bytes(start.settings)),
        [socket.socket(fileno=start.listen_fd)],
        metrics=Metrics(start.worker, start.workers, start.metrics_fd),
        on_ready=ready,
        watch=[leave_with_parent],
    )


if __name__ == "__main__":
    sys.exit(main())
