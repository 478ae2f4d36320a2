"""How heavy it is, and how alone one feels: asked before and after a session, and kept as sums. Pure.

    due(session, handle)           what somebody may answer just now: "before", "after", or nothing
    answered(session, ...)         the session with one person's answers in its sums
    distribution(bands, sessions)  a month's answers, as they may be shown

From 0 to 10 each, and in a series' first session of a month, where its plan asks for it, the single-item
burnout measure (five answers, 3 and above counts as burnt out). What somebody answered is in no event: it is
counted into a band and forgotten, and that somebody answered (`checked_in`) is shown to nobody.

**Nothing is shown of one session.** A distribution has two cells or more, none of them under `suppression.K`:
that takes 22 answers, and a session has 15 places. Who led it knows how many were there, so one cell shown
would tell the others. A month adds the sessions up, sealed until it is made (`report.Counts`). Nobody knows
a session's sums, neither who led it; so there is no part that one could take away from a month's.
"""

from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias

import msgspec
from msgspec.structs import replace

from rooms.phases import LATE
from rooms.session import Asked, CheckIn, Phase, Session
from rooms.suppression import K

Bands: TypeAlias = tuple[tuple[int, int], ...]
"""The first and the last answer of each."""

SCALE: Final[Bands] = ((0, 3), (4, 6), (7, 10))
"""What is kept of an answer from 0 to 10. Heavy is 7 and more, as in a debrief."""
MEASURE: Final[Bands] = ((1, 2), (3, 5))
"""The same of the burnout measure: 3 and above counts as burnt out (PRODUCT)."""
MAX_GIVEN: Final = 64
"""Who answered, in a group of 15 in which people come and go."""

_ASKED: Final[Mapping[Phase, Asked]] = {
    "lobby": "before",
    "opening": "before",
    "open": "before",
    **dict.fromkeys(LATE, "after"),
}


def due(session: Session, handle: str) -> Asked | None:
    """What `handle` may answer just now; None: nothing is asked, or they did."""
    if not session.plan.check_in or handle not in session.members or handle not in session.accepted:
        return None
    asked = _ASKED.get(session.phase)
    return None if asked is None or handle in of(session, asked).given else asked


def asks_measure(session: Session, asked: Asked | None) -> bool:
    """Whether the burnout measure belongs to it."""
    return asked == "before" and session.plan.measure


def of(session: Session, asked: Asked) -> CheckIn:
    return session.before if asked == "before" else session.after


def answered(
    session: Session, handle: str, asked: Asked, heavy: int, alone: int, burnout: int | None
) -> Session:
    """`handle` answered, for the first time: 0 to 10 each, and 1 to 5 where they answered the measure."""
    was = of(session, asked)
    now = CheckIn(
        (*was.given, handle),
        _one_more(was.heavy, SCALE, heavy),
        _one_more(was.alone, SCALE, alone),
        was.burnout if burnout is None else _one_more(was.burnout, MEASURE, burnout),
    )
    return replace(session, before=now) if asked == "before" else replace(session, after=now)


def _one_more(sums: tuple[int, ...], bands: Bands, answer: int) -> tuple[int, ...]:
    """`sums` per band, none of them where nobody has answered, with one more answer."""
    return tuple(
        count + (first <= answer <= last)
        for count, (first, last) in zip(sums or (0,) * len(bands), bands, strict=True)
    )


# ---- over many sessions --------------------------------------------------------------------------


class Distribution(msgspec.Struct, frozen=True):
    """People per band, at least `K` in each."""

    bands: Bands
    counts: tuple[int, ...]


def distribution(bands: Bands, sessions: Sequence[tuple[int, ...]]) -> Distribution | None:
    """What may be shown of `sessions`, each with its sums per band; None: nothing.

    In as many bands as may be shown: where not each of them has `K`, all but the last one are one. That the
    finer bands are not shown tells no more than that one of them is small, and not which.
    """
    sums = tuple(sum(each) for each in zip(*(each for each in sessions if each), strict=True))
    if len(sums) > 2 and min(sums) < K:
        bands, sums = ((bands[0][0], bands[-2][1]), bands[-1]), (sum(sums[:-1]), sums[-1])
    return Distribution(bands, sums) if sums and min(sums) >= K else None
