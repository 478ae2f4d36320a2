"""What a server counts, for Prometheus: numbers about the machine, never about a person.

No label is ever a room, a handle or an address: labels come from the fixed lists below.

Every number is one cell of 8 bytes in a block that all workers of a server share (`shared_cells`
makes it, each worker writes its own slice and reads all at a scrape). So an increment is one
store into memory, a scrape through the shared port is right whoever answers it, and a counter
does not fall back when a worker dies and is started again. Touches nothing but that memory and,
at a scrape, /proc for the memory and processor time of the workers.
"""

import mmap
import os
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, Self, TypeAlias

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from chatd.sign_in.cookies import Outcome
from chatd.tickets import Why
from chatd.wire import CloseCode, ErrorCode

CONTENT_TYPE: Final = CONTENT_TYPE_PLAIN_0_0_4
CELL_BYTES: Final = 8
Cells: TypeAlias = "memoryview[float]"

RECOVERIES: Final = ("recovered", "clean_start", "seat_refused")
"""What became of a join that showed a seat: continued without a hole, a clean start, or refused."""

TRANSPORTS: Final = ("websocket", "sse", "polling")
"""The ways in which a member is connected."""

COMMIT_SECONDS: Final = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
BATCH_EVENTS: Final = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000)
BUS_LAG_SECONDS: Final = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)

OTHER: Final = "other"
"""The label of what is in no list; `Family` counts it here instead of growing."""


class Cell:
    """One number of this worker. `add` for counters; `set` and negative `add` for gauges."""

    __slots__ = ("_at", "_cells")

    def __init__(self, cells: Cells, at: int) -> None:
        self._cells = cells
        self._at = at

    def add(self, n: float = 1) -> None:
        self._cells[self._at] += n

    def __iadd__(self, n: float) -> Self:
        """So that `metrics.posts += 1` reads as one would write it."""
        self._cells[self._at] += n
        return self

    def set(self, n: float) -> None:
        self._cells[self._at] = n

    @property
    def value(self) -> float:
        return float(self._cells[self._at])


class Histogram:
    """How often a value fell under each bound (`le`), and the sum of the values."""

    __slots__ = ("_at", "_bounds", "_cells")

    def __init__(self, cells: Cells, at: int, bounds: Sequence[float]) -> None:
        self._cells = cells
        self._at = at
        self._bounds = bounds

    def observe(self, value: float) -> None:
        cells = self._cells
        cells[self._at] += value
        cells[self._at + 1 + bisect_left(self._bounds, value)] += 1

    @property
    def count(self) -> float:
        first = self._at + 1
        return float(sum(self._cells[first : first + len(self._bounds) + 1]))


class Family:
    """One counter per label value of a fixed list: `family[value].add()`. Unknown values are "other"."""

    __slots__ = ("_by_value", "_other")

    def __init__(self, cells: Cells, at: int, values: Sequence[str]) -> None:
        self._by_value = {value: Cell(cells, at + index) for index, value in enumerate(values)}
        self._other = Cell(cells, at + len(values))

    def __getitem__(self, value: str) -> Cell:
        return self._by_value.get(value, self._other)


class _Plan:
    """Where each metric's cells begin. Depends on the code alone, so all workers agree."""

    def __init__(self) -> None:
        self.cells = 1  # cell 0: the worker's process id, 0 where it has not started
        self.entries: list[tuple[str, str, str, int, Sequence[float], str, Sequence[str]]] = []

    def one(self, kind: str, name: str, about: str) -> int:
        return self._place(kind, name, about, 1)

    def histogram(self, name: str, about: str, bounds: Sequence[float]) -> int:
        return self._place("histogram", name, about, len(bounds) + 2, bounds=bounds)

    def family(
        self, name: str, about: str, label: str, values: Sequence[str], *, kind: str = "counters"
    ) -> int:
        return self._place(kind, name, about, len(values) + 1, label=label, values=values)

    def _place(
        self,
        kind: str,
        name: str,
        about: str,
        size: int,
        *,
        bounds: Sequence[float] = (),
        label: str = "",
        values: Sequence[str] = (),
    ) -> int:
        at = self.cells
        self.entries.append((kind, name, about, at, bounds, label, values))
        self.cells += size
        return at


_plan: Final = _Plan()
_CONNECTIONS = _plan.one("gauge", "chatd_connections", "Open connections.")
_CONNECTED_BY = _plan.family(
    "chatd_connections_by_transport",
    "Open connections, by the way they are carried.",
    "transport",
    TRANSPORTS,
    kind="gauges",
)
_ROOMS = _plan.one("gauge", "chatd_rooms_live", "Rooms with somebody connected to this worker.")
_MEMBERS = _plan.one("gauge", "chatd_members", "Seats taken by connections of this worker.")
_BUS_HEALTHY = _plan.one("gauge", "chatd_bus_healthy", "1 while the bus between processes works.")
_LOG_HEALTHY = _plan.one("gauge", "chatd_log_healthy", "1 while the log takes what is posted.")
_QUEUE = _plan.one("gauge", "chatd_commit_queue_events", "Events that no commit has taken up yet.")
_POSTS = _plan.one(
    "counter", "chatd_posts", "Events kept in the log: posts, and reactions, withdrawals, changes of pace."
)
_DUPLICATES = _plan.one("counter", "chatd_posts_repeated", "What was sent again and was in the log already.")
_DELIVERIES = _plan.one("counter", "chatd_deliveries", "Events handed to a member's connection.")
_PRESENCE = _plan.one(
    "counter", "chatd_presence_frames", "Presence changes told to a room, however many were in it."
)
_TYPING = _plan.one("counter", "chatd_typing_frames", "Typing hints told to a room, however many were in it.")
_GAPS = _plan.one("counter", "chatd_gaps_repaired", "Events that the bus did not bring and the log did.")
_SLOW = _plan.one("counter", "chatd_slow_readers_cut", "Connections cut because they did not read.")
_BUS_DROPPED = _plan.one(
    "counter", "chatd_bus_dropped", "Messages that the bus did not send; the log repairs."
)
_COMMIT_FAILURES = _plan.one("counter", "chatd_commit_failures", "Commits that failed.")
_SESSIONS = _plan.one(
    "gauge", "chatd_sessions_running", "Facilitated sessions from lobby to close. All workers say the same."
)
_SESSIONS_LATE = _plan.one(
    "counter", "chatd_sessions_late", "Phases that began late, because no server was there in time."
)
_ERASURES_OVERDUE = _plan.one(
    "gauge", "chatd_erasures_overdue", "What should be erased by now: sessions, and periods of rooms."
)
_ERASURE_LATE_S = _plan.one(
    "gauge",
    "chatd_erasure_late_seconds",
    "For how long the oldest erasure has been due; 0 where none is. Every worker says so.",
)
_KEYS = _plan.one("gauge", "chatd_keys", "Keys of rooms' epochs that there are. Every worker says so.")
_KEYS_OVERDUE = _plan.one(
    "gauge", "chatd_keys_overdue", "Keys that should have been destroyed long ago. Every worker says so."
)
_KEYS_LOST = _plan.one("counter", "chatd_keys_lost", "Keys found gone while something was kept under them.")
_RECOVERIES = _plan.family("chatd_recoveries", "Joins that showed a seat, by outcome.", "outcome", RECOVERIES)
_REFUSALS = _plan.family(
    "chatd_refusals",
    "Commands answered with an error, by code.",
    "code",
    tuple(code.value for code in ErrorCode),
)
_TICKETS_REFUSED = _plan.family(
    "chatd_tickets_refused", "Tickets that were refused, by reason.", "why", tuple(Why)
)
_SIGN_INS = _plan.family(
    "chatd_sign_ins", "Sign-ins that ended here, by how they did.", "outcome", tuple(Outcome)
)
_CLOSES = _plan.family(
    "chatd_closes",
    "Connections the server closed, by close code.",
    "code",
    tuple(str(int(code)) for code in CloseCode),
)
_COMMIT_S = _plan.histogram("chatd_commit_seconds", "How long a commit took.", COMMIT_SECONDS)
_BATCH = _plan.histogram("chatd_commit_batch_events", "How many events shared a commit.", BATCH_EVENTS)
_BUS_LAG_S = _plan.histogram(
    "chatd_bus_lag_seconds", "From publishing to hearing on the bus.", BUS_LAG_SECONDS
)

CELLS: Final = _plan.cells
"""Cells of one worker."""


def shared_cells(workers: int) -> int:
    """A file descriptor of a memory block for `workers` workers, to be inherited by all of them."""
    handle = os.memfd_create("chatd-metrics")
    os.ftruncate(handle, workers * CELLS * CELL_BYTES)
    return handle


class Metrics:
    """This worker's numbers to write, and everybody's to show.

    `worker` counts from 0; `handle` is what `shared_cells` gave, or None for a single process.
    Gauges begin at zero, counters where the last process with this number left them.
    """

    def __init__(self, worker: int = 0, workers: int = 1, handle: int | None = None) -> None:
        size = workers * CELLS * CELL_BYTES
        block = memoryview(mmap.mmap(-1 if handle is None else handle, size)).cast("d")
        self._slices = [block[CELLS * index : CELLS * (index + 1)] for index in range(workers)]
        cells = self._slices[worker]
        cells[0] = os.getpid()

        self.connections = Cell(cells, _CONNECTIONS)
        self.connected_by = Family(cells, _CONNECTED_BY, TRANSPORTS)
        for transport in (*TRANSPORTS, OTHER):
            self.connected_by[transport].set(0)
        self.rooms = Cell(cells, _ROOMS)
        self.members = Cell(cells, _MEMBERS)
        self.bus_healthy = Cell(cells, _BUS_HEALTHY)
        self.log_healthy = Cell(cells, _LOG_HEALTHY)
        self.queue = Cell(cells, _QUEUE)
        for gauge in (
            self.connections,
            self.rooms,
            self.members,
            self.bus_healthy,
            self.log_healthy,
            self.queue,
        ):
            gauge.set(0)

        self.posts = Cell(cells, _POSTS)
        self.duplicates = Cell(cells, _DUPLICATES)
        self.deliveries = Cell(cells, _DELIVERIES)
        self.presence_frames = Cell(cells, _PRESENCE)
        self.typing_frames = Cell(cells, _TYPING)
        self.gaps_mended = Cell(cells, _GAPS)
        self.slow_readers_cut = Cell(cells, _SLOW)
        self.bus_dropped = Cell(cells, _BUS_DROPPED)
        self.commit_failures = Cell(cells, _COMMIT_FAILURES)
        self.sessions_running = Cell(cells, _SESSIONS)
        self.sessions_late = Cell(cells, _SESSIONS_LATE)
        self.erasures_overdue = Cell(cells, _ERASURES_OVERDUE)
        self.erasure_late_s = Cell(cells, _ERASURE_LATE_S)
        self.keys = Cell(cells, _KEYS)
        self.keys_overdue = Cell(cells, _KEYS_OVERDUE)
        self.keys_lost = Cell(cells, _KEYS_LOST)
        self.keys.set(0)
        self.keys_overdue.set(0)
        self.sessions_running.set(0)
        self.erasures_overdue.set(0)
        self.erasure_late_s.set(0)
        self.recoveries = Family(cells, _RECOVERIES, RECOVERIES)
        self.refusals = Family(cells, _REFUSALS, tuple(code.value for code in ErrorCode))
        self.tickets_refused = Family(cells, _TICKETS_REFUSED, tuple(Why))
        self.sign_ins = Family(cells, _SIGN_INS, tuple(Outcome))
        self.closes = Family(cells, _CLOSES, tuple(str(int(code)) for code in CloseCode))
        self.commit_seconds = Histogram(cells, _COMMIT_S, COMMIT_SECONDS)
        self.batch_events = Histogram(cells, _BATCH, BATCH_EVENTS)
        self.bus_lag_seconds = Histogram(cells, _BUS_LAG_S, BUS_LAG_SECONDS)

        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(_Cells(self._slices))

    def render(self) -> bytes:
        """The Prometheus text format (0.0.4), all workers, each with its `worker` label."""
        return generate_latest(self._registry)


class _Cells(Collector):
    """Reads the cells of every worker at a scrape."""

    def __init__(self, slices: Sequence[Cells]) -> None:
        self._slices = slices

    def collect(self) -> Iterable[Metric]:
        workers = [(str(index), cells) for index, cells in enumerate(self._slices) if cells[0]]
        for entry in _plan.entries:
            yield _metric(entry, workers)
        yield from _processes(workers)


def _metric(
    entry: tuple[str, str, str, int, Sequence[float], str, Sequence[str]],
    workers: Sequence[tuple[str, Cells]],
) -> Metric:
    kind, name, about, at, bounds, label, values = entry
    if kind == "histogram":
        histogram = HistogramMetricFamily(name, about, labels=["worker"])
        for worker, cells in workers:
            histogram.add_metric([worker], list(_buckets(cells, at, bounds)), sum_value=cells[at])
        return histogram
    if kind in ("counters", "gauges"):
        of_kind = CounterMetricFamily if kind == "counters" else GaugeMetricFamily
        family = of_kind(name, about, labels=["worker", label])
        for worker, cells in workers:
            for index, value in enumerate((*values, OTHER)):
                family.add_metric([worker, value], cells[at + index])
        return family
    single = (GaugeMetricFamily if kind == "gauge" else CounterMetricFamily)(name, about, labels=["worker"])
    for worker, cells in workers:
        single.add_metric([worker], cells[at])
    return single


def _buckets(cells: Cells, at: int, bounds: Sequence[float]) -> Iterator[tuple[str, float]]:
    total = 0.0
    for index, bound in enumerate((*bounds, float("inf"))):
        total += cells[at + 1 + index]
        yield ("+Inf" if bound == float("inf") else str(float(bound))), total


def _processes(workers: Sequence[tuple[str, Cells]]) -> Iterator[Metric]:
    """Memory, processor time and open files of every worker, where the system tells (/proc)."""
    memory = GaugeMetricFamily("chatd_process_resident_bytes", "Memory in use.", labels=["worker"])
    processor = CounterMetricFamily("chatd_process_cpu_seconds", "Processor time used.", labels=["worker"])
    for worker, cells in workers:
        usage = _usage(int(cells[0]))
        if usage:
            memory.add_metric([worker], usage["resident_bytes"])
            processor.add_metric([worker], usage["cpu_s"])
    yield memory
    yield processor


def _usage(pid: int) -> Mapping[str, float]:
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            # Fields after the name, which stands in brackets: proc(5), utime 14, stime 15, rss 24.
            fields = file.read().rpartition(b")")[2].split()
    except OSError:
        return {}
    ticks = os.sysconf("SC_CLK_TCK")
    return {
        "cpu_s": (int(fields[11]) + int(fields[12])) / ticks,
        "resident_bytes": int(fields[21]) * os.sysconf("SC_PAGE_SIZE"),
    }
