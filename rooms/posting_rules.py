"""What may be said, in any room: posts, reactions, withdrawals, and the pace. Pure.

Whether somebody may speak in this room just now was judged before (`session_rules.py`, `belonging_rules.py`).
"""

from msgspec.structs import replace

from rooms.commands import Post, React, Slow, Withdraw
from rooms.events import REACTIONS, Posted, Reacted, Slowed, Withdrawn
from rooms.log import Draft
from rooms.state import RoomState
from rooms.text import MAX_CHARACTERS, normalise
from rooms.verdict import FACILITATOR, Refusal, Who, Why


def post(
    command: Post, who: Who, state: RoomState, now: float, *, paced: RoomState | None = None
) -> Draft | Refusal:
    """`paced`: the room whose slow mode holds here as well, where it is another one."""
    text = normalise(command.text)
    if not text:
        return Refusal(Why.TEXT_EMPTY)
    if len(text) > MAX_CHARACTERS:
        return Refusal(Why.TEXT_TOO_LONG)
    if command.reply_to is not None and command.reply_to > state.head:
        return Refusal(Why.NOT_FOUND)
    paced = paced or state
    if paced.rules.slow_mode_s and who.role != FACILITATOR:
        wait_s = paced.wait_s(who.handle, command.key, now)
        if wait_s > 0:
            return Refusal(Why.SLOW_MODE, wait_s)
    event = Posted(room=command.room, handle=who.handle, text=text, reply_to=command.reply_to, role=who.role)
    # The prefix keeps a person's own keys apart from those that the server makes below.
    return Draft(event, state.epoch, state.version, f"p:{command.key}")


def react(command: React, who: Who, state: RoomState) -> Draft | Refusal:
    if command.kind not in REACTIONS:
        return Refusal(Why.BAD_KIND)
    if command.seq > state.head:
        return Refusal(Why.NOT_FOUND)
    event = Reacted(room=command.room, handle=who.handle, target=command.seq, kind=command.kind)
    return Draft(event, state.epoch, state.version, f"r:{command.seq}:{command.kind}")


def withdraw(command: Withdraw, who: Who, state: RoomState) -> Draft | Refusal:
    if command.seq > state.head:
        return Refusal(Why.NOT_FOUND)
    event = Withdrawn(room=command.room, handle=who.handle, target=command.seq)
    return Draft(event, state.epoch, state.version, f"w:{command.seq}", withdraws=command.seq)


def slow(command: Slow, who: Who, state: RoomState) -> Draft | Refusal:
    if who.role != FACILITATOR:
        return Refusal(Why.NOT_ALLOWED)
    rules = replace(state.rules, slow_mode_s=command.seconds)
    event = Slowed(room=command.room, handle=who.handle, seconds=command.seconds)
    # Two facilitators may set the same pace one after the other, so the version makes the key.
    return Draft(event, state.epoch, state.version, f"s:{state.version}:{command.seconds}", rules=rules)
