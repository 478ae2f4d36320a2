"""Tasks that have an owner: nothing runs loose, and no crash is swallowed.

`asyncio.create_task` keeps only a weak reference and stays silent when the task dies. Here every
task belongs to a `Tasks`; when one of them dies, its siblings are cancelled and the owner is told,
once, with the exception. What the owner does about it (as a rule: stop, so that the process ends
with an error and is started again) is its own business. Touches the event loop and the log.
"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from chatd import logs

T = TypeVar("T")


class Tasks:
    """The tasks of one owner.

        tasks = Tasks(on_crash=self._crashed)
        tasks.spawn(self._sweep(), name="presence sweep")
        ...
        await tasks.close()

    `on_crash(exc)` is called in the event loop, at most once, when a task ends with an exception
    that is not its cancellation. It must not raise. From then on, as after `close`, nothing new
    is started.
    """

    def __init__(self, *, on_crash: Callable[[BaseException], None]) -> None:
        self._on_crash = on_crash
        self._tasks: set[asyncio.Task[Any]] = set()
        self._over = False
        self._crashed = False

    def __len__(self) -> int:
        """How many tasks run just now."""
        return len(self._tasks)

    def spawn(self, coro: Coroutine[Any, Any, T], *, name: str) -> asyncio.Task[T]:
        """Start `coro` as a task of this owner. `name` is fixed, such as "hub.read": it goes to the log.

        `RuntimeError` after `close` or a crash; the coroutine is then closed, not leaked.
        """
        if self._over:
            coro.close()
            raise RuntimeError(f"{name} is not started: its owner has stopped")
        task = asyncio.get_running_loop().create_task(coro, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def guard(self, callback: Callable[[], None]) -> Callable[[], None]:
        """`callback` for the event loop to call: where it raises, its owner crashes as by a task."""

        def guarded() -> None:
            try:
                callback()
            except Exception as error:  # noqa: BLE001  whatever it is, the owner cannot go on without it
                self._crash(callback.__name__, error)

        return guarded

    async def close(self) -> None:
        """Cancel every task and return when all have ended. Idempotent.

        May be called from one of the tasks, which is then left to end by itself. A task has to
        end when it is cancelled: one that refuses keeps `close` waiting.
        """
        self._over = True
        others = self._tasks - {asyncio.current_task()}
        for task in others:
            task.cancel()
        if others:
            await asyncio.wait(others)

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if task.cancelled() or (error := task.exception()) is None:
            return
        self._crash(task.get_name(), error)

    def _crash(self, name: str, error: BaseException) -> None:
        logs.get(name).error("task_crashed", exc_info=error)
        if self._crashed:
            return
        self._crashed = self._over = True
        for sibling in self._tasks:
            sibling.cancel()
        self._on_crash(error)
