"""What is measured of which server, how often, in which order, and how long that takes. Pure."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

from scripts.benchmark.measures import GROWING
from scripts.benchmark.servers import SERVERS
from scripts.benchmark.shapes import SHAPES, Pace

STORMS: Final = ("join-storm", "recovery-storm")
MEASURES: Final = (*SHAPES, "ramp", "idle", *STORMS, *GROWING)
"""All questions, in the order they are asked in."""

SHAPED: Final = "shapes"
"""The group of all shapes: they are put to one running server, one after the other."""

ASKED_OF: Final = {
    "join-storm": ("chatd",),
    "recovery-storm": ("chatd",),
    "flight": ("chatd", "c-joined", "socketio"),
    "members": ("chatd", "c-joined"),
    "rooms": ("chatd", "c-joined"),
    "log": ("chatd",),
}
"""Who is asked what not everybody is asked."""

OFTEN: Final = ("chatd", "c-joined")
"""Whom the goals compare: they are asked everything in every round."""
ONCE: Final = ("ramp", "idle", "flight", "rooms", "log")
"""What takes long and says the same each time: others are asked it in the first round only."""
ONCE_FOR_ALL: Final = ("flight", "log")


@dataclass(frozen=True)
class Job:
    """One server, freshly started, and what it is asked. `group`: a measure, or `shapes` for all of them."""

    round: int
    group: str
    server: str
    measures: tuple[str, ...]
    about_s: float


def plan(servers: Sequence[str], wanted: Collection[str], rounds: int, pace: Pace) -> list[Job]:
    """Round by round, question by question, each put to one server after the other.

    So the machine's moods meet all alike; every second round goes through the servers backwards.
    """
    jobs = []
    groups = [SHAPED, *(name for name in MEASURES if name not in SHAPES)]
    for round_ in range(rounds):
        for group in groups:
            for server in servers if round_ % 2 == 0 else reversed(servers):
                if round_ and group in ONCE and (group in ONCE_FOR_ALL or server not in OFTEN):
                    continue
                measures = tuple(name for name in MEASURES if name in wanted and _asked(name, group, server))
                if measures:
                    jobs.append(Job(round_, group, server, measures, _about_s(server, measures, pace)))
    return jobs


def _asked(measure: str, group: str, server: str) -> bool:
    if group != (SHAPED if measure in SHAPES else measure):
        return False
    only = SERVERS[server].only
    return server in ASKED_OF.get(measure, SERVERS) and (only is None or measure in only)


def _about_s(server: str, measures: Sequence[str], pace: Pace) -> float:
    """How long that takes, from experience on two cores."""
    one = pace.warm_s + pace.seconds + pace.settle_s + 0.7
    known = {
        "ramp": 36.0 if server in OFTEN else 24.0,
        "idle": 45.0,
        "join-storm": 10.0,
        "recovery-storm": 20.0,
        "flight": 12 * one,
        "members": 5 * one + 1,
        "rooms": 4 * one + 8,
        "log": 4 * one + 60,
    }
    return 2.5 + sum(known.get(measure, one) for measure in measures)
