"""The benchmark's command line: which servers, which measures, how often; in turns, bounded, reported.

python -m scripts.benchmark --quick        (scripts/bench does this from any folder)
"""

import argparse
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeAlias

from scripts.benchmark import document, measures, real, tools
from scripts.benchmark.measures import SHAPES, Pace
from scripts.benchmark.processes import Trouble, cores, raise_file_limit
from scripts.benchmark.results import Results, as_text, machine, ratios, table
from scripts.benchmark.servers import QUICK, SERVERS, Running, Server, running

QUICK_S: Final = 115.0
"""After this long `--quick` begins no further round."""
IDLE_CONNECTIONS: Final = 19_000
CHATD_ONLY: Final = ("join-storm", "recovery-storm", "members", "rooms", "log")
MEASURES: Final = (*SHAPES, "ramp", "idle", *CHATD_ONLY)


Add: TypeAlias = Callable[[str, dict[str, Any]], None]
"""Takes the figures of a measure."""
Storm: TypeAlias = Callable[[Running], dict[str, Any]]


@dataclass(frozen=True)
class Plan:
    """What was asked for. `budget_s`: no round begins that would end later."""

    wanted: Sequence[str]
    rounds: int
    pace: Pace
    connections: int
    out: Path
    budget_s: float | None


def say(text: str) -> None:
    sys.stderr.write(f"{text}\n")


def main(arguments: Sequence[str]) -> int:
    options = _parser().parse_args(arguments)
    # As Ctrl-C does, so that no server is left behind.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        return _main(options)
    except Trouble as trouble:
        say(str(trouble))
        return 2
    except KeyboardInterrupt:
        say("Stopped. What was measured so far is in the results file.")
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "scripts/bench", description=__doc__.partition("\n")[0] if __doc__ else None
    )
    parser.add_argument(
        "--quick", action="store_true", help="chatd, the C limits and Socket.IO, in two minutes"
    )
    parser.add_argument(
        "--real",
        nargs="?",
        const="",
        metavar="FOLDER",
        help="replay real conversations faster and faster, until latency breaks (shared/data/real-chat)",
    )
    parser.add_argument("--servers", help=f"comma-separated, of: {', '.join(SERVERS)}")
    parser.add_argument("--measures", help=f"comma-separated, of: {', '.join(MEASURES)}")
    parser.add_argument("--rounds", type=int, help="how often everything is done, in turns (3; --quick: 2)")
    parser.add_argument("--seconds", type=float, help="how long each shape is measured")
    parser.add_argument("--connections", type=int, default=IDLE_CONNECTIONS, help="for `idle`")
    parser.add_argument("--out", type=Path, default=tools.BUILD / "results.json", help="the results, as JSON")
    parser.add_argument("--add", action="store_true", help="keep what is in the results file and add to it")
    parser.add_argument(
        "--draw",
        action="store_true",
        help="only write docs/performance.md from the results",
    )
    return parser


def _main(options: argparse.Namespace) -> int:
    if options.draw:
        document.write(Results.load(options.out))
        say("Written: docs/performance.md and docs/performance/*.svg")
        return 0
    files = raise_file_limit()
    os.sched_setaffinity(0, {cores()[1]})
    if options.real is not None:
        return real.run(options.real)
    servers = _chosen(options.servers, SERVERS, QUICK if options.quick else tuple(SERVERS))
    default = ("S3", "S2", "S1", "L3") if options.quick else MEASURES
    wanted = _chosen(options.measures, MEASURES, default)
    rounds = options.rounds or (2 if options.quick else 3)
    pace = measures.QUICK if options.quick else measures.USUAL
    if options.seconds:
        pace = Pace(pace.warm_s, options.seconds, pace.settle_s)
    connections = min(options.connections, files - 500)
    prepared = _prepare([SERVERS[name] for name in servers])
    results = Results.load(options.out) if options.add and options.out.exists() else Results()
    results.about = {"machine": machine(), "at": int(time.time()), "rounds": rounds, "seconds": pace.seconds}
    budget_s = QUICK_S if options.quick else None
    _rounds(results, prepared, Plan(wanted, rounds, pace, connections, options.out, budget_s))
    sys.stdout.write(f"\n{as_text(table(results))}\n")
    _say_ratios(results)
    flaws = results.flaws()
    for flaw in flaws:
        say(f"FLAW  {flaw}")
    sys.stdout.write(f"\nResults: {options.out}\n")
    return 1 if flaws else 0


def _chosen(given: str | None, known: Any, default: Sequence[str]) -> list[str]:
    names = given.split(",") if given else list(default)
    for name in names:
        if name not in known:
            raise Trouble(f"There is no {name!r}. There are: {', '.join(known)}")
    return names


def _prepare(servers: Sequence[Server]) -> list[Server]:
    """Those that can be had here; why the others cannot is said."""
    tools.program("load")
    ready = []
    for server in servers:
        try:
            server.prepare()
            ready.append(server)
        except Trouble as trouble:
            say(f"Without {server.label}: {trouble}")
    return ready


def _rounds(results: Results, servers: Sequence[Server], plan: Plan) -> None:
    """Round by round, and in each one server after the other, so that the machine's moods meet all alike."""
    started = time.monotonic()
    longest = 0.0
    for round_ in range(plan.rounds):
        began = time.monotonic()
        if plan.budget_s is not None and began - started + longest > plan.budget_s:
            say(f"Round {round_ + 1} would not end in time: left out.")
            break
        for server in servers:
            _one(results, server, plan, round_)
            results.save(plan.out)
        longest = max(longest, time.monotonic() - began)


def _one(results: Results, server: Server, plan: Plan, round_: int) -> None:
    """One server, freshly started for each kind of question; a failure is a result too."""
    where = f"{round_ + 1}/{plan.rounds} {server.label}"
    pace = plan.pace
    shapes = [name for name in plan.wanted if name in SHAPES]

    def add(measure: str, figures: dict[str, Any]) -> None:
        results.add(server.name, measure, round_, figures)
        say(f"  {where:<32} {measure:<14} {_brief(figures)}")

    def all_shapes(place: Running) -> None:
        for name in shapes:
            try:
                add(name, measures.shape(server, place, SHAPES[name], pace))
            except Trouble as trouble:
                add(name, {"failed": str(trouble)})

    def ramp(place: Running) -> None:
        steps = measures.ramp(server, place, pace, lambda text: say(f"  {where:<32} {'ramp':<14} {text}"))
        for step in steps:
            results.add(server.name, "ramp-step", round_, step)
        held = [step for step in steps if step["held"]]
        add("ramp", {**held[-1], "held_rate": held[-1]["rate"]} if held else {"failed": "no rate was held"})

    jobs: list[tuple[str, Callable[[Running], None]]] = []
    if shapes:
        jobs.append(("shapes", all_shapes))
    if "ramp" in plan.wanted:
        jobs.append(("ramp", ramp))
    if "idle" in plan.wanted:
        jobs.append(("idle", lambda place: add("idle", measures.idle(server, place, plan.connections, 10))))
    # What grows, and the storms, are asked of chatd in one process: the goals are about the server itself.
    if server.name == "chatd":
        storms: Mapping[str, Storm] = {
            "join-storm": lambda place: measures.join_storm(server, place),
            "recovery-storm": lambda place: measures.recovery_storm(server, place),
        }
        jobs += [(name, partial(_storm, name, storms[name], add)) for name in storms if name in plan.wanted]
        growing = [name for name in ("members", "rooms", "log") if name in plan.wanted]
        jobs += [(name, partial(_grow, name, server, pace, add)) for name in growing]
    for measure, job in jobs:
        try:
            with running(server, cores()[0]) as place:
                job(place)
        except Trouble as trouble:
            add(measure, {"failed": str(trouble)})


def _storm(name: str, storm: Storm, add: Add, place: Running) -> None:
    add(name, storm(place))


def _grow(name: str, server: Server, pace: Pace, add: Add, place: Running) -> None:
    """Every size, one after the other, on one server, because a log grows and does not shrink."""
    sizes, measure = {
        "members": (measures.GROWING_MEMBERS, measures.growth_members),
        "rooms": (measures.GROWING_ROOMS, measures.growth_rooms),
        "log": (measures.GROWING_LOG, measures.growth_log),
    }[name]
    for size in sizes:
        add(f"{name}-{size}", measure(server, place, size, pace))


def _brief(figures: dict[str, Any]) -> str:
    if "failed" in figures:
        return f"FAILED {figures['failed']}"
    shown = (
        ("cpu_us", "{:.2f} µs"),
        ("deliveries_per_s", "{:,.0f}/s"),
        ("p50_ms", "p50 {:.2f}"),
        ("p99_ms", "p99 {:.2f} ms"),
        ("kib_per_connection", "{:.1f} KiB"),
        ("joins_per_s", "{:,.0f} joins/s"),
        ("join_cpu_us", "{:.0f} µs a join"),
        ("idle_cpu_percent", "idle {:.2f}%"),
        ("generator_cpu", "generator {:.0%}"),
        ("gaps", "{} gaps"),
        ("doubles", "{} doubles"),
        ("missing", "{} missing"),
    )
    return "  ".join(form.format(figures[name]) for name, form in shown if name in figures)


def _say_ratios(results: Results) -> None:
    reached = ratios(results)
    if reached:
        lines = [["goal", "reached", "at most", ""]]
        lines += [
            [words, f"{value:.2f}", f"{most:.2f}", "yes" if value <= most else "NO"]
            for words, value, most in reached
        ]
        sys.stdout.write(f"\n{as_text(lines)}\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
