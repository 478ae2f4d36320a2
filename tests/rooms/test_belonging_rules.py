"""The rooms that belong to a session: a line, the private word in it, and the facilitators' own room."""

import pytest
from msgspec.structs import replace

from rooms.commands import Post, RoomCommand
from rooms.events import Rules
from rooms.log import Draft, Head
from rooms.rules import Refusal, Verdict, Who, Why, decide
from rooms.session import Limited, Phase, Word
from rooms.session_commands import AnswerWord, Appeal, AskWord, EndTurn, EndWord, Move, OfferWord, RaiseHand
from rooms.session_events import WordAsked
from rooms.state import RoomState
from tests.rooms.sessions import GUIDE, HERON, LARCH, PEOPLE, ROOM, SECOND, Room, a_session, of

STAFF = f"{ROOM}~staff"
LINE = f"{ROOM}~line.{'m' * 12}"


def post() -> Post:
    return Post(id=1, room=ROOM, key="p", text="hello")


class Line:
    """Heron's line, in a session in `phase`."""

    def __init__(self, word: Word | None = None, phase: Phase = "open") -> None:
        self.parent = Room(a_session(phase, limited=(Limited(HERON.handle, "mute", "other"),)))
        self.state = RoomState(Head("l1", 4, 1, 0, Rules(word=word)))

    def judge(self, command: RoomCommand, who: Who) -> Verdict:
        asked = replace(command, room=LINE)
        return decide(asked, who, self.state, 0.0, parent=self.parent.state, whose=HERON.handle)

    def do(self, command: RoomCommand, who: Who) -> None:
        made = of(Draft, self.judge(command, who))
        self.state.fold(replace(made.event, seq=self.state.head + 1), 0.0)
        assert made.rules is None or made.rules == self.state.rules


@pytest.mark.parametrize("phase", ["lobby", "open", "paused", "closed"])
def test_in_a_line_one_is_always_heard(phase: Phase) -> None:
    line = Line(phase=phase)
    for who in (HERON, GUIDE, SECOND):
        line.do(post(), who)
    assert of(Refusal, line.judge(post(), LARCH)).why is Why.NOT_ALLOWED


def test_a_private_word_is_between_two_and_begins_when_both_want_it() -> None:
    line = Line()
    assert of(Refusal, line.judge(AnswerWord(id=1, room=LINE, yes=True), HERON)).why is Why.NOT_FOUND
    line.do(OfferWord(id=1, room=LINE, key="k"), GUIDE)
    assert line.state.rules.word == Word(GUIDE.handle)
    assert of(Refusal, line.judge(OfferWord(id=1, room=LINE, key="o"), SECOND)).why is Why.LIMIT_REACHED
    line.do(post(), SECOND)
    line.do(AnswerWord(id=1, room=LINE, yes=True), HERON)
    assert line.state.rules.word == Word(GUIDE.handle, accepted=True)
    for command in (post(), OfferWord(id=1, room=LINE, key="j"), EndWord(id=1, room=LINE)):
        assert of(Refusal, line.judge(command, SECOND)).why is Why.NOT_ALLOWED
    line.do(post(), GUIDE)
    line.do(EndWord(id=1, room=LINE), HERON)
    line.do(post(), SECOND)


def test_not_now_is_an_answer() -> None:
    line = Line(Word(GUIDE.handle))
    line.do(AnswerWord(id=1, room=LINE, yes=False), HERON)
    assert line.state.rules.word is None
    assert of(Refusal, line.judge(AnswerWord(id=1, room=LINE, yes=True), GUIDE)).why is Why.NOT_ALLOWED
    assert of(Refusal, line.judge(OfferWord(id=1, room=LINE, key="k"), HERON)).why is Why.NOT_ALLOWED


def test_a_word_is_asked_for_from_the_room_or_from_the_line() -> None:
    line = Line()
    asked = of(Draft, line.parent.judge(AskWord(id=1, room=ROOM, key="k"), HERON))
    again = of(Draft, line.judge(AskWord(id=1, room=ROOM, key="k"), HERON))
    assert asked == again
    assert asked.event == WordAsked(room=STAFF, handle=HERON.handle, line=LINE)
    assert line.parent.why(AskWord(id=1, room=ROOM, key="k"), GUIDE) is Why.NOT_ALLOWED


def test_the_facilitators_have_a_room_of_their_own() -> None:
    parent, state = Room(a_session()), RoomState(Head("s1", 4, 1, 0, Rules()))
    said = replace(post(), room=STAFF)
    assert isinstance(decide(said, GUIDE, state, 0.0, parent=parent.state), Draft)
    assert of(Refusal, decide(said, HERON, state, 0.0, parent=parent.state)).why is Why.NOT_ALLOWED


@pytest.mark.parametrize(
    "command", [RaiseHand(id=1, room=STAFF), EndTurn(id=1, room=STAFF), Move(id=1, room=STAFF, phase="open")]
)
def test_the_sessions_commands_are_said_in_its_own_room(command: RoomCommand) -> None:
    parent, state = Room(a_session()), RoomState(Head("s1", 4, 1, 0, Rules()))
    verdict = decide(replace(command, room=STAFF), GUIDE, state, 0.0, parent=parent.state)
    assert of(Refusal, verdict).why is Why.NO_SESSION
    assert parent.why(Appeal(id=1, room=ROOM, told=1), PEOPLE[0]) is Why.NO_SESSION
