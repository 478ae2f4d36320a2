"""Handles: the word pairs people are known by in a room, such as `quiet-heron`.

The one reason to exist: nobody types a handle, and nobody can be told from one. The words are
adjectives, materials and weathers, then animals, plants and landscapes; none says anything of
gender, nation, rank, health or belief. Which handle somebody gets follows from their pseudonym
alone, so it is the same on return and on every node; who has it first is for the room's log to
say (`rooms.log.Claim`), which is given several candidates, best first.

Pure. Reads its two word lists (`words/*.txt`, one word a line, sorted) once, at import.
"""

from hashlib import blake2b
from importlib.resources import files
from typing import Final

SEPARATOR: Final = "-"

MAX_CANDIDATES: Final = 1_000
"""The most that one call of `candidates` gives."""


def _words(name: str) -> tuple[str, ...]:
    return tuple((files(__package__) / "words" / name).read_text(encoding="ascii").split())


FIRST: Final = _words("first.txt")
SECOND: Final = _words("second.txt")
COMBINATIONS: Final = len(FIRST) * len(SECOND)


def candidates(pseudonym: bytes, n: int, nth_draw: int = 0) -> tuple[str, ...]:
    """`n` different handles for `pseudonym`, best first; the same for the same arguments, always.

    `pseudonym` is any bytes (an HMAC under the epoch's key; without that key the handle leads
    nowhere). `nth_draw` counts how often the person has asked for another one: each draw is a
    list of its own. A longer list begins with the shorter one. `ValueError` where `n` is not
    within 0..MAX_CANDIDATES or `nth_draw` is negative.

    Each candidate is 64 bits of keyed BLAKE2b over (draw, turn), reduced to one of the
    combinations: all are equally likely but for one part in 10**13.
    """
    if not 0 <= n <= MAX_CANDIDATES:
        raise ValueError(f"n is within 0..{MAX_CANDIDATES}")
    if nth_draw < 0:
        raise ValueError("nth_draw counts from 0")
    key = blake2b(pseudonym, digest_size=64, person=b"chatd.handles").digest()
    drawn: dict[str, None] = {}
    turn = 0
    while len(drawn) < n:
        place = blake2b(f"{nth_draw}.{turn}".encode(), digest_size=8, key=key).digest()
        first, second = divmod(int.from_bytes(place, "big") % COMBINATIONS, len(SECOND))
        drawn[FIRST[first] + SEPARATOR + SECOND[second]] = None
        turn += 1
    return tuple(drawn)
