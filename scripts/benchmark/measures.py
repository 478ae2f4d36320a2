"""What is measured: shapes under load, and the other questions, each from one server to plain figures.

A shape is rooms x members with a closed or an open loop. Every function returns a flat mapping of
figures, `ok` among them: no gap, no double, nothing missing, no error. Runs the load generator.
"""

import sqlite3
import sys
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
    """How long things take: seconds of warming up, of measuring, and of rest between phases."""

    warm_s: float = 1.0
    seconds: float = 4.0
    settle_s: float = 0.5


USUAL: Final = Pace()
QUICK: Final = Pace(0.4, 1.2, 0.2)


@dataclass(frozen=True)
class Shape:
    """`rate` is deliveries a second in an open loop; 0 is a closed one."""

    name: str
    rooms: int
    members: int
    rate: int = 0
    talkers: int = 8

    @property
    def options(self) -> list[str]:
        return [
            *("--rooms", str(self.rooms), "--members", str(self.members)),
            *("--rate", str(self.rate), "--talkers", str(self.talkers)),
        ]


SHAPES: Final = {
    shape.name: shape
    for shape in (
        Shape("S3", 20, 50),
        Shape("S2", 100, 10),
        Shape("S1", 1, 1000),
        Shape("L3", 20, 50, 10_000),
        Shape("M3", 20, 50, 50_000),
    )
}
"""S3, S2 and S1 saturated; L3 and M3 are S3 at 10,000 and 50,000 deliveries a second."""


def load(
    server: Server, place: Running, options: Sequence[str], *, within_s: float = 120
) -> dict[str, Phase]:
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


def shape(server: Server, place: Running, what: Shape, pace: Pace) -> Figures:
    """One shape under load: CPU per delivery, rate and latencies."""
    times = ["--warm", str(pace.warm_s), "--seconds", str(pace.seconds), "--settle", str(pace.settle_s)]
    phases = load(server, place, [*what.options, *times])
    measured = phases["measured"]
    cpu = cpu_between(phases, "measuring", "measured")
    seconds = phases["measured"]["at_s"] - phases["measuring"]["at_s"]
    deliveries = measured["deliveries"]
    if not deliveries or not measured["posts"]:
        raise Trouble(f"nothing was delivered in {pace.seconds:g} s")
    return {
        "cpu_us": 1e6 * cpu / deliveries,
        "cpu_us_per_post": 1e6 * cpu / measured["posts"],
        "deliveries_per_s": measured["deliveries"] / measured["seconds"],
        "posts_per_s": measured["posts"] / measured["seconds"],
        "p50_ms": measured["p50_ms"],
        "p99_ms": measured["p99_ms"],
        "p999_ms": measured["p999_ms"],
        "max_ms": measured["max_ms"],
        "server_cpu": cpu / seconds,
        "generator_cpu": measured["generator_cpu"],
        **faultless(phases),
    }


RAMP: Final = (
    10_000,
    25_000,
    50_000,
    100_000,
    150_000,
    200_000,
    300_000,
    400_000,
    500_000,
    600_000,
    700_000,
    800_000,
    1_000_000,
)
HELD_MS: Final = 25.0
"""A rate is held where p99 stays below this and nothing is left undelivered."""


def ramp(server: Server, place: Running, pace: Pace, said: Callable[[str], None]) -> list[Figures]:
    """S3 in an open loop at rising rates, until one is not held twice in a row."""
    steps: list[Figures] = []
    failures = 0
    for rate in RAMP:
        figures = shape(server, place, Shape("ramp", 20, 50, rate), pace)
        figures["rate"] = rate
        figures["held"] = bool(
            figures["ok"]
            and float(figures["p99_ms"]) < HELD_MS
            and float(figures["deliveries_per_s"]) > 0.97 * rate
        )
        steps.append(figures)
        said(f"{rate:,}/s p99 {figures['p99_ms']:.1f} ms {'held' if figures['held'] else 'not held'}")
        failures = 0 if figures["held"] else failures + 1
        if failures == 2:
            break
    return steps


# ---- connections -------------------------------------------------------------------------------


def idle(server: Server, place: Running, connections: int, seconds: float) -> Figures:
    """`connections` in rooms of 50 that say nothing: memory, the rate of joining, and idle CPU."""
    rooms = max(1, connections // 50)
    options = [
        "--rooms",
        str(rooms),
        "--members",
        "50",
        "--settle",
        "6",
        "--idle",
        str(seconds),
        "--patience",
        "120",
    ]
    phases = load(server, place, options, within_s=240 + seconds)
    seated = phases["joined"]["connections"]
    return {
        "connections": seated,
        "kib_per_connection": (phases["idle_over"]["rss_kib"] - phases["start"]["rss_kib"]) / seated,
        "joins_per_s": seated / phases["joined"]["seconds"],
        "join_cpu_us": 1e6 * cpu_between(phases, "start", "joined") / seated,
        "idle_cpu_percent": 100 * cpu_between(phases, "idle", "idle_over") / seconds,
        "idle_cpu_percent_per_10k": 100
        * cpu_between(phases, "idle", "idle_over")
        / seconds
        * 10_000
        / seated,
        **faultless(phases),
    }


def join_storm(server: Server, place: Running, joins: int = 1000) -> Figures:
    """`joins` people at once into one room with a history (chatd only)."""
    options = [
        "--rooms",
        "1",
        "--members",
        str(joins),
        "--prefill",
        "100",
        "--connecting",
        str(joins),
        "--settle",
        "4",
    ]
    phases = load(server, place, options)
    return {
        "joins": joins,
        "join_cpu_us": 1e6 * cpu_between(phases, "start", "joined") / (joins - 1),
        "joins_per_s": (joins - 1) / phases["joined"]["seconds"],
        "p99_ms": phases["joined"]["p99_ms"],
        "presence_frames": phases["done"]["presence_frames"],
        **faultless(phases),
    }


def recovery_storm(server: Server, place: Running, people: int = 5000, behind: int = 200) -> Figures:
    """`people` in rooms of 100 are cut off at once and come back `behind` events later (chatd only)."""
    options = [
        *(
            "--rooms",
            str(people // 100),
            "--members",
            "100",
            "--warm",
            "0.1",
            "--seconds",
            "4",
            "--rate",
            "400000",
        ),
        *("--recover", str(behind), "--connecting", "2000", "--patience", "120"),
    ]
    phases = load(server, place, options, within_s=240)
    recovered = phases["recovered"]
    return {
        "people": people,
        "recovered": recovered["recovered"],
        "events_each": recovered["replayed"] / max(1, recovered["recovered"]),
        "seconds": recovered["seconds"],
        "cpu_us": 1e6 * cpu_between(phases, "recovering", "recovered") / people,
        "p99_ms": recovered["p99_ms"],
        **faultless(phases),
    }


# ---- growth ------------------------------------------------------------------------------------

GROWING_MEMBERS: Final = (10, 30, 100, 300, 1000)
GROWING_ROOMS: Final = (10, 100, 1000, 5000)
GROWING_LOG: Final = (1_000, 10_000, 100_000, 1_000_000)


def growth_members(server: Server, place: Running, members: int, pace: Pace) -> Figures:
    """Rooms of `members` people, 1,000 in all, 30,000 deliveries a second."""
    what = Shape("members", max(1, 1000 // members), members, 30_000)
    return {"x": members, **shape(server, place, what, pace)}


def growth_rooms(server: Server, place: Running, rooms: int, pace: Pace) -> Figures:
    """`rooms` rooms of three people, 15,000 deliveries a second in all."""
    return {"x": rooms, **shape(server, place, Shape("rooms", rooms, 3, 15_000), pace)}


def fill_log(place: Running, posts: int) -> None:
    """Bring the log of a chatd that runs to `posts` events, through its own code, in another process."""
    command = [
        sys.executable,
        "-m",
        "scripts.benchmark.fill",
        str(place.folder / "data/chatd.db"),
        str(posts),
    ]
    filler = place.start("fill", command)
    filler.wait_for_text("filled")
    place.processes.remove(filler)
    filler.stop()


def growth_log(server: Server, place: Running, posts: int, pace: Pace) -> Figures:
    """Posts to rooms of ten when `posts` messages are in the log already: CPU and latency of a post."""
    database = place.folder / "data/chatd.db"
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
        have = connection.execute("SELECT count(*) FROM events").fetchone()[0]
    if have < posts:
        fill_log(place, posts - have)
    return {"x": posts, **shape(server, place, Shape("log", 10, 10, 10_000), pace)}
