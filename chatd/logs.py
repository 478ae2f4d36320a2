"""What the server says about itself, on stderr: structured, and without anybody in it.

    log = logs.get("node")
    log.warning("bus_away", seconds=3)

The rule that keeps people out, in one place: the event's name is written in the code; numbers
and yes/no may go with it under any name; words only under the names in `WORDS`. All else is
dropped. What libraries log is reduced to which library, where in its code, and the kind of
error: their sentences carry addresses and URLs. Tracebacks show frames, never values.
"""

import asyncio
import logging
import sys
import threading
import traceback
from collections.abc import MutableMapping
from types import TracebackType
from typing import Any, Final, TextIO

import structlog
from structlog.typing import EventDict, FilteringBoundLogger, WrappedLogger

from chatd.settings import Settings

WORDS: Final = frozenset(
    {
        "event",
        "level",
        "timestamp",
        "part",
        "library",
        "at",
        "error",
        "frames",
        "code",
        "outcome",
        "setting",
        "state",
    }
)
"""Field names that may carry words. What is put there must come from the code, never from a client."""

MAX_WORDS: Final = 8_000
MAX_FRAMES: Final = 40
LEVELS: Final = {"debug": 10, "info": 20, "warning": 30, "error": 40}


def configure(settings: Settings, stream: TextIO | None = None) -> None:
    """Bring every logger of the process under the rule. Call once, before anything is logged."""
    stream = sys.stderr if stream is None else stream
    renderer: structlog.typing.Processor
    if settings.log_format == "json":
        renderer = structlog.processors.JSONRenderer(sort_keys=True)
    else:
        renderer = structlog.dev.ConsoleRenderer(colors=stream.isatty(), exception_formatter=_no_exception)
    structlog.configure(
        processors=[
            _error_to_words,
            _only_what_may_be_said,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            *([] if settings.log_format == "json" else [_frames_below]),
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[settings.log_level]),
        logger_factory=structlog.WriteLoggerFactory(file=stream),
        cache_logger_on_first_use=False,
    )
    root = logging.getLogger()
    for handler in list(root.handlers):
        if isinstance(handler, _Bridge):
            root.removeHandler(handler)
    root.addHandler(_Bridge())
    root.setLevel(logging.WARNING)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access", "uvicorn.asgi"):
        library = logging.getLogger(name)
        library.handlers.clear()
        library.propagate = True
        library.setLevel(logging.NOTSET)
    logging.raiseExceptions = False  # a failing log call must not print its arguments
    logging.captureWarnings(True)
    sys.excepthook = _on_crash
    threading.excepthook = _on_thread_crash


def get(part: str) -> FilteringBoundLogger:
    """A logger for one part of the server; `part` is a fixed name."""
    logger: FilteringBoundLogger = structlog.get_logger(part=part)
    return logger


def on_loop_error(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """For `loop.set_exception_handler`: asyncio's own text shows the values in tasks and callbacks."""
    get("loop").error("loop_error", exc_info=context.get("exception"))


def frames(error: BaseException) -> str:
    """A traceback that names files, lines and functions, and the kinds of error; no values.

    Without the exceptions' arguments, because they quote what was being handled; of an OSError
    the number stays, because it says "disk full" and nothing else.
    """
    lines: list[str] = []
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen and len(lines) < MAX_FRAMES:
        seen.add(id(current))
        lines.append(kind(current))
        walked = traceback.extract_tb(current.__traceback__, limit=-MAX_FRAMES)
        lines += [f"  {frame.filename}:{frame.lineno} {frame.name}" for frame in walked]
        if isinstance(current, BaseExceptionGroup):
            lines.append("  of: " + ", ".join(kind(inner) for inner in current.exceptions[:10]))
        current = current.__cause__ or (None if current.__suppress_context__ else current.__context__)
    return "\n".join(lines)


def kind(error: BaseException) -> str:
    """The type of an error, with the errno of an OSError."""
    name = type(error).__qualname__
    return f"{name} (errno {error.errno})" if isinstance(error, OSError) and error.errno else name


def _error_to_words(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    given = event.pop("exc_info", None)
    error = sys.exc_info()[1] if given is True else given
    if isinstance(error, tuple):
        error = error[1]
    if isinstance(error, BaseException):
        event["error"] = kind(error)
        event["frames"] = frames(error)
    return event


def _only_what_may_be_said(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    kept: MutableMapping[str, Any] = {}
    for name, value in event.items():
        if isinstance(value, bool | int | float) or value is None:
            kept[name] = value
        elif name in WORDS:
            kept[name] = str(value)[:MAX_WORDS]
    return kept


def _frames_below(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    """On the console frames stand below their line, where structlog prints what it calls "exception"."""
    if "frames" in event:
        event["exception"] = event.pop("frames")
    return event


def _no_exception(stream: TextIO, error: Any) -> None:
    """structlog's own traceback printer shows values; by here `_error_to_words` has said what may be."""


class _Bridge(logging.Handler):
    """What libraries log: which one, where, and the kind of error. Never their sentence."""

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if isinstance(record.exc_info, tuple) else None
        log = get("library")
        say = log.error if record.levelno >= logging.ERROR else log.warning
        say("library_message", library=record.name, at=f"{record.module}:{record.lineno}", exc_info=error)


def _on_crash(cls: type[BaseException], error: BaseException, where: TracebackType | None) -> None:
    get("process").error("crashed", exc_info=error)


def _on_thread_crash(args: threading.ExceptHookArgs) -> None:
    get("thread").error("crashed", exc_info=args.exc_value)
