"""The hub's way of showing one room's events to different eyes; see `rooms/audience.py` for what differs.

Only rooms with a session come here, and they are small: each member's frames are made for facilitators or
for everybody else, never once for all.
"""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final

import msgspec

from rooms.audience import seen_by, shown
from rooms.events import AnyEvent
from rooms.state import RoomState

if TYPE_CHECKING:
    from chatd.live_room import LiveRoom


class Viewer(msgspec.Struct, frozen=True):
    """Who looks: a handle, and whether it is a facilitator's."""

    handle: str = ""
    facilitator: bool = False

    def first(self, state: RoomState) -> int:
        """The first place of the room that this one may look back to."""
        return 1 if self.facilitator else state.looks_back_to(self.handle)

    def shown(self, events: Iterable[AnyEvent], state: RoomState) -> list[AnyEvent]:
        """`events` of the room that stands so, as this one sees them."""
        session = state.rules.session
        hidden = frozenset(session.hidden) if session is not None else frozenset()
        return shown(events, self.handle, facilitator=self.facilitator, hidden=hidden, words=state.words)


def same_for_all(state: RoomState) -> bool:
    """Whether everybody in the room that stands so is shown the same."""
    return state.rules.session is None and not state.words


ANYBODY: Final = Viewer()


def write_private(live: "LiveRoom", events: Sequence[AnyEvent]) -> None:
    """Write a turn's events, of which some are not for everybody, to the room's members.

    A turn may bring much at once, where the bus was away: a post and that it was hidden, a private word and
    what was said in it. What is hidden by its end is shown to nobody then, and a word to those it is between.
    """
    for_all = ANYBODY.shown(events, live.state)
    for format_, group in live.groups.items():
        frames = [format_.frame(event) for event in for_all]
        batch = format_.join(frames)
        # A copy: a sink that is cut while it is written to may leave the group at once.
        for sink in list(group):
            own, own_batch = frames, batch
            if (leads := live.facilitators.get(sink)) is not None:
                own = [format_.frame(event) for event in _to_facilitator(leads, live, events)]
                own_batch = format_.join(own)
            if sink.outbox:
                sink.outbox.extend(own)
            else:
                sink.write(own_batch)


def _to_facilitator(handle: str, live: "LiveRoom", events: Sequence[AnyEvent]) -> Sequence[AnyEvent]:
    if live.state.words:
        return Viewer(handle, True).shown(events, live.state)
    return [seen_by(event, facilitator=True) for event in events]
