"""What people said, at rest: AES-256-GCM under a key that ends with the room's epoch.

    epoch key --HMAC("chatd bodies")--> body key          (as seats.py makes its own)
    sealed = 1 | check (4) | nonce (12) | ciphertext | tag (16)

Bound to its place as associated data: room, epoch, kind, seq. The nonce is random each time (SP 800-38D,
section 8.2.2): a place may be written again, when something is taken back, and an epoch never sees anything
near 2**32 messages. `check` says under which key it was sealed, so that a key that was lost is told from a
row that was damaged. No I/O but the key store's.
"""

import hmac
from collections.abc import Collection
from os import urandom
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from rooms.keyring import Entry, Keyring
from rooms.keystore import Epoch
from rooms.sealer import SEALED, Box, Boxes, Damaged, OtherKey

CHECK_BYTES: Final = 4
NONCE_BYTES: Final = 12
_BODY: Final = 1 + CHECK_BYTES + NONCE_BYTES
_NAME: Final = "bodies"


class EpochBox:
    """A `Box`. To be used in any thread."""

    __slots__ = ("_begins", "_decrypt", "_encrypt", "_place")

    def __init__(self, key: bytes, room: str, epoch: str) -> None:
        body_key = hmac.digest(key, b"chatd bodies", "sha256")
        check = hmac.digest(body_key, b"check", "sha256")[:CHECK_BYTES]
        cipher = AESGCM(body_key)
        self._encrypt, self._decrypt = cipher.encrypt, cipher.decrypt
        self._begins = bytes([SEALED]) + check
        # No NUL is in any of the names, so that no two places read the same.
        self._place = f"{room}\0{epoch}\0"

    def seal(self, seq: int, kind: str, body: bytes) -> bytes:
        nonce = urandom(NONCE_BYTES)
        return b"".join(
            (self._begins, nonce, self._encrypt(nonce, body, f"{self._place}{kind}\0{seq}".encode()))
        )

    def open(self, seq: int, kind: str, sealed: bytes) -> bytes:
        if sealed[: 1 + CHECK_BYTES] != self._begins:
            raise OtherKey
        place = f"{self._place}{kind}\0{seq}".encode()
        try:
            return self._decrypt(sealed[1 + CHECK_BYTES : _BODY], sealed[_BODY:], place)
        except (InvalidTag, ValueError):
            raise Damaged from None


class BodySealer:
    """A `Sealer` over the keys of `keyring`."""

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring

    async def boxes(self, epochs: Collection[Epoch]) -> Boxes:
        found: dict[Epoch, Box] = {}
        for room, epoch in epochs:
            entry = await self._keyring.open(room, epoch)
            if entry is not None:
                found[room, epoch] = _box(entry, room, epoch)
        return found

    async def make(self, room: str, epoch: str) -> Box:
        return _box(await self._keyring.make(room, epoch), room, epoch)


def _box(entry: Entry, room: str, epoch: str) -> Box:
    box: EpochBox | None = entry.made.get(_NAME)
    if box is None:
        box = entry.made[_NAME] = EpochBox(entry.key, room, epoch)
    return box
