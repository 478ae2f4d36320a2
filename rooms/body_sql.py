"""The body of an event at rest: its own fields, without the head that has columns of its own.

The one place where what people said becomes bytes on a disk and back. Pure.

A withdrawn event has nil where its content was. So its body is never longer than the one it
replaces, and SQLite overwrites it in place, without moving its neighbours (`schema_sql.py`).

Where the log was given a sealer (`sealer.py`), a body is sealed for its place under its epoch's key. The
first byte tells a sealed one from a plain one of before, which is still read.
"""

from typing import Any, Final, TypeAlias, get_args

import msgspec

from rooms.events import AnyEvent, Event, Posted, Reacted
from rooms.keystore import KeyGone
from rooms.log import LogCorrupt, LogUnavailable
from rooms.sealer import Boxes, Damaged, OtherKey, is_sealed

Row: TypeAlias = tuple[str, int, int, str, str, bytes]
"""room, seq, at, kind, handle, body."""

_HEAD: Final = frozenset(Event.__struct_fields__)

_DEFAULTS: Final[dict[type[AnyEvent], tuple[tuple[str, object], ...]]] = {
    kind: tuple(
        (field.name, field.default) for field in msgspec.structs.fields(kind) if field.name not in _HEAD
    )
    for kind in get_args(AnyEvent)
}
"""For every kind of event its own fields, and the value that is left out."""

_KINDS: Final[dict[type[AnyEvent], str]] = {
    kind: str(kind.__struct_config__.tag) for kind in get_args(AnyEvent)
}

_TYPES: Final[dict[str, type[AnyEvent]]] = {tag: kind for kind, tag in _KINDS.items()}

_CONTENT: Final[dict[type[AnyEvent], str]] = {Posted: "text", Reacted: "kind"}
"""What goes when an event is withdrawn."""

_encoder: Final = msgspec.msgpack.Encoder()
_decoder: Final = msgspec.msgpack.Decoder(dict[str, Any])


def kind_of(event: AnyEvent) -> str:
    """The event's tag, for the column `kind`."""
    return _KINDS[type(event)]


def encode_body(event: AnyEvent) -> bytes:
    """A MessagePack map of the event's own fields."""
    body = {}
    for name, default in _DEFAULTS[type(event)]:
        value = getattr(event, name)
        if value != default:
            body[name] = value
    if "withdrawn" in body:
        del body["withdrawn"]
        body[_CONTENT[type(event)]] = None
    return _encoder.encode(body)


def seal_body(event: AnyEvent, epoch: str, boxes: Boxes | None) -> bytes:
    """As `encode_body`, sealed; plain where `boxes` is None. `KeyGone`."""
    body = encode_body(event)
    if boxes is None:
        return body
    box = boxes.get((event.room, epoch))
    if box is None:
        raise KeyGone(event.room, epoch)
    return box.seal(event.seq, _KINDS[type(event)], body)


def unseal(raw: bytes, place: tuple[str, str, int, str], boxes: Boxes | None) -> bytes:
    """What was sealed for `place` (room, epoch, seq, kind), or plain already. `KeyGone`, `LogCorrupt`."""
    if not is_sealed(raw):
        return raw
    room, epoch, seq, kind = place
    if boxes is None:
        raise LogUnavailable("What was said is sealed, and this program was not given the keys to it.")
    box = boxes.get((room, epoch))
    try:
        if box is None:
            raise OtherKey
        return box.open(seq, kind, raw)
    except OtherKey:
        raise KeyGone(room, epoch) from None
    except Damaged:
        raise LogCorrupt(
            f"The log holds something (number {seq} of its room) that was changed after it was sealed. "
            "Restore the last backup."
        ) from None


def decode_event(row: Row, epoch: str = "", boxes: Boxes | None = None) -> AnyEvent:
    """The event of one row. `KeyGone`; `LogCorrupt` where this program never wrote such a row."""
    room, seq, at, kind, handle, body = row
    body = unseal(body, (room, epoch, seq, kind), boxes)
    try:
        fields = _decoder.decode(body)
        fields.update(room=room, seq=seq, at=at, handle=handle)
        type_ = _TYPES[kind]
        content = _CONTENT.get(type_)
        if content is not None and fields.get(content, "") is None:
            fields[content] = ""
            fields["withdrawn"] = True
        return msgspec.convert(fields, type_)
    except (msgspec.DecodeError, UnicodeError, KeyError, RecursionError):
        raise LogCorrupt(
            f"The log holds an event (number {seq} of its room) that this program cannot read: it was "
            "damaged, or written by a newer chatd. Restore the last backup, or run the newer version."
        ) from None
