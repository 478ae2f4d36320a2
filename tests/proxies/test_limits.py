"""Intermediaries with a short patience: who is cut again and again misses nothing, and what helps."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from tests.fixtures.servers import Serve
from tests.proxies.lines import Refused
from tests.proxies.peers import Peer
from tests.proxies.rows import (
    BY_SLUG,
    SMALL_BODY_BYTES,
    TRANSPORTS,
    Nothing,
    Transport,
    Way,
    port_of,
    standing,
)


@asynccontextmanager
async def through(slug: str, server: Way) -> AsyncIterator[tuple[AsyncExitStack, Way, str]]:
    """What ends with the test, the way through this intermediary, and a room."""
    async with AsyncExitStack() as stack:
        way = await stack.enter_async_context(standing(BY_SLUG[slug], port_of(server)))
        yield stack, way, f"{slug}-{secrets.token_hex(4)}"


@pytest.mark.parametrize("slug", ["haproxy-short", "cutter"])
async def test_who_is_cut_again_and_again_misses_nothing(slug: str, direct: Way) -> None:
    """With chatd's own settings, which are too slow for either."""
    async with through(slug, direct) as (stack, way, room):
        ben = await stack.enter_async_context(Peer(direct, room, "ws"))
        people = [await stack.enter_async_context(Peer(way, room, transport)) for transport in TRANSPORTS]
        for person in people:
            await person.joined()
        await ben.say("before")

        async def cut(person: Peer, number: int) -> None:
            breaks = person.breaks
            await person.until(lambda: person.breaks > breaks, "a cut")
            await person.say(f"cut {number}")

        await asyncio.gather(*(cut(person, number) for number, person in enumerate(people)))
        await ben.say("after")
        for person in (ben, *people):
            await person.sees("after")
            assert person.seat.texts == ben.seat.texts
        assert len(ben.seat.texts) == 2 + len(people)


async def test_a_short_patience_is_met_by_speaking_more_often(serve: Serve) -> None:
    """What docs/transports.md tells to do about a proxy with short timeouts."""
    server = await serve(
        "--open",
        *("--set", "ping_interval_s=0.5", "--set", "ping_timeout_s=0.5", "--set", "stream_comment_s=0.5"),
    )
    async with through("haproxy-short", Way(server.url, Nothing())) as (stack, way, room):
        socket, stream, polling = [
            await stack.enter_async_context(Peer(way, room, transport)) for transport in TRANSPORTS
        ]
        for person in (socket, stream):
            await person.joined()
        # A poll says nothing while it waits, so it is cut: that tells how much time has passed.
        await polling.until(lambda: polling.breaks >= 2, "two cuts")
        assert socket.breaks == stream.breaks == 0


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_a_limit_on_bodies_costs_only_the_longest_posts(transport: Transport, direct: Way) -> None:
    async with through("nginx-bodies", direct) as (stack, way, room):
        anna = await stack.enter_async_context(Peer(way, room, transport))
        longest = "a" * 4000  # with what is around it, more than this intermediary takes
        if transport == "ws":
            await anna.say(longest)
            await anna.sees(longest)
        else:
            with pytest.raises(Refused) as refused:
                await anna.say(longest)
            assert refused.value.code == 413
        await anna.say("a" * (SMALL_BODY_BYTES // 2))
        await anna.say("shorter")
        await anna.sees("shorter")
        assert not anna.breaks
