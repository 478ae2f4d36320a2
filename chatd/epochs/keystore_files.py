"""Keys of rooms' epochs as files, for one machine and any number of processes on it.

    DATA/keys/<name>        one key, wrapped (`master_key.py`); mode 0600 in a folder of mode 0700
    DATA/keys/.<random>     one that is being written

Made by a link to a finished file, so that of several processes one makes it and all read the same. Destroyed
by zeros over it, down to the disk, before its name goes; so a process that dies in between leaves a file
that is no key any more, and the next to look takes it away. (A disk may keep an old copy of a block that it
remapped: it is wrapped, and the master key can be changed.) The folder's lock keeps a change of the master
key and a destruction apart.

Touches the folder, in a thread where it waits for the disk.
"""

import asyncio
import fcntl
import os
import secrets
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

from chatd.epochs.master_key import WRAPPED_BYTES, Masters, UnknownMaster, kept, overwrite, sync
from rooms.keystore import KEY_BYTES, NAME_CHARS, Epoch, Kept, KeysUnavailable, key_name
from rooms.log import LogCorrupt

T = TypeVar("T")

FOLDER_NAME: Final = "keys"
LOCK_NAME: Final = ".lock"


class FileKeyStore:
    """A `KeyStore`. `masters` reads the master keys; asked again when a key is wrapped under another."""

    def __init__(
        self, folder: Path, masters: Callable[[], Masters], clock: Callable[[], float] = time.time
    ) -> None:
        self._folder = folder
        self._load = masters
        self._masters = masters()
        self._clock = clock

    async def key(self, room: str, epoch: str) -> bytes:
        return await self._in_thread(partial(self._key, key_name(room, epoch)))

    async def find(self, room: str, epoch: str) -> bytes | None:
        return await self._in_thread(partial(self._find, key_name(room, epoch)))

    async def keep(self, room: str, epoch: str, key: bytes) -> bool:
        return await self.find(room, epoch) == key

    async def destroy(self, room: str, epoch: str) -> None:
        await self._in_thread(partial(self._destroy, key_name(room, epoch)))

    async def prune(self, living: Collection[Epoch], made_before: int) -> int:
        names = {key_name(*epoch) for epoch in living}
        return await self._in_thread(partial(self._prune, names, made_before))

    async def every(self) -> Sequence[Kept]:
        return await self._in_thread(self._list)

    async def rotate(self) -> int:
        self._masters = self._load()
        return await self._in_thread(self._rotate)

    async def close(self) -> None:
        """Nothing is open."""

    async def _in_thread(self, work: Callable[[], T]) -> T:
        try:
            return await asyncio.to_thread(work)
        except OSError as error:
            raise KeysUnavailable(
                f"The folder with the rooms' keys cannot be used just now: {error.strerror}."
            ) from None

    # ---- in a thread -----------------------------------------------------------------------------

    def _key(self, name: str) -> bytes:
        found = self._find(name)
        if found is not None:
            return found
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self._locked():
            found = self._find(name)
            if found is not None:
                return found
            (self._folder / name).unlink(missing_ok=True)  # one that was overwritten, and no more
            key = secrets.token_bytes(KEY_BYTES)
            draft = self._draft(self._masters.wrap(name, key, int(self._clock())))
            try:
                os.link(draft, self._folder / name)
            finally:
                draft.unlink()
            sync(self._folder)
        return key

    def _find(self, name: str) -> bytes | None:
        try:
            wrapped = (self._folder / name).read_bytes()
        except FileNotFoundError:
            return None
        if not any(wrapped):
            return None  # somebody died while destroying it
        return self._unwrap(name, wrapped)

    def _unwrap(self, name: str, wrapped: bytes) -> bytes:
        if len(wrapped) == WRAPPED_BYTES:
            with suppress(UnknownMaster):
                return self._masters.unwrap(name, wrapped)
            self._masters = self._load()
            with suppress(UnknownMaster):
                return self._masters.unwrap(name, wrapped)
        raise LogCorrupt(
            "A key of a room does not open under this master key. Was another one set, or DATA/master put "
            "back from elsewhere? Set the old one beside it (master_key), and see docs/operations.md."
        )

    def _destroy(self, name: str) -> None:
        if not self._folder.is_dir():
            return
        with self._locked():
            self._wipe(name)
            self._wipe_drafts()
            sync(self._folder)

    def _wipe_drafts(self) -> None:
        """What a crash left: nobody is writing one while we hold the lock."""
        for path in self._folder.glob(f".{'[0-9a-f]' * 16}"):
            self._wipe(path.name)

    def _wipe(self, name: str) -> None:
        path = self._folder / name
        try:
            handle = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            return
        try:
            overwrite(handle)
        finally:
            os.close(handle)
        path.unlink()

    def _prune(self, living: Collection[str], made_before: int) -> int:
        gone = [each.name for each in self._list() if each.name not in living and each.made_at < made_before]
        if self._folder.is_dir():
            with self._locked():
                for name in gone:
                    self._wipe(name)
                self._wipe_drafts()
                sync(self._folder)
        return len(gone)

    def _list(self) -> list[Kept]:
        found = []
        for path in self._files():
            with suppress(FileNotFoundError):
                found.append(kept(path.name, path.read_bytes()))
        return found

    def _files(self) -> list[Path]:
        if not self._folder.is_dir():
            return []
        return [path for path in self._folder.iterdir() if len(path.name) == NAME_CHARS]

    def _rotate(self) -> int:
        count = 0
        for path in self._files():
            with self._locked():  # one by one: nobody who destroys a key waits for all of them
                count += self._wrap_anew(path)
        return count

    def _wrap_anew(self, path: Path) -> bool:
        try:
            before = path.open("rb+")
        except FileNotFoundError:
            return False  # destroyed meanwhile
        with before:
            wrapped = before.read()
            if not any(wrapped):
                path.unlink()
                return False
            key = self._unwrap(path.name, wrapped)
            if self._masters.newest(wrapped):
                return False
            self._draft(self._masters.wrap(path.name, key, kept(path.name, wrapped).made_at)).replace(path)
            sync(self._folder)
            overwrite(before.fileno())
        return True

    def _draft(self, wrapped: bytes) -> Path:
        draft = self._folder / f".{secrets.token_hex(8)}"
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(wrapped)
            file.flush()
            os.fsync(file.fileno())
        return draft

    @contextmanager
    def _locked(self) -> Iterator[None]:
        lock = os.open(self._folder / LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)
