"""What somebody asks of a room, in the imperative. Decoded straight from the wire (`t` is the tag).

Every command carries an `id` of the client's choice and is answered once, with `ok` or
`error`. Sizes are bounded here, so that a decoded command is already within them; what a
command may *do* is decided in `rules.py`.
"""

from typing import Annotated, TypeAlias

from msgspec import Meta

from rooms.command import ClientKey, Command, Seq
from rooms.session_commands import SessionCommand


class Post(Command, frozen=True, kw_only=True, tag="post"):
    """Say something. `key` is the client's own message id: sent again, it is not said again.

    A UUIDv7, or random text; the log keeps a digest, never the key. A UUIDv7 is the cheaper one:
    those of the same minute lie together in the log's index.
    """

    key: ClientKey
    text: str
    reply_to: Seq | None = None


class React(Command, frozen=True, kw_only=True, tag="react"):
    """Answer the post at `seq` with one of `events.REACTIONS`; once per person, post and kind."""

    seq: Seq
    kind: Annotated[str, Meta(max_length=32)]


class Withdraw(Command, frozen=True, kw_only=True, tag="withdraw"):
    """Take back one's own event at `seq`, a post or a reaction."""

    seq: Seq


class Slow(Command, frozen=True, kw_only=True, tag="slow"):
    """Facilitators only: set the seconds between two posts of one participant; 0 ends it."""

    seconds: Annotated[int, Meta(ge=0, le=60)]


RoomCommand: TypeAlias = Post | React | Withdraw | Slow | SessionCommand
