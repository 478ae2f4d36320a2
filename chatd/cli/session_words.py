"""What the commands about sessions share: words that become the fields of a series, and the other way.

Opens the store for each step (`plan`), and reads the files it is given.
"""

import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import typer

from chatd.called import chatd
from chatd.cli.shared import CannotDo, framed_by, with_store

if TYPE_CHECKING:
    from chatd.sessions.planning import Planning
    from chatd.settings import Settings
    from rooms.series import Series
    from rooms.store_sql import Store

T = TypeVar("T")

MAX_FILE_BYTES: Final = 256 * 1024


def plan(settings: "Settings", act: "Callable[[Planning], Awaitable[T]]") -> T:
    """What `act` does to the store's plans. `CannotDo` with its sentence."""
    from chatd.sessions.planning import CannotPlan, Planning

    async def use(store: "Store") -> T:
        return await act(Planning(store.series, store.catalog, store.log, store.reports, time.time))

    try:
        return with_store(settings, use)
    except CannotPlan as problem:
        hint = _which() if problem.code == "unknown_series" else ""
        raise CannotDo(f"{problem.message}{hint}") from None


def unknown(name: str) -> str:
    return f"There is no series {name}.{_which()}"


def _which() -> str:
    return f" `{chatd()} session list` shows them, `{chatd()} session add` plans one."


def from_template(settings: "Settings", name: str | None) -> dict[str, Any]:
    import msgspec

    from chatd.sessions.templates import NO_FIELDS, templates_of

    if name is None:
        return {}
    for template in templates_of(settings)[0]:
        if template.name == name:
            fields: dict[str, Any] = msgspec.to_builtins(template)
            return {key: value for key, value in fields.items() if key not in NO_FIELDS}
    raise CannotDo(f"There is no template {name}. `{chatd()} session templates` shows them.")


def from_file(file: Path | None) -> dict[str, Any]:
    import tomllib

    if file is None:
        return {}
    try:
        with file.open("rb") as stream:
            raw = stream.read(MAX_FILE_BYTES + 1)
        if len(raw) > MAX_FILE_BYTES:
            raise CannotDo(f"{file} is longer than {MAX_FILE_BYTES // 1024} KB.")
        fields: dict[str, Any] = _as_text(tomllib.loads(raw.decode()))
    except OSError as error:
        raise CannotDo(f"{file} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise CannotDo(f"{file} is not text in UTF-8.") from None
    except tomllib.TOMLDecodeError as error:
        raise CannotDo(f"{file} is not valid TOML: {error}.") from None
    from chatd.sessions.series_answers import SeriesInfo
    from rooms.series import Series

    # `session show --json` says more than a series is planned by.
    follows = set(SeriesInfo.__struct_fields__) - set(Series.__struct_fields__)
    return {name: value for name, value in fields.items() if name not in follows}


def _as_text(value: Any) -> Any:
    """TOML's own dates as a series has them, without a zone, and everything else as it is."""
    from datetime import date, datetime

    if isinstance(value, dict):
        return {name: _as_text(each) for name, each in value.items()}
    if isinstance(value, list):
        return list(map(_as_text, value))
    if isinstance(value, datetime):
        return value if value.tzinfo else value.isoformat(timespec="minutes")
    return value.isoformat() if isinstance(value, date) else value


def from_options(options: dict[str, Any]) -> dict[str, Any]:
    """What was said of them (the parameters of a command by their names, `locals()`)."""
    same = ("title", "about", "timezone", "starts", "capacity", "minimum", "listed", "check_in", "measure")
    fields = {name: options[name] for name in same if options[name] is not None}
    if options["open_"] is not None:
        fields["open"] = options["open_"]
    if options["embed"] is not None:
        fields["embed"] = framed_by(options["embed"])
    if options["every"] is not None:
        fields["rrule"] = rule(options["every"])
        if fields["rrule"] is None:
            fields |= {"until": None, "skip_months": []}
    if options["until"] is not None:
        fields["until"] = None if options["until"] == "never" else options["until"]
    if options["not_in"]:
        fields["skip_months"] = [] if options["not_in"] == ["none"] else list(map(month, options["not_in"]))
    return fields


def rule(every: str) -> str | None:
    """The RRULE for what was said; None for a series that meets once."""
    import re

    words = every.strip().lower()
    if words == "once":
        return None
    if found := re.fullmatch(r"(?:(\d{1,3}) )?(day|week|month)s?", words):
        frequency = {"day": "DAILY", "week": "WEEKLY", "month": "MONTHLY"}[found[2]]
        return f"FREQ={frequency};INTERVAL={int(found[1] or 1)}"
    if "=" in words:
        return every
    raise CannotDo(
        "--every takes week, '2 weeks', day, month, once, or a rule like 'FREQ=MONTHLY;BYDAY=2TU'."
    )


def month(word: str) -> int:
    from rooms.series_rules import MONTHS

    if word.isdecimal() and 1 <= int(word[:3]) <= 12:
        return int(word)
    found = [number for number, known in enumerate(MONTHS, 1) if known.lower().startswith(word.lower())]
    if len(found) != 1 or len(word) < 3:
        raise CannotDo("--not-in takes the name of a month, such as august, or its number; or none.")
    return found[0]


def named(series: "Series", date: str) -> str:
    """The id of the date that was said: as it is planned, or as it was moved to."""
    import re
    from contextlib import suppress

    from rooms.series import occurrence_id
    from rooms.series_dates_ical import DAY_S, occurrences, planned

    if re.fullmatch(r"\d{8}T\d{6}Z", date):
        return date
    with suppress(ValueError, OverflowError):  # no day at all, or one of no calendar
        day = int(series.at(f"{date[:10]}T00:00").timestamp())
        found = {at: occurrence_id(at) for at in planned(series, day, day + 2 * DAY_S)}
        moved = {each.starts_at: each.occurrence for each in occurrences(series, day, day + 2 * DAY_S)}
        for at, occurrence in (*found.items(), *moved.items()):
            if date in (there := local(series, at).replace(" ", "T"), there[:10]):
                return occurrence
    raise CannotDo(
        f"{series.name} has no such date to come. `{chatd()} session show {series.name}` shows them; "
        "write it like 2026-12-08."
    )


def local(series: "Series", at: int) -> str:
    from datetime import datetime

    return f"{datetime.fromtimestamp(at, series.zone):%Y-%m-%d %H:%M}"


def say(settings: "Settings", series: "Series") -> None:
    """When it meets, what to think about, and where it is."""
    from rooms.series_dates_ical import upcoming
    from rooms.series_rules import in_words, warnings

    typer.echo(f"{in_words(series)} ({series.timezone})")
    for each in upcoming(series, int(time.time()), 5, cancelled=True):
        note = "   cancelled" if each.cancelled else ""
        if each.moved_from is not None:
            note = f"   moved from {local(series, each.moved_from)}"
        typer.echo(f"    {local(series, each.starts_at)}{note}")
    for warning in warnings(series):
        typer.echo(f"Think about it: {warning}")
    typer.echo(f"Room      {settings.url}/room/{series.name}")
    typer.echo(f"Calendar  {settings.url}/calendar/{series.name}.ics")
    typer.echo(f"To facilitate it: {chatd()} session link {series.name}")
