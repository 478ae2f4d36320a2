"""The wire: every frame a client and the server exchange, in one place.

Subprotocol `chatd.v1.json` sends one JSON object per text frame, `chatd.v1.msgpack` one
MessagePack map per binary frame. `t` is the kind. A client sends commands (`rooms.commands`,
and the ones here), each with an `id`, and each is answered once, by a frame with that `id`.
Events (`rooms.events`) go to everybody in the room, the author included, as the same bytes.

    client                              server
    join {id, room, ...}            ->  joined {id, room, epoch, head, handle, seat, events, roster}
    post {id, room, key, text}      ->  ok {id, seq}, and to all: posted {room, seq, at, handle, text}

Unknown fields and kinds from a client are refused; a client ignores what it does not know.
`docs/protocol.md` says all this to a stranger; `tests/wire/vectors.json` holds both to it.
"""

from collections.abc import Callable
from enum import IntEnum, StrEnum
from typing import Annotated, Any, Final, TypeAlias, TypeVar

import msgspec
from msgspec import Meta

from presence.roster import Member
from rooms.command import AnyRoomName, Command, CommandId, Seq
from rooms.commands import Post, React, Slow, Withdraw
from rooms.events import AnyEvent
from rooms.session_commands import SessionCommand
from rooms.session_view import SessionNow

JSON_SUBPROTOCOL: Final = "chatd.v1.json"
MSGPACK_SUBPROTOCOL: Final = "chatd.v1.msgpack"

MAX_FRAME_BYTES: Final = 32 * 1024
"""The largest message a client may send."""

Token: TypeAlias = Annotated[str, Meta(min_length=1, max_length=4096)]


# ---- what a client sends, besides the room commands --------------------------------------------


class Draw(Command, frozen=True, kw_only=True, tag="draw"):
    """Before joining: draw a handle to look at. Answered by `drawn`; nothing is kept.

    With a `ticket` it is looked at as well, and not used up: whose link is too old, or was used
    already, hears it now rather than after the rules.
    """

    ticket: Token | None = None


class Join(Command, frozen=True, kw_only=True, tag="join"):
    """Take a seat. With `seat` (and `epoch`, `after`) it is the same seat, from where one was.

    `ticket` proves the right to enter; `pass` does, and says nothing else of who one is. `offer` is the
    handle from `drawn` that one liked.
    """

    ticket: Token | None = None
    pass_: Token | None = msgspec.field(name="pass", default=None)
    seat: Token | None = None
    offer: Token | None = None
    epoch: Annotated[str, Meta(max_length=64)] | None = None
    after: Annotated[int, Meta(ge=0, le=2**53 - 1)] | None = None


class Leave(Command, frozen=True, kw_only=True, tag="leave"):
    """Give up the seat's place in the room now, without the moment's grace of a lost connection."""


class Away(Command, frozen=True, kw_only=True, tag="away"):
    """Called away, or back. No explanation is asked."""

    away: bool


class Older(Command, frozen=True, kw_only=True, tag="older"):
    """History before `before`. Answered by `history`."""

    before: Seq
    limit: Annotated[int, Meta(ge=1, le=200)] = 50


class AskMine(Command, frozen=True, kw_only=True, tag="mine"):
    """What is kept of me in this room, at this moment? Answered by `mine`."""


class WithdrawAll(Command, frozen=True, kw_only=True, tag="withdraw_all"):
    """Take back everything of one's own in the room, posts and reactions."""


class Typing(
    msgspec.Struct, frozen=True, kw_only=True, tag_field="t", tag="typing", forbid_unknown_fields=True
):
    """I am writing. No id and no answer; the server passes on one every few seconds at most."""

    room: AnyRoomName


AnyCommand: TypeAlias = (
    Post
    | React
    | Withdraw
    | Slow
    | SessionCommand
    | Draw
    | Join
    | Leave
    | Away
    | Older
    | AskMine
    | WithdrawAll
    | Typing
)


# ---- what the server sends, besides the events -------------------------------------------------


class Reply(msgspec.Struct, frozen=True, kw_only=True, tag_field="t", omit_defaults=True):
    """The common base of the server's frames."""


class Drawn(Reply, frozen=True, kw_only=True, tag="drawn"):
    id: CommandId
    room: str
    handle: str
    offer: str


class Joined(Reply, frozen=True, kw_only=True, tag="joined"):
    """You are in. `events` ends at `head`, without a hole.

    `recovered`: `events` continues exactly where `after` said. Otherwise this is a clean start:
    drop what you showed, `events` are the last ones. `roster` names nobody in a crowd (more
    than `presence.replica.CROWD` people); `count` is right always. In a session's room: `session` as it
    stands, `line` the room between you and the facilitators, `staff` the facilitators' own room.
    `anew_in_s`: in how many seconds the room begins anew, where it does by the calendar.
    """

    id: CommandId
    room: str
    epoch: str
    head: int
    handle: str
    seat: str
    recovered: bool
    events: list[Any] | msgspec.Raw
    roster: list[Member] | msgspec.Raw
    count: int
    title: str
    kind: str
    role: str | None = None
    slow_mode_s: int = 0
    session: SessionNow | None = None
    line: str | None = None
    staff: str | None = None
    anew_in_s: int | None = None


class Waiting(Reply, frozen=True, kw_only=True, tag="waiting"):
    """The group is full, and you stand in line: no seat in the room yet. `place` counts from 1.

    Join again with `seat` every `retry_s` seconds; who does not ask for a while has gone.
    """

    id: CommandId
    room: str
    place: int
    retry_s: int
    seat: str
    handle: str


class PutOut(Reply, frozen=True, kw_only=True, tag="put_out"):
    """You have no seat in `room` any more, for the reason `code`. Do not join it again by yourself."""

    room: str
    code: str
    message: str


class Session(SessionNow, frozen=True, kw_only=True, omit_defaults=True, tag_field="t", tag="session"):
    """The session as it stands for you, whenever it changed. Replaces what you were told before."""

    room: str


class Ok(Reply, frozen=True, kw_only=True, tag="ok"):
    """Done. `held`: your post waits until a facilitator has looked at it. `count`: to so many things."""

    id: CommandId
    seq: int | None = None
    held: bool = False
    count: int | None = None


class Mine(Reply, frozen=True, kw_only=True, tag="mine"):
    """All that is kept of you in the room, and where it is a session's in those that belong to it.

    `posts`, `reactions`: whose content is there. `withdrawn`: of which there is the place only. `waiting`:
    posts that facilitators have not let through yet. `other`: what else happened under your handle; all of it
    since `since`. `stands`: what the session knows of you. `erase_at`: when all of it goes; nothing stays for
    longer than `kept_s`.
    """

    id: CommandId
    room: str
    handle: str
    posts: int = 0
    reactions: int = 0
    withdrawn: int = 0
    waiting: int = 0
    other: int = 0
    since: int = 0
    stands: list[str] = []
    erase_at: int | None = None
    kept_s: int = 0


class Error(Reply, frozen=True, kw_only=True, tag="error"):
    """What was asked did not happen; nothing is lost. `message` says what to do next."""

    id: CommandId | None = None
    code: str
    message: str
    retry_after_s: float | None = None


class History(Reply, frozen=True, kw_only=True, tag="history"):
    """The answer to `older`: ascending, ending just before `before`. `more`: there is more."""

    id: CommandId
    room: str
    events: list[Any]
    more: bool


class Presence(Reply, frozen=True, kw_only=True, tag="presence"):
    """Who came, went, was called away or is back since the last one. Rare and joined together.

    In a crowd the lists are empty and only `count` speaks.
    """

    room: str
    joined: list[Member]
    left: list[str]
    away: list[str]
    back: list[str]
    count: int


class TypingBy(Reply, frozen=True, kw_only=True, tag="typing"):
    """`handle` is writing. Forget it after five seconds, or when they post."""

    room: str
    handle: str


class Going(Reply, frozen=True, kw_only=True, tag="going"):
    """This server is about to restart. Connect again in `reconnect_in_s`, with your seat."""

    reconnect_in_s: float


class Erased(Reply, frozen=True, kw_only=True, tag="erased"):
    """The room's log was erased and a new epoch began. Show nothing old; join again.

    With `seat`, which is under `handle`, where its time was over and it begins anew with those in it.
    """

    room: str
    handle: str | None = None
    seat: str | None = None


AnyReply: TypeAlias = (
    AnyEvent
    | Drawn
    | Joined
    | Waiting
    | Session
    | PutOut
    | Ok
    | Mine
    | Error
    | History
    | Presence
    | TypingBy
    | Going
    | Erased
)


def session_frame(room: str, now: SessionNow) -> Session:
    """`now` as a frame of its own."""
    fields: dict[str, Any] = msgspec.structs.asdict(now)
    return Session(room=room, **fields)


# ---- codes -------------------------------------------------------------------------------------


class ErrorCode(StrEnum):
    """Every `error.code`, with what it tells a person to do in `MESSAGES`."""

    BAD_FRAME = "bad_frame"
    UNKNOWN_ROOM = "unknown_room"
    NOT_JOINED = "not_joined"
    ROOM_FULL = "room_full"
    TICKET_NEEDED = "ticket_needed"
    TICKET_REFUSED = "ticket_refused"
    TICKET_SPENT = "ticket_spent"
    PASS_NEEDED = "pass_needed"
    PASS_REFUSED = "pass_refused"
    SEAT_REFUSED = "seat_refused"
    NOT_ALLOWED = "not_allowed"
    NOT_YOURS = "not_yours"
    NOT_FOUND = "not_found"
    SLOW_MODE = "slow_mode"
    TOO_FAST = "too_fast"
    TEXT_EMPTY = "text_empty"
    TEXT_TOO_LONG = "text_too_long"
    BAD_KIND = "bad_kind"
    BUSY = "busy"
    TOO_MANY_ROOMS = "too_many_rooms"
    TOO_MANY_CONNECTIONS = "too_many_connections"
    LOG_UNAVAILABLE = "log_unavailable"
    NOT_OPEN = "not_open"
    PAUSED = "paused"
    MUTED = "muted"
    NOT_YOUR_TURN = "not_your_turn"
    ROOM_LOCKED = "room_locked"
    REMOVED = "removed"
    NOT_A_MEMBER = "not_a_member"
    NOT_ACCEPTED = "not_accepted"
    ALREADY_VOTED = "already_voted"
    NO_SESSION = "no_session"
    TOO_FEW = "too_few"
    WRONG_PHASE = "wrong_phase"
    LIMIT_REACHED = "limit_reached"


MESSAGES: Final[dict[ErrorCode, str]] = {
    ErrorCode.BAD_FRAME: "That frame could not be read. Check it against the protocol.",
    ErrorCode.UNKNOWN_ROOM: "There is no room with this name. The lobby lists the rooms that are open.",
    ErrorCode.NOT_JOINED: "You have no seat in this room just now. Join it, then try again.",
    ErrorCode.ROOM_FULL: "The room is full just now. Try again in a few minutes.",
    ErrorCode.TICKET_NEEDED: (
        "This room asks for a ticket. Open it from your intranet page, or ask whoever runs it."
    ),
    ErrorCode.TICKET_REFUSED: "This ticket does not open this room, or is too old. Ask for a new one.",
    ErrorCode.TICKET_SPENT: "This link was used already and works once. Ask for a new one.",
    ErrorCode.PASS_NEEDED: (
        "This room asks for a staff pass. Open its page and sign in there: the page fetches the pass itself."
    ),
    ErrorCode.PASS_REFUSED: "This pass does not open this room now. Reload the page: it asks for another.",
    ErrorCode.SEAT_REFUSED: "This seat is from an earlier session. Join again for a new one.",
    ErrorCode.NOT_ALLOWED: "Only a facilitator can do this.",
    ErrorCode.NOT_YOURS: "You can only withdraw what you wrote yourself.",
    ErrorCode.NOT_FOUND: "That message is not there any more.",
    ErrorCode.SLOW_MODE: "The room is in slow mode. Your words are kept; send them in a moment.",
    ErrorCode.TOO_FAST: "That was a lot at once. Your words are kept; send them in a moment.",
    ErrorCode.TEXT_EMPTY: "There is nothing to send yet.",
    ErrorCode.TEXT_TOO_LONG: "That is longer than 4,000 characters. Send it in parts.",
    ErrorCode.BAD_KIND: "There is no such reaction.",
    ErrorCode.BUSY: "The server is very busy. Your words are kept; send them again in a moment.",
    ErrorCode.TOO_MANY_ROOMS: "You are in as many rooms as one connection can hold. Leave one first.",
    ErrorCode.TOO_MANY_CONNECTIONS: "This seat is open in too many windows. Close one of them first.",
    ErrorCode.LOG_UNAVAILABLE: (
        "The server cannot keep messages safely just now. Yours is not lost: send it again in a moment."
    ),
    ErrorCode.NOT_OPEN: "The session is not open just now. The lobby says when people meet.",
    ErrorCode.PAUSED: "The room is quiet for a moment. Your words are kept; send them when it goes on.",
    ErrorCode.MUTED: (
        "A facilitator has asked you to listen for the rest of this session. You can still write to them in "
        "your private line."
    ),
    ErrorCode.NOT_YOUR_TURN: (
        "Somebody else has the floor. Your words are kept; raise your hand, or wait for your turn."
    ),
    ErrorCode.ROOM_LOCKED: "The group has closed its door for this session. You are welcome at the next one.",
    ErrorCode.REMOVED: (
        "A facilitator has ended this session for you. You can ask for another look, and you are welcome at "
        "the next one."
    ),
    ErrorCode.NOT_A_MEMBER: "You have no place in this part of the session. Go back to the group's room.",
    ErrorCode.NOT_ACCEPTED: "Please accept the ground rules first. Your words are kept.",
    ErrorCode.ALREADY_VOTED: (
        "You have voted already. A vote cannot be changed, because nobody keeps what it was for."
    ),
    ErrorCode.NO_SESSION: "There is no session in this room just now. The lobby says when people meet.",
    ErrorCode.TOO_FEW: "There are too few people for this: nobody should be left alone.",
    ErrorCode.WRONG_PHASE: "This is not the part of the session for that. Nothing was changed.",
    ErrorCode.LIMIT_REACHED: "There are as many of these as there can be. Take one away first.",
}


class CloseCode(IntEnum):
    """Why the server closed, in two ranges: 40xx come back by yourself, 41xx do not come back like this.

    The standard codes keep the meaning of RFC 6455 section 7.4.1; 1009 is a message over
    `MAX_FRAME_BYTES`, 1002, 1003 and 1007 are for frames that are none.
    """

    GOING = 4000
    """The server restarts; `going` said when to come back."""
    TOO_SLOW = 4001
    """You read slower than the room speaks. Join again with `after`."""
    SILENT = 4002
    """No answer to a ping."""
    FULL = 4003
    """The node holds as many connections as it can. Come back after a while."""
    MALFORMED = 4100
    """Three frames in a row could not be read."""
    NOTHING_JOINED = 4101
    """No room was joined in time."""


def comes_back(code: int) -> bool:
    """Whether a client should reconnect by itself after `code`. Network losses (1006 ...) count as yes."""
    return not (4100 <= code < 4200) and code not in (1002, 1003, 1007, 1008, 1009)


# ---- codecs ------------------------------------------------------------------------------------

_json_decoder: Final[msgspec.json.Decoder[AnyCommand]] = msgspec.json.Decoder(AnyCommand)
_msgpack_decoder: Final[msgspec.msgpack.Decoder[AnyCommand]] = msgspec.msgpack.Decoder(AnyCommand)
_json_encoder: Final = msgspec.json.Encoder()
_msgpack_encoder: Final = msgspec.msgpack.Encoder()

_UNREADABLE: Final = (msgspec.DecodeError, UnicodeError, RecursionError)
"""What the decoders raise for what a client can send."""


class BadFrame(ValueError):
    """A frame that is no command. `str()` says what is wrong with it and quotes none of it.

    `id_` is the frame's `id` where it has one that could be read: its sender waits for an answer.
    """

    def __init__(self, why: str, id_: CommandId | None = None) -> None:
        super().__init__(why)
        self.id_ = id_


class _Named(msgspec.Struct, frozen=True):
    """What is read of a frame that is no command, to answer it under its `id`."""

    id: CommandId


Payload = TypeVar("Payload")

_json_id: Final = msgspec.json.Decoder(_Named).decode
_msgpack_id: Final = msgspec.msgpack.Decoder(_Named).decode


def decode_json(payload: bytes | str) -> AnyCommand:
    """A text frame as a command; `BadFrame` where it is none."""
    try:
        return _json_decoder.decode(payload)
    except _UNREADABLE as error:
        raise _bad_frame(error, _json_id, payload) from None


def decode_msgpack(payload: bytes) -> AnyCommand:
    """A binary frame as a command; `BadFrame` where it is none."""
    try:
        return _msgpack_decoder.decode(payload)
    except _UNREADABLE as error:
        raise _bad_frame(error, _msgpack_id, payload) from None


def encode_json(frame: msgspec.Struct) -> bytes:
    return _json_encoder.encode(frame)


def encode_msgpack(frame: msgspec.Struct) -> bytes:
    return _msgpack_encoder.encode(frame)


def _bad_frame(error: Exception, read_id: Callable[[Payload], _Named], payload: Payload) -> BadFrame:
    if not isinstance(error, msgspec.ValidationError):
        return BadFrame("not readable as one object")
    try:
        return BadFrame(_reason(error), read_id(payload).id)
    except _UNREADABLE:
        return BadFrame(_reason(error))


def _reason(error: msgspec.ValidationError) -> str:
    """What is wrong, without what was sent: a validation error may quote the client's words."""
    # The path comes last, whatever a client wrote that looks like one.
    path = str(error).rpartition(" - at `")[2]
    what = str(error).partition(" - at `")[0].partition(", got")[0]
    if not what.startswith(("Expected", "Object missing")):
        what = "not a command, or with a field that it does not have"
    place = path.rstrip("`")
    return f"{what} at {place}" if place.startswith("$") else what
