"""Backups of what is kept, and back again: `chatd backup` and `chatd restore`.

A backup lies in the past, so nothing that anybody holds may continue from it: places in the log were
given twice, and links that were used once would be fresh again. So what is restored begins anew: every
room gets a new epoch, with what was said kept under it, and the server a new secret, which voids
every seat and every link.

No key is in a backup. So of what was said only that comes back whose key this server still has: what was
erased since stays erased, and on another machine nothing that anybody said is readable.

Touches the database, the data folder and the file that is named. `CannotUse` and `LogError` say what
is wrong in a sentence.
"""

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final
from urllib.parse import quote

from chatd.epochs.bodies import BodySealer
from chatd.epochs.keystores import open_kept, open_keys
from chatd.folder import CannotUse, prepare_folder, serving, untouched
from chatd.settings import STORE_NAME, Settings, renew_secret
from rooms.keyed_log import GRACE_S
from rooms.keyring import Keyring
from rooms.store_sql import migrate, open_store

PAGE: Final = 500
"""Names of rooms that are read at once."""
STOP_FIRST: Final = "A chatd serves this data folder. Stop it, restore, and start it again."


async def back_up(settings: Settings, to: Path) -> None:
    """Copy the SQLite database, also one in use, into the new file `to` (mode 0600)."""
    if settings.database is not None:
        raise CannotUse(
            "This server keeps everything in PostgreSQL: `pg_dump` copies that. "
            "--rooms-only works here too, and makes a SQLite file."
        )
    source = settings.data / STORE_NAME
    if not source.exists():
        raise CannotUse(f"There is nothing to copy yet: {source} is not there.")
    with _new_file(to) as draft:
        _copy(source, "mode=rw", draft)
        _sync(draft)


async def back_up_rooms(settings: Settings, to: Path) -> None:
    """Write which rooms there are, and what is planned, into the new file `to`; nothing that anybody said."""
    prepare_folder(settings)
    await migrate(settings.store)
    store = await open_store(settings.store)
    try:
        specs = await store.catalog.list()
        planned = await store.series.list()
    finally:
        await store.close()
    with _new_file(to) as draft:
        await migrate(draft)
        copy = await open_store(draft)
        try:
            for spec in specs:
                await copy.catalog.add(spec)
            for series in planned:
                await copy.series.add(series)
        finally:
            await copy.close()
        _settle(draft)


async def restore(settings: Settings, file: Path, *, replace: bool) -> int:
    """Put the backup `file` in place of the SQLite database, begun anew; how many rooms have a log.

    What is there already goes only with `replace`. Whole or not at all: until the last step, the old
    database stands as it was.
    """
    if settings.database is not None:
        raise CannotUse(
            "This server keeps everything in PostgreSQL: restore that with `pg_restore` or `psql`, "
            "and then begin anew with --mark."
        )
    prepare_folder(settings)
    place = settings.data / STORE_NAME
    with serving(settings, alone=True, otherwise=STOP_FIRST):
        if place.exists() and not replace:
            raise CannotUse(f"{place} is there already. --replace puts the backup in its place for good.")
        with TemporaryDirectory(prefix=".restore-", dir=settings.data) as folder:
            draft = Path(folder) / place.name
            _copy(file, untouched(file), draft)
            _check(draft, file)
            count = await _begin_anew(settings, draft)
            _settle(draft)
            renew_secret(settings)
            for name in (f"{place.name}-wal", f"{place.name}-shm"):  # of the old one; SQLite would read them
                with suppress(FileNotFoundError):
                    place.with_name(name).unlink()
            draft.replace(place)
            _sync(settings.data)
        await _prune(settings)
    return count


async def mark(settings: Settings) -> int:
    """Begin anew in the database as something else restored it; how many rooms have a log."""
    prepare_folder(settings)
    with serving(settings, alone=True, otherwise=STOP_FIRST):
        count = await _begin_anew(settings, settings.store)
        renew_secret(settings)
        await _prune(settings)
    return count


async def _prune(settings: Settings) -> None:
    """The keys of what was there before go for good."""
    store = await open_kept(settings)
    try:
        await store.keyed().prune(int(time.time()) + GRACE_S + 1)
    finally:
        await store.close()


async def _begin_anew(settings: Settings, address: str | Path) -> int:
    await migrate(address)
    keyring = Keyring(open_keys(settings))
    store = await open_store(address, keyring=keyring, sealer=BodySealer(keyring))
    try:
        count, name = 0, ""
        while names := await store.log.rooms(name, PAGE):
            for name in names:
                await store.log.begin_anew(name)
            count += len(names)
        return count
    finally:
        await store.close()


# ---- files -------------------------------------------------------------------------------------


@contextmanager
def _new_file(to: Path) -> Iterator[Path]:
    """A draft beside `to`, which becomes `to` at the end. Never writes over anything."""
    try:
        os.close(os.open(to, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except FileExistsError:
        raise CannotUse(f"{to} is there already. Choose another name, or remove it first.") from None
    except OSError as error:
        raise CannotUse(f"{to} cannot be written: {error.strerror}.") from None
    try:
        with TemporaryDirectory(prefix=".backup-", dir=to.parent) as folder:
            draft = Path(folder) / to.name
            yield draft
            draft.chmod(0o600)
            draft.replace(to)
            _sync(to.parent)
    except BaseException:
        to.unlink(missing_ok=True)
        raise


def _copy(source: Path, how: str, draft: Path) -> None:
    """`source` as it is at one moment, into one file that needs no other beside it."""
    os.close(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    uri = f"file:{quote(str(source.resolve()))}?{how}"
    try:
        with closing(sqlite3.connect(uri, uri=True)) as old, closing(sqlite3.connect(draft)) as new:
            old.backup(new)
            new.execute("PRAGMA journal_mode=DELETE")
    except sqlite3.Error as error:
        raise CannotUse(
            f"{source} cannot be copied ({error.sqlite_errorname}). Is it a backup of chatd, and is there "
            "room on the disk?"
        ) from None


def _check(draft: Path, file: Path) -> None:
    """`CannotUse` where what was copied from `file` is damaged or none of ours."""
    try:
        with closing(sqlite3.connect(draft)) as database:
            whole = database.execute("PRAGMA quick_check(1)").fetchone() == ("ok",)
            ours = database.execute("SELECT 1 FROM sqlite_schema WHERE name = 'alembic_version'").fetchone()
    except sqlite3.Error:
        whole, ours = False, None
    if not whole:
        raise CannotUse(f"{file} is damaged. Nothing was changed; try an older backup.")
    if not ours:
        raise CannotUse(f"{file} is no backup of chatd. Nothing was changed.")


def _settle(draft: Path) -> None:
    """Everything into the one file, and on the disk."""
    with closing(sqlite3.connect(draft)) as database:
        database.execute("PRAGMA journal_mode=DELETE")
    _sync(draft)


def _sync(path: Path) -> None:
    """On the disk: a file's bytes, or a folder's names."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
