"""The issuer of staff passes: who works here has one number signed per room and period, blind.

    prepare   keys for the rooms' periods, before these begin; what is over is destroyed
    issue     counted per person, then signed; what is signed is a random number to everybody here

It learns who asked for which room and period, and can never tell which pass came of it: what it signs is
masked by a number that only the person's browser has (RFC 9474, section 4.2). Persons are counted by an HMAC
under a random key of the period; when that is destroyed nobody can say any more who had asked.

RSA of 3072 bits: a forger would have a day. The mask is perfect whatever the length, so the length protects
the room and not the person. One signature costs about 15 ms of one core, 2048 bits half of it, 4096 twice.
"""

import asyncio
import hmac
import secrets
from collections.abc import Callable, Collection
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import Final

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_private_key,
)

from chatd import logs
from chatd.epochs.keystore_files import FOLDER_NAME as KEYS_FOLDER
from chatd.epochs.keystore_files import FileKeyStore
from chatd.epochs.master_key import load_masters
from chatd.passes.blind_rsa import BlindFailed, BlindSigner
from chatd.passes.keys import EXPONENT, PassKey, published
from chatd.passes.periods import GRACE_S, Period, periods_for
from chatd.passes.store_sqlite import NAME, KeptKey, PassStore, PassStoreAway, PeriodOver
from chatd.settings import Settings
from rooms.keystore import KeyStore
from rooms.log import LogError

_log = logs.get("passes")

FOLDER: Final = "issuer"
"""In the data folder: all that an issuer keeps, apart from what a room server keeps."""
BITS: Final = 3072
NONCE_BYTES: Final = 12
MAX_ROOMS: Final = 100
MAX_SIGNING: Final = 64
"""Requests that may wait to be signed."""
AT_ONCE: Final = 2
"""Signatures that are made at one time: the rest of the process goes on."""


class Why(StrEnum):
    """Why there is no pass: the code of the answer, its sentence and its status are in `api.py`."""

    NO_KEY = "no_such_pass"
    BAD = "pass_malformed"
    TAKEN = "pass_taken"
    BUSY = "busy"
    AWAY = "log_unavailable"


class NotIssued(Exception):
    """There is no pass, and nothing was counted, but for `Why.TAKEN`."""

    def __init__(self, why: Why) -> None:
        super().__init__(why.value)
        self.why = why


class _Held(msgspec.Struct, frozen=True):
    """A key in use. `secret` is the period's: persons are counted under it, and the private key sealed."""

    key: PassKey
    signer: BlindSigner
    secret: bytes

    def __repr__(self) -> str:
        return "_Held(...)"


def has_given(settings: Settings) -> bool:
    """Whether there is anything of an issuer in the data folder."""
    return (settings.data / FOLDER / NAME).exists()


def open_issuer(settings: Settings, clock: Callable[[], float]) -> "PassIssuer":
    """The issuer that keeps its things in DATA/issuer. `SettingsError`."""
    folder = settings.data / FOLDER
    # A master key of its own, for its owner's eyes only: what opens the rooms opens nothing here.
    own = msgspec.structs.replace(settings, data=folder, master_key=None)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    keys = FileKeyStore(folder / KEYS_FOLDER, lambda: load_masters(own), clock)
    return PassIssuer(folder, keys, period_s=settings.pass_period_s, clock=clock)


class PassIssuer:
    """Makes keys, counts persons, signs. `clock` gives Unix seconds."""

    def __init__(
        self, folder: Path, keys: KeyStore, *, period_s: int, clock: Callable[[], float], bits: int = BITS
    ) -> None:
        self._store = PassStore(folder)
        self._keys = keys
        self._period_s = period_s
        self._clock = clock
        self._bits = bits
        self._held: dict[tuple[str, str], _Held] = {}
        self._opened = False
        self._preparing = asyncio.Lock()
        self._signing = asyncio.Semaphore(AT_ONCE)
        self._waiting = 0

    # ---- keys ------------------------------------------------------------------------------------

    async def prepare(self, rooms: Collection[str]) -> None:
        """Have a key for every period of `rooms` that passes are given for, and for no other that is over.
        Safe to call at any time, in several processes. `PassStoreAway`, `LogError`."""
        async with self._preparing:
            if not self._opened:
                await self._store.open()
                self._opened = True
            now = self._clock()
            known = {(kept.room, kept.period): kept for kept in await self._store.keys()}
            for name, kept in list(known.items()):
                if kept.ends_at + min(GRACE_S, kept.ends_at - kept.begins_at) <= now:
                    await self._end(*name)
                    del known[name]
            wanted = [
                (room, period)
                for room in sorted(rooms)[:MAX_ROOMS]
                for period in periods_for(now, self._period_s)
                if period.ends_at > now  # nobody waits for passes of what is over already
            ]
            if missing := [each for each in wanted if (each[0], each[1].label) not in known]:
                for room, period in missing:
                    await self._make(room, period)
                known = {(kept.room, kept.period): kept for kept in await self._store.keys()}
            for name in [name for name in self._held if name not in known]:
                del self._held[name]
            for name, kept in known.items():
                if name not in self._held and (held := await self._open(kept)) is not None:
                    self._held[name] = held

    async def _make(self, room: str, period: Period) -> None:
        secret = await self._keys.key(room, period.label)
        private = await asyncio.to_thread(generate_private_key, EXPONENT, self._bits)
        spki = private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        pkcs8 = private.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
        nonce = secrets.token_bytes(NONCE_BYTES)
        sealed = nonce + _cipher(secret).encrypt(nonce, pkcs8, _place(room, period.label))
        await self._store.add(KeptKey(room, period.label, period.begins_at, period.ends_at, spki, sealed))

    async def _open(self, kept: KeptKey) -> _Held | None:
        """None where its key is gone: then nobody can sign with it any more, and another is not made."""
        secret = await self._keys.find(kept.room, kept.period)
        if secret is None:
            return None
        nonce, sealed = kept.private[:NONCE_BYTES], kept.private[NONCE_BYTES:]
        try:
            pkcs8 = _cipher(secret).decrypt(nonce, sealed, _place(kept.room, kept.period))
        except InvalidTag:
            _log.error("pass_key_damaged")
            return None
        private = load_der_private_key(pkcs8, None)
        if not isinstance(private, RSAPrivateKey):
            _log.error("pass_key_damaged")
            return None
        key = published(private.public_key(), kept.room, kept.period, kept.begins_at, kept.ends_at)
        return _Held(key, BlindSigner(private), secret)

    async def _end(self, room: str, period: str) -> None:
        """The key first: what a crash leaves is noise, and goes with the next look."""
        self._held.pop((room, period), None)
        await self._keys.destroy(room, period)
        await self._store.forget(room, period)

    def published(self) -> list[PassKey]:
        """The public keys, oldest first."""
        return sorted((held.key for held in self._held.values()), key=lambda key: (key.begins_at, key.room))

    def gives(self, room: str, period: str) -> bool:
        """Whether there are passes of this kind."""
        return (room, period) in self._held

    # ---- passes ----------------------------------------------------------------------------------

    async def issue(self, room: str, period: str, subject: str, blinded: bytes) -> bytes:
        """The blind signature for `subject`, who works here. `NotIssued`.

        The same request again has the same answer: one may have been lost. Another of the same person has
        none until the next period.
        """
        held = self._held.get((room, period))
        if held is None:
            raise NotIssued(Why.NO_KEY)
        if not held.signer.takes(blinded):
            raise NotIssued(Why.BAD)  # before it is counted: nobody loses a pass by a slip
        if self._waiting >= MAX_SIGNING:
            raise NotIssued(Why.BUSY)
        self._waiting += 1
        try:
            person = _digest(held.secret, b"person", subject.encode("utf-8", "surrogatepass"))
            what = _digest(held.secret, b"what", blinded)
            if not await self._store.count(room, period, person, what):
                raise NotIssued(Why.TAKEN)
            async with self._signing:
                return await asyncio.to_thread(held.signer.sign, blinded)
        except BlindFailed:
            _log.error("pass_signature_wrong")  # it was not let go: it could give the key away
            raise NotIssued(Why.AWAY) from None
        except PeriodOver:
            raise NotIssued(Why.NO_KEY) from None
        except PassStoreAway:
            raise NotIssued(Why.AWAY) from None
        finally:
            self._waiting -= 1

    async def close(self) -> None:
        self._held.clear()
        with suppress(LogError):
            await self._keys.close()


def _cipher(secret: bytes) -> AESGCM:
    return AESGCM(hmac.digest(secret, b"chatd pass key", "sha256"))


def _place(room: str, period: str) -> bytes:
    return room.encode() + b"\0" + period.encode()


def _digest(secret: bytes, sort: bytes, value: bytes) -> bytes:
    return hmac.digest(secret, b"chatd pass " + sort + b"\0" + value, "sha256")[:16]
