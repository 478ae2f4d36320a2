"""The disk fills up under load: nothing is acked that is not kept, nothing breaks, and room mends it.

Once on a file system that is really full (a tmpfs in a mount namespace of the server's own, which
goes with it), and once where a file may not grow any more (RLIMIT_FSIZE), which needs no rights.
"""

import asyncio
import os
import shutil
import subprocess
import sys
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from pathlib import Path

import psutil  # type: ignore[import-untyped]  # it ships no types
import pytest

from chatd.client import Refused, connect
from tests.faults.guests import ready
from tests.faults.load import Talker, talking
from tests.faults.promises import PATIENCE_S
from tests.fixtures.servers import Serve, Server, environment, until

DISK_BYTES = 8 * 1024 * 1024
UNSHARE = ("unshare", "--mount", "--map-root-user", "--propagation", "private")
LONG = "x" * 3_500


class Disk(ABC):
    """A data folder that can be filled, and a server on it."""

    server: Server

    @abstractmethod
    async def start(self, serve: Serve, folder: Path) -> None: ...

    @abstractmethod
    def fill(self) -> None:
        """Leave no room. Called again and again: what the server itself frees is taken as well."""

    @abstractmethod
    def make_room(self) -> None: ...


class FullFileSystem(Disk):
    async def start(self, serve: Serve, folder: Path) -> None:
        data = folder / "small"
        data.mkdir(mode=0o700)
        mount = f'mount -t tmpfs -o size={DISK_BYTES},mode=0700 tmpfs "$0" && exec "$@"'
        command = ("-m", "chatd", "serve", "--open", "--port", "0", "--data", str(data))
        process = await asyncio.create_subprocess_exec(
            *(*UNSHARE, "sh", "-c", mount, str(data), sys.executable, *command),
            *("--log-format", "json", "--set", "post_per_s=0"),
            cwd=folder,
            env=environment(folder),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        self.server = Server(process, data)
        await self.server.started()
        # As the server sees it: its mounts are not ours.
        self._filler = Path(f"/proc/{process.pid}/root{data}/filler")

    def fill(self) -> None:
        handle = os.open(self._filler, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        try:
            while os.write(handle, bytes(4096)):
                pass
        except OSError:
            pass  # full
        finally:
            os.close(handle)

    def make_room(self) -> None:
        self._filler.unlink()


class FilesThatMayNotGrow(Disk):
    async def start(self, serve: Serve, folder: Path) -> None:
        self.server = await serve("--open", "--set", "post_per_s=0")
        self._process = psutil.Process(self.server.pid)

    def fill(self) -> None:
        self._process.rlimit(psutil.RLIMIT_FSIZE, (4096, -1))

    def make_room(self) -> None:
        self._process.rlimit(psutil.RLIMIT_FSIZE, (-1, -1))


def can_mount() -> bool:
    if shutil.which("unshare") is None:
        return False
    attempt = subprocess.run(
        (*UNSHARE, "mount", "-t", "tmpfs", "tmpfs", "/mnt"), capture_output=True, check=False
    )
    return attempt.returncode == 0


@pytest.fixture(params=[FullFileSystem, FilesThatMayNotGrow])
async def disk(request: pytest.FixtureRequest, serve: Serve, tmp_path: Path) -> AsyncIterator[Disk]:
    if request.param is FullFileSystem and not can_mount():
        pytest.skip("needs a mount namespace: root, or user namespaces")
    made: Disk = request.param()
    await made.start(serve, tmp_path)
    yield made
    await made.server.close()


class Kept:
    """A post that was refused, to be sent again with the same key."""

    def __init__(self, talker: Talker, number: int) -> None:
        self.talker = talker
        self.key = talker.client.new_key()
        self.text = f"{talker.name} tries {number} {LONG}"


async def refused(disk: Disk, talker: Talker) -> list[Kept]:
    """Post, on a disk that stays full, until three posts in a row were refused."""
    posts: list[Kept] = []
    for number in range(1_000):
        disk.fill()
        post = Kept(talker, number)
        try:
            await talker.post(post.text, post.key, patience_s=0)
        except Refused as no:
            posts.append(post)
            if no.code != "log_unavailable":
                raise
            if len(posts) == 3:
                return posts
        else:
            posts.clear()
    raise AssertionError("the disk never filled up")


async def test_a_full_disk_keeps_nothing_it_did_not_promise(disk: Disk) -> None:
    server = disk.server
    async with talking(server.url, people=4, rooms=["icu"]) as load:
        await load.know_each_other()
        await load.goes_on(3)
        await load.fall_silent()
        author, reader = load.talkers[:2]

        tried = await refused(disk, author)
        await load.all_seen()
        assert await ready(server) == ("degraded", ["log"])
        seen = [talker.seen for talker in load.talkers]
        # Everything that only reads goes on, over the same sockets and over new ones.
        page = await reader.room.older(reader.room.head + 1, 10)
        assert page.events[-1].seq == reader.room.head
        await author.room.typing()
        await reader.room.away(True)
        await until(lambda: author.room.roster[reader.handle].away, "presence goes on", within_s=PATIENCE_S)
        await reader.room.away(False)
        seat, epoch, after = reader.room.seat, reader.room.epoch, reader.room.after
        async with connect(server.url) as window:
            again = await window.join("icu", seat=seat, epoch=epoch, after=after)
            assert (again.handle, again.head) == (reader.handle, reader.room.head)
        assert [talker.seen for talker in load.talkers] == seen, "what was refused was shown to nobody"

        disk.make_room()
        places = [await author.post(post.text, post.key) for post in tried]
        assert [await author.post(post.text, post.key) for post in tried] == places
        assert places == sorted(set(places))
        await load.all_seen()
        assert await ready(server) == ("ok", [])
        await load.ends_well()
        assert [talker.broke for talker in load.talkers] == [[]] * 4
