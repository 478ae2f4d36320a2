"""The other questions: what connections cost, what a storm costs, and whether costs stay flat as things grow.

Every function returns a flat mapping of figures, `ok` among them: no gap, no double, nothing missing, no
error. Runs the load generator.
"""

import sqlite3
import sys
from typing import Final

from scripts.benchmark.generator import cpu_between
from scripts.benchmark.servers import Running, Server
from scripts.benchmark.shapes import Figures, Pace, Shape, faultless, load, shape

# ---- connections -------------------------------------------------------------------------------

IDLE_S: Final = 25.0
"""How long idle connections are watched: the longest ping interval of all, Socket.IO's."""


def idle(server: Server, place: Running, connections: int, seconds: float = IDLE_S) -> Figures:
    """`connections` in rooms of 50 that say nothing: memory, the rate of joining, and idle CPU."""
    options = [
        *("--rooms", str(max(1, connections // 50)), "--members", str(min(connections, 50))),
        *("--settle", "4", "--idle", str(seconds), "--patience", "150"),
    ]
    phases = load(server, place, options, within_s=170 + seconds)
    seated = phases["joined"]["connections"]
    percent = 100 * cpu_between(phases, "idle", "idle_over") / seconds
    return {
        "connections": seated,
        "kib_per_connection": (phases["idle_over"]["rss_kib"] - phases["start"]["rss_kib"]) / seated,
        "joins_per_s": seated / phases["joined"]["seconds"],
        "join_cpu_us": 1e6 * cpu_between(phases, "start", "joined") / seated,
        "idle_cpu_percent": percent,
        "idle_cpu_percent_per_10k": percent * 10_000 / seated,
        **faultless(phases),
    }


def join_storm(server: Server, place: Running, joins: int = 1000) -> Figures:
    """`joins` people at once into one room with a history (chatd only)."""
    options = [
        *("--rooms", "1", "--members", str(joins), "--prefill", "100"),
        *("--connecting", str(joins), "--settle", "4"),
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
    rooms = people // 100
    posts = int(1.25 * behind * rooms) + 20  # a quarter more than are needed: they come at random moments
    seconds = max(0.2, posts / 1500)
    options = [
        *("--rooms", str(rooms), "--members", "100", "--rate", str(100 * posts / seconds)),
        *("--warm", "0", "--seconds", str(seconds), "--recover", str(behind), "--connecting", "2000"),
        *("--patience", "60"),
    ]
    phases = load(server, place, options, within_s=150)
    recovered = phases["recovered"]
    return {
        "people": people,
        "recovered": recovered["recovered"],
        "events_each": recovered["replayed"] / max(1, recovered["recovered"]),
        "recover_s": recovered["seconds"],
        "recover_cpu_us": 1e6 * cpu_between(phases, "recovering", "recovered") / people,
        "p99_ms": recovered["p99_ms"],
        **faultless(phases),
    }


# ---- growth ------------------------------------------------------------------------------------

GROWING: Final = {
    "flight": (8, 16, 32, 64),
    "members": (10, 30, 100, 300, 1000),
    "rooms": (10, 100, 1000, 5000),
    "log": (1_000, 10_000, 100_000, 1_000_000),
}
"""The sizes of each question of growth."""

POSTS_PER_S: Final = 200
"""How often somebody speaks, whatever the size of the rooms."""


def grown(name: str, server: Server, place: Running, size: int, pace: Pace) -> dict[str, Figures]:
    """The figures of one size, by the name of what was measured."""
    if name == "flight":
        shapes = (Shape("S3", 20, 50, 0, size), Shape("S2", 100, 10, 0, size), Shape("S1", 1, 1000, 0, size))
        return {f"flight-{what.name}-{size}": shape(server, place, what, pace) for what in shapes}
    if name == "members":
        # 1,000 people in all, and as many posts for all sizes: so what grows is what each member costs.
        what = Shape("members", max(1, 1000 // size), size, POSTS_PER_S * size)
    elif name == "rooms":
        what = Shape("rooms", size, 3, 6_000)
    else:
        what = Shape("log", 10, 10, 10_000)
        _fill_log(place, size)
    return {f"{name}-{size}": {"x": size, **shape(server, place, what, pace)}}


def _fill_log(place: Running, posts: int) -> None:
    """Bring the log of a chatd that runs to `posts` events, through its own code, in another process."""
    database = place.folder / "data/chatd.db"
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
        have = connection.execute("SELECT count(*) FROM events").fetchone()[0]
    if have >= posts:
        return
    command = [sys.executable, "-m", "scripts.benchmark.fill", str(database), str(posts - have)]
    filler = place.start("fill", command)
    filler.wait_for_text("filled", 240)
    place.processes.remove(filler)
    filler.stop()
