"""The data folder: there, ours, and closed to others, before anything is kept in it."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from chatd.settings import Settings, load_secret

LOCK_NAME: Final = "serving.lock"


class CannotUse(Exception):
    """The data folder cannot be used; the sentence says why and what to do."""


def prepare_folder(settings: Settings) -> bytes:
    """Make the folder where it is missing, and the secret in it, which is returned. `CannotUse`,
    `SettingsError`."""
    make_folder(settings)
    return load_secret(settings)


def make_folder(settings: Settings) -> None:
    """Make the folder where it is missing (mode 0700), and no secret in it. `CannotUse`."""
    try:
        settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        if settings.data.exists():
            why = f"The data folder {settings.data} is a file, not a folder. Choose another: --data FOLDER"
            raise CannotUse(why) from None
        raise CannotUse(
            f"The data folder {settings.data} cannot be made: {error.strerror}. Choose another: --data FOLDER"
        ) from None
    if not os.access(settings.data, os.R_OK | os.W_OK | os.X_OK):
        raise CannotUse(
            f"The data folder {settings.data} cannot be written by this user. "
            "Change its owner, or choose another: --data FOLDER"
        )


@contextmanager
def serving(settings: Settings, *, alone: bool, otherwise: str) -> Iterator[None]:
    """Hold the right to serve from this data folder: `alone`, or with others who are not alone either.

    `CannotUse(otherwise)` where somebody holds it already. Ends with the process, however that ends.
    """
    path = settings.data / LOCK_NAME
    try:
        lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise CannotUse(f"{path} cannot be opened: {error.strerror}.") from None
    try:
        try:
            fcntl.flock(lock, (fcntl.LOCK_EX if alone else fcntl.LOCK_SH) | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CannotUse(otherwise) from None
        except OSError as error:
            raise CannotUse(f"{path} cannot be locked: {error.strerror}. Use a local disk.") from None
        yield
    finally:
        os.close(lock)


def untouched(file: Path) -> str:
    """How to open `file` for reading and leave nothing beside it: with no WAL file nobody has it open."""
    return "mode=ro" if file.with_name(f"{file.name}-wal").exists() else "immutable=1"
