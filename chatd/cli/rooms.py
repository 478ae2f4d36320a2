"""The commands about rooms: `room add`, `room edit`, `room list`, `poster`. Parts of `program.py`.

They change the catalog, which a running server reads as well.
"""

import time
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

import typer

from chatd.called import chatd
from chatd.cli.options import Config, Data, Embed, PublicUrl
from chatd.cli.shared import CannotDo, framed_by, known_room, with_catalog, with_store
from chatd.settings_load import load

if TYPE_CHECKING:
    from rooms.catalog import Catalog
    from rooms.series import Series
    from rooms.store_sql import Store

Kind: TypeAlias = Literal["drop-in", "session", "knowledge"]
Door: TypeAlias = Annotated[
    Literal["ticket", "pass"] | None,
    typer.Option(
        help="What participants show to come in: a ticket, or a staff pass, which says that they work here "
        "and not who they are. [ticket]",
        show_default=False,
    ),
]

RenewDays: TypeAlias = Annotated[
    int | None,
    typer.Option(
        "--renew-days",
        help="After how many days it begins anew: what was said is erased, and handles are new. 0 is never. "
        "[a drop-in room 1, a knowledge room 0]",
        show_default=False,
    ),
]

rooms = typer.Typer(help="Make rooms, and see which there are.", no_args_is_help=True)


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
    door: Door = None,
    renew_days: RenewDays = None,
    embed: Embed = None,
    data: Data = None,
    config: Config = None,
) -> None:
    """Make a room."""
    import msgspec

    from chatd.folder import prepare_folder
    from rooms.catalog import DEFAULT_CAPACITY, RoomExists, RoomSpec

    settings = load({"data": data}, config=config)
    line = name if title is None else _one_line(title)
    wanted = {"name": name, "title": line, "kind": kind, "open": open_, "embed": framed_by(embed)}
    wanted["door"] = door or "ticket"
    wanted["renew_days"] = renew_days
    try:
        spec = msgspec.convert(
            {**wanted, "capacity": DEFAULT_CAPACITY[kind] if capacity is None else capacity}, RoomSpec
        )
    except msgspec.ValidationError as error:
        raise CannotDo(_why_no_room(str(error))) from None

    async def add(catalog: "Catalog") -> None:
        await catalog.add(spec)

    prepare_folder(settings)  # with the secret: the first room may be made before the server is started
    try:
        with_catalog(settings, add)
    except RoomExists:
        raise CannotDo(
            f"There is a room {name} already. Choose another name; `{chatd()} room list` shows them."
        ) from None
    typer.echo(f"{settings.url}/room/{name}")
    if door == "pass":
        typer.echo("It asks for a staff pass, which the page gets by itself for whoever has signed in.")
    elif not open_:
        typer.echo(f"It asks for a ticket: {chatd()} ticket --room {name} --role participant")


@rooms.command("edit")
def room_edit(  # noqa: PLR0917  as above
    name: Annotated[str, typer.Argument(help="The room, by its name in links.")],
    title: Annotated[str | None, typer.Option(help="What people read.")] = None,
    capacity: Annotated[int | None, typer.Option(help="People at once.")] = None,
    door: Door = None,
    renew_days: RenewDays = None,
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
    if door is not None:
        wanted["door"] = door
    if renew_days is not None:
        wanted["renew_days"] = renew_days
    if embed is not None:
        wanted["embed"] = framed_by(embed)
    if not wanted:
        raise CannotDo("Say what to change: --title, --capacity, --door, --renew-days or --embed.")

    async def edit(store: "Store") -> RoomSpec | None:
        spec = await store.catalog.get(name)
        if spec is None:
            return None
        of_series = set(wanted) - {"door"}
        if spec.kind == "session" and of_series and await store.series.get(name) is not None:
            raise CannotDo(
                f"{name} is planned as a series, which its room follows. Nothing was changed; "
                f"`{chatd()} session edit {name}` takes the same options."
            )
        try:
            changed = msgspec.convert({**msgspec.structs.asdict(spec), **wanted}, RoomSpec)
        except msgspec.ValidationError as error:
            raise CannotDo(_why_no_room(str(error))) from None
        await store.catalog.change(changed)
        return changed

    if with_store(settings, edit) is None:
        raise CannotDo(f"There is no room {name}. `{chatd()} room list` shows them.")
    typer.echo(f"{settings.url}/room/{name}")


@rooms.command("list")
def room_list(data: Data = None, config: Config = None) -> None:
    """Show the rooms there are."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from rooms.catalog import RoomSpec
    from rooms.periods import DAY_S, kept_s

    settings = load({"data": data}, config=config)

    async def everything(catalog: "Catalog") -> list[RoomSpec]:
        return list(await catalog.list())

    found = with_catalog(settings, everything)
    if not found:
        typer.echo(f"There are no rooms yet. {chatd()} room add NAME makes one.")
        return
    table = Table(
        "Name", "Title", "Kind", "Capacity", "Entry", "Kept", box=None, pad_edge=False, padding=(0, 3, 0, 0)
    )
    for spec in found:
        entry = "open" if spec.open else spec.door
        days = kept_s(spec) // DAY_S
        kept = f"{days} day{'' if days == 1 else 's'}"
        cells = (spec.name, spec.title, spec.kind, str(spec.capacity), entry, kept)
        table.add_row(*map(Text, cells))
    Console().print(table)


def poster(
    room: Annotated[str, typer.Argument(help="The room's name in links.")],
    form: Annotated[
        Literal["html", "svg"],
        typer.Option("--format", help="A page to print, or the QR code alone as a picture."),
    ] = "html",
    lang: Annotated[str, typer.Option(help="The language of the page: en, es, fr, de or ar.")] = "en",
    public_url: PublicUrl = None,
    data: Data = None,
    config: Config = None,
) -> None:
    """Print a page about a room, to be hung up: `chatd poster ROOM > poster.html`. It opens nothing."""
    from chatd.poster import in_one_file, languages, meets_at, picture

    if lang not in languages().all:
        raise CannotDo(f"--lang takes one of: {', '.join(languages().all)}.")
    settings = load({"data": data, "public_url": public_url}, config=config)
    spec = known_room(settings, room)
    if form == "svg":
        typer.echo(picture(spec, settings), nl=False)
        return

    async def planned(store: "Store") -> "Series | None":
        return await store.series.get(room)

    series = with_store(settings, planned)
    meets = None if series is None else meets_at(series, lang, int(time.time()))
    typer.echo(in_one_file(spec, settings, lang, meets), nl=False)


def _one_line(title: str) -> str:
    """As fit to be shown as what people say."""
    from rooms.text import normalise

    return " ".join(normalise(title).split())


def _why_no_room(problem: str) -> str:
    if "asks for no pass" in problem:
        return "A room that is open asks for no pass: leave --open or --door pass out. Nothing was changed."
    if "$.name" in problem:
        return (
            "A room's name is up to 64 of a-z, 0-9, dot, dash, underscore, and begins with a letter or digit."
        )
    if "$.title" in problem:
        return "A room's title has 1 to 120 characters."
    if "$.renew_days" in problem:
        return "--renew-days takes 0 to 366: a room begins anew once a year at least, or never."
    return "A room holds 1 to 100000 people."
