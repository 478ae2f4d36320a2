"""Rooms under load: so many of so many members, in a closed or an open loop. Runs the load generator."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Final, TypeAlias

from scripts.benchmark import tools
from scripts.benchmark.generator import Phase, cpu_between, run
from scripts.benchmark.processes import Trouble, cores
from scripts.benchmark.servers import Running, Server

Figures: TypeAlias = dict[str, float | int | bool | str]

_runs = count()
"""Each run has rooms of its own, so that runs on one server do not meet."""


@dataclass(frozen=True)
class Pace:
    """How long things take: seconds of warming up, of measuring, and of rest after joining."""

    warm_s: float = 0.7
    seconds: float = 3.0
    settle_s: float = 0.3


USUAL: Final = Pace()
QUICK: Final = Pace(0.3, 0.8, 0.1)


@dataclass(frozen=True)
class Shape:
    """`rate`: deliveries a second in an open loop; 0 is a closed one, `flight` messages under way a room."""

    name: str
    rooms: int
    members: int
    rate: int = 0
    flight: int = 8

    @property
    def options(self) -> list[str]:
        return [
            *("--rooms", str(self.rooms), "--members", str(self.members)),
            *("--rate", str(self.rate), "--flight", str(self.flight)),
        ]


SHAPES: Final = {
    shape.name: shape
    for shape in (
        Shape("S3", 20, 50),
        Shape("S2", 100, 10),
        Shape("S1", 1, 1000, flight=32),
        Shape("L3", 20, 50, 10_000),
        Shape("M3", 20, 50, 50_000),
    )
}
"""S3, S2 and S1 saturated; L3 and M3 are S3 at 10,000 and 50,000 deliveries a second."""

OVERLOAD: Final = 0.95
"""A server that delivers less than this part of what is asked of it is overloaded."""


def load(server: Server, place: Running, options: Sequence[str], *, within_s: float = 90) -> dict[str, Phase]:
    own = ["--run", str(next(_runs))]
    return run(
        tools.program("load"),
        server.kind,
        place.port,
        [*options, *own],
        core=cores()[1],
        pids=place.pids,
        within_s=within_s,
    )


def faultless(phases: Mapping[str, Phase]) -> Figures:
    """What must be 0, and whether it is."""
    done = phases["done"]
    figures: Figures = {
        name: done[name] for name in ("gaps", "doubles", "missing", "foreign", "errors", "lost")
    }
    return {**figures, "ok": not any(figures.values())}


def shape(server: Server, place: Running, what: Shape, pace: Pace, drain_s: float = 30) -> Figures:
    """One shape under load: CPU per delivery, rate and latencies. `drain_s`: for what is still under way."""
    times = ["--warm", str(pace.warm_s), "--seconds", str(pace.seconds), "--settle", str(pace.settle_s)]
    phases = load(server, place, [*what.options, *times, "--drain", str(drain_s)])
    measured = phases["measured"]
    cpu = cpu_between(phases, "measuring", "measured")
    seconds = measured["at_s"] - phases["measuring"]["at_s"]
    deliveries = measured["deliveries"]
    if not deliveries or not measured["posts"]:
        raise Trouble(f"nothing was delivered in {pace.seconds:g} s")
    figures: Figures = {
        "cpu_us": 1e6 * cpu / deliveries,
        "cpu_us_per_post": 1e6 * cpu / (deliveries / what.members),
        "deliveries_per_s": deliveries / measured["seconds"],
        "posts_per_s": measured["posts"] / measured["seconds"],
        "p50_ms": measured["p50_ms"],
        "p99_ms": measured["p99_ms"],
        "p999_ms": measured["p999_ms"],
        "max_ms": measured["max_ms"],
        "server_cpu": cpu / seconds,
        "generator_cpu": measured["generator_cpu"],
        **faultless(phases),
    }
    # Said and not delivered; or not even taken in, by more than chance can be.
    said, due = measured["posts"] * what.members, what.rate * measured["seconds"]
    if what.rate and (deliveries < OVERLOAD * said or said < 0.8 * due):
        figures["overload"] = True
    return figures


# ---- the highest rate ---------------------------------------------------------------------------

RATES: Final = (
    *(10_000, 25_000, 50_000, 75_000, 100_000, 150_000, 200_000, 250_000, 300_000, 400_000),
    *(500_000, 600_000, 700_000, 800_000, 1_000_000, 1_250_000, 1_500_000),
)
HELD_MS: Final = 25.0
"""A rate is held where p99 stays below this and nothing is left undelivered."""
RAMP_PACE: Final = Pace(0.5, 2.0, 0.1)


def ramp(server: Server, place: Running, said: Callable[[str], None]) -> list[Figures]:
    """S3 in an open loop at rising rates, until one is not held twice in a row."""
    steps: list[Figures] = []
    failures = 0
    for rate in RATES:
        figures = shape(server, place, Shape("ramp", 20, 50, rate), RAMP_PACE, drain_s=3)
        figures["rate"] = rate
        figures["held"] = bool(
            figures["ok"] and float(figures["p99_ms"]) < HELD_MS and "overload" not in figures
        )
        steps.append(figures)
        said(
            f"{rate:,}/s p99 {figures['p99_ms']:.1f} ms, server {figures['server_cpu']:.0%}, "
            f"generator {figures['generator_cpu']:.0%}: {'held' if figures['held'] else 'not held'}"
        )
        failures = 0 if figures["held"] else failures + 1
        if failures == 2:
            break
    return steps
