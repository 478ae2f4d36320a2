"""What SQLite's errors mean to whoever runs the log: away for now, or not ours. Pure."""

import sqlite3
from pathlib import Path
from typing import Final

from rooms.log import LogCorrupt, LogError, LogUnavailable

RESTORE = "Stop chatd, move it aside, and restore the last backup in its place."

_NOT_OURS: Final = (LogCorrupt, f"{{path}} does not hold what chatd wrote there ({{name}}). {RESTORE}")
_LOCKED: Final = (LogUnavailable, "{path} is locked by another program.")
_READ_ONLY: Final = (LogUnavailable, "{path} cannot be written ({name}): see who owns it, and its disk.")
_OTHERWISE: Final = (LogUnavailable, "{path} cannot be read or written just now ({name}).")

_MEANING: Final[dict[int, tuple[type[LogError], str]]] = {
    sqlite3.SQLITE_NOTADB: (LogCorrupt, f"{{path}} is not a chatd log, or is damaged. {RESTORE}"),
    sqlite3.SQLITE_CORRUPT: (LogCorrupt, f"{{path}} is damaged ({{name}}). {RESTORE}"),
    sqlite3.SQLITE_ERROR: _NOT_OURS,
    sqlite3.SQLITE_CONSTRAINT: _NOT_OURS,
    sqlite3.SQLITE_MISMATCH: _NOT_OURS,
    sqlite3.SQLITE_FULL: (LogUnavailable, "The disk that holds {path} is full."),
    sqlite3.SQLITE_READONLY: _READ_ONLY,
    sqlite3.SQLITE_PERM: _READ_ONLY,
    sqlite3.SQLITE_CANTOPEN: (
        LogUnavailable,
        "{path} cannot be opened: see that it is there, and who owns it.",
    ),
    sqlite3.SQLITE_BUSY: _LOCKED,
    sqlite3.SQLITE_LOCKED: _LOCKED,
}
"""By SQLite's primary result code: whose fault it is, and what to tell whoever runs chatd."""


def translate(error: Exception, path: Path) -> Exception:
    """The `LogError` for what the store at `path` raised; a mistake in this program stays as it is."""
    if isinstance(error, OSError):
        return LogUnavailable(f"The lock beside {path} cannot be had: {error.strerror}.")
    if not isinstance(error, sqlite3.Error) or not hasattr(error, "sqlite_errorcode"):
        return error
    kind, sentence = _MEANING.get(error.sqlite_errorcode & 0xFF, _OTHERWISE)
    return kind(sentence.format(path=path, name=error.sqlite_errorname))
