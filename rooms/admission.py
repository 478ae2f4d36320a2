"""Who gets a place in the group, who waits for one, and who gives theirs up. Pure.

    admission(room, session, handle, now)   somebody is at the door, or asks again from the waiting line
    departure(room, session, handle)        somebody leaves, or has been gone for long

Not on the wire: the gateway asks at the door, and the clock sees to the rest (`session_clock.py`).
Facilitators need no place. The line is fair: whoever has waited longest gets the free place, and nobody who
comes later. A locked room lets in nobody new; who was of the group and was gone for long comes back.
"""

from typing import Final

from rooms.moderation import limits
from rooms.phases import FINAL
from rooms.session import MAX_WAITING, Session
from rooms.session_events import Admitted, Departed, Waited
from rooms.verdict import Refusal, Why

WAITS_S: Final = 30
"""A place in the line lapses when nobody has asked for so long."""
NOTED_S: Final = 10
"""Who waits asks every few seconds; it is noted so often, so that a full line does not fill the log."""


def place(session: Session, handle: str) -> int | None:
    """`handle`'s place in the waiting line, from 1; None: not in it."""
    for n, waiting in enumerate(session.waiting, 1):
        if waiting.handle == handle:
            return n
    return None


def is_free(session: Session) -> bool:
    """Whether the group has a place for one more."""
    return len(session.members) < session.plan.capacity and not session.locked


def admission(room: str, session: Session, handle: str, now: int) -> Admitted | Waited | Refusal | None:
    """What becomes of `handle` at the door. None: they have a place, or stand in line and were noted.

    `now` in Unix seconds.
    """
    if "remove" in limits(session, handle):
        return Refusal(Why.REMOVED)
    if handle in session.members:
        return None  # also when it is over: who was there is told so, and sees what is left of it
    if session.phase in FINAL or session.phase == "scheduled":
        return Refusal(Why.NOT_OPEN)
    if session.locked and handle not in session.accepted:
        return Refusal(Why.ROOM_LOCKED)
    line = session.waiting
    first = not line or line[0].handle == handle or session.locked  # behind a locked door nobody is served
    if len(session.members) < session.plan.capacity and first:
        return Admitted(room=room, handle=handle)
    asked_at = next((place.asked_at for place in line if place.handle == handle), None)
    if asked_at is None:
        if len(line) >= MAX_WAITING:
            return Refusal(Why.ROOM_FULL)
    elif 0 <= now - asked_at < NOTED_S:
        return None
    return Waited(room=room, handle=handle, since=now)


def departure(room: str, session: Session, handle: str) -> Departed | None:
    """None where they have no place to give up, in the group or in the line; and where it is over anyway."""
    if session.phase in FINAL:
        return None
    if handle in session.members or place(session, handle) is not None:
        return Departed(room=room, handle=handle)
    return None
