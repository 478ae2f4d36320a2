"""What is free in the process's memory is overwritten after an erasure.

    wiping = Wiping()
    tasks.spawn(wiping.run(), name="node.wiping")
    wiping.soon()                     something was erased

Python and the C library clear nothing that is freed: a sentence stays where it was until its place is needed
again, and would be in a core image or in swap. So all that is free is asked for, block by block, until one
comes from memory that is new; then nothing of that size was free any more, and all is given back. What the
event loop last read lies in a buffer of its own, which is read over with zeros.

What is still in use is not touched and cannot be: who holds on to something is found by the leak scan
(`tests/leaks`). Only in a server's own process, and on Linux (`memory.py`). Touches the memory of the
process.
"""

import asyncio
import ctypes
import gc
import itertools
import re
import socket
import sys
import urllib.parse
from bisect import bisect_right
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Final

from chatd import logs
from chatd.memory import guarded

_log = logs.get("wiping")

WHEN_S: Final = (1.0, 45.0)
"""How long after an erasure: when those who were in the room have been told; and once more when connections
that were about to break have done so (`poll_park_s`)."""
MOST_BYTES: Final = 256 << 20
"""What is taken at most, of either allocator: more is not free in a process that is well."""
READ_BYTES: Final = 256 * 1024
"""The buffer into which uvloop reads."""
STEP_BYTES: Final = 1 << 20
"""What is overwritten before others have their turn."""
STEP_BLOCKS: Final = 4096
"""And so many of the heap's, or objects that are given back: small ones take their time by their number."""
MANY: Final = 64
"""Objects that are made between two looks at where they lie."""

HEAD_BYTES: Final = sys.getsizeof(b"")
POOL_BLOCK: Final = 480
"""Python keeps pools of 16 KiB, each for blocks of one size: 16, 32 ... 512. Those of this size fill a pool
but for 16 bytes, so free pools are taken with it first; of the other sizes only gaps are left then."""
BLOCKS: Final = tuple(size for size in range(512, 32, -16) if size != POOL_BLOCK)
CHUNKS: Final = (65536, 16384, 8192, *range(4096, 1024, -512), *range(1032, 8, -16))
"""Of the C library's heap: large ones first, and small ones for what those leave over."""

_WRITABLE: Final = re.compile(r"([0-9a-f]+)-([0-9a-f]+) rw")


class Wiping:
    """Wipes soon after it was asked to: once for all who asked meanwhile."""

    def __init__(self) -> None:
        self._asked = asyncio.Event()

    def soon(self) -> None:
        """Something that was kept is to be gone from the memory as well."""
        self._asked.set()

    async def run(self) -> None:
        """Run it as one task for the life of the node."""
        while True:
            await self._asked.wait()
            self._asked.clear()
            for wait_s in WHEN_S:
                await asyncio.sleep(wait_s)
                if guarded():
                    await self._wipe()

    async def _wipe(self) -> None:
        try:
            await wipe_reads()
            for _ in wipe_free():
                await asyncio.sleep(0)
        except OSError:  # no more files may be open just now, for instance: nobody is cut off for that
            _log.error("wiping_failed")


def wipe_free() -> Iterator[None]:
    """Overwrite what is free, in Python's pools and in the heap: a little with each step. What others free
    meanwhile is not of what was erased."""
    urllib.parse.clear_cache()  # type: ignore[attr-defined]  # not in the stubs: it remembers addresses
    gc.collect()
    before = _Memory()
    taken: list[object] = []
    numbers = itertools.count(1 << 59)  # an int of this size has 32 bytes
    for size in (POOL_BLOCK, *BLOCKS):
        yield from _fill(taken, before, size, partial(bytes, size - HEAD_BYTES))
    yield from _fill(taken, before, 32, partial(next, numbers))
    yield from _fill(taken, before, 16, object)
    yield from _fill_heap(before)
    while taken:
        del taken[-STEP_BLOCKS:]
        yield


def _fill(taken: list[object], before: "_Memory", size: int, make: Callable[[], object]) -> Iterator[None]:
    """Make objects of `size` bytes until one lies in new memory."""
    for _ in range(0, MOST_BYTES, STEP_BYTES):
        for _ in range(0, STEP_BYTES, MANY * size):
            made = [make() for _ in range(MANY)]
            taken += made
            if id(made[-1]) not in before:
                return
        yield


def _fill_heap(before: "_Memory") -> Iterator[None]:
    libc = ctypes.CDLL(None)
    libc.malloc.argtypes, libc.malloc.restype = [ctypes.c_size_t], ctypes.c_void_p
    libc.free.argtypes, libc.free.restype = [ctypes.c_void_p], None
    libc.malloc_trim(0)
    taken: list[int] = []
    total = step = 0
    try:
        for size in CHUNKS:
            while total < MOST_BYTES and (address := libc.malloc(size)) is not None:
                ctypes.memset(address, 0, size)
                taken.append(address)
                total += size
                step += max(size, STEP_BYTES // STEP_BLOCKS)
                if step >= STEP_BYTES:
                    step = 0
                    yield
                if address not in before:
                    break
        while len(taken) > STEP_BLOCKS:
            for _ in range(STEP_BLOCKS):
                libc.free(taken.pop())
            yield
    finally:
        for address in taken:
            libc.free(address)
        libc.malloc_trim(0)


class _Memory:
    """The addresses that the process could write to when this was made."""

    def __init__(self) -> None:
        lines = map(_WRITABLE.match, Path("/proc/self/maps").read_text().splitlines())
        parts = [(int(found[1], 16), int(found[2], 16)) for found in lines if found]
        self._begins = [begin for begin, _ in parts]
        self._ends = [end for _, end in parts]

    def __contains__(self, address: int) -> bool:
        at = bisect_right(self._begins, address) - 1
        return at >= 0 and address < self._ends[at]


async def wipe_reads() -> None:
    """Give the event loop so many zeros to read at once that nothing else is left in its buffer."""
    ours, its = socket.socketpair()
    for end in (ours, its):
        end.setblocking(False)
        for option in (socket.SO_SNDBUF, socket.SO_RCVBUF):
            end.setsockopt(socket.SOL_SOCKET, option, 2 * READ_BYTES)
    try:
        with suppress(BlockingIOError):
            while True:
                ours.send(bytes(READ_BYTES // 4))
        reader = _Reader()
        transport, _ = await asyncio.get_running_loop().create_connection(lambda: reader, sock=its)
        ours.shutdown(socket.SHUT_WR)
        await reader.over.wait()
        transport.close()
    finally:
        ours.close()


class _Reader(asyncio.Protocol):
    """Reads, and notices the end."""

    def __init__(self) -> None:
        self.over = asyncio.Event()

    def connection_lost(self, exc: Exception | None) -> None:
        self.over.set()
