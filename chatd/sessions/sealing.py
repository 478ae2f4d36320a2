"""Keys for what is kept after sessions: whose debrief something is, and what no reader of the database sees.

    secret --HKDF("counts")-------> one key: exact counts, until their month's report is made
    secret --HKDF(the person)-----> one root per facilitator: owner, slots, mark of a month, key of the words

A facilitator's root needs both the server's secret and who they are, and the second is stored nowhere: it
comes with their ticket, and goes. So the database alone, a backup, even database and secret together, open no
debrief to somebody who does not name its writer. (Who has both can try names. That is why the words go after
six months.) AES-256-GCM, a random nonce each time (NIST SP 800-38D); a body is bound to its place, so that
none can be put in another's. No I/O.
"""

import hmac
import secrets
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

NONCE_BYTES: Final = 12
MARK_BYTES: Final = 16
PADDED: Final = 512
"""What is sealed is filled up to a multiple of so many bytes: how long the words are says something, too."""


class Sealed:
    """Seals and opens under one key."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)

    def seal(self, words: bytes, place: bytes) -> bytes:
        """`words` are JSON: it is filled up with spaces, which mean nothing there."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        filled = words.ljust(-(-len(words) // PADDED) * PADDED)
        return nonce + self._cipher.encrypt(nonce, filled, place)

    def open(self, sealed: bytes, place: bytes) -> bytes | None:
        """What `seal` was given for this place; None where it is not ours (another secret, another place)."""
        try:
            return self._cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], place)
        except (InvalidTag, ValueError):
            return None


def counts_seal(secret: bytes) -> Sealed:
    return Sealed(_derive(secret, b"chatd counts v1"))


class Owner:
    """One facilitator, for as long as a request takes. `person` is `Ticket.person`, or a key of their own."""

    def __init__(self, secret: bytes, person: str) -> None:
        root = _derive(secret, b"chatd debrief v1\0" + person.encode("utf-8", "surrogatepass"))
        self._root = root
        self.mark = self._hash(b"owner")
        """16 bytes; the same for all debriefs of this facilitator."""
        self.sealed = Sealed(hmac.digest(root, b"body", "sha256"))

    def slot(self, room: str, occurrence: str) -> bytes:
        """16 bytes that stand for this facilitator's debrief of this session."""
        return self._hash(b"slot\0" + room.encode() + b"\0" + occurrence.encode())

    def mark_of(self, month: str) -> bytes:
        """16 bytes by which this facilitator is counted once in a month, and that no other month has."""
        return self._hash(b"month\0" + month.encode())

    def __repr__(self) -> str:
        return "Owner(...)"

    def _hash(self, message: bytes) -> bytes:
        return hmac.digest(self._root, message, "sha256")[:MARK_BYTES]


def _derive(secret: bytes, info: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=info).derive(secret)
