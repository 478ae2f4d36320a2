"""Several processes on one port: starts them, keeps them alive, stops them together.

The parent holds the listening socket and serves nobody, so it has next to nothing to die of. A
worker that dies is started again at once, then with growing patience. In a process group of
their own, workers hear Ctrl-C from the parent only, and once.
"""

import asyncio
import errno
import os
import signal
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable
from pathlib import Path
from typing import Final

import chatd
from chatd import logs
from chatd.settings import Settings
from chatd.worker import READY, Start

FIRST_WAIT_S: Final = 0.1
LONGEST_WAIT_S: Final = 5.0
STEADY_S: Final = 10.0
"""A worker that lived this long is started again without waiting."""
LATE_S: Final = 8.0
"""How much longer than it should a worker may take to stop, before it is killed."""
HURRY_S: Final = 4.0
"""The same after Ctrl-C, all in all."""


class Workers:
    """The workers of one server. `run` returns the exit code when all have ended."""

    def __init__(
        self, settings: Settings, *, listen_fd: int, metrics_fd: int, on_ready: Callable[[], None]
    ) -> None:
        self._settings = settings
        self._listen_fd = listen_fd
        self._metrics_fd = metrics_fd
        self._on_ready = on_ready
        self._processes: dict[int, Process] = {}
        self._ready: set[int] = set()
        self._all_ready = False
        self._failed = False
        self._stopping = asyncio.Event()
        self._signal: signal.Signals = signal.SIGTERM
        self._killed = False
        self._log = logs.get("workers")

    async def run(self) -> int:
        loop = asyncio.get_running_loop()
        for sig in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(sig, self._on_signal, sig)
        try:
            async with asyncio.TaskGroup() as group:
                for worker in range(self._settings.workers):
                    group.create_task(self._keep(worker), name=f"worker {worker}")
                await self._stopping.wait()
                await self._end()
        finally:
            for sig in (signal.SIGINT, signal.SIGTERM):
                loop.remove_signal_handler(sig)
        if self._killed:
            return 130
        return 1 if self._failed else 0

    def _on_signal(self, sig: signal.Signals) -> None:
        if self._stopping.is_set() and sig is signal.SIGINT:
            self._killed = True
            self._send(signal.SIGKILL)
        elif not self._stopping.is_set():
            self._signal = sig
            self._stopping.set()

    async def _end(self) -> None:
        """Pass the signal on, wait as long as is fair, then insist."""
        self._send(self._signal)
        patience_s = HURRY_S if self._signal is signal.SIGINT else self._settings.drain_s + LATE_S
        running = [asyncio.create_task(process.wait()) for process in self._processes.values()]
        if running:
            _, late = await asyncio.wait(running, timeout=patience_s)
            if late:
                self._log.warning("workers_killed", count=len(late))
                self._send(signal.SIGKILL)
                await asyncio.wait(late)

    def _send(self, sig: signal.Signals) -> None:
        for process in self._processes.values():
            if process.returncode is None:
                process.send_signal(sig)

    async def _keep(self, worker: int) -> None:
        """Have a worker with this number until it is time to stop."""
        wait_s = FIRST_WAIT_S
        while not self._stopping.is_set():
            begun = time.monotonic()
            code = await self._one_life(worker)
            if self._stopping.is_set():
                return
            if not self._all_ready:
                # It cannot start at all, and has said why: trying again would say the same.
                self._failed = True
                self._stopping.set()
                return
            wait_s = FIRST_WAIT_S if time.monotonic() - begun > STEADY_S else min(2 * wait_s, LONGEST_WAIT_S)
            self._log.warning("worker_died", worker=worker, exit_code=code, again_in_s=wait_s)
            try:
                async with asyncio.timeout(wait_s):
                    await self._stopping.wait()
            except TimeoutError:
                pass

    async def _one_life(self, worker: int) -> int:
        """Start a worker and wait for its end; its exit code, `EX_OSERR` where none could be started."""
        try:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-P",
                "-m",
                "chatd.worker",
                stdin=PIPE,
                stdout=PIPE,
                pass_fds=(self._listen_fd, self._metrics_fd),
                process_group=0,
                env=_environment(),
            )
        except OSError as error:
            # No process, memory or file is left just now: those who run go on, and it is tried again.
            self._log.error("worker_not_started", worker=worker, error=errno.errorcode.get(error.errno or 0))
            return os.EX_OSERR
        self._processes[worker] = process
        if self._stopping.is_set():
            process.send_signal(self._signal)
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(
            Start.line(
                self._settings,
                worker=worker,
                workers=self._settings.workers,
                listen_fd=self._listen_fd,
                metrics_fd=self._metrics_fd,
            )
        )
        if await process.stdout.readline() == READY:
            self._ready.add(worker)
            if len(self._ready) == self._settings.workers and not self._all_ready:
                self._all_ready = True
                self._on_ready()
        return await process.wait()


def _environment() -> dict[str, str]:
    """The parent's, without its settings (they come by stdin), and with the way to this very package."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CHATD_")}
    root = str(Path(chatd.__file__).parent.parent)
    kept["PYTHONPATH"] = os.pathsep.join(filter(None, (kept.get("PYTHONPATH"), root)))
    return kept
