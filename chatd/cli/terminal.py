"""`chatd join ROOM`: a room in the terminal.

    lines typed or piped in  ->  posts and /commands
    what happens in the room ->  lines above the prompt

What is said and done is in `talk.py`; here is the terminal around it: a thread that reads
lines, a screen that prints them. Piped input is posted line by line, and its end leaves the room.
"""

import asyncio
import contextlib
import io
import shutil
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Final, Protocol, TextIO, TypeAlias
from urllib.parse import parse_qs, unquote, urlsplit

import msgspec
from rich.cells import cell_len

from chatd.cli.talk import QUIT, Talk, plain
from chatd.client import ChatError, Codec, Refused, Transport, connect
from rooms.command import RoomName

DEFAULT_URL: Final = "http://127.0.0.1:8000"
PROMPT: Final = "> "
INDENT: Final = "      "
"""Before the further rows of a line that is wider than the terminal: as wide as the time before it."""
NAME_RULE: Final = (
    "A room's name is up to 64 of a-z, 0-9, dot, dash, underscore, and begins with a letter or digit."
)
MAX_LINE_CHARS: Final = 20_000
MAX_LINES_WAITING: Final = 64


@dataclass(frozen=True, slots=True)
class JoinOptions:
    """What `chatd join` was asked. `room` is a name, or the whole link to a room."""

    room: str
    url: str = DEFAULT_URL
    ticket: str | None = None
    codec: Codec = "json"
    transport: Transport = "ws"


class CannotJoin(Exception):
    """What was asked cannot be done; the text is a sentence that says why."""


# ---- the terminal around it --------------------------------------------------------------------


class Screen(Protocol):
    """Where lines go, and where they come from."""

    def say(self, line: str) -> None: ...

    def ask(self) -> str:
        """The next line, without its end. Blocks. EOFError at the end of the input."""
        ...

    def named(self, handle: str) -> None:
        """Who sits here is called so from now on."""
        ...

    def close(self) -> None:
        """Nothing more is said here or asked: leave the cursor at the beginning of a line."""
        ...


class PipeScreen:
    """Input or output is no terminal: lines in, lines out, nothing else."""

    def __init__(self, source: TextIO, target: TextIO) -> None:
        self._source = source
        self._target = target

    def say(self, line: str) -> None:
        print(line, file=self._target, flush=True)

    def ask(self) -> str:
        line = self._source.readline(MAX_LINE_CHARS)
        if not line:
            raise EOFError
        return line

    def named(self, handle: str) -> None:
        pass  # nobody is asked

    def close(self) -> None:
        pass  # every line has its end


class PromptScreen:
    """A terminal: what comes in is printed above the prompt, and what is being typed stays.

    The line is edited by readline, which draws it; to print above it, it is wiped, and drawn again.
    """

    def __init__(self) -> None:
        import readline

        self._readline = readline
        self._asking = False
        self._prompt = PROMPT

    def say(self, line: str) -> None:
        wipe = "\r\x1b[K" if self._asking else ""
        again = self._prompt + self._readline.get_line_buffer() if self._asking else ""
        rows = "\n".join(wrapped(line, shutil.get_terminal_size().columns))
        sys.stdout.write(f"{wipe}{rows}\n{again}")
        sys.stdout.flush()

    def ask(self) -> str:
        self._asking = True
        try:
            line = input(self._prompt)
        except EOFError:
            sys.stdout.write("\n")  # Ctrl-D leaves the cursor behind the prompt
            raise
        finally:
            self._asking = False
        if cell_len(self._prompt + line) < shutil.get_terminal_size().columns:
            sys.stdout.write("\x1b[A\r\x1b[K")  # it comes back from the room, with its number
        return line[:MAX_LINE_CHARS]

    def named(self, handle: str) -> None:
        self._prompt = f"{handle}{PROMPT}"

    def close(self) -> None:
        if self._asking:
            sys.stdout.write("\n")
            sys.stdout.flush()


def wrapped(line: str, columns: int) -> list[str]:
    """`line` in rows of at most `columns` cells, broken between words; a longer word is left whole."""
    rows: list[str] = []
    row, *words = line.split(" ")
    for word in words:
        longer = f"{row} {word}"
        if row.strip() and cell_len(longer) > columns:
            rows.append(row.rstrip())
            longer = INDENT + word
        row = longer
    return [*rows, row]


_Lines: TypeAlias = "asyncio.Queue[str | None]"


async def _lines(screen: Screen) -> AsyncIterator[str]:
    """The lines that a screen is given. Read in a daemon thread: a blocked read cannot be cancelled."""
    loop = asyncio.get_running_loop()
    queue: _Lines = asyncio.Queue(MAX_LINES_WAITING)

    def read() -> None:
        line: str | None = ""
        while line is not None:
            try:
                line = screen.ask()
            except (EOFError, UnicodeDecodeError, ValueError, OSError):
                line = None  # the end; or a stream that is closed, or is no text
            waiting = queue.put(line)
            try:
                asyncio.run_coroutine_threadsafe(waiting, loop).result()
            except (RuntimeError, asyncio.CancelledError):
                waiting.close()  # the loop is gone, and so is everybody who would read it
                return
            if line is not None and line.strip() in QUIT:
                return  # nobody is asked again: no prompt is left behind

    threading.Thread(target=read, name="chatd.stdin", daemon=True).start()
    while (line := await queue.get()) is not None:
        yield line


async def join(options: JoinOptions, screen: Screen) -> None:
    """Sit in the room until the lines end, /quit, or the room is over. Raises `ChatError`."""
    url, room_name, ticket = where(options)
    async with connect(url, codec=options.codec, transport=options.transport) as client:
        room = await client.join(room_name, ticket=ticket)
        screen.named(plain(room.handle))
        talk = Talk(room, screen.say, screen.named)
        listening = asyncio.create_task(talk.listen())
        following = asyncio.create_task(talk.follow(_lines(screen)))
        try:
            await asyncio.wait([listening, following], return_when=asyncio.FIRST_COMPLETED)
            if following.done():
                following.result()
                await room.leave()
            await listening
        finally:
            screen.close()
            for task in (listening, following):
                task.cancel()
            await asyncio.wait([listening, following])


def where(options: JoinOptions) -> tuple[str, str, str | None]:
    """(URL, room, ticket), from a name or from a link such as http://host/room/icu#ticket=...

    `CannotJoin` where the name can be no room's.
    """
    url, name, ticket = _read_link(options)
    try:
        msgspec.convert(name, RoomName)
    except msgspec.ValidationError:
        raise CannotJoin(NAME_RULE) from None
    return url, name, ticket


def _read_link(options: JoinOptions) -> tuple[str, str, str | None]:
    if "://" not in options.room:
        return options.url, options.room, options.ticket
    parts = urlsplit(options.room)
    name = unquote(parts.path.rpartition("/room/")[2])
    ticket = parse_qs(parts.fragment).get("ticket", [None])[0]
    return options.room.partition("#")[0], name, options.ticket or ticket


@contextlib.contextmanager
def _terminal_kept() -> Iterator[None]:
    """Leave the terminal's modes as they were: the reading thread may end in the middle of a line."""
    import termios

    before = termios.tcgetattr(sys.stdin)
    try:
        yield
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)


def run_join(options: JoinOptions) -> int:
    """`chatd join`. 0 after leaving, 2 where the room could not be entered or was lost for good."""
    for stream in (sys.stdin, sys.stdout):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # what is no text becomes a mark, and ends nothing
    is_terminal = sys.stdin.isatty() and sys.stdout.isatty()
    screen: Screen = PromptScreen() if is_terminal else PipeScreen(sys.stdin, sys.stdout)
    try:
        with _terminal_kept() if is_terminal else contextlib.nullcontext():
            asyncio.run(join(options, screen))
    except Refused as refused:
        sys.stderr.write(f"{plain(refused.message)}\n")
        return 2
    except CannotJoin as cannot:
        sys.stderr.write(f"{cannot}\n")
        return 2
    except (ChatError, ValueError) as error:
        sys.stderr.write(f"That did not work: {error}.\n")
        return 2
    except KeyboardInterrupt:
        return 130
    return 0
