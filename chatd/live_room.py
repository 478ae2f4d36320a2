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
from rooms.events import AnyEvent, Posted, Reacted, Withdrawn
from rooms.log import Head
from rooms.state import RoomState

RECENT: Final = 128
"""Events kept in memory while the room is live: what nearly everybody asks for when they come."""
MAX_HELD: Final = 1_000
"""Events held behind a hole; what is beyond is read from the log when the hole is mended."""
MAX_HINTS: Final = 16
"""Typing and presence frames of one turn; more say nothing new."""
MAX_ENCODED: Final = 64
"""Encoded histories kept for those who come at the same time."""


class LiveRoom:
    """`next_seq` is the place the next event must have; `recent` ends just before it."""

    __slots__ = (
        "_encoded",
        "groups",
        "held",
        "hints",
        "members",
        "name",
        "next_seq",
        "pending",
        "recent",
        "state",
        "timer",
    )

    def __init__(self, name: str, head: Head, recent: list[AnyEvent], now: float) -> None:
        self.name = name
        self.state = RoomState(head)
        self.recent: deque[AnyEvent] = deque(maxlen=RECENT)
        self.next_seq = head.head + 1
        for event in recent:
            # Committed after `head` was read: placed like any other, the head has just moved on.
            if event.seq >= self.next_seq:
                self.state.fold(event, now)
                self.next_seq = event.seq + 1
            self.recent.append(event)
        self.held: dict[int, AnyEvent] = {}
        self.pending: list[AnyEvent] = []
        self.hints: list[msgspec.Struct] = []
        self.groups: dict[Format, dict[Sink, None]] = {}
        self.members = 0
        self.timer: asyncio.TimerHandle | None = None
        self._encoded: dict[tuple[Format, int], msgspec.Raw] = {}

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
        if type(event) is Withdrawn:
            self._blank(event.target)
        self.recent.append(event)
        self.pending.append(event)
        if self._encoded:
            self._encoded.clear()

    def skip_to(self, seq: int) -> None:
        """Go on at `seq`: what lies before it is not in the log any more."""
        self.next_seq = seq
        self.recent.clear()
        self._encoded.clear()

    def forget_before(self, at: int) -> None:
        """What is older than the room keeps is shown to nobody who comes. `at`: Unix seconds."""
        while self.recent and self.recent[0].at < at:
            self.recent.popleft()
            self._encoded.clear()

    def _blank(self, target: int) -> None:
        """What is withdrawn is gone here as it is in the log, so that nobody who comes is shown it."""
        index = target - (self.next_seq - 1 - len(self.recent))
        if 0 <= index < len(self.recent):
            event = self.recent[index]
            if type(event) is Posted:
                self.recent[index] = msgspec.structs.replace(event, text="", withdrawn=True)
            elif type(event) is Reacted:
                self.recent[index] = msgspec.structs.replace(event, withdrawn=True)

    def encoded(self, format_: Format, start: int, older: list[AnyEvent]) -> msgspec.Raw:
        """`older`, then the recent events from `start` on, as one encoded list."""
        if older:
            return msgspec.Raw(format_.encode(older + self.recent_from(start)))
        raw = self._encoded.get((format_, start))
        if raw is None:
            raw = msgspec.Raw(format_.encode(self.recent_from(start)))
            if len(self._encoded) >= MAX_ENCODED:
                self._encoded.clear()
            self._encoded[format_, start] = raw
        return raw

    def recent_from(self, start: int) -> list[AnyEvent]:
        """The recent events from the place `start` on."""
        skip = start - self.first_recent
        return list(self.recent)[skip:] if skip > 0 else list(self.recent)

    # ---- members -------------------------------------------------------------------------------

    def sinks(self) -> Iterator[Sink]:
        return chain.from_iterable(self.groups.values())

    def add(self, sink: Sink) -> None:
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
