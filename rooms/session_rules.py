"""What may happen in a session's room: a command becomes a draft or a refusal. Pure.

    decide(command, scene) -> Verdict

One table says who may ask what. What is the facilitators' is refused to everybody else before anything else
is looked at; what is the group's, to whoever has no place in it. What a command does then is in the function
beside it; what its event does to the session is in `session_changes.py`.
"""

from collections.abc import Callable
from typing import Any, Final, Literal, NamedTuple

from rooms import floor_rules, group_rules, hour_rules
from rooms.children import staff_room
from rooms.command import Command
from rooms.commands import Post, React, RoomCommand, Slow, Withdraw
from rooms.events import Posted
from rooms.floor import speaker
from rooms.log import Draft, Stale
from rooms.moderation import limits
from rooms.phases import FINAL
from rooms.posting_rules import post, react, slow, withdraw
from rooms.scene import Scene
from rooms.session import Session
from rooms.session_apply import draft
from rooms.session_commands import (
    Accept,
    Announce,
    AnswerCheckIn,
    AskWord,
    ClosePoll,
    EndRound,
    EndTurn,
    Extend,
    GiveFloor,
    Hide,
    Lock,
    Move,
    OpenPoll,
    PauseAll,
    Pin,
    RaiseHand,
    Recall,
    Restrict,
    Resume,
    SetFloor,
    SplitGroup,
    StartRound,
    Vote,
)
from rooms.session_events import Accepted, Held, WordAsked
from rooms.verdict import Refusal, Verdict, Why


def decide(command: RoomCommand, scene: Scene) -> Verdict:
    """Judge `command`, said in the room of a session."""
    asked = _TABLE.get(type(command))
    if asked is None:
        return Refusal(Why.NO_SESSION)  # it belongs in a line, or in the facilitators' room
    if asked.whose == "facilitators" and not scene.leads:
        return Refusal(Why.NOT_ALLOWED)
    if scene.state.doubtful:
        return Stale()
    session, handle = scene.session, scene.who.handle
    if (session.phase in FINAL or session.phase == "scheduled") and type(command) not in _ANY_TIME:
        return Refusal(Why.NOT_OPEN)
    if asked.whose != "everybody's" and not scene.leads and "remove" in limits(session, handle):
        return Refusal(Why.REMOVED)
    if asked.whose == "the group's" and handle not in session.members:
        return Refusal(Why.NOT_A_MEMBER)
    return asked.judge(command, scene)


def silenced(session: Session, handle: str) -> Why | None:
    """Why a participant may not post in any room of this session just now; None: they may."""
    if session.phase == "paused":
        return Why.PAUSED
    if handle not in session.accepted:
        return Why.NOT_ACCEPTED
    if "mute" in limits(session, handle):
        return Why.MUTED
    return None


def held(draft_: Draft | Refusal, parent: str, epoch: str, version: int) -> Draft | Refusal:
    """A post of somebody whose posts wait for approval: it goes to the facilitators' room instead.

    `epoch` and `version` are of the session's room `parent`, whose rules say that they are held.
    """
    if isinstance(draft_, Refusal):
        return draft_
    said = draft_.event
    assert isinstance(said, Posted)
    event = Held(
        room=staff_room(parent),
        handle=said.handle,
        key=draft_.key.removeprefix("p:"),
        text=said.text,
        reply_to=said.reply_to,
        where="" if said.room == parent else said.room,
    )
    return Draft(event, epoch, version, draft_.key)


def _post(command: Post, scene: Scene) -> Verdict:
    session, handle = scene.session, scene.who.handle
    if scene.leads:
        return post(command, scene.who, scene.state, scene.now)
    if handle not in session.members:
        return Refusal(Why.NOT_A_MEMBER)
    if (why := silenced(session, handle)) is not None:
        return Refusal(why)
    if session.floor.by_hand and session.phase != "lobby" and speaker(session.floor) != handle:
        return Refusal(Why.NOT_YOUR_TURN)
    said = post(command, scene.who, scene.state, scene.now)
    if "hold" in limits(session, handle):
        return held(said, scene.room, scene.state.epoch, scene.state.version)
    return said


def _react(command: React, scene: Scene) -> Verdict:
    if not scene.leads:
        if scene.who.handle not in scene.session.members:
            return Refusal(Why.NOT_A_MEMBER)
        if scene.session.phase == "paused":
            return Refusal(Why.PAUSED)
    return react(command, scene.who, scene.state)


def _accept(command: Accept, scene: Scene) -> Verdict:
    session, handle = scene.session, scene.who.handle
    if handle in session.accepted and (handle in session.listening) == command.listen:
        return scene.so_already()
    event = Accepted(room=scene.room, handle=handle, listen=command.listen)
    return scene.draft(event, f"accept:{command.listen}")


def _ask_word(command: AskWord, scene: Scene) -> Verdict:
    if scene.leads or scene.line is None:
        return Refusal(Why.NOT_ALLOWED)
    event = WordAsked(room=staff_room(scene.room), handle=scene.who.handle, line=scene.line)
    return draft(scene.state, event, f"word:{command.key}")


class _Asked(NamedTuple):
    whose: Literal["facilitators", "the group's", "talk", "everybody's"]
    """Who may ask it. "talk": the function looks closer. "everybody's": who was removed, too."""
    judge: Callable[[Any, Scene], Verdict]


_ANY_TIME: Final[frozenset[type[Command]]] = frozenset({Withdraw, Move})
"""What may be asked before a session begins and after it is over, as far as it goes."""

_TABLE: Final[dict[type[Command], _Asked]] = {
    Post: _Asked("talk", _post),
    React: _Asked("talk", _react),
    AskWord: _Asked("everybody's", _ask_word),
    Withdraw: _Asked("everybody's", lambda command, scene: withdraw(command, scene.who, scene.state)),
    Accept: _Asked("the group's", _accept),
    RaiseHand: _Asked("the group's", floor_rules.raise_hand),
    Vote: _Asked("the group's", group_rules.vote),
    AnswerCheckIn: _Asked("the group's", group_rules.answer_check_in),
    EndTurn: _Asked("talk", floor_rules.end_turn),
    Slow: _Asked("facilitators", lambda command, scene: slow(command, scene.who, scene.state)),
    Move: _Asked("facilitators", hour_rules.move),
    Extend: _Asked("facilitators", hour_rules.extend),
    PauseAll: _Asked("facilitators", hour_rules.pause),
    Resume: _Asked("facilitators", hour_rules.resume),
    SplitGroup: _Asked("facilitators", hour_rules.split),
    Recall: _Asked("facilitators", hour_rules.recall),
    SetFloor: _Asked("facilitators", floor_rules.set_floor),
    GiveFloor: _Asked("facilitators", floor_rules.give_floor),
    StartRound: _Asked("facilitators", floor_rules.start_round),
    EndRound: _Asked("facilitators", floor_rules.end_round),
    Announce: _Asked("facilitators", group_rules.announce),
    Pin: _Asked("facilitators", group_rules.pin),
    OpenPoll: _Asked("facilitators", group_rules.open_poll),
    ClosePoll: _Asked("facilitators", group_rules.close_poll),
    Hide: _Asked("facilitators", group_rules.hide),
    Restrict: _Asked("facilitators", group_rules.restrict),
    Lock: _Asked("facilitators", group_rules.lock),
}

FACILITATORS_ONLY: Final = frozenset(kind for kind, asked in _TABLE.items() if asked.whose == "facilitators")
"""The commands of a session's room that only facilitators may ask."""
