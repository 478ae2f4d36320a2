"""A room with members on this node: its place in the log, its recent events, its members' sinks.

Synchronous and without I/O of its own; `hub.py` decides when to read, when to wait and when to
write. One object per room and node, so everything here is a few fields and no task.
"""

import asyncio
from collections import deque
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Final

import msgspec

from chatd.sink import Format, Sink
from rooms.audience import DIFFERS
from rooms.children import belongs
from rooms.events import AnyEvent, Posted, Reacted, Withdrawn
from rooms.log import Head
from rooms.session_events import Decided, Held
from rooms.state import RoomState

RECENT: Final = 128
"""Events kept in memory while the room is live: what nearly everybody asks for when they come."""
MAX_HELD: Final = 1_000
"""Events held behind a hole; what is beyond is read from the log when the hole is mended."""
_NOTABLE: Final = DIFFERS | {Withdrawn, Decided}

MAX_HINTS: Final = 16
"""Typing and presence frames of one turn; more say nothing new."""


class LiveRoom:
    """`next_seq` is the place the next event must have; `recent` ends just before it."""

    __slots__ = (
        "_newest",
        "belongs",
        "facilitators",
        "groups",
        "held",
        "hints",
        "members",
        "name",
        "next_seq",
        "pending",
        "private",
        "recent",
        "shown",
        "state",
        "timer",
        "withdrawn",
    )

    def __init__(
        self, name: str, head: Head, recent: list[AnyEvent], now: float, earlier: Iterable[AnyEvent] = ()
    ) -> None:
        """`earlier`: events before the `recent` ones, of which only is noted what `RoomState.listen` does."""
        self.name = name
        self.state = RoomState(head)
        for event in earlier:
            self.state.listen(event)
        self.recent: deque[AnyEvent] = deque(maxlen=RECENT)
        self.next_seq = head.head + 1
        for event in recent:
            # Committed after `head` was read: placed like any other, the head has just moved on.
            if event.seq >= self.next_seq:
                self.state.fold(event, now)
                self.next_seq = event.seq + 1
            else:
                self.state.listen(event)
            self.recent.append(event)
        self.held: dict[int, AnyEvent] = {}
        self.pending: list[AnyEvent] = []
        self.hints: list[msgspec.Struct] = []
        self.groups: dict[Format, dict[Sink, None]] = {}
        self.members = 0
        self.facilitators: dict[Sink, str] = {}
        """Those among the members, and their handles."""
        self.timer: asyncio.TimerHandle | None = None
        self.withdrawn = 0
        """How many events took something back while the room was live."""
        self.belongs = belongs(name)
        """Whether it belongs to a session's room (`rooms/children.py`)."""
        self.shown = self.state.version
        """The version of the rules that its members were last shown."""
        self.private = False
        """Whether something among `pending` is not for everybody."""
        self._newest: int | None = None

    @property
    def head(self) -> int:
        return self.next_seq - 1

    @property
    def first_recent(self) -> int:
        """The first `seq` in `recent`; `next_seq` where there is none."""
        return self.next_seq - len(self.recent)

    # ---- events --------------------------------------------------------------------------------

    def offer(self, events: Iterable[AnyEvent], now: float) -> bool:
        """Place what is next, hold what is early, drop what is known. True where any was placed."""
        before = self.next_seq
        for event in events:
            if event.seq == self.next_seq:
                self._place(event, now)
            elif event.seq > self.next_seq and len(self.held) < MAX_HELD:
                self.held[event.seq] = event
        while self.held and (held := self.held.pop(self.next_seq, None)) is not None:
            self._place(held, now)
        if self.held and self.next_seq > before:
            # A read from the log may have passed what was held.
            self.held = {seq: event for seq, event in self.held.items() if seq > self.next_seq}
        return self.next_seq > before

    def _place(self, event: AnyEvent, now: float) -> None:
        self.next_seq += 1
        self.state.fold(event, now)
        if type(event) in _NOTABLE:
            self._note(event)
        if self.state.words:
            self.private = True
        self.recent.append(event)
        self.pending.append(event)
        self._newest = None

    def _note(self, event: AnyEvent) -> None:
        """What concerns more than those who read it now: something taken back, or not for everybody."""
        if isinstance(event, Withdrawn | Decided):
            self.withdrawn += 1
            self._blank(event.target)
        else:
            self.private = True

    def skip_to(self, seq: int) -> None:
        """Go on at `seq`: what lies before it is not in the log any more."""
        self.next_seq = seq
        self.recent.clear()
        self._newest = None

    def forget_before(self, at: int) -> None:
        """What is older than the room keeps is shown to nobody who comes. `at`: Unix seconds."""
        while self.recent and self.recent[0].at < at:
            self.recent.popleft()
            self._newest = None

    def _blank(self, target: int) -> None:
        """What is withdrawn is gone here as it is in the log, so that nobody who comes is shown it."""
        index = target - (self.next_seq - 1 - len(self.recent))
        if 0 <= index < len(self.recent):
            event = self.recent[index]
            if type(event) is Posted:
                self.recent[index] = msgspec.structs.replace(event, text="", withdrawn=True)
            elif type(event) is Reacted:
                self.recent[index] = msgspec.structs.replace(event, kind="", withdrawn=True)
            elif type(event) is Held:
                self.recent[index] = msgspec.structs.replace(event, text="")

    def newest(self, count: int, size: int) -> int:
        """The place from which a clean start shows the room: `count` events, as far as they have no more
        than about `size` bytes. Both are always the same, so this is found once until something happens."""
        if self._newest is None:
            start = max(self.first_recent, self.head - count + 1)
            for event in reversed(self.recent_from(start)):
                size -= about_bytes(event)
                if size < 0:
                    start = event.seq + 1
                    break
            self._newest = start
        return self._newest

    def recent_from(self, start: int) -> list[AnyEvent]:
        """The recent events from the place `start` on."""
        skip = start - self.first_recent
        return list(self.recent)[skip:] if skip > 0 else list(self.recent)

    # ---- members -------------------------------------------------------------------------------

    def sinks(self) -> Iterator[Sink]:
        return chain.from_iterable(self.groups.values())

    def add(self, sink: Sink, *, facilitator: str | None = None) -> None:
        """`facilitator`: the handle of one."""
        if facilitator is not None:
            self.facilitators[sink] = facilitator
        group = self.groups.setdefault(sink.format, {})
        if sink not in group:
            group[sink] = None
            self.members += 1

    def remove(self, sink: Sink) -> bool:
        """True where it was a member."""
        group = self.groups.get(sink.format)
        if group is None or sink not in group:
            return False
        del group[sink]
        self.facilitators.pop(sink, None)
        self.members -= 1
        if not group:
            del self.groups[sink.format]
        return True

    def hint(self, frame: msgspec.Struct) -> bool:
        """Something to say to all who keep up. False where this turn has enough of them."""
        if len(self.hints) >= MAX_HINTS:
            return False
        self.hints.append(frame)
        return True

    def stop_waiting(self) -> None:
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None


def about_bytes(event: AnyEvent) -> int:
    """About what an event takes on the wire."""
    return 128 + (len(event.text.encode()) if isinstance(event, Posted) else 0)
