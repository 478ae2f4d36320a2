"""The benchmark, for correctness only and never for time: every message arrives once, and faults are seen.

Compiles the generator and the C limits into build/bench, as `scripts/bench` does.
"""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from xml.etree import ElementTree

import pytest
from websockets.asyncio.server import ServerConnection, serve

from scripts.benchmark import tools
from scripts.benchmark.measures import Shape, faultless, join_storm, load, recovery_storm
from scripts.benchmark.plots import bars, lines
from scripts.benchmark.processes import cores
from scripts.benchmark.results import Results, ratios, table
from scripts.benchmark.servers import SERVERS, Running, running

pytestmark = pytest.mark.skipif(shutil.which("gcc") is None, reason="no C compiler here")

TINY = ("--rooms", "3", "--members", "4", "--warm", "0.1", "--seconds", "0.3", "--settle", "0.1")


@pytest.mark.parametrize("name", ["chatd", "c-joined", "c-one-send"])
def test_a_tiny_round_loses_and_doubles_nothing(name: str) -> None:
    with running(SERVERS[name], cores()[0]) as place:
        phases = load(SERVERS[name], place, TINY)
        assert faultless(phases)["ok"], phases["done"]
        assert phases["joined"]["connections"] == 12
        assert phases["done"]["posts"] > 0
        assert phases["done"]["deliveries"] == 4 * phases["done"]["posts"]
        open_loop = load(SERVERS[name], place, [*TINY, "--rate", "400"])
        assert faultless(open_loop)["ok"], open_loop["done"]


def test_chatd_takes_a_storm_of_joins_and_one_of_returns() -> None:
    server = SERVERS["chatd"]
    with running(server, cores()[0]) as place:
        joins = join_storm(server, place, 20)
        assert joins["ok"]
        storm = recovery_storm(server, place, 100, 3)
        assert storm["ok"]
        assert storm["recovered"] == 100
        assert storm["events_each"] == 3


@asynccontextmanager
async def faulty(fault: str) -> AsyncIterator[Running]:
    """A room server that now and then leaves a member out, or tells them twice."""
    members: set[ServerConnection] = set()
    said = 0

    async def room(connection: ServerConnection) -> None:
        nonlocal said
        members.add(connection)
        async for message in connection:
            said += 1
            for index, member in enumerate(list(members)):
                times = 1 if said % 10 or index else {"gaps": 0, "doubles": 2}[fault]
                for _ in range(times):
                    await member.send(message)

    async with serve(room, "127.0.0.1", 0) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        yield Running(port, Path(), cores()[0])


@pytest.mark.parametrize("fault", ["gaps", "doubles"])
async def test_the_generator_sees_what_a_server_does_wrong(fault: str) -> None:
    async with faulty(fault) as place:
        options = [*Shape("one", 1, 4, 400).options, "--warm", "0", "--seconds", "0.3", "--settle", "0.1"]
        phases = await asyncio.to_thread(load, SERVERS["c-joined"], place, options)
    figures = faultless(phases)
    assert not figures["ok"]
    assert int(figures[fault]) > 0


def test_results_become_medians_tables_and_flaws(tmp_path: Path) -> None:
    results = Results()
    for round_, cost in enumerate((2.0, 3.0, 2.5)):
        results.add("chatd", "S3", round_, {"cpu_us": cost, "gaps": 0})
        results.add("c-joined", "S3", round_, {"cpu_us": 2.0, "gaps": 0})
    results.add("nats", "S3", 0, {"cpu_us": 7.0, "gaps": 3})
    results.add("mosquitto", "S3", 0, {"failed": "it did not start"})
    results.save(tmp_path / "results.json")
    read = Results.load(tmp_path / "results.json")
    assert json.loads((tmp_path / "results.json").read_text())["rows"] == read.rows
    assert read.median("chatd", "S3", "cpu_us") == 2.5
    assert table(read)[1:3] == [["chatd", "2.50 ±20%"], ["C, frames of a turn joined", "2.00"]]
    assert ("S3, over C-joined", 1.25, 1.5) in ratios(read)
    assert read.flaws() == ["nats S3 round 1: 3 gaps", "mosquitto S3 round 1: it did not start"]


def test_plots_are_drawings() -> None:
    drawn = bars("Cost", "µs", [("chatd", 1.2, True), ("A <b>", 133.0, False)])
    assert "A &lt;b&gt;" in drawn
    assert ElementTree.fromstring(drawn).tag.endswith("svg")
    drawn = lines(
        "p99",
        "rate",
        "ms",
        [("chatd", [(10_000.0, 1.0), (800_000.0, 20.0)], True), ("one", [(10_000.0, 2.0)], False)],
    )
    assert ElementTree.fromstring(drawn).tag.endswith("svg")


def test_peers_are_pinned_and_name_no_index() -> None:
    for lock in ("requirements.txt", "package-lock.json"):
        text = (tools.PEERS / lock).read_text("utf-8")
        assert "resolved" not in text
        assert "https://registry" not in text
        assert "--index" not in text
