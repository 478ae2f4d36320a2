"""An intranet that signs tickets: how it is set, how it gets its key, and a server that believes it."""

import asyncio
import json
import stat
import sys
import time
import tomllib
from pathlib import Path
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from chatd.client import connect
from chatd.client.items import Refused
from chatd.issuer_key import FOLDER, CannotMake, make
from chatd.issuers import Algorithm, TicketIssuer
from chatd.settings import SettingsError, decode, encode
from chatd.settings_load import load
from chatd.tickets import TicketRefused, open_tickets
from tests.chatd.signing import NAME, ROOM, SECRET, Intranet, claims, settings
from tests.fixtures.servers import Serve, environment, run_chatd, until

ONE: dict[str, Any] = {"issuer": NAME, "algorithm": "EdDSA", "key": "ticket-keys/one.jwks"}
KINDS: dict[Algorithm, Any] = {"EdDSA": OKPKey, "ES256": ECKey, "RS256": RSAKey, "HS256": OctKey}
ALGORITHMS: tuple[Algorithm, ...] = ("EdDSA", "ES256", "RS256", "HS256")


# ---- the setting -------------------------------------------------------------------------------


def test_issuers_are_tables_in_the_file(tmp_path: Path) -> None:
    (tmp_path / "chatd.toml").write_text(
        "\n".join(
            (
                "ticket_max_s = 60",
                "[[ticket_issuers]]",
                f'issuer = "{NAME}"\nalgorithm = "EdDSA"\nkey = "one.jwks"',
                "[[ticket_issuers]]",
                'issuer = "b"\nalgorithm = "HS256"\nkey = "/etc/secret"\naudience = "chat"',
                'roles = ["participant", "facilitator"]\nrooms = ["icu"]',
            )
        )
    )
    found = load({"data": tmp_path}, environ={})
    assert found.ticket_max_s == 60
    assert found.ticket_issuers == (
        TicketIssuer(issuer=NAME, algorithm="EdDSA", key="one.jwks"),
        TicketIssuer(
            issuer="b",
            algorithm="HS256",
            key="/etc/secret",
            audience="chat",
            roles=("participant", "facilitator"),
            rooms=("icu",),
        ),
    )
    assert decode(encode(found)) == found


def test_a_variable_holds_them_as_json() -> None:
    assert load(environ={"CHATD_TICKET_ISSUERS": json.dumps([ONE])}).ticket_issuers == (TicketIssuer(**ONE),)
    assert load(environ={"CHATD_TICKET_ISSUERS": ""}).ticket_issuers == ()


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        ("{", "must be a JSON list"),
        ("5", "at most 32 tables"),
        ("{}", "at most 32 tables"),
        (json.dumps([ONE] * 33), "at most 32 tables"),
        ("[5]", "number 1: it has issuer, algorithm, key"),
        (json.dumps([ONE, {**ONE, "name": "x"}]), "number 2: it has issuer, algorithm, key"),
        (json.dumps([{"issuer": NAME}]), "number 1: `algorithm` must be EdDSA, ES256, RS256 or HS256."),
        (json.dumps([{**ONE, "issuer": "a b"}]), "number 1: `issuer` must be"),
        (json.dumps([{**ONE, "issuer": ""}]), "number 1: `issuer` must be"),
        (json.dumps([{**ONE, "algorithm": "none"}]), "number 1: `algorithm` must be"),
        (json.dumps([{**ONE, "key": ""}]), "number 1: `key` must be the path of a file."),
        (json.dumps([{**ONE, "roles": ["admin"]}]), "number 1: `roles` must be"),
        (json.dumps([{**ONE, "rooms": ["No Room"]}]), "number 1: `rooms` must be"),
        (json.dumps([{**ONE, "audience": 5}]), "number 1: `audience` must be"),
        (json.dumps([{**ONE, "issuer": "chatd"}]), "chatd signs its own tickets"),
        (json.dumps([ONE, ONE]), "number 2 is there already"),
    ],
)
def test_what_is_no_issuer_is_said_in_plain_words(raw: str, said: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load(environ={"CHATD_TICKET_ISSUERS": raw})
    (problem,) = caught.value.problems
    assert problem.startswith("ticket_issuers (from CHATD_TICKET_ISSUERS): ")
    assert said in problem


def test_one_issuer_may_have_two_algorithms_while_it_changes(tmp_path: Path) -> None:
    old, new = Intranet("HS256", tmp_path), Intranet("EdDSA", tmp_path)
    issuers = load(
        environ={
            "CHATD_TICKET_ISSUERS": json.dumps(
                [
                    {**ONE, "algorithm": "HS256", "key": str(old.file)},
                    {**ONE, "key": str(new.file)},
                ]
            )
        }
    ).ticket_issuers
    tickets = open_tickets(settings(*issuers), SECRET)
    for one in (old, new):
        assert tickets.check(one.signs(claims()), ROOM, 1_700_000_000).room == ROOM


# ---- issuer-key --------------------------------------------------------------------------------


def token_of(private: str, algorithm: Algorithm, audience: str, room: str = ROOM) -> str:
    """A ticket for five minutes, signed with what `issuer-key` made."""
    key = KINDS[algorithm].import_key(private.strip())
    body = claims(aud=audience, room=room, exp=int(time.time()) + 300)
    name = "Ed25519" if algorithm == "EdDSA" else algorithm
    return jwt.encode({"alg": name}, body, key, algorithms=[name])


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_the_pair_fits_and_the_settings_can_be_pasted(algorithm: Algorithm, tmp_path: Path) -> None:
    made = make(tmp_path, NAME, algorithm)
    assert made.private_file is not None
    assert made.private_file.read_text() == made.private
    for file in (made.private_file, made.public_file):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(made.public_file.parent.stat().st_mode) == 0o700
    (tmp_path / "chatd.toml").write_text(f'public_url = "https://chat.example.org"\n{made.settings}')
    tickets = open_tickets(load({"data": tmp_path}, environ={}), SECRET)
    token = token_of(made.private, algorithm, "https://chat.example.org")
    assert tickets.check(token, ROOM, time.time()).room == ROOM
    assert repr(made) == "Made(...)"


def test_the_next_key_comes_beside_the_old_one_or_alone(tmp_path: Path) -> None:
    first = make(tmp_path, NAME, "EdDSA", to_file=False)
    (tmp_path / "chatd.toml").write_text(f'public_url = "https://c"\n{first.settings}')
    tickets = open_tickets(load({"data": tmp_path}, environ={}), SECRET)
    second = make(tmp_path, NAME, "EdDSA", to_file=False)
    assert (first.keys, second.keys, second.public_file) == (1, 2, first.public_file)
    assert tickets.refresh() == [(1, None)]
    for made in (first, second):
        tickets.check(token_of(made.private, "EdDSA", "https://c"), ROOM, time.time())
    make(tmp_path, NAME, "EdDSA", to_file=False, alone=True)
    assert tickets.refresh() == [(1, None)]
    with pytest.raises(TicketRefused):
        tickets.check(token_of(second.private, "EdDSA", "https://c"), ROOM, time.time())


def test_a_private_part_is_never_written_over(tmp_path: Path) -> None:
    made = make(tmp_path, NAME, "EdDSA")
    public = made.public_file.read_bytes()
    with pytest.raises(CannotMake, match="is there already"):
        make(tmp_path, NAME, "EdDSA")
    assert made.public_file.read_bytes() == public
    assert made.private_file is not None
    assert made.private_file.read_text() == made.private
    assert sorted(path.name for path in (tmp_path / FOLDER).iterdir()) == sorted(
        (made.public_file.name, made.private_file.name)
    )


def test_no_name_leads_out_of_the_folder(tmp_path: Path) -> None:
    for issuer in ("../../etc/x", "https://../..", "..", "/", "a\\..\\b", "https://x/?%2e%2e/"):
        made = make(tmp_path, issuer, "EdDSA", to_file=False, alone=True)
        assert made.public_file.resolve().parent == (tmp_path / FOLDER).resolve()
        assert tomllib.loads(made.settings)["ticket_issuers"][0]["issuer"] == issuer
    for none in ("", "a b", "x" * 300, "a\nb"):
        with pytest.raises(CannotMake):
            make(tmp_path, none, "EdDSA")


def test_what_this_command_did_not_write_is_left_alone(tmp_path: Path) -> None:
    made = make(tmp_path, NAME, "EdDSA", to_file=False)
    made.public_file.write_text("mine")
    with pytest.raises(CannotMake, match="Move it away"):
        make(tmp_path, NAME, "EdDSA", to_file=False)
    assert made.public_file.read_text() == "mine"


async def test_the_command_shows_the_private_part_only_when_asked(tmp_path: Path) -> None:
    code, out, err = await run_chatd("issuer-key", NAME, cwd=tmp_path)
    assert (code, err) == (0, "")
    private = next((tmp_path / "data" / FOLDER).glob("*.private"))
    assert "PRIVATE" not in out
    assert str(private.relative_to(tmp_path)) in out
    assert "[[ticket_issuers]]" in out
    assert (await run_chatd("issuer-key", NAME, cwd=tmp_path))[0] == 2
    code, out, _ = await run_chatd("issuer-key", "b", "--print", cwd=tmp_path)
    assert "BEGIN PRIVATE KEY" in out
    assert not list((tmp_path / "data" / FOLDER).glob("b*.private"))


# ---- check-ticket ------------------------------------------------------------------------------


async def checked(tmp_path: Path, ticket: str) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "chatd", "check-ticket", ROOM),
        cwd=tmp_path,
        env=environment(tmp_path, {"CHATD_PUBLIC_URL": "https://c"}),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    out, _ = await process.communicate(ticket.encode())
    return process.returncode or 0, out.decode()


async def test_a_ticket_can_be_checked_and_says_nobodys_name(tmp_path: Path) -> None:
    made = make(tmp_path / "data", NAME, "ES256")
    (tmp_path / "data" / "chatd.toml").write_text(made.settings)
    good = token_of(made.private, "ES256", "https://c")
    for shown in (good, f"https://c/room/{ROOM}#ticket={good}\n"):
        code, said = await checked(tmp_path, shown)
        assert code == 0
        assert said.startswith(f"This ticket opens {ROOM} as a participant, for ")
        assert "s1" not in said
    code, said = await checked(tmp_path, token_of(made.private, "ES256", "https://else"))
    assert (code, "`aud`" in said) == (2, True)


# ---- a server ----------------------------------------------------------------------------------


async def test_a_server_that_cannot_read_a_key_does_not_start(serve: Serve, tmp_path: Path) -> None:
    server = await serve(
        environ={"CHATD_TICKET_ISSUERS": json.dumps([{**ONE, "key": "none.jwks"}])}, wait=False
    )
    assert await server.wait(60) == 2
    await until(lambda: bool(server.log), "a sentence")
    (line,) = server.log
    assert line.startswith("Setting ticket_issuers: number 1: the key file ")
    assert "issuer-key" in line


async def test_a_running_server_takes_up_a_new_key_and_lets_go_of_one_that_is_gone(
    serve: Serve, tmp_path: Path
) -> None:
    """Nobody restarts anything, and who is in stays in."""
    data = tmp_path / "data"
    first = make(data, NAME, "EdDSA", to_file=False)
    (data / "chatd.toml").write_text(first.settings)
    assert (await run_chatd("room", "add", ROOM, "--data", str(data), cwd=tmp_path))[0] == 0
    server = await serve(data=data)
    second = make(data, NAME, "EdDSA", to_file=False, alone=True)

    async def opens(private: str) -> bool:
        async with connect(server.url) as client:
            try:
                await client.join(ROOM, ticket=token_of(private, "EdDSA", server.url))
            except Refused as refusal:
                return refusal.code != "ticket_refused"
            return True

    async with connect(server.url) as client:
        room = await client.join(ROOM, ticket=token_of(first.private, "EdDSA", server.url))
        await until(lambda: opens(second.private), "the new key is believed", within_s=60, every_s=0.5)
        assert not await opens(first.private)
        await room.post("still here")
    log = "\n".join(server.log)
    assert "ticket_keys_read" in log
    assert NAME not in log
