"""The command line: `chatd serve`, `room`, `session`, `join`, `ticket`, `check-ticket`, `issuer-key`,
`sign-out`, `poster`, `doctor`, `backup`, `restore`, `keys`, `replay`.

Turns words into settings and calls; decides nothing itself. The commands about rooms, sessions and tickets
are in `rooms.py`, `sessions.py` and `tickets.py`. What goes wrong is said in one plain sentence
on stderr, with exit code 2, and never as a traceback.
"""

import asyncio
import sys
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Annotated, Final, Literal, TypeAlias

import typer

from chatd.called import chatd
from chatd.cli.issuer import issuer
from chatd.cli.keys import keys
from chatd.cli.options import (
    Config,
    Data,
    Database,
    Host,
    LogFormat,
    LogLevel,
    Open,
    Port,
    PublicUrl,
    Redis,
    Set,
    Workers,
)
from chatd.cli.reports import report
from chatd.cli.rooms import poster, rooms
from chatd.cli.sessions_shown import sessions
from chatd.cli.shared import CannotDo, server_settings
from chatd.cli.sign_in import sign_out
from chatd.cli.tickets import check_ticket, issuer_key, ticket
from chatd.settings import SettingsError
from chatd.settings_load import load
from chatd.version import VERSION

WRONG: Final = 2
"""The exit code of everything that was asked for wrongly or cannot be done here."""

app = typer.Typer(
    help="A real-time peer chat server for people who care for patients.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.add_typer(rooms, name="room")
app.add_typer(keys, name="keys")
app.add_typer(sessions, name="session")
sessions.command("report")(report)
Codec: TypeAlias = Annotated[Literal["json", "msgpack"], typer.Option(help="How frames are encoded.")]
Carried: TypeAlias = Literal["ws", "sse", "poll"]
"""By WebSocket, or over HTTP as a stream or answer by answer."""


def main() -> None:
    """The program `chatd`."""
    try:
        app(prog_name=chatd())
    except SettingsError as error:
        _fail("\n".join(f"Setting {problem}" for problem in error.problems))
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        if not isinstance(error, _sentences()):
            sys.excepthook = _on_crash  # only now: Typer puts its own there when it is called
            raise
        _fail(str(error))


@app.callback(invoke_without_command=True)
def _chatd(
    version: Annotated[bool, typer.Option("--version", help="Say which version this is.")] = False,
) -> None:
    if version:
        typer.echo(f"chatd {VERSION}")
        raise typer.Exit


@app.command()
def serve(  # noqa: PLR0917  one parameter is one option; Typer passes them by name
    host: Host = None,
    port: Port = None,
    data: Data = None,
    redis: Redis = None,
    database: Database = None,
    workers: Workers = None,
    open_: Open = False,
    public_url: PublicUrl = None,
    log_level: LogLevel = None,
    log_format: LogFormat = None,
    config: Config = None,
    others: Set = None,
) -> None:
    """Run the server, until Ctrl-C. Needs nothing else to start."""
    settings = server_settings(locals())
    from chatd.serve import serve as run

    raise typer.Exit(run(settings))


app.command()(ticket)
app.command("check-ticket")(check_ticket)
app.command("issuer-key")(issuer_key)
app.command("sign-out")(sign_out)
app.command()(issuer)


@app.command()
def join(
    room: Annotated[str, typer.Argument(help="The room's name, or the whole link to it.")],
    url: Annotated[str, typer.Option(help="The server.")] = "http://127.0.0.1:8000",
    ticket: Annotated[
        str | None, typer.Option(help="The ticket, where the room asks for one and the link has none.")
    ] = None,
    codec: Codec = "json",
    transport: Annotated[Carried, typer.Option(help="How frames are carried.")] = "ws",
) -> None:
    """Talk in a room, from this terminal. What is piped in is posted line by line."""
    from chatd.cli.terminal import JoinOptions, run_join

    if transport != "ws" and codec != "json":
        raise CannotDo("Over HTTP frames are JSON: leave --codec out.")
    options = JoinOptions(room=room, url=url, ticket=ticket, codec=codec, transport=transport)
    raise typer.Exit(run_join(options))


app.command()(poster)


@app.command()
def replay(  # noqa: PLR0917  one parameter is one option; Typer passes them by name
    file: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, readable=True, help="The log to feed.")
    ],
    speed: Annotated[
        float, typer.Option(help="How many times faster than it was; 'inf' as fast as possible.")
    ] = 1.0,
    url: Annotated[
        str | None,
        typer.Option(help="A server that was started with --open. [one of its own]", show_default=False),
    ] = None,
    room: Annotated[
        str | None, typer.Option(help="A room where nobody else speaks. [a fresh one]", show_default=False)
    ] = None,
    codec: Codec = "json",
    transport: Annotated[
        Literal["ws", "sse", "poll", "all"],
        typer.Option(help="How frames are carried; 'all' deals the three out in turn."),
    ] = "ws",
    as_json: Annotated[bool, typer.Option("--json", help="The report as one JSON object.")] = False,
) -> None:
    """Feed a log of a conversation through real sockets, and judge what everybody saw."""
    if not speed > 0:
        raise CannotDo("The speed is a number above 0, or inf.")
    from chatd.replay.run import ReplayOptions, run_replay

    options = ReplayOptions(
        path=file,
        url=url,
        room=room,
        speed=speed,
        codec=codec,
        transports=("ws", "sse", "poll") if transport == "all" else (transport,),
        as_json=as_json,
    )
    raise typer.Exit(run_replay(options))


@app.command()
def doctor(  # noqa: PLR0917  one parameter is one option; Typer passes them by name
    host: Host = None,
    port: Port = None,
    data: Data = None,
    redis: Redis = None,
    database: Database = None,
    workers: Workers = None,
    open_: Open = False,
    public_url: PublicUrl = None,
    log_level: LogLevel = None,
    log_format: LogFormat = None,
    config: Config = None,
    others: Set = None,
    url: Annotated[
        str | None,
        typer.Option(
            help="Look at the way from here to this server instead, or to one of its rooms.",
            show_default=False,
        ),
    ] = None,
    framed_by: Annotated[
        str | None,
        typer.Option(help="With --url: the intranet page that is to show rooms.", show_default=False),
    ] = None,
    idle_s: Annotated[
        int | None,
        typer.Option(
            "--idle",
            min=1,
            max=120,
            help="With --url: how long to keep connections quiet. [25]",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Look at what `serve` with these options needs, or with --url at the way to a server; say what to do."""
    if url is not None:
        raise typer.Exit(_doctor_url(url, framed_by, idle_s))
    settings = server_settings(locals())
    from rich.console import Console

    from chatd.doctor.here import report

    raise typer.Exit(report(settings, Console()))


@app.command()
def backup(
    file: Annotated[Path, typer.Argument(help="The new file, for your eyes only.")],
    rooms_only: Annotated[
        bool, typer.Option("--rooms-only", help="Which rooms there are, and nothing that anybody said.")
    ] = False,
    data: Data = None,
    database: Database = None,
    config: Config = None,
) -> None:
    """Copy what is kept into one file, also while the server runs."""
    from chatd.backup import back_up, back_up_rooms

    settings = load({"data": data, "database": database}, config=config)
    asyncio.run((back_up_rooms if rooms_only else back_up)(settings, file))
    what = "the rooms" if rooms_only else "everything but the secret and the keys"
    typer.echo(f"{file} is a backup of {what}.")
    if not rooms_only:
        typer.echo("What people said is in it, sealed: it comes back on this server alone, and only what was")
        typer.echo("not erased since.")


@app.command()
def restore(
    file: Annotated[
        Path | None, typer.Argument(exists=True, dir_okay=False, readable=True, help="What `backup` made.")
    ] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Give up what is kept now for what the backup holds.")
    ] = False,
    marked: Annotated[
        bool, typer.Option("--mark", help="No FILE: something else restored it, such as pg_restore.")
    ] = False,
    data: Data = None,
    database: Database = None,
    config: Config = None,
) -> None:
    """Put a backup in place, with the server stopped. Every seat and link from before is void then."""
    if (file is None) != marked:
        raise CannotDo("Name the backup, or say --mark where something else has restored the database.")
    from chatd.backup import mark
    from chatd.backup import restore as put_back

    settings = load({"data": data, "database": database}, config=config)
    count = asyncio.run(mark(settings) if file is None else put_back(settings, file, replace=replace))
    typer.echo(f"Restored; {count} room{'' if count == 1 else 's'} had been spoken in.")
    typer.echo("Seats and links from before are void: people come in anew, and need new links.")
    if settings.secret is not None:
        typer.echo("Now set another `secret`, on every machine: under this one old links work again.")


def _doctor_url(url: str, framed_by: str | None, idle_s: int | None) -> int:
    from rich.console import Console

    from chatd.doctor.url import Options, run

    try:
        return run(Options(url=url, framed_by=framed_by, idle_s=idle_s), Console())
    except ValueError as error:
        raise CannotDo(f"The doctor cannot look there: {error}.") from None


def _sentences() -> tuple[type[Exception], ...]:
    """Errors whose text is a sentence for the operator; loaded only where they can have been raised."""
    kinds: list[type[Exception]] = [CannotDo]
    with suppress(KeyError):
        kinds.append(sys.modules["chatd.folder"].CannotUse)
    with suppress(KeyError):
        kinds.append(sys.modules["chatd.serve"].CannotServe)
    with suppress(KeyError):
        kinds.append(sys.modules["chatd.issuer_key"].CannotMake)
    with suppress(KeyError):
        kinds.append(sys.modules["rooms.log"].LogError)
    return tuple(kinds)


def _fail(sentence: str) -> None:
    typer.echo(sentence, err=True)
    sys.exit(WRONG)


def _on_crash(cls: type[BaseException], error: BaseException, where: TracebackType | None) -> None:
    """A mistake of ours: where it happened, without the values that were being handled."""
    from chatd.logs import frames

    typer.echo("Something went wrong inside chatd; that is our mistake. This says where:", err=True)
    typer.echo(frames(error), err=True)
