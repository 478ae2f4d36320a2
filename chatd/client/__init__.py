"""A client: rooms over one WebSocket, or over HTTP, that come back by themselves.

    async with connect("http://127.0.0.1:8080/") as client:
        room = await client.join("icu")
        ok = await room.post("A hard night.")
        async for item in room:
            print(item)

Scripts, the terminal, the replay, the tests and the benchmark speak through it. This folder uses the
standard library, `websockets` and `msgpack`, and nothing else of this project: the proof that
`docs/protocol.md` is enough.

What it keeps for its caller:

- **Contiguous.** A room's items are its events in the order of `seq`, each once. Where that
  cannot be, because the room forgot or began anew, it says `CleanStart`.
- **Exactly once.** A post that was sent and not answered is sent again after a break, with the
  same key. Only where the room began anew in between is it not: then `StartedAnew` is raised.
- **Back in the seat.** After a break it joins again with seat, epoch and `after`, waiting
  longer each time, at random (full jitter), unless the close code says not to come back.
- **Bounded.** `max_in_flight` commands wait for an answer; who asks more waits their turn. A
  room's inbox holds `max_inbox` items: typing and presence are dropped when it is half full,
  and when it is full the room *falls behind*. It takes in nothing more until its reader has
  read all, and then asks the server for the rest. A room that nobody reads costs a fixed sum.

Nothing here logs: what is said in a room is nobody's business.
"""

from chatd.client.client import Client, Codec, Transport, comes_back, connect, websocket_url
from chatd.client.items import (
    Backoff,
    ChatError,
    CleanStart,
    Closed,
    Drawn,
    Event,
    Item,
    Lost,
    Mine,
    NotChatd,
    Ok,
    Page,
    Person,
    Presence,
    Recovered,
    Refused,
    SessionNow,
    StartedAnew,
    TypingBy,
    Unreachable,
    Unsendable,
)
from chatd.client.room import Room

__all__ = [
    "Backoff",
    "ChatError",
    "CleanStart",
    "Client",
    "Closed",
    "Codec",
    "Drawn",
    "Event",
    "Item",
    "Lost",
    "Mine",
    "NotChatd",
    "Ok",
    "Page",
    "Person",
    "Presence",
    "Recovered",
    "Refused",
    "Room",
    "SessionNow",
    "StartedAnew",
    "Transport",
    "TypingBy",
    "Unreachable",
    "Unsendable",
    "comes_back",
    "connect",
    "websocket_url",
]
