"""What is done over each pair of an intermediary and a transport: a talk to judge it, a talk to measure it.

Anna is behind the intermediary; Ben is with the server itself, over a WebSocket.
"""

import asyncio
import statistics
import time
from dataclasses import dataclass

from tests.proxies.peers import Peer
from tests.proxies.rows import Transport, Way


@dataclass(frozen=True)
class Speeds:
    """How fast it was, in seconds."""

    joined: float
    """From nothing to a seat, connecting included."""
    seen_p50: float
    seen_p95: float
    """From when Ben posts until Anna has it."""
    said_p50: float
    """From when Anna posts until she knows that it is kept."""


async def talk(way: Way, direct: Way, room: str, transport: Transport) -> None:
    """Anna joins, hears, is heard, loses the intermediary in mid-talk, and has missed nothing."""
    async with Peer(direct, room, "ws") as ben, Peer(way, room, transport) as anna:
        await anna.stands()
        for number in range(3):
            await ben.say(f"ben {number}")
            await anna.say(f"anna {number}")
        await anna.sees("ben 2")

        breaks = anna.breaks
        await way.restart()
        # Said while her way is gone, or just back: she says it until it is kept, and that once.
        await asyncio.gather(ben.say("while it was gone"), anna.say("said into the break"))
        for peer in (anna, ben):
            await peer.sees("while it was gone")
            await peer.sees("said into the break")
        await anna.until(lambda: anna.breaks > breaks, "the break")

        await anna.say("the end")
        for peer in (anna, ben):
            await peer.sees("the end")
        assert anna.seat.texts == ben.seat.texts
        assert sorted(set(anna.seat.texts)) == sorted(anna.seat.texts)


async def measure(way: Way, direct: Way, room: str, transport: Transport, posts: int) -> Speeds:
    """`posts` of Ben's, one after the other as Anna has them, then as many of hers."""
    async with Peer(direct, room, "ws") as ben:
        await ben.joined()
        anna = Peer(way, room, transport)
        began = time.perf_counter()
        async with anna:
            await anna.joined()
            joined = time.perf_counter() - began
            seen = []
            for number in range(posts):
                text = f"ben {number}"
                said_at = time.perf_counter()
                await ben.say(text)
                await anna.sees(text)
                seen.append(anna.seat.seen_at[text] - said_at)
            said = [await anna.say(f"anna {number}") for number in range(posts)]
    return Speeds(
        joined, statistics.median(seen), statistics.quantiles(seen, n=20)[-1], statistics.median(said)
    )
