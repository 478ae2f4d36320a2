"""The benchmark's command line: which servers, which measures, how often; in turns, bounded, reported.

python -m scripts.benchmark --quick        (scripts/bench does this from any folder)
"""

import argparse
import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from scripts.benchmark import document, real, shapes, tools
from scripts.benchmark.asking import ask
from scripts.benchmark.goals import goals_table
from scripts.benchmark.plan import MEASURES, Job, plan
from scripts.benchmark.processes import Trouble, cores, raise_file_limit
from scripts.benchmark.results import Results, as_text, machine, table
from scripts.benchmark.servers import QUICK, SERVERS, Server
from scripts.benchmark.shapes import Pace

QUICK_S: Final = 110.0
"""After this long `--quick` begins nothing more."""
PATIENCE: Final = 1.5
"""Times what it said in the beginning: after this long a run begins nothing more."""
IDLE_CONNECTIONS: Final = 19_000


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
        say("Stopped. What was measured so far is kept; --resume goes on from there.")
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "scripts/bench", description=__doc__.partition("\n")[0] if __doc__ else None
    )
    parser.add_argument(
        "--quick", action="store_true", help="chatd, the C limit and Socket.IO, in under two minutes"
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
    parser.add_argument(
        "--add",
        action="store_true",
        help="keep the results there are; what is asked for now replaces its own",
    )
    parser.add_argument(
        "--resume", action="store_true", help="go on where a run with the same options stopped"
    )
    parser.add_argument(
        "--within", type=float, metavar="MINUTES", help="begin nothing after so long; --resume does the rest"
    )
    parser.add_argument("--draw", action="store_true", help="only write docs/performance.md from the results")
    return parser


def _main(options: argparse.Namespace) -> int:
    if options.draw and not options.out.exists():
        raise Trouble(f"There is nothing to draw in {options.out} yet: run scripts/bench first.")
    if options.draw:
        document.write(Results.load(options.out))
        say("Written: docs/performance.md and docs/performance/*.svg")
        return 0
    files = raise_file_limit()
    os.sched_setaffinity(0, {cores()[1]})
    if options.real is not None:
        return real.run(options.real)
    servers = _chosen(options.servers, SERVERS, QUICK if options.quick else tuple(SERVERS))
    wanted = _chosen(options.measures, MEASURES, ("S3", "S2", "S1", "L3") if options.quick else MEASURES)
    rounds = options.rounds or (2 if options.quick else 3)
    pace = shapes.QUICK if options.quick else shapes.USUAL
    if options.seconds:
        pace = Pace(pace.warm_s, options.seconds, pace.settle_s)
    jobs = plan(_prepare([SERVERS[name] for name in servers]), wanted, rounds, pace)
    results = _begin(options, jobs, {"rounds": rounds, "seconds": pace.seconds})
    connections = min(options.connections, files - 500)
    within_s = 60 * options.within if options.within else QUICK_S if options.quick else None
    _run(results, jobs, pace, connections, options.out, within_s)
    sys.stdout.write(f"\n{as_text(table(results))}\n")
    if goals := goals_table(results):
        sys.stdout.write(f"\n{as_text(goals)}\n")
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
    return [name for name in known if name in names]


def _prepare(servers: Sequence[Server]) -> list[str]:
    """Those that can be had here; why the others cannot is said."""
    tools.program("load")
    ready = []
    for server in servers:
        try:
            server.prepare()
            ready.append(server.name)
        except Trouble as trouble:
            say(f"Without {server.label}: {trouble}")
    return ready


def _begin(options: argparse.Namespace, jobs: list[Job], how: dict[str, Any]) -> Results:
    """The results to go on with; takes out of `jobs` what is in them, and out of them what is asked anew."""
    results = Results.load(options.out) if options.out.exists() else Results()
    if options.resume and results.runs:
        jobs[:] = [job for job in jobs if not results.have(job.server, job.measures, job.round)]
        for job in jobs:
            results.drop(job.server, job.measures, job.round)
        return results
    if not options.add:
        results = Results()
    for job in jobs:
        results.drop(job.server, job.measures)
    results.runs.append({"at": int(time.time()), "machine": machine(), **how})
    return results


def _run(
    results: Results, jobs: Sequence[Job], pace: Pace, connections: int, out: Path, budget_s: float | None
) -> None:
    """Job by job, saved after each. Begins no more once it takes much longer than it said."""
    whole = sum(job.about_s for job in jobs)
    budget_s = budget_s or PATIENCE * whole + 60
    until = time.strftime("%H:%M", time.localtime(time.time() + whole))
    say(f"{len(jobs)} jobs, about {_minutes(whole)}, until {until}; none begins after {_minutes(budget_s)}.")
    started = time.monotonic()
    done = 0.0
    for number, job in enumerate(jobs):
        passed = time.monotonic() - started
        if passed > budget_s:
            say(f"Time is up: {len(jobs) - number} jobs are left; --resume does them.")
            break
        left = (whole - done) * (passed / done if done > 60 else 1.0)
        where = f"{done / whole:4.0%} {_minutes(left):>6} left  {job.round + 1} {SERVERS[job.server].label}"

        def tell(measure: str, text: str, where: str = where) -> None:
            say(f"{where:<46} {measure:<15} {text}")

        try:
            ask(results, job, pace, connections, tell)
        finally:
            results.save(out)
        done += job.about_s


def _minutes(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
