"""The head that every command has, and the words that commands are made of, with their bounds."""

from typing import Annotated, TypeAlias

import msgspec
from msgspec import Meta

CommandId: TypeAlias = (
    Annotated[int, Meta(ge=0, le=2**53 - 1)] | Annotated[str, Meta(min_length=1, max_length=64)]
)
RoomName: TypeAlias = Annotated[str, Meta(pattern=r"\A[a-z0-9][a-z0-9._-]{0,63}\Z")]
"""A room of the catalog."""
AnyRoomName: TypeAlias = Annotated[
    str, Meta(pattern=r"\A[a-z0-9][a-z0-9._-]{0,63}(~[a-z]{1,8}(\.[A-Za-z0-9_-]{1,24}){0,2})?\Z")
]
"""The same, or a room that belongs to one (`children.py`)."""
ClientKey: TypeAlias = Annotated[str, Meta(min_length=1, max_length=64)]
Seq: TypeAlias = Annotated[int, Meta(ge=1, le=2**53 - 1)]


class Command(msgspec.Struct, frozen=True, kw_only=True, tag_field="t", forbid_unknown_fields=True):
    id: CommandId
    room: AnyRoomName
