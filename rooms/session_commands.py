"""What somebody asks of a facilitated session, in the imperative. More of `commands.py`.

Who may ask what is decided in `session_rules.py`, and refused at the wire; the page merely does not offer it.
`room` is the session's room, but for the last group, which are said in a line or in the facilitators' room.
"""

from typing import Annotated, Literal, TypeAlias

from msgspec import Meta

from rooms.command import ClientKey, Command, Seq
from rooms.session import MAX_OPTIONS, Asked, Limit, Line, Phase, Words

Handle: TypeAlias = Annotated[str, Meta(min_length=1, max_length=64)]
Rule: TypeAlias = Annotated[str, Meta(min_length=1, max_length=64)]
"""Which of the ground rules: `what_is_said_stays`, `no_advice`, `no_identifying`, `no_patients`, `kindness`,
`off_topic`, `other`."""


# ---- anybody who has a place ---------------------------------------------------------------------


class Accept(Command, frozen=True, kw_only=True, tag="accept"):
    """Accept the ground rules, to talk or to listen; said again, it changes between the two."""

    listen: bool = False


class RaiseHand(Command, frozen=True, kw_only=True, tag="raise_hand"):
    up: bool = True


class EndTurn(Command, frozen=True, kw_only=True, tag="end_turn"):
    """One's own turn is over, or passed; a facilitator may end anybody's (`whose`)."""

    passed: bool = False
    whose: Handle | None = None


class Vote(Command, frozen=True, kw_only=True, tag="vote"):
    """Once, and it cannot be changed: what one voted for is not kept."""

    poll: Seq
    choice: Annotated[int, Meta(ge=0, lt=MAX_OPTIONS)]


Answer: TypeAlias = Annotated[int, Meta(ge=0, le=10)]


class AnswerCheckIn(Command, frozen=True, kw_only=True, tag="check_in"):
    """How heavy it is right now, and how alone one feels; `burnout`, where it is asked, is the number of the
    sentence that fits. Once for each time of asking; what was answered is kept nowhere but in a sum."""

    asked: Asked
    heavy: Answer
    alone: Answer
    burnout: Annotated[int, Meta(ge=1, le=5)] | None = None


class AskWord(Command, frozen=True, kw_only=True, tag="ask_word"):
    """Ask for a private word with a facilitator."""

    key: ClientKey


class Appeal(Command, frozen=True, kw_only=True, tag="appeal"):
    """Ask another facilitator to look again at what the `told` at `told` (in one's line) says."""

    told: Seq
    text: Words = ""


# ---- facilitators --------------------------------------------------------------------------------


class Move(Command, frozen=True, kw_only=True, tag="move"):
    """Go to `phase`, or to part `item` of the agenda (its phase then)."""

    phase: Phase | None = None
    item: Annotated[int, Meta(ge=0, le=20)] | None = None


class Extend(Command, frozen=True, kw_only=True, tag="extend"):
    minutes: Annotated[int, Meta(ge=1, le=30)]


class PauseAll(Command, frozen=True, kw_only=True, tag="pause"):
    """A minute of quiet, or (`seconds` left out) until resumed."""

    seconds: Annotated[int, Meta(ge=10, le=900)] | None = None


class Resume(Command, frozen=True, kw_only=True, tag="resume"):
    """Go on; where no facilitator was there, this is "I take over"."""


class SetFloor(Command, frozen=True, kw_only=True, tag="set_floor"):
    by_hand: bool
    unheard_first: bool = False


class GiveFloor(Command, frozen=True, kw_only=True, tag="give_floor"):
    """To `to`, or to whoever is next; `seconds` of a soft timer."""

    key: ClientKey
    to: Handle | None = None
    seconds: Annotated[int, Meta(ge=15, le=900)] | None = None


class StartRound(Command, frozen=True, kw_only=True, tag="start_round"):
    key: ClientKey
    prompt: Line


class EndRound(Command, frozen=True, kw_only=True, tag="end_round"):
    pass


class Announce(Command, frozen=True, kw_only=True, tag="announce"):
    key: ClientKey
    kind: Literal["announcement", "prompt", "resource"] = "announcement"
    text: Words
    url: Annotated[str, Meta(pattern=r"\Ahttps://[!-~]{1,500}\Z")] | None = None
    everywhere: bool = False
    """Into every small group too."""


class Pin(Command, frozen=True, kw_only=True, tag="pin"):
    seq: Seq
    on: bool = True


class OpenPoll(Command, frozen=True, kw_only=True, tag="open_poll"):
    key: ClientKey
    question: Line
    options: Annotated[tuple[Line, ...], Meta(min_length=2, max_length=MAX_OPTIONS)]


class ClosePoll(Command, frozen=True, kw_only=True, tag="close_poll"):
    poll: Seq


class Hide(Command, frozen=True, kw_only=True, tag="hide"):
    seq: Seq
    rule: Rule
    reason: Words = ""
    on: bool = True


class Restrict(Command, frozen=True, kw_only=True, tag="restrict"):
    whose: Handle
    limit: Limit
    on: bool = True
    rule: Rule = "other"
    reason: Words = ""


class Lock(Command, frozen=True, kw_only=True, tag="lock"):
    on: bool = True


class SplitGroup(Command, frozen=True, kw_only=True, tag="split"):
    """Into groups of about `size`, or `groups` by hand. Nobody is left alone in one."""

    key: ClientKey
    size: Annotated[int, Meta(ge=2, le=8)] | None = None
    groups: Annotated[tuple[tuple[Handle, ...], ...], Meta(max_length=7)] | None = None
    minutes: Annotated[int, Meta(ge=1, le=45)] | None = None


class Recall(Command, frozen=True, kw_only=True, tag="recall"):
    pass


# ---- in a line, or in the facilitators' own room ---------------------------------------------------


class OfferWord(Command, frozen=True, kw_only=True, tag="offer_word"):
    """In somebody's line, by a facilitator."""

    key: ClientKey


class AnswerWord(Command, frozen=True, kw_only=True, tag="answer_word"):
    """In one's own line."""

    yes: bool


class EndWord(Command, frozen=True, kw_only=True, tag="end_word"):
    """In a line, by either of the two."""


class DecideHeld(Command, frozen=True, kw_only=True, tag="decide"):
    """In the facilitators' room: the held post at `seq` goes through, or does not."""

    seq: Seq
    yes: bool
    reason: Words = ""


class AnswerAppeal(Command, frozen=True, kw_only=True, tag="answer_appeal"):
    """In the facilitators' room, by another than the one it was against."""

    seq: Seq
    yes: bool
    reason: Words = ""


SessionCommand: TypeAlias = (
    Accept
    | RaiseHand
    | EndTurn
    | Vote
    | AnswerCheckIn
    | AskWord
    | Appeal
    | Move
    | Extend
    | PauseAll
    | Resume
    | SetFloor
    | GiveFloor
    | StartRound
    | EndRound
    | Announce
    | Pin
    | OpenPoll
    | ClosePoll
    | Hide
    | Restrict
    | Lock
    | SplitGroup
    | Recall
    | OfferWord
    | AnswerWord
    | EndWord
    | DecideHeld
    | AnswerAppeal
)
