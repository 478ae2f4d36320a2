"""What nodes tell each other about presence: every message, in one place.

    Held       one handle on one node, as its node holds it
    Diff       who came, changed and went, from version - 1 to version       room's channel
    Snapshot   everybody a node holds in a room, at version                  room's channel
    Ask        "tell me whom you hold there"                                 room's channel
    Beat       "I am here", with counts and versions, once a second          nodes' channel
    Gone       "I stop in good order"                                        nodes' channel

Each node is the only writer of what it holds; its name is new for every run of a process, so
the pair (node, version) never means two things. Soft state: none of this is ever stored.
The bus may lose, repeat, delay and reorder any of it (`chatd.bus`); `replica.py` lives with that.
Pure values, tagged by `t`. Sizes are bounded here, so a decoded message is within them; `chatd`
packs and unpacks them.
"""

from typing import Annotated, Final, TypeAlias

import msgspec
from msgspec import Meta

MAX_MEMBERS: Final = 100_000
"""People that one node holds in one room at most; who comes after is not on the roster."""

MAX_TURN: Final = 2**53 - 1

ROOMS_PER_BEAT: Final = 500

Name: TypeAlias = Annotated[str, Meta(min_length=1, max_length=64)]
Version: TypeAlias = Annotated[int, Meta(ge=0, le=2**53 - 1)]


class Held(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One handle on one node. `turn` counts how often "called away" was set or ended for the
    handle, over all nodes: where two nodes hold it, the higher turn tells which word is newer."""

    handle: Name
    role: Annotated[str, Meta(max_length=32)] | None = None
    away: bool = False
    turn: Annotated[int, Meta(ge=0, le=MAX_TURN)] = 0


class Message(msgspec.Struct, frozen=True, tag_field="t", omit_defaults=True):
    """The common head: who sends it."""

    node: Name


class Diff(Message, frozen=True, tag="diff"):
    """`held` came or changed, `left` went, since `version - 1`. Of use only to who has that one."""

    room: Name
    version: Version
    held: Annotated[list[Held], Meta(max_length=MAX_MEMBERS)] = []
    left: Annotated[list[Name], Meta(max_length=MAX_MEMBERS)] = []


class Snapshot(Message, frozen=True, tag="snapshot"):
    """Everybody `node` holds in `room`. The answer to an `Ask`, and sent in place of a diff that
    would not be shorter (so somebody's first word about a room is a snapshot always)."""

    room: Name
    version: Version
    held: Annotated[list[Held], Meta(max_length=MAX_MEMBERS)] = []


class Ask(Message, frozen=True, tag="ask"):
    """`node` wants a snapshot of `room`, from the node named in `of`, or from all."""

    room: Name
    of: Name | None = None


class Beat(Message, frozen=True, tag="beat"):
    """The node lives. `rooms` is {room: (count, version)} for at most `ROOMS_PER_BEAT` of the
    `total` rooms it has: the changed ones first, then the others in turn."""

    rooms: Annotated[dict[Name, tuple[Version, Version]], Meta(max_length=ROOMS_PER_BEAT)] = {}
    total: Version = 0


class Gone(Message, frozen=True, tag="gone"):
    """The node stops in good order; its people come back elsewhere in a moment."""


AnyMessage: TypeAlias = Diff | Snapshot | Ask | Beat | Gone
