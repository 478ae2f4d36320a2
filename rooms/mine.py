"""What is kept of one person in a room: counted from the events under their handle, and from the rules. Pure.

It is what a person is shown who asks what the server holds about them; so it counts what is there, and not
what ought to be.
"""

from collections.abc import Iterable

import msgspec

from rooms.events import AnyEvent, Posted, Reacted, Withdrawn
from rooms.floor import speaker
from rooms.session import Session
from rooms.session_events import Held


class Kept(msgspec.Struct):
    """`posts` and `reactions`: those whose content is there. `withdrawn`: of those there is the place only,
    and that it was taken back. `waiting`: posts that a facilitator has not let through yet. `other`: all that
    is neither, such as a hand that was raised. `since`: the first of them, Unix seconds; 0: there is none."""

    posts: int = 0
    reactions: int = 0
    withdrawn: int = 0
    waiting: int = 0
    other: int = 0
    since: int = 0

    def add(self, events: Iterable[AnyEvent]) -> None:
        """Count `events`, which all are by the same handle."""
        for event in events:
            self.since = min(self.since or event.at, event.at)
            if isinstance(event, Posted | Reacted):
                if event.withdrawn:
                    self.withdrawn += 1
                elif isinstance(event, Posted):
                    self.posts += 1
                else:
                    self.reactions += 1
            elif isinstance(event, Held):
                self.waiting += bool(event.text)
            elif not isinstance(event, Withdrawn):
                self.other += 1


def to_withdraw(events: Iterable[AnyEvent]) -> list[int]:
    """The places of what its author may take back still."""
    return [event.seq for event in events if isinstance(event, Posted | Reacted) and not event.withdrawn]


def stands(session: Session | None, handle: str) -> tuple[str, ...]:
    """What a session knows of `handle` besides what happened: words of `docs/protocol.md`."""
    if session is None:
        return ()
    known = {
        "member": handle in session.members,
        "waiting": any(place.handle == handle for place in session.waiting),
        "accepted": handle in session.accepted,
        "listening": handle in session.listening,
        "hand": handle in session.floor.hands,
        "floor": speaker(session.floor) == handle,
        "voted": session.poll is not None and handle in session.poll.voted,
        "checked_in": handle in session.before.given or handle in session.after.given,
        "limited": any(limited.handle == handle for limited in session.limited),
    }
    return tuple(word for word, so in known.items() if so)
