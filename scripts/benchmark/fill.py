"""Fills a log: `python -m scripts.benchmark.fill DATABASE POSTS`, through the log's own code.

A hundred rooms, a thousand posts to a transaction. Writes the SQLite file it is given, beside a running
server.
"""

import asyncio
import sys
from pathlib import Path

from rooms.events import Posted
from rooms.log import Draft
from rooms.store_sql import migrate, open_store

ROOMS = 100
BATCH = 1000
TEXT = "it was a long night and I am glad that you are here " * 2


async def fill(database: Path, posts: int) -> None:
    await migrate(database)
    store = await open_store(database)
    try:
        heads = [(f"old-{room}", await store.log.open_room(f"old-{room}")) for room in range(ROOMS)]
        for start in range(0, posts, BATCH):
            drafts = []
            for number in range(start, min(start + BATCH, posts)):
                room, head = heads[number % ROOMS]
                event = Posted(room=room, handle="calm-heron", text=TEXT)
                drafts.append(Draft(event, head.epoch, head.rules_version, f"p:{posts}-{number}"))
            await store.log.append(drafts)
    finally:
        await store.close()


if __name__ == "__main__":
    asyncio.run(fill(Path(sys.argv[1]), int(sys.argv[2])))
    sys.stdout.write("filled\n")
