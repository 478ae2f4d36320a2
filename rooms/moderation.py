"""What facilitators may do to one handle or one post: mute, hold, remove; hide. Pure.

A limit holds for the session and for a handle: nobody's name and nobody's address. Whoever it is about was
told so, with the rule and the reason (`aftermath.py`), and may appeal.
"""

from msgspec.structs import replace

from rooms import breakouts, floor
from rooms.session import Limit, Limited, Session


def limits(session: Session, handle: str) -> frozenset[Limit]:
    """What holds for `handle`."""
    if not session.limited:
        return frozenset()
    return frozenset(limited.limit for limited in session.limited if limited.handle == handle)


def known(session: Session, handle: str) -> bool:
    """Whether `handle` is, or was, a participant of this session. Facilitators never are."""
    return (
        handle in session.members
        or handle in session.accepted
        or any(place.handle == handle for place in session.waiting)
        or any(limited.handle == handle for limited in session.limited)
    )


def restricted(session: Session, limited: Limited, on: bool) -> Session:
    """The limit holds from now on, or (`on` false) no more. Who is removed gives up their place at once."""
    handle, limit = limited.handle, limited.limit
    others = tuple(other for other in session.limited if (other.handle, other.limit) != (handle, limit))
    if not on:
        return replace(session, limited=others)
    session = replace(session, limited=(*others, limited))
    if limit == "remove":
        return without(session, handle)
    if limit == "mute":
        return replace(session, floor=floor.without(session.floor, handle))
    return session


def without(session: Session, handle: str) -> Session:
    """`handle` has no place any more: not in the group, not in the waiting line, not on the floor."""
    return replace(
        session,
        members=tuple(member for member in session.members if member != handle),
        waiting=tuple(place for place in session.waiting if place.handle != handle),
        listening=tuple(listener for listener in session.listening if listener != handle),
        floor=floor.without(session.floor, handle),
        breakouts=breakouts.without(session.breakouts, handle),
    )


def hidden(session: Session, target: int, on: bool) -> Session:
    """The post at `target` is shown to nobody but its author and the facilitators, or to all again."""
    others = tuple(seq for seq in session.hidden if seq != target)
    return replace(session, hidden=(*others, target) if on else others)


def pinned(session: Session, target: int, on: bool) -> Session:
    others = tuple(seq for seq in session.pins if seq != target)
    return replace(session, pins=(*others, target) if on else others)
