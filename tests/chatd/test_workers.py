"""Workers that cannot even be started: the parent outlives that, and starts them when it can."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import psutil  # type: ignore[import-untyped]  # it ships no types
import pytest

from chatd import metrics, workers
from chatd.folder import prepare_folder
from chatd.serve import listen, prepare_rooms
from chatd.settings import Settings
from chatd.workers import Workers
from tests.fixtures.servers import START_S, until


@pytest.fixture
def python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The interpreter that workers are started with, in a file that a test can take away."""
    path = tmp_path / "python"
    path.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    path.chmod(0o700)
    monkeypatch.setattr(workers.sys, "executable", str(path))  # type: ignore[attr-defined]  # no re-export
    return path


@asynccontextmanager
async def parent(data: Path) -> AsyncIterator[tuple["asyncio.Task[int]", asyncio.Event]]:
    """The parent of one worker, in this process, and whether its worker was ready."""
    settings = Settings(data=data, port=0)
    prepare_folder(settings)
    await prepare_rooms(settings)
    ready = asyncio.Event()
    cells = metrics.shared_cells(1)
    with listen("127.0.0.1", 0) as listener:
        parent_ = Workers(settings, listen_fd=listener.fileno(), metrics_fd=cells, on_ready=ready.set)
        running = asyncio.create_task(parent_.run())
        try:
            yield running, ready
        finally:
            if not running.done():
                os.kill(os.getpid(), signal.SIGINT)  # `run` listens to it while it runs
            await asyncio.wait([running], timeout=START_S)
            os.close(cells)


def worker_pids() -> list[int]:
    return [
        child.pid
        for child in psutil.Process().children()
        if child.status() != psutil.STATUS_ZOMBIE and "chatd.worker" in child.cmdline()
    ]


async def test_where_no_worker_can_be_started_the_server_says_so_and_ends(
    python: Path, tmp_path: Path
) -> None:
    os.unlink(python)
    async with parent(tmp_path / "data") as (running, ready):
        assert await asyncio.wait_for(running, START_S) == 1
        assert not ready.is_set()


async def test_the_parent_outlives_that_a_dead_worker_cannot_be_started_again(
    python: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    async with parent(tmp_path / "data") as (running, ready):
        await asyncio.wait_for(ready.wait(), START_S)
        [pid] = worker_pids()
        os.rename(python, tmp_path / "away")
        os.kill(pid, signal.SIGKILL)
        said: list[str] = []

        def tried() -> bool:
            said.extend(capfd.readouterr())
            return "worker_not_started" in "".join(said) or running.done()

        await until(tried, "a start that fails", within_s=START_S)
        assert not running.done()
        os.rename(tmp_path / "away", python)
        await until(lambda: worker_pids() not in ([], [pid]), "another worker", within_s=START_S)
    assert running.result() == 0
