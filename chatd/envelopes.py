"""What nodes say to each other over the bus, and how it is packed.

    room:{name}   Placed, TypingHint, SeatWish, Diff, Snapshot, Ask   everybody with members in the room
    nodes         Beat, Heads, Gone                                   every node

A corrupt or foreign payload is dropped and counted, never raised: the bus is a hint, and what
it loses the log and the next snapshot repair. No I/O.
"""

from typing import Final, Literal, TypeAlias

import msgspec

from presence.messages import Ask, Beat, Diff, Gone, Snapshot
from rooms.events import AnyEvent

NODES_CHANNEL: Final = "nodes"


class Placed(msgspec.Struct, frozen=True, tag_field="t", tag="placed"):
    """Events that `node` committed, with their places. Delivered already on that node."""

    node: str
    room: str
    epoch: str
    at: float
    """When it was published, in Unix seconds: the bus lag, for the metrics."""
    events: list[AnyEvent]


class TypingHint(msgspec.Struct, frozen=True, tag_field="t", tag="typing"):
    node: str
    room: str
    handle: str


Wish: TypeAlias = Literal["away", "back", "leave"]


class SeatWish(msgspec.Struct, frozen=True, tag_field="t", tag="wish"):
    """What `handle` asked of their seat in a request (`sending.py`), for the node that holds it."""

    node: str
    room: str
    handle: str
    wish: Wish


class Heads(msgspec.Struct, frozen=True, tag_field="t", tag="heads"):
    """Where the rooms stand in which something happened lately: room -> (epoch, head)."""

    node: str
    heads: dict[str, tuple[str, int]]


PresenceMessage: TypeAlias = Diff | Snapshot | Ask | Beat | Gone
Envelope: TypeAlias = Placed | TypingHint | SeatWish | Heads | PresenceMessage

_encoder: Final = msgspec.msgpack.Encoder()
_decoder: Final[msgspec.msgpack.Decoder[Envelope]] = msgspec.msgpack.Decoder(Envelope)


def pack(envelope: Envelope) -> bytes:
    return _encoder.encode(envelope)


def unpack(payload: bytes) -> Envelope | None:
    """The envelope in `payload`; None where it is none of ours."""
    try:
        return _decoder.decode(payload)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None
