"""The commands about planned sessions: `session add`, `edit`, `skip`, `move`, `cancel`, `delete`.

Parts of `program.py`. They change the series and the catalog, which a running server reads as well. What may
be done is decided in `sessions/planning.py`; dates are named as people say them, `2026-12-08`, or by id.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from chatd.called import chatd
from chatd.cli.options import Config, Data, Embed
from chatd.cli.session_words import from_file, from_options, from_template, named, plan, say
from chatd.cli.shared import CannotDo
from chatd.settings_load import load

if TYPE_CHECKING:
    from chatd.sessions.planning import Planning
    from rooms.series import Series

Name: TypeAlias = Annotated[str, typer.Argument(help="The series, by its name in links.")]
Date: TypeAlias = Annotated[
    str, typer.Argument(help="The date, as it is planned: 2026-12-08, on the clock of its place.")
]
Title: TypeAlias = Annotated[str | None, typer.Option(help="What people read.", show_default=False)]
About: TypeAlias = Annotated[str | None, typer.Option(help="What it is for.", show_default=False)]
Zone: TypeAlias = Annotated[
    str | None, typer.Option("--timezone", help="The clock of its place: Europe/London.", show_default=False)
]
Starts: TypeAlias = Annotated[
    str | None, typer.Option(help="The first date, on that clock: 2026-12-01T19:00.", show_default=False)
]
Every: TypeAlias = Annotated[
    str | None,
    typer.Option(
        help="How often: week, '2 weeks', day, month; or a rule like 'FREQ=MONTHLY;BYDAY=2TU'; or once.",
        show_default=False,
    ),
]
Until: TypeAlias = Annotated[
    str | None, typer.Option(help="The last day: 2027-06-30; or never.", show_default=False)
]
NotIn: TypeAlias = Annotated[
    list[str] | None,
    typer.Option("--not-in", metavar="MONTH", help="A month without a session: august. May be repeated."),
]
FromTemplate: TypeAlias = Annotated[
    str | None,
    typer.Option("--template", help="Take agenda and rules from it. `session templates` shows them."),
]
File: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--file",
        exists=True,
        dir_okay=False,
        readable=True,
        help="A TOML file with any field of a series, such as `agenda`; options count for more.",
    ),
]
Capacity: TypeAlias = Annotated[
    int | None, typer.Option(help="Participants at once. [8]", show_default=False)
]
Minimum: TypeAlias = Annotated[
    int | None, typer.Option(help="People that it takes to open. [3]", show_default=False)
]
Open: TypeAlias = Annotated[
    bool | None, typer.Option("--open/--ticket", help="Whether one enters without a ticket. [--ticket]")
]
Listed: TypeAlias = Annotated[
    bool | None, typer.Option("--listed/--unlisted", help="Whether the lobby shows it. [--listed]")
]
CheckIn: TypeAlias = Annotated[
    bool | None,
    typer.Option("--check-in/--no-check-in", help="Whether people are asked how heavy it is. [--check-in]"),
]
Measure: TypeAlias = Annotated[
    bool | None,
    typer.Option(
        "--measure/--no-measure",
        help="Whether the check-in has the burnout question, once a month. [--no-measure]",
    ),
]


sessions = typer.Typer(help="Plan sessions, and see which there are.", no_args_is_help=True)


@sessions.command("add")
def session_add(  # noqa: PLR0917  one parameter is one option; Typer passes them by name
    name: Annotated[str, typer.Argument(help="Its name in links, which is its room's as well.")],
    title: Title = None,
    about: About = None,
    timezone: Zone = None,
    starts: Starts = None,
    every: Every = None,
    until: Until = None,
    not_in: NotIn = None,
    template: FromTemplate = None,
    file: File = None,
    capacity: Capacity = None,
    minimum: Minimum = None,
    open_: Open = None,
    listed: Listed = None,
    check_in: CheckIn = None,
    measure: Measure = None,
    embed: Embed = None,
    data: Data = None,
    config: Config = None,
) -> None:
    """Plan a series of sessions, or a single one."""
    from chatd.folder import prepare_folder

    settings = load({"data": data}, config=config)
    fields = from_template(settings, template or ("check_in_round" if file is None else None))
    fields |= from_file(file) | from_options(locals())
    if "agenda" not in fields:
        fields = from_template(settings, "check_in_round") | fields
    fields["name"] = name
    prepare_folder(settings)  # with the secret: it may be planned before the server is started
    series = plan(settings, lambda planning: planning.add(fields))
    say(settings, series)


@sessions.command("edit")
def session_edit(  # noqa: PLR0917  one parameter is one option; Typer passes them by name
    name: Name,
    title: Title = None,
    about: About = None,
    timezone: Zone = None,
    starts: Starts = None,
    every: Every = None,
    until: Until = None,
    not_in: NotIn = None,
    template: FromTemplate = None,
    file: File = None,
    capacity: Capacity = None,
    minimum: Minimum = None,
    open_: Open = None,
    listed: Listed = None,
    check_in: CheckIn = None,
    measure: Measure = None,
    embed: Embed = None,
    data: Data = None,
    config: Config = None,
) -> None:
    """Change a series. What is not named stays; a session that goes on stays as it is."""
    import msgspec

    settings = load({"data": data}, config=config)
    wanted = from_template(settings, template) | from_file(file) | from_options(locals())
    if not wanted:
        raise CannotDo(f"Say what to change; `{chatd()} session edit --help` shows the options.")

    async def edit(planning: "Planning") -> "Series":
        was = await planning.get(name)
        return await planning.change(name, {**msgspec.to_builtins(was), **wanted}, was.revision)

    say(settings, plan(settings, edit))


@sessions.command("skip")
def session_skip(
    name: Name,
    date: Date,
    undo: Annotated[
        bool, typer.Option("--undo", help="It takes place after all, as the rule has it.")
    ] = False,
    data: Data = None,
    config: Config = None,
) -> None:
    """Cancel one date."""
    from chatd.sessions.planning import DateChange

    settings = load({"data": data}, config=config)

    async def skip(planning: "Planning") -> "Series":
        occurrence = named(await planning.get(name), date)
        wish = (
            DateChange(occurrence=occurrence, restored=True)
            if undo
            else DateChange(occurrence=occurrence, cancelled=True)
        )
        return await planning.change_date(name, wish)

    say(settings, plan(settings, skip))


@sessions.command("move")
def session_move(
    name: Name,
    date: Date,
    to: Annotated[str, typer.Argument(help="The new time, on the clock of its place: 2026-12-09T18:00.")],
    data: Data = None,
    config: Config = None,
) -> None:
    """Move one date. Calendars that subscribe to the series move it too."""
    import msgspec

    from chatd.sessions.planning import DateChange

    settings = load({"data": data}, config=config)

    async def move(planning: "Planning") -> "Series":
        occurrence = named(await planning.get(name), date)
        try:
            wish = msgspec.convert({"occurrence": occurrence, "moved_to": to}, DateChange)
        except msgspec.ValidationError:
            raise CannotDo("Write the new time like 2026-12-09T18:00.") from None
        return await planning.change_date(name, wish)

    say(settings, plan(settings, move))


@sessions.command("cancel")
def session_cancel(name: Name, data: Data = None, config: Config = None) -> None:
    """End a series: no further dates. Calendars keep those that were."""
    settings = load({"data": data}, config=config)
    series = plan(settings, lambda planning: planning.end(name))
    typer.echo(f"{series.title} does not meet any more. What goes on goes on.")


@sessions.command("delete")
def session_delete(
    name: Name,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    data: Data = None,
    config: Config = None,
) -> None:
    """Forget a series, past and to come. To keep its past, `session cancel` it."""
    from contextlib import suppress

    from rooms.log import LogCorrupt

    settings = load({"data": data}, config=config)
    with suppress(LogCorrupt):  # what nobody can read may go as well
        plan(settings, lambda planning: planning.get(name))
    if not yes and not typer.confirm(f"Forget the series {name}, in every calendar?"):
        raise typer.Exit(1)
    plan(settings, lambda planning: planning.remove(name))
    typer.echo(f"{name} is forgotten. Its room is closed, and shown nowhere.")
