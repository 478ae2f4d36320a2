"""Tasks have an owner: they end with it, and it hears when one of them dies."""

import asyncio

import pytest
from structlog.testing import capture_logs

from chatd.spawn import Tasks


class Owner:
    def __init__(self) -> None:
        self.crashes: list[BaseException] = []
        self.crashed = asyncio.Event()
        self.tasks = Tasks(on_crash=self._on_crash)

    def _on_crash(self, error: BaseException) -> None:
        self.crashes.append(error)
        self.crashed.set()


@pytest.fixture
async def owner() -> Owner:
    return Owner()


async def forever() -> None:
    await asyncio.Event().wait()


async def fails() -> None:
    words = "what somebody wrote"
    raise LookupError(words)


async def test_a_task_gives_back_what_its_coroutine_returns(owner: Owner) -> None:
    async def answer() -> int:
        return 42

    task = owner.tasks.spawn(answer(), name="test.answer")
    assert task.get_name() == "test.answer"
    assert len(owner.tasks) == 1
    assert await task == 42
    await owner.tasks.close()
    assert owner.crashes == []
    assert len(owner.tasks) == 0


async def test_a_task_that_dies_takes_its_siblings_along_and_tells_the_owner_once(owner: Owner) -> None:
    sibling = owner.tasks.spawn(forever(), name="test.forever")
    owner.tasks.spawn(fails(), name="test.fails")
    owner.tasks.spawn(fails(), name="test.fails_too")
    await owner.crashed.wait()
    await asyncio.wait([sibling])
    assert sibling.cancelled()
    assert [type(error) for error in owner.crashes] == [LookupError]
    await owner.tasks.close()
    assert len(owner.tasks) == 0


async def test_the_log_is_given_the_task_and_the_error_and_no_words(owner: Owner) -> None:
    """The error goes as `exc_info`, which `chatd.logs` reduces to its kind and its frames."""
    with capture_logs() as lines:
        owner.tasks.spawn(fails(), name="test.fails")
        await owner.crashed.wait()
    assert lines == [
        {"event": "task_crashed", "log_level": "error", "part": "test.fails", "exc_info": owner.crashes[0]}
    ]


async def test_close_ends_every_task_and_waits_for_its_cleanup(owner: Owner) -> None:
    cleaned = []

    async def cleans_up() -> None:
        try:
            await forever()
        finally:
            await asyncio.sleep(0)
            cleaned.append(True)

    for number in range(3):
        owner.tasks.spawn(cleans_up(), name=f"test.{number}")
    await asyncio.sleep(0)
    await owner.tasks.close()
    await owner.tasks.close()
    assert cleaned == [True, True, True]
    assert owner.crashes == []
    assert len(owner.tasks) == 0


async def test_close_may_be_called_by_one_of_the_tasks(owner: Owner) -> None:
    other = owner.tasks.spawn(forever(), name="test.forever")
    closer = owner.tasks.spawn(owner.tasks.close(), name="test.close")
    await closer
    assert other.cancelled()
    assert not closer.cancelled()


async def test_a_crash_during_close_is_told_as_well(owner: Owner) -> None:
    async def fails_at_the_end() -> None:
        try:
            await forever()
        finally:
            await fails()

    owner.tasks.spawn(fails_at_the_end(), name="test.fails")
    await asyncio.sleep(0)
    await owner.tasks.close()
    assert [type(error) for error in owner.crashes] == [LookupError]


async def test_a_task_cancelled_by_somebody_else_is_no_crash(owner: Owner) -> None:
    sibling = owner.tasks.spawn(forever(), name="test.sibling")
    task = owner.tasks.spawn(forever(), name="test.forever")
    task.cancel()
    await asyncio.wait([task])
    assert owner.crashes == []
    assert not sibling.done()
    await owner.tasks.close()


@pytest.mark.parametrize("over", ["closed", "crashed"])
async def test_nothing_starts_after_the_end_and_no_coroutine_is_leaked(owner: Owner, over: str) -> None:
    if over == "closed":
        await owner.tasks.close()
    else:
        owner.tasks.spawn(fails(), name="test.fails")
        await owner.crashed.wait()
    with pytest.raises(RuntimeError, match=r"test\.late"):
        owner.tasks.spawn(forever(), name="test.late")
    assert len(owner.tasks) == 0
