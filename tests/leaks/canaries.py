"""Words that nobody else says, in every form that a leak may have, and the search for them.

    canaries = Canaries()
    canaries.word("said over sse")               "qzkanari-3 said over sse": sentences, subjects, browsers ...
    canaries.add("a seat", token)                something the server made
    canaries.found(b"...", "the log")            [Leak(what, form, where, around)]

All words of one kind begin alike, so that one look finds them all; which one it was is read beside the find.
"""

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

SAID: Final = "qzkanari"
WHO: Final = "qzmensch"
PLAIN: Final = "it is"
AROUND: Final = 80
"""Bytes that are shown on either side of a find."""
MIN_BYTES: Final = 8
"""What is shorter is found everywhere by chance."""


@dataclass(frozen=True)
class Leak:
    what: str
    form: str
    where: str
    around: bytes
    at: int = 0

    def __str__(self) -> str:
        return f"{self.where}: {self.what}, as {self.form}: {self.around!r}"


def forms(secret: bytes) -> Iterator[tuple[str, bytes]]:
    """`secret` as it may lie somewhere. In MessagePack, JSON, SQLite and RESP text lies as it is."""
    yield PLAIN, secret
    yield "hex", secret.hex().encode()
    yield "HEX", secret.hex().upper().encode()
    for skipped in range(3):
        # Three ways to fall on the groups of base64; the characters that its neighbours touch are left out.
        coded = base64.b64encode(b"\0" * skipped + secret)
        first = -(-skipped * 8 // 6)
        last = (skipped + len(secret)) * 8 // 6
        whole = coded[first:last]
        yield f"base64 +{skipped}", whole
        if (safe := whole.translate(bytes.maketrans(b"+/", b"-_"))) != whole:
            yield f"base64url +{skipped}", safe
    text = secret.decode("utf-8", "ignore")
    if text.encode() == secret:
        yield "UTF-16", text.encode("utf-16-le")
        yield "UTF-16 (big)", text.encode("utf-16-be")
        yield "UTF-32", text.encode("utf-32-le")


class Canaries:
    """What is looked for. `words`: those that were made, by their text."""

    def __init__(self, mark: str = SAID) -> None:
        self._mark = mark
        self._needles: dict[bytes, tuple[str, str]] = {}
        self.words: list[str] = []
        self.add("somebody" if mark == WHO else "what somebody said", mark)

    def word(self, about: str) -> str:
        """A text that is said, shown or sent nowhere else."""
        made = f"{self._mark}-{len(self.words)} {about}"
        self.words.append(made)
        return made

    def name(self, about: str) -> str:
        """The same without spaces: for who somebody is."""
        return self.word(about).replace(" ", "-")

    def add(self, what: str, secret: str | bytes) -> None:
        raw = secret.encode() if isinstance(secret, str) else secret
        assert len(raw) >= MIN_BYTES, f"{what} is too short to be looked for"
        for form, needle in forms(raw):
            self._needles.setdefault(needle, (what, form))

    def found(self, content: bytes, where: str, *, most: int = 8, plain: bool = False) -> list[Leak]:
        """The first of the finds in `content`; `plain`: as it is, and in no other form."""
        leaks: list[Leak] = []
        for needle, (what, form) in self._needles.items():
            at = content.find(needle) if form == PLAIN or not plain else -1
            while at >= 0 and len(leaks) < most:
                around = content[max(0, at - AROUND) : at + len(needle) + AROUND]
                leaks.append(Leak(what, form, where, around, at))
                at = content.find(needle, at + len(needle))
        return leaks
