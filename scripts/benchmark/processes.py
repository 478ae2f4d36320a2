"""Processes of a measurement: pinned to a core, read from /proc, and ended in any case.

Touches processes that it started, and /proc.
"""

import os
import resource
import shutil
import socket
import subprocess
import time
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Final

PAGE_KIB: Final = os.sysconf("SC_PAGE_SIZE") // 1024
TASKSET: Final = shutil.which("taskset") or "/usr/bin/taskset"
START_S: Final = 60.0
"""How long a server may take until it listens."""
STOP_S: Final = 8.0


class Trouble(Exception):
    """Something could not be started or measured; `str()` tells a person what."""


@cache
def cores() -> tuple[int, int]:
    """The core of the server and the core of the load generator: two of those we could use at the start."""
    mine = sorted(os.sched_getaffinity(0))
    return mine[0], mine[1 % len(mine)]


def raise_file_limit() -> int:
    """As many open files as the machine allows us; how many that is. Children inherit it."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Process:
    """One server process and all it starts."""

    def __init__(
        self, command: list[str], *, core: int, log: Path, env: Mapping[str, str] | None = None, cwd: Path
    ) -> None:
        self.log = log
        with log.open("ab") as output:
            self._child = subprocess.Popen(  # noqa: S603  the commands of servers.py
                [TASKSET, "--cpu-list", str(core), *command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=cwd,
                env={**os.environ, **(env or {})},
                # Out of reach of Ctrl-C, but in our session: schedulers share a machine out by sessions.
                process_group=0,
            )

    @property
    def pid(self) -> int:
        return self._child.pid

    def wait_for_port(self, port: int) -> None:
        """Return when it listens on `port`; `Trouble` with the end of its log where it does not."""
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline and self._child.poll() is None:
            with socket.socket() as probe:
                probe.settimeout(1)
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    return
            time.sleep(0.05)
        raise Trouble(f"It did not start to listen.\n{self.tail()}")

    def wait_for_text(self, text: str, within_s: float = START_S) -> str:
        """Return what it wrote, once `text` is in it."""
        deadline = time.monotonic() + within_s
        while time.monotonic() < deadline:
            written = self.log.read_text("utf-8", "replace")
            if text in written:
                return written
            if self._child.poll() is not None:
                break
            time.sleep(0.05)
        raise Trouble(f"It did not start.\n{self.tail()}")

    def tail(self) -> str:
        return "\n".join(self.log.read_text("utf-8", "replace").splitlines()[-15:])

    def stop(self) -> None:
        """Ask it to end, then end it with all it started. Idempotent."""
        started = family([self.pid])
        if self._child.poll() is None:
            self._child.terminate()
            try:
                self._child.wait(STOP_S)
            except subprocess.TimeoutExpired:
                self._child.kill()
                self._child.wait()
        for pid in started:
            if pid != self.pid:
                _kill(pid)


def _kill(pid: int) -> None:
    try:
        os.kill(pid, 9)
    except ProcessLookupError:
        return


def family(pids: Iterable[int]) -> list[int]:
    """`pids` and all their living descendants."""
    found: list[int] = []
    pending = list(pids)
    while pending:
        pid = pending.pop()
        found.append(pid)
        for children in Path(f"/proc/{pid}/task").glob("*/children"):
            try:
                pending += [int(child) for child in children.read_text().split()]
            except OSError:  # it ended just now
                continue
    return found


def cpu_s(pids: Iterable[int]) -> float:
    """CPU seconds, user and system, of `pids` and their descendants: of the threads that live.

    To the nanosecond (schedstat, in the kernel's Documentation/scheduler/sched-stats.rst), because in ticks
    of 10 ms nothing can be said of a server that has little to do.
    """
    used_ns = 0
    for pid in family(pids):
        for thread in Path(f"/proc/{pid}/task").glob("*/schedstat"):
            try:
                used_ns += int(thread.read_text().split()[0])
            except OSError:  # it ended just now
                continue
    return used_ns / 1e9


def rss_kib(pids: Iterable[int]) -> int:
    """Resident memory of `pids` and their descendants."""
    pages = 0
    for pid in family(pids):
        try:
            pages += int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        except OSError:
            continue
    return pages * PAGE_KIB
