"""Replays real conversations at rising speed against one chatd, until latency breaks.

Uses `chatd.replay.run`, so the checker judges every run. Its clients are Python and share one core, so where
many listen it is they who break first: what it shows is a floor. Touches one server process and the
files it is given.
"""

import asyncio
import sys
from pathlib import Path
from typing import Final

from chatd.replay.report import ReplayReport
from chatd.replay.run import replay
from scripts.benchmark.processes import Trouble, cores
from scripts.benchmark.results import as_text
from scripts.benchmark.servers import SERVERS, running
from scripts.benchmark.tools import ROOT

SPEEDS: Final = (1_000.0, 2_000.0, 5_000.0, 10_000.0, 20_000.0, 50_000.0, 100_000.0)
"""Times the pace of the logs: most of them span hours, the longest most of a day."""
BROKEN_MS: Final = 250.0
"""A p99 above this is no conversation any more."""
RUN_S: Final = 300.0
"""How long one speed may take."""


def run(folder: str) -> int:
    """0 where every speed that was tried is without a fault, else 1. `Trouble` without conversations."""
    place = Path(folder) if folder else _usual()
    logs = sorted(path for path in place.glob("*.txt") if path.is_file())
    if not logs:
        raise Trouble(f"There are no conversations (*.txt) in {place}.")
    lines = [["speed", "conversations", "deliveries/s", "p50 ms", "p99 ms", "max ms", "behind s", "faults"]]
    faults = 0
    with running(SERVERS["chatd"], cores()[0]) as server:
        url = f"http://127.0.0.1:{server.port}"
        for speed in SPEEDS:
            try:
                reports = asyncio.run(_all(logs, url, speed))
            except TimeoutError:
                sys.stderr.write(f"  {speed:,.0f} x did not end within {RUN_S:.0f} s\n")
                break
            line, p99, wrong = _line(speed, reports)
            faults += wrong
            lines.append(line)
            sys.stderr.write(f"  {'  '.join(line)}\n")
            if p99 > BROKEN_MS:
                break
    sys.stdout.write(f"{as_text(lines)}\n")
    return 1 if faults else 0


def _usual() -> Path:
    for place in (ROOT / "shared/data/real-chat", ROOT.parent / "shared/data/real-chat"):
        if place.is_dir():
            return place
    raise Trouble("Name a folder with conversations: scripts/bench --real FOLDER")


async def _all(logs: list[Path], url: str, speed: float) -> list[ReplayReport]:
    """Every conversation at once, each in a room of its own."""
    async with asyncio.timeout(RUN_S):
        return await asyncio.gather(*(replay(path, url=url, speed=speed) for path in logs))


def _line(speed: float, reports: list[ReplayReport]) -> tuple[list[str], float, int]:
    """The row of the table, the p99 in ms, and how many replays had a fault."""
    took = max(report.took_s for report in reports)
    latencies = [report.latency for report in reports]
    p50 = sorted(each.p50_ms for each in latencies)[len(latencies) // 2]
    p99 = max(each.p99_ms for each in latencies)
    deliveries = sum(each.count for each in latencies)
    wrong = sum(1 for report in reports if not report.ok)
    figures = (
        f"{speed:,.0f}",
        f"{len(reports)}",
        f"{deliveries / took:,.0f}",
        f"{p50:.2f}",
        f"{p99:.2f}",
        f"{max(each.max_ms for each in latencies):.2f}",
        f"{max(report.behind_s for report in reports):.2f}",
        f"{wrong}",
    )
    return list(figures), p99, wrong
