"""Writes what was measured into docs/performance.md, between its markers, and the plots beside it."""

from datetime import UTC, datetime
from typing import Final

from scripts.benchmark.plots import bars, lines
from scripts.benchmark.results import Results, as_markdown, number, ratios, table
from scripts.benchmark.servers import SERVERS
from scripts.benchmark.tools import ROOT

PAGE: Final = ROOT / "docs" / "performance.md"
PLOTS: Final = ROOT / "docs" / "performance"


def write(results: Results) -> None:
    """Tables between `<!-- measured NAME -->` and `<!-- end -->`, and one SVG for each plot."""
    page = PAGE.read_text("utf-8")
    parts = {
        "machine": _machine(results),
        "servers": as_markdown(table(results)),
        "goals": _goals(results),
        "growth": _growth(results),
    }
    for name, text in parts.items():
        begin, end = f"<!-- measured {name} -->\n", "<!-- end -->"
        before, _, rest = page.partition(begin)
        page = f"{before}{begin}\n{text}\n\n{end}{rest.partition(end)[2]}"
    PAGE.write_text(page, "utf-8")
    PLOTS.mkdir(exist_ok=True)
    for name, svg in plots(results).items():
        (PLOTS / f"{name}.svg").write_text(svg, "utf-8")


def _machine(results: Results) -> str:
    about = results.about
    machine = about["machine"]
    day = datetime.fromtimestamp(about["at"], UTC).date().isoformat()
    return (
        f"{machine['cores']} cores ({machine['cpu']}), Linux {machine['kernel']}, "
        f"Python {machine['python']}, {day}. Medians of {about['rounds']} rounds of {about['seconds']:g} s; "
        "± is half the spread, where that is 5% or more."
    )


def _goals(results: Results) -> str:
    rows = [
        [words, number(value), f"{most:.3g}", "yes" if value <= most else "**no**"]
        for words, value, most in ratios(results)
    ]
    return as_markdown([["goal", "reached", "at most", "met"], *rows])


def _growth(results: Results) -> str:
    rows = []
    for name, figure in (("members", "cpu_us"), ("rooms", "cpu_us"), ("log", "cpu_us_per_post")):
        for measure in results.measures():
            if measure.startswith(f"{name}-"):
                value = results.median("chatd", measure, figure)
                rows.append(
                    [f"{name} {int(measure.rpartition('-')[2]):,}", "" if value is None else number(value)]
                )
    return as_markdown([["size", "µs CPU a delivery (log: a post)"], *rows])


def plots(results: Results) -> dict[str, str]:
    drawn = {}
    for measure, title in (
        ("S3", "20 rooms of 50, saturated"),
        ("S2", "100 rooms of 10, saturated"),
        ("S1", "one room of 1,000, saturated"),
    ):
        values = [
            (SERVERS[name].label, value, SERVERS[name].chatd)
            for name in results.servers()
            if (value := results.median(name, measure, "cpu_us")) is not None
        ]
        if values:
            drawn[measure.lower()] = bars(f"{measure}: {title}", "µs of server CPU for each delivery", values)
    if series := _ramps(results):
        drawn["ramp"] = lines("p99 latency, 20 rooms of 50, open loop", "deliveries a second", "ms", series)
    for name, words, figure in (
        ("members", "members of a room", "cpu_us"),
        ("rooms", "rooms", "cpu_us"),
        ("log", "messages in the log", "cpu_us_per_post"),
    ):
        points = [
            (float(measure.rpartition("-")[2]), value)
            for measure in results.measures()
            if measure.startswith(f"{name}-")
            and (value := results.median("chatd", measure, figure)) is not None
        ]
        if points:
            what = "post" if name == "log" else "delivery"
            drawn[f"growth-{name}"] = lines(f"CPU of a {what}", words, "µs", [("chatd", points, True)])
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
