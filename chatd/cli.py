"""The command line: `chatd serve`, `room`, `join`, `ticket`, `check-ticket`, `issuer-key`, `poster`,
`doctor`, `backup`, `restore`, `replay`.

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
Carried: TypeAlias = Literal["ws", "sse", "poll"]
"""By WebSocket, or over HTTP as a stream or answer by answer."""
Kind: TypeAlias = Literal["drop-in", "session", "knowledge"]
Embed: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--embed",
        metavar="ORIGIN",
        help="A page of this origin may show it in a frame; may be repeated. `default`: those of the setting "
        "embed_origins. `none`: nobody's.",
    ),
]
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
    embed: Embed = None,
    data: Data = None,
    config: Config = None,
) -> None:
    """Make a room."""
    import msgspec

    from rooms.catalog import DEFAULT_CAPACITY, RoomExists, RoomSpec

    settings = load({"data": data}, config=config)
    line = name if title is None else _one_line(title)
    wanted = {"name": name, "title": line, "kind": kind, "open": open_, "embed": _embed(embed)}
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


@rooms.command("edit")
def room_edit(
    name: Annotated[str, typer.Argument(help="The room, by its name in links.")],
    title: Annotated[str | None, typer.Option(help="What people read.")] = None,
    capacity: Annotated[int | None, typer.Option(help="People at once.")] = None,
    embed: Embed = None,
    data: Data = None,
    config: Config = None,
) -> None:
    """Change a room. What is not named stays; a running server notices within a second or so."""
    import msgspec

    from rooms.catalog import RoomSpec

    settings = load({"data": data}, config=config)
    wanted: dict[str, object] = {}
    if title is not None:
        wanted["title"] = _one_line(title)
    if capacity is not None:
        wanted["capacity"] = capacity
    if embed is not None:
        wanted["embed"] = _embed(embed)
    if not wanted:
        raise CannotDo("Say what to change: --title, --capacity or --embed.")

    async def edit(catalog: "Catalog") -> RoomSpec | None:
        spec = await catalog.get(name)
        if spec is None:
            return None
        try:
            changed = msgspec.convert({**msgspec.structs.asdict(spec), **wanted}, RoomSpec)
        except msgspec.ValidationError as error:
            raise CannotDo(_why_no_room(str(error))) from None
        await catalog.change(changed)
        return changed

    if _with_catalog(settings, edit) is None:
        raise CannotDo(f"There is no room {name}. `{chatd()} room list` shows them.")
    typer.echo(f"{settings.url}/room/{name}")


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


@app.command("check-ticket")
def check_ticket(
    room: Annotated[str, typer.Argument(help="The room that it should open.")],
    public_url: PublicUrl = None,
    data: Data = None,
    config: Config = None,
) -> None:
    """Say whether a ticket would open a room, and else why not. Give the ticket on stdin, not as a word."""
    from chatd.folder import prepare_folder
    from chatd.tickets import MAX_TICKET_CHARS, TicketRefused, open_tickets

    settings = load({"data": data, "public_url": public_url}, config=config)
    tickets = open_tickets(settings, prepare_folder(settings))
    token = sys.stdin.read(2 * MAX_TICKET_CHARS).strip()
    try:
        good = tickets.check(token.rpartition("#ticket=")[2], room, time.time())
    except TicketRefused as refusal:
        raise CannotDo(f"This ticket opens nothing here. {refusal.why}") from None
    typer.echo(f"This ticket opens {room} as a {good.role}, for {good.expires_at - int(time.time())} s more.")
    same = "the same handle each time" if good.subject is not None else "a handle by chance (it has no `sub`)"
    typer.echo(f"Whoever has it gets {same}.")
    if good.once:
        typer.echo("It is good for one entry; whether it was used already was not looked at.")


@app.command("issuer-key")
def issuer_key(
    issuer: Annotated[str, typer.Argument(help="The `iss` of its tickets: https://intranet.example.org")],
    algorithm: Annotated[
        Literal["EdDSA", "ES256", "RS256", "HS256"],
        typer.Option(help="How it signs. HS256 is a secret that both sides have."),
    ] = "EdDSA",
    alone: Annotated[
        bool, typer.Option("--alone", help="Give up its older keys: tickets under them are void at once.")
    ] = False,
    show: Annotated[
        bool, typer.Option("--print", help="Show the private part here instead of keeping it in a file.")
    ] = False,
    data: Data = None,
    config: Config = None,
) -> None:
    """Make a key with which an intranet signs tickets, and say what to set."""
    from chatd.folder import prepare_folder
    from chatd.issuer_key import make

    settings = load({"data": data}, config=config)
    prepare_folder(settings)
    made = make(settings.data, issuer, algorithm, alone=alone, to_file=not show)
    typer.echo(f"What this server believes   {made.public_file}")
    if made.private_file is not None:
        typer.echo(f"What the intranet signs with {made.private_file}")
        typer.echo("                            Carry it there, to the back end alone, and delete it here.")
    else:
        typer.echo(f"What the intranet signs with, and nobody else may have:\n\n{made.private}")
    if made.keys > 1:
        typer.echo(
            f"\n{made.keys} keys are believed now; a running server takes the new one up by itself. When the "
            f"intranet signs with it, take the older ones out of the file."
        )
        return
    typer.echo(f"\nPut this into {settings.data / 'chatd.toml'}, and start chatd again:\n")
    typer.echo(made.settings)


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
    from chatd.terminal import JoinOptions, run_join

    if transport != "ws" and codec != "json":
        raise CannotDo("Over HTTP frames are JSON: leave --codec out.")
    options = JoinOptions(room=room, url=url, ticket=ticket, codec=codec, transport=transport)
    raise typer.Exit(run_join(options))


@app.command()
def poster(
    room: Annotated[str, typer.Argument(help="The room's name in links.")],
    form: Annotated[
        Literal["html", "svg"],
        typer.Option("--format", help="A page to print, or the QR code alone as a picture."),
    ] = "html",
    public_url: PublicUrl = None,
    data: Data = None,
    config: Config = None,
) -> None:
    """Print a page about a room, to be hung up: `chatd poster ROOM > poster.html`. It opens nothing."""
    from chatd.poster import in_one_file, picture
    from rooms.catalog import RoomSpec

    settings = load({"data": data, "public_url": public_url}, config=config)

    async def there(catalog: "Catalog") -> RoomSpec | None:
        return await catalog.get(room)

    spec = _with_catalog(settings, there)
    if spec is None:
        raise CannotDo(
            f"There is no room {room}. `{chatd()} room list` shows them, "
            f"`{chatd()} room add {room}` makes it."
        )
    typer.echo((in_one_file if form == "html" else picture)(spec, settings), nl=False)


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
    from chatd.replay import ReplayOptions, run_replay

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


def _doctor_url(url: str, framed_by: str | None, idle_s: int | None) -> int:
    from rich.console import Console

    from chatd.doctor_url import Options, run

    try:
        return run(Options(url=url, framed_by=framed_by, idle_s=idle_s), Console())
    except ValueError as error:
        raise CannotDo(f"The doctor cannot look there: {error}.") from None


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


def _one_line(title: str) -> str:
    """As fit to be shown as what people say."""
    from rooms.text import normalise

    return " ".join(normalise(title).split())


def _embed(words: list[str] | None) -> tuple[str, ...] | None:
    """Who may show a room in a frame, from what --embed was given; None is the deployment's own list."""
    from rooms.catalog import MAX_EMBED, is_origin

    if not words or words == ["default"]:
        return None
    if words == ["none"]:
        return ()
    origins = tuple(dict.fromkeys(word.rstrip("/") for word in words))
    if not all(map(is_origin, origins)) or len(origins) > MAX_EMBED:
        raise CannotDo(
            f"--embed takes origins like https://intranet.example.org: lower case, no path, no usual port, "
            f"{MAX_EMBED} at most; or `default`, or `none`."
        )
    return origins


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
