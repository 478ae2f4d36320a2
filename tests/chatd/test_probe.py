"""/probe on a real server: what comes when, how much of it, and how many may ask at a time."""

from pathlib import Path

import pytest

from chatd import probe
from tests.chatd.whole import Stream, whole


async def test_it_says_what_it_promised_and_ends(tmp_path: Path) -> None:
    async with (
        whole(tmp_path) as chat,
        chat.http.stream("GET", "/probe?for_s=0.5&every_s=0.2") as answer,
    ):
        assert answer.headers["content-type"] == "text/event-stream"
        assert answer.headers["x-accel-buffering"] == "no"
        stream = Stream(answer)
        said = await stream.rest()
        assert [kind for kind, _ in said] == ["open", "live", "tick", "tick", "tick"]
        assert [data.get("n") for _, data in said] == [None, None, 1, 2, 3]
        open_at, live_at = (at for _, _, at in stream.events[:2])
        assert live_at - open_at > 0.2
        assert chat.node.probes == 0


async def test_how_much_of_a_body_came_through(tmp_path: Path) -> None:
    async with whole(tmp_path) as chat:
        for size in (0, 1_000, 60_000):
            answer = await chat.http.post(
                "/probe", content=b'"' + b"x" * size + b'"', headers={"content-type": "application/json"}
            )
            assert answer.json() == {"bytes": size + 2}


@pytest.mark.parametrize("query", ["for_s=121", "for_s=-1", "every_s=0", "for_s=x"])
async def test_nobody_stays_for_long(tmp_path: Path, query: str) -> None:
    async with whole(tmp_path) as chat:
        answer = await chat.http.get(f"/probe?{query}")
        assert (answer.status_code, answer.json()["code"]) == (400, "bad_probe")


async def test_so_many_and_no_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "MAX_PROBES", 1)
    async with whole(tmp_path) as chat, chat.http.stream("GET", "/probe?for_s=60&every_s=60") as answer:
        stream = Stream(answer)
        await stream.until("open")
        second = await chat.http.get("/probe")
        assert (second.status_code, second.json()["code"]) == (503, "full")
        await stream.close()
