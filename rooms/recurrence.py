"""How often a series meets: the part of RFC 5545's RRULE that calendars agree on. Pure; no expansion.

Outlook, Google and Apple each read more than this, and each something else (MS-OXCICAL 2.1.3.2.2 has
Outlook's templates): a rule outside of it would put a session on one day in the room and on another in
somebody's calendar. So it is refused here, and hostile rules (`FREQ=SECONDLY`) with it.

    FREQ=DAILY    INTERVAL=1..30
    FREQ=WEEKLY   INTERVAL=1..26    BYDAY=TU,TH
    FREQ=MONTHLY  INTERVAL=1..12    BYDAY=2TU (1..4, -1) or BYMONTHDAY=1..28 or -1
    and COUNT=1..520 with any of them
"""

import re
from calendar import monthrange
from datetime import date, timedelta
from typing import Final, Literal, TypeAlias

import msgspec

Frequency: TypeAlias = Literal["DAILY", "WEEKLY", "MONTHLY"]

DAYS: Final = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
"""As RFC 5545 writes them, in the order of `date.weekday`."""
MAX_COUNT: Final = 520
"""Ten years of weeks."""
MAX_RULE_CHARS: Final = 200
_MAX_INTERVAL: Final[dict[str, int]] = {"DAILY": 30, "WEEKLY": 26, "MONTHLY": 12}
_PARTS: Final = ("FREQ", "INTERVAL", "BYDAY", "BYMONTHDAY", "COUNT")
_NTH_DAY: Final = re.compile(r"(1|2|3|4|-1)(MO|TU|WE|TH|FR|SA|SU)")


class NoRule(ValueError):
    """What was given is no rule that every calendar understands. The text is a sentence that says why."""


class Recurrence(msgspec.Struct, frozen=True, kw_only=True):
    """A rule. `nth` and `monthday` count from the end of the month where they are -1."""

    frequency: Frequency
    interval: int = 1
    days: tuple[int, ...] = ()
    """Weekdays, 0 Monday to 6 Sunday, ascending."""
    nth: int | None = None
    """Which of the month's `days[0]`."""
    monthday: int | None = None
    count: int | None = None

    def __str__(self) -> str:
        """As an RRULE, always the same for the same rule."""
        parts = [f"FREQ={self.frequency}"]
        if self.interval > 1:
            parts.append(f"INTERVAL={self.interval}")
        if self.days:
            nth = "" if self.nth is None else str(self.nth)
            parts.append("BYDAY=" + ",".join(nth + DAYS[day] for day in self.days))
        if self.monthday is not None:
            parts.append(f"BYMONTHDAY={self.monthday}")
        if self.count is not None:
            parts.append(f"COUNT={self.count}")
        return ";".join(parts)

    def begins_on(self, day: date) -> bool:
        """Whether `day` is one of its days. The first date of a series has to be: what a calendar makes of
        one that is not is left open by RFC 5545 (section 3.8.5.3)."""
        if self.days and day.weekday() not in self.days:
            return False
        if self.nth is not None and self.nth not in (1 + (day.day - 1) // 7, -1 if _last_week(day) else 0):
            return False
        if self.monthday is not None:
            last = monthrange(day.year, day.month)[1]
            return day.day == (self.monthday if self.monthday > 0 else last)
        return self.frequency != "MONTHLY" or self.nth is not None or day.day <= 28


def _last_week(day: date) -> bool:
    return (day + timedelta(days=7)).month != day.month


def read_rule(text: str) -> Recurrence:
    """The rule in `text`, whose parts may stand in any order and case. `NoRule` quotes nothing of it."""
    parts: dict[str, str] = {}
    if len(text) > MAX_RULE_CHARS:
        raise NoRule(f"A rule has at most {MAX_RULE_CHARS} characters.")
    for part in text.upper().removeprefix("RRULE:").split(";"):
        name, equals, value = part.strip().partition("=")
        if name == "WKST" and value == "MO":
            continue  # what it is anyway
        if name == "UNTIL":
            raise NoRule("Give the end as `until`, a date, and leave UNTIL out of the rule.")
        if name == "BYMONTH":
            raise NoRule("Name the months without a session as `skip_months`, and leave BYMONTH out.")
        if not equals or name in parts or name not in _PARTS:
            raise NoRule(
                "A rule is like FREQ=WEEKLY;INTERVAL=2;BYDAY=TU. It may have FREQ, INTERVAL, BYDAY, "
                "BYMONTHDAY and COUNT, each once."
            )
        parts[name] = value
    frequency = _frequency(parts.get("FREQ", ""))
    days, nth = _days(frequency, parts.get("BYDAY"))
    monthday = _monthday(frequency, parts.get("BYMONTHDAY"))
    if nth is not None and monthday is not None:
        raise NoRule("Choose a weekday of the month (BYDAY=2TU) or a day of it (BYMONTHDAY=15), not both.")
    return Recurrence(
        frequency=frequency,
        interval=_number(parts.get("INTERVAL", "1"), "INTERVAL", _MAX_INTERVAL[frequency]),
        days=days,
        nth=nth,
        monthday=monthday,
        count=_number(parts["COUNT"], "COUNT", MAX_COUNT) if "COUNT" in parts else None,
    )


def _frequency(value: str) -> Frequency:
    if value == "DAILY":
        return "DAILY"
    if value == "WEEKLY":
        return "WEEKLY"
    if value == "MONTHLY":
        return "MONTHLY"
    raise NoRule("A series meets daily, weekly or monthly: FREQ=DAILY, FREQ=WEEKLY or FREQ=MONTHLY.")


def _number(value: str, name: str, most: int) -> int:
    if not re.fullmatch(r"[1-9][0-9]{0,3}", value) or int(value) > most:
        raise NoRule(f"{name} is a whole number from 1 to {most} here.")
    return int(value)


def _days(frequency: Frequency, value: str | None) -> tuple[tuple[int, ...], int | None]:
    if value is None:
        return (), None
    if frequency == "WEEKLY" and set(names := value.split(",")) <= set(DAYS):
        return tuple(sorted({DAYS.index(name) for name in names})), None
    if frequency == "MONTHLY" and (found := _NTH_DAY.fullmatch(value)):
        return (DAYS.index(found[2]),), int(found[1])
    raise NoRule(
        "BYDAY names days of the week (BYDAY=TU,TH) in a weekly rule, and in a monthly one a single weekday "
        "with its place: BYDAY=2TU, the second Tuesday; 1 to 4, or -1 for the last."
    )


def _monthday(frequency: Frequency, value: str | None) -> int | None:
    if value is None:
        return None
    # Beyond the 28th Outlook moves to the month's last day, where others leave the month out.
    if frequency == "MONTHLY" and re.fullmatch(r"-1|[1-9]|1[0-9]|2[0-8]", value):
        return int(value)
    raise NoRule("BYMONTHDAY belongs to a monthly rule, and is 1 to 28, or -1 for the month's last day.")
