"""`chatd keys`: what the operator may do with the keys of rooms' epochs. Nothing shows one.

Changing the master key can be stopped at any moment and begun again: as long as not every key is wrapped
under the new one, both open them. Servers that run read DATA/master again when they meet a key that is
wrapped under one they do not know.
"""

import asyncio
import secrets
from typing import Annotated

import typer

from chatd.cli.options import Config, Data, Database, Redis
from chatd.cli.shared import CannotDo
from chatd.settings_load import load

keys = typer.Typer(help="The keys of what people say.", no_args_is_help=True)


@keys.callback()
def _keys() -> None:
    """The keys of what people say."""


@keys.command()
def rotate(
    data: Data = None,
    database: Database = None,
    redis: Redis = None,
    config: Config = None,
    go_on: Annotated[
        bool, typer.Option("--go-on", help="Only finish a change that was stopped; begin none.")
    ] = False,
) -> None:
    """Wrap the keys under another master key, also while servers run. Nobody notices."""
    from chatd.epochs.keystores import open_keys
    from chatd.epochs.master_key import master_keys, write_master_file
    from chatd.folder import prepare_folder
    from rooms.keystore import KEY_BYTES

    settings = load({"data": data, "database": database, "redis": redis}, config=config)
    prepare_folder(settings)
    masters = master_keys(settings)
    ours = settings.master_key is None
    if not ours and len(masters) == 1:
        raise CannotDo(
            "This master key comes from a setting. Set `master_key` to two of them, the new one and after a "
            "space the old one, on every machine; then say this again, and take the old one away."
        )
    if ours and len(masters) == 1:
        if go_on:
            typer.echo("There is no change to finish.")
            return
        masters = [secrets.token_bytes(KEY_BYTES), *masters]
        write_master_file(settings, masters)

    async def work() -> int:
        store = open_keys(settings)
        try:
            return await store.rotate()
        finally:
            await store.close()

    count = asyncio.run(work())
    if ours:
        write_master_file(settings, masters[:1])
    typer.echo(f"{count} key{' was' if count == 1 else 's were'} wrapped under the new master key.")
    if not ours:
        typer.echo("Now take the old one out of `master_key`, on every machine.")
