"""`chatd serve` as people meet it: what it prints, how it stops, and workers that die."""

import asyncio
import json
import re
import signal
import socket
import stat
import time
from contextlib import AsyncExitStack
from pathlib import Path

import httpx
import psutil  # type: ignore[import-untyped]  # it ships no types
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from chatd.settings import Settings, load_secret
from chatd.tickets import Tickets
from chatd.wire import JSON_SUBPROTOCOL
from tests.fixtures.buses import Valkey
from tests.fixtures.programs import ROOT, cold, warm
from tests.fixtures.servers import Serve, Server, environment, run_chatd, until

ROOM = "icu-debrief"


async def open_socket(server: Server) -> ClientConnection:
    return await connect(server.ws_url, subprotocols=[JSON_SUBPROTOCOL], proxy=None)  # type: ignore[list-item]  # a NewType of str


async def ask(socket_: ClientConnection, **frame: object) -> dict[str, object]:
    """Send a command and return its answer, past what else happens in the room."""
    await socket_.send(json.dumps({"id": 1, **frame}))
    async with asyncio.timeout(10):
        while True:
            answer: dict[str, object] = json.loads(await socket_.recv())
            if answer.get("id") == 1:
                return answer


async def join(
    server: Server, room: str = ROOM, **fields: object
) -> tuple[ClientConnection, dict[str, object]]:
    socket_ = await open_socket(server)
    return socket_, await ask(socket_, t="join", room=room, **fields)


async def get(server: Server, path: str) -> httpx.Response:
    """On a connection of its own, so that any worker may answer."""
    async with httpx.AsyncClient(base_url=server.url, trust_env=False) as client:
        return await client.get(path)


async def went(socket_: ClientConnection) -> tuple[list[dict[str, object]], int | None]:
    """Read to the end: the frames, and the close code."""
    frames: list[dict[str, object]] = []
    try:
        async with asyncio.timeout(20):
            while True:
                frames.append(json.loads(await socket_.recv()))
    except ConnectionClosed as closed:
        return frames, closed.rcvd.code if closed.rcvd is not None else None


# ---- the start ---------------------------------------------------------------------------------


@pytest.mark.parametrize("program", [cold, warm])
async def test_one_command_says_where_to_go(serve: Serve) -> None:
    """From nothing, as people start it, and as nearly every other test does."""
    server = await serve()
    assert server.process.returncode is None
    assert str(server.data) in server.text
    assert "OPEN" not in server.text
    assert (await get(server, "/")).status_code == 200
    rooms = (await get(server, "/api/rooms")).json()["rooms"]
    assert [(room["name"], room["open"]) for room in rooms] == [("break-room", True)]
    assert (await get(server, "/health/ready")).json()["status"] == "ok"
    assert stat.S_IMODE(server.data.stat().st_mode) == 0o700
    assert stat.S_IMODE((server.data / "secret").stat().st_mode) == 0o600


async def test_under_systemd_no_link_is_kept_and_the_command_names_a_room_there_is(
    serve: Serve, tmp_path: Path
) -> None:
    """Its journal would keep the link. The only room has another name than a new server's."""
    await run_chatd("room", "add", "nights", "--data", str(tmp_path / "data"), cwd=tmp_path)
    server = await serve(environ={"JOURNAL_STREAM": "8:12345"})
    assert "#ticket=" not in server.text
    assert "chatd ticket --room nights --role facilitator" in server.text


async def test_the_facilitator_link_works_once(serve: Serve) -> None:
    server = await serve()
    assert server.facilitator_link is not None
    page, _, ticket = server.facilitator_link.partition("#ticket=")
    assert page == f"{server.url}/room/break-room"
    first, answer = await join(server, "break-room", ticket=ticket)
    assert (answer["t"], answer.get("role")) == ("joined", "facilitator")
    second, answer = await join(server, "break-room", ticket=ticket)
    assert (answer["t"], answer["code"]) == ("error", "ticket_spent")
    await first.close()
    await second.close()


async def test_open_lets_anybody_in_and_says_so_loudly(server: Server) -> None:
    assert "OPEN" in server.text
    socket_, answer = await join(server, "any-name-at-all")
    assert answer["t"] == "joined"
    await socket_.close()


async def test_without_open_a_room_must_be_there(serve: Serve) -> None:
    server = await serve()
    socket_, answer = await join(server, "any-name-at-all")
    assert (answer["t"], answer["code"]) == ("error", "unknown_room")
    await socket_.close()


async def test_a_second_start_keeps_what_was_there(serve: Serve, tmp_path: Path) -> None:
    code, out, _ = await run_chatd(
        "room", "add", "nights", "--title", "After nights", "--data", str(tmp_path / "data"), cwd=tmp_path
    )
    assert code == 0
    assert "/room/nights" in out
    server = await serve()
    # There are rooms, so no break room is made, and the facilitator begins in one that is there.
    rooms = (await get(server, "/api/rooms")).json()["rooms"]
    assert [room["title"] for room in rooms] == ["After nights"]
    assert server.facilitator_link is not None
    assert "/room/nights#ticket=" in server.facilitator_link


async def test_two_on_one_folder_need_redis_to_hear_each_other(
    serve: Serve, valkey: Valkey, tmp_path: Path
) -> None:
    first = await serve()
    again = ("serve", "--port", "0", "--data", str(first.data))
    for redis in ((), ("--redis", valkey.url)):
        code, out, err = await run_chatd(*again, *redis, cwd=tmp_path)
        assert (code, out) == (2, "")
        assert "Another chatd serves this data folder" in err
    await first.kill()  # and nothing is left behind
    first = await serve("--redis", valkey.url, data=first.data)
    second = await serve("--redis", valkey.url, data=first.data)
    assert second.url != first.url


async def test_a_port_that_is_taken_is_one_plain_sentence(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        code, out, err = await run_chatd("serve", "--port", str(port), cwd=tmp_path)
    assert (code, out) == (2, "")
    assert err == (
        f"Port {port} is taken by another program, perhaps another chatd. "
        f"Stop that one, or choose another port: chatd serve --port {port + 1}\n"
    )


@pytest.mark.parametrize(
    ("args", "environ", "said"),
    [
        (["--workers", "2"], {}, "workers: more than one needs --redis"),
        (["--host", "203.0.113.77"], {}, "does not have the address"),
        (["--set", "prot=1"], {}, "Did you mean port?"),
        ([], {"CHATD_PROT": "1"}, "Setting prot (from CHATD_PROT): there is no such setting."),
        (["--database", "postgresql://127.0.0.1:1/none"], {}, ""),
        (["--config", "none.toml"], {}, "none.toml"),
        (["--data", "/proc/none"], {}, "data folder"),
    ],
)
async def test_what_is_wrong_is_said_before_anything_starts(
    tmp_path: Path, args: list[str], environ: dict[str, str], said: str
) -> None:
    code, out, err = await run_chatd("serve", "--port", "0", *args, cwd=tmp_path, environ=environ)
    assert (code, out) == (2, "")
    assert said in err
    assert "Traceback" not in err
    assert len(err.strip().splitlines()) == 1


async def test_a_damaged_store_is_one_plain_sentence(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir(mode=0o700)
    (data / "chatd.db").write_bytes(b"this is no database, but long enough to look like one" * 100)
    code, _, err = await run_chatd("serve", "--port", "0", cwd=tmp_path)
    assert code == 2
    assert "Traceback" not in err
    assert len(err.strip().splitlines()) == 1


# ---- the end -----------------------------------------------------------------------------------


async def test_ctrl_c_ends_it_within_two_seconds_with_rooms_full_of_people(server: Server) -> None:
    async with AsyncExitStack() as stack:
        sockets = [(await join(server, f"room-{number % 5}"))[0] for number in range(50)]
        for socket_ in sockets:
            stack.push_async_callback(socket_.close)
        begun = time.monotonic()
        assert await server.interrupt() == 0
        assert time.monotonic() - begun < 2.5
        ends = await asyncio.gather(*(went(socket_) for socket_ in sockets))
    assert {code for _, code in ends} == {4000}
    assert all(any(frame["t"] == "going" for frame in frames) for frames, _ in ends)


async def test_a_second_ctrl_c_ends_it_at_once(serve: Serve) -> None:
    server = await serve("--open", "--set", "drain_s=60")
    sockets = [(await join(server))[0] for _ in range(3)]
    server.send(signal.SIGTERM)
    assert await until_going(sockets[0]) > 0
    begun = time.monotonic()
    assert await server.interrupt() == 130
    assert time.monotonic() - begun < 1.0
    for socket_ in sockets:
        await socket_.close()


async def until_going(socket_: ClientConnection) -> float:
    """Seconds after which the server asks to be back."""
    async with asyncio.timeout(10):
        while True:
            frame = json.loads(await socket_.recv())
            if frame["t"] == "going":
                return float(frame["reconnect_in_s"])


async def test_a_drain_spreads_the_goodbyes(serve: Serve) -> None:
    server = await serve("--open", "--set", "drain_s=1.5")
    sockets = [(await join(server))[0] for _ in range(12)]
    ended: list[float] = []
    asked: list[float] = []

    async def watch(socket_: ClientConnection) -> int | None:
        frames, code = await went(socket_)
        ended.append(time.monotonic())
        asked.extend(float(str(frame["reconnect_in_s"])) for frame in frames if frame["t"] == "going")
        return code

    watching = [asyncio.create_task(watch(socket_)) for socket_ in sockets]
    assert await server.terminate() == 0
    assert set(await asyncio.gather(*watching)) == {4000}
    assert 1.0 < max(ended) - min(ended) < 2.0
    assert len(set(asked)) == 12
    assert max(asked) <= 1.5


async def test_a_stop_does_not_wait_for_those_who_do_not_answer(server: Server) -> None:
    """A connection that never sends a request, one in mid-request, and a member that has stopped reading."""
    idle = socket.create_connection(("127.0.0.1", int(server.url.rpartition(":")[2])))
    half = socket.create_connection(("127.0.0.1", int(server.url.rpartition(":")[2])))
    half.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n")
    member, _ = await join(server)
    member.transport.pause_reading()
    begun = time.monotonic()
    assert await server.interrupt() == 0
    assert time.monotonic() - begun < 2.5
    idle.close()
    half.close()
    member.transport.abort()


async def test_what_was_acked_is_there_after_kill_9(serve: Serve) -> None:
    server = await serve("--open")
    socket_, _ = await join(server)
    acked = [(await ask(socket_, t="post", room=ROOM, key=str(n), text=f"line {n}"))["seq"] for n in range(5)]
    await server.kill()
    await went(socket_)
    again = await serve("--open", data=server.data)
    socket_, joined = await join(again)
    events = joined["events"]
    assert isinstance(events, list)
    assert [(event["seq"], event["text"]) for event in events] == [
        (seq, f"line {n}") for n, seq in enumerate(acked)
    ]
    await socket_.close()


# ---- nobody is in what it writes ---------------------------------------------------------------


async def test_nothing_that_it_writes_names_anybody(serve: Serve) -> None:
    server = await serve("--open", "--log-level", "debug")
    words = ["private-room-name", "private words that were said", "127.0.0.1", "192.0.2.9"]
    socket_, joined = await join(server, words[0])
    words += [str(joined["handle"]), str(joined["seat"])]
    await ask(socket_, t="post", room=words[0], key="k", text=words[1])
    await socket_.send("{ not json " + words[1])
    await ask(socket_, t="join", room=words[0], ticket=words[1])
    await get(server, f"/room/{words[0]}?{words[1]}")
    await get(server, f"/api/{words[0]}")
    private = await debrief(server, words[0])
    words += private
    scraped = (await get(server, "/metrics")).text
    await socket_.close()
    assert await server.terminate() == 0
    log = "\n".join(server.log)
    for word in words:
        assert word not in log
        assert word not in scraped
    for line in server.log:
        assert json.loads(line)["event"]
    kept = b"".join(path.read_bytes() for path in server.data.rglob("*") if path.is_file())
    assert words[0].encode() in kept  # which rooms there are is: the scan looks where things are
    for word in (words[1], *private):
        assert word.encode() not in kept


async def debrief(server: Server, room: str) -> list[str]:
    """A facilitator writes one, and asks for what there is and is not; words that may be found nowhere."""
    words = ["anne.muster", "words for myself alone", "k" * 43]
    tickets = Tickets(load_secret(Settings(data=server.data)))
    now = int(time.time())
    occurrence = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now - 3600))
    body = {"occurrence": occurrence, "heavy": 9, "next": words[1]}
    async with httpx.AsyncClient(base_url=server.url, trust_env=False) as client:
        for subject in (words[0], None):
            token = tickets.issue(room, "facilitator", expires_at=now + 60, subject=subject)
            headers = {"authorization": f"Bearer {token}", "debrief-key": words[2]}
            assert (await client.post("/api/debriefs", json=body, headers=headers)).status_code == 200
            assert words[1] in (await client.get("/api/debriefs", headers=headers)).text
            bad = await client.post("/api/debriefs", json={**body, "who": words[0]}, headers=headers)
            assert bad.status_code == 400
            reports = await client.get(f"/api/series/{room}/reports", headers=headers)
            assert reports.json() == {"reports": []}
            words.append(token)
    return words


# ---- several processes -------------------------------------------------------------------------


@pytest.fixture
async def several(serve: Serve, valkey: Valkey) -> Server:
    return await serve("--open", "--workers", "3", "--redis", valkey.url, "--set", "drain_s=0.5")


async def worker_label(server: Server) -> set[str]:
    return set(re.findall(r'chatd_connections\{worker="(\d)"\}', (await get(server, "/metrics")).text))


async def test_several_processes_are_one_server(several: Server) -> None:
    assert several.text.count("Ctrl-C") == 1
    assert len(several.worker_pids()) == 3
    assert await worker_label(several) == {"0", "1", "2"}
    sockets = [(await join(several))[0] for _ in range(12)]

    async def connected() -> bool:
        numbers = re.findall(r'chatd_connections\{worker="\d"\} (\S+)', (await get(several, "/metrics")).text)
        return sum(map(float, numbers)) == 12

    await until(connected, "every connection is counted, whoever is asked")
    await ask(sockets[0], t="post", room=ROOM, key="k", text="to all of you")
    for socket_ in sockets[1:]:
        async with asyncio.timeout(10):
            while json.loads(await socket_.recv()).get("text") != "to all of you":
                pass
    for socket_ in sockets:
        await socket_.close()


async def test_a_worker_that_is_killed_comes_back(several: Server) -> None:
    before = several.worker_pids()
    killed = several.kill_worker()
    await until(
        lambda: len(several.worker_pids()) == 3 and killed not in several.worker_pids(), "a new worker"
    )
    assert set(before) - {killed} < set(several.worker_pids())
    assert several.process.returncode is None
    for _ in range(6):
        assert (await get(several, "/health/live")).status_code == 200
    await until(lambda: any("worker_died" in line for line in several.log), "a line in the log")
    assert several.text.count("Ctrl-C") == 1


@pytest.mark.parametrize("sig", [signal.SIGINT, signal.SIGTERM])
async def test_they_stop_together(several: Server, sig: signal.Signals) -> None:
    pids = several.worker_pids()
    sockets = [(await join(several))[0] for _ in range(9)]
    begun = time.monotonic()
    several.send(sig)
    ends = await asyncio.gather(*(went(socket_) for socket_ in sockets))
    assert await several.wait() == 0
    assert time.monotonic() - begun < 4
    assert {code for _, code in ends} == {4000}
    assert not any(psutil.pid_exists(pid) for pid in pids)


async def test_workers_do_not_outlive_a_killed_parent(several: Server) -> None:
    pids = several.worker_pids()
    await several.kill()
    await until(lambda: not any(_runs(pid) for pid in pids), "every worker has ended")


def _runs(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


async def test_settings_are_not_in_what_others_may_read(serve: Serve, valkey: Valkey) -> None:
    """Arguments and environment of a process can be read by its user's other programs, and by `ps`."""
    secret = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
    server = await serve("--workers", "2", environ={"CHATD_REDIS": valkey.url, "CHATD_SECRET": secret})
    for pid in server.worker_pids():
        process = psutil.Process(pid)
        assert secret not in " ".join(process.cmdline())
        assert secret not in str(process.environ())
    assert not (server.data / "secret").exists()


def test_the_fixture_keeps_the_settings_of_whoever_runs_the_tests_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHATD_PORT", "1")
    assert "CHATD_PORT" not in environment(tmp_path)
    assert environment(tmp_path)["PYTHONPATH"] == str(ROOT)
