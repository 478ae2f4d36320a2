"""What may happen in a room: the one place where a command becomes a draft or a refusal. Pure.

    decide(command, who, state, now) -> Draft | Refusal

A draft names the epoch and the version of the rules it was decided under; the log keeps it
only under those. What only the log can know (whose event a withdrawal names) the log decides,
in the same transaction.
"""

from enum import StrEnum
from typing import Final

import msgspec

from rooms.commands import Post, React, RoomCommand, Slow, Withdraw
from rooms.events import REACTIONS, Posted, Reacted, Rules, Slowed, Withdrawn
from rooms.log import Draft
from rooms.state import RoomState
from rooms.text import MAX_CHARACTERS, normalise

FACILITATOR: Final = "facilitator"


class Why(StrEnum):
    """The reasons of a refusal; the wire says each to a person (`chatd.wire.MESSAGES`)."""

    TEXT_EMPTY = "text_empty"
    TEXT_TOO_LONG = "text_too_long"
    NOT_FOUND = "not_found"
    BAD_KIND = "bad_kind"
    NOT_ALLOWED = "not_allowed"
    SLOW_MODE = "slow_mode"


class Refusal(msgspec.Struct, frozen=True):
    why: Why
    retry_after_s: float | None = None


class Who(msgspec.Struct, frozen=True):
    """The one who asks: their handle and role in this room."""

    handle: str
    role: str | None = None


def decide(command: RoomCommand, who: Who, state: RoomState, now: float) -> Draft | Refusal:
    """Judge `command` under the rules in `state`. `now` is monotonic, in seconds."""
    if isinstance(command, Post):
        return _post(command, who, state, now)
    if isinstance(command, React):
        return _react(command, who, state)
    if isinstance(command, Withdraw):
        return _withdraw(command, who, state)
    return _slow(command, who, state)


def _post(command: Post, who: Who, state: RoomState, now: float) -> Draft | Refusal:
    text = normalise(command.text)
    if not text:
        return Refusal(Why.TEXT_EMPTY)
    if len(text) > MAX_CHARACTERS:
        return Refusal(Why.TEXT_TOO_LONG)
    if command.reply_to is not None and command.reply_to > state.head:
        return Refusal(Why.NOT_FOUND)
    if state.rules.slow_mode_s and who.role != FACILITATOR:
        wait_s = state.wait_s(who.handle, command.key, now)
        if wait_s > 0:
            return Refusal(Why.SLOW_MODE, wait_s)
    event = Posted(room=command.room, handle=who.handle, text=text, reply_to=command.reply_to, role=who.role)
    # The prefix keeps a person's own keys apart from those that the server makes below.
    return Draft(event, state.epoch, state.version, f"p:{command.key}")


def _react(command: React, who: Who, state: RoomState) -> Draft | Refusal:
    if command.kind not in REACTIONS:
        return Refusal(Why.BAD_KIND)
    if command.seq > state.head:
        return Refusal(Why.NOT_FOUND)
    event = Reacted(room=command.room, handle=who.handle, target=command.seq, kind=command.kind)
    return Draft(event, state.epoch, state.version, f"r:{command.seq}:{command.kind}")


def _withdraw(command: Withdraw, who: Who, state: RoomState) -> Draft | Refusal:
    if command.seq > state.head:
        return Refusal(Why.NOT_FOUND)
    event = Withdrawn(room=command.room, handle=who.handle, target=command.seq)
    return Draft(event, state.epoch, state.version, f"w:{command.seq}", withdraws=command.seq)


def _slow(command: Slow, who: Who, state: RoomState) -> Draft | Refusal:
    if who.role != FACILITATOR:
        return Refusal(Why.NOT_ALLOWED)
    rules = Rules(slow_mode_s=command.seconds)
    event = Slowed(room=command.room, handle=who.handle, seconds=command.seconds)
    # Two facilitators may set the same pace one after the other, so the version makes the key.
    return Draft(event, state.epoch, state.version, f"s:{state.version}:{command.seconds}", rules=rules)
