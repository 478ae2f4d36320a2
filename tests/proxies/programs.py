"""Real intermediaries: Debian's programs, each with a generated configuration, on loopback.

    async with Program("nginx", folder, upstream=...) as nginx: ... nginx.port ... await nginx.restart()

A port is held from the first start to the end by a socket that is bound to it and never listens,
so that a restart finds it free however many tests run at once. Nothing is left behind, also where
the test's own process is killed.
"""

import asyncio
import os
import shutil
import signal
import socket
import string
import subprocess
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from tests.fixtures.servers import until

CONFIGS: Final = Path(__file__).parent / "configs"
START_S: Final = 20.0

COMMANDS: Final = {
    "nginx": ("/usr/sbin/nginx", "-c", "@config"),
    "haproxy": ("/usr/sbin/haproxy", "-db", "-q", "-f", "@config"),
    "squid": ("/usr/sbin/squid", "-N", "-f", "@config"),
    "apache": ("/usr/sbin/apache2", "-X", "-f", "@config"),
}
"""How each runs in the foreground, as one process that a kill ends."""
FIRST: Final = {
    "squid-inspecting.conf": (
        *("/usr/lib/squid/security_file_certgen", "-c"),
        *("-s", "@folder/certificates", "-M", "4MB"),
    )
}
"""What makes a file that the program of this configuration wants to find."""
USERS: Final = {"squid": "proxy", "apache": "www-data"}
"""Who they become where root starts them: they refuse to stay root."""


class Template(string.Template):
    """A configuration with `@name` where a value goes: `$` means something to nginx."""

    delimiter = "@"


class Port:
    """A free port of 127.0.0.1, ours until `close`."""

    def __init__(self) -> None:
        self._held = socket.socket()
        self._held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._held.bind(("127.0.0.1", 0))
        self.number: int = self._held.getsockname()[1]

    def close(self) -> None:
        self._held.close()


class Program:
    """One program. `config` is a file in configs/; its first part, up to `-`, says which program it is for.

    `values` fill the template, besides `@folder` (its own), `@user` (who it runs as) and `@port`.
    """

    def __init__(self, config: str, folder: Path, **values: object) -> None:
        self.kind = config.split("-", maxsplit=1)[0].removesuffix(".conf")
        self._folder = folder / config.removesuffix(".conf")
        self._folder.mkdir()
        self._port = Port()
        self.port = self._port.number
        self._file = self._folder / "config"
        self._output = self._folder / "output"
        self._user = USERS.get(self.kind) if os.getuid() == 0 else None
        if self._user is not None:
            shutil.chown(self._folder, self._user)
        given = {"folder": self._folder, "port": self.port, "user": self._user or "nobody", **values}
        self._file.write_text(Template((CONFIGS / config).read_text("utf-8")).substitute(given), "utf-8")
        if config in FIRST:
            first = [Template(word).substitute(given) for word in FIRST[config]]
            subprocess.run(first, user=self._user, check=True, capture_output=True, timeout=START_S)
        self._process: subprocess.Popen[bytes] | None = None
        self._watchdog: subprocess.Popen[bytes] | None = None

    async def __aenter__(self) -> Self:
        try:
            await self.start()
        except BaseException:
            await self.__aexit__(None, None, None)
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()
        self._port.close()

    async def start(self) -> None:
        """Return when it accepts connections."""
        self._spawn()

        async def listens() -> bool:
            assert self._process is not None
            assert self._process.poll() is None, f"{self.kind} ended:\n{self._written()}"
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", self.port)
            except OSError:
                return False
            writer.transport.abort()
            return True

        await until(listens, f"{self.kind} listens", within_s=START_S, every_s=0.05)

    def _spawn(self) -> None:
        command = COMMANDS[self.kind]
        assert Path(command[0]).exists(), f"there is no {command[0]}: scripts/test installs it"
        with self._output.open("ab") as into:
            self._process = subprocess.Popen(
                [Template(word).substitute(config=self._file) for word in command],
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=into,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # a group of its own, to be ended with its helpers
            )
        # Teardown does not run in a test process that is killed itself: then its end of this pipe closes.
        self._watchdog = subprocess.Popen(
            ["/bin/sh", "-c", f"read _; kill -9 -- -{self._process.pid}"],
            stdin=subprocess.PIPE,
            start_new_session=True,
        )

    def _written(self) -> str:
        return self._output.read_text("utf-8", "replace")

    def kill(self) -> None:
        """kill -9, with its helpers. Every connection through it is cut."""
        if self._watchdog is not None:  # first, so that it never meets another process with this id
            self._watchdog.kill()
            self._watchdog.communicate()
            self._watchdog = None
        if self._process is not None:
            with suppress(ProcessLookupError):  # it ended by itself, and was seen to
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(10)
            self._process = None

    async def restart(self) -> None:
        self.kill()
        await self.start()
