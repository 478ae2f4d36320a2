"""The command about what remains of sessions: `session report`. A part of `program.py`.

Reads reports from the store, as they are kept; a month that is over and not made yet is made.
"""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from chatd.called import chatd
from chatd.cli.options import Config, Data, Database
from chatd.cli.session_words import unknown
from chatd.cli.shared import CannotDo, its_secret
from chatd.settings_load import load

if TYPE_CHECKING:
    from chatd.sessions.afterwards import Afterwards
    from chatd.settings import Settings
    from rooms.check_in import Distribution
    from rooms.report import Programme, Report
    from rooms.store_sql import Store
    from rooms.suppression import Figure, Total

T = TypeVar("T")

FEW = "fewer than 11"
FEW_EACH = "fewer than 11 in any five minutes"
UNTOLD = "not told: it would tell a small count"
SUPPRESSED = "Counts only. What is below eleven is not shown, so that nobody can be found in it."
CHECK_INS = (
    ("heavy_before", "How heavy it was before"),
    ("heavy_after", "  and after"),
    ("alone_before", "How alone people felt before"),
    ("alone_after", "  and after"),
    ("burnout", "Burnout measure, 3 to 5: burnt out"),
)
LISTED = 20


def report(  # noqa: PLR0917  one parameter is one option; Typer passes them by name
    name: Annotated[str, typer.Argument(help="The series; or a month such as 2026-12, over all series.")],
    occurrence: Annotated[
        str | None, typer.Argument(help="Which session: 20261201T190000Z. [a list of the last ones]")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="As one JSON object.")] = False,
    svg: Annotated[
        Path | None,
        typer.Option(help="Write the picture of the hour into this new file.", show_default=False),
    ] = None,
    data: Data = None,
    database: Database = None,
    config: Config = None,
) -> None:
    """Show what remains of a session: counts and times, nothing of anybody."""
    from rooms.suppression import MONTH

    settings = load({"data": data, "database": database}, config=config)
    if svg is not None and occurrence is None:
        raise CannotDo(
            f"The picture is of one session: name it as well. `{chatd()} session report {name}` shows which "
            "there are."
        )
    if MONTH.match(name) and occurrence is None:
        _month(settings, name, as_json=as_json)
    elif occurrence is None:
        _list(settings, name)
    else:
        _one(settings, name, occurrence, as_json=as_json, svg=svg)


def _month(settings: "Settings", month: str, *, as_json: bool) -> None:
    async def made(afterwards: "Afterwards", store: "Store") -> "Programme | None":
        return await afterwards.month(month)

    programme = _with_afterwards(settings, made)
    if programme is None:
        raise CannotDo(
            f"There is no report of {month}. It is made once, three days after the month has ended; a series "
            f"of that name has its own: `{chatd()} session report NAME OCCURRENCE`."
        )
    if as_json:
        _say_json(programme)
        return
    care = programme.facilitators
    _rows(
        ("Month", programme.month),
        ("Sessions", str(programme.sessions)),
        ("Held", str(programme.held)),
        ("Places taken", _total(programme.places)),
        ("Facilitators who wrote a debrief", _total(care.wrote)),
        ("  with a heavy session", _figure(care.heavy)),
        ("  without one", _figure(care.not_heavy)),
        *((words, _distribution(getattr(programme.check_ins, asked))) for asked, words in CHECK_INS),
    )
    if programme.incomplete:
        typer.echo("Something of this month could not be read any more, and is not in it.")


def _list(settings: "Settings", name: str) -> None:
    async def last(afterwards: "Afterwards", store: "Store") -> "tuple[list[Report], bool]":
        return list(await afterwards.reports.list(name, LISTED)), await store.series.get(name) is not None

    found, planned = _with_afterwards(settings, last)
    if not found and not planned:
        raise CannotDo(unknown(name))
    if not found:
        raise CannotDo(f"There is no report of {name} yet. A session has one as soon as it has closed.")
    for each in found:
        how = f"messages {_total(each.messages, FEW_EACH)}" if each.opened else "did not open"
        typer.echo(f"{each.occurrence}  {each.title}  {how}")


def _one(settings: "Settings", name: str, occurrence: str, *, as_json: bool, svg: Path | None) -> None:
    async def get(afterwards: "Afterwards", store: "Store") -> "tuple[Report | None, bool]":
        # A series may be deleted while its reports are kept.
        known = await store.series.get(name) is not None or bool(await afterwards.reports.list(name, 1))
        return await afterwards.reports.get(name, occurrence), known

    found, known = _with_afterwards(settings, get)
    if not known:
        raise CannotDo(unknown(name))
    if found is None:
        raise CannotDo(
            f"There is no report of this session. `{chatd()} session report {name}` shows which there are."
        )
    if svg is not None:
        from chatd.sessions.report_svg import picture

        try:
            with svg.open("x", encoding="utf-8") as file:
                file.write(picture(found))
        except OSError as error:
            raise CannotDo(f"{svg} cannot be written: {error.strerror}.") from None
        holds = (
            f"messages per {found.window_s // 60} minutes, and the phases"
            if found.opened
            else "it did not open"
        )
        typer.echo(f"Wrote {svg}, the picture of the hour: {holds}.", err=as_json)
    if as_json:
        _say_json(found)
        return
    minimum = {True: "yes", False: "no", None: "not told"}[found.opened_with_minimum]
    people = () if found.participants is None else (("Participants", _figure(found.participants)),)
    _rows(
        ("Session", f"{found.title}, {found.occurrence}"),
        ("Opened", "yes" if found.opened else "no"),
        ("  with its minimum", minimum),
        ("Messages", _total(found.messages, FEW_EACH)),
        *people,
        ("Hands", _figure(found.hands)),
        ("Turns", _figure(found.turns)),
        ("Rounds", _figure(found.rounds)),
        ("Polls", _figure(found.polls)),
        *((f"  {each.phase}", f"{_clock(each.since)} to {_clock(each.until)} UTC") for each in found.phases),
    )
    typer.echo(SUPPRESSED)


def _figure(count: "Figure") -> str:
    return str(count) if isinstance(count, int) else FEW


def _total(total: "Total", otherwise: str = UNTOLD) -> str:
    """`otherwise`: where all of it is hidden."""
    if total.exact:
        return str(total.at_least)
    return f"at least {total.at_least}" if total.at_least else otherwise


def _distribution(shown: "Distribution | None") -> str:
    if shown is None:
        return "too few to show"
    parts = zip(shown.bands, shown.counts, strict=True)
    return ", ".join(f"{least} to {most}: {people}" for (least, most), people in parts)


def _clock(at: int) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%H:%M")


def _rows(*rows: tuple[str, str]) -> None:
    wide = max(len(name) for name, _ in rows)
    for name, value in rows:
        typer.echo(f"{name.ljust(wide)}  {value}")


def _say_json(value: object) -> None:
    import msgspec

    typer.echo(msgspec.json.encode(value).decode())


def _with_afterwards(settings: "Settings", use: "Callable[[Afterwards, Store], Awaitable[T]]") -> T:
    """Open the store, use what it has of sessions that are over, close it."""
    import asyncio

    from chatd.sessions.afterwards import Afterwards
    from rooms.store_sql import migrate, open_store

    secret = its_secret(settings)

    async def once() -> T:
        await migrate(settings.store)
        store = await open_store(settings.store)
        try:
            return await use(Afterwards(store.reports, secret, report_months=settings.report_months), store)
        finally:
            await store.close()

    return asyncio.run(once())
