"""The roster: who is in a room, as its members are shown it. The vocabulary of presence.

Pure values and two small rules, `fold` and `band`. Nothing here knows of nodes.
"""

from collections.abc import Mapping
from typing import Final, TypeAlias

import msgspec

CROWD: Final = 256
"""More people than this are a crowd: nobody is named any more, only the count speaks."""

CROWD_ENDS: Final = 3 / 4
"""A crowd stays one until it is down to this part of `CROWD`, so that it does not flicker."""

FACILITATOR: Final = "facilitator"


class Member(msgspec.Struct, frozen=True, omit_defaults=True):
    """One line of the roster, in here and on the wire."""

    handle: str
    role: str | None = None
    away: bool = False


class Roster(msgspec.Struct, frozen=True):
    """Who is there: facilitators first, then by handle. `members` is empty in a crowd, `count`
    is right always. `version` changes whenever something else does, and means nothing more."""

    members: tuple[Member, ...]
    count: int
    version: int


class Show(msgspec.Struct, frozen=True):
    """What changed in `room`, for every member on this node.

    `joined` holds who came, and whose role changed; `away` and `back` who was called away and
    who is back; `left` names only people who were shown before. In a crowd the lists are
    empty. When a crowd ends, `joined` names everybody. `fold` says how a page reads it.
    """

    room: str
    joined: tuple[Member, ...]
    left: tuple[str, ...]
    away: tuple[str, ...]
    back: tuple[str, ...]
    count: int


Names: TypeAlias = Mapping[str, Member]


def fold(shown: Names, show: Show, crowd: int = CROWD) -> dict[str, Member]:
    """What a page that shows `shown` shows after `show`; the page's script does the same.

    More than `crowd` people: forget all names. Otherwise take out `left`, put in `joined`
    (whoever is there already is replaced) and mark `away` and `back`.
    """
    if show.count > crowd:
        return {}
    after = dict(shown)
    for handle in show.left:
        after.pop(handle, None)
    after.update((member.handle, member) for member in show.joined)
    for handles, away in ((show.away, True), (show.back, False)):
        for handle in handles:
            if handle in after:
                after[handle] = msgspec.structs.replace(after[handle], away=away)
    return after


def place(member: Member) -> tuple[bool, str]:
    """What a roster is sorted by: facilitators first, then by handle."""
    return member.role != FACILITATOR, member.handle


def ordered(members: Names) -> tuple[Member, ...]:
    """The members in the order of a roster."""
    return tuple(sorted(members.values(), key=place))


def band(count: int) -> str:
    """What the lobby says of `count` people: never a number that gives one person away."""
    if count <= 0:
        return "nobody yet"
    return "a few" if count < 5 else "5 or more"
