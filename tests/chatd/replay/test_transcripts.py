"""Logs of conversations, in every format that they come in, and what is wrong with some of them."""

from pathlib import Path
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatd.replay import transcripts
from chatd.replay.transcripts import MAX_LINE_CHARS, Script, Step, parse, read

OURS: Final = Path(__file__).parent / "transcripts"
REAL: Final = Path(__file__).parents[4] / "shared" / "data" / "real-chat"
"""Beside the checkout, where somebody has put it."""


def test_a_channel_log() -> None:
    script = read(OURS / "channel.txt")
    nadia, tom, ole, clerk = 0, 1, 2, 3
    assert script.people == 4
    assert script.odd == 2  # the line of nothing, and the mode
    assert [step[1:] for step in script.steps] == [
        (nadia, "enter", ""),
        (nadia, "say", "anyone awake?"),
        (tom, "enter", ""),  # he was there before the log began
        (tom, "say", "just about :)"),
        (tom, "say", "yawns"),
        (ole, "enter", ""),
        (ole, "say", "evening both"),
        (nadia, "say", "ok"),
        (tom, "say", "ok"),
        (ole, "say", "happy new day"),
        (tom, "say", "hands round the biscuits"),
        (clerk, "enter", ""),
        (clerk, "say", "the kettle is on 🫖"),
        (nadia, "say", "back, that bay is quiet now"),  # under another name
        (ole, "leave", ""),
        (tom, "say", ""),
        (ole, "enter", ""),
        (ole, "say", "forgot my keys"),
    ]


def test_a_room_log() -> None:
    script = read(OURS / "room.txt")
    mara, jonas, priya = 0, 1, 2
    assert (script.people, script.odd) == (3, 0)
    comings = [(step.who, step.action) for step in script.steps if step.action != "say"]
    assert comings == [
        *((mara, "enter"), (jonas, "enter"), (priya, "enter"), (jonas, "leave")),
        *((mara, "leave"), (mara, "enter"), (priya, "leave")),
    ]


def test_a_meeting_with_its_prefix() -> None:
    script = read(OURS / "meeting.txt")
    assert (script.people, script.odd) == (4, 0)
    assert [step.text for step in script.steps if step.action == "say"][:4] == [
        "shall we begin?", "yes", "nods", "noted",
    ]  # fmt: skip


# ---- time --------------------------------------------------------------------------------------


def times(*lines: str) -> list[float]:
    """When each line is said, in seconds; entering is left out."""
    return [step.at_s for step in parse(lines).steps if step.action == "say"]


def test_the_lines_of_a_minute_are_spread_over_it() -> None:
    steps = parse(["[10:00] <a> 1", "[10:00] <a> 2", "[10:00] <b> 3", "[10:02] <a> 4"]).steps
    # a enters, 1, 2, b enters, 3: five steps, twelve seconds each
    assert [round(step.at_s, 3) for step in steps] == [0, 12, 24, 36, 48, 120]


@pytest.mark.parametrize(
    ("clock", "minutes"),
    [
        (["23:58", "23:59", "00:00", "00:01"], [0, 1, 2, 3]),
        (["11:59", "12:00", "12:59", "01:00"], [0, 1, 60, 61]),
        (["10:00", "22:00"], [0, 720]),
        (["10:05", "10:03", "10:06"], [0, 0, 1]),
        (["10:05", "10:00", "10:04", "10:05"], [0, 0, 0, 0]),
    ],
    ids=["past midnight", "a dial of twelve hours", "a long silence", "out of order", "a late minute"],
)
def test_the_clock(clock: list[str], minutes: list[int]) -> None:
    at = times(*(f"[{time}] <a> x" for time in ["09:00", *clock] if time != "09:00"))
    assert [int(second // 60) for second in at] == minutes


# ---- what is wrong with a file -----------------------------------------------------------------


@pytest.mark.parametrize(
    "line",
    [
        "nothing", "=== ", "===", "[25:61", "[10:00]", "[10:00] ", "[1:00] <a> x", "<a> no time",
        "[10:00] <> x",
        "=== stranger does something", "=== topic is x", "x" * (MAX_LINE_CHARS + 1), "\x00\x01",
    ],
    ids=range(13),
)  # fmt: skip
def test_an_odd_line_is_counted_and_left_out(line: str) -> None:
    assert parse([line]) == Script((), 0, 1)


def test_who_leaves_without_having_come_does_nothing() -> None:
    assert parse(["=== a left the room."]).steps == ()
    twice = parse(
        ["=== a entered the room.", "=== a entered the room.", "=== a left the room.", "=== a left the room."]
    )
    assert [step.action for step in twice.steps] == ["enter", "leave"]


def test_a_name_that_was_taken_over_is_the_new_ones() -> None:
    script = parse(
        ["[10:00] <a> 1", "[10:00] <b> 2", "=== a is now known as b", "[10:00] <b> 3", "[10:00] <a> 4"]
    )
    said = [(step.who, step.text) for step in script.steps if step.action == "say"]
    assert said == [(0, "1"), (1, "2"), (0, "3"), (2, "4")]
    assert Step(script.steps[4].at_s, 1, "leave") in script.steps


def test_a_file_is_read_up_to_its_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transcripts, "MAX_BYTES", 30)
    file = tmp_path / "long.txt"
    file.write_bytes(b"[10:00] <a> 123\n" * 100)
    assert len([step for step in read(file).steps if step.action == "say"]) <= 2


def test_bytes_that_are_no_text_and_line_ends_inside_a_line(tmp_path: Path) -> None:
    file = tmp_path / "odd.txt"
    file.write_bytes("[10:00] <a> one\u2028line \x0c\r\n".encode() + b"[10:00] <a> \xff\xfe\n")
    said = [step.text for step in read(file).steps if step.action == "say"]
    assert said == ["one\u2028line", "\ufffd\ufffd"]


@given(
    st.lists(st.text(max_size=40) | st.from_regex(r"(\[\d\d:\d\d\] ( \*|<\w+>)|===) .{0,20}", fullmatch=True))
)
def test_whatever_is_in_a_file_a_script_comes_out(lines: list[str]) -> None:
    script = parse(lines)
    here: set[int] = set()
    last = 0.0
    for step in script.steps:
        assert step.at_s >= last
        last = step.at_s
        assert 0 <= step.who < script.people
        if step.action == "enter":
            assert step.who not in here
            here.add(step.who)
        else:
            assert step.who in here
            if step.action == "leave":
                here.discard(step.who)


@pytest.mark.skipif(not REAL.is_dir(), reason="the real conversations are not beside this checkout")
def test_the_real_ones_are_understood() -> None:
    for file in sorted(REAL.glob("*.txt")):
        script = read(file)
        lines = [line for line in file.read_text("utf-8", "replace").split("\n") if line.strip()]
        assert script.odd <= len(lines) * 0.02
        assert script.people > 10
        assert 3600 < script.lasts_s < 24 * 3600
