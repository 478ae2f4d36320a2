"""The replay against the real server, against servers that lie, and against the real conversations."""

import asyncio
import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import pytest

from chatd.client import Codec, Transport
from chatd.replay import people as replay_people
from chatd.replay.report import Latency, announcement
from chatd.replay.run import ReplayOptions, replay, run_replay
from tests.chatd.shared_server import shared_server
from tests.chatd.tiny_server import Harm, tiny_server
from tests.fixtures.servers import Serve

OURS: Final = Path(__file__).parent / "transcripts"
REAL: Final = Path(__file__).parents[4] / "shared" / "data" / "real-chat"
"""Beside the checkout, where somebody has put it."""


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with shared_server(tmp_path_factory.mktemp("server")) as url:
        yield url


def conversation(file: Path, lines: int, people: int = 4) -> Path:
    """A long one, evenly spoken: `lines` lines within a minute."""
    said = (f"[10:00] <p{n % people}> line {n}\n" for n in range(lines))
    file.write_text("".join(said), "utf-8")
    return file


# ---- a good server -----------------------------------------------------------------------------


@pytest.mark.parametrize("codec", ["json", "msgpack"])
async def test_a_conversation_on_the_real_server_is_legal(url: str, codec: Codec) -> None:
    for name, said, empty in (("channel.txt", 12, 1), ("room.txt", 8, 0), ("meeting.txt", 8, 0)):
        report = await replay(OURS / name, url=url, speed=math.inf, codec=codec)
        assert report.ok, (report.verdict.problems, report.faults)
        assert (report.verdict.sent, report.verdict.acked, report.empty) == (
            said - empty,
            said - empty,
            empty,
        )
        assert report.verdict.delivered >= report.verdict.acked
        assert (report.live_gaps, report.live_repeats, report.breaks) == (0, 0, 0)
        assert 0 < report.latency.p50_ms <= report.latency.max_ms


@pytest.mark.parametrize("transports", [("sse",), ("poll",), ("ws", "sse", "poll")])
async def test_a_conversation_is_legal_on_whatever_way_it_comes(
    url: str, tmp_path: Path, transports: tuple[Transport, ...]
) -> None:
    lines = 300
    log = conversation(tmp_path / "log.txt", lines, people=9)
    report = await replay(log, url=url, speed=math.inf, transports=transports)
    assert report.ok, (report.verdict.problems, report.faults)
    assert (report.verdict.sent, report.verdict.acked) == (lines, lines)
    assert (report.verdict.gaps, report.verdict.doubles, report.verdict.lost) == (0, 0, 0)
    assert (report.live_gaps, report.live_repeats, report.breaks) == (0, 0, 0)


async def test_it_keeps_the_pace_that_was_asked_for(url: str, tmp_path: Path) -> None:
    (tmp_path / "log.txt").write_text("[10:00] <a> one\n[10:01] <b> two\n", "utf-8")
    report = await replay(tmp_path / "log.txt", url=url, speed=100)
    assert report.ok
    assert report.took_s >= 0.6
    assert report.people == 2


async def test_how_much_there_is_is_told_before_the_first_step(url: str) -> None:
    told: list[object] = []
    await replay(
        OURS / "room.txt",
        url=url,
        speed=math.inf,
        on_script=lambda script: told.append(len(script.steps)),
        on_progress=lambda done, steps, _: told.append((done, steps)),
    )
    steps = told[0]
    assert told[1] == (0, steps)
    assert told[-1] == (steps, steps)


async def test_it_obeys_the_rate_limit_and_keeps_the_order_of_each_person(
    serve: Serve, tmp_path: Path
) -> None:
    server = await serve("--open", environ={"CHATD_POST_PER_S": "50", "CHATD_POST_BURST": "1"})
    report = await replay(conversation(tmp_path / "log.txt", 20, people=1), url=server.url, speed=math.inf)
    assert report.ok, (report.verdict.problems, report.faults)
    assert report.waits > 0
    assert report.verdict.acked == 20


async def test_long_lines_go_in_parts(url: str, tmp_path: Path) -> None:
    (tmp_path / "log.txt").write_text(f"[10:00] <a> {'é' * 9000}\n[10:00] <b> \x07\n", "utf-8")
    report = await replay(tmp_path / "log.txt", url=url, speed=math.inf)
    assert report.ok, (report.verdict.problems, report.faults)
    assert (report.verdict.sent, report.empty) == (3, 1)


async def test_it_goes_on_where_the_server_is_killed_and_started_again(serve: Serve, tmp_path: Path) -> None:
    """Acked is kept and everything arrives once, through kill -9 in the middle of it all."""
    server = await serve("--open")
    half = asyncio.Event()

    def progress(done: int, steps: int, delivered: int) -> None:
        if done > steps // 3:
            half.set()

    log = conversation(tmp_path / "log.txt", 90, people=5)
    playing = asyncio.create_task(replay(log, url=server.url, speed=20, on_progress=progress))
    await half.wait()
    await server.kill()
    await serve("--open", "--port", str(urlsplit(server.url).port), data=server.data)
    report = await playing
    assert report.ok, (report.verdict.problems, report.faults)
    assert report.breaks >= 5
    assert report.verdict.acked == 90
    assert report.verdict.gaps == report.verdict.doubles == 0


@pytest.mark.skipif(not REAL.is_dir(), reason="the real conversations are not beside this checkout")
@pytest.mark.parametrize("name", ["channel-two-dev.txt"])
async def test_a_real_conversation_is_legal(url: str, name: str, tmp_path: Path) -> None:
    lines = (REAL / name).read_text("utf-8", "replace").split("\n")
    (tmp_path / name).write_text("\n".join(lines[:200]), "utf-8")  # a beginning: the whole takes longer
    report = await replay(tmp_path / name, url=url, speed=math.inf, codec="msgpack")
    assert report.ok, (report.verdict.problems, report.faults)


# ---- servers that lie --------------------------------------------------------------------------


async def test_a_tiny_server_that_tells_the_truth_is_legal() -> None:
    async with tiny_server() as url:
        report = await replay(OURS / "meeting.txt", url=url, speed=math.inf)
    assert report.ok, (report.verdict.problems, report.faults)


@pytest.mark.parametrize(
    ("harm", "found"),
    [
        ("twice", "doubles"),
        ("forget", "lost"),
        ("garble", "lost"),
        ("refuse", "faults"),
        ("silence", "unanswered"),
    ],
    ids=["twice", "forget", "garble", "refuse", "silence"],
)
async def test_a_server_that_lies_is_found_out(
    harm: Harm, found: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replay_people, "ANSWER_S", 0.5)
    monkeypatch.setattr(replay_people, "SETTLE_S", 0.5)
    async with tiny_server(harm) as url:
        report = await replay(OURS / "meeting.txt", url=url, speed=math.inf)
    assert not report.ok
    assert getattr(report.verdict, found, 0) or getattr(report, found, 0)


async def test_what_the_clients_mended_is_told() -> None:
    async with tiny_server("swallow") as url:
        report = await replay(OURS / "meeting.txt", url=url, speed=math.inf)
    assert report.ok, (report.verdict.problems, report.faults)
    assert report.live_gaps > 0


# ---- the command -------------------------------------------------------------------------------


def test_the_command_starts_a_server_of_its_own(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHATD_REDIS", "redis://127.0.0.1:9")  # of the surroundings: it is not for that server
    assert run_replay(ReplayOptions(OURS / "room.txt", speed=math.inf)) == 0
    out, err = capsys.readouterr()
    assert "s, as fast as possible;" in out
    assert err.startswith("Replaying 15 steps of 3 people, as fast as possible.\n")
    assert "50 %, " in err, "without a terminal, too, there is a sign of life"
    for words in ("sent", "acked", "delivered", "gaps", "doubles", "p50", "legal"):
        assert words in out


def test_the_command_as_json(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    options = ReplayOptions(OURS / "room.txt", url=url, speed=math.inf, codec="msgpack", as_json=True)
    assert run_replay(options) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["ok"], told["speed"], told["verdict"]["sent"], told["verdict"]["gaps"]) == (True, None, 8, 0)


async def test_the_command_ends_with_1_at_a_fault(capsys: pytest.CaptureFixture[str]) -> None:
    async with tiny_server("twice") as url:
        options = ReplayOptions(OURS / "meeting.txt", url=url, speed=math.inf)
        assert await asyncio.to_thread(run_replay, options) == 1
    out = capsys.readouterr().out
    assert "NOT LEGAL" in out
    assert "double" in out


@pytest.mark.parametrize(
    "options",
    [
        ReplayOptions(OURS / "missing.txt", url="http://127.0.0.1:9"),
        ReplayOptions(OURS / "room.txt", url="http://127.0.0.1:9"),
        ReplayOptions(OURS / "room.txt", url="nowhere"),
        ReplayOptions(OURS / "room.txt", url="http://127.0.0.1:9", speed=0),
        ReplayOptions(OURS / "room.txt", url="http://127.0.0.1:9", speed=math.nan),
    ],
    ids=["no file", "no server", "no URL", "no speed", "no number"],
)
def test_the_command_says_what_it_cannot_do(
    options: ReplayOptions, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_replay(options) == 2
    told = capsys.readouterr()
    assert "could not run" in told.err
    assert not told.out


# ---- numbers -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lasts_s", "speed", "words"),
    [
        (3600, math.inf, "Replaying 1,200 steps of 7 people, as fast as possible."),
        (30, 1, "Replaying 1,200 steps of 7 people at 1x: it will take 30 s."),
        (1800, 100, "Replaying 1,200 steps of 7 people at 100x: it will take 18 s."),
        (600, 0.5, "0.5x: it will take 20 min. --speed 100 is a hundred times faster"),
        (10 * 3600 + 61, 1, "at 1x: it will take 10 h 2 min. --speed 100"),
    ],
    ids=["no pace", "short", "fast", "slow", "hours"],
)
def test_how_long_it_will_take_is_said_first(lasts_s: float, speed: float, words: str) -> None:
    assert words in announcement(1200, 7, lasts_s, speed)


def test_percentiles_are_by_nearest_rank() -> None:
    latency = Latency.of([n / 1000 for n in range(1000, 0, -1)])
    assert (latency.count, latency.p50_ms, latency.p99_ms, latency.p999_ms, latency.max_ms) == (
        1000,
        500,
        990,
        999,
        1000,
    )
    assert Latency.of([0.002]) == Latency(1, 2.0, 2.0, 2.0, 2.0)
    assert Latency.of([]) == Latency(0, 0, 0, 0, 0)
