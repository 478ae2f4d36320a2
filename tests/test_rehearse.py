"""A whole hour at high speed, over the real wire, judged by the checker: `scripts/rehearse` in a test."""

import asyncio
import sys
from pathlib import Path

import httpx

from chatd.rehearsal.hour import PEOPLE, stage
from tests.fixtures.servers import environment


async def test_a_whole_hour_goes_as_it_should() -> None:
    stopped: list[str] = []
    pages: list[int] = []
    stood: list[float] = []
    async with stage("check_in_round", speed=450) as on:

        async def look(name: str) -> None:
            stopped.append(name)
            if name != "open":
                return
            stood.append(on.clock())
            async with httpx.AsyncClient(trust_env=False) as http:
                urls = (on.facilitator_url, on.participant_url, f"{on.url}/api/sessions")
                pages.extend([(await http.get(url)).status_code for url in urls])
            stood.append(on.clock())

        report = await on.play(stop_at={"lobby", "round", "open", "poll", "closed"}, on_stop=look)
    assert report.ok, (report.faults, report.verdict.problems, report.erased)
    assert [phase for phase, _, _ in report.phases if phase != "paused"][:3] == ["lobby", "opening", "open"]
    assert report.phases[-1][0] == "closed"
    assert report.phases[-1][2] >= 65, "an hour, and five minutes to stay"
    assert sorted(stopped) == ["closed", "lobby", "open", "poll", "round"]
    assert pages == [200, 200, 200]
    assert stood[0] == stood[1], "time stands still meanwhile"
    assert report.verdict.delivered > PEOPLE * report.verdict.acked


async def test_the_command_says_what_it_cannot_rehearse(tmp_path: Path) -> None:
    for arguments, words in (
        (("--template", "no_such"), "no such template"),
        (("--stop-at", "tea"), "no moment"),
    ):
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "chatd.rehearsal", *arguments),
            cwd=tmp_path,
            env=environment(tmp_path),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
        )
        async with asyncio.timeout(30):
            out, _ = await process.communicate()
        assert (process.returncode, words in out.decode()) == (2, True), out
