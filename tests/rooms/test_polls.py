"""Polls: one vote each, shown from k up, and nobody's choice kept or told."""

import msgspec
import pytest

from rooms import polls
from rooms.events import AnyEvent, Rules
from rooms.log import Draft, Head, Stale
from rooms.rules import Who, Why
from rooms.session import Phase
from rooms.session_commands import ClosePoll, Lock, OpenPoll, Vote
from rooms.session_events import PollClosed, PollOpened, Voted
from rooms.state import RoomState
from tests.rooms.sessions import GUIDE, HERON, LARCH, NAMES, OTTER, PEOPLE, ROOM, Room, a_session, of


def opens(*options: str) -> OpenPoll:
    return OpenPoll(id=1, room=ROOM, key="p", question="How heavy?", options=options or ("a", "b", "c"))


def polled(members: int = 4) -> tuple[Room, int]:
    room = Room(a_session(members=NAMES[:members]))
    return room, of(PollOpened, room.do(opens(), GUIDE)).seq


def vote(poll: int, choice: int = 0) -> Vote:
    return Vote(id=1, room=ROOM, poll=poll, choice=choice)


def test_a_poll_is_named_after_the_event_that_opened_it() -> None:
    room, seq = polled()
    poll = room.session.poll
    assert poll is not None
    assert (poll.id, poll.tally) == (seq, (0, 0, 0))


def test_everybody_votes_once_and_the_tally_adds_up() -> None:
    room, seq = polled()
    for who, choice in ((HERON, 2), (LARCH, 2), (OTTER, 0)):
        event = of(Voted, room.do(vote(seq, choice), who))
        assert "choice" not in msgspec.to_builtins(event)
    assert room.why(vote(seq), HERON) is Why.ALREADY_VOTED
    closed = of(PollClosed, room.do(ClosePoll(id=1, room=ROOM, poll=seq), GUIDE))
    assert closed.results == (1, 0, 2)
    assert room.session.poll is None


def test_of_too_few_votes_nothing_is_shown() -> None:
    room, seq = polled()
    room.do(vote(seq), HERON)
    room.do(vote(seq), LARCH)
    assert of(PollClosed, room.do(ClosePoll(id=1, room=ROOM, poll=seq), GUIDE)).results is None


@pytest.mark.parametrize(("poll", "choice"), [(99, 0), (21, 3)])
def test_votes_for_nothing(poll: int, choice: int) -> None:
    room, seq = polled()
    assert seq == 21
    assert room.why(vote(poll, choice), HERON) is Why.NOT_FOUND


@pytest.mark.parametrize("who", [GUIDE, PEOPLE[5]])
def test_only_members_vote(who: Who) -> None:
    room, seq = polled()
    assert room.why(vote(seq), who) is Why.NOT_A_MEMBER


@pytest.mark.parametrize("phase", ["lobby", "paused"])
def test_when_no_poll_opens(phase: Phase) -> None:
    assert Room(a_session(phase)).why(opens(), GUIDE) is Why.WRONG_PHASE


def test_one_poll_at_a_time_with_words_in_it() -> None:
    room, seq = polled()
    assert room.why(opens(), GUIDE) is Why.WRONG_PHASE
    assert room.why(ClosePoll(id=1, room=ROOM, poll=seq + 1), GUIDE) is Why.NOT_FOUND
    assert Room(a_session()).why(opens("a", " \u200b"), GUIDE) is Why.TEXT_EMPTY


# ---- on other nodes ------------------------------------------------------------------------------


def other_node(room: Room, events: list[AnyEvent]) -> RoomState:
    """A node that has only heard of what happened."""
    state = RoomState(Head("e1", 20, 1, 0, Rules(session=a_session())))
    for event in events:
        state.fold(event, 0.0)
    return state


def test_a_node_that_only_heard_of_a_vote_knows_that_it_does_not_know() -> None:
    room, seq = polled()
    foreign = other_node(room, room.log)
    assert (foreign.doubtful, foreign.rules) == (False, room.state.rules)
    event = room.do(vote(seq, 1), HERON)
    before = foreign.version
    foreign.fold(event, 0.0)
    assert (foreign.doubtful, foreign.version) == (True, before), "the log keeps nothing decided here"
    elsewhere = Room(a_session())
    elsewhere.state = foreign
    assert elsewhere.judge(vote(seq, 0), LARCH) == Stale()
    assert elsewhere.judge(Lock(id=1, room=ROOM), GUIDE) == Stale()

    locked = room.do(Lock(id=1, room=ROOM), GUIDE)
    foreign.fold(locked, 0.0)
    foreign.learn(elsewhere.state.rules, event.seq)
    assert (foreign.doubtful, foreign.version) == (True, event.seq), "what it had before the lock is not all"
    foreign.learn(room.state.rules, locked.seq)
    assert (foreign.doubtful, foreign.rules) == (False, room.state.rules)
    assert of(Draft, elsewhere.judge(vote(seq, 0), LARCH)).rules_version == locked.seq


def test_what_the_head_says_of_a_poll_that_was_just_opened() -> None:
    room, _ = polled()
    fresh = Room(a_session())
    made = of(Draft, fresh.judge(opens(), GUIDE))
    assert made.rules is not None
    head = Head("e1", 25, 1, 21, made.rules)
    assert RoomState(head).rules == room.state.rules


def test_a_tally_is_the_sum_of_its_votes() -> None:
    poll = polls.opened(5, "?", ("a", "b"))
    for n, choice in enumerate((0, 1, 1, 0, 1)):
        poll = polls.with_vote(poll, f"h{n}", choice)
    assert (poll.tally, len(poll.voted)) == ((2, 3), 5)
    assert polls.results(poll, 5) == (2, 3)
    assert polls.results(poll, 6) is None
