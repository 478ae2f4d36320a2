"""Puts the questions of one job to one server: starts it, asks, writes down what comes, and ends it."""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from scripts.benchmark import measures, shapes
from scripts.benchmark.plan import SHAPED, Job
from scripts.benchmark.processes import Trouble, cores
from scripts.benchmark.results import Results
from scripts.benchmark.servers import SERVERS, Running, running
from scripts.benchmark.shapes import SHAPES, Pace

Tell: TypeAlias = Callable[[str, str], None]
"""Takes a measure and what to say of it."""


def ask(results: Results, job: Job, pace: Pace, connections: int, tell: Tell) -> None:
    """A failure is a result, too: `failed`, and why."""
    asking = _Asking(results, job, pace, connections, tell)
    try:
        with running(SERVERS[job.server], cores()[0]) as place:
            asking.put(place)
    except Trouble as trouble:
        for measure in asking.unanswered:
            asking.add(measure, {"failed": str(trouble)})


class _Asking:
    def __init__(self, results: Results, job: Job, pace: Pace, connections: int, tell: Tell) -> None:
        self._results = results
        self._job = job
        self._server = SERVERS[job.server]
        self._pace = pace
        self._connections = connections
        self._tell = tell
        self.unanswered = list(job.measures)

    def add(self, measure: str, figures: Mapping[str, Any]) -> None:
        self._results.add(self._job.server, measure, self._job.round, figures)
        self._tell(measure, brief(figures))

    def put(self, place: Running) -> None:
        group = self._job.group
        if group == SHAPED:
            self._shapes(place)
        elif group in measures.GROWING:
            for size in measures.GROWING[group]:
                for name, figures in measures.grown(group, self._server, place, size, self._pace).items():
                    self.add(name, figures)
        elif group == "ramp":
            self._ramp(place)
        elif group == "idle":
            self.add(group, measures.idle(self._server, place, self._connections))
        elif group == "join-storm":
            self.add(group, measures.join_storm(self._server, place))
        else:
            self.add(group, measures.recovery_storm(self._server, place))
        self.unanswered.clear()

    def _shapes(self, place: Running) -> None:
        """All on one server, until a rate is too much for it: what is under way would be in the next one."""
        overload = False
        for name in self._job.measures:
            self.unanswered.remove(name)
            if overload:
                self.add(name, {"overload": True})  # less was too much for it
                continue
            try:
                figures = shapes.shape(self._server, place, SHAPES[name], self._pace)
            except Trouble as trouble:
                self.add(name, {"failed": str(trouble)})
                continue
            self.add(name, figures)
            overload = bool(figures.get("overload"))

    def _ramp(self, place: Running) -> None:
        steps = shapes.ramp(self._server, place, lambda text: self._tell("ramp", text))
        for step in steps:
            self._results.add(self._job.server, "ramp-step", self._job.round, step)
        held = [step for step in steps if step["held"]]
        self.add("ramp", {**held[-1], "held_rate": held[-1]["rate"]} if held else {"held_rate": 0})


SHOWN = (
    ("cpu_us", "{:.2f} µs"),
    ("deliveries_per_s", "{:,.0f}/s"),
    ("p50_ms", "p50 {:.2f}"),
    ("p99_ms", "p99 {:.2f} ms"),
    ("kib_per_connection", "{:.1f} KiB"),
    ("joins_per_s", "{:,.0f} joins/s"),
    ("join_cpu_us", "{:.0f} µs a join"),
    ("idle_cpu_percent", "idle {:.2f}%"),
    ("recover_cpu_us", "{:.0f} µs a return"),
    ("held_rate", "held {:,.0f}/s"),
    ("server_cpu", "server {:.0%}"),
    ("generator_cpu", "generator {:.0%}"),
)


def brief(figures: Mapping[str, Any]) -> str:
    """One line for a terminal: the figures, and whatever is wrong."""
    if "failed" in figures:
        return f"FAILED {figures['failed']}"
    words = [form.format(figures[name]) for name, form in SHOWN if name in figures]
    if figures.get("overload"):
        words.append("OVERLOAD")
    words += [
        f"{figures[name]} {name}"
        for name in ("gaps", "doubles", "missing", "errors", "lost")
        if figures.get(name)
    ]
    return "  ".join(words)
