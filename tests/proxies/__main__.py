"""Measures each transport through each intermediary, and prints the table of docs/transports.md.

    python -m tests.proxies [--posts N] [ROW...]        one row per intermediary; takes about a minute

Needs the programs that `scripts/test` installs. Everything is on loopback, so the times are what the
intermediary and chatd cost, without a network.
"""

import argparse
import asyncio
import sys

from chatd.throwaway import throwaway_server
from tests.proxies.lines import Barred
from tests.proxies.peers import Peer
from tests.proxies.rows import DIRECT, ROWS, TRANSPORTS, Nothing, Row, Transport, Way, port_of, standing
from tests.proxies.talks import Speeds, measure

UNHURRIED = {"CHATD_POST_PER_S": "0", "CHATD_ASK_PER_S": "0"}
"""One person says everything here, as fast as it goes."""

HEAD = """\
| what stands in between | WebSocket | SSE + POST | polling + POST |
| --- | --- | --- | --- |
"""


async def cell(row: Row, direct: Way, transport: Transport, posts: int) -> str:
    room = f"{row.slug}-{transport}"
    async with standing(row, port_of(direct)) as way:
        if transport in row.works():
            return shown(await measure(way, direct, room, transport, posts))
        async with Peer(way, room, transport) as anna:
            try:
                await anna.joined()
                await anna.until(lambda: False, "that it does not work")
            except Barred as barred:
                return f"no: {barred}"
    raise AssertionError("this was to be barred")


def shown(speeds: Speeds) -> str:
    """In milliseconds. The document says how to read it."""
    joined, p50, p95, said = (
        f"{1000 * value:.0f}" for value in (speeds.joined, speeds.seen_p50, speeds.seen_p95, speeds.said_p50)
    )
    return f"{joined} · {p50} ({p95}) · {said}"


async def table(rows: list[Row], posts: int) -> None:
    async with throwaway_server(UNHURRIED) as url:
        direct = Way(url.rstrip("/"), Nothing())
        sys.stdout.write(HEAD)
        for row in rows:
            cells = [await cell(row, direct, transport, posts) for transport in TRANSPORTS]
            sys.stdout.write(f"| {row.name} | {' | '.join(cells)} |\n")
            sys.stdout.flush()


def main() -> None:
    rows = (DIRECT, *ROWS)
    parser = argparse.ArgumentParser(
        prog="python -m tests.proxies", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--posts", type=int, default=100, help="how many are said each way")
    parser.add_argument("rows", nargs="*", metavar="ROW", help=", ".join(row.slug for row in rows))
    asked = parser.parse_args()
    asyncio.run(table([row for row in rows if not asked.rows or row.slug in asked.rows], asked.posts))


if __name__ == "__main__":
    main()
