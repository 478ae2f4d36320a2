"""Where a leak may lie: the data folder, Redis, the memory of a process. Read as an administrator may."""

import re
import sqlite3
import struct
from collections.abc import Container, Iterator
from contextlib import closing
from pathlib import Path
from typing import Final

import redis

from tests.leaks.canaries import Canaries, Leak

PART: Final = 16 << 20
OVERLAP: Final = 4096
MAP: Final = re.compile(r"([0-9a-f]+)-([0-9a-f]+) (\S+) \S+ \S+ \S+\s*(.*)")
HEAD: Final = struct.Struct("<QQQ")
MANY: Final = 1 << 24
"""Nothing has so many references; what looks like it is an address."""


def in_folder(folder: Path, canaries: Canaries) -> list[Leak]:
    """Every byte of every file: rows, free pages, the write-ahead log, keys; and what they are called."""
    leaks = []
    for path in folder.rglob("*"):
        named = path.relative_to(folder).as_posix()
        leaks += canaries.found(named.encode(), "a file's name")
        if path.is_file():
            leaks += canaries.found(path.read_bytes(), f"the file {named}")
    return leaks


def as_it_is(redis_url: str) -> None:
    """What Redis dumps is not to be compressed: nothing would be found in it."""
    with closing(redis.Redis.from_url(redis_url)) as client:
        client.config_set("rdbcompression", "no")


def in_redis(url: str, canaries: Canaries) -> list[Leak]:
    """Every key with its value as Redis dumps it, channels that are subscribed to, and its own slow log."""
    leaks = []
    with closing(redis.Redis.from_url(url)) as client:
        for key in client.scan_iter(count=1000):
            leaks += canaries.found(key, "a Redis key")
            leaks += canaries.found(client.dump(key) or b"", "a Redis value")
        leaks += canaries.found(repr(client.pubsub_channels()).encode(), "a Redis channel")
        leaks += canaries.found(repr(client.slowlog_get(-1)).encode(), "the slow log of Redis")
        leaks += canaries.found(repr(client.client_list()).encode(), "the clients of Redis")
    return leaks


PIECES: Final = 12
"""Pieces of what was said that may lie unused in Python's pools: a block that is put to another use before it
was wiped keeps what it does not write over. Where nothing is wiped there are hundreds."""
HEAP: Final = "[heap]"
"""The C library's, where frames lie on their way. There pieces are not counted: docs/threat-model.md says
why, and what follows from it."""
BACK: Final = 8192
"""How far before a find the object begins at most that holds it."""


def readable(pid: int) -> bool:
    """Whether we may read the memory of `pid`: a server forbids it to everybody but root."""
    try:
        with Path(f"/proc/{pid}/mem").open("rb"):
            return True
    except PermissionError:
        return False


def in_memory(pid: int, canaries: Canaries) -> list[Leak]:
    """What the program holds on to: objects of Python that are in use; and pieces, where there are many."""
    types = _types(pid)
    held: list[Leak] = []
    pieces: list[Leak] = []
    for where, content in _memory(pid):
        for leak in canaries.found(content, f"memory of a process, {where}", most=1_000, plain=True):
            if _is_held(content, leak.at, types):
                held.append(leak)
            elif where != HEAP:
                pieces.append(leak)
    return held or (pieces if len(pieces) > PIECES else [])


def _memory(pid: int) -> Iterator[tuple[str, bytes]]:
    """(which part, its bytes) of what the process may write to: what a core image would hold."""
    with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as image:
        for begin, end, access, name in _maps(pid):
            at = begin
            while access.startswith("rw") and at < end:
                try:
                    image.seek(at)
                    content = image.read(min(PART, end - at))
                except (OSError, ValueError):
                    break  # not there any more, or of the kernel
                if not content:
                    break
                yield name or "Python's pools and others", content
                at += max(len(content) - OVERLAP, OVERLAP)


def _maps(pid: int | str) -> list[tuple[int, int, str, str]]:
    found = map(MAP.match, Path(f"/proc/{pid}/maps").read_text().splitlines())
    return [(int(each[1], 16), int(each[2], 16), each[3], each[4]) for each in found if each]


def _types(pid: int) -> frozenset[int]:
    """Where `str` and `bytes` lie in that process: it is the same Python, loaded to another place."""
    own = _maps("self")
    program = next(name for begin, end, _, name in own if begin <= id(str) < end)
    here, there = (min(each[0] for each in maps if each[3] == program) for maps in (own, _maps(pid)))
    return frozenset(id(each) - here + there for each in (str, bytes))


def _is_held(content: bytes, at: int, types: Container[int]) -> bool:
    """Whether the find at `at` is within an object that is in use: its count of references, its type, its
    length. Of one that was freed, the count is 0 or was overwritten by the allocator."""
    for begin in range((at - 24) // 16 * 16, max(at - BACK, -1), -16):
        references, kind, length = HEAD.unpack_from(content, begin)
        if kind in types:
            return bool(0 < references < MANY and begin + HEAD.size + length > at)
    return False


def sealed_rows(data: Path) -> Iterator[tuple[str, bytes]]:
    """What is kept of the rooms just now, as it lies in the database: to be gone after the erasure too."""
    with closing(sqlite3.connect(f"file:{data / 'chatd.db'}?mode=ro", uri=True)) as database:
        for (body,) in database.execute("SELECT body FROM events"):
            yield "a sealed event", body[-24:]
        for (owner,) in database.execute("SELECT owner FROM handles"):
            yield "an owner of a handle", owner
