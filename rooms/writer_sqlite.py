"""The one thread of this process that writes a SQLite store, and takes turns with other processes.

    run(work)  ->  queue  ->  thread: lock file, BEGIN, work(connection) ..., COMMIT  ->  answer

One hop to the thread and one back. Whatever waits in the queue when the thread comes round shares
a transaction, and so an fsync; a work that fails is undone alone. Touches the database file and
the lock file beside it.

**Turns.** SQLite makes a second writer wait by polling with growing pauses, and two busy processes
starve each other for seconds that way. So a process writes only while it holds `flock` on
`<database>.lock`, where the kernel wakes the next in line at once. The same lock is held for
checkpoints and for opening and closing, so that at any time there is one writer or checkpointer
among all processes, which old SQLite versions need.

**No old text.** Overwritten text stays in the write-ahead log until that is emptied. `Scrub.NOW`
empties it before the caller hears of the success, `Scrub.SOON` within `SCRUB_WITHIN_S`, `stop` at
the end. Where a reader holds an old state open they cannot: then it is tried again every
`SCRUB_AGAIN_S`, and the caller is not kept waiting.
"""

import asyncio
import fcntl
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from enum import IntEnum
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, Final, TypeVar

from rooms.errors_sqlite import translate
from rooms.log import LogError, LogUnavailable

T = TypeVar("T")

Work = Callable[[sqlite3.Connection], T]
"""Runs in the writer's thread, inside a transaction. Raises to have all it did undone."""

MAX_WAITING: Final = 1_000
"""Calls that may wait for the thread. One more is refused with `LogUnavailable`."""

MAX_SHARING: Final = 64
"""Calls that may share one transaction."""

PATIENCE_S: Final = 10.0
"""How long a caller waits. After that it may be kept or not: its keys make asking again safe."""

BUSY_S: Final = 2.0
"""How long SQLite waits for a program that does not take turns, such as its own shell."""

CACHE_KIB: Final = 16 * 1024
"""Pages that the writer keeps in memory."""

SCRUB_WITHIN_S: Final = 5.0
SCRUB_AGAIN_S: Final = 1.0
"""When to try again where a reader held an old state open."""

SCRUB_WAITS_MS: Final = 200
"""How long a scrub holds up everybody's writing for such a reader."""


class Scrub(IntEnum):
    """When the write-ahead log must be empty of what a work overwrote."""

    NO = 0
    SOON = 1
    NOW = 2


class _Job:
    """One call that waits: what to do, and where to answer."""

    __slots__ = ("answer", "error", "future", "scrub", "work")

    def __init__(self, work: Work[Any], scrub: Scrub, future: asyncio.Future[Any]) -> None:
        self.work = work
        self.scrub = scrub
        self.future = future
        self.answer: Any = None
        self.error: Exception | None = None


def lock_path(database: Path) -> Path:
    """The file whose `flock` gives the right to write `database`."""
    return database.with_name(f"{database.name}.lock")


@contextmanager
def turn(lock: int) -> Iterator[None]:
    """Hold the lock file open at descriptor `lock`; waits in line, without polling."""
    fcntl.flock(lock, fcntl.LOCK_EX)
    try:
        yield
    finally:
        fcntl.flock(lock, fcntl.LOCK_UN)


def open_lock(database: Path) -> int:
    """A descriptor for `turn`. Each one takes its own turns, even within a process."""
    return os.open(lock_path(database), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def connect(database: Path) -> sqlite3.Connection:
    """A connection for writing, durable on COMMIT. Call it within `turn`."""
    uri = f"{database.absolute().as_uri()}?mode=rw"
    connection = sqlite3.connect(uri, uri=True, isolation_level=None, timeout=BUSY_S)
    try:
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA secure_delete=ON")
        connection.execute(f"PRAGMA cache_size={-CACHE_KIB}")
        connection.execute("PRAGMA temp_store=MEMORY")  # a savepoint never spills text into a temporary file
        if connection.execute("PRAGMA journal_mode=WAL").fetchone() != ("wal",):
            raise LogUnavailable(f"The file system of {database} cannot share a database between processes.")
    except BaseException:
        connection.close()
        raise
    return connection


class Writer:
    """`start` it, `run` works on it, `stop` it: all from one event loop."""

    def __init__(self, database: Path) -> None:
        self._database = database
        self._queue: SimpleQueue[_Job | None] = SimpleQueue()
        self._connection: sqlite3.Connection | None = None
        self._lock = -1
        self._scrub_at: float | None = None
        self._stopping = False
        self._stopped: asyncio.Future[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def start(self) -> None:
        """Open the database; a `LogError` says why that is not possible."""
        try:
            self._lock = open_lock(self._database)
        except OSError as error:
            raise translate(error, self._database) from error
        self._loop = asyncio.get_running_loop()
        self._stopped = self._loop.create_future()
        threading.Thread(target=self._main, name="log-writer", daemon=True).start()
        try:
            await self.run(lambda connection: None, Scrub.SOON)  # what a crash left unscrubbed
        except BaseException:
            await self.stop()
            raise

    async def run(self, work: Work[T], scrub: Scrub = Scrub.NO) -> T:
        """What `work` returned, once it is durable; or what it raised; or a `LogError`."""
        if self._stopping or self._loop is None:
            raise LogUnavailable("This log is closed.")
        if self._queue.qsize() >= MAX_WAITING:
            raise LogUnavailable("The disk does not keep up: too many calls wait for it.")
        future: asyncio.Future[T] = self._loop.create_future()
        self._queue.put(_Job(work, scrub, future))
        try:
            async with asyncio.timeout(PATIENCE_S):
                return await future
        except TimeoutError:
            raise LogUnavailable(f"The disk has not answered for {PATIENCE_S:.0f} seconds.") from None

    async def stop(self) -> None:
        """Finish what waits, leave no old text in the write-ahead log, close. Idempotent."""
        if self._stopped is None:
            return
        if not self._stopping:
            self._stopping = True
            self._queue.put(None)
        with suppress(TimeoutError):  # the thread is a daemon: a dead disk does not keep the process alive
            await asyncio.wait_for(asyncio.shield(self._stopped), PATIENCE_S)

    # ---- in the thread -------------------------------------------------------------------------

    def _main(self) -> None:
        going = True
        while going:
            jobs, going = self._take()
            if jobs:
                self._commit(jobs)
                self._answer(jobs)
            if self._scrub_at is not None and time.monotonic() >= self._scrub_at:
                self._scrub_in_turn()
        self._finish()

    def _take(self) -> tuple[list[_Job], bool]:
        """The jobs that wait, at least one unless it is time to scrub; False at the end."""
        jobs: list[_Job] = []
        wait_s = None if self._scrub_at is None else max(0.0, self._scrub_at - time.monotonic())
        try:
            job = self._queue.get(timeout=wait_s)
            while job is not None:
                if not job.future.cancelled():
                    jobs.append(job)
                if len(jobs) == MAX_SHARING:
                    return jobs, True
                job = self._queue.get_nowait()
        except Empty:
            return jobs, True
        return jobs, False

    def _commit(self, jobs: list[_Job]) -> None:
        """One transaction for all `jobs`, and an answer or an error in each."""
        scrub = max(job.scrub for job in jobs)
        if scrub and self._scrub_at is None:
            self._scrub_at = time.monotonic() + SCRUB_WITHIN_S
        try:
            with turn(self._lock):
                if self._connection is None:
                    self._connection = connect(self._database)
                self._transact(self._connection, jobs)
                if scrub is Scrub.NOW:
                    self._scrub(self._connection)
        except Exception as error:  # noqa: BLE001 - whatever it is, the callers hear of it
            self._drop()
            for job in jobs:
                job.error = translate(error, self._database)

    @staticmethod
    def _transact(connection: sqlite3.Connection, jobs: list[_Job]) -> None:
        connection.execute("BEGIN IMMEDIATE")
        for job in jobs:
            connection.execute("SAVEPOINT work")
            try:
                job.answer = job.work(connection)
            except LogError as error:
                job.error = error
                connection.execute("ROLLBACK TO work")
            connection.execute("RELEASE work")
        connection.execute("COMMIT")

    def _scrub(self, connection: sqlite3.Connection) -> None:
        """Empty the write-ahead log into the database, or see to it that it is tried again."""
        connection.execute(f"PRAGMA busy_timeout={SCRUB_WAITS_MS}")
        busy, _, _ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        connection.execute(f"PRAGMA busy_timeout={int(BUSY_S * 1000)}")
        self._scrub_at = time.monotonic() + SCRUB_AGAIN_S if busy else None

    def _scrub_in_turn(self) -> None:
        try:
            with turn(self._lock):
                if self._connection is None:
                    self._connection = connect(self._database)
                self._scrub(self._connection)
        except (sqlite3.Error, OSError, LogError):  # nobody waits for this: it is tried again
            self._drop()
            self._scrub_at = time.monotonic() + SCRUB_AGAIN_S

    def _drop(self) -> None:
        """Let go of a connection that failed; the next call opens a new one."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(sqlite3.Error):
                connection.close()

    def _answer(self, jobs: list[_Job]) -> None:
        assert self._loop is not None
        with suppress(RuntimeError):  # the loop is closed: nobody is left to hear it
            self._loop.call_soon_threadsafe(_resolve, jobs)

    def _finish(self) -> None:
        assert self._loop is not None
        assert self._stopped is not None
        try:
            with turn(self._lock):
                if self._connection is not None:
                    with suppress(sqlite3.Error):
                        self._scrub(self._connection)
                self._drop()
        finally:
            os.close(self._lock)
            with suppress(RuntimeError):  # as above
                self._loop.call_soon_threadsafe(_done, self._stopped)


def _resolve(jobs: list[_Job]) -> None:
    for job in jobs:
        if job.future.done():  # the caller gave up waiting
            continue
        if job.error is None:
            job.future.set_result(job.answer)
        else:
            job.future.set_exception(job.error)


def _done(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
