"""The command line: what it offers, and that what goes wrong is one plain sentence."""

import asyncio
import re
import sys
import tomllib
from pathlib import Path

import pytest

from chatd.settings import SECRET_NAME, Settings, load_secret
from chatd.tickets import Tickets
from chatd.version import VERSION
from tests.fixtures.programs import ROOT, cold
from tests.fixtures.servers import Server, environment, run_chatd


async def sentence(tmp_path: Path, *args: str) -> str:
    """What a command that fails says: one line on stderr, exit code 2, no traceback."""
    code, out, err = await run_chatd(*args, cwd=tmp_path)
    assert (code, out) == (2, "")
    assert "Traceback" not in err
    [line] = err.strip().splitlines()
    return line


async def test_it_says_its_version(tmp_path: Path) -> None:
    assert await run_chatd("--version", cwd=tmp_path) == (0, f"chatd {VERSION}\n", "")
    with (ROOT / "pyproject.toml").open("rb") as file:
        assert tomllib.load(file)["project"]["version"] == VERSION


async def test_the_names_that_outsiders_rely_on(tmp_path: Path) -> None:
    _, out, _ = await run_chatd("--help", cwd=tmp_path)
    for name in (
        "serve",
        "room",
        "join",
        "ticket",
        "check-ticket",
        "issuer-key",
        "poster",
        "doctor",
        "backup",
        "restore",
        "replay",
    ):
        assert re.search(rf"^\s+{name}\s", out, re.MULTILINE), name
    _, out, _ = await run_chatd("serve", "--help", cwd=tmp_path)
    for name in ("--host", "--port", "--data", "--redis", "--workers", "--open"):
        assert name in out


async def test_rooms_are_made_and_listed(tmp_path: Path) -> None:
    assert "no rooms yet" in (await run_chatd("room", "list", cwd=tmp_path))[1]
    adding = ("room", "add", "icu", "--title", "ICU [b]debrief", "--kind", "session")
    code, out, _ = await run_chatd(*adding, cwd=tmp_path)
    assert (code, out.splitlines()[0]) == (0, "http://127.0.0.1:8000/room/icu")
    assert "chatd ticket --room icu" in out
    await run_chatd("room", "add", "nights", "--open", "--capacity", "30", cwd=tmp_path)
    _, out, _ = await run_chatd("room", "list", cwd=tmp_path)
    assert re.search(r"^icu +ICU \[b\]debrief +session +8 +ticket", out, re.MULTILINE)
    assert re.search(r"^nights +nights +drop-in +30 +open", out, re.MULTILINE)


async def test_advice_names_the_command_as_it_was_called(tmp_path: Path) -> None:
    environ = {"CHATD_COMMAND": "scripts/chatd"}
    _, out, _ = await run_chatd("room", "list", cwd=tmp_path, environ=environ)
    assert "no rooms yet. scripts/chatd room add" in out
    await run_chatd("room", "add", "nights", cwd=tmp_path, environ=environ)
    code, _, err = await run_chatd("ticket", "--room", "icu", cwd=tmp_path, environ=environ)
    assert (code, "`scripts/chatd room list`" in err) == (2, True)
    assert "CHATD_COMMAND" in (ROOT / "scripts/chatd").read_text("utf-8")


async def test_a_title_is_one_line_that_can_be_shown(tmp_path: Path) -> None:
    await run_chatd("room", "add", "icu", "--title", " After\x1b[31m\n nights\u202e", cwd=tmp_path)
    _, out, _ = await run_chatd("room", "list", cwd=tmp_path)
    assert re.search(r"^icu +After\[31m nights +drop-in", out, re.MULTILINE)
    assert "120" in await sentence(tmp_path, "room", "add", "none", "--title", "\x07")


async def test_help_says_where_data_is_and_what_a_name_may_be(tmp_path: Path) -> None:
    # Cold: the help is made when the commands are, at import.
    _, out, _ = await run_chatd(
        "room", "add", "--help", cwd=tmp_path, environ={"CHATD_DATA": "/srv/x"}, start=cold
    )
    assert "[/srv/x]" in out
    assert "underscore" in out


async def test_a_file_is_no_data_folder(tmp_path: Path) -> None:
    (tmp_path / "afile").touch()
    assert "is a file, not a folder" in await sentence(tmp_path, "room", "list", "--data", "afile")


async def test_what_no_room_can_be(tmp_path: Path) -> None:
    assert "a-z" in await sentence(tmp_path, "room", "add", "ICU")
    assert "120" in await sentence(tmp_path, "room", "add", "icu", "--title", "x" * 121)
    assert "100000" in await sentence(tmp_path, "room", "add", "icu", "--capacity", "0")
    await run_chatd("room", "add", "icu", cwd=tmp_path)
    assert "already" in await sentence(tmp_path, "room", "add", "icu")


async def test_a_ticket_is_a_link_whose_secret_no_log_sees(tmp_path: Path) -> None:
    await run_chatd("room", "add", "icu", cwd=tmp_path)
    code, out, _ = await run_chatd("ticket", "--room", "icu", "--role", "facilitator", cwd=tmp_path)
    assert code == 0
    link, _, token = out.strip().partition("#ticket=")
    assert link == "http://127.0.0.1:8000/room/icu"
    tickets = Tickets(load_secret(Settings(data=tmp_path / "data")))
    ticket = tickets.check(token, "icu", 0)
    assert (ticket.role, ticket.once, ticket.subject) == ("facilitator", True, None)
    _, out, _ = await run_chatd("ticket", "--room", "icu", "--many", "--subject", "me", cwd=tmp_path)
    ticket = Tickets(load_secret(Settings(data=tmp_path / "data"))).check(
        out.partition("=")[2].strip(), "icu", 0
    )
    assert (ticket.role, ticket.once, ticket.subject) == ("participant", False, "me")


async def test_a_ticket_for_no_room_is_refused(tmp_path: Path) -> None:
    await run_chatd("room", "add", "nights", cwd=tmp_path)
    assert "There is no room icu." in await sentence(tmp_path, "ticket", "--room", "icu")


async def test_where_no_server_keeps_its_data_no_link_is_made(tmp_path: Path) -> None:
    """A new secret would sign it, which no server has. Looking around first makes none either."""
    await run_chatd("room", "list", cwd=tmp_path)
    said = await sentence(tmp_path, "ticket", "--room", "icu")
    assert said.startswith(f"No server keeps its data in {tmp_path / 'data'}. ")
    assert "`chatd serve`" in said
    assert said.endswith("--data.")
    assert "No server" in await sentence(tmp_path, "check-ticket", "icu")
    assert not (tmp_path / "data" / SECRET_NAME).exists()


@pytest.mark.parametrize(
    "args",
    [
        ["nonsense"],
        ["serve", "--nonsense"],
        ["serve", "--port", "many"],
        ["ticket", "--room", "icu", "--role", "admin"],
        ["replay", "not-there.txt"],
    ],
)
async def test_wrong_words_are_explained(tmp_path: Path, args: list[str]) -> None:
    code, out, err = await run_chatd(*args, cwd=tmp_path)
    assert (code, out) == (2, "")
    assert "Traceback" not in err
    assert err


async def test_bad_settings_are_said_by_every_command(tmp_path: Path) -> None:
    for args in (["room", "list"], ["doctor"], ["ticket", "--room", "x"]):
        code, _, err = await run_chatd(*args, cwd=tmp_path, environ={"CHATD_PROT": "1"})
        assert (code, err) == (
            2,
            "Setting prot (from CHATD_PROT): there is no such setting. Did you mean port?\n",
        )


async def test_a_mistake_of_ours_shows_where_and_no_values(tmp_path: Path) -> None:
    program = "from chatd.cli import program; program.server_settings = lambda *a: 1 / 0; program.main()"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", program, "doctor"),
        cwd=tmp_path,
        env=environment(tmp_path),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    _, err = await process.communicate()
    assert process.returncode == 1
    assert "ZeroDivisionError" in err.decode()
    assert "division by zero" not in err.decode()
    assert "Traceback" not in err.decode()


async def test_joining_from_the_terminal(server: Server, tmp_path: Path) -> None:
    code, out, _ = await run_chatd("join", "icu", "--url", server.url, cwd=tmp_path)
    assert code == 0
    assert out
    code, _, err = await run_chatd("join", "icu", "--url", "http://127.0.0.1:1", cwd=tmp_path)
    assert code == 2
    assert "Traceback" not in err


async def test_replaying_a_log(tmp_path: Path) -> None:
    log = tmp_path / "log.txt"
    log.write_text("[10:00] <ann> good morning\n[10:00] <bob> and to you\n[10:01] <ann> thank you\n")
    code, out, err = await run_chatd("replay", str(log), "--speed", "inf", cwd=tmp_path)
    assert "Traceback" not in err
    assert code == 0, out + err
    assert "The speed" in await sentence(tmp_path, "replay", str(log), "--speed", "0")
