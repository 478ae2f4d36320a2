"""The master key: what the keys of rooms' epochs are wrapped under, and how a wrapped one looks.

    wrapped = 1 | master's mark (4) | made at (8) | nonce (12) | AES-256-GCM(epoch key) and tag (48)

From the setting `master_key` (several machines need that), else DATA/master, which is made once. Of
several, the first wraps and all unwrap: so one can be changed for another while servers run
(`chatd keys rotate`). Not derived from the secret: there is to be another one after every restore, which
voids seats and links and must not take what was said with it.
"""

import base64
import hmac
import os
import secrets
from contextlib import suppress
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from chatd.settings import Settings, SettingsError
from rooms.keystore import KEY_BYTES, Kept
from rooms.log import LogCorrupt

MASTER_NAME: Final = "master"
MARK_BYTES: Final = 4
AT_BYTES: Final = 8
NONCE_BYTES: Final = 12
WRAPPED_BYTES: Final = 1 + MARK_BYTES + AT_BYTES + NONCE_BYTES + KEY_BYTES + 16
_VERSION: Final = b"\x01"
_AT: Final = 1 + MARK_BYTES
_NONCE: Final = _AT + AT_BYTES
_KEY: Final = _NONCE + NONCE_BYTES


class UnknownMaster(Exception):
    """Wrapped under a master key that is not among ours."""


class _Master:
    def __init__(self, key: bytes) -> None:
        self.cipher = AESGCM(hmac.digest(key, b"chatd master", "sha256"))
        self.mark = hmac.digest(key, b"chatd master mark", "sha256")[:MARK_BYTES]


class Masters:
    """The first wraps, all unwrap."""

    def __init__(self, keys: list[bytes]) -> None:
        self._masters = [_Master(key) for key in keys]

    def __repr__(self) -> str:
        return "Masters(...)"

    def wrap(self, name: str, key: bytes, made_at: int) -> bytes:
        master = self._masters[0]
        nonce = secrets.token_bytes(NONCE_BYTES)
        begins = _VERSION + master.mark + made_at.to_bytes(AT_BYTES, "big")
        return begins + nonce + master.cipher.encrypt(nonce, key, begins + name.encode())

    def unwrap(self, name: str, wrapped: bytes) -> bytes:
        """`UnknownMaster`; `LogCorrupt` where it was changed, or is called otherwise."""
        master = self._of(wrapped)
        begins = wrapped[:_NONCE]
        try:
            return master.cipher.decrypt(wrapped[_NONCE:_KEY], wrapped[_KEY:], begins + name.encode())
        except (InvalidTag, ValueError):
            raise LogCorrupt(
                "A key of a room was damaged. Nothing that was said under it can be read."
            ) from None

    def newest(self, wrapped: bytes) -> bool:
        """Whether it is wrapped under the first."""
        return self._of(wrapped) is self._masters[0]

    def _of(self, wrapped: bytes) -> _Master:
        for master in self._masters:
            if wrapped[:_AT] == _VERSION + master.mark:
                return master
        raise UnknownMaster


def kept(name: str, wrapped: bytes) -> Kept:
    """When it was made can be said without a master key."""
    return Kept(name, int.from_bytes(wrapped[_AT:_NONCE], "big"))


# ---- where they come from ------------------------------------------------------------------------


def load_masters(settings: Settings) -> Masters:
    """`SettingsError` where they cannot be had."""
    return Masters(master_keys(settings))


def master_keys(settings: Settings) -> list[bytes]:
    """The one that wraps first. DATA/master is made where it is missing, once for all processes."""
    if settings.master_key is not None:
        return [base64.b64decode(each) for each in settings.master_key.split()]
    path = settings.data / MASTER_NAME
    try:
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            draft = _draft(path, [secrets.token_bytes(KEY_BYTES)])
            try:
                with suppress(FileExistsError):  # the first one's is the one
                    os.link(draft, path)
            finally:
                draft.unlink()
            sync(path.parent)
        lines = path.read_bytes()[:1024].split()
        keys = [base64.b64decode(line, validate=True) for line in lines]
        if not keys or any(len(key) != KEY_BYTES for key in keys):
            raise ValueError
    except OSError as error:
        raise SettingsError([f"master_key: {path} cannot be used: {error.strerror}."]) from None
    except ValueError:
        raise SettingsError(
            [f"master_key: {path} does not hold 32 bytes in base64. Put the file back as it was."]
        ) from None
    return keys


def write_master_file(settings: Settings, keys: list[bytes]) -> None:
    """Put `keys` into DATA/master, and overwrite what was there. Whole or not at all. `OSError`."""
    path = settings.data / MASTER_NAME
    with path.open("rb+") as before:
        draft = _draft(path, keys)
        draft.replace(path)
        sync(path.parent)
        overwrite(before.fileno())


def overwrite(handle: int) -> None:
    """Fill an open file with zeros, down to the disk."""
    os.pwrite(handle, bytes(os.fstat(handle).st_size), 0)
    os.fsync(handle)


def sync(folder: Path) -> None:
    """The folder's names, on the disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _draft(path: Path, keys: list[bytes]) -> Path:
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(b"".join(base64.b64encode(key) + b"\n" for key in keys))
        file.flush()
        os.fsync(file.fileno())
    return draft
