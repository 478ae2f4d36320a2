"""The bus: a fast hint from node to node, and the interface its backends keep.

**A hint, not the truth.** The bus may lose, repeat, delay and reorder; the log repairs. So it
never retries, never blocks the one who publishes, and says honestly whether it works.

Guarantees, which `tests/contracts/test_bus.py` holds every backend to:

- After `await subscribe(channel)` returns while `healthy`, what any node publishes on the
  channel from then on arrives, unless the bus fails; and what arrives from one node arrives in
  the order published, at most once in normal times. A node hears its own publications as well.
- `publish` returns at once, always. What cannot be sent within the bound (`max_queued`
  messages, two seconds) is dropped, oldest first, and counted.
- **The dead-man.** A bus that is silent although it should not be (killed, frozen with the
  connection open, cut, half open) is `healthy = False` within 0.6 s. `on_health(True)` comes only
  after every subscription stands again: whoever hears it catches up from the log.
"""

from collections.abc import Callable
from typing import Protocol


class Bus(Protocol):
    healthy: bool

    @property
    def dropped(self) -> int:
        """Messages published here that were not sent."""
        ...

    on_message: Callable[[str, bytes], None]
    """(channel, payload), in the event loop's thread. Set before `start`; must not raise."""
    on_health: Callable[[bool], None]
    """Called on every change of `healthy`, and once more with True where the bus may have lost
    messages in between without being seen to be down (a resubscription)."""

    async def start(self) -> None:
        """Begin. Never raises because the server is away: the bus is then unhealthy and tries on."""
        ...

    async def subscribe(self, channel: str) -> None:
        """Return when the subscription stands, or at once where the bus is unhealthy (it will stand
        later, before `on_health(True)`). Idempotent."""
        ...

    def unsubscribe(self, channel: str) -> None: ...

    def publish(self, channel: str, payload: bytes) -> None: ...

    async def stop(self) -> None:
        """Within two seconds, whatever the server does."""
        ...
