"""What a room is right now, folded from its events. Pure: no clock, no I/O."""

from typing import Final

from rooms.events import AnyEvent, Posted, Rules, Slowed
from rooms.log import Head

_MAX_SPEAKERS: Final = 4096


class RoomState:
    """The rules in force, and who spoke when, as far as the rules ask for it.

    `head` is the last event folded in. `version` is what a draft decided here must name.
    """

    __slots__ = ("_spoke_at", "epoch", "head", "rules", "version")

    def __init__(self, head: Head) -> None:
        self.epoch = head.epoch
        self.head = head.head
        self.rules: Rules = head.rules
        self.version = head.rules_version
        self._spoke_at: dict[str, tuple[float, str]] = {}

    def fold(self, event: AnyEvent, now: float) -> None:
        """Take in the next event. `now` is this node's monotonic clock, in seconds."""
        self.head = event.seq
        if type(event) is Slowed:
            # An event older than the head this state began from is already in its rules.
            if event.seq > self.version:
                self.rules = Rules(slow_mode_s=event.seconds)
                self.version = event.seq
            if not self.rules.slow_mode_s:
                self._spoke_at.clear()
        elif (
            self.rules.slow_mode_s
            and type(event) is Posted
            # What was let through here is known already, and with its key.
            and not self.wait_s(event.handle, "", now)
        ):
            self.spoke(event.handle, "", now)

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
