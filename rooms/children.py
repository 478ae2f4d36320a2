"""The rooms that belong to a session's room: their names, and who may be in them. Pure.

    ROOM~staff           the facilitators among themselves
    ROOM~line.MARK       one participant and the facilitators; `MARK` stands for the participant's handle
    ROOM~group.SEQ.N     small group N (0, 1 ...) of the split at SEQ

A belonging room is an ordinary room of the log, the hub and the bus, but it stands in no catalog, and nobody
has a seat of its own in it: who may enter is judged by the seat in the room it belongs to, and again with
every command. A mark is made under a key of the session's epoch (`chatd/seats.py`), so that a name tells
nobody whose line it is, and no name outlives the session.
"""

import re
from typing import Final, Literal, TypeAlias

import msgspec

from rooms.session import Session

Sort: TypeAlias = Literal["staff", "line", "group"]

MARK_CHARS: Final = 12
"""Of a mark, in URL-safe base 64: 72 bits of a keyed hash."""

_NAME: Final = re.compile(
    r"(?P<parent>[a-z0-9][a-z0-9._-]{0,63})"
    r"~(?:(?P<staff>staff)|line\.(?P<mark>[A-Za-z0-9_-]{12})|group\.(?P<split>[1-9][0-9]{0,15})\.(?P<n>0|[1-9]))"
)


class Belonging(msgspec.Struct, frozen=True):
    """What a belonging room's name says. `mark` is of a line; `split` and `n` are of a group."""

    name: str
    parent: str
    sort: Sort
    mark: str = ""
    split: int = 0
    n: int = 0


def staff_room(room: str) -> str:
    return f"{room}~staff"


def line_room(room: str, mark: str) -> str:
    return f"{room}~line.{mark}"


def group_room(room: str, split: int, n: int) -> str:
    return f"{room}~group.{split}.{n}"


def belongs(name: str) -> bool:
    """Whether `name` is no room of the catalog, but wants to belong to one."""
    return "~" in name


def prefix(room: str) -> str:
    """What the names of all rooms that belong to `room` begin with, and no other room's."""
    return f"{room}~"


def read(name: str) -> Belonging | None:
    """The parts of a belonging room's name; None where it is none."""
    found = _NAME.fullmatch(name)
    if found is None:
        return None
    parent = found["parent"]
    if found["staff"]:
        return Belonging(name, parent, "staff")
    if found["mark"]:
        return Belonging(name, parent, "line", mark=found["mark"])
    return Belonging(name, parent, "group", split=int(found["split"]), n=int(found["n"]))


def holders(session: Session) -> frozenset[str]:
    """The handles that have a line: everybody who has, or had, a place in the group."""
    return frozenset((*session.members, *session.accepted, *(limited.handle for limited in session.limited)))


def group_of(session: Session, room: str, handle: str) -> str | None:
    """The small group's room that `handle` is in just now."""
    split = session.breakouts
    if split is None:
        return None
    for n, group in enumerate(split.groups):
        if handle in group:
            return group_room(room, split.id, n)
    return None


def groups_of(session: Session, room: str) -> tuple[str, ...]:
    """The rooms of the small groups there are just now."""
    split = session.breakouts
    return () if split is None else tuple(group_room(room, split.id, n) for n in range(len(split.groups)))
