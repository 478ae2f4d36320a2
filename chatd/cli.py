"""The command line: `chatd serve`, `room`, `join`, `ticket`, `doctor`,
`backup`, `restore`, `replay`.

Turns words into settings and calls; decides nothing itself. What goes wrong is said in one
plain sentence on stderr, with exit code 2, and never as a traceback.
"""

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Annotated, Final, Literal, TypeAlias, TypeVar

import typer

from chatd.called import chatd
from chatd.options import (
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
from chatd.settings import Settings, SettingsError
from chatd.settings_load import load
from chatd.version import VERSION

if TYPE_CHECKING:
    from rooms.catalog import Catalog

T = TypeVar("T")

WRONG: Final = 2
"""The exit code of everything that was asked for wrongly or cannot be done here."""

app = typer.Typer(
    help="A real-time peer chat server for people who care for patients.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
rooms = typer.Typer(help="Make rooms, and see which there are.", no_args_is_help=True)
app.add_typer(rooms, name="room")

Codec: TypeAlias = Annotated[Literal["json", "msgpack"], typer.Option(help="How frames are encoded.")]
Kind: TypeAlias = Literal["drop-in", "session", "knowledge"]
Role: TypeAlias = Literal["participant", "facilitator"]


class CannotDo(Exception):
    """What was asked for cannot be done; the text says why, and what to do."""


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
    settings = load(
        {
            "host": host,
            "port": port,
            "data": data,
            "redis": redis,
            "database": database,
            "workers": workers,
            "open": open_ or None,
            "public_url": public_url,
            "log_level": log_level,
            "log_format": log_format,
        },
        pairs=others or (),
        config=config,
    )
    from chatd.serve import serve as run

    raise typer.Exit(run(settings))


@rooms.command("add")
def room_add(  # noqa: PLR0917  one parameter is one option; Typer passes them by name
    name: Annotated[
        str, typer.Argument(help="Its name in links: a-z, 0-9, dot, dash, underscore; up to 64.")
    ],
    title: Annotated[str | None, typer.Option(help="What people read. [NAME]")] = None,
    kind: Annotated[
        Kind, typer.Option(help="How it is used, and how long what is said is kept.")
    ] = "drop-in",
    capacity: Annotated[
        int | None, typer.Option(help="People at once. [1000; a session 8]", show_default=False)
    ] = None,
    open_: Annotated[
        bool, typer.Option("--open", help="Anybody who reaches the page may enter, no ticket.")
    ] = False,
    data: Data = None,
    config: Config = None,
) -> None:
    """Make a room."""
    import msgspec

    from rooms.catalog import DEFAULT_CAPACITY, RoomExists, RoomSpec
    from rooms.text import normalise

    settings = load({"data": data}, config=config)
    # One line, as fit to be shown as what people say.
    line = name if title is None else " ".join(normalise(title).split())
    wanted = {"name": name, "title": line, "kind": kind, "open": open_}
    try:
        spec = msgspec.convert(
            {**wanted, "capacity": DEFAULT_CAPACITY[kind] if capacity is None else capacity}, RoomSpec
        )
    except msgspec.ValidationError as error:
        raise CannotDo(_why_no_room(str(error))) from None

    async def add(catalog: "Catalog") -> None:
        await catalog.add(spec)

    try:
        _with_catalog(settings, add)
    except RoomExists:
        raise CannotDo(
            f"There is a room {name} already. Choose another name; `{chatd()} room list` shows them."
        ) from None
    typer.echo(f"{settings.url}/room/{name}")
    if not open_:
        typer.echo(f"It asks for a ticket: {chatd()} ticket --room {name} --role participant")


@rooms.command("list")
def room_list(data: Data = None, config: Config = None) -> None:
    """Show the rooms there are."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from rooms.catalog import RoomSpec

    settings = load({"data": data}, config=config)

    async def everything(catalog: "Catalog") -> list[RoomSpec]:
        return list(await catalog.list())

    found = _with_catalog(settings, everything)
    if not found:
        typer.echo(f"There are no rooms yet. {chatd()} room add NAME makes one.")
        return
    table = Table(
        "Name", "Title", "Kind", "Capacity", "Entry", box=None, pad_edge=False, padding=(0, 3, 0, 0)
    )
    for spec in found:
        entry = "open" if spec.open else "ticket"
        table.add_row(*(Text(cell) for cell in (spec.name, spec.title, spec.kind, str(spec.capacity), entry)))
    Console().print(table)


@app.command()
def ticket(  # noqa: PLR0917  one parameter is one option; Typer passes them by name
    room: Annotated[str, typer.Option(help="The room that it opens.")],
    role: Annotated[Role, typer.Option(help="As whom.")] = "participant",
    hours: Annotated[float, typer.Option(min=0.01, max=24 * 366, help="How long it can be used.")] = 24,
    many: Annotated[bool, typer.Option("--many", help="May be used more than once.")] = False,
    subject: Annotated[
        str | None, typer.Option(help="Whom it stands for: the same one gets the same handle. Not kept.")
    ] = None,
    data: Data = None,
    config: Config = None,
) -> None:
    """Make a link that lets somebody into a room."""
    from chatd.settings import load_secret
    from chatd.tickets import Tickets
    from rooms.catalog import RoomSpec

    settings = load({"data": data}, config=config)

    async def there(catalog: "Catalog") -> RoomSpec | None:
        return await catalog.get(room)

    if _with_catalog(settings, there) is None and not settings.open:
        raise CannotDo(
            f"There is no room {room}. `{chatd()} room list` shows them, "
            f"`{chatd()} room add {room}` makes it."
        )
    token = Tickets(load_secret(settings)).issue(
        room, role, expires_at=int(time.time() + hours * 3600), subject=subject, once=not many
    )
    typer.echo(f"{settings.url}/room/{room}#ticket={token}")


@app.command()
def join(
    room: Annotated[str, typer.Argument(help="The room's name, or the whole link to it.")],
    url: Annotated[str, typer.Option(help="The server.")] = "http://127.0.0.1:8000",
    ticket: Annotated[
        str | None, typer.Option(help="The ticket, where the room asks for one and the link has none.")
    ] = None,
    codec: Codec = "json",
) -> None:
    """Talk in a room, from this terminal. What is piped in is posted line by line."""
    from chatd.terminal import JoinOptions, run_join

    raise typer.Exit(run_join(JoinOptions(room=room, url=url, ticket=ticket, codec=codec)))


@app.command()
def replay(
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
    as_json: Annotated[bool, typer.Option("--json", help="The report as one JSON object.")] = False,
) -> None:
    """Feed a log of a conversation through real sockets, and judge what everybody saw."""
    if not speed > 0:
        raise CannotDo("The speed is a number above 0, or inf.")
    from chatd.replay import ReplayOptions, run_replay

    options = ReplayOptions(path=file, url=url, room=room, speed=speed, codec=codec, as_json=as_json)
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
) -> None:
    """Look at what `serve` with these options needs: settings, folder, database, Redis; say what to do."""
    settings = load(
        {
            "host": host,
            "port": port,
            "data": data,
            "redis": redis,
            "database": database,
            "workers": workers,
            "open": open_ or None,
            "public_url": public_url,
            "log_level": log_level,
            "log_format": log_format,
        },
        pairs=others or (),
        config=config,
    )
    from rich.console import Console

    from chatd.doctor import report

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
    typer.echo(f"{file} is a backup of {'the rooms' if rooms_only else 'everything but the secret'}.")
    if not rooms_only:
        typer.echo("It holds what people said: keep it for no longer than the rooms do.")


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


def _with_catalog(settings: Settings, use: "Callable[[Catalog], Awaitable[T]]") -> T:
    """Open the store, use its catalog once, close it."""
    from chatd.folder import prepare_folder
    from rooms.store_sql import migrate, open_store

    prepare_folder(settings)

    async def once() -> T:
        await migrate(settings.store)
        store = await open_store(settings.store)
        try:
            return await use(store.catalog)
        finally:
            await store.close()

    return asyncio.run(once())


def _why_no_room(problem: str) -> str:
    if "$.name" in problem:
        return (
            "A room's name is up to 64 of a-z, 0-9, dot, dash, underscore, and begins with a letter or digit."
        )
    if "$.title" in problem:
        return "A room's title has 1 to 120 characters."
    return "A room holds 1 to 100000 people."


def _sentences() -> tuple[type[Exception], ...]:
    """Errors whose text is a sentence for the operator; loaded only where they can have been raised."""
    kinds: list[type[Exception]] = [CannotDo]
    with suppress(KeyError):
        kinds.append(sys.modules["chatd.folder"].CannotUse)
    with suppress(KeyError):
        kinds.append(sys.modules["chatd.serve"].CannotServe)
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
