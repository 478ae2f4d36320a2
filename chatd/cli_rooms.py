"""The commands about rooms: `room add`, `room edit`, `room list`, `poster`. Parts of `cli.py`.

They change the catalog, which a running server reads as well.
"""

import time
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

import typer

from chatd.called import chatd
from chatd.cli_shared import CannotDo, known_room, with_catalog, with_store
from chatd.options import Config, Data, PublicUrl
from chatd.settings_load import load

if TYPE_CHECKING:
    from rooms.catalog import Catalog
    from rooms.series import Series
    from rooms.store_sql import Store

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
    wanted = {"name": name, "title": line, "kind": kind, "open": open_, "embed": _embed(embed)}
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

    if with_catalog(settings, edit) is None:
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

    found = with_catalog(settings, everything)
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
