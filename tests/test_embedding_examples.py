"""The examples of docs/embedding.md: the document shows the very files, and what they sign opens a room.

Each runs where its runtime is at hand; where it is not, the test is skipped and says so. Python and Node
are everywhere where the other tests run.
"""

import asyncio
import os
import re
import shutil
import sys
from pathlib import Path

import pytest

from chatd.client import connect
from chatd.client.items import Refused
from chatd.issuer_key import make
from chatd.issuers import Algorithm
from tests.fixtures.servers import Serve, Server, run_chatd
from tests.tree import ROOT

FOLDER = ROOT / "docs/examples/tickets"
DOCUMENT = (ROOT / "docs/embedding.md").read_text("utf-8")
INTRANET, ROOM = "https://intranet.example.org", "icu-debrief"
RUN_S = 240.0
"""A compiler on a busy machine takes its time."""

EXAMPLES: dict[str, tuple[Algorithm, str, tuple[str, ...]]] = {
    "ticket.py": ("EdDSA", sys.executable, ()),
    "ticket.mjs": ("EdDSA", "node", ()),
    "ticket.php": ("HS256", "php", ()),
    "Ticket.cs": ("ES256", "dotnet", ("run", "--project", "PROJECT", "--")),
    "Ticket.java": ("RS256", "java", ()),
}
"""What it signs with, what runs it, and the words before it."""

PROJECT = """<Project Sdk="Microsoft.NET.Sdk">
  <PropertyGroup>
    <OutputType>Exe</OutputType>
    <TargetFramework>net{version}</TargetFramework>
  </PropertyGroup>
</Project>
"""
"""What `dotnet new console` makes."""


def test_the_document_shows_the_very_files() -> None:
    files = sorted(path for path in FOLDER.iterdir() if path.is_file())
    assert [path.name for path in files] == sorted(EXAMPLES)
    for path in files:
        assert f"](examples/tickets/{path.name})" in DOCUMENT
        assert f"\n{path.read_text('utf-8')}```\n" in DOCUMENT, f"docs/embedding.md is not {path.name}"


def test_the_document_names_the_settings_as_they_are() -> None:
    """The table in the document is what `issuer-key` prints, for the names of the example."""
    assert f'issuer = "{INTRANET}"' in DOCUMENT
    assert re.search(r'^key = "ticket-keys/intranet\.example\.org\.eddsa\.jwks"$', DOCUMENT, re.MULTILINE)


async def run(*words: str, cwd: Path, **environ: str) -> str:
    """What a program prints, which must end well."""
    process = await asyncio.create_subprocess_exec(
        *words,
        cwd=cwd,
        env={**os.environ, "HOME": str(cwd), "DOTNET_CLI_TELEMETRY_OPTOUT": "1", **environ},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(RUN_S):
            out, err = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0, err.decode()
    return out.decode().strip()


async def command(name: str, runtime: str, words: tuple[str, ...], folder: Path) -> tuple[str, ...]:
    """How to run the example, up to its own words."""
    if name != "Ticket.cs":
        return runtime, *words, str(FOLDER / name)
    version = ".".join((await run(runtime, "--version", cwd=folder)).split(".")[:2])
    (folder / "Program.cs").write_bytes((FOLDER / name).read_bytes())
    (folder / "ticket.csproj").write_text(PROJECT.format(version=version))
    return runtime, *(str(folder) if word == "PROJECT" else word for word in words)


async def entered(server: Server, ticket: str) -> str:
    """The handle that the ticket gives, over a WebSocket."""
    async with connect(server.url) as client:
        return (await client.join(ROOM, ticket=ticket)).handle


@pytest.mark.parametrize("name", EXAMPLES)
async def test_what_it_signs_opens_a_room(name: str, serve: Serve, tmp_path: Path) -> None:
    algorithm, runtime, words = EXAMPLES[name]
    found = shutil.which(runtime)
    if found is None:
        pytest.skip(f"{runtime} is not on this machine, so nobody has run docs/examples/tickets/{name} here")
    data, folder = tmp_path / "data", tmp_path / "intranet"
    folder.mkdir()
    made = make(data, INTRANET, algorithm)
    assert made.private_file is not None
    (data / "chatd.toml").write_text(made.settings)
    assert (await run_chatd("room", "add", ROOM, "--data", str(data), cwd=tmp_path))[0] == 0
    server = await serve(data=data)
    program = await command(name, found, words, folder)

    async def signed(room: str, person: str) -> str:
        return await run(
            *program,
            room,
            person,
            cwd=folder,
            TICKET_KEY=str(made.private_file),
            INTRANET_URL=INTRANET,
            CHAT_URL=server.url,
        )

    anna = await entered(server, await signed(ROOM, 'anna "å" \\ 1'))
    assert await entered(server, await signed(ROOM, 'anna "å" \\ 1')) == anna
    assert await entered(server, await signed(ROOM, "ben")) != anna
    with pytest.raises(Refused, match="ticket_refused"):
        await entered(server, await signed("another-room", "ben"))
