"""`chatd issuer`: gives staff passes, in a process of its own. A part of `program.py`."""

import asyncio
from typing import Annotated, TypeAlias

import typer

from chatd.called import chatd
from chatd.cli.options import Config, Data, Host, LogFormat, LogLevel, Port, PublicUrl, Set
from chatd.cli.shared import CannotDo
from chatd.settings_load import load

Rooms: TypeAlias = Annotated[
    list[str] | None,
    typer.Option("--room", metavar="NAME", help="A room that passes are given for; may be repeated."),
]


def issuer(  # noqa: PLR0917  one parameter is one option; Typer passes them by name
    room: Rooms = None,
    host: Host = None,
    port: Port = None,
    data: Data = None,
    public_url: PublicUrl = None,
    log_level: LogLevel = None,
    log_format: LogFormat = None,
    config: Config = None,
    others: Set = None,
) -> None:
    """Give staff passes, on the hospital's side, until Ctrl-C. The rooms are elsewhere."""
    import msgspec

    named = {
        "host": host,
        "port": port,
        "data": data,
        "public_url": public_url,
        "log_level": log_level,
        "log_format": log_format,
        "pass_rooms": ",".join(room) if room else None,
    }
    settings = load(named, pairs=others or (), config=config)
    if not settings.pass_rooms:
        raise CannotDo(f"Name the rooms that passes are for: {chatd()} issuer --room NAME")
    if settings.pass_issuer or settings.database or settings.redis or settings.workers > 1:
        raise CannotDo(
            "An issuer counts in one place: one process, with its own folder. Leave pass_issuer, database, "
            "redis and workers out."
        )
    from chatd.folder import prepare_folder, serving
    from chatd.passes.app import create_issuer
    from chatd.passes.keys import PATH
    from chatd.serve import NOT_ALONE, listen
    from chatd.server import run
    from rooms.store_sql import migrate

    prepare_folder(settings)
    listener = listen(settings.host, settings.port)
    settings = msgspec.structs.replace(settings, port=listener.getsockname()[1])

    def ready() -> None:
        typer.echo(f"\nThis issuer gives staff passes for {', '.join(settings.pass_rooms)}.\n")
        typer.echo(f"  Public keys   {settings.url}{PATH}")
        typer.echo(f'  For the rooms\' server: pass_issuer = "{settings.url}"\n\nCtrl-C stops it.\n')

    with serving(settings, alone=True, otherwise=NOT_ALONE):
        asyncio.run(migrate(settings.store))
        raise typer.Exit(run(settings, [listener], on_ready=ready, make=create_issuer))
