"""What a client's caller sees: the errors, the items of a room, the answers. Plain values, no I/O.

Part of the client that stands for a stranger's (`chatd/client/client.py`): standard library only.
"""

import random
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

Frame: TypeAlias = dict[str, Any]
"""A frame of the wire, decoded: `t` is its kind."""

# ---- errors ------------------------------------------------------------------------------------
#
#   ChatError
#   ├── Refused      the server said no to one command; the connection goes on
#   ├── StartedAnew  the room began anew before the command was answered; it was not sent again
#   ├── Closed       the connection is gone for good: the close code says not to come back
#   ├── Unreachable  no connection could be made
#   ├── Unsendable   what was asked is no frame; nothing was sent, and the connection goes on
#   └── NotChatd     the other side speaks something else


class ChatError(Exception):
    """The root of what this module raises."""


class Refused(ChatError):
    """What was asked did not happen. `code` is one of the codes in `docs/protocol.md`."""

    def __init__(self, code: str, message: str, retry_after_s: float | None = None) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.retry_after_s = retry_after_s


class StartedAnew(ChatError):
    """The room has a new epoch, or gave a new handle. What was under way belongs to the old one."""


class Closed(ChatError):
    """The connection ended and will not be made again. `code` is the close code (1000: by ourselves)."""

    def __init__(self, code: int) -> None:
        super().__init__(f"the connection is closed for good (code {code})")
        self.code = code


class Unreachable(ChatError):
    """No connection, after as many attempts as were allowed."""


class Unsendable(ChatError, ValueError):
    """What was asked cannot be encoded: half a surrogate pair, a value that the wire has no type for."""


class NotChatd(ChatError):
    """The server does not speak the wire that this client speaks."""


PASSING: Final = frozenset({"busy", "log_unavailable", "slow_mode", "too_fast"})
"""Refusals that pass: the same command sent again in a moment may well succeed."""
PASSING_AT_THE_DOOR: Final = PASSING | {"room_full", "too_many_connections"}
"""The same for entering a room."""


# ---- what a caller sees ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Person:
    handle: str
    role: str | None = None
    away: bool = False


@dataclass(frozen=True, slots=True)
class Event:
    """Something that has a place in the room. A `kind` this client does not know has a place too.

    kind: posted(text, reply_to, role), reacted(target, reaction), withdrawn(target), slowed(seconds).
    `gone`: it was withdrawn since, and only its place is left. `at` is Unix seconds.
    """

    kind: str
    seq: int
    at: int
    handle: str
    text: str = ""
    reply_to: int | None = None
    role: str | None = None
    target: int | None = None
    reaction: str | None = None
    seconds: int | None = None
    gone: bool = False


@dataclass(frozen=True, slots=True)
class CleanStart:
    """Drop what you showed. What follows begins at `first`; `head` is where the room stands."""

    epoch: str
    first: int
    head: int


@dataclass(frozen=True, slots=True)
class Recovered:
    """Back, and nothing is missing: what follows continues after `after`, up to `head` and on."""

    after: int
    head: int


@dataclass(frozen=True, slots=True)
class Lost:
    """The connection broke with this close code (1006: without one). Coming back is under way."""

    code: int


@dataclass(frozen=True, slots=True)
class Presence:
    """Who came, went, was called away or is back. In a crowd only `count` speaks."""

    joined: tuple[Person, ...]
    left: tuple[str, ...]
    away: tuple[str, ...]
    back: tuple[str, ...]
    count: int


@dataclass(frozen=True, slots=True)
class TypingBy:
    """`handle` is writing. Forget it after five seconds, or when they post."""

    handle: str


@dataclass(frozen=True, slots=True)
class SessionNow:
    """The session as it stands for us, as the wire has it; it takes the place of what was told before."""

    now: Frame


Item: TypeAlias = Event | CleanStart | Recovered | Lost | Presence | TypingBy | SessionNow


@dataclass(frozen=True, slots=True)
class Ok:
    """Done. `seq` is the event's place, where the command made one; `key` as sent with a post. `held`: a post
    that waits until a facilitator has looked at it."""

    seq: int | None
    key: str | None = None
    held: bool = False


@dataclass(frozen=True, slots=True)
class Mine:
    """What the server holds of us in a room. `erase_at`, `since`: Unix seconds. `kept_s`: nothing is kept for
    longer. `stands`: what a session knows (docs/protocol.md)."""

    posts: int
    reactions: int
    withdrawn: int
    waiting: int
    other: int
    kept_s: int
    since: int | None = None
    erase_at: int | None = None
    stands: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Page:
    """History, ascending. `more`: there is more before it."""

    events: tuple[Event, ...]
    more: bool


@dataclass(frozen=True, slots=True)
class Drawn:
    """A handle to look at. `offer` goes with `join` where it is liked."""

    handle: str
    offer: str


@dataclass(frozen=True, slots=True)
class Backoff:
    """Before attempt n (0, 1, ...) wait at random up to `base_s * 2**n`, never longer than `cap_s`.

    `attempts` in a row without a seat and the client gives up; None is never.
    """

    base_s: float = 0.5
    cap_s: float = 15.0
    attempts: int | None = None

    def delay_s(self, attempt: int) -> float:
        longest_s = min(self.cap_s, self.base_s * 2 ** min(attempt, 30))
        return random.uniform(0.0, longest_s)


# ---- from frames -------------------------------------------------------------------------------


def refused(frame: Frame) -> Refused:
    return Refused(frame["code"], frame["message"], frame.get("retry_after_s"))


def person(frame: Frame) -> Person:
    return Person(frame["handle"], frame.get("role"), frame.get("away", False))


def event(frame: Frame) -> Event:
    return Event(
        kind=frame["t"],
        seq=frame["seq"],
        at=frame.get("at", 0),
        handle=frame.get("handle", ""),
        text=frame.get("text", ""),
        reply_to=frame.get("reply_to"),
        role=frame.get("role"),
        target=frame.get("target"),
        reaction=frame.get("kind"),
        seconds=frame.get("seconds"),
        gone=frame.get("withdrawn", False),
    )
