"""`chatd join`: what is shown, what is understood, and that no message can write on the terminal."""

import asyncio
import os
import re
import sys
import unicodedata
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatd import client as chat
from chatd.cli.talk import Talk, plain
from chatd.cli.terminal import CannotJoin, JoinOptions, PipeScreen, Screen, join, run_join, where, wrapped
from chatd.client import Backoff, Refused
from tests.chatd.scripted import Peer, joined, posted, scripted
from tests.chatd.shared_server import shared_server
from tests.fixtures.programs import ROOT
from tests.fixtures.servers import environment, until

NASTY: Final = "\x1b]0;owned\x07\x1b[2J\x9b31m\r\n\u202egnp.exe\u2066\x00\x08"


# ---- what may be printed -----------------------------------------------------------------------


@given(st.text())
def test_nothing_that_a_terminal_obeys_is_left(text: str) -> None:
    shown = plain(text)
    assert not {unicodedata.category(character) for character in shown} & {"Cc", "Cs", "Zl", "Zp"}
    assert {character for character in shown if unicodedata.category(character) == "Cf"} <= {
        "\u200c",
        "\u200d",
    }
    assert plain(shown) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain words", "plain words"),
        ("Grüße, नमस्ते, 👩‍⚕️, می‌خواهم", "Grüße, नमस्ते, 👩‍⚕️, می‌خواهم"),
        ("two\nlines\tand\r\nmore", "two lines and  more"),
        (NASTY, "]0;owned[2J31m  gnp.exe"),
    ],
    ids=["words", "scripts", "lines", "escapes"],
)
def test_what_is_left_can_be_read(text: str, shown: str) -> None:
    assert plain(text) == shown


# ---- one person in a room ----------------------------------------------------------------------


class Script:
    """A screen that types what it is told and remembers what it showed."""

    def __init__(self, *lines: str) -> None:
        self.shown: list[str] = []
        self.handle = ""
        self.closed = False
        self._lines = list(lines)

    def say(self, line: str) -> None:
        self.shown.append(line)

    def ask(self) -> str:
        if not self._lines:
            raise EOFError
        return self._lines.pop(0)

    def named(self, handle: str) -> None:
        self.handle = handle

    def close(self) -> None:
        self.closed = True


async def sit(url: str, screen: Screen) -> None:
    await join(JoinOptions("icu", url=url, ticket="T"), screen)


async def test_lines_are_posted_commands_are_obeyed_and_the_end_leaves() -> None:
    async def server(peer: Peer) -> None:
        seated = await peer.seat(
            events=[posted(2, "before", "mild-otter", role="facilitator")], slow_mode_s=5, count=2
        )
        assert seated["ticket"] == "T"
        for kind, fields in (
            ("post", {"text": "hello there"}),
            ("post", {"text": "/etc/motd is a file"}),
            ("post", {"text": "so do I", "reply_to": 2}),
            ("react", {"seq": 2, "kind": "with_you"}),
            ("withdraw", {"seq": 2}),
            ("away", {"away": True}),
            ("away", {"away": False}),
        ):
            command = await peer.expect(kind)
            assert {name: command.get(name) for name in fields} == fields
            await peer.ok(command, seq=2)
        older = await peer.expect("older")
        assert (older["before"], older["limit"]) == (2, 20)
        await peer.say({"t": "history", "id": older["id"], "room": "icu", "events": [], "more": False})
        await peer.ok(await peer.expect("leave"))

    screen = Script(
        "hello there\n", "", "   ", "//etc/motd is a file", "/reply 2 so do I", "/react #2 with_you",
        "/withdraw 2", "/away", "/back", "/who", "/help", "/nonsense", "/react 1 applause", "/withdraw two",
        "/reply 1", "/older",
    )  # fmt: skip
    async with scripted(server) as url:
        await sit(url, screen)
    shown = "\n".join(screen.shown)
    for words in (
        "Night shift: you are calm-heron, 2 here",
        "one message every 5 seconds",
        "#2 mild-otter (facilitator): before",
        "You are called away",
        "You are back",
        "2 here: calm-heron (you)",
        "/react N kind",
        "There is no such command",
        "kind is one of",
        "Say which message",
        "/reply N text",
        "There is nothing older",
    ):
        assert words in shown


async def test_what_happens_is_told_and_cannot_write_on_the_terminal() -> None:
    nobody: dict[str, list[str]] = {"joined": [], "left": [], "away": [], "back": []}

    async def server(peer: Peer) -> None:
        await peer.seat(title=NASTY, events=[posted(1, NASTY, NASTY)])
        head = {"room": "icu", "at": 60, "handle": "mild-otter"}
        await peer.say(
            posted(2, "an answer", "mild-otter", reply_to=1),
            {"t": "reacted", "seq": 3, "target": 1, "kind": "thank_you", **head},
            {"t": "withdrawn", "seq": 4, "target": 2, **head},
            {"t": "slowed", "seq": 5, "seconds": 15, **head},
            {"t": "hand_raised", "seq": 6, **head},
            posted(7, "", "mild-otter", withdrawn=True),
            {"t": "typing", "room": "icu", "handle": NASTY},
            {
                "t": "presence",
                "room": "icu",
                **nobody,
                "joined": [{"handle": NASTY}],
                "away": ["mild-otter"],
                "count": 2,
            },
            {"t": "presence", "room": "icu", **nobody, "left": [NASTY], "back": ["mild-otter"], "count": 1},
        )
        await peer.refuse(await peer.expect("post"), "text_too_long", message=f"No{NASTY}")
        await peer.close(4000)

    async def second(peer: Peer) -> None:
        await peer.seat(recovered=True, head=7)
        await peer.refuse(await peer.expect("post"), "not_allowed", message="No")
        await peer.close(4001)

    async def third(peer: Peer) -> None:
        join_ = await peer.expect("join")
        await peer.say(joined(join_, epoch="e2"))
        await peer.ok(await peer.expect("leave"))

    shown: list[str] = []

    async def lines() -> AsyncIterator[str]:
        yield "first"
        await until(lambda: any("Nothing is missing" in line for line in shown), "recovered")
        yield "second"
        await until(lambda: any("begun anew" in line for line in shown), "started anew")

    async with scripted(server, second, third) as url:
        client = chat.connect(url, backoff=Backoff(base_s=0.001, cap_s=0.002))
        async with client:
            room = await client.join("icu")
            talk = Talk(room, shown.append)
            listening = asyncio.create_task(talk.listen())
            await talk.follow(lines())
            await room.leave()
            await listening
    told = "\n".join(shown)
    for words in (
        "mild-otter (to #1): an answer",
        "mild-otter to #1: thank you",
        "mild-otter withdrew #2",
        "Slow mode: one message every 15 seconds",
        "#7 (withdrawn)",
        "* came:",
        "* left:",
        "* called away: mild-otter",
        "* back: mild-otter",
        "The connection is gone",
        "Nothing is missing",
        "begun anew",
        "No]0;owned",
    ):
        assert words in told
    assert "\x1b" not in told
    assert not any(unicodedata.category(character) in {"Cc", "Cf"} for line in shown for character in line)


async def test_the_greeting_comes_after_what_was_said_before() -> None:
    async def server(peer: Peer) -> None:
        await peer.seat(events=[posted(1, "long ago", "mild-otter"), posted(2, "just now", "mild-otter")])
        await peer.ok(await peer.expect("leave"))

    screen = Script()
    async with scripted(server) as url:
        await sit(url, screen)
    assert [line.partition(": ")[2] for line in screen.shown[:2]] == ["long ago", "just now"]
    assert "you are calm-heron" in screen.shown[2]
    assert len(screen.shown) == 3
    assert (screen.handle, screen.closed) == ("calm-heron", True)


async def test_nobody_is_told_of_their_own_coming() -> None:
    nobody: dict[str, list[str]] = {"joined": [], "left": [], "away": [], "back": []}

    async def server(peer: Peer) -> None:
        await peer.seat()
        came = [{"handle": "calm-heron"}]
        await peer.say({"t": "presence", "room": "icu", **nobody, "joined": came, "count": 1})
        came = [{"handle": "calm-heron"}, {"handle": "mild-otter"}]
        await peer.say({"t": "presence", "room": "icu", **nobody, "joined": came, "count": 2})
        await peer.ok(await peer.expect("leave"))

    screen = Script()
    async with scripted(server) as url:
        await sit(url, screen)
    assert [line for line in screen.shown if "came" in line] == ["* came: mild-otter"]


async def test_a_line_that_is_no_text_is_left_out_and_the_next_one_goes() -> None:
    async def server(peer: Peer) -> None:
        await peer.seat()
        post = await peer.expect("post")
        assert post["text"] == "good"
        await peer.ok(post, seq=1)
        await peer.ok(await peer.expect("leave"))

    screen = Script("bad \udce9", "good")
    async with scripted(server) as url:
        await sit(url, screen)
    assert any("no text that can be sent" in line for line in screen.shown)


async def test_a_room_that_is_not_entered_says_why() -> None:
    async def server(peer: Peer) -> None:
        await peer.refuse(await peer.expect("join"), "unknown_room")

    async with scripted(server) as url:
        with pytest.raises(Refused, match="unknown_room"):
            await sit(url, Script("hello"))


@pytest.mark.parametrize(
    ("options", "found"),
    [
        (JoinOptions("icu"), ("http://127.0.0.1:8000", "icu", None)),
        (JoinOptions("icu", "http://h:1", "T"), ("http://h:1", "icu", "T")),
        (JoinOptions("http://h:1/room/icu#ticket=a.b-c_d"), ("http://h:1/room/icu", "icu", "a.b-c_d")),
        (JoinOptions("https://h/chat/room/icu", ticket="T"), ("https://h/chat/room/icu", "icu", "T")),
    ],
    ids=["a name", "all said", "a link with a ticket", "a link"],
)
def test_where_to(options: JoinOptions, found: tuple[str, str, str | None]) -> None:
    assert where(options) == found


@pytest.mark.parametrize(
    "room", ["Bad Name", "", "icu\n", "-icu", "x" * 65, "http://h:1/room/Bad%20Name", "http://h:1/"]
)
def test_what_no_room_can_be_called_is_said_at_once(room: str, capsys: pytest.CaptureFixture[str]) -> None:
    options = JoinOptions(room, url="http://127.0.0.1:9")  # nobody listens there, and nobody is asked
    with pytest.raises(CannotJoin):
        where(options)
    assert run_join(options) == 2
    told = capsys.readouterr()
    assert told.err.startswith("A room's name is up to 64 of a-z, 0-9, dot, dash, underscore")
    assert len(told.err.splitlines()) == 1


@pytest.mark.parametrize(
    ("line", "rows"),
    [
        ("short", ["short"]),
        ("", [""]),
        ("12:30 #1 mild-otter: one two", ["12:30 #1", "      mild-otter:", "      one two"]),
        ("  indented words that are long", ["  indented words", "      that are long"]),
        ("a " + "x" * 30 + " b", ["a", "      " + "x" * 30, "      b"]),
        ("夜夜夜夜 夜夜夜夜 夜夜", ["夜夜夜夜 夜夜夜夜", "      夜夜"]),
    ],
    ids=["short", "empty", "words", "indented", "a long word", "wide"],
)
def test_words_are_not_cut_at_the_edge(line: str, rows: list[str]) -> None:
    assert wrapped(line, 19) == rows


def test_a_pipe_ends() -> None:
    source, target = os.pipe()
    os.write(target, b"one\ntwo")
    os.close(target)
    with os.fdopen(source) as lines:
        screen = PipeScreen(lines, sys.stdout)
        assert [screen.ask().strip(), screen.ask().strip()] == ["one", "two"]
        with pytest.raises(EOFError):
            screen.ask()


# ---- the program -------------------------------------------------------------------------------

PROGRAM: Final = """\
import sys
from chatd.cli.terminal import JoinOptions, run_join
sys.exit(run_join(JoinOptions(sys.argv[2], url=sys.argv[1])))
"""


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with shared_server(tmp_path_factory.mktemp("server")) as url:
        yield url


async def test_piped_lines_are_posted_and_the_end_of_them_leaves(url: str, tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", PROGRAM, url, "piped"),
        cwd=ROOT,
        env=environment(tmp_path),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(30), chat.connect(url) as client:
        out, _ = await process.communicate("first line\nGrüße 🌙\n".encode())
        assert process.returncode == 0
        assert "you are" in out.decode()
        room = await client.join("piped")
        heard: list[str] = []
        while len(heard) < 2:
            item = await anext(room)
            if isinstance(item, chat.Event):
                heard.append(item.text)
        assert heard == ["first line", "Grüße 🌙"]


@pytest.mark.parametrize("locale", ["C", "C.UTF-8"])
async def test_piped_bytes_that_are_no_utf8_are_posted_with_a_mark(
    url: str, tmp_path: Path, locale: str
) -> None:
    room_name = f"latin-{len(locale)}"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", PROGRAM, url, room_name),
        cwd=ROOT,
        env={**environment(tmp_path), "LC_ALL": locale},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(30), chat.connect(url) as client:
        await process.communicate(b"caf\xe9 noir\nand on\n")
        assert process.returncode == 0
        room = await client.join(room_name)
        heard: list[str] = []
        while len(heard) < 2:
            item = await anext(room)
            heard += [item.text] if isinstance(item, chat.Event) else []
        assert heard == ["caf\ufffd noir", "and on"]


@pytest.mark.parametrize("ending", [b"/quit\n", b"\x04"], ids=["quit", "Ctrl-D"])
async def test_what_comes_in_does_not_destroy_what_is_being_typed(
    url: str, tmp_path: Path, ending: bytes
) -> None:
    main, side = os.openpty()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", PROGRAM, url, "typed"),
        cwd=ROOT,
        env={**environment(tmp_path), "TERM": "xterm", "COLUMNS": "80"},
        stdin=side,
        stdout=side,
        stderr=side,
    )
    os.close(side)
    screen, ended = bytearray(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def read() -> None:
        try:
            screen.extend(os.read(main, 4096))
        except OSError:
            loop.remove_reader(main)  # the program has ended
            ended.set()

    loop.add_reader(main, read)
    try:
        async with chat.connect(url) as client:
            room = await client.join("typed")
            await until(lambda: b"you are" in screen and screen.endswith(b"> "), "the prompt", within_s=30)
            prompt = bytes(screen).rpartition(b"\n")[2].removeprefix(b"\r\x1b[K")
            assert re.fullmatch(rb"[a-z-]+> ", prompt), "it says who one is"
            os.write(main, b"half ty")
            await until(lambda: screen.endswith(b"half ty"), "the echo")
            await room.post("\x1b[2Jfrom the other side")
            await until(lambda: b"from the other side" in screen, "the line that came in")
            again = prompt + b"half ty"
            await until(lambda: screen.endswith(again), "the prompt, drawn again with what was typed")
            assert b"\x1b[2J" not in screen
            os.write(main, b"ped\n")
            async with asyncio.timeout(10):
                texts: list[str] = []
                while "half typed" not in texts:
                    item = await anext(room)
                    texts += [item.text] if isinstance(item, chat.Event) else []
            told = b"(you): half typed\r\n" + prompt
            await until(lambda: screen.endswith(told), "the line, as the room has it, and the next prompt")
            before = len(screen)
            os.write(main, ending)
            async with asyncio.timeout(20):
                assert await process.wait() == 0
            await until(ended.is_set, "the last of what it wrote")
            assert prompt not in screen[before:], "nobody is asked again"
            assert screen.endswith((b"\n", b"\x1b[K")), "the shell's prompt does not come behind ours"
    finally:
        loop.remove_reader(main)
        if process.returncode is None:
            process.kill()
            await process.wait()
        os.close(main)
