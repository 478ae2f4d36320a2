"""A process of its own that writes to a log: what tests start, kill and starve.

    python -m tests.rooms.log_process ADDRESS ROOM HANDLE CALLS BATCH [LIMIT_BYTES]

Makes CALLS appends of BATCH posts each and prints the places each was given, as soon as the log has
answered: what is printed is what was reported as kept. With LIMIT_BYTES no file may grow beyond
that until an append was refused; then the limit is lifted and the same drafts are sent again.
"""

import asyncio
import resource
import sys

from rooms.events import Posted
from rooms.log import Appended, Draft, Duplicate, Head, Log, LogUnavailable, Outcome
from rooms.store_sql import open_store


def say(*words: object) -> None:
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


def place(outcome: Outcome) -> int:
    if isinstance(outcome, Appended):
        return outcome.event.seq
    assert isinstance(outcome, Duplicate)
    return outcome.seq


def drafts(head: Head, room: str, handle: str, call: int, batch: int) -> list[Draft]:
    return [
        Draft(
            Posted(room=room, handle=handle, text=f"{handle} {call}.{number} " + "and so on " * 10),
            head.epoch,
            head.rules_version,
            f"{call}.{number}",
        )
        for number in range(batch)
    ]


async def write(log: Log, room: str, handle: str, calls: int, batch: int) -> None:
    head = await log.open_room(room)
    say("ready")
    for call in range(calls):
        todo = drafts(head, room, handle, call, batch)
        try:
            outcomes = await log.append(todo)
        except LogUnavailable as error:
            say("refused", error)
            resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
            outcomes = await log.append(todo)
        say("kept", *map(place, outcomes))


async def main(address: str, room: str, handle: str, calls: str, batch: str, limit_bytes: str = "") -> None:
    store = await open_store(address)
    if limit_bytes:
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit_bytes), resource.RLIM_INFINITY))
    await write(store.log, room, handle, int(calls), int(batch))
    await store.close()
    say("done")


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
