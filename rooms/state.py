"""What a room is right now, folded from its events. Pure: no clock, no I/O."""

from collections import deque
from typing import Final

from rooms.audience import LateView, PrivateWord
from rooms.events import AnyEvent, Posted, Reacted, Rules, Slowed, Withdrawn
from rooms.log import Head
from rooms.session_apply import rules_after, settled
from rooms.session_events import Admitted, WordAnswered, WordEnded
from rooms.verdict import FACILITATOR

_MAX_SPEAKERS: Final = 4096
_TOLD: Final = (Admitted, WordAnswered, WordEnded)
"""What is listened to besides posts."""


class RoomState:
    """The rules in force, and who spoke when, as far as the rules ask for it.

    `head` is the last event folded in. `version` is what a draft decided here must name. `heard` counts the
    turns of each participant of a session: posts one after the other are one turn. `came` and `words` say
    what was said before somebody came, and what in a private word (`audience.py`).

    Where an event changed the rules in a way that only the room's head in the log knows, they are `doubtful`:
    `version` stays behind with `rules`, so the log keeps nothing decided here until `learn` is called.
    """

    __slots__ = (
        "_doubt",
        "_lately",
        "_spoke_at",
        "_spoke_last",
        "began_at",
        "came",
        "epoch",
        "head",
        "heard",
        "paced_by",
        "rules",
        "version",
        "words",
    )

    def __init__(self, head: Head) -> None:
        self.epoch = head.epoch
        self.began_at = head.began_at
        self.head = head.head
        self.rules: Rules = settled(head.rules, head.rules_version)
        self.version = head.rules_version
        self.heard: dict[str, int] = {}
        self.came: dict[str, int] = {}
        """In a session's room: the first place that each who came may look back to."""
        self.words: list[PrivateWord] = []
        """In a line: the private words there were. The last one may be under way."""
        self.paced_by: RoomState | None = None
        """In a small group: how the session's room stands, whose slow mode holds here as well."""
        self._lately: deque[tuple[int, int]] = deque(maxlen=LateView.POSTS + 1)
        self._doubt = 0
        """The last event whose effect is not in `rules`, where there is one."""
        self._spoke_at: dict[str, tuple[float, str]] = {}
        self._spoke_last: str | None = None

    @property
    def doubtful(self) -> bool:
        return self._doubt > self.version

    def fold(self, event: AnyEvent, now: float) -> None:
        """Take in the next event. `now` is this node's monotonic clock, in seconds."""
        self.head = event.seq
        kind = type(event)
        if kind is Posted:
            if self.rules.session is not None:
                self.listen(event)
            paced = self.paced_by or self
            # What was let through here is known already, and with its key.
            if paced.rules.slow_mode_s and not paced.wait_s(event.handle, "", now):
                paced.spoke(event.handle, "", now)
        elif kind is not Reacted and kind is not Withdrawn:
            # An event older than the head this state began from is already in its rules.
            if event.seq > self.version and (after := rules_after(self.rules, event)) is not self.rules:
                if after is None or self.doubtful:
                    self._doubt = event.seq
                else:
                    self.rules = after
                    self.version = event.seq
            if kind in _TOLD:
                self.listen(event)
            if kind is Slowed and not self.rules.slow_mode_s:
                self._spoke_at.clear()

    def learn(self, rules: Rules, version: int) -> None:
        """The rules as the log has them at `version`: from the room's head, or from a draft of this node's
        own that was just placed. What is known better already stays."""
        if version > self.version:
            self.rules = settled(rules, version)
            self.version = version

    def listen(self, event: AnyEvent) -> None:
        """Take note of what decides nothing: turns, who came, private words. In order, from before this state
        began too."""
        if isinstance(event, Admitted):
            if event.handle not in self.came and len(self.came) < _MAX_SPEAKERS:
                self.came[event.handle] = LateView.first(self._lately, event.at)
        elif isinstance(event, WordAnswered) and event.yes:
            self.words.append(PrivateWord(event.by, event.seq))
        elif isinstance(event, WordEnded) and self.words and self.words[-1].end is None:
            self.words[-1] = PrivateWord(self.words[-1].by, self.words[-1].start, event.seq)
        elif type(event) is Posted:
            self._lately.append((event.seq, event.at))
            handle = event.handle
            if event.role != FACILITATOR and handle != self._spoke_last and len(self.heard) < _MAX_SPEAKERS:
                self.heard[handle] = self.heard.get(handle, 0) + 1
            self._spoke_last = handle

    def looks_back_to(self, handle: str) -> int:
        """The first place that a participant may see. Whose coming is not folded in yet is just coming."""
        if self.rules.session is None:
            return 1
        first = self.came.get(handle)
        if first is None:
            first = LateView.first(self._lately, self._lately[-1][1] if self._lately else 0)
        return first

    def spoke(self, handle: str, key: str, now: float) -> None:
        """Remember that `handle` was let speak, for slow mode. Forgets those it no longer binds."""
        spoke_at = self._spoke_at
        if len(spoke_at) >= _MAX_SPEAKERS:
            oldest = now - self.rules.slow_mode_s
            self._spoke_at = spoke_at = {who: said for who, said in spoke_at.items() if said[0] > oldest}
        spoke_at[handle] = (now, key)

    def wait_s(self, handle: str, key: str, now: float) -> float:
        """Seconds until slow mode lets `handle` speak again; 0.0 for now.

        The same `key` again is the same post, sent again because its answer was lost.
        """
        said = self._spoke_at.get(handle)
        if said is None or not self.rules.slow_mode_s or said[1] == key:
            return 0.0
        return max(0.0, said[0] + self.rules.slow_mode_s - now)
