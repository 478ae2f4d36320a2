"""The benchmark, for correctness only and never for time: every message arrives once, and faults are seen.

Compiles the generator and the C limits into build/bench, as `scripts/bench` does.
"""

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from xml.etree import ElementTree

import pytest
from websockets.asyncio.server import ServerConnection, serve

from scripts.benchmark import document, tools
from scripts.benchmark.goals import goals_table, reached
from scripts.benchmark.measures import join_storm, recovery_storm
from scripts.benchmark.plan import MEASURES, plan
from scripts.benchmark.plots import bars, lines
from scripts.benchmark.processes import cores
from scripts.benchmark.results import Results, table
from scripts.benchmark.servers import QUICK, SERVERS, Running, running
from scripts.benchmark.shapes import USUAL, Shape, faultless, load

pytestmark = pytest.mark.skipif(shutil.which("gcc") is None, reason="no C compiler here")

TINY = ("--rooms", "3", "--members", "4", "--warm", "0.1", "--seconds", "0.3", "--settle", "0.1")


@pytest.mark.parametrize("name", ["chatd", "chatd-sse", "chatd-polling", "c-joined", "c-one-send"])
def test_a_tiny_round_loses_and_doubles_nothing(name: str) -> None:
    with running(SERVERS[name], cores()[0]) as place:
        phases = load(SERVERS[name], place, TINY)
        assert faultless(phases)["ok"], phases["done"]
        assert phases["joined"]["connections"] == 12
        assert phases["done"]["posts"] > 0
        assert phases["done"]["deliveries"] == 4 * phases["done"]["posts"]
        open_loop = load(SERVERS[name], place, [*TINY, "--rate", "400"])
        assert faultless(open_loop)["ok"], open_loop["done"]
        # More under way than there are people: some say several things at once.
        deep = load(SERVERS[name], place, [*TINY, "--flight", "10"])
        assert faultless(deep)["ok"], deep["done"]


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


def some_results() -> Results:
    results = Results(
        runs=[{"at": 0, "machine": dict.fromkeys(("cpu", "cores", "kernel", "python", "tcp"), "?")}]
    )
    results.runs[0] |= {"rounds": 3, "seconds": 3.0}
    for round_, cost in enumerate((2.0, 3.0, 2.5)):
        results.add("chatd", "S3", round_, {"cpu_us": cost, "gaps": 0})
        results.add("c-joined", "S3", round_, {"cpu_us": 2.0, "gaps": 0})
        results.add("chatd", "L3", round_, {"p99_ms": 3.0})
        results.add("c-joined", "L3", round_, {"p99_ms": 2.0})
    results.add("nats", "S3", 0, {"cpu_us": 7.0, "gaps": 3})
    results.add("nats", "L3", 0, {"p99_ms": 900.0, "overload": True, "missing": 50})
    results.add("mosquitto", "S3", 0, {"failed": "it did not start"})
    return results


def test_results_become_medians_tables_and_flaws(tmp_path: Path) -> None:
    results = some_results()
    results.save(tmp_path / "results.json")
    read = Results.load(tmp_path / "results.json")
    assert read == results
    assert read.median("chatd", "S3", "cpu_us") == 2.5
    assert [line[:2] for line in table(read)[1:3]] == [
        ["chatd", "2.50 ±20%"],
        ["C, frames of a turn joined", "2.00"],
    ]
    assert table(read)[3][1:3] == ["7.00", "overload"]
    assert read.flaws() == ["nats S3 round 1: 3 gaps", "mosquitto S3 round 1: it did not start"]


def test_a_missed_goal_is_shown_beside_what_c_does_here() -> None:
    ratio, latency = reached(some_results())
    assert (ratio.value, ratio.met, ratio.limit, ratio.limit_then) == (1.25, True, 2.0, 1.36)
    assert (latency.value, latency.met, latency.ratio, latency.ratio_met) == (3.0, False, 1.5, True)
    assert goals_table(some_results())[2][3] == "NO; over C, yes"
    results = some_results()
    results.add("chatd", "ramp", 0, {"held_rate": 300_000})
    results.add("c-joined", "ramp", 0, {"held_rate": 400_000})
    held = next(each for each in reached(results) if each.asked == "≥ 500,000")
    assert (held.met, held.ratio, held.ratio_asked, held.ratio_met) == (False, 0.75, 0.625, True)


def test_what_is_added_replaces_its_own_and_is_told_apart() -> None:
    results = some_results()
    results.drop("chatd", ["S3"])
    results.runs.append(results.runs[0])
    results.add("chatd", "S3", 0, {"cpu_us": 9.0})
    assert results.values("chatd", "S3", "cpu_us") == [9.0]
    assert results.values("chatd", "L3", "p99_ms") == [3.0] * 3
    assert goals_table(results)[1][0] == "S3, over C-joined (not in one run)"


def test_a_run_goes_in_turns_and_resumes_where_it_stopped() -> None:
    jobs = plan(QUICK, MEASURES, 2, USUAL)
    assert [job.server for job in jobs if job.group == "shapes"] == [*QUICK, *reversed(QUICK)]
    asked = {(job.server, job.group) for job in jobs}
    assert ("chatd", "log") in asked
    assert ("socketio", "log") not in asked
    assert sum(1 for job in jobs if job.group == "ramp" and job.server == "socketio") == 1
    assert all(set(job.measures) <= set(MEASURES) and job.about_s > 0 for job in jobs)
    results = some_results()
    results.add("chatd", "log-1000", 0, {"x": 1000, "cpu_us_per_post": 9.0})
    assert results.have("chatd", ["S3", "L3", "log"], 0)
    assert not results.have("chatd", ["S3", "S2"], 0)
    assert not results.have("chatd", ["S3"], 3)


def test_the_page_is_written_between_its_markers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = tmp_path / "performance.md"
    page.write_text(document.PAGE.read_text("utf-8") + "\nThe end.\n", "utf-8")
    monkeypatch.setattr(document, "PAGE", page)
    monkeypatch.setattr(document, "PLOTS", tmp_path / "performance")
    document.write(some_results())
    once = page.read_text("utf-8")
    assert "| chatd | 2.50 ±20% |" in once
    assert once.endswith("\nThe end.\n")
    assert (tmp_path / "performance/s3.svg").exists()
    document.write(some_results())
    assert page.read_text("utf-8") == once


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
