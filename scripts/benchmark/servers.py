"""The servers that are measured: chatd, the C limits, and the peers, each as its documentation sets it up.

Touches processes, and a folder that is made for each server and removed after it.
"""

import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from scripts.benchmark import tools
from scripts.benchmark.processes import Process, free_port

CHATD_SETTINGS: Final = {
    "post_per_s": "0",
    "react_per_s": "0",
    "max_queue": "1000000",
    "history_events": "20",
    "join_timeout_s": "600",
    "log_level": "warning",
}
"""Limits that would cap the load are raised, and newcomers see 20 messages; the rest is as shipped."""


@dataclass
class Running:
    """A server that listens on `port`. `processes`: all that count as the server, Redis included."""

    port: int
    folder: Path
    core: int
    processes: list[Process] = field(default_factory=list)

    @property
    def pids(self) -> list[int]:
        return [process.pid for process in self.processes]

    def start(
        self, name: str, command: list[str], *, env: dict[str, str] | None = None, cwd: Path = tools.ROOT
    ) -> Process:
        log = self.folder / f"{name}.log"
        process = Process(command, core=self.core, log=log, env=env, cwd=cwd)
        self.processes.append(process)
        return process

    def start_redis(self) -> str:
        """Redis beside it, on the same core; its URL."""
        port = free_port()
        options = ["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", str(self.folder)]
        self.start("redis", [tools.redis_server(), "--port", str(port), *options]).wait_for_port(port)
        return f"redis://127.0.0.1:{port}/0"


@dataclass(frozen=True)
class Server:
    """One line of the comparison. `kind`: how it is spoken to (dialects.c). `only`: what it can be asked."""

    name: str
    label: str
    kind: str
    start: Callable[[Running], None]
    prepare: Callable[[], object]
    chatd: bool = False
    only: tuple[str, ...] | None = None


@contextmanager
def running(server: Server, core: int) -> Iterator[Running]:
    """`server`, freshly started on `core`; ended, and its folder gone, afterwards."""
    tools.BUILD.mkdir(parents=True, exist_ok=True)
    # Beside the checkout's other builds and not in /tmp, which may be memory: a commit shall reach a disk.
    folder = Path(tempfile.mkdtemp(prefix="run-", dir=tools.BUILD))
    place = Running(free_port(), folder, core)
    try:
        server.start(place)
        yield place
    finally:
        for process in reversed(place.processes):
            process.stop()
        shutil.rmtree(folder, ignore_errors=True)


HTTP_TOO: Final = ("S3", "S1", "L3", "idle")
"""What is asked of members who come over HTTP."""

# ---- chatd -------------------------------------------------------------------------------------


def start_chatd(place: Running, *, redis: bool = False, workers: int = 1) -> None:
    settings = [f"--set={name}={value}" for name, value in CHATD_SETTINGS.items()]
    extra = [f"--redis={place.start_redis()}", f"--workers={workers}"] if redis else []
    data = place.folder / "data"
    command = [
        sys.executable,
        "-m",
        "chatd",
        "serve",
        "--open",
        "--port",
        str(place.port),
        "--data",
        str(data),
    ]
    place.start("chatd", [*command, *settings, *extra]).wait_for_text("is running")


def _chatd_redis(place: Running) -> None:
    start_chatd(place, redis=True)


def _chatd_two(place: Running) -> None:
    start_chatd(place, redis=True, workers=2)


# ---- the limits --------------------------------------------------------------------------------


def _limit(place: Running, mode: str) -> None:
    written = place.start("limit", [str(tools.program("limit")), mode]).wait_for_text("listening on")
    found = re.search(r"listening on (\d+)", written)
    assert found is not None
    place.port = int(found[1])


def _one_send(place: Running) -> None:
    _limit(place, "one-send")


def _joined(place: Running) -> None:
    _limit(place, "joined")


# ---- the peers ---------------------------------------------------------------------------------


def _node(place: Running, script: str, *arguments: str) -> None:
    command = [tools.need("node"), str(tools.node_script(script)), str(place.port), *arguments]
    place.start("node", command, cwd=tools.NODE, env={"NODE_ENV": "production"}).wait_for_port(place.port)


def _node_ws(place: Running) -> None:
    _node(place, "node_ws.mjs")


def _socketio(place: Running) -> None:
    _node(place, "socketio.mjs")


def _socketio_redis(place: Running) -> None:
    _node(place, "socketio.mjs", place.start_redis())


def _uvicorn(place: Running, app: str) -> None:
    bind = ["--host", "127.0.0.1", "--port", str(place.port), "--log-level", "warning"]
    command = [str(tools.VENV_PYTHON), "-m", "uvicorn", "--app-dir", str(tools.PEERS), app, *bind]
    place.start("uvicorn", command, env={"REDIS_URL": place.start_redis()}).wait_for_port(place.port)


def _starlette(place: Running) -> None:
    _uvicorn(place, "starlette_tutorial:app")


def _python_socketio(place: Running) -> None:
    _uvicorn(place, "socketio_python:app")


def _channels(place: Running) -> None:
    command = [str(tools.VENV_PYTHON.parent / "daphne"), "-b", "127.0.0.1", "-p", str(place.port), "-v", "0"]
    env = {"REDIS_URL": place.start_redis()}
    place.start("daphne", [*command, "channels_rooms:application"], cwd=tools.PEERS, env=env).wait_for_port(
        place.port
    )


def _python(place: Running, script: str) -> None:
    command = [str(tools.VENV_PYTHON), str(tools.PEERS / script), str(place.port)]
    place.start("python", command).wait_for_port(place.port)


def _websockets(place: Running) -> None:
    _python(place, "websockets_rooms.py")


def _socketify(place: Running) -> None:
    _python(place, "socketify_rooms.py")


def _nats(place: Running) -> None:
    config = place.folder / "nats.conf"
    config.write_text(
        f'listen: "127.0.0.1:{free_port()}"\nwebsocket {{ listen: "127.0.0.1:{place.port}", no_tls: true }}\n'
    )
    place.start("nats", [tools.need("nats-server"), "-c", str(config)]).wait_for_port(place.port)


def _mosquitto(place: Running) -> None:
    config = place.folder / "mosquitto.conf"
    # Debian's 2.0.11 refuses to start where WebSocket is its only listener.
    config.write_text(
        f"listener {free_port()} 127.0.0.1\nlistener {place.port} 127.0.0.1\nsocket_domain ipv4\n"
        "protocol websockets\nallow_anonymous true\nlog_type error\n"
    )
    place.start("mosquitto", [tools.need("mosquitto"), "-c", str(config)]).wait_for_port(place.port)


def _both() -> None:
    tools.use_node_peers()
    tools.use_python_peers()


def _nothing() -> None:
    """It is there already."""


SERVERS: Final = {
    server.name: server
    for server in (
        Server("chatd", "chatd", "chatd", start_chatd, _nothing, chatd=True),
        Server("chatd-redis", "chatd + Redis", "chatd", _chatd_redis, tools.use_python_peers, chatd=True),
        Server(
            "chatd-2", "chatd + Redis, 2 workers", "chatd", _chatd_two, tools.use_python_peers, chatd=True
        ),
        Server("chatd-sse", "chatd over SSE", "chatd-sse", start_chatd, _nothing, chatd=True, only=HTTP_TOO),
        Server(
            "chatd-polling",
            "chatd over polling",
            "chatd-polling",
            start_chatd,
            _nothing,
            chatd=True,
            only=HTTP_TOO,
        ),
        Server("c-joined", "C, frames of a turn joined", "room", _joined, lambda: tools.program("limit")),
        Server("c-one-send", "C, one send per frame", "room", _one_send, lambda: tools.program("limit")),
        Server("socketify", "uWebSockets (socketify)", "room", _socketify, tools.use_python_peers),
        Server("nats", "NATS, WebSocket", "nats", _nats, lambda: tools.need("nats-server")),
        Server("mosquitto", "Mosquitto, WebSocket", "mqtt", _mosquitto, lambda: tools.need("mosquitto")),
        Server("node-ws", "Node ws", "room", _node_ws, tools.use_node_peers),
        Server("websockets", "websockets (Python)", "room", _websockets, tools.use_python_peers),
        Server("socketio", "Socket.IO", "socketio", _socketio, tools.use_node_peers),
        Server("socketio-redis", "Socket.IO + Redis", "socketio", _socketio_redis, _both),
        Server("starlette", "Starlette tutorial + Redis", "room", _starlette, tools.use_python_peers),
        Server(
            "python-socketio", "python-socketio + Redis", "socketio", _python_socketio, tools.use_python_peers
        ),
        Server("channels", "Django Channels + Redis", "channels", _channels, tools.use_python_peers),
    )
}
"""In the order of the tables."""

QUICK: Final = ("chatd", "c-joined", "socketio", "socketio-redis")
"""What `--quick` compares."""
