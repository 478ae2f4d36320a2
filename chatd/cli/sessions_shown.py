"""The commands that show what is planned, and hand it on: `session list`, `show`, `link`, `export` ...

They change nothing. Parts of `sessions.py`.
"""

import time
from typing import TYPE_CHECKING, Annotated, Final, Literal

import typer

from chatd.called import chatd
from chatd.cli.options import Config, Data, PublicUrl
from chatd.cli.session_words import local, plan, say, unknown
from chatd.cli.sessions import Name, sessions
from chatd.cli.shared import CannotDo, its_secret, with_store
from chatd.settings_load import load

if TYPE_CHECKING:
    from rooms.series import Occurrence, Series
    from rooms.store_sql import Store

__all__ = ["sessions"]  # with its commands
MAX_HOURS: Final = 24 * 31


@sessions.command("list")
def session_list(data: Data = None, config: Config = None) -> None:
    """Show what is planned, and when each meets next."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from rooms.series_dates_ical import next_after
    from rooms.series_rules import in_words

    settings = load({"data": data}, config=config)

    async def everything(store: "Store") -> list["Series"]:
        return list(await store.series.list())

    found = with_store(settings, everything)
    if not found:
        typer.echo(f"Nothing is planned yet. {chatd()} session add NAME plans a series.")
        return
    table = Table("Name", "Title", "When", "Next", box=None, pad_edge=False, padding=(0, 3, 0, 0))
    for series in found:
        coming = next_after(series, int(time.time()))
        following = "no date to come" if coming is None else local(series, coming.starts_at)
        table.add_row(*(Text(cell) for cell in (series.name, series.title, in_words(series), following)))
    Console().print(table)


@sessions.command("show")
def session_show(
    name: Name,
    as_json: Annotated[bool, typer.Option("--json", help="Everything, as one JSON object.")] = False,
    data: Data = None,
    config: Config = None,
) -> None:
    """Show a series: when it meets, its agenda, what to think about."""
    settings = load({"data": data}, config=config)
    series = plan(settings, lambda planning: planning.get(name))
    if as_json:
        import msgspec

        from chatd.sessions.series_answers import shown

        everything = shown(series, settings.url, int(time.time()))
        typer.echo(msgspec.json.format(msgspec.json.encode(everything)).decode())
        return
    typer.echo(series.title)
    if series.about:
        typer.echo(series.about)
    typer.echo()
    for item in series.agenda:
        turn = ", everybody once" if item.round else ""
        typer.echo(f"{item.minutes:4} min  {item.title} ({item.phase.replace('_', ' ')}{turn})")
    typer.echo()
    say(settings, series)


@sessions.command("link")
def session_link(
    name: Annotated[str | None, typer.Argument(help="The series; none: to plan all of them.")] = None,
    who: Annotated[
        Literal["facilitator", "co_facilitator", "participant"], typer.Option("--for", help="For whom.")
    ] = "facilitator",
    hours: Annotated[
        float | None,
        typer.Option(
            min=0.1,
            max=MAX_HOURS,
            help="How long it can be used. [facilitators 12; participants until the next session is over]",
            show_default=False,
        ),
    ] = None,
    public_url: PublicUrl = None,
    data: Data = None,
    config: Config = None,
) -> None:
    """Make a link: to plan and to facilitate, or to take part once."""
    from chatd.sessions.series_links import FACILITATORS_S, console_link, link_for, next_session
    from chatd.tickets import ANY_ROOM, Tickets

    settings = load({"data": data, "public_url": public_url}, config=config)
    now = int(time.time())
    life_s = None if hours is None else int(hours * 3600)
    if name is None:
        if who == "participant":
            raise CannotDo("A participant takes part in one series: name it.")
        tickets = Tickets(its_secret(settings))
        expires_at = now + (FACILITATORS_S if life_s is None else life_s)
        typer.echo(console_link(tickets, settings, ANY_ROOM, expires_at))
        return
    tickets = Tickets(its_secret(settings))

    async def found(store: "Store") -> "tuple[Series, Occurrence | None] | None":
        series = await store.series.get(name)
        return None if series is None else (series, await next_session(series, store.log, store.reports, now))

    known = with_store(settings, found)
    if known is None:
        raise CannotDo(unknown(name))
    series, coming = known
    link, _ = link_for(tickets, settings, series, who, now, coming, life_s=life_s)
    typer.echo(link)


@sessions.command("templates")
def session_templates(data: Data = None, config: Config = None) -> None:
    """Show what a series can start from."""
    from chatd.sessions.templates import templates_of

    settings = load({"data": data}, config=config)
    found, problems = templates_of(settings)
    for template in found:
        minutes = sum(item.minutes for item in template.agenda)
        typer.echo(f"{template.name}   {template.title}, {minutes} minutes")
        if template.why:
            typer.echo(f"    {template.why}")
    for problem in problems:
        typer.echo(problem, err=True)


@sessions.command("export")
def session_export(
    name: Annotated[str | None, typer.Argument(help="The series; none: all that the lobby lists.")] = None,
    public_url: PublicUrl = None,
    data: Data = None,
    config: Config = None,
) -> None:
    """Print the calendar file: `chatd session export > sessions.ics`."""
    from datetime import UTC, datetime

    from chatd.sessions.calendar_feed import ALL, calendar

    settings = load({"data": data, "public_url": public_url}, config=config)

    async def chosen(store: "Store") -> list["Series"]:
        return [
            series
            for series in await store.series.list()
            if series.name == name or (name is None and series.listed)
        ]

    found = with_store(settings, chosen)
    if name is not None and not found:
        raise CannotDo(unknown(name))
    called = ALL if name is None else found[0].title
    typer.echo(calendar(tuple(found), called, settings.url, datetime.now(UTC).year), nl=False)
