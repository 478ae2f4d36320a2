"""The goals, and how far they are reached: as they are named, and beside what C does here. Pure.

Some goals are figures of the machine they were set on. Where the C limit itself misses such a figure on
another machine, nothing can reach it there; so each of them is shown as a ratio to the C limit, too: the one
that is reached, and the one that the goal is to the C limit of the machine it was set on.
"""

from dataclasses import dataclass
from typing import Final

from scripts.benchmark.results import Results, number

LIMIT: Final = "c-joined"


@dataclass(frozen=True)
class Goal:
    """`bound` is asked of `figure` of `ours`, over that of `theirs` if there is one; `least`: or more.

    `limit_then`: what the C limit did where the goal was set. `beside`: a ratio to it says something.
    """

    words: str
    measure: str
    figure: str
    bound: float
    ours: str = "chatd"
    theirs: str = ""
    least: bool = False
    limit_then: float | None = None
    beside: bool = True


RATIOS: Final = (
    Goal("S3, over C-joined", "S3", "cpu_us", 1.5, theirs="c-joined", limit_then=1.36),
    Goal("S3, over Socket.IO + Redis", "S3", "cpu_us", 1 / 5, theirs="socketio-redis"),
    Goal("S3, over the Starlette tutorial", "S3", "cpu_us", 1 / 8, theirs="starlette"),
    Goal("S2, over C-joined", "S2", "cpu_us", 2.3, theirs="c-joined", limit_then=1.27),
    Goal("S2, over NATS", "S2", "cpu_us", 1.0, theirs="nats"),
    Goal("S1, over C-joined", "S1", "cpu_us", 1.6, theirs="c-joined", limit_then=0.41),
    Goal("L3 p99, over Socket.IO + Redis", "L3", "p99_ms", 1.0, theirs="socketio-redis"),
    Goal("S3 with Redis, over without", "S3", "cpu_us", 1.25, ours="chatd-redis", theirs="chatd"),
    Goal(
        "S3 by two workers, over one with Redis",
        "S3",
        "cpu_us",
        2 / 1.8,
        ours="chatd-2",
        theirs="chatd-redis",
    ),
)
FIGURES: Final = (
    Goal("held deliveries a second", "ramp", "held_rate", 500_000, least=True, limit_then=800_000),
    Goal("L3 p50, ms", "L3", "p50_ms", 1.0),
    Goal("L3 p99, ms", "L3", "p99_ms", 2.5, limit_then=1.02),
    Goal("M3, µs a delivery", "M3", "cpu_us", 10.0),
    Goal("memory, KiB a connection", "idle", "kib_per_connection", 6.0, beside=False),
    Goal("connects and joins a second", "idle", "joins_per_s", 4_000, least=True, limit_then=28_000),
    Goal(
        "idle CPU, percent of a core for 10,000 connections",
        "idle",
        "idle_cpu_percent_per_10k",
        1.0,
        beside=False,
    ),
    Goal("a join in a storm of 1,000, µs", "join-storm", "join_cpu_us", 400.0),
)
GROWTHS: Final = (
    ("a further member beyond 100, over one below", "members", "cpu_us_per_post", True),
    ("a delivery, in the dearest over in the cheapest of 10 to 5,000 rooms", "rooms", "cpu_us", False),
    (
        "a post, after the dearest over after the cheapest of 1,000 to 1,000,000 messages",
        "log",
        "cpu_us_per_post",
        False,
    ),
)
FLAT: Final = 1.15


@dataclass(frozen=True)
class Reached:
    """A line of the table. `limit`, `limit_then`: what the C limit does here, and did where the goal was set.

    `ratio`, `ratio_asked`: to the C limit of the same machine, of goals that are no ratios by themselves.
    """

    words: str
    value: float
    asked: str
    met: bool
    limit: float | None = None
    limit_then: float | None = None
    ratio: float | None = None
    ratio_asked: float | None = None
    one_run: bool = True

    @property
    def ratio_met(self) -> bool | None:
        if self.ratio is None or self.ratio_asked is None:
            return None
        return (
            self.ratio >= self.ratio_asked if self.asked.startswith("≥") else self.ratio <= self.ratio_asked
        )


def reached(results: Results) -> list[Reached]:
    """Every goal that can be judged from what was measured."""
    found = [_judged(results, goal) for goal in (*RATIOS, *FIGURES)]
    return [each for each in found if each is not None] + _growth(results)


def _judged(results: Results, goal: Goal) -> Reached | None:
    mine = results.median(goal.ours, goal.measure, goal.figure)
    if mine is None:
        return None
    asked = f"{'≥' if goal.least else '≤'} {_short(goal.bound)}"
    limit = results.median(LIMIT, goal.measure, goal.figure) if goal.theirs in {"", LIMIT} else None
    if goal.theirs:
        other = results.median(goal.theirs, goal.measure, goal.figure)
        if not other:
            return None
        one_run = results.in_one_run(goal.ours, goal.theirs, goal.measure)
        value = mine / other
        return Reached(goal.words, value, asked, value <= goal.bound, limit, goal.limit_then, one_run=one_run)
    return Reached(
        goal.words,
        mine,
        asked,
        mine >= goal.bound if goal.least else mine <= goal.bound,
        limit,
        goal.limit_then,
        mine / limit if limit and goal.beside else None,
        goal.bound / goal.limit_then if goal.limit_then else None,
        limit is None or results.in_one_run(goal.ours, LIMIT, goal.measure),
    )


def _growth(results: Results) -> list[Reached]:
    found = []
    for words, name, figure, further in GROWTHS:
        points = results.points("chatd", name, figure)
        if len(points) < 3:
            continue
        if further:
            first, middle, last = points[0], points[len(points) // 2], points[-1]
            value = _slope(middle, last) / _slope(first, middle)
        else:
            value = max(y for _, y in points) / min(y for _, y in points)
        found.append(Reached(words, value, f"≤ {FLAT}", value <= FLAT))
    return found


def _short(bound: float) -> str:
    """1/8 rather than 0.12."""
    return f"1/{1 / bound:.0f}" if bound < 1 and (1 / bound).is_integer() else number(bound)


def _slope(start: tuple[float, float], end: tuple[float, float]) -> float:
    """How steep it is between two points; never 0, because something is divided by it."""
    return max((end[1] - start[1]) / (end[0] - start[0]), 1e-9)


def goals_table(results: Results) -> list[list[str]]:
    """Heads, then a line for each goal."""
    lines = [["goal", "asked", "reached", "met", "C-joined", "C-joined there", "over it", "asked over it"]]
    for each in reached(results):
        met = "yes" if each.met else "NO" if each.ratio_met is not True else "NO; over C, yes"
        if each.met and each.ratio_met is False:
            met = "yes; over C, NO"
        lines.append(
            [
                each.words + ("" if each.one_run else " (not in one run)"),
                each.asked,
                number(each.value),
                met,
                *(
                    "" if value is None else number(value)
                    for value in (each.limit, each.limit_then, each.ratio, each.ratio_asked)
                ),
            ]
        )
    return lines if len(lines) > 1 else []
