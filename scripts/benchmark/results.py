"""Results: rounds become medians with their spread, and those become tables. Pure, but for one JSON file."""

import json
import platform
import statistics
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from scripts.benchmark.servers import SERVERS

FLAWS: Final = ("gaps", "doubles", "missing", "foreign", "errors", "lost")


@dataclass
class Results:
    """`rows`: one for each server, measure and round: {"server", "measure", "round", figures...}."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    about: dict[str, Any] = field(default_factory=dict)

    def add(self, server: str, measure: str, round_: int, figures: Mapping[str, Any]) -> None:
        self.rows.append({"server": server, "measure": measure, "round": round_, **figures})

    def save(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(".draft")
        draft.write_text(json.dumps({"about": self.about, "rows": self.rows}, indent=1) + "\n")
        draft.replace(path)

    @staticmethod
    def load(path: Path) -> "Results":
        whole = json.loads(path.read_text())
        return Results(whole["rows"], whole["about"])

    # ---- questions -----------------------------------------------------------------------------

    def of(self, server: str, measure: str) -> list[dict[str, Any]]:
        return [
            row
            for row in self.rows
            if row["server"] == server and row["measure"] == measure and "failed" not in row
        ]

    def values(self, server: str, measure: str, figure: str) -> list[float]:
        return [row[figure] for row in self.of(server, measure) if figure in row]

    def median(self, server: str, measure: str, figure: str) -> float | None:
        values = self.values(server, measure, figure)
        return statistics.median(values) if values else None

    def spread(self, server: str, measure: str, figure: str) -> float:
        """How far the rounds lie apart, as a part of their median."""
        values = self.values(server, measure, figure)
        middle = statistics.median(values) if values else 0
        return (max(values) - min(values)) / middle if middle else 0.0

    def servers(self) -> list[str]:
        present = {row["server"] for row in self.rows}
        return [name for name in SERVERS if name in present]

    def measures(self) -> list[str]:
        return list(dict.fromkeys(row["measure"] for row in self.rows))

    def flaws(self) -> list[str]:
        """Every gap, double, loss and error, in words; and every measure that could not be taken."""
        said = []
        for row in self.rows:
            where = f"{row['server']} {row['measure']} round {row['round'] + 1}"
            if "failed" in row:
                said.append(f"{where}: {row['failed']}")
                continue
            wrong = [f"{row[name]} {name}" for name in FLAWS if row.get(name)]
            # A rate that is too high for a server leaves messages undelivered: that is what a ramp looks for.
            if wrong and not row["measure"].startswith("ramp"):
                said.append(f"{where}: {', '.join(wrong)}")
        return said


def machine() -> dict[str, Any]:
    """What it ran on."""
    model = "unknown"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    count = Path("/proc/cpuinfo").read_text().count("\nprocessor") + 1
    return {"cpu": model, "cores": count, "kernel": platform.release(), "python": platform.python_version()}


# ---- the table of the shapes -------------------------------------------------------------------

COLUMNS: Final = (
    ("S3", "cpu_us", "S3 µs"),
    ("S2", "cpu_us", "S2 µs"),
    ("S1", "cpu_us", "S1 µs"),
    ("L3", "p50_ms", "L3 p50 ms"),
    ("L3", "p99_ms", "L3 p99 ms"),
    ("L3", "p999_ms", "L3 p99.9 ms"),
    ("M3", "cpu_us", "M3 µs"),
    ("idle", "kib_per_connection", "KiB a connection"),
    ("idle", "joins_per_s", "joins/s"),
    ("ramp", "held_rate", "held deliveries/s"),
)


def table(results: Results) -> list[list[str]]:
    """Heads, then one line for each server: medians, and ± half the spread where it says anything."""
    columns = [column for column in COLUMNS if column[0] in results.measures()]
    lines = [["server", *(title for _, _, title in columns)]]
    for server in results.servers():
        line = [SERVERS[server].label]
        for measure, figure, _ in columns:
            line.append(cell(results, server, measure, figure))
        lines.append(line)
    return lines


def cell(results: Results, server: str, measure: str, figure: str) -> str:
    value = results.median(server, measure, figure)
    if value is None:
        return (
            "failed"
            if any(row["server"] == server and row["measure"] == measure for row in results.rows)
            else ""
        )
    spread = results.spread(server, measure, figure)
    return number(value) + (f" ±{50 * spread:.0f}%" if spread >= 0.1 else "")


def number(value: float) -> str:
    if value >= 1000:
        return f"{round(value, -int(len(str(int(value))) - 3)):,.0f}"
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def ratios(results: Results) -> list[tuple[str, float, float]]:
    """(goal in words, what was reached, what is asked at most), for those that were measured."""
    goals = (
        ("S3, over C-joined", "S3", "cpu_us", "chatd", "c-joined", 1.5),
        ("S3, over Socket.IO + Redis", "S3", "cpu_us", "chatd", "socketio-redis", 1 / 5),
        ("S3, over the Starlette tutorial", "S3", "cpu_us", "chatd", "starlette", 1 / 8),
        ("S1, over C-joined", "S1", "cpu_us", "chatd", "c-joined", 1.6),
        ("S2, over C-joined", "S2", "cpu_us", "chatd", "c-joined", 2.3),
        ("S2, over NATS", "S2", "cpu_us", "chatd", "nats", 1.0),
        ("L3 p99, over Socket.IO + Redis", "L3", "p99_ms", "chatd", "socketio-redis", 1.0),
        ("S3, with Redis over without", "S3", "cpu_us", "chatd-redis", "chatd", 1.25),
        ("S3, two workers over one with Redis", "S3", "cpu_us", "chatd-2", "chatd-redis", 1 / 0.9),
    )
    reached = []
    for words, measure, figure, ours, theirs, most in goals:
        mine, other = results.median(ours, measure, figure), results.median(theirs, measure, figure)
        if mine is not None and other:
            reached.append((words, mine / other, most))
    absolute = (
        ("L3 p50, ms", "L3", "p50_ms", 1.0),
        ("L3 p99, ms", "L3", "p99_ms", 2.5),
        ("M3, µs a delivery", "M3", "cpu_us", 10.0),
        ("memory, KiB a connection", "idle", "kib_per_connection", 6.0),
        ("idle CPU, percent of a core for 10,000 connections", "idle", "idle_cpu_percent_per_10k", 1.0),
        ("a join in a storm of 1,000, µs CPU", "join-storm", "join_cpu_us", 400.0),
    )
    for words, measure, figure, most in absolute:
        mine = results.median("chatd", measure, figure)
        if mine is not None:
            reached.append((words, mine, most))
    return reached


def as_text(lines: Iterable[list[str]]) -> str:
    """Columns under each other, for a terminal."""
    rows = list(lines)
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if i == 0 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    )


def as_markdown(lines: Iterable[list[str]]) -> str:
    head, *rows = lines
    rule = ["---", *["---:"] * (len(head) - 1)]
    return "\n".join(f"| {' | '.join(row)} |" for row in [head, rule, *rows])
