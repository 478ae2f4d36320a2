"""`chatd doctor`: looks at everything a server needs, and says what to do about what is not right.

Each check is one function that returns a `Finding` and never raises. Reads, and tries things
out that leave nothing behind; repairs nothing.
"""

import asyncio
import os
import resource
import secrets
import shutil
import sqlite3
import stat
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from typing import Final, Literal, TypeAlias
from urllib.parse import quote

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from chatd.called import chatd
from chatd.folder import untouched
from chatd.settings import SECRET_NAME, STORE_NAME, Settings, SettingsError, load_secret
from chatd.tickets import open_tickets

Verdict: TypeAlias = Literal["ok", "warning", "failure"]

LITTLE_SPACE_BYTES: Final = 500 << 20
NO_SPACE_BYTES: Final = 50 << 20
OLD_SQLITE: Final = (3, 35, 0)
"""The first with RETURNING, which the log uses."""
FEW_FILES: Final = 4096
WAIT_S: Final = 3.0
BUILT_YEAR: Final = 2025
MARKS: Final[dict[Verdict, tuple[str, str]]] = {
    "ok": ("ok", "green"),
    "warning": ("look", "yellow"),
    "failure": ("FAIL", "bold red"),
}


class Finding(msgspec.Struct, frozen=True):
    """What a check saw, and what to do where it is not right."""

    what: str
    verdict: Verdict
    seen: str
    remedy: str = ""


def ok(what: str, seen: str) -> Finding:
    return Finding(what, "ok", seen)


def examine(settings: Settings) -> list[Finding]:
    """All checks, in the order in which a server would stumble."""
    # Which is made of the words in here.
    from chatd.doctor.memory import check_memory
    from chatd.doctor.passes import check_passes
    from chatd.doctor.sessions import check_erasures, check_keys, check_plans
    from chatd.doctor.sign_in import check_sign_in

    checks: Sequence[Callable[[Settings], Finding]] = (
        check_settings,
        check_folder,
        check_space,
        check_secret,
        check_issuers,
        check_sign_in,
        check_passes,
        check_sqlite if settings.database is None else check_postgres,
        check_erasures,
        check_keys,
        check_plans,
        check_redis,
        check_clock,
        check_files,
        check_memory,
    )
    return [check(settings) for check in checks]


def report(settings: Settings, console: Console) -> int:
    """Print the table; 1 where something fails, otherwise 0."""
    findings = examine(settings)
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False)
    for finding in findings:
        mark, style = MARKS[finding.verdict]
        seen = Text(finding.seen)
        if finding.remedy:
            seen.append(f"\n{finding.remedy}", style="italic")
        table.add_row(Text(mark, style=style), Text(finding.what), seen)
    console.print(table)
    failed = any(finding.verdict == "failure" for finding in findings)
    console.print()
    console.print(
        "Something needs you before this server can run well." if failed else "This server can run."
    )
    return 1 if failed else 0


def check_settings(settings: Settings) -> Finding:
    """They were read, or we would not be here; some are only right in some places."""
    if settings.open:
        return Finding(
            "Settings",
            "warning",
            "open: anybody may enter any room without a ticket",
            "Good for trying out; leave --open away where people confide in each other.",
        )
    if settings.host not in ("127.0.0.1", "::1", "localhost") and not settings.public_url:
        return Finding(
            "Settings",
            "warning",
            f"listens on {settings.host} without a public_url",
            "Put a proxy with TLS before it, and set public_url to its https:// address.",
        )
    return ok("Settings", f"{settings.workers} process{'es' if settings.workers > 1 else ''}, {settings.url}")


def check_folder(settings: Settings) -> Finding:
    """There, a folder, writable, and closed to others."""
    what, folder = "Data folder", settings.data
    if not folder.exists():
        above = next(parent for parent in folder.resolve().parents if parent.exists())
        if os.access(above, os.W_OK):
            return ok(what, f"{folder.resolve()} will be made at the first start")
        return Finding(
            what, "failure", f"{folder.resolve()} cannot be made", f"Make {above} writable, or use --data."
        )
    if not folder.is_dir():
        return Finding(
            what, "failure", f"{folder.resolve()} is not a folder", "Name another one with --data."
        )
    probe = folder / f".doctor-{secrets.token_hex(4)}"
    try:
        probe.write_bytes(b"chatd")
        probe.unlink()
    except OSError as error:
        return Finding(
            what,
            "failure",
            f"{folder.resolve()} cannot be written: {error.strerror}",
            "Give it to the user that runs chatd: chown, or another --data.",
        )
    if stat.S_IMODE(folder.stat().st_mode) & 0o077:
        return Finding(
            what, "warning", f"{folder.resolve()} is open to other users", f"chmod 700 {folder.resolve()}"
        )
    return ok(what, str(folder.resolve()))


def check_space(settings: Settings) -> Finding:
    """Room to write: a full disk stops posts, though nothing that was said is lost."""
    folder = settings.data.resolve()
    existing = folder if folder.exists() else next(parent for parent in folder.parents if parent.exists())
    free = shutil.disk_usage(existing).free
    seen = f"{free / (1 << 30):.1f} GiB free"
    if free < NO_SPACE_BYTES:
        return Finding("Disk", "failure", seen, "Make room: without it nothing can be posted.")
    if free < LITTLE_SPACE_BYTES:
        return Finding("Disk", "warning", seen, "Make room soon.")
    return ok("Disk", seen)


def check_secret(settings: Settings) -> Finding:
    """The root of tickets and seats is whole and only ours. Its value is not looked at."""
    path = settings.data / SECRET_NAME
    if settings.secret is None and not path.exists():
        return ok("Secret", "will be made at the first start")
    try:
        load_secret(settings)
    except SettingsError as error:
        return Finding(
            "Secret", "failure", error.problems[0], "Restore the file, or remove it: all seats end then."
        )
    if settings.secret is None and stat.S_IMODE(path.stat().st_mode) & 0o077:
        return Finding("Secret", "failure", f"{path} can be read by other users", f"chmod 600 {path}")
    return ok("Secret", "whole, and only ours")


def check_issuers(settings: Settings) -> Finding:
    """Every intranet that may sign tickets has a key file that can be used; a secret in one is only ours."""
    what, count = "Ticket issuers", len(settings.ticket_issuers)
    if not count:
        return ok(what, "none: only this server signs tickets")
    try:
        open_tickets(settings, bytes(32))
    except SettingsError as error:
        return Finding(what, "failure", " ".join(error.problems), "Put a key there, or take the issuer out.")
    shared = [settings.data / one.key for one in settings.ticket_issuers if one.algorithm == "HS256"]
    for path in shared:
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            return Finding(what, "warning", f"{path} can be read by other users", f"chmod 600 {path}")
    return ok(what, f"{count}, with keys that can be used")


def check_sqlite(settings: Settings) -> Finding:
    """New enough; and where there is a database, it is in WAL mode and whole."""
    what, version = "SQLite", sqlite3.sqlite_version
    if sqlite3.sqlite_version_info < OLD_SQLITE:
        return Finding(
            what, "failure", f"{version} is too old", "Use a Python that links SQLite 3.35 or newer."
        )
    file = settings.data / STORE_NAME
    if not file.exists():
        return ok(what, f"{version}, no database yet")
    try:
        with closing(
            sqlite3.connect(f"file:{quote(str(file.resolve()))}?{untouched(file)}", uri=True, timeout=WAIT_S)
        ) as database:
            whole = database.execute("PRAGMA quick_check(1)").fetchone()[0]
    except sqlite3.Error as error:
        seen = f"{file.name} cannot be read ({error.sqlite_errorname})"
        return Finding(
            what,
            "failure",
            seen,
            f"Stop the server, and put a backup in place: {chatd()} restore FILE --replace",
        )
    if whole != "ok":
        return Finding(
            what,
            "failure",
            f"{file.name} is damaged",
            f"Stop the server, and put a backup in place: {chatd()} restore FILE --replace",
        )
    with file.open("rb") as stream:
        wal = stream.read(20)[18:20] == b"\x02\x02"  # the format's own mark (sqlite.org/fileformat, 1.3.3)
    if not wal:
        return Finding(
            what, "warning", f"{file.name} is not in WAL mode", "Starting the server once sets it."
        )
    return ok(what, f"{version}, WAL, whole")


def check_postgres(settings: Settings) -> Finding:
    """Reachable, and answers. The URL is not shown: it may hold a password."""
    what = "PostgreSQL"

    async def ask() -> str:
        import asyncpg

        async with asyncio.timeout(WAIT_S):
            connection = await asyncpg.connect(settings.database)
            try:
                return str(await connection.fetchval("SHOW server_version"))
            finally:
                await connection.close(timeout=WAIT_S)

    import asyncpg

    try:
        return ok(what, f"{asyncio.run(ask())}, answers")
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, ValueError) as error:
        return Finding(
            what,
            "failure",
            f"does not answer ({type(error).__name__})",
            "Is it running, and does `database` name the right host, user and password?",
        )


def check_redis(settings: Settings) -> Finding:
    """Reachable, and carries a message there and back. Without Redis the log alone carries everything."""
    if settings.redis is None:
        return ok("Redis", "not used: one process needs none")

    url = settings.redis

    async def round_trip_ms() -> float:
        import redis.asyncio

        client = redis.asyncio.from_url(url, socket_timeout=WAIT_S, socket_connect_timeout=WAIT_S)
        async with asyncio.timeout(2 * WAIT_S), client, client.pubsub() as hearing:
            channel = f"chatd:doctor:{secrets.token_hex(8)}"
            await hearing.subscribe(channel)
            await hearing.get_message(timeout=WAIT_S)  # the subscription's own confirmation
            begun = time.monotonic()
            await client.publish(channel, b"?")
            if await hearing.get_message(ignore_subscribe_messages=True, timeout=WAIT_S) is None:
                raise TimeoutError
            return (time.monotonic() - begun) * 1000

    import redis

    try:
        return ok("Redis", f"a message comes back in {asyncio.run(round_trip_ms()):.1f} ms")
    except (OSError, TimeoutError, redis.RedisError, ValueError) as error:
        return Finding(
            "Redis",
            "failure",
            f"does not answer ({type(error).__name__})",
            "Is it running, and does `redis` name the right host and password? Rooms go on, slower.",
        )


def check_clock(settings: Settings) -> Finding:
    """Tickets end by the wall clock, so it must be about right, and run as fast as time does."""
    wall, steady = time.time(), time.monotonic()
    deadline = steady + 0.05
    while time.monotonic() < deadline:
        pass  # a pause without a sleep: the point is to see both clocks move
    drift_s = abs((time.time() - wall) - (time.monotonic() - steady))
    year = time.gmtime().tm_year
    if year < BUILT_YEAR or year > BUILT_YEAR + 50:
        return Finding(
            "Clock", "failure", f"says it is {year}", "Set it, best by NTP (timedatectl set-ntp true)."
        )
    if drift_s > 0.02:
        return Finding(
            "Clock", "warning", "was moved just now", "Let NTP keep it (timedatectl set-ntp true)."
        )
    return ok("Clock", time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()))


def check_files(settings: Settings) -> Finding:
    """Every connection is an open file."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard == resource.RLIM_INFINITY:
        return ok("Open files", "no limit")
    if hard < min(settings.max_connections + 200, FEW_FILES):
        return Finding(
            "Open files", "failure", f"at most {hard}", "Raise it: ulimit -Hn, or LimitNOFILE= in systemd."
        )
    if hard < settings.max_connections + 200:
        return Finding(
            "Open files",
            "warning",
            f"at most {hard}, and max_connections is {settings.max_connections}",
            "Raise it (LimitNOFILE= in systemd), or lower max_connections.",
        )
    return ok("Open files", f"at most {hard}")
