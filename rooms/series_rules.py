"""What follows from a planned series, purely: the plan of one session, what to think about, words for it.

Time comes in as an argument; which dates there are comes from `series_ical.py`.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any, Final

import msgspec

from rooms.recurrence import NoRule, Recurrence, read_rule
from rooms.series import Change, Occurrence, Series, occurrence_id, planned_at
from rooms.session import Item, ItemPhase, Plan
from rooms.text import normalise

SHORT_MINUTES: Final = 45
LONG_MINUTES: Final = 90
"""PRODUCT: 60 minutes, 45 to 90."""
SECOND_FACILITATOR: Final = 8
LARGE: Final = 10
SPLIT: Final = 12
"""PRODUCT: above 8 a second facilitator, from 10 a warning, above 12 smaller groups."""
SMALL: Final = 3

_ORDER: Final[tuple[ItemPhase, ...]] = ("opening", "open", "winding_down", "closing_round")
DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS: Final = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_NTH: Final = {1: "first", 2: "second", 3: "third", 4: "fourth", -1: "last"}


class NoSeries(ValueError):
    """What was given makes no series. The text is a sentence that says what to change; it quotes nothing."""


def read_series(fields: Mapping[str, Any]) -> Series:
    """The series that somebody's `fields` mean, made fit to be kept: text without what cannot be shown, the
    rule as we write it, lists in order. `NoSeries`."""
    tidy = dict(fields)
    tidy |= _words(tidy, "title", "about")
    if isinstance(agenda := tidy.get("agenda"), list | tuple):
        parts = (msgspec.to_builtins(each) if isinstance(each, Item) else each for each in agenda)
        tidy["agenda"] = [
            {**each, **_words(each, "title", "prompt")} if isinstance(each, dict) else each for each in parts
        ]
    for name in ("resources", "support"):
        if isinstance(lines := tidy.get(name), list | tuple):
            tidy[name] = [
                [_one_line(word) for word in each] if isinstance(each, list | tuple) else each
                for each in lines
            ]
    try:
        if isinstance(rule := tidy.get("rrule"), str):
            tidy["rrule"] = str(read_rule(rule)) if rule.strip() else None
        for name in ("skip_months", "extra"):
            if isinstance(tidy.get(name), list | tuple):
                tidy[name] = sorted(set(tidy[name]))
        if isinstance(given := tidy.get("exceptions"), list | tuple):
            tidy["exceptions"] = _in_order(given)
        return msgspec.convert(tidy, Series)
    except NoRule as problem:
        raise NoSeries(str(problem)) from None
    except msgspec.ValidationError as problem:
        raise NoSeries(_sentence(str(problem))) from None
    except TypeError:  # a list of things that cannot be put in order
        raise NoSeries(_FIELDS["skip_months"]) from None


def _words(fields: Mapping[str, Any], line: str, text: str) -> dict[str, Any]:
    """What `fields` have under these two names, as it may be shown."""
    found = {name: fields[name] for name in (line, text) if isinstance(fields.get(name), str)}
    return {name: _one_line(word) if name == line else normalise(word) for name, word in found.items()}


def _one_line(word: Any) -> Any:
    return " ".join(normalise(word).split()) if isinstance(word, str) else word


def _in_order(given: Any) -> list[Any]:
    try:
        changes = msgspec.convert(given, list[Change])
    except msgspec.ValidationError:
        raise NoSeries(_FIELDS["exceptions"]) from None
    return [msgspec.to_builtins(each) for each in sorted(changes, key=lambda each: each.occurrence)]


def plan_of(
    series: Series, occurrence: Occurrence, next_at: int | None = None, *, measure: bool = False
) -> Plan:
    """How the session of `occurrence` is meant to go; `next_at`: when the series meets after it; `measure`:
    whether the burnout measure is due."""
    return Plan(
        title=series.title,
        about=series.about,
        starts_at=occurrence.starts_at,
        agenda=series.agenda,
        lobby_minutes=series.lobby_minutes,
        grace_minutes=series.grace_minutes,
        capacity=series.capacity,
        minimum=series.minimum,
        by_hand=series.by_hand,
        unheard_first=series.unheard_first,
        slow_mode_s=series.slow_mode_s,
        roles=series.roles,
        erase=series.erase,
        poll_k=series.poll_k,
        check_in=series.check_in,
        measure=measure,
        resources=series.resources,
        support=series.support,
        next_at=next_at,
    )


def warnings(series: Series) -> list[str]:
    """What a planner should think about; nothing of it stops anybody. Sentences."""
    found = []
    if series.capacity > SPLIT:
        found.append(
            f"More than {SPLIT} people: plan to split into smaller groups for a while, or few will speak."
        )
    elif series.capacity >= LARGE:
        found.append(f"{LARGE} people and more: few of them get to speak. 8 is a good size.")
    if series.capacity > SECOND_FACILITATOR:
        found.append(f"More than {SECOND_FACILITATOR} people: ask a second facilitator to be there.")
    if series.minimum < SMALL:
        found.append(f"With fewer than {SMALL} people it is easy to tell who said what.")
    if not SHORT_MINUTES <= series.minutes <= LONG_MINUTES:
        found.append(
            f"It lasts {series.minutes} minutes. From {SHORT_MINUTES} to {LONG_MINUTES} has proven itself; "
            "60 is usual."
        )
    order = [_ORDER.index(item.phase) for item in series.agenda]
    if any(later < earlier for earlier, later in pairwise(order)):
        found.append(
            "The agenda goes back: opening, open, winding down and closing round come in this order."
        )
    if "opening" not in {item.phase for item in series.agenda}:
        found.append("It has no opening: people accept the ground rules there.")
    if "closing_round" not in {item.phase for item in series.agenda}:
        found.append("It has no closing round: nobody should leave without having been asked how they go.")
    if series.poll_k > series.capacity:
        found.append("Polls show no results: it takes more votes than there are places.")
    if not series.support:
        found.append("It has no support lines: they are shown when no facilitator is there.")
    return found


def fitting(series: Series, planned: Sequence[str]) -> Series:
    """`series` without the exceptions to dates that it does not have (any more). `planned`: the ids that it
    has without exceptions, as far as its exceptions reach."""
    kept = tuple(each for each in series.exceptions if each.occurrence in planned)
    return series if kept == series.exceptions else msgspec.structs.replace(series, exceptions=kept)


def revised(series: Series, was: Series | None, now: int) -> Series:
    """`series` as the change after `was` (None: the first), made at `now`."""
    revision = 0 if was is None else was.revision + 1
    return msgspec.structs.replace(series, revision=revision, changed_at=now)


def excepted(series: Series, change: Change | None, occurrence: str) -> Series:
    """`series` with `change` for `occurrence`, in the place of what held for it; None: as the rule has it."""
    others = [each for each in series.exceptions if each.occurrence != occurrence]
    changed = sorted([*others, *([] if change is None else [change])], key=lambda each: each.occurrence)
    try:
        return msgspec.convert(
            {**msgspec.structs.asdict(series), "exceptions": tuple(changed)}, Series, from_attributes=True
        )
    except msgspec.ValidationError as problem:
        raise NoSeries(_sentence(str(problem))) from None


def carried(series: Series, was: Series) -> Series:
    """`series` with the exceptions that `was` had kept on their days, where it meets at another time of the
    day now: what was called off for a holiday stays called off."""
    if (series.timezone, series.starts[10:]) == (was.timezone, was.starts[10:]):
        return series

    def now_called(each: Change) -> Change:
        if each not in was.exceptions:
            return each
        there = datetime.fromtimestamp(planned_at(each.occurrence), was.zone)
        local = there.replace(tzinfo=None).isoformat(timespec="minutes")
        if local not in was.extra:
            local = local[:10] + series.starts[10:]
        return msgspec.structs.replace(each, occurrence=series.planned(local))

    by_id = {each.occurrence: each for each in map(now_called, series.exceptions)}
    return msgspec.structs.replace(series, exceptions=tuple(by_id[each] for each in sorted(by_id)))


def ended(series: Series, before: int, *, ruled: bool = True) -> Series:
    """`series` without any date from `before` (Unix seconds) on. `ruled`: whether its rule gives any then.
    `NoSeries` where that leaves none."""
    there = datetime.fromtimestamp(before, series.zone)
    today = there.date()
    last = today if series.at(today.isoformat() + series.starts[10:]) < there else today - timedelta(days=1)
    if last < datetime.fromisoformat(series.starts).date():
        raise NoSeries("That would leave no date at all. Delete the series instead.")
    fields = msgspec.structs.asdict(series)
    if ruled and (rule := series.recurrence) is not None:
        fields["rrule"] = str(msgspec.structs.replace(rule, count=None))
        fields["until"] = min(last.isoformat(), series.until or "9999-12-31")
    fields["extra"] = tuple(local for local in series.extra if series.at(local) < there)
    fields["exceptions"] = tuple(
        Change(each.occurrence, cancelled=True)
        if each.moved_to is not None and series.at(each.moved_to) >= there
        else each
        for each in series.exceptions
        if each.occurrence < occurrence_id(before)
    )
    return msgspec.convert(fields, Series, from_attributes=True)


# ---- words ---------------------------------------------------------------------------------------


def in_words(series: Series) -> str:
    """When it meets, as one line for a person: `Every second Tuesday, 19:00 to 20:00, not in August`."""
    first = datetime.fromisoformat(series.starts)
    last = first + timedelta(minutes=series.minutes)
    rule = series.recurrence
    words = f"{first.day} {MONTHS[first.month - 1]} {first.year}" if rule is None else _how_often(rule, first)
    words += f", {first:%H:%M} to {last:%H:%M}"
    if series.skip_months:
        *others, final = [MONTHS[month - 1] for month in series.skip_months]
        words += f", not in {', '.join(others)}{' and ' if others else ''}{final}"
    if series.until is not None:
        words += f", until {series.until}"
    if rule is not None and rule.count is not None:
        words += f", {rule.count} times"
    return words


def _how_often(rule: Recurrence, first: datetime) -> str:
    ending = {1: "st", 2: "nd", 3: "rd"}.get(rule.interval % 10 if rule.interval > 20 else 0, "th")
    every = {1: "Every", 2: "Every second", 3: "Every third"}.get(
        rule.interval, f"Every {rule.interval}{ending}"
    )
    if rule.frequency == "DAILY":
        return f"{every} day"
    if rule.frequency == "WEEKLY":
        *others, final = [DAYS[day] for day in rule.days or (first.weekday(),)]
        return f"{every} {', '.join(others)}{' and ' if others else ''}{final}"
    month = "month" if rule.interval == 1 else f"{every.removeprefix('Every ')} month"
    of = f"of {'the' if rule.interval == 1 else 'every'} {month}"
    if rule.nth is not None:
        return f"The {_NTH[rule.nth]} {DAYS[rule.days[0]]} {of}"
    if rule.monthday == -1:
        return f"The last day {of}"
    return f"Day {rule.monthday or first.day} {of}"


_FIELDS: Final[Mapping[str, str]] = {
    "name": "A name is up to 64 of a-z, 0-9, dot, dash, underscore, and begins with a letter or digit.",
    "title": "A title has 1 to 120 characters.",
    "about": "What it is for has at most 2,000 characters.",
    "timezone": "Name a time zone of the tz database as `timezone`, such as Europe/London.",
    "starts": "Say when it starts, on the clock of its place: `starts` is like 2026-12-01T19:00.",
    "rrule": "A rule is like FREQ=WEEKLY;INTERVAL=2;BYDAY=TU.",
    "until": "The last day is like 2027-06-30.",
    "skip_months": "Months are numbers from 1 to 12, and not all of them; dates are like 2026-12-01T19:00.",
    "extra": "Further dates are like 2026-12-01T19:00, at most 100 of them.",
    "exceptions": "An exception has the `occurrence`, and either `cancelled` or `moved_to`; at most 200.",
    "agenda": "An agenda has 1 to 20 parts: a title, 1 to 90 minutes, and a phase of opening, open, "
    "winding_down or closing_round; a prompt has at most 2,000 characters.",
    "capacity": "A session has 2 to 15 places.",
    "minimum": "The minimum to open is 1 to 15 people.",
    "lobby_minutes": "The lobby opens 0 to 60 minutes before.",
    "grace_minutes": "It closes 0 to 30 minutes after its end.",
    "slow_mode_s": "Slow mode is 0 to 60 seconds.",
    "erase": "What was said goes at_close or after_24h.",
    "poll_k": "Results of a poll are shown from 3 to 15 votes on.",
    "resources": "Resources are pairs of a title and a link, at most 20.",
    "support": "Support lines are a name, a number or address, and the day when somebody made sure of it, "
    "like 2026-11-01; at most 10.",
    "embed": "Origins in embed are like https://intranet.example.org, at most 32.",
    "revision": "The revision is the number that came with the series when it was read.",
}


def _sentence(problem: str) -> str:
    """What msgspec found wrong, for a person. Its own words name a place, and ours nothing of the value."""
    place = problem.rpartition(" - at `$.")[2] if " - at `$." in problem else ""
    field = place.partition("`")[0].partition(".")[0].partition("[")[0]
    if " - at `" not in problem and problem.endswith("."):
        return problem  # one of ours
    for name, sentence in _FIELDS.items():
        if name == field or f"missing required field `{name}`" in problem:
            return sentence
    if "missing required field" in problem:
        return "A series has at least a name, a title, a timezone, a start and an agenda."
    if "unknown field" in problem:
        return f"There is a field that a series does not have. It has {', '.join(Series.__struct_fields__)}."
    return "One of the values is of the wrong kind, such as text where a number belongs."
