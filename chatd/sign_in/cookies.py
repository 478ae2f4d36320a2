"""Who has signed in: a sealed cookie, and how it is taken back. The server keeps nothing about anybody.

    seal      a cookie that only this server reads, and that says who somebody is until the day's work is over
    read      what is in it; None where it was not made here, is too old, or was taken back
    end       this one is over, on every node;  `end_all`: all that there are

What stands for the person in it is an HMAC: what the provider called them is forgotten when they have signed
in. What is over stands in the log's list of what is spent, which all nodes share: the one cookie, or the
whole batch of a day (`2026-12-01.0`, and `2026-12-01.1` after everybody was signed out once). A batch is
remembered for as long as a cookie of it could live. Time is an argument. Touches that list.
"""

import base64
import hashlib
import hmac
import secrets
import time
from enum import StrEnum
from typing import Final

import msgspec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from chatd.issuers import Role
from chatd.sessions.sealing import Sealed
from rooms.log import Log

SIGN_IN: Final = "/sign-in"
CALLBACK: Final = f"{SIGN_IN}/callback"
"""Where people sign in with the provider that the operator has named, and where it sends them back to."""
WAY_S: Final = 600
"""How long signing in may take."""
COOKIE: Final = "__Host-chatd"
"""The prefix: a browser takes it from this very host alone, over TLS, for all paths (RFC 6265bis)."""
MAX_COOKIE_CHARS: Final = 4096
MAX_LIFE_S: Final = 12 * 3600
"""The setting `sign_in_s` is not longer."""
KEEP_S: Final = 300
"""How much longer than a cookie's life it is remembered that it is over: clocks differ."""
DAY_S: Final = 24 * 3600
MAX_BATCHES: Final = 1000
"""How often everybody can be signed out on one day."""
_PLACE: Final = b"sign-in"


class Outcome(StrEnum):
    """How a sign-in ended: the label of a metric, and what the page is told."""

    SIGNED_IN = "signed_in"
    STATE = "state"
    """It did not begin in this browser, or not just now, or was answered already."""
    ISSUER = "issuer"
    """The answer is of another provider."""
    DENIED = "denied"
    """The provider let nobody in."""
    CODE = "code"
    """The provider did not take the code, or not from this client."""
    TOKEN = "token"
    """What it has signed is not right."""
    AWAY = "away"
    """It does not answer."""


class SignIn(msgspec.Struct, frozen=True):
    """What a cookie says. `expires_at` in Unix seconds; `batch` is that of the day on which it was made."""

    subject: str
    role: Role
    id: str
    batch: str
    expires_at: int

    def __repr__(self) -> str:
        return "SignIn(...)"

    __str__ = __repr__


class TooManyBatches(Exception):
    """Everybody was signed out so often today that it does not go on."""


class SignIns:
    """Seals and reads sign-in cookies. Any process with the server's secret and its log does the same."""

    def __init__(self, secret: bytes, log: Log) -> None:
        def key(info: bytes) -> bytes:
            return HKDF(algorithm=SHA256(), length=32, salt=None, info=info).derive(secret)

        self._sealed = Sealed(key(b"chatd sign-in v1"))
        self._subjects = key(b"chatd sign-in subject v1")
        self._log = log
        self._over: dict[str, int] = {}

    def subject(self, issuer: str, subject: str) -> str:
        """What stands for this person of this issuer from here on. Nobody without the server's secret finds
        out whom, or makes it themselves."""
        # No issuer is an address with a NUL in it, so no other pair of names makes the same bytes.
        whole = f"{issuer}\0{subject}".encode("utf-8", "surrogatepass")
        mark = hmac.digest(self._subjects, whole, "sha256")
        return f"sign-in:{base64.urlsafe_b64encode(mark).decode().rstrip('=')}"

    async def seal(self, subject: str, role: Role, *, now: float, life_s: int) -> str:
        """A cookie's value for `subject`, as `SignIns.subject` made it. `LogError`, `TooManyBatches`."""
        day = _day(now)
        sign_in = SignIn(subject, role, secrets.token_urlsafe(16), await self._batch(day), int(now) + life_s)
        sealed = self._sealed.seal(msgspec.json.encode(sign_in), _PLACE)
        return base64.urlsafe_b64encode(sealed).decode().rstrip("=")

    async def read(self, cookie: str, now: float) -> SignIn | None:
        """What a cookie says that is good at `now`. `LogError`."""
        sign_in = self._opened(cookie)
        if sign_in is None or not now < sign_in.expires_at <= now + MAX_LIFE_S + KEEP_S:
            return None
        if await self._log.spent(_mark("one", sign_in.id)) or await self._log.spent(
            _mark("batch", sign_in.batch)
        ):
            return None
        return sign_in

    async def end(self, cookie: str) -> None:
        """This sign-in is over. Nothing to do where it is none. `LogError`."""
        sign_in = self._opened(cookie)
        if sign_in is not None:
            await self._log.spend(_mark("one", sign_in.id), sign_in.expires_at + KEEP_S)

    async def end_all(self, now: float) -> None:
        """All sign-ins that there are at `now` are over. `LogError`, `TooManyBatches`."""
        # A cookie lives for half a day, so those from before yesterday are over anyhow; and clocks differ.
        for day in dict.fromkeys((_day(now - DAY_S), _day(now), _day(now + KEEP_S))):
            batch = await self._batch(day)
            await self._log.spend(_mark("batch", batch), int(now) + DAY_S + MAX_LIFE_S + KEEP_S)

    async def _batch(self, day: str) -> str:
        """The first of the day's batches that is not over."""
        for count in range(self._over.get(day, 0), MAX_BATCHES):
            batch = f"{day}.{count}"
            if not await self._log.spent(_mark("batch", batch)):
                self._over = {day: count}  # those that are over stay so: what is known need not be asked
                return batch
        raise TooManyBatches("Everybody was signed out a thousand times today. It goes on tomorrow.")

    def _opened(self, cookie: str) -> SignIn | None:
        if len(cookie) > MAX_COOKIE_CHARS or not cookie.isascii():
            return None
        try:
            raw = base64.b64decode(cookie + "=" * (-len(cookie) % 4), altchars=b"-_", validate=True)
        except ValueError:
            return None
        words = self._sealed.open(raw, _PLACE)
        if words is None:
            return None
        try:
            return msgspec.json.decode(words, type=SignIn)
        except (msgspec.DecodeError, UnicodeError):
            return None  # another version of chatd made it, which said other things


def _day(now: float) -> str:
    return time.strftime("%Y-%m-%d", time.gmtime(now))


def _mark(kind: str, name: str) -> bytes:
    """16 bytes that stand for what is over, in the list of what is spent."""
    return hashlib.sha256(f"chatd sign-in {kind}\0{name}".encode()).digest()[:16]
