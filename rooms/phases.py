"""The phases of a session: the one table of what may follow what, and by whose doing. Pure.

    scheduled -> lobby -> opening -> open -> winding_down -> closing_round -> closed
                          (paused)                                            cancelled

The clock moves a session forwards only; a facilitator may also go back within the hour. What is not in the
table does not happen, whoever asks. `phases_svg.py` draws it.
"""

from itertools import combinations
from typing import Final, Literal, NamedTuple, TypeAlias

from rooms.session import RUNNING, ItemPhase, Phase

By: TypeAlias = Literal["clock", "facilitator"]

HOUR: Final[tuple[ItemPhase, ...]] = ("opening", "open", "winding_down", "closing_round")
"""The phases of the hour itself, in order: those that the agenda's parts name."""

FINAL: Final[frozenset[Phase]] = frozenset({"closed", "cancelled"})
TALKING: Final[frozenset[Phase]] = RUNNING - {"paused"}
LATE: Final[frozenset[Phase]] = frozenset({"winding_down", "closing_round"})
"""The queue of hands is closed, and small groups are called back."""


class Transition(NamedTuple):
    of: Phase
    to: Phase
    by: tuple[By, ...]
    when: str
    """In the picture and the documents: when it happens by itself."""


_BOTH: Final[tuple[By, ...]] = ("clock", "facilitator")
_FACILITATOR: Final[tuple[By, ...]] = ("facilitator",)

TABLE: Final[tuple[Transition, ...]] = (
    Transition("scheduled", "lobby", _BOTH, "the lobby's time has come"),
    Transition("scheduled", "cancelled", _BOTH, "its time is over"),
    *(Transition("lobby", phase, _BOTH, "it is time, and enough are here") for phase in HOUR),
    Transition("lobby", "cancelled", _BOTH, "the hour went by with too few"),
    *(Transition(a, b, _BOTH, "the agenda goes on") for a, b in combinations(HOUR, 2)),
    *(Transition(b, a, _FACILITATOR, "") for a, b in combinations(HOUR, 2)),
    *(Transition(phase, "paused", _BOTH, "no facilitator for a minute") for phase in HOUR),
    Transition("paused", "paused", _BOTH, "no facilitator for a minute"),
    *(Transition("paused", phase, _BOTH, "the quiet ends, a facilitator is back") for phase in HOUR),
    *(Transition(phase, "closed", _BOTH, "the hard close") for phase in HOUR),
    Transition("paused", "closed", _BOTH, "the hard close"),
)

_ALLOWED: Final[frozenset[tuple[Phase, Phase, By]]] = frozenset(
    (line.of, line.to, by) for line in TABLE for by in line.by
)


def allowed(of: Phase, to: Phase, by: By) -> bool:
    """Whether a session in phase `of` may be moved to `to` by the clock, or by a facilitator."""
    return (of, to, by) in _ALLOWED


def onward(of: Phase, wanted: ItemPhase) -> Phase:
    """Where the clock goes when a part of the agenda wants `wanted`: there, but never back."""
    return wanted if allowed(of, wanted, "clock") else of
