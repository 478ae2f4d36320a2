"""For which time a pass is good: periods of one length, one after the other, the same for everybody. Pure.

    |--- 20261121T030000Z ---|--- 20261122T030000Z ---|--- 20261123T030000Z ---|
                                        now                its keys are published already

A period is called by its beginning in UTC. Passes of a session are those of the period in which it was
planned to begin, so one that goes on over a turn goes on with the same passes.
"""

from typing import Final

import msgspec

from rooms.series import occurrence_id

QUIET_S: Final = 3 * 3600
"""After midnight in UTC: when a period of a day ends. Few people talk then, in Europe at least."""
GRACE_S: Final = 4 * 3600
"""How long after its end passes of a period are still given, and their keys kept: a session may have begun
in it and go on."""


class Period(msgspec.Struct, frozen=True):
    """`begins_at` and `ends_at` (not in it any more) are Unix seconds."""

    label: str
    begins_at: int
    ends_at: int

    def has(self, at: float) -> bool:
        return self.begins_at <= at < self.ends_at


def period_at(at: float, length_s: int) -> Period:
    """The one that `at` (Unix seconds) is in."""
    begins_at = (int(at) - QUIET_S) // length_s * length_s + QUIET_S
    return Period(occurrence_id(begins_at), begins_at, begins_at + length_s)


def periods_for(now: float, length_s: int) -> tuple[Period, ...]:
    """Those whose passes can be had at `now`, oldest first: the present one and the next, which is published
    a whole period before anybody is let in with it; and, for as long as that is kept, the one before."""
    present = period_at(now, length_s)
    following = period_at(present.ends_at, length_s)
    before = period_at(present.begins_at - 1, length_s)
    return (*((before,) if now < before.ends_at + min(GRACE_S, length_s) else ()), present, following)
