"""Some stop reading in a busy room: cut, at no cost to anybody else, and back again without a hole."""

import asyncio
from typing import Any

import psutil  # type: ignore[import-untyped]  # it ships no types
from websockets.exceptions import ConnectionClosed

from chatd.wire import CloseCode
from tests.faults.guests import Guest, guest, metric
from tests.faults.load import talking
from tests.faults.promises import PATIENCE_S, SLACK_S
from tests.fixtures.servers import Serve, until

SLOW = 10
MAX_BUFFER_BYTES = 128 * 1024
MORE_BYTES = 24 * 1024 * 1024
"""What the process may grow by: many times less than what the slow ones leave unread."""


async def to_the_end(reader: Guest) -> tuple[list[int], int]:
    """Read on: the places that were on the way still, and how it ended (1006: without a word)."""
    seqs: list[int] = []
    try:
        while True:
            frame = await reader.frame()
            if "seq" in frame and frame["t"] == "posted":
                seqs.append(frame["seq"])
    except ConnectionClosed as closed:
        return seqs, closed.rcvd.code if closed.rcvd is not None else 1006


def places(answer: dict[str, Any]) -> list[int]:
    return [event["seq"] for event in answer["events"]]


async def test_who_stops_reading_is_cut_and_holds_up_nobody(serve: Serve) -> None:
    server = await serve(
        *("--open", "--set", "post_per_s=0", "--set", f"max_buffer_bytes={MAX_BUFFER_BYTES}"),
        *("--set", "recover_events=100000", "--set", "ping_interval_s=600"),
    )
    process = psutil.Process(server.pid)
    async with talking(server.url, rooms=["icu"], people=4, pause_s=0.02, padding="x" * 3_000) as load:
        await load.goes_on(20)
        readers = [await guest(server, "icu", receive_buffer_bytes=4096) for _ in range(SLOW)]
        before = process.memory_info().rss
        since = asyncio.get_running_loop().time()
        for reader in readers:
            reader.websocket.transport.pause_reading()

        async def all_cut() -> bool:
            return await metric(server, "chatd_slow_readers_cut_total") == [float(SLOW)]

        await until(all_cut, "all slow readers are cut", within_s=PATIENCE_S, every_s=0.2)
        await load.all_seen()
        assert load.slowest_s(since) < SLACK_S, "nobody waited for them"
        assert process.memory_info().rss - before < MORE_BYTES

        for reader in readers:
            reader.websocket.transport.resume_reading()
        ends = await asyncio.gather(*(to_the_end(reader) for reader in readers))
        for reader, (seqs, code) in zip(readers, ends, strict=True):
            # 4001 where they read it in time, else the connection just ended.
            assert code in (CloseCode.TOO_SLOW, 1006)
            first = reader.joined["head"] + 1
            assert seqs == list(range(first, first + len(seqs)))

        reader, (seqs, _) = readers[0], ends[0]
        after = seqs[-1] if seqs else reader.joined["head"]
        back = await guest(server, "icu", **{**reader.proof, "after": after})
        assert back.handle == reader.handle
        have = places(back.joined)
        # A gap that is more than one frame should carry is a clean start; the rest is asked for then.
        assert have[0] == after + 1 if back.joined["recovered"] else have[0] > after + 1
        while have[0] > after + 1:
            have = places(await back.ask("older", before=have[0], limit=50)) + have
        assert have[have.index(after + 1) :] == list(range(after + 1, back.joined["head"] + 1))
        assert (await back.frame())["t"] == "posted"
        back.drop()
        assert all(talker.broke == [] for talker in load.talkers)
        await load.ends_well()
