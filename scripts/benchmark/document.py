"""Writes what was measured into docs/performance.md, between its markers, and the plots beside it."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from scripts.benchmark.goals import goals_table
from scripts.benchmark.measures import GROWING
from scripts.benchmark.plots import bars, lines
from scripts.benchmark.results import Results, as_markdown, cell, number, table
from scripts.benchmark.servers import SERVERS
from scripts.benchmark.tools import ROOT

PAGE: Final = ROOT / "docs" / "performance.md"
PLOTS: Final = ROOT / "docs" / "performance"
FIRST_PLOTS: Final = ("s3", "s2", "s1", "ramp", "memory")
GROWTH_PLOTS: Final = ("growth-members", "growth-rooms", "growth-log")
TITLES: Final = {
    "s3": "S3: 20 rooms of 50, saturated",
    "s2": "S2: 100 rooms of 10, saturated",
    "s1": "S1: one room of 1,000, saturated",
    "ramp": "p99 latency, 20 rooms of 50, open loop",
    "memory": "Memory of an idle connection",
    "growth-members": "CPU of a post, by the members of a room",
    "growth-rooms": "CPU of a delivery, by rooms",
    "growth-log": "CPU of a post, by messages in the log",
}
DEEP: Final = ("S3", "S2", "S1")
GROWTH: Final = (
    ("members", "post", "cpu_us_per_post"),
    ("rooms", "delivery", "cpu_us"),
    ("log", "post", "cpu_us_per_post"),
)
"""Questions of growth: what its figure is the cost of."""
ACROSS: Final = {"members": "members of a room", "rooms": "rooms", "log": "messages in the log"}


def write(results: Results) -> None:
    """Tables between `<!-- measured NAME -->` and `<!-- end -->`, and one SVG for each plot."""
    page = PAGE.read_text("utf-8")
    drawings = plots(results)
    parts = {
        "machine": _machine(results),
        "servers": as_markdown(table(results)),
        "goals": _goals(results),
        "flight": _flight(results),
        "growth": "\n\n".join(filter(None, (_growth(results), _shown(drawings, GROWTH_PLOTS)))),
        "plots": _shown(drawings, FIRST_PLOTS),
    }
    for name, text in parts.items():
        begin, end = f"<!-- measured {name} -->\n", "<!-- end -->"
        before, _, rest = page.partition(begin)
        page = f"{before}{begin}\n{text}\n\n{end}{rest.partition(end)[2]}"
    PAGE.write_text(page, "utf-8")
    PLOTS.mkdir(exist_ok=True)
    for name, svg in drawings.items():
        (PLOTS / f"{name}.svg").write_text(svg, "utf-8")


def _shown(drawings: Mapping[str, str], names: Iterable[str]) -> str:
    """The pictures of those that there are, with their titles as what is read out."""
    return "\n\n".join(f"![{TITLES[name]}]({PLOTS.name}/{name}.svg)" for name in names if name in drawings)


def _machine(results: Results) -> str:
    """Where and how; each run that something here is from."""
    used = sorted({row["run"] for row in results.rows})
    lines = []
    for number_ in used:
        run = results.runs[number_]
        machine = run["machine"]
        day = datetime.fromtimestamp(run["at"], UTC).date().isoformat()
        names = [name for name in results.servers() if any(_is(row, name, number_) for row in results.rows)]
        whom = "" if len(used) == 1 else f" ({', '.join(SERVERS[name].label for name in names)})"
        lines.append(
            f"{machine['cores']} cores ({machine['cpu']}), Linux {machine['kernel']}, TCP {machine['tcp']}, "
            f"Python {machine['python']}, {day}: {run['rounds']} rounds of {run['seconds']:g} s{whom}."
        )
    lines.append("Figures are medians; ± is half the spread, where that is 5% or more.")
    return "  \n".join(lines)


def _is(row: Mapping[str, Any], server: str, run: int) -> bool:
    return bool(row["server"] == server and row["run"] == run)


def _goals(results: Results) -> str:
    lines = goals_table(results)
    return as_markdown([[cell.replace("NO", "**no**") for cell in line] for line in lines]) if lines else ""


def _flight(results: Results) -> str:
    """How the saturated figures move with what is under way."""
    names = [name for name in results.servers() if results.median(name, "flight-S3-8", "cpu_us")]
    lines = [
        ["under way in each room", *(f"{SERVERS[name].label}: {shape}" for name in names for shape in DEEP)]
    ]
    for size in GROWING["flight"]:
        cells = [cell(results, name, f"flight-{shape}-{size}", "cpu_us") for name in names for shape in DEEP]
        lines.append([str(size), *cells])
    return as_markdown(lines) if names else ""


def _growth(results: Results) -> str:
    lines = [["", "size", "C-joined", "chatd", "chatd p99 ms"]]
    for name, what, figure in GROWTH:
        for size, value in results.points("chatd", name, figure):
            limit = results.median("c-joined", f"{name}-{size:.0f}", figure)
            p99 = results.median("chatd", f"{name}-{size:.0f}", "p99_ms")
            words = ["" if each is None else number(each) for each in (limit, value, p99)]
            lines.append([f"µs CPU a {what}, by {name}", f"{size:,.0f}", *words])
    return as_markdown(lines) if len(lines) > 1 else ""


def plots(results: Results) -> dict[str, str]:
    """Every SVG that can be drawn from what was measured, by its name in `TITLES`."""
    drawn = {}
    for name, measure, figure, unit in (
        ("s3", "S3", "cpu_us", "µs of server CPU for each delivery"),
        ("s2", "S2", "cpu_us", "µs of server CPU for each delivery"),
        ("s1", "S1", "cpu_us", "µs of server CPU for each delivery"),
        ("memory", "idle", "kib_per_connection", "KiB of resident memory"),
    ):
        values = [
            (SERVERS[server].label, value, SERVERS[server].chatd)
            for server in results.servers()
            if (value := results.median(server, measure, figure))
        ]
        if values:
            drawn[name] = bars(TITLES[name], unit, values)
    if series := _ramps(results):
        drawn["ramp"] = lines(TITLES["ramp"], "deliveries a second", "ms", series)
    for name, _, figure in GROWTH:
        series = [
            (SERVERS[server].label, points, SERVERS[server].chatd)
            for server in ("c-joined", "chatd")
            if (points := results.points(server, name, figure))
        ]
        if series:
            drawn[f"growth-{name}"] = lines(
                TITLES[f"growth-{name}"], ACROSS[name], "µs", series, straight=name == "members"
            )
    return drawn


def _ramps(results: Results) -> list[tuple[str, list[tuple[float, float]], bool]]:
    series = []
    for name in results.servers():
        rates = sorted(set(results.values(name, "ramp-step", "rate")))
        points = []
        for rate in rates:
            p99 = sorted(
                row["p99_ms"] for row in results.of(name, "ramp-step") if row["rate"] == rate and row["held"]
            )
            if p99:
                points.append((float(rate), p99[len(p99) // 2]))
        if points:
            series.append((SERVERS[name].label, points, SERVERS[name].chatd))
    return series
