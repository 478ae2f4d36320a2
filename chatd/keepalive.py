"""Who is still there: one shared sweep that pings every connection once per interval.

    slot 0   slot 1   slot 2  ...  slot 63        each tick pings the members of the next slot
      ^ping                 ^check                and checks the slot pinged `timeout_s` ago

No task and no timer per connection: one timer walks around the ring, so the pings of 10,000
connections are spread evenly over the interval. Anything heard counts as alive. A loop that was
itself blocked or suspended holds its own silence against nobody. Touches the loop's clock only.
"""

from collections.abc import Callable
from typing import Any, Final, Protocol

SLOTS: Final = 64


class Member(Protocol):
    """One connection. Sets `heard` whenever its peer sends anything; the rest is the sweep's."""

    heard: bool
    slot: int

    def ping(self) -> None:
        """Send a ping. Must not raise."""
        ...

    def silent(self) -> None:
        """Nothing was heard since the ping, for `timeout_s`. Must not raise."""
        ...

    def abort(self) -> None:
        """End without a word. Must not raise."""
        ...


class Timer(Protocol):
    def cancel(self) -> None: ...


class Clock(Protocol):
    """The two methods of the event loop that the sweep needs. Seconds, monotonic."""

    def time(self) -> float: ...

    def call_at(self, when: float, callback: Callable[..., object], /, *args: Any) -> Timer: ...


class Keepalive:
    """The sweep. `add` and `discard` work before `start` and after `stop` as well.

    A silent member is told so `timeout_s` after its ping, give or take a tick (`interval_s / 64`),
    so at most `interval_s + timeout_s` and a tick after it was last heard.
    """

    def __init__(self, interval_s: float, timeout_s: float) -> None:
        if not 0 < timeout_s <= interval_s:
            raise ValueError("timeout_s must be above 0 and at most interval_s")
        self.tick_s = interval_s / SLOTS
        self._slots: list[set[Member]] = [set() for _ in range(SLOTS)]
        # Rounded up, so that nobody gets less. At SLOTS a slot is checked right before its next ping.
        self._patience = min(SLOTS, -int(-timeout_s // self.tick_s))
        self._stall_s = max(self.tick_s, min(1.0, timeout_s / 4))
        self._next_slot = 0
        self._at = 0
        self._due = 0.0
        self._clock: Clock | None = None
        self._timer: Timer | None = None

    def __len__(self) -> int:
        return sum(map(len, self._slots))

    def members(self) -> list[Member]:
        """Everybody, in no order."""
        return [member for slot in self._slots for member in slot]

    def add(self, member: Member) -> None:
        """Watch `member` from now on. It counts as heard until its first ping."""
        member.heard = True
        member.slot = self._next_slot
        self._next_slot = (self._next_slot + 1) % SLOTS
        self._slots[member.slot].add(member)

    def discard(self, member: Member) -> None:
        """Watch it no more. Idempotent, for members that were added."""
        self._slots[member.slot].discard(member)

    def start(self, clock: Clock) -> None:
        """Begin to sweep. `clock` is the running event loop."""
        if self._timer is not None:
            raise RuntimeError("the sweep runs already")
        self._clock = clock
        self._schedule(clock.time() + self.tick_s)

    def stop(self) -> None:
        """Stop sweeping. Idempotent."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _schedule(self, due: float) -> None:
        assert self._clock is not None
        self._due = due
        self._timer = self._clock.call_at(due, self._tick)

    def _tick(self) -> None:
        assert self._clock is not None
        now = self._clock.time()
        late = now - self._due
        if late > self._stall_s:
            # We did not read for a while: answers may lie in the socket buffers, unread by us.
            for member in self.members():
                member.heard = True
        self._at = (self._at + 1) % SLOTS
        for member in tuple(self._slots[(self._at - self._patience) % SLOTS]):
            if not member.heard:
                member.silent()
        for member in tuple(self._slots[self._at]):
            member.heard = False
            member.ping()
        # Late ticks are not made up for: a burst of pings is what the ring is there to avoid.
        self._schedule(max(self._due + self.tick_s, now + self.tick_s / 2))
