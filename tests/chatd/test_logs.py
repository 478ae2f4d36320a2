"""Logs: what is said, and that nobody is ever in it, whoever logs."""

import asyncio
import io
import json
import logging
import sys
import threading
import warnings
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from chatd import logs
from chatd.settings import Settings

PRIVATE = "nurse@192.0.2.7/room/icu?ticket=abc"


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """What goes to the log, as JSON lines. The process's loggers are as before afterwards."""
    root = logging.getLogger()
    handlers, level, hook, thread_hook = list(root.handlers), root.level, sys.excepthook, threading.excepthook
    stream = io.StringIO()
    logs.configure(Settings(log_format="json"), stream)
    yield stream
    structlog.reset_defaults()
    logging.captureWarnings(False)
    logging.raiseExceptions = True
    root.handlers[:] = handlers
    root.setLevel(level)
    sys.excepthook, threading.excepthook = hook, thread_hook


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_an_event_is_one_object_with_its_numbers(written: io.StringIO) -> None:
    logs.get("node").warning("bus_away", seconds=3, again=True)
    [line] = lines(written)
    assert line.pop("timestamp").endswith("Z")
    assert line == {"event": "bus_away", "level": "warning", "part": "node", "seconds": 3, "again": True}


def test_words_go_with_it_only_under_known_names(written: io.StringIO) -> None:
    logs.get("node").error(
        "refused", code="room_full", handle=PRIVATE, room=PRIVATE, who=[PRIVATE], url=PRIVATE
    )
    [line] = lines(written)
    assert line["code"] == "room_full"
    assert line.keys() == {"event", "level", "part", "timestamp", "code"}


def test_less_than_the_level_is_not_written(written: io.StringIO) -> None:
    logs.get("node").debug("detail")
    assert lines(written) == []


def test_libraries_say_where_and_not_what(written: io.StringIO) -> None:
    for name in (
        "uvicorn.error",
        "uvicorn.access",
        "websockets.server",
        "redis",
        "sqlalchemy.engine",
        "asyncio",
    ):
        logging.getLogger(name).info("hello %s", PRIVATE)
        logging.getLogger(name).warning("trouble with %s", PRIVATE)
        logging.getLogger(name).error(f"trouble with {PRIVATE}")  # noqa: G004  as libraries do it
    assert PRIVATE not in written.getvalue()
    said = lines(written)
    assert len(said) == 12  # warnings and errors only
    assert {line["library"] for line in said} >= {"uvicorn.error", "redis", "asyncio"}
    assert all(line["at"].startswith("test_logs:") for line in said)


def test_warnings_of_python_say_where_and_not_what(written: io.StringIO) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(True)
        warnings.warn(PRIVATE, stacklevel=1)
    assert PRIVATE not in written.getvalue()


def fail_with(text: str) -> None:
    secret_local = text
    raise ValueError(secret_local)


def test_a_traceback_has_frames_and_kinds_but_no_values(written: io.StringIO) -> None:
    try:
        try:
            fail_with(PRIVATE)
        except ValueError as error:
            raise KeyError(PRIVATE) from error
    except KeyError:
        logs.get("node").exception("failed")
    [line] = lines(written)
    assert PRIVATE not in written.getvalue()
    assert line["error"] == "KeyError"
    assert "fail_with" in line["frames"]
    assert "ValueError" in line["frames"]
    assert "secret_local" not in line["frames"]


def test_a_full_disk_is_named() -> None:
    assert logs.kind(OSError(28, PRIVATE, PRIVATE)) == "OSError (errno 28)"


def test_groups_and_circles_end() -> None:
    group = ExceptionGroup(PRIVATE, [ValueError(PRIVATE), KeyError(PRIVATE)])
    group.__cause__ = group
    text = logs.frames(group)
    assert "of: ValueError, KeyError" in text
    assert PRIVATE not in text


async def test_a_loop_in_trouble_says_nothing_of_its_tasks(written: io.StringIO) -> None:
    loop = asyncio.get_running_loop()
    logs.on_loop_error(loop, {"message": PRIVATE, "exception": ValueError(PRIVATE), "task": PRIVATE})
    logs.on_loop_error(loop, {"message": PRIVATE})
    assert [line["event"] for line in lines(written)] == ["loop_error", "loop_error"]
    assert PRIVATE not in written.getvalue()


def test_a_crash_says_where(written: io.StringIO) -> None:
    try:
        fail_with(PRIVATE)
    except ValueError as error:
        sys.excepthook(ValueError, error, error.__traceback__)
    thread = threading.Thread(target=fail_with, args=(PRIVATE,))
    thread.start()
    thread.join()
    assert [line["event"] for line in lines(written)] == ["crashed", "crashed"]
    assert PRIVATE not in written.getvalue()


def test_the_console_is_for_people_and_as_careful() -> None:
    stream = io.StringIO()
    handlers, hook, thread_hook = list(logging.getLogger().handlers), sys.excepthook, threading.excepthook
    try:
        logs.configure(Settings(log_format="console"), stream)
        try:
            fail_with(PRIVATE)
        except ValueError:
            logs.get("node").exception("failed", handle=PRIVATE)
    finally:
        structlog.reset_defaults()
        logging.captureWarnings(False)
        logging.raiseExceptions = True
        logging.getLogger().handlers[:] = handlers
        sys.excepthook, threading.excepthook = hook, thread_hook
    assert "failed" in stream.getvalue()
    assert any(line.lstrip().endswith("fail_with") for line in stream.getvalue().splitlines())
    assert PRIVATE not in stream.getvalue()
