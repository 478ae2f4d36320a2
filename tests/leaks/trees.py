"""Copies of the program that differ from it in a few words, to be run in its place.

    tree = Tree.copied(tmp_path / "tree")   with the minute between a session's end and its erasure cut short
    tree.change("chatd/gateway.py", "old", "new")
    async with tree.serving("--workers", "2") as server: ...

What is changed must stand there exactly once: a copy that is not what was meant proves nothing.
"""

import asyncio
import shutil
import sys
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final, Self

from tests.fixtures.servers import Server, environment
from tests.tree import ROOT

PARTS: Final = ("chatd", "rooms", "presence", "web")


class Tree:
    """`folder` has the copy, and the data of what it serves."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def copied(cls, folder: Path, *, only: Iterable[str] = ()) -> Self:
        """All of it, but for the waiting; or `only` some files as they are."""
        tree = cls(folder)
        for path in only:
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / path, folder / path)
        if not only:
            for part in PARTS:
                shutil.copytree(ROOT / part, folder / part)
            tree.change("rooms/session_changes.py", "AFTER_CLOSE_S: Final = 60", "AFTER_CLOSE_S: Final = 1")
            tree.change(
                "chatd/epochs/wiping.py", "WHEN_S: Final = (1.0, 45.0)", "WHEN_S: Final = (1.0, 2.0, 3.0)"
            )
        return tree

    def change(self, path: str, old: str, new: str) -> None:
        file = self.folder / path
        text = file.read_text("utf-8")
        assert text.count(old) == 1, f"{path} has {text.count(old)} times what is to be changed: {old!r}"
        file.write_text(text.replace(old, new), "utf-8")

    @asynccontextmanager
    async def serving(self, *args: str) -> AsyncIterator[Server]:
        """`chatd serve` of this copy, until the end of the block."""
        data = self.folder / "data"
        own = {"PYTHONPATH": str(self.folder), "PYTHONDONTWRITEBYTECODE": "1"}
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "chatd", "serve", "--port", "0", "--data", str(data)),
            *("--log-format", "json", "--log-level", "debug", *args),
            cwd=self.folder,
            env=environment(self.folder, own),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        server = Server(process, data)
        try:
            await server.started()
            yield server
        finally:
            await server.close()
