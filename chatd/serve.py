"""`chatd serve`: everything between the command line and people in rooms.

    settings -> data folder, store, first room -> socket -> one process, or N workers -> the start text

What can be wrong is found here, before anything is started, and said in one sentence.
"""

import asyncio
import errno
import os
import socket
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final, TextIO

import msgspec

from chatd import logs, memory, metrics
from chatd.called import chatd
from chatd.folder import prepare_folder, serving
from chatd.node import BREAK_ROOM
from chatd.server import BACKLOG, raise_limits, run
from chatd.settings import Settings
from chatd.sign_in.settings import client_secret
from chatd.tickets import Tickets, open_tickets
from chatd.version import VERSION
from chatd.workers import Workers
from rooms.catalog import RoomExists
from rooms.store_sql import migrate, open_store

FACILITATOR_LINK_S: Final = 24 * 3600
"""How long the link that is printed at the start can be used, once."""


FAILED: Final = (
    "chatd stopped because a part of it failed; the log says where. "
    "What was acknowledged is kept: start it again, and everybody comes back to their seats."
)


NOT_ALONE: Final = (
    "Another chatd serves this data folder, and without Redis the two would not hear each other. "
    "Stop that one, or start both with --redis URL, or give this one a folder of its own: --data FOLDER"
)


class CannotServe(Exception):
    """The server cannot start here; the sentence says why and what to do."""


def serve(settings: Settings) -> int:
    """Serve until told to stop; the exit code. `SettingsError`, `CannotUse`, `CannotServe`, `LogError`."""
    logs.configure(settings)
    memory.guard(readable=settings.open)
    raise_limits()
    secret = prepare_folder(settings)
    open_tickets(settings, secret)  # a key file that is no good is said here, and once for all workers
    client_secret(settings)  # and so is the secret of single sign-on
    listener = listen(settings.host, settings.port)
    settings = msgspec.structs.replace(settings, port=listener.getsockname()[1])
    with serving(settings, alone=settings.redis is None, otherwise=NOT_ALONE):
        return _serve(settings, secret, listener)


def _serve(settings: Settings, secret: bytes, listener: socket.socket) -> int:
    room = asyncio.run(prepare_rooms(settings))

    def ready() -> None:
        _say(start_text(settings, room, facilitator_link(settings, secret, room)))

    if settings.workers == 1:
        code = run(settings, [listener], on_ready=ready)
        if code:
            _say(FAILED, sys.stderr)
        return code
    cells = metrics.shared_cells(settings.workers)
    return asyncio.run(_with_workers(settings, listener, cells, ready))


async def _with_workers(
    settings: Settings, listener: socket.socket, cells: int, ready: Callable[[], None]
) -> int:
    asyncio.get_running_loop().set_exception_handler(logs.on_loop_error)
    workers = Workers(settings, listen_fd=listener.fileno(), metrics_fd=cells, on_ready=ready)
    return await workers.run()


async def prepare_rooms(settings: Settings) -> str | None:
    """The store in its present shape, and a first room in an empty one. The room to begin in, if any."""
    await migrate(settings.store)
    store = await open_store(settings.store)
    try:
        rooms = await store.catalog.list()
        if not rooms:
            with suppress(RoomExists):  # another server on the same database was first
                await store.catalog.add(BREAK_ROOM)
            return BREAK_ROOM.name
        names = [spec.name for spec in rooms if spec.listed]
        return BREAK_ROOM.name if BREAK_ROOM.name in names else next(iter(names), None)
    finally:
        await store.close()


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; connections wait in it until somebody serves. `CannotServe`."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except socket.gaierror:
        raise CannotServe(
            f"There is no address {host} here. Try --host 127.0.0.1 or --host 0.0.0.0."
        ) from None
    family, kind, protocol, _, address = found[0]
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise CannotServe(_why_not(error, host, port)) from None
    listener.setblocking(False)
    return listener


def _why_not(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return (
            f"Port {port} is taken by another program, perhaps another chatd. "
            f"Stop that one, or choose another port: {chatd()} serve --port {port % 65535 + 1}"
        )
    if error.errno == errno.EACCES:
        return f"This user may not listen on port {port}. Ports from 1024 on are free to all: --port 8000"
    if error.errno == errno.EADDRNOTAVAIL:
        return f"This machine does not have the address {host}. Try --host 127.0.0.1 or --host 0.0.0.0."
    return f"Port {port} on {host} cannot be opened: {error.strerror}."


def facilitator_link(settings: Settings, secret: bytes, room: str | None) -> str | None:
    """A link that lets one person in as a facilitator, once. In the fragment, which no log sees."""
    if room is None:
        return None
    expires_at = int(time.time()) + FACILITATOR_LINK_S
    ticket = Tickets(secret).issue(room, "facilitator", expires_at=expires_at, once=True)
    return f"{settings.url}/room/{room}#ticket={ticket}"


def start_text(settings: Settings, room: str | None, link: str | None) -> str:
    """What a tired person needs to know, and nothing else. `link` leads into `room`, where there is one."""
    lines = ["", f"chatd {VERSION} is running.", "", f"  Lobby        {settings.url}/"]
    if link is None:
        lines += [f"  Facilitator  make a room first: {chatd()} room add NAME"]
        lines += [f"               and then a link to it: {chatd()} ticket --room NAME --role facilitator"]
    elif "JOURNAL_STREAM" in os.environ:
        # Under systemd this text is kept in the journal, where a key to a room has no business.
        lines += [f"  Facilitator  {chatd()} ticket --room {room} --role facilitator makes a link"]
    else:
        lines += [
            f"  Facilitator  {link}",
            f"               (works once, within 24 hours; `{chatd()} ticket` makes more)",
        ]
    lines += [f"  Data         {settings.data.resolve()}"]
    if settings.workers > 1:
        lines += [f"  Processes    {settings.workers}"]
    lines += ["", "Ctrl-C stops it."]
    if settings.open:
        lines += [
            "",
            "!!!  OPEN: anybody who reaches this address can enter any room, without a ticket.",
            "!!!  This is for trying out and load tests. Do not let people confide in each other here.",
        ]
    return "\n".join([*lines, ""])


def _say(text: str, stream: TextIO | None = None) -> None:
    stream = sys.stdout if stream is None else stream
    stream.write(text + "\n")
    stream.flush()
