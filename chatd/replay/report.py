"""What a replay found, in numbers, and how it looks on a terminal. Pure."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from chatd.checker import Verdict

LONG_S: Final = 120.0
"""What takes longer is counted in minutes."""


@dataclass(frozen=True, slots=True)
class Latency:
    """From the last try of sending a post to its arrival at each other client, in milliseconds."""

    count: int
    p50_ms: float
    p99_ms: float
    p999_ms: float
    max_ms: float

    @classmethod
    def of(cls, seconds: Sequence[float]) -> "Latency":
        """Percentiles by nearest rank. All 0 where there is nothing."""
        ordered = sorted(seconds)

        def at(share: float) -> float:
            if not ordered:
                return 0.0
            return round(ordered[max(0, math.ceil(share * len(ordered)) - 1)] * 1000, 3)

        return cls(len(ordered), at(0.5), at(0.99), at(0.999), at(1.0))


def announcement(steps: int, people: int, lasts_s: float, speed: float) -> str:
    """What is about to be done, and how long it will take. `lasts_s` is how long the log's people took."""
    what = f"Replaying {steps:,} steps of {people:,} people"
    if math.isinf(speed):
        return f"{what}, as fast as possible."
    takes_s = lasts_s / speed
    faster = (
        " --speed 100 is a hundred times faster, --speed inf as fast as possible." if takes_s > LONG_S else ""
    )
    return f"{what} at {speed:g}x: it will take {duration(takes_s)}.{faster}"


def duration(seconds: float) -> str:
    """About how long, in words: 40 s, 12 min, 3 h 5 min."""
    if seconds < LONG_S:
        return f"{math.ceil(seconds)} s"
    minutes = math.ceil(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60:,} h {minutes % 60} min"


@dataclass(frozen=True, slots=True)
class ReplayReport:
    """A replay, told. `ok`: nothing lost, nothing doubled, no hole, and everything was said.

    people: connections made. lines, odd, empty: of the file. took_s: how long. behind_s: how late
    a step was begun at worst. waits: refusals that passed (rate limits). breaks: connections lost
    and made again. live_gaps, live_repeats: mended by the clients; 0 on a healthy server.
    unanswered: posts that got no answer in time. faults: what else went wrong, in words.
    """

    ok: bool
    speed: float
    codec: str
    people: int
    lines: int
    odd: int
    empty: int
    took_s: float
    behind_s: float
    waits: int
    breaks: int
    live_gaps: int
    live_repeats: int
    unanswered: int
    verdict: Verdict
    latency: Latency
    faults: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """For machines. An infinite speed is null, as JSON has no infinity."""
        told = asdict(self)
        told["speed"] = None if math.isinf(self.speed) else self.speed
        return told

    def rows(self) -> list[tuple[str, str]]:
        """For people: what, and how much."""
        verdict, latency, took_s = self.verdict, self.latency, max(self.took_s, 1e-9)
        speed = "as fast as possible" if math.isinf(self.speed) else f"at {self.speed:g}x"
        return [
            ("people", f"{self.people:,} connections, {self.codec}, {self.breaks} breaks mended"),
            ("took", f"{self.took_s:.1f} s, {speed}; {self.behind_s:.1f} s behind at worst"),
            ("lines", f"{self.lines:,} ({self.empty} empty and {self.odd} odd ones left out)"),
            ("sent", f"{verdict.sent:,}"),
            ("acked", f"{verdict.acked:,} ({verdict.acked / took_s:,.0f} a second, {self.waits} waits)"),
            ("delivered", f"{verdict.delivered:,} ({verdict.delivered / took_s:,.0f} a second)"),
            ("gaps", f"{verdict.gaps} ({self.live_gaps} mended on the way)"),
            ("doubles", f"{verdict.doubles} ({self.live_repeats} dropped on the way)"),
            ("lost", str(verdict.lost)),
            ("reordered", str(verdict.reordered)),
            ("invented", str(verdict.invented)),
            ("latency p50, p99", f"{latency.p50_ms:.1f} ms, {latency.p99_ms:.1f} ms"),
            ("latency p99.9, max", f"{latency.p999_ms:.1f} ms, {latency.max_ms:.1f} ms"),
        ]
