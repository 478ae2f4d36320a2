"""The options of the command line that several commands take, settings above all. Only types."""

import os
from pathlib import Path
from typing import Annotated, TypeAlias

import typer

Config: TypeAlias = Annotated[
    Path | None,
    typer.Option("--config", help="A TOML file with settings. Otherwise DATA/chatd.toml, if it is there."),
]
Data: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--data",
        metavar="DIR",
        help=f"The folder with everything that is kept. [{os.environ.get('CHATD_DATA') or './data'}]",
    ),
]
Set: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="NAME=VALUE", help="Any other setting, such as post_per_s=0. May be repeated."
    ),
]
Host: TypeAlias = Annotated[
    str | None,
    typer.Option("--host", help="The address to listen on; 0.0.0.0 for all machines. [127.0.0.1]"),
]
Port: TypeAlias = Annotated[
    int | None, typer.Option("--port", help="The port to listen on; 0 takes a free one. [8000]")
]
Redis: TypeAlias = Annotated[
    str | None,
    typer.Option("--redis", metavar="URL", help="Redis, to carry messages between several processes."),
]
Database: TypeAlias = Annotated[
    str | None,
    typer.Option("--database", metavar="URL", help="postgresql://..., for several machines. [SQLite in DIR]"),
]
Workers: TypeAlias = Annotated[
    int | None, typer.Option("--workers", help="Processes that share the port; needs --redis. [1]")
]
Open: TypeAlias = Annotated[
    bool, typer.Option("--open", help="Let ANYBODY join ANY room name without a ticket. For trying out.")
]
Embed: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--embed",
        metavar="ORIGIN",
        help="A page of this origin may show it in a frame; may be repeated. `default`: those of the setting "
        "embed_origins. `none`: nobody's.",
    ),
]
PublicUrl: TypeAlias = Annotated[
    str | None,
    typer.Option("--public-url", metavar="URL", help="How people reach it, where a proxy is before it."),
]
LogLevel: TypeAlias = Annotated[
    str | None, typer.Option("--log-level", help="debug, info, warning or error. [info]")
]
LogFormat: TypeAlias = Annotated[str | None, typer.Option("--log-format", help="console or json. [console]")]
