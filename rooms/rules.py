"""What may happen in a room: the one place where a command becomes a draft or a refusal. Pure.

    decide(command, who, state, now) -> Verdict

A draft names the epoch and the version of the rules it was decided under; the log keeps it
only under those. What only the log can know (whose event a withdrawal names) the log decides,
in the same transaction.

    a room without a session   posting_rules.py, and nothing else is asked
    a session's room           session_rules.py
    one that belongs to it     belonging_rules.py: under its own rules and the session's
"""

from rooms import belonging_rules, session_rules
from rooms.commands import Post, React, RoomCommand, Slow, Withdraw
from rooms.log import Draft
from rooms.posting_rules import post, react, slow, withdraw
from rooms.scene import Scene
from rooms.state import RoomState
from rooms.verdict import FACILITATOR, Refusal, Verdict, Who, Why

__all__ = ["FACILITATOR", "Refusal", "Verdict", "Who", "Why"]  # besides what is defined here


def decide(
    command: RoomCommand,
    who: Who,
    state: RoomState,
    now: float,
    *,
    unix_now: int = 0,
    parent: RoomState | None = None,
    whose: str | None = None,
    line: str | None = None,
) -> Verdict:
    """Judge `command` under the rules in `state`. `now` is monotonic, in seconds.

    In a session `unix_now` is the time by the calendar, in Unix seconds, and `line` the name of the asker's
    own line. In a room that belongs to a session `parent` is the state of the session's room, and `whose` the
    handle that a line belongs to.
    """
    session = state.rules.session
    if session is None and parent is None:
        return decide_ordinary(command, who, state, now)
    if parent is not None:
        return belonging_rules.decide(command, who, state, parent, now, whose=whose)
    assert session is not None
    return session_rules.decide(command, Scene(who, state, session, command.room, now, unix_now, line))


def decide_ordinary(command: RoomCommand, who: Who, state: RoomState, now: float) -> Draft | Refusal:
    """The same in a room that has no session and belongs to none, where nearly everything is said."""
    if isinstance(command, Post):
        return post(command, who, state, now)
    if isinstance(command, React):
        return react(command, who, state)
    if isinstance(command, Withdraw):
        return withdraw(command, who, state)
    if isinstance(command, Slow):
        return slow(command, who, state)
    return Refusal(Why.NO_SESSION)
