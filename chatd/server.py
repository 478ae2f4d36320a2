"""One process that serves: uvicorn around the application, with our signals and our goodbye.

    SIGTERM   everybody is told when to come back, spread over `drain_s`, then the process ends
    SIGINT    the same within about a second; a second one ends the process at once

Nothing is lost either way: what was acknowledged is on disk. Touches the sockets it is given,
the process's signal handlers and its limits.
"""

import asyncio
import gc
import os
import resource
import signal
import socket
import threading
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Final

import uvicorn
import uvloop
from starlette.applications import Starlette

from chatd import logs, memory
from chatd.app import create_app
from chatd.fanout import Fanout
from chatd.http_door import HttpDoor
from chatd.metrics import Metrics
from chatd.node import Node
from chatd.settings import Settings

HURRY_S: Final = 0.5
"""Over how long Ctrl-C spreads the goodbyes."""
LATE_S: Final = 1
"""How much longer than that a goodbye may take, and then each of uvicorn's own steps."""
KEEP_ALIVE_S: Final = 15
BACKLOG: Final = 4096
COLLECT_AFTER: Final = 20_000
"""Objects made and not gone yet before the collector looks among them; Python's own bound is 700."""
MAX_FILES: Final = 1 << 20


class Server(uvicorn.Server):
    """Runs until a signal, or until the node says that it cannot go on (`failed`)."""

    def __init__(self, app: Starlette, settings: Settings, on_ready: Callable[[], None]) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                http=HttpDoor,
                ws=Fanout,
                loop="uvloop",
                lifespan="on",
                log_config=None,
                access_log=False,
                proxy_headers=False,
                server_header=False,
                backlog=BACKLOG,
                timeout_keep_alive=KEEP_ALIVE_S,
                timeout_graceful_shutdown=LATE_S,
            )
        )
        self.failed = False
        self._app = app
        self._within_s = settings.drain_s
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        if self.started:
            # What was made so far stays: the collector need not walk it again and again. And a turn
            # under load makes thousands of objects that go by themselves: it need not look each time.
            gc.collect()
            gc.freeze()
            gc.set_threshold(COLLECT_AFTER)
            self._on_ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        node: Node = self._app.state.node
        if not self.failed:
            await self._drain(node)
        try:
            async with asyncio.timeout(5 * LATE_S):
                await super().shutdown(sockets=sockets)
        except TimeoutError:
            logs.get("server").warning("stopped_late")

    async def _drain(self, node: Node) -> None:
        try:
            async with asyncio.timeout(self._within_s + LATE_S):
                await node.drain(self._within_s)
        except TimeoutError:
            logs.get("server").warning("drained_late")

    def fail(self, error: BaseException) -> None:
        """A part died that the node cannot live without: end, with an error, to be started again."""
        self.failed = True
        self.should_exit = True

    def hurry(self) -> None:
        """Stop soon: what Ctrl-C asks for."""
        self._within_s = min(self._within_s, HURRY_S)
        self.should_exit = True

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if sig == signal.SIGINT and self.should_exit:
            os._exit(130)  # asked twice: no more waiting for anybody, nor for threads
        if sig == signal.SIGINT:
            self.hurry()
        self.should_exit = True

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """uvicorn's own raises the signal again at the end, which would turn a clean stop into a death."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        signals = (signal.SIGINT, signal.SIGTERM)
        before = [signal.signal(sig, self.handle_exit) for sig in signals]
        try:
            yield
        finally:
            for sig, handler in zip(signals, before, strict=True):
                signal.signal(sig, handler)


def run(
    settings: Settings,
    sockets: Sequence[socket.socket],
    *,
    metrics: Metrics | None = None,
    on_ready: Callable[[], None],
    watch: Iterable[Callable[[Server], None]] = (),
    make: Callable[..., Starlette] = create_app,
) -> int:
    """Serve until told to stop; 0, or 1 where the node failed. `watch` is called inside the loop; `make` is
    called as `create_app` is.

    What the node raises while it starts comes out as it is.
    """
    logs.configure(settings)
    memory.guard(readable=settings.open)
    raise_limits()
    servers: list[Server] = []

    def crashed(error: BaseException) -> None:
        for server in servers:
            server.fail(error)

    app = make(settings, metrics=metrics, on_crash=crashed)
    server = Server(app, settings, on_ready)
    servers.append(server)

    async def main() -> None:
        asyncio.get_running_loop().set_exception_handler(logs.on_loop_error)
        for start in watch:
            start(server)
        await server.serve(sockets=list(sockets))

    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(main())
    except SystemExit:
        # uvicorn ends like this when the lifespan did not start, and keeps the reason to itself.
        error = getattr(app.state, "start_error", None)
        if isinstance(error, Exception):
            raise error from None
        raise
    return 1 if server.failed else 0


def raise_limits() -> None:
    """As many open files as we may have."""
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MAX_FILES if hard == resource.RLIM_INFINITY else min(hard, MAX_FILES)
    with suppress(OSError, ValueError):  # a container may forbid it; then it stays as it is
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
