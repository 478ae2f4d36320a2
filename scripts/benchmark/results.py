"""Results: rounds become medians with their spread, and those become tables. Pure, but for one JSON file."""

import json
import platform
import statistics
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from scripts.benchmark.servers import SERVERS

SIZED: Final = ("flight", "members", "rooms", "log")
"""Questions that are asked of several sizes."""
WRONG: Final = ("doubles", "foreign")
"""What must not be even in overload."""
FLAWS: Final = ("gaps", "doubles", "missing", "foreign", "errors", "lost")


@dataclass
class Results:
    """`rows`: one for each server, measure and round: {"server", "measure", "round", "run", figures...}.

    `runs`: when, on what and how; a row's `run` is its place there, and the last one is what goes on now.
    """

    rows: list[dict[str, Any]] = field(default_factory=list)
    runs: list[dict[str, Any]] = field(default_factory=list)

    def add(self, server: str, measure: str, round_: int, figures: Mapping[str, Any]) -> None:
        where = {"server": server, "measure": measure, "round": round_, "run": len(self.runs) - 1}
        self.rows.append({**where, **figures})

    def drop(self, server: str, measures: Collection[str], round_: int | None = None) -> None:
        """Forget what is known of `measures`: of one round, or of all."""
        self.rows = [
            row
            for row in self.rows
            if row["server"] != server
            or question(row["measure"]) not in measures
            or round_ not in {None, row["round"]}
        ]

    def have(self, server: str, measures: Collection[str], round_: int) -> bool:
        """Whether all of `measures` were taken in that round, whatever came of it."""
        found = {
            question(row["measure"])
            for row in self.rows
            if row["server"] == server and row["round"] == round_
        }
        return found.issuperset(measures)

    def save(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(".draft")
        draft.write_text(json.dumps({"runs": self.runs, "rows": self.rows}, indent=1) + "\n")
        draft.replace(path)

    @staticmethod
    def load(path: Path) -> "Results":
        whole = json.loads(path.read_text())
        return Results(whole["rows"], whole["runs"])

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

    def points(self, server: str, question_: str, figure: str) -> list[tuple[float, float]]:
        """(size, median) of a question of growth, from small to large."""
        sizes = {float(row["x"]) for row in self.rows if "x" in row and question(row["measure"]) == question_}
        found = [(size, self.median(server, f"{question_}-{size:.0f}", figure)) for size in sorted(sizes)]
        return [(size, value) for size, value in found if value is not None]

    def in_one_run(self, server: str, other: str, measure: str) -> bool:
        """Whether two servers were asked in turns."""
        return {row["run"] for row in self.of(server, measure)} == {
            row["run"] for row in self.of(other, measure)
        }

    def flaws(self) -> list[str]:
        """Every gap, double, loss and error, in words; and every measure that could not be taken."""
        said = []
        for row in self.rows:
            where = f"{row['server']} {row['measure']} round {row['round'] + 1}"
            if "failed" in row:
                said.append(f"{where}: {row['failed']}")
                continue
            # Asked for more than it can do, a server may be late, refuse, or cut off who reads too slowly.
            overload = row.get("overload") or row.get("held") is False
            wrong = [f"{row[name]} {name}" for name in (WRONG if overload else FLAWS) if row.get(name)]
            if wrong:
                said.append(f"{where}: {', '.join(wrong)}")
        return said


def question(measure: str) -> str:
    """What was asked: the size at the end of a measure's name says only how large it was asked."""
    if measure == "ramp-step":
        return "ramp"
    name = measure.partition("-")[0]
    return name if name in SIZED else measure


def machine() -> dict[str, Any]:
    """What it ran on."""
    model = "unknown"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    count = Path("/proc/cpuinfo").read_text().count("\nprocessor") + 1
    congestion = Path("/proc/sys/net/ipv4/tcp_congestion_control").read_text().strip()
    return {
        "cpu": model,
        "cores": count,
        "kernel": platform.release(),
        "python": platform.python_version(),
        "tcp": congestion,
    }


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
    asked = [row for row in results.rows if row["server"] == server and row["measure"] == measure]
    if 2 * sum(1 for row in asked if row.get("overload")) > len(asked):
        return "overload"
    if value is None:
        return "failed" if asked else ""
    spread = results.spread(server, measure, figure)
    return number(value) + (f" ±{50 * spread:.0f}%" if spread >= 0.1 else "")


def number(value: float) -> str:
    if value >= 1000:
        return f"{round(value, -int(len(str(int(value))) - 3)):,.0f}"
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


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
