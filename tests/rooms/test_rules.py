"""What may happen in a room, as dialogues: a command, and what becomes of it."""

import pytest

from rooms.commands import Post, React, Slow, Withdraw
from rooms.events import Posted, Reacted, Rules, Slowed, Withdrawn
from rooms.log import Draft, Head
from rooms.rules import FACILITATOR, Refusal, Who, Why, decide
from rooms.state import RoomState
from rooms.verdict import Verdict

HERON = Who("quiet-heron")
LARCH = Who("open-larch")
GUIDE = Who("calm-river", FACILITATOR)


def room(head: int = 10, slow_mode_s: int = 0, version: int = 0) -> RoomState:
    return RoomState(Head("e1", head, 1, version, Rules(slow_mode_s=slow_mode_s)))


def post(text: str = "hello", key: str = "k1", reply_to: int | None = None) -> Post:
    return Post(id=1, room="icu", key=key, text=text, reply_to=reply_to)


def drafted(result: Verdict) -> Draft:
    assert isinstance(result, Draft)
    return result


def refused(result: Verdict) -> Refusal:
    assert isinstance(result, Refusal)
    return result


def test_a_post_is_drafted_under_the_rules_it_was_judged_by() -> None:
    draft = drafted(decide(post("  hello  "), HERON, room(version=7), 0.0))
    assert draft.event == Posted(room="icu", handle="quiet-heron", text="hello")
    assert (draft.epoch, draft.rules_version, draft.rules) == ("e1", 7, None)


def test_a_facilitators_post_says_so() -> None:
    event = drafted(decide(post(), GUIDE, room(), 0.0)).event
    assert isinstance(event, Posted)
    assert event.role == FACILITATOR


@pytest.mark.parametrize(
    ("command", "why"),
    [
        (post(" \x00\n "), Why.TEXT_EMPTY),
        (post("x" * 4001), Why.TEXT_TOO_LONG),
        (post(reply_to=11), Why.NOT_FOUND),
        (React(id=1, room="icu", seq=11, kind="heard"), Why.NOT_FOUND),
        (React(id=1, room="icu", seq=1, kind="applause"), Why.BAD_KIND),
        (Withdraw(id=1, room="icu", seq=11), Why.NOT_FOUND),
        (Slow(id=1, room="icu", seconds=5), Why.NOT_ALLOWED),
    ],
)
def test_refusals(command: Post | React | Withdraw | Slow, why: Why) -> None:
    assert refused(decide(command, HERON, room(), 0.0)).why is why


def test_four_thousand_characters_are_a_post() -> None:
    drafted(decide(post("é" * 4000), HERON, room(), 0.0))


def test_a_reaction_and_a_withdrawal() -> None:
    reaction = drafted(decide(React(id=1, room="icu", seq=3, kind="me_too"), HERON, room(), 0.0))
    assert reaction.event == Reacted(room="icu", handle="quiet-heron", target=3, kind="me_too")
    withdrawal = drafted(decide(Withdraw(id=1, room="icu", seq=3), HERON, room(), 0.0))
    assert withdrawal.event == Withdrawn(room="icu", handle="quiet-heron", target=3)
    assert withdrawal.withdraws == 3


def test_keys_of_different_commands_never_meet() -> None:
    """A post whose key looks like a reaction's must not be taken for that reaction."""
    said = drafted(decide(post(key="r:3:me_too"), HERON, room(), 0.0))
    reacted = drafted(decide(React(id=1, room="icu", seq=3, kind="me_too"), HERON, room(), 0.0))
    assert said.key != reacted.key


def test_slow_mode_binds_participants_and_not_the_facilitator() -> None:
    state = room(slow_mode_s=15, version=4)
    drafted(decide(post(key="a"), HERON, state, 100.0))
    state.spoke("quiet-heron", "a", 100.0)
    refusal = refused(decide(post(key="b"), HERON, state, 105.0))
    assert (refusal.why, refusal.retry_after_s) == (Why.SLOW_MODE, 10.0)
    drafted(decide(post(key="b"), LARCH, state, 105.0))
    drafted(decide(post(key="b"), HERON, state, 115.0))
    state.spoke("calm-river", "x", 105.0)
    drafted(decide(post(key="y"), GUIDE, state, 105.0))


def test_the_same_post_sent_again_is_not_slowed() -> None:
    state = room(slow_mode_s=15)
    state.spoke("quiet-heron", "a", 100.0)
    drafted(decide(post(key="a"), HERON, state, 101.0))


def test_slow_mode_is_known_from_what_other_nodes_let_through() -> None:
    state = room(head=10)
    state.fold(Slowed(room="icu", seq=11, handle="calm-river", seconds=30), 50.0)
    assert (state.version, state.rules.slow_mode_s) == (11, 30)
    state.fold(Posted(room="icu", seq=12, handle="quiet-heron", text="hi"), 60.0)
    assert refused(decide(post(), HERON, state, 61.0)).retry_after_s == 29.0
    state.fold(Slowed(room="icu", seq=13, handle="calm-river", seconds=0), 62.0)
    drafted(decide(post(), HERON, state, 63.0))


def test_a_change_of_rules_carries_the_new_rules() -> None:
    draft = drafted(decide(Slow(id=1, room="icu", seconds=30), GUIDE, room(version=4), 0.0))
    assert draft.rules == Rules(slow_mode_s=30)
    again = drafted(decide(Slow(id=1, room="icu", seconds=30), GUIDE, room(version=9), 0.0))
    assert draft.key != again.key


def test_an_event_older_than_the_rules_does_not_change_them() -> None:
    state = room(head=10, slow_mode_s=5, version=9)
    state.fold(Slowed(room="icu", seq=8, handle="calm-river", seconds=60), 0.0)
    assert state.rules.slow_mode_s == 5


def test_who_spoke_is_bounded() -> None:
    state = room(slow_mode_s=5)
    for n in range(10_000):
        state.spoke(f"h{n}", "k", float(n))
    assert state.wait_s("h9999", "other", 9999.0) == 5.0
    assert state.wait_s("h1", "other", 9999.0) == 0.0
