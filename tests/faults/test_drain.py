"""Deploys are quiet: who is asked to go comes back spread over time, and nobody else notices.

One worker is drained while its neighbour goes on; a whole server is stopped, with SIGTERM and with
Ctrl-C, in front of a crowd.
"""

import asyncio
import os
import signal
from collections import Counter

import pytest
from websockets.exceptions import ConnectionClosed

from chatd.wire import CloseCode
from tests.faults.guests import Guest, guest, peers
from tests.faults.load import talking
from tests.faults.promises import PATIENCE_S, SLACK_S
from tests.fixtures.buses import Valkey
from tests.fixtures.servers import Serve, Server, until

DRAIN_S = 2.0
CROWD = 200
AT_ONCE = 20
"""Connections of the crowd that are being opened at the same time."""
CTRL_C_S = 3.0


def worst_bucket(moments: list[float], width_s: float = 0.1) -> float:
    """The largest part of them that falls into one bucket of time."""
    return max(Counter(int(moment / width_s) for moment in moments).values()) / len(moments)


async def guest_of(server: Server, pid: int) -> Guest:
    """A guest of the lecture whom this worker serves. Which one takes a connection is chance."""
    for _ in range(50):
        person = await guest(server, "lecture")
        if person.port in peers(server, pid):
            return person
        await person.leave()
        person.drop()
    raise AssertionError("the worker takes no connections")


async def test_a_drained_worker_is_noticed_by_nobody_else(serve: Serve, valkey: Valkey) -> None:
    server = await serve(
        *("--open", "--workers", "2", "--redis", valkey.url),
        *("--set", "post_per_s=0", "--set", f"drain_s={DRAIN_S}"),
    )
    async with talking(server.url, people=4) as load:
        await load.come(36, room="lecture", speak=False)
        await load.spread_over(server, at_least=8)
        await load.know_each_other()
        going = min(server.worker_pids(), key=lambda pid: len(peers(server, pid)))
        cut = len(peers(server, going))
        late = await guest_of(server, going)
        leaver = await guest_of(server, next(pid for pid in server.worker_pids() if pid != going))
        watchers = load.in_room("lecture")
        await until(
            lambda: all({late.handle, leaver.handle} <= talker.room.roster.keys() for talker in watchers),
            "newcomers are shown",
            within_s=PATIENCE_S,
        )
        await load.know_each_other()
        here = {talker.handle for talker in load.talkers} | {late.handle}
        leaving = asyncio.create_task(goodbye(late))
        os.kill(going, signal.SIGTERM)
        await leaving
        # A slow phone, which is back only when somebody who dropped now has been shown to leave.
        leaver.drop()
        await until(
            lambda: not any(leaver.handle in talker.room.roster for talker in watchers),
            "the leave",
            within_s=PATIENCE_S,
        )
        back = await guest(server, "lecture", **late.proof)
        assert back.handle == late.handle
        await until(lambda: going not in server.worker_pids(), "it is gone", within_s=PATIENCE_S)
        await until(
            lambda: sum(len(talker.back_at) for talker in load.talkers) >= cut,
            "all are back",
            within_s=PATIENCE_S,
        )
        await until(lambda: len(server.worker_pids()) == 2, "a new worker", within_s=PATIENCE_S)
        await load.read_on()
        moved = [talker for talker in load.talkers if talker.back_at]
        assert len(moved) == cut
        assert {code for talker in moved for code in talker.broke} <= {CloseCode.GOING, 1000, 1006}
        back_at = [moment for talker in moved for moment in talker.back_at]
        assert max(back_at) - min(back_at) > DRAIN_S / 3
        assert worst_bucket(back_at) < 0.5
        for talker in load.talkers:
            assert not here & set(talker.left)
            if not talker.back_at:
                assert not here & set(talker.joined)
        back.drop()
        await load.know_each_other()
        await load.ends_well()


async def crowd(server: Server) -> list[Guest]:
    limit = asyncio.Semaphore(AT_ONCE)

    async def come(number: int) -> Guest:
        async with limit:
            return await guest(server, f"room-{number % 10}")

    return list(await asyncio.gather(*(come(number) for number in range(CROWD))))


async def goodbye(member: Guest) -> tuple[float | None, int, float]:
    """When to come back, as it was told; the close code; when it came (loop time)."""
    told: float | None = None
    try:
        while True:
            frame = await member.frame()
            if frame["t"] == "going":
                told = frame["reconnect_in_s"]
    except ConnectionClosed as closed:
        code = closed.rcvd.code if closed.rcvd is not None else 1006
        return told, code, asyncio.get_running_loop().time()


@pytest.mark.parametrize(("sig", "promised_s"), [(signal.SIGTERM, DRAIN_S + 1), (signal.SIGINT, CTRL_C_S)])
async def test_a_crowd_is_told_when_to_come_back(
    serve: Serve, sig: signal.Signals, promised_s: float
) -> None:
    server = await serve("--open", "--set", f"drain_s={DRAIN_S}")
    members = await crowd(server)
    leaving = [asyncio.create_task(goodbye(member)) for member in members]
    begun = asyncio.get_running_loop().time()
    server.send(sig)
    assert await server.wait(PATIENCE_S) == 0
    assert asyncio.get_running_loop().time() - begun < promised_s + SLACK_S
    ends = await asyncio.gather(*leaving)
    assert {code for _, code, _ in ends} == {CloseCode.GOING}
    told = [wait_s for wait_s, _, _ in ends if wait_s is not None]
    assert len(told) == CROWD
    if sig is signal.SIGTERM:
        assert max(told) <= DRAIN_S
        assert worst_bucket(told) <= 0.1
        assert worst_bucket([at for _, _, at in ends]) < 0.5
