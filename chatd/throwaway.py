"""A server of one's own for the length of a `with`: `python -m chatd serve --open` on a free port.

Used by the replay and by tests that want the real thing. Starts one child process, reads what
it prints, and ends it; its data is in a temporary folder that goes with it.
"""

import asyncio
import os
import re
import signal
import sys
import tempfile
from collections import deque
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

START_S: Final = 60.0
STOP_S: Final = 10.0
_URL: Final = re.compile(r"https?://[^\s\"']+")


class ServerFailed(Exception):
    """The server did not come up, or ended by itself. Says the last lines that it wrote."""


@asynccontextmanager
async def throwaway_server(settings: Mapping[str, str] | None = None) -> AsyncIterator[str]:
    """The URL of the lobby of a fresh, open server. `settings` are CHATD_... variables of its own.

    Settings of the surrounding environment do not reach it. `ServerFailed` where it does not come up,
    and at the end where it ended before it was asked to.
    """
    with tempfile.TemporaryDirectory(prefix="chatd-", ignore_cleanup_errors=True) as data:
        environ = {name: value for name, value in os.environ.items() if not name.startswith("CHATD_")}
        # The child runs this very code, from wherever it is started.
        paths = (str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH"))
        environ["PYTHONPATH"] = os.pathsep.join(path for path in paths if path)
        environ |= {"CHATD_DRAIN_S": "0", "CHATD_LOG_LEVEL": "warning", **(settings or {})}
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "chatd", "serve", "--open", "--port", "0", "--data", data),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env=environ,
            start_new_session=True,  # Ctrl-C is for us; we end it ourselves
        )
        assert process.stdout is not None
        last: deque[str] = deque(maxlen=20)
        reading: asyncio.Task[None] | None = None
        try:
            url = await _url(process.stdout, last)
            # It goes on writing, and would stop at a full pipe.
            reading = asyncio.create_task(_drain(process.stdout, last))
            yield url
        finally:
            ended = process.returncode
            await _stop(process)
            if reading is not None:
                await reading
        if ended is not None:
            raise ServerFailed(f"the server ended by itself ({ended}):\n" + "\n".join(last))


async def _url(stdout: asyncio.StreamReader, last: deque[str]) -> str:
    try:
        async with asyncio.timeout(START_S):
            while line := await stdout.readline():
                last.append(line.decode("utf-8", "replace").rstrip())
                if (found := _URL.search(last[-1])) is not None:
                    return found[0].rstrip(".,;:")
    except TimeoutError:
        last.append(f"(no URL within {START_S:.0f} s)")
    raise ServerFailed("the server did not start:\n" + "\n".join(last))


async def _drain(stdout: asyncio.StreamReader, last: deque[str]) -> None:
    while line := await stdout.readline():
        last.append(line.decode("utf-8", "replace").rstrip())


async def _stop(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.send_signal(signal.SIGINT)
        try:
            async with asyncio.timeout(STOP_S):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()
