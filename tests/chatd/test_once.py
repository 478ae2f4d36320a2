"""Questions asked once: who shares an answer, for how long, and what becomes of errors."""

import asyncio
import gc
import weakref
from collections import Counter
from collections.abc import Awaitable, Callable

import pytest

from chatd.once import Once
from chatd.spawn import Tasks
from tests.chatd.virtual_time import VirtualLoop, pass_time

KEEP_S = 1.0


class Oracle:
    """Answers after a while, or breaks, and counts how often it is asked for what."""

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()
        self.broken = False
        self.crashes: list[BaseException] = []
        self.tasks = Tasks(on_crash=self.crashes.append)

    async def find(self, key: str) -> str:
        self.asked[key] += 1
        await pass_time(0.01)
        if self.broken:
            raise LookupError(key)
        return f"{key} {self.asked[key]}"

    def once(self, keep_s: float = 0.0, most: int = 10) -> Once[str, str]:
        return Once(
            self.find, tasks=self.tasks, name="test.once", failures=(LookupError,), keep_s=keep_s, most=most
        )


def told(story: Callable[[Oracle], Awaitable[None]]) -> None:
    async def run() -> None:
        oracle = Oracle()
        await story(oracle)
        await oracle.tasks.close()
        assert not oracle.crashes

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(run())


def test_all_who_ask_at_the_same_time_share_one_answer() -> None:
    async def story(oracle: Oracle) -> None:
        once = oracle.once()
        answers = await asyncio.gather(*(once.ask(key) for key in ("a", "b", "a", "a")))
        assert answers == ["a 1", "b 1", "a 1", "a 1"]
        assert await once.ask("a") == "a 2", "nothing is kept unless that is asked for"

    told(story)


def test_an_answer_is_kept_for_a_while_and_no_longer() -> None:
    async def story(oracle: Oracle) -> None:
        once = oracle.once(KEEP_S)
        await once.ask("a")
        await pass_time(KEEP_S - 0.1)
        assert await once.ask("a") == "a 1"
        await pass_time(0.2)
        assert await once.ask("a") == "a 2"

    told(story)


def test_so_many_are_kept_and_the_oldest_goes_first() -> None:
    async def story(oracle: Oracle) -> None:
        once = oracle.once(KEEP_S, most=2)
        for key in ("a", "b", "c"):
            await once.ask(key)
        assert [await once.ask(key) for key in ("c", "b", "a")] == ["c 1", "b 1", "a 2"]

    told(story)


def test_so_much_is_kept_as_may_weigh_and_the_oldest_goes_first() -> None:
    async def story(oracle: Oracle) -> None:
        once = Once(
            oracle.find,
            tasks=oracle.tasks,
            name="test.once",
            failures=(LookupError,),
            keep_s=1.0,
            weigh=len,
            most_weight=9,
        )
        for key in ("a", "b", "c"):  # "a 1" and so on weigh 3 each
            await once.ask(key)
        assert [await once.ask(key) for key in ("a", "b", "c")] == ["a 1", "b 1", "c 1"]
        await once.ask("d")
        assert [await once.ask(key) for key in ("d", "c", "b")] == ["d 1", "c 1", "b 1"]
        await once.ask("longer than all")
        assert await once.ask("longer than all") == "longer than all 2", "too heavy to be kept"
        await pass_time(1.5)
        for key in ("a", "b", "c"):
            await once.ask(key)
        assert await once.ask("a") == "a 2", "what went weighs nothing any more"

    told(story)


def test_what_went_is_held_by_nobody() -> None:
    class Page:
        pass

    async def story(oracle: Oracle) -> None:
        made: list[weakref.ref[Page]] = []

        async def find(key: str) -> Page:
            made.append(weakref.ref(page := Page()))
            return page

        once = Once(find, tasks=oracle.tasks, name="test.once", failures=(), keep_s=KEEP_S, most=1)
        for key in ("a", "b"):
            await once.ask(key)
        await pass_time(0.01)
        gc.collect()
        assert [page() is None for page in made] == [True, False], "a timer is no place to keep things in"

    told(story)


def test_an_error_is_everybodys_and_is_not_kept() -> None:
    async def story(oracle: Oracle) -> None:
        once = oracle.once(KEEP_S)
        oracle.broken = True
        errors = await asyncio.gather(once.ask("a"), once.ask("a"), return_exceptions=True)
        assert [type(error) for error in errors] == [LookupError, LookupError]
        oracle.broken = False
        assert await once.ask("a") == "a 2"

    told(story)


def test_who_gives_up_does_not_take_the_answer_from_the_others() -> None:
    async def story(oracle: Oracle) -> None:
        once = oracle.once()
        first, second = asyncio.create_task(once.ask("a")), asyncio.create_task(once.ask("a"))
        await pass_time(0.005)
        first.cancel()
        assert await second == "a 1"
        with pytest.raises(asyncio.CancelledError):
            await first

    told(story)
