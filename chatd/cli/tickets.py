"""The commands about tickets: `ticket`, `check-ticket`, `issuer-key`. Parts of `program.py`.

They read the server's secret or its key files; only `issuer-key` writes, into the data folder.
"""

import sys
import time
from typing import Annotated, Literal, TypeAlias

import typer

from chatd.cli.options import Config, Data, PublicUrl
from chatd.cli.shared import CannotDo, its_secret, known_room
from chatd.settings_load import load

Role: TypeAlias = Literal["participant", "facilitator"]


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
    from chatd.tickets import Tickets

    settings = load({"data": data}, config=config)
    secret = its_secret(settings)
    if not settings.open:
        spec = known_room(settings, room)
        if spec.door == "pass" and role == "participant" and subject is None:
            raise CannotDo(
                f"{room} asks for a staff pass, and one is given to somebody: say whom the link stands for "
                "with --subject. Nobody in the room sees it."
            )
    token = Tickets(secret).issue(
        room, role, expires_at=int(time.time() + hours * 3600), subject=subject, once=not many
    )
    typer.echo(f"{settings.url}/room/{room}#ticket={token}")


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
    # What an intranet signs can be checked before the server is started for the first time.
    secret = prepare_folder(settings) if settings.ticket_issuers else its_secret(settings)
    tickets = open_tickets(settings, secret)
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
