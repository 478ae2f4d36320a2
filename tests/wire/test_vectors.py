"""Every frame of the wire, in both codecs, against `vectors.json`, which the page's tests read too."""

import json
import keyword
from pathlib import Path
from typing import Any, Final, TypeAlias, get_args

import msgpack  # type: ignore[import-untyped]  # it ships no types
import msgspec
import pytest

from chatd import wire
from chatd.client import comes_back
from chatd.client import items as client_items
from rooms.events import AnyEvent

Json: TypeAlias = dict[str, Any]

VECTORS: Final[Json] = json.loads((Path(__file__).parent / "vectors.json").read_text("utf-8"))
ACCEPTED: Final[list[Json]] = VECTORS["client"]["accepted"]
REFUSED: Final[list[Json]] = VECTORS["client"]["refused"]
SERVER: Final[list[Json]] = VECTORS["server"]
EVENTS: Final = frozenset(kind.__struct_config__.tag for kind in get_args(AnyEvent))
REPLIES: Final = {kind.__struct_config__.tag: kind for kind in get_args(wire.AnyReply)}


def named(entries: list[Json]) -> list[Any]:
    return [pytest.param(entry, id=entry["name"]) for entry in entries]


@pytest.mark.parametrize("entry", named(ACCEPTED))
def test_a_command_is_the_same_in_both_codecs(entry: Json) -> None:
    text = json.dumps(entry["frame"], ensure_ascii=False)
    command = wire.decode_json(text)
    assert wire.decode_json(text.encode()) == command
    assert wire.decode_msgpack(bytes.fromhex(entry["msgpack"])) == command
    assert command.__struct_config__.tag == entry["frame"]["t"]
    for name, value in entry["frame"].items():
        assert name == "t" or _field(command, name) == value


def _field(command: msgspec.Struct, name: str) -> Any:
    """What stands in the field that is called `name` on the wire."""
    attribute = f"{name}_" if keyword.iskeyword(name) else name
    return msgspec.json.decode(msgspec.json.encode(getattr(command, attribute)))


@pytest.mark.parametrize("entry", named(REFUSED))
def test_what_is_no_command_is_refused_in_both_codecs(entry: Json) -> None:
    with pytest.raises(wire.BadFrame) as in_text:
        wire.decode_json(json.dumps(entry["frame"]))
    with pytest.raises(wire.BadFrame) as in_binary:
        wire.decode_msgpack(msgpack.packb(entry["frame"]))
    assert in_text.value.id_ == in_binary.value.id_ == entry["answered_as"]
    assert type(in_text.value.id_) is type(entry["answered_as"])


@pytest.mark.parametrize(
    "text", VECTORS["client"]["unreadable_json"], ids=range(len(VECTORS["client"]["unreadable_json"]))
)
def test_what_is_no_json_is_refused(text: str) -> None:
    with pytest.raises(wire.BadFrame) as refusal:
        wire.decode_json(text)
    assert refusal.value.id_ is None


@pytest.mark.parametrize("entry", named(VECTORS["client"]["unreadable_msgpack"]))
def test_what_is_no_msgpack_is_refused(entry: Json) -> None:
    with pytest.raises(wire.BadFrame) as refusal:
        wire.decode_msgpack(bytes.fromhex(entry["msgpack"]))
    assert refusal.value.id_ is None


@pytest.mark.parametrize("entry", named(SERVER))
def test_what_the_server_sends_is_exact(entry: Json) -> None:
    frame = entry["frame"]
    struct = msgspec.convert(frame, REPLIES[frame["t"]])
    assert wire.encode_json(struct) == json.dumps(frame, ensure_ascii=False, separators=(",", ":")).encode()
    assert wire.encode_msgpack(struct).hex() == entry["msgpack"]


@pytest.mark.parametrize("entry", named([entry for entry in SERVER if entry["frame"]["t"] in EVENTS]))
def test_the_client_reads_every_event(entry: Json) -> None:
    frame = msgpack.unpackb(bytes.fromhex(entry["msgpack"]))
    event = client_items.event(frame)
    assert (event.kind, event.seq, event.at, event.handle) == tuple(
        frame[name] for name in ("t", "seq", "at", "handle")
    )


def test_there_is_a_vector_for_every_kind() -> None:
    commands = {kind.__struct_config__.tag for kind in get_args(wire.AnyCommand)}
    assert {entry["frame"]["t"] for entry in ACCEPTED} == commands
    assert {entry["frame"]["t"] for entry in SERVER} == REPLIES.keys()


def test_the_codes_are_those_of_the_wire() -> None:
    assert VECTORS["error_codes"] == sorted(wire.ErrorCode)
    assert wire.MESSAGES.keys() == set(wire.ErrorCode)
    for code, back in VECTORS["close_codes"].items():
        assert wire.comes_back(int(code)) is comes_back(int(code)) is back
    assert {str(int(code)) for code in wire.CloseCode} <= VECTORS["close_codes"].keys()
