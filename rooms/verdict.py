"""What a decision is made of: who asks, what they may be refused for, and what comes out. Pure.

The words that `rules.py` and the rules of a session (`session_rules.py`, `belonging_rules.py`) share.
"""

from enum import StrEnum
from typing import Final, TypeAlias

import msgspec

from rooms.log import Draft, Duplicate, Stale

FACILITATOR: Final = "facilitator"


class Why(StrEnum):
    """The reasons of a refusal; the wire says each to a person (`chatd.wire.MESSAGES`)."""

    TEXT_EMPTY = "text_empty"
    TEXT_TOO_LONG = "text_too_long"
    NOT_FOUND = "not_found"
    BAD_KIND = "bad_kind"
    NOT_ALLOWED = "not_allowed"
    SLOW_MODE = "slow_mode"
    ROOM_FULL = "room_full"
    NO_SESSION = "no_session"
    NOT_OPEN = "not_open"
    WRONG_PHASE = "wrong_phase"
    PAUSED = "paused"
    NOT_A_MEMBER = "not_a_member"
    NOT_ACCEPTED = "not_accepted"
    MUTED = "muted"
    REMOVED = "removed"
    NOT_YOUR_TURN = "not_your_turn"
    ROOM_LOCKED = "room_locked"
    ALREADY_VOTED = "already_voted"
    TOO_FEW = "too_few"
    LIMIT_REACHED = "limit_reached"


class Refusal(msgspec.Struct, frozen=True):
    why: Why
    retry_after_s: float | None = None


class Who(msgspec.Struct, frozen=True):
    """The one who asks: their handle and role in this room."""

    handle: str
    role: str | None = None


Verdict: TypeAlias = Draft | Refusal | Duplicate | Stale
"""What becomes of a command.

`Duplicate`: it is so already, and nothing needs to be written; `seq` is the last change of the rules.
`Stale`: this node does not know the rules well enough just now; read the room's head and decide again.
A `Draft` may be for another room than the command's (`event.room`): a held post goes to the facilitators'.
Its epoch and version are then of the room it was decided in, and `session_apply.rehomed` makes it one of
the room it goes to.
"""
