"""Which revision of the tables a store has, and whether this program works with it. No driver, no I/O."""

from typing import Final

from rooms.log import LogCorrupt

REVISIONS: Final = ("0001", "0002", "0003", "0004")
"""Every revision in `migrations/`, oldest first; the last one is what this program works with."""

CURRENT: Final = REVISIONS[-1]


def check_known(found: str | None, what: str) -> None:
    """`LogCorrupt` where the store called `what` has a revision that this program does not know."""
    if found is not None and found not in REVISIONS:
        raise LogCorrupt(
            f"{what} was written by a newer chatd than this one. Run that version, or restore a backup "
            "from before it."
        )


def check_current(found: str | None, what: str) -> None:
    """`LogCorrupt` unless the store called `what` has the revision that this program works with."""
    check_known(found, what)
    if found != CURRENT:
        raise LogCorrupt(
            f"{what} does not have this chatd's tables yet. Start `chatd serve` once: it makes them."
        )
