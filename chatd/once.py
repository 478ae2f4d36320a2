"""Questions asked once for all who ask the same at the same time, or a moment later.

    specs = Once(catalog.get, tasks=tasks, name="door.room", failures=(LogError,), keep_s=1.0)
    spec = await specs.ask("icu")        a thousand people come to one room: the catalog is asked once

Touches the event loop's timers.
"""

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from typing import Any, Generic, TypeVar

from chatd.spawn import Tasks

Key = TypeVar("Key", bound=Hashable)
Answer = TypeVar("Answer")


class Once(Generic[Key, Answer]):
    """`find(key)` is awaited in a task of `tasks`, called `name`. What it raises of the kinds `failures`
    is raised to all who wait, and not kept.

    An answer is given again for `keep_s` seconds: the newest `most` of them, and no more than weigh
    `most_weight` together, by `weigh`.
    """

    def __init__(
        self,
        find: Callable[[Key], Coroutine[Any, Any, Answer]],
        *,
        tasks: Tasks,
        name: str,
        failures: tuple[type[Exception], ...],
        keep_s: float = 0.0,
        most: int = 1_000,
        weigh: Callable[[Answer], int] = lambda _: 0,
        most_weight: int = 0,
    ) -> None:
        self._find = find
        self._tasks = tasks
        self._name = name
        self._failures = failures
        self._keep_s = keep_s
        self._most = most
        self._weigh = weigh
        self._most_weight = most_weight
        self._asked: dict[Key, asyncio.Task[Answer | Exception]] = {}
        self._kept: dict[Key, tuple[Answer, int, asyncio.TimerHandle]] = {}
        """The answer, what it weighs, and what lets go of it."""
        self._weight = 0

    async def ask(self, key: Key) -> Answer:
        if key in self._kept:
            return self._kept[key][0]
        task = self._asked.get(key)
        if task is None:
            task = self._asked[key] = self._tasks.spawn(self._answer(key), name=self._name)
        # Shielded: one who gives up must not take the answer from the others who wait for it.
        answer = await asyncio.shield(task)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def _answer(self, key: Key) -> Answer | Exception:
        """Errors are the result, not raised: they concern those who wait, not the node."""
        try:
            answer = await self._find(key)
        except self._failures as error:
            return error
        finally:
            del self._asked[key]
        if self._keep_s:
            self._keep(key, answer)
        return answer

    def _keep(self, key: Key, answer: Answer) -> None:
        weight = self._weigh(answer)
        timer = asyncio.get_running_loop().call_later(self._keep_s, self._drop, key)
        self._kept[key] = answer, weight, timer
        self._weight += weight
        while len(self._kept) > self._most or self._weight > self._most_weight:
            self._drop(next(iter(self._kept)))

    def _drop(self, key: Key) -> None:
        _, weight, timer = self._kept.pop(key)
        timer.cancel()
        self._weight -= weight
