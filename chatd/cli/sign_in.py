"""`chatd sign-out --all`: everybody who has signed in has to do it again, also while servers run.

For when a sign-in may be in the wrong hands, or somebody has to be out at once: nobody can be named, because
the server does not know who is signed in.
"""

import time
from typing import Annotated

import typer

from chatd.cli.options import Config, Data, Database, Redis
from chatd.cli.shared import CannotDo, its_secret, with_store
from chatd.settings_load import load


def sign_out(
    everybody: Annotated[bool, typer.Option("--all", help="There is no other way: nobody is known.")] = False,
    data: Data = None,
    database: Database = None,
    redis: Redis = None,
    config: Config = None,
) -> None:
    """End every sign-in, on every machine. Whoever is in a room keeps the seat there."""
    from chatd.sign_in.cookies import SignIns, TooManyBatches

    settings = load({"data": data, "database": database, "redis": redis}, config=config)
    secret = its_secret(settings)
    if not everybody:
        raise CannotDo(
            "Say --all: the server does not know who is signed in, so it ends all sign-ins or none."
        )
    try:
        with_store(settings, lambda store: SignIns(secret, store.keyed()).end_all(time.time()))
    except TooManyBatches as problem:
        raise CannotDo(str(problem)) from None
    typer.echo("Nobody is signed in any more, on any machine. People sign in again; seats in rooms stay.")
