"""`docs/protocol.md` and `docs/asyncapi.json` say what the code does, or this fails."""

import json
import re
from pathlib import Path
from typing import Final, get_args

import msgspec
import pytest

from chatd import asyncapi, wire
from chatd.settings import Settings
from rooms.events import REACTIONS, AnyEvent
from rooms.text import MAX_CHARACTERS

DOC: Final = (Path(__file__).parents[2] / "docs" / "protocol.md").read_text("utf-8")
COMMANDS: Final = get_args(wire.AnyCommand)
REPLIES: Final = get_args(wire.AnyReply)


def section(title: str) -> str:
    """The text under a heading, up to the next one of its level or above."""
    match = re.search(rf"^(##+) {re.escape(title)}.*?\n(.*?)(?=^##?#? |\Z)", DOC, re.MULTILINE | re.DOTALL)
    assert match is not None, title
    return match[2]


def named(kinds: tuple[type[msgspec.Struct], ...]) -> list[object]:
    return [pytest.param(kind, id=kind.__name__) for kind in kinds]


@pytest.mark.parametrize("kind", named(COMMANDS + REPLIES))
def test_every_frame_is_there_with_all_its_fields(kind: type[msgspec.Struct]) -> None:
    tag = str(kind.__struct_config__.tag)
    assert f"`{tag}`" in DOC
    for field in msgspec.structs.fields(kind):
        optional = "?" if field.default is not msgspec.NODEFAULT else ""
        assert re.search(rf"`{field.encode_name}\??`", DOC), f"{tag}.{field.encode_name}{optional}"


@pytest.mark.parametrize("kind", named(COMMANDS))
def test_a_commands_own_fields_stand_in_its_section(kind: type[msgspec.Struct]) -> None:
    text = section(f"`{kind.__struct_config__.tag}`")
    for field in msgspec.structs.fields(kind):
        if field.name not in {"id", "room"}:
            mark = "" if field.default is msgspec.NODEFAULT else "?"
            assert f"`{field.encode_name}{mark}`" in text


def test_the_errors_are_those_of_the_wire() -> None:
    rows = re.findall(r"^\| `(\w+)` \| ([^|]+) \| [^|]+ \|$", section("Errors"), re.MULTILINE)
    assert dict(rows) == {code.value: wire.MESSAGES[code] for code in wire.ErrorCode}
    assert len(rows) == len(wire.ErrorCode)


def test_the_close_codes_are_those_of_the_wire() -> None:
    rows = re.findall(r"^\| (4\d\d\d) \| (\w+) \| [^|]+ \| ([^|]+) \|$", section("Close codes"), re.MULTILINE)
    assert {(int(code), name) for code, name, _ in rows} == {(int(c), c.name.lower()) for c in wire.CloseCode}
    for code, _, back in rows:
        assert wire.comes_back(int(code)) is (back.strip() != "no")
    final = re.search(r"^\| (1002[\d, ]+) \|", section("Close codes"), re.MULTILINE)
    assert final is not None
    listed = {int(code) for code in final[1].split(",")} | {1008}
    assert listed == {code for code in range(1000, 3000) if not wire.comes_back(code)}


def test_the_session_is_a_real_one() -> None:
    """What the client says there is read by the server, and the other way round."""
    lines = re.findall(r"^([CS]): (.+)$", section("A whole session"), re.MULTILINE)
    assert len(lines) > 15
    asked = set()
    for who, text in lines:
        if who == "C":
            command = wire.decode_json(text)
            asked.add(getattr(command, "id", None))
        else:
            frame = json.loads(text)
            reply = msgspec.convert(frame, wire.AnyReply)
            assert json.loads(wire.encode_json(reply)) == frame
            for event in frame.get("events", ()):
                msgspec.convert(event, AnyEvent)
            assert frame.get("id") is None or frame["id"] in asked


def test_the_numbers_are_those_in_force() -> None:
    settings, limits = Settings(), section("Limits")
    for words in (
        f"{wire.MAX_FRAME_BYTES // 1024} KiB",
        f"{MAX_CHARACTERS:,} characters",
        f"{settings.post_burst} at once, then {settings.post_per_s:g} a second",
        f"{settings.react_burst} at once, then {settings.react_per_s:g} a second",
        f"| rooms per connection | {settings.max_rooms_per_connection} |",
        f"| connections per seat | {settings.max_connections_per_seat} |",
        f"| unread by you | {settings.max_buffer_bytes >> 20} MiB |",
        f"the last {settings.history_events} |",
        f"| {settings.recover_events:,} |",
        f"{settings.seat_s // 3600} hours",
        f"{settings.handshake_timeout_s:g} s",
    ):
        assert words in limits
    assert f"within {settings.join_timeout_s:g} s" in DOC
    assert f"(more than {_crowd()} people)" in DOC
    for reaction in REACTIONS:
        assert f"`{reaction}`" in section("`react`")


def _crowd() -> int:
    from presence.replica import CROWD

    return CROWD


def test_asyncapi_is_not_stale() -> None:
    assert asyncapi.PATH.read_text("utf-8") == asyncapi.text(), "run: python -m chatd.asyncapi"
    described = json.loads(asyncapi.text())
    names = {message["name"] for message in described["components"]["messages"].values()}
    assert names == {str(kind.__struct_config__.tag) for kind in COMMANDS + REPLIES}
