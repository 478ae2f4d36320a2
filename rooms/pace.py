"""How fast one person may speak: a token bucket. Pure, time comes in as an argument."""


class Bucket:
    """`burst` at once, then `per_s` a second. `per_s = 0` or less means: no limit."""

    __slots__ = ("_at", "_tokens", "burst", "per_s")

    def __init__(self, burst: float, per_s: float) -> None:
        self.burst = burst
        self.per_s = per_s
        self._tokens = burst
        self._at: float | None = None

    def take(self, now: float) -> float:
        """Take one token: 0.0 where there was one, else the seconds until there is.

        `now` is monotonic seconds; a clock that stands still or goes back gives nothing away.
        """
        if self.per_s <= 0:
            return 0.0
        tokens = self._tokens
        if self._at is not None and now > self._at:
            tokens = min(self.burst, tokens + (now - self._at) * self.per_s)
        self._at = now if self._at is None else max(now, self._at)
        if tokens >= 1.0:
            self._tokens = tokens - 1.0
            return 0.0
        self._tokens = tokens
        return (1.0 - tokens) / self.per_s
