"""One real server for all tests of a module that do it no harm: starting costs more than serving."""

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.fixtures.servers import environment


@contextmanager
def shared_server(data: Path) -> Iterator[str]:
    """The URL of an open server that runs until the block ends. Use a room of your own in each test."""
    process = subprocess.Popen(
        [sys.executable, "-m", "chatd", "serve", "--open", "--port", "0", "--data", str(data)],
        cwd=data,
        env=environment(data),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    try:
        url, told = "", []
        for line in process.stdout:
            told.append(line)
            if (lobby := re.search(r"Lobby\s+(\S+)/$", line)) is not None:
                url = lobby[1]
            if url and "Ctrl-C" in line:
                break
        assert url, "".join(told)
        yield url
    finally:
        process.kill()
        process.stdout.close()
        process.wait()
