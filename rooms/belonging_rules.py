"""What may happen in the rooms that belong to a session: a line, the facilitators' room, a small group. Pure.

    decide(command, who, state, parent, now) -> Verdict

Judged under the room's own rules and under the session's: who may be here comes from there.

    staff   facilitators
    line    the one whose it is, and the facilitators; in a private word, only the one whose word it is
    group   those whom the split put there, and the facilitators; while it lasts
"""

from collections.abc import Callable
from typing import Any, Final, TypeAlias

from msgspec.structs import replace

from rooms.children import Belonging, read, staff_room
from rooms.command import Command
from rooms.commands import Post, React, RoomCommand, Withdraw
from rooms.log import Draft, Duplicate, Stale
from rooms.moderation import limits
from rooms.posting_rules import post, react, withdraw
from rooms.session import Matter, Session
from rooms.session_apply import draft
from rooms.session_commands import AnswerAppeal, AnswerWord, Appeal, AskWord, DecideHeld, EndWord, OfferWord
from rooms.session_events import (
    AppealAnswered,
    Appealed,
    Decided,
    WordAnswered,
    WordAsked,
    WordEnded,
    WordOffered,
)
from rooms.session_rules import held, silenced
from rooms.state import RoomState
from rooms.text import normalise
from rooms.verdict import FACILITATOR, Refusal, Verdict, Who, Why


def decide(
    command: RoomCommand,
    who: Who,
    state: RoomState,
    parent: RoomState,
    now: float,
    *,
    whose: str | None = None,
) -> Verdict:
    """Judge `command`, said in a room that belongs to the session's room, which stands as `parent`.

    `whose`: the handle that a line belongs to. `now` is monotonic, in seconds.
    """
    room = read(command.room)
    session = parent.rules.session
    if room is None or session is None:
        return Refusal(Why.NO_SESSION)
    if state.doubtful or parent.doubtful:
        return Stale()
    why = not_here(room, who, state, session, whose)
    if why is not None:
        return Refusal(why)
    if isinstance(command, Withdraw):
        return withdraw(command, who, state)
    if isinstance(command, Post | React):
        return _say(command, who, state, parent, room, now)
    judge = _TABLE[room.sort].get(type(command))
    if judge is None:
        return Refusal(Why.NO_SESSION)
    return judge(command, who, state, parent)


def not_here(room: Belonging, who: Who, state: RoomState, session: Session, whose: str | None) -> Why | None:
    """Why `who` has no business in `room` just now; None: they may be there. The door asks it as well."""
    leads = who.role == FACILITATOR
    if room.sort == "staff":
        return None if leads else Why.NOT_ALLOWED
    if room.sort == "line":
        if not leads:
            return None if who.handle == whose else Why.NOT_ALLOWED
        word = state.rules.word
        return Why.NOT_ALLOWED if word is not None and word.accepted and word.by != who.handle else None
    split = session.breakouts
    if split is None or split.id != room.split or room.n >= len(split.groups):
        return Why.NOT_OPEN
    return None if leads or who.handle in split.groups[room.n] else Why.NOT_A_MEMBER


def _say(
    command: Post | React, who: Who, state: RoomState, parent: RoomState, room: Belonging, now: float
) -> Verdict:
    """In a line and among facilitators it is never too loud; in a small group the session's rules hold."""
    paced = parent if room.sort == "group" else None
    said = (
        post(command, who, state, now, paced=paced)
        if isinstance(command, Post)
        else react(command, who, state)
    )
    session = parent.rules.session
    if room.sort != "group" or session is None:
        return said
    if who.role != FACILITATOR:
        why = silenced(session, who.handle)
        if why is not None and (isinstance(command, Post) or why is Why.PAUSED):
            return Refusal(why)
    if isinstance(command, Post) and "hold" in limits(session, who.handle):
        return held(said, room.parent, parent.epoch, parent.version)
    if isinstance(said, Refusal):
        return said
    return replace(said, also=((room.parent, parent.epoch, parent.version),))


# ---- in a line -----------------------------------------------------------------------------------


def _ask_word(command: AskWord, who: Who, state: RoomState, parent: RoomState) -> Verdict:
    if who.role == FACILITATOR:
        return Refusal(Why.NOT_ALLOWED)
    event = WordAsked(room=_staff(command), handle=who.handle, line=command.room)
    return Draft(event, parent.epoch, parent.version, f"word:{command.key}")


def _offer_word(command: OfferWord, who: Who, state: RoomState, parent: RoomState) -> Verdict:
    if who.role != FACILITATOR:
        return Refusal(Why.NOT_ALLOWED)
    word = state.rules.word
    if word is not None:
        # One at a time: a yes must mean the one whose question they read.
        return Duplicate(state.version) if word.by == who.handle else Refusal(Why.LIMIT_REACHED)
    return draft(state, WordOffered(room=command.room, handle=who.handle), f"offer:{command.key}")


def _answer_word(command: AnswerWord, who: Who, state: RoomState, parent: RoomState) -> Verdict:
    if who.role == FACILITATOR:
        return Refusal(Why.NOT_ALLOWED)
    word = state.rules.word
    if word is None:
        return Refusal(Why.NOT_FOUND)
    if word.accepted:
        return Duplicate(state.version)
    event = WordAnswered(room=command.room, handle=who.handle, yes=command.yes, by=word.by)
    return draft(state, event, f"answer:{state.version}")


def _end_word(command: EndWord, who: Who, state: RoomState, parent: RoomState) -> Verdict:
    if state.rules.word is None:
        return Duplicate(state.version)
    return draft(state, WordEnded(room=command.room, handle=who.handle), f"end:{state.version}")


def _appeal(command: Appeal, who: Who, state: RoomState, parent: RoomState) -> Verdict:
    if who.role == FACILITATOR:
        return Refusal(Why.NOT_ALLOWED)
    matter = _matter(state, "told", command.told)
    if matter is None:
        return Refusal(Why.NOT_FOUND)
    event = Appealed(
        room=_staff(command),
        handle=who.handle,
        what=matter.what,
        against=matter.by,
        text=normalise(command.text),
        target=matter.target,
    )
    return Draft(event, parent.epoch, parent.version, f"appeal:{command.told}")


# ---- among the facilitators ------------------------------------------------------------------------


def _decide_held(command: DecideHeld, who: Who, state: RoomState, parent: RoomState) -> Verdict:
    matter = _matter(state, "held", command.seq)
    if matter is None:
        return Refusal(Why.NOT_FOUND)
    where, session = read(matter.what), parent.rules.session
    assert session is not None  # `decide` has looked
    if command.yes and where is not None and not_here(where, who, state, session, None) is not None:
        return Refusal(Why.WRONG_PHASE)  # the small group that it was meant for is no more
    reason = normalise(command.reason)
    event = Decided(room=command.room, handle=who.handle, target=command.seq, yes=command.yes, reason=reason)
    return replace(draft(state, event, f"decided:{command.seq}"), withdraws=command.seq)


def _answer_appeal(command: AnswerAppeal, who: Who, state: RoomState, parent: RoomState) -> Verdict:
    matter = _matter(state, "appeal", command.seq)
    if matter is None:
        return Refusal(Why.NOT_FOUND)
    if matter.by == who.handle:
        return Refusal(Why.NOT_ALLOWED)  # another one looks again
    reason = normalise(command.reason)
    event = AppealAnswered(
        room=command.room, handle=who.handle, target=command.seq, yes=command.yes, reason=reason
    )
    return draft(state, event, f"answered:{command.seq}")


def _staff(command: RoomCommand) -> str:
    room = read(command.room)
    assert room is not None
    return staff_room(room.parent)


def _matter(state: RoomState, kind: str, id_: int) -> Matter | None:
    return next((matter for matter in state.rules.open if (matter.kind, matter.id) == (kind, id_)), None)


_Judge: TypeAlias = Callable[[Any, Who, RoomState, RoomState], Verdict]

_TABLE: Final[dict[str, dict[type[Command], _Judge]]] = {
    "staff": {DecideHeld: _decide_held, AnswerAppeal: _answer_appeal},
    "line": {
        AskWord: _ask_word,
        OfferWord: _offer_word,
        AnswerWord: _answer_word,
        EndWord: _end_word,
        Appeal: _appeal,
    },
    "group": {},
}
