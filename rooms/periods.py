"""When an ordinary room begins anew: its period, by the calendar of one zone. Pure; time is an argument.

    Periods(at=5 * 60, zone="Europe/Berlin")     at five in the morning there
    begins_at(1, now), ends_at(1, now)           the day that `now` is in
    label(1, now)                                what that day is called: the date on which it began
    is_over(1, began_at, now)                    an epoch that began then ought to have ended

Periods lie on the calendar and not behind each other: every node says the same of every moment, also one
that was away, and one of seven days ends on the same day of the week for all rooms. A day on which the clocks
change has 23 or 25 hours; a time that a day does not have is taken as that long after midnight.
"""

from datetime import UTC, date, datetime
from typing import Final
from zoneinfo import ZoneInfo

import msgspec

from rooms.catalog import HISTORY_S, RoomSpec

DAY_S: Final = 24 * 3600
CLOCKS_S: Final = 3600
"""How far ahead of our clock an epoch may have begun. Beyond it nobody knows when it did: it is over."""
RENEW_DAYS: Final[dict[str, int]] = {"drop-in": 1, "session": 0, "knowledge": 0}
"""After how many days a room begins anew, by kind; 0 is never. A session is an epoch of its own, and what is
said in a knowledge room goes one by one."""


def days_of(spec: RoomSpec) -> int:
    """After how many days the room begins anew; 0 is never."""
    if spec.kind == "session" or spec.renew_days is None:
        return RENEW_DAYS[spec.kind]
    return spec.renew_days


def kept_s(spec: RoomSpec) -> int:
    """How long at most what is said in the room is kept, in seconds."""
    days = days_of(spec)
    return days * DAY_S if days else HISTORY_S[spec.kind]


class Periods(msgspec.Struct, frozen=True):
    """`at`: minutes after midnight; `zone`: a name of the IANA's list."""

    at: int
    zone: str

    def begins_at(self, days: int, now: float) -> int:
        """When the period of `days` began that `now` is in; both in Unix seconds."""
        return self._moment(self._day(days, now))

    def ends_at(self, days: int, now: float) -> int:
        """When it ends: the first moment of the next one, always after `now`."""
        return self._moment(self._day(days, now) + days)

    def label(self, days: int, now: float) -> str:
        """What the period is called, the same on every node; "" for a room that never begins anew."""
        return date.fromordinal(self._day(days, now)).isoformat() if days else ""

    def is_over(self, days: int, began_at: int, now: float) -> bool:
        """Whether an epoch that began at `began_at` ought to have ended by `now`."""
        return days > 0 and not self.begins_at(days, now) <= began_at <= now + CLOCKS_S

    def due_at(self, days: int, began_at: int, now: float) -> int:
        """When an epoch that began at `began_at` ends, or ought to have ended."""
        known = 0 < began_at <= now + CLOCKS_S
        return self.ends_at(days, began_at) if known else self.begins_at(days, now)

    def _day(self, days: int, now: float) -> int:
        """The day on which the period began, as its number in the calendar."""
        local = datetime.fromtimestamp(now, ZoneInfo(self.zone)).toordinal()
        # From the day after: where clocks go back over midnight, tomorrow may have begun already.
        day = (local + 1) // days * days
        while self._moment(day) > now:
            day -= days
        return day

    def _moment(self, day: int) -> int:
        hour, minute = divmod(self.at, 60)
        begun = datetime.fromordinal(day).replace(hour=hour, minute=minute, tzinfo=ZoneInfo(self.zone))
        return int(begun.astimezone(UTC).timestamp())
