"""`chatd issuer`: a process of its own that gives passes, and a server with rooms that takes them."""

import asyncio
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from typer.testing import CliRunner

from chatd.cli.program import app
from chatd.cli.shared import CannotDo
from chatd.doctor.passes import check_passes
from chatd.passes.keys import PATH, published, write
from chatd.passes.periods import period_at
from chatd.settings import Settings, load_secret
from chatd.tickets import Tickets
from rooms.catalog import RoomSpec
from tests.chatd.passes.asking import get_pass, wanted
from tests.chatd.whole import ROOM, join, whole
from tests.fixtures.servers import environment

CANARY = "canary-subject"


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "chatd", *words]


@pytest.fixture
def issuer(tmp_path: Path) -> Iterator[str]:
    """Its URL."""
    folder = tmp_path / "hospital"
    folder.mkdir()
    errors = (tmp_path / "issuer.log").open("w")
    process = subprocess.Popen(
        command(
            "issuer", "--room", ROOM, "--port", "0", "--data", str(folder), "--log-level", "debug",
            "--set", "origins=http://rooms.example.org",
        ),
        cwd=tmp_path,
        env=environment(folder),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=errors,
        text=True,
    )  # fmt: skip
    assert process.stdout is not None
    try:
        told = []
        for line in process.stdout:
            told.append(line)
            if "Ctrl-C" in line:
                break
        found = re.search(r'pass_issuer = "(\S+)"', "".join(told))
        assert found, "".join(told)
        yield found[1]
    finally:
        process.terminate()
        process.wait(20)
        process.stdout.close()
        errors.close()


async def reach(http: httpx.AsyncClient, path: str) -> httpx.Response:
    """The answer, when the issuer has made its keys."""
    async with asyncio.timeout(30):
        while True:
            answer = await http.get(path)
            if answer.status_code == 200:
                return answer


async def test_an_issuer_of_its_own_and_a_server_with_rooms(issuer: str, tmp_path: Path) -> None:
    async with (
        httpx.AsyncClient(base_url=issuer, trust_env=False) as hospital,
        whole(tmp_path / "rooms", open=False, pass_issuer=issuer) as chat,
    ):
        await reach(hospital, PATH)
        await chat.node.catalog.add(RoomSpec(name=ROOM, title="Night", door="pass"))
        await chat.node.passes.look()
        told = await wanted(chat.http, ROOM)
        assert told["issuer"] == issuer
        assert f"connect-src 'self' {issuer}" in (await chat.http.get("/")).headers["content-security-policy"]
        assert (await chat.http.get(PATH)).status_code == 404, "no passes are given by the rooms' server"
        assert not (tmp_path / "rooms" / "issuer").exists()
        # What the hospital's tickets are worth is for the issuer to know; the rooms' server never sees one.
        secret = load_secret(Settings(data=tmp_path / "hospital"))
        who = Tickets(secret).issue(ROOM, "participant", expires_at=int(time.time()) + 60, subject=CANARY)
        token = await get_pass(chat.http, ROOM, who, issuer=hospital)
        joined = (await chat.poll(join(**{"pass": token}))).joined
        preflight = await hospital.options("/issuer/pass", headers={"origin": "http://rooms.example.org"})
        assert preflight.headers["access-control-allow-origin"] == "http://rooms.example.org"
        assert preflight.headers["access-control-allow-headers"] == "authorization, content-type"
        assert "access-control-allow-credentials" not in preflight.headers
        foreign = await hospital.options("/issuer/pass", headers={"origin": "http://other.example.org"})
        assert foreign.status_code == 403
        for path in ("/", f"/room/{ROOM}", "/api/rooms"):
            assert (await hospital.get(path)).status_code == 404, "an issuer has no rooms"
    for file in files(tmp_path):
        kept = file.read_bytes()
        assert CANARY.encode() not in kept, file.name
        if "rooms" not in file.parts:
            assert joined["handle"].encode() not in kept, file.name
            assert b"127.0.0.1:" not in kept.replace(issuer.encode(), b""), file.name


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


@pytest.mark.parametrize(
    "words",
    [(), ("--room", "../x"), ("--room", ROOM, "--set", "redis=redis://localhost")],
    ids=["no room", "no name", "redis"],
)
def test_an_issuer_that_cannot_count_says_so(tmp_path: Path, words: tuple[str, ...]) -> None:
    done = subprocess.run(
        command("issuer", *words, "--data", str(tmp_path), "--port", "0"),
        env=environment(tmp_path),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert len(done.stderr.splitlines()) == 1


async def test_the_keys_may_come_by_file(tmp_path: Path, issuer: str) -> None:
    async with httpx.AsyncClient(base_url=issuer, trust_env=False) as hospital:
        (tmp_path / "keys.json").write_bytes((await reach(hospital, PATH)).content)
    settings = {"pass_issuer": "https://pass.example.org", "pass_keys": str(tmp_path / "keys.json")}
    async with whole(tmp_path / "rooms", open=False, **settings) as chat:
        await chat.node.catalog.add(RoomSpec(name=ROOM, title="Night", door="pass"))
        await chat.node.passes.look()
        assert (await wanted(chat.http, ROOM))["issuer"] == "https://pass.example.org"
        assert chat.node.passes.trouble == ""
        await chat.node.catalog.add(RoomSpec(name="tea", title="Tea", door="pass"))
        chat.node.passes._ask_at = 0.0
        await chat.node.passes.look()
        assert chat.node.passes.trouble == "no_keys", "the issuer was not told of this room"
        await chat.node.catalog.change(RoomSpec(name="tea", title="Tea"))
        chat.node.passes._ask_at = 0.0
        await chat.node.passes.look()
        assert chat.node.health().degraded == []
        (tmp_path / "keys.json").write_text("{}")
        chat.node.passes._ask_at = 0.0
        await chat.node.passes.look()
        assert chat.node.passes.trouble == "no_keys"
        await chat.node.passes.look()
        assert chat.node.health().degraded == ["passes"], "also while it is not asked again yet"
        assert (await wanted(chat.http, ROOM))["key"], "and what was believed stays"


def test_a_rooms_door_is_set_and_changed(tmp_path: Path) -> None:
    def said(*words: str, command: str = "room") -> str:
        done = CliRunner().invoke(app, [command, *words, "--data", str(tmp_path)])
        return str(done.exception) if isinstance(done.exception, CannotDo) else done.output

    assert "asks for a staff pass" in said("add", "night", "--door", "pass")
    assert "--subject" in said("--room", "night", command="ticket")
    assert "#ticket=" in said("--room", "night", "--subject", "anna", command="ticket")
    assert "#ticket=" in said("--room", "night", "--role", "facilitator", command="ticket")
    assert "asks for no pass" in said("add", "cafe", "--open", "--door", "pass")
    assert "asks for a ticket" in said("add", "tea")
    said("edit", "tea", "--door", "pass")
    said("edit", "night", "--door", "ticket")
    assert [line.split()[0::4] for line in said("list").splitlines()[1:]] == [
        ["night", "ticket"],
        ["tea", "pass"],
    ]


def test_the_doctor_says_whether_the_keys_can_be_had(tmp_path: Path) -> None:
    def found(**settings: str) -> tuple[str, str]:
        finding = check_passes(Settings(data=tmp_path, **settings))  # type: ignore[arg-type]  # only texts are given
        return finding.verdict, finding.seen

    assert found()[0] == "ok"
    elsewhere = {"pass_issuer": "https://pass.example.org", "pass_keys": "keys.json"}
    assert found(**elsewhere) == (
        "failure",
        "The file with the issuer's keys cannot be read: No such file or directory.",
    )
    (tmp_path / "keys.json").write_text("{}")
    assert found(**elsewhere)[0] == "failure"
    signer = generate_private_key(public_exponent=65537, key_size=2048).public_key()
    for at, verdict in ((time.time() - 3 * 24 * 3600, "failure"), (time.time(), "ok")):
        period = period_at(at, 24 * 3600)
        key = published(signer, ROOM, period.label, period.begins_at, period.ends_at)
        (tmp_path / "keys.json").write_bytes(write([key]))
        assert found(**elsewhere)[0] == verdict
    assert found(pass_issuer="http://127.0.0.1:9") == ("failure", "The issuer does not answer.")
